"""A linear text classifier: tf-idf of words and character runs, multinomial logistic regression.

Trained with scikit-learn; kept as plain arrays and used with numpy alone, so that loading runs no pickled code and
imports no learning library.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from mostrador.nlu.text import character_features, normalise, word_features

_STEPS = 40  # measured by cross-validation: more of them cost time and change no answer
_FEW = 50  # of so few examples every run of characters counts
_ROUNDS = 6  # over all examples; likewise
_BLOCKS: Tuple[Callable[[str], List[str]], ...] = (word_features, character_features)


@dataclass
class Features:
    """Tf-idf of texts, a row each, so that several models can learn from parts of them."""

    matrix: Any  # scipy's sparse rows
    vocabularies: Tuple[Dict[str, int], ...]
    idf: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Features":
        """Raises ValueError when the texts have no feature at all."""
        return _features(tuple(texts))

    def part(self, rows: np.ndarray) -> "Features":
        return Features(self.matrix[rows], self.vocabularies, self.idf)

    def same_of(self, texts: Sequence[str]) -> "Features":
        """These features of other texts; what only those texts have is left out."""
        from scipy.sparse import csr_matrix, hstack
        from sklearn.feature_extraction.text import TfidfVectorizer

        clean = [normalise(text) for text in texts]
        blocks, offset = [], 0
        for block, vocabulary in zip(_BLOCKS, self.vocabularies):
            if not vocabulary:
                continue
            own = {feature: i - offset for feature, i in vocabulary.items()}
            vectorizer = TfidfVectorizer(analyzer=block, sublinear_tf=True, vocabulary=own)
            vectorizer.idf_ = self.idf[offset : offset + len(own)].astype(np.float64)
            blocks.append(vectorizer.transform(clean))
            offset += len(own)
        return Features(csr_matrix(hstack(blocks)), self.vocabularies, self.idf)


@lru_cache(maxsize=2)  # components of one training learn from the same sentences
def _features(texts: Tuple[str, ...]) -> Features:
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    clean = [normalise(text) for text in texts]
    vectorizers = [
        TfidfVectorizer(
            analyzer=block, sublinear_tf=True, min_df=2 if block is character_features and len(texts) > _FEW else 1
        )
        for block in _BLOCKS
    ]
    matrix = hstack([vectorizer.fit_transform(clean) for vectorizer in vectorizers]).tocsr()
    offset, vocabularies = 0, []
    for vectorizer in vectorizers:
        vocabularies.append({feature: int(i) + offset for feature, i in vectorizer.vocabulary_.items()})
        offset += len(vectorizer.vocabulary_)
    idf = np.concatenate([vectorizer.idf_ for vectorizer in vectorizers]).astype(np.float32)
    return Features(matrix, tuple(vocabularies), idf)


@dataclass
class LinearModel:
    """``weights`` has a row per feature, in the order of ``idf``, and a column per label."""

    labels: Tuple[str, ...]
    vocabularies: Tuple[Dict[str, int], ...]
    idf: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(
        cls, texts: Sequence[str], labels: Sequence[str], strength: float = 20.0, each_alone: bool = False
    ) -> "LinearModel":
        """Learn from at least two different labels; ``strength`` is the inverse of the regularisation.

        ``each_alone`` tells each label from all others by itself: quicker, and ``scores`` may all be below 0.
        """
        return cls.learn(Features.of(texts), labels, strength, each_alone)

    @classmethod
    def learn(
        cls,
        features: Features,
        labels: Sequence[str],
        strength: float = 20.0,
        each_alone: bool = False,
        copies: Optional[Features] = None,
    ) -> "LinearModel":
        """As ``fit``, of a label per row of ``features``; ``copies`` are the same rows written differently."""
        from scipy.sparse import vstack
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        ways = [features.matrix] if copies is None else [features.matrix, copies.matrix]
        solver = (
            {"solver": "liblinear", "dual": True, "tol": 0.1, "max_iter": _ROUNDS // len(ways)}
            if each_alone
            else {"max_iter": _STEPS}
        )
        model = LogisticRegression(C=strength, class_weight="balanced", random_state=7, **solver)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(vstack(ways).tocsr(), list(labels) * len(ways))
        weights, bias = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            half = 1 if each_alone else 2
            weights, bias = np.vstack([-weights, weights]) / half, np.concatenate([-bias, bias]) / half
        return cls(
            tuple(str(label) for label in model.classes_),
            features.vocabularies,
            features.idf,
            np.ascontiguousarray(weights.T, dtype=np.float32),
            bias.astype(np.float32),
        )

    def all_scores(self, features: Features) -> np.ndarray:
        """``scores`` of every row of ``features``, which must be those that the model learnt from a part of."""
        found: np.ndarray = features.matrix @ self.weights.astype(np.float64) + self.bias
        return found

    def scores(self, text: str) -> np.ndarray:
        """One log-odds per label, in the order of ``labels``."""
        clean = normalise(text)
        scores = self.bias.astype(np.float64)
        for block, vocabulary in zip(_BLOCKS, self.vocabularies):
            counted = Counter(vocabulary[f] for f in block(clean) if f in vocabulary)
            if not counted:
                continue
            rows = np.fromiter(counted.keys(), dtype=np.int64)
            values = (1.0 + np.log(np.fromiter(counted.values(), dtype=np.float64))) * self.idf[rows]
            scores = scores + (values / np.linalg.norm(values)) @ self.weights[rows]
        return scores

    def probabilities(self, text: str) -> np.ndarray:
        """One probability per label, in the order of ``labels``; they sum to 1."""
        return softmax(self.scores(text))

    def ranking(self, text: str) -> List[Tuple[str, float]]:
        """Every label with its probability, likeliest first."""
        found = self.probabilities(text)
        return [(self.labels[i], float(found[i])) for i in np.argsort(-found, kind="stable")]

    def knows(self, word: str) -> bool:
        """Whether this normalised word was seen in training."""
        return word in self.vocabularies[0]

    def save(self, folder: Path) -> None:
        names = {"labels": self.labels, "vocabularies": [list(v) for v in map(_by_index, self.vocabularies)]}
        (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "weights.npz", idf=self.idf, weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path) -> "LinearModel":
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        offset, vocabularies = 0, []
        for features in names["vocabularies"]:
            vocabularies.append({feature: i + offset for i, feature in enumerate(features)})
            offset += len(features)
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            return cls(tuple(names["labels"]), tuple(vocabularies), arrays["idf"], arrays["weights"], arrays["bias"])


def softmax(scores: np.ndarray) -> np.ndarray:
    """Numbers that sum to 1 along the last axis."""
    exponential: np.ndarray = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponential / exponential.sum(axis=-1, keepdims=True)


def _by_index(vocabulary: Dict[str, int]) -> List[str]:
    return sorted(vocabulary, key=vocabulary.__getitem__)
