"""Intents told apart by the meaning of sentences: logistic regressions on their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

_STEPS = 60
_FILE = "meaning.npz"


@dataclass
class MeaningModel:
    """``weights`` has a column per label; ``mean`` is that of all examples' vectors."""

    mean: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(
        cls, vectors: np.ndarray, labels: Sequence[str], names: Sequence[str], strength: float = 20.0
    ) -> "MeaningModel":
        """Learn one logistic regression per name, that label against all others.

        An example of the label weighs n / (labels · examples of it), another one 1, as liblinear does with balanced
        weights. All of them are learnt at once: one matrix product instead of one per label.
        """
        from scipy.optimize import minimize

        mean = vectors.mean(axis=0)
        known = _unit(vectors - mean)
        own = np.array([[label == name for name in names] for label in labels])
        count = own.sum(axis=0)
        weight = np.where(own, len(own) / (len(names) * count), 1.0)
        size = known.shape[1] * len(names)
        inputs = np.column_stack([known, np.ones(len(known))]).astype(np.float32)  # liblinear, too, shrinks the bias
        weight, sign = weight.astype(np.float32), np.where(own, 1, -1).astype(np.float32)

        def loss(flat: np.ndarray) -> Tuple[float, np.ndarray]:
            w = flat.reshape(-1, len(names))
            lost = np.logaddexp(np.float32(0), -sign * (inputs @ w.astype(np.float32)))
            slope = sign * weight * np.expm1(-lost)  # exp(-lost) is the chance that was given to what is right
            total = float((weight * lost).sum(dtype=np.float64) + (w * w).sum() / (2 * strength))
            return total, ((inputs.T @ slope).astype(np.float64) + w / strength).ravel()

        best = minimize(
            loss, np.zeros(size + len(names)), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "maxcor": 10}
        )
        learnt = best.x.reshape(-1, len(names)).astype(np.float32)
        return cls(mean, learnt[:-1], learnt[-1])

    def save(self, folder: Path) -> None:
        np.savez(folder / _FILE, mean=self.mean, weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path) -> "Optional[MeaningModel]":
        """What ``save`` left in ``folder``; None where nothing was saved."""
        if not (folder / _FILE).exists():
            return None
        with np.load(folder / _FILE, allow_pickle=False) as arrays:
            return cls(arrays["mean"], arrays["weights"], arrays["bias"])

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """A row of log-odds per vector."""
        found: np.ndarray = _unit(vectors - self.mean) @ self.weights + self.bias
        return found


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
