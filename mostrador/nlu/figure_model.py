"""Learns from labelled sentences which role each number has, and what is said of a quantity.

Two sets of logistic regressions, one against the rest each, over the same features: the role of a number (quantity,
instalments, amount or none), and the sense of a quantity (bare, added, taken off, set). Trained with scikit-learn; kept
as plain arrays and used with numpy alone, so that loading runs no pickled code.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Dict, Iterator, Mapping, Sequence, Tuple

import numpy as np

from mostrador.nlu.figure_features import Sentence
from mostrador.nlu.linear import softmax

ROLES = ("none", "quantity", "instalments", "amount")
SENSES = ("", "+", "-", "=")
_SEEN = 2  # a feature counts that this many numbers or sentences have
_STRENGTH = 7.5  # inverse of the regularisation
_STEPS = 15  # over all examples
_ROLE_LENGTHS = (3.0, 1.5)  # of the features near a number and of the whole sentence; this and
_SENSE_LENGTHS = (1.5, 2.5)  # the strength were chosen by cross-validation
_FILE = "figures"


@dataclass
class LabelledNumbers:
    """Numbers that were labelled, a row each: sparse features near them and of their sentence, and what they are.

    ``role`` is one of ROLES, or "" where it cannot be told; ``sense`` one of SENSES; ``sentence`` counts from 0.
    """

    near: Dict[str, int]
    whole: Dict[str, int]
    beside: Any
    around: Any
    role: np.ndarray
    sense: np.ndarray
    sentence: np.ndarray

    @classmethod
    def of(
        cls,
        sentences: Sequence[Sentence],
        roles: Sequence[Sequence[str]],
        senses: Sequence[str],
        copies: Mapping[int, Sentence] = MappingProxyType({}),
    ) -> "LabelledNumbers":
        """``roles`` has one for each number of each sentence, ``senses`` one for each sentence.

        ``copies`` are sentences written differently, by their place; the rows of their numbers come last. Only
        features that the sentences themselves have count.
        """
        written = [*sentences, *copies.values()]
        near = [sentence.near(place) for sentence in written for place in sentence.numbers]
        whole = [sentence.whole() for sentence in written]
        own = sum(len(sentence.numbers) for sentence in sentences)
        nears, wholes = _vocabulary(near[:own]), _vocabulary(whole[: len(sentences)])
        of = np.repeat(np.arange(len(written)), [len(sentence.numbers) for sentence in written])
        sentence = np.array([*range(len(sentences)), *copies], dtype=np.int64)[of]
        role = np.array([role for place in (*range(len(sentences)), *copies) for role in roles[place]])
        around = _matrix(whole, wholes)[of]
        return cls(nears, wholes, _matrix(near, nears), around, role, np.array(senses)[sentence], sentence)

    def scaled(self, lengths: Tuple[float, float], rows: np.ndarray) -> Any:
        """The features of these rows, of the lengths that are asked for."""
        from scipy.sparse import hstack

        return hstack([self.beside[rows] * lengths[0], self.around[rows] * lengths[1]]).tocsr()

    def kinds(self, rows: np.ndarray) -> Iterator[Tuple[np.ndarray, np.ndarray, Sequence[str]]]:
        """What can be learnt from these rows, of roles and of senses: of which rows, their labels, all labels."""
        for labels, names, told in ((self.role, ROLES, self.role != ""), (self.sense, SENSES, self.role == "quantity")):
            of = rows[told[rows]]
            yield of, labels[of], names


@dataclass
class FigureModel:
    """``weights`` has a row per feature, those near a number first, and a column per role, then per sense."""

    near: Dict[str, int]
    whole: Dict[str, int]
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(cls, numbers: LabelledNumbers, rows: np.ndarray) -> "FigureModel":
        """Learn from these rows. Raises ValueError when a role or a sense has no example."""
        learnt = [
            _learn(numbers.scaled(lengths, of), labels, names)
            for (of, labels, names), lengths in zip(numbers.kinds(rows), (_ROLE_LENGTHS, _SENSE_LENGTHS))
        ]
        weights = np.hstack([weights for weights, _ in learnt]).astype(np.float32)
        bias = np.concatenate([bias for _, bias in learnt]).astype(np.float32)
        return cls(numbers.near, numbers.whole, weights, bias)

    def judge_rows(self, numbers: LabelledNumbers, rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """``judge`` of these rows."""
        parts = slice(len(ROLES)), slice(len(ROLES), None)
        roles, senses = (
            softmax(numbers.scaled(lengths, rows) @ self.weights[:, part] + self.bias[part])
            for lengths, part in zip((_ROLE_LENGTHS, _SENSE_LENGTHS), parts)
        )
        return roles, senses

    def judge(self, sentence: Sentence) -> Tuple[np.ndarray, np.ndarray]:
        """A row per number of the sentence: how likely each of ROLES is, and each of SENSES if it is a quantity.

        Each row sums to 1.
        """
        scale = np.repeat([_ROLE_LENGTHS, _SENSE_LENGTHS], [len(ROLES), len(SENSES)], axis=0).T
        common = self.bias + self._sum(sentence.whole(), self.whole, len(self.near)) * scale[1]
        scores = np.array(
            [common + self._sum(sentence.near(place), self.near, 0) * scale[0] for place in sentence.numbers]
        ).reshape(len(sentence.numbers), len(self.bias))
        return softmax(scores[:, : len(ROLES)]), softmax(scores[:, len(ROLES) :])

    def _sum(self, features: Sequence[str], known: Dict[str, int], first: int) -> np.ndarray:
        """The weights of the features that are known, as of a row of length 1."""
        rows = [known[feature] + first for feature in features if feature in known]
        found: np.ndarray = self.weights[rows].sum(axis=0) / max(1.0, len(rows)) ** 0.5
        return found

    def save(self, folder: Path) -> None:
        names = {"near": list(self.near), "whole": list(self.whole)}
        (folder / f"{_FILE}.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(folder / f"{_FILE}.npz", weights=self.weights.astype(np.float16), bias=self.bias)

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        return (folder / f"{_FILE}.json").exists()

    @classmethod
    def load(cls, folder: Path) -> "FigureModel":
        names = json.loads((folder / f"{_FILE}.json").read_text(encoding="utf-8"))
        near, whole = ({feature: row for row, feature in enumerate(names[part])} for part in ("near", "whole"))
        with np.load(folder / f"{_FILE}.npz", allow_pickle=False) as arrays:
            return cls(near, whole, arrays["weights"].astype(np.float32), arrays["bias"])


def _vocabulary(rows: Sequence[Sequence[str]]) -> Dict[str, int]:
    counted = Counter(feature for row in rows for feature in row)
    return {feature: place for place, feature in enumerate(sorted(f for f, times in counted.items() if times >= _SEEN))}


def _matrix(rows: Sequence[Sequence[str]], known: Dict[str, int]) -> Any:
    """A sparse row of length 1 for each of ``rows``."""
    from scipy.sparse import csr_matrix

    columns = [[known[feature] for feature in row if feature in known] for row in rows]
    values = np.concatenate([np.full(len(found), max(1, len(found)) ** -0.5) for found in columns])
    ends = np.cumsum([0, *map(len, columns)])
    return csr_matrix((values, np.concatenate(columns).astype(np.int64), ends), shape=(len(rows), len(known)))


def _learn(matrix: Any, labels: np.ndarray, names: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    missing = set(names) - set(labels)
    if missing:
        raise ValueError(f"no labelled sentence has a number that is {', '.join(sorted(map(repr, missing)))}")
    places = np.array([names.index(label) for label in labels])
    model = LogisticRegression(C=_STRENGTH, solver="liblinear", dual=True, tol=0.02, max_iter=_STEPS, random_state=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(matrix, places)
    return model.coef_.T, model.intercept_
