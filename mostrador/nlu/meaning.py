"""Intents told apart by the meaning of a sentence: its vector against what each intent's examples have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Sequence, Tuple

import numpy as np

_STEPS = 60


@dataclass
class MeaningModel:
    """``weights`` has a column per label; ``examples`` are centred vectors of length 1, sorted by label.

    ``starts`` says where each label's examples begin.
    """

    mean: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    examples: np.ndarray
    starts: np.ndarray

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
        inputs = np.column_stack([known, np.ones(len(known))]).astype(np.float64)  # liblinear, too, shrinks the bias

        def loss(flat: np.ndarray) -> Tuple[float, np.ndarray]:
            w = flat.reshape(-1, len(names))
            scores = inputs @ w
            signed = np.where(own, scores, -scores)
            wrong = np.exp(-np.logaddexp(0.0, signed))
            slope = np.where(own, -wrong, wrong) * weight
            total = float((weight * np.logaddexp(0.0, -signed)).sum() + (w * w).sum() / (2 * strength))
            return total, (inputs.T @ slope + w / strength).ravel()

        best = minimize(
            loss, np.zeros(size + len(names)), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "maxcor": 10}
        )
        learnt = best.x.reshape(-1, len(names)).astype(np.float32)
        order = np.argsort(own.argmax(axis=1), kind="stable")
        starts = np.concatenate([[0], np.cumsum(count)[:-1]])
        return cls(mean, learnt[:-1], learnt[-1], known[order].astype(np.float16), starts.astype(np.int64))

    def __post_init__(self) -> None:
        self._examples = self.examples.astype(np.float32)

    def arrays(self) -> Dict[str, np.ndarray]:
        """What ``MeaningModel(**arrays)`` makes it from again."""
        return {name: getattr(self, name) for name in ("mean", "weights", "bias", "examples", "starts")}

    def scores(self, vectors: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Per vector and label: the log-odds, and the cosine with the nearest example (−1 to 1)."""
        known = _unit(vectors - self.mean)
        nearest = np.maximum.reduceat(known @ self._examples.T, self.starts, axis=1)
        return known @ self.weights + self.bias, nearest


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
