"""A second look at numbers whose words leave in doubt what they are, by their place in the sentence's meaning.

Small networks (one layer of rectified units; Rumelhart et al. 1986) over an encoder's vectors of the sentence and of
the number in it. They learn from, and are asked for, such numbers alone; their mean is averaged with what the words
say, by logarithms. Trained with scikit-learn, used with numpy alone.
"""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from mostrador.nlu.encoders import learnt_from_words, remembering_words
from mostrador.nlu.figure_features import Sentence
from mostrador.nlu.figure_model import ROLES, SENSES, FigureModel, LabelledNumbers
from mostrador.nlu.linear import softmax

logger = logging.getLogger(__name__)

_SURE = 0.95  # a role and a sense that are so likely by the words need no second look
_SHARE = 0.4  # of the networks in the average; cross-validation had no better one for senses
_NETWORKS = 3
_UNITS = 128
_SHRINKING = 0.3
_ROUNDS = 10
_EVEN = 1e-6  # a number of the vector that varies no more is the same everywhere
_LEAST = 1e-5  # however sure they are
_FILE = "figures_meaning"


@dataclass
class _Networks:
    """Some that began at different weights; their mean varies less from one training to the next than each of them."""

    hidden: np.ndarray  # by network: a row per number of the vector, then the biases; a column per unit
    out: np.ndarray  # by network: a row per unit, then the biases; a column per label

    @classmethod
    def fit(cls, vectors: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> "Optional[_Networks]":
        """None where some label has no example."""
        from sklearn.neural_network import MLPClassifier

        if set(names) - set(labels):
            return None
        mean, spread = vectors.mean(axis=0), vectors.std(axis=0)
        spread[spread < _EVEN] = 1.0
        inputs, wanted = (vectors - mean) / spread, np.array([names.index(label) for label in labels])
        hidden, out = [], []
        for seed in range(_NETWORKS):
            network = MLPClassifier((_UNITS,), alpha=_SHRINKING, max_iter=_ROUNDS, batch_size=256, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it has not converged, and that there are few examples
                network.fit(inputs, wanted)
            unscaled = network.coefs_[0] / spread[:, None]
            hidden.append(np.vstack([unscaled, network.intercepts_[0] - mean @ unscaled]))
            out.append(np.vstack([network.coefs_[1], network.intercepts_[1]]))
        return cls(np.array(hidden, dtype=np.float32), np.array(out, dtype=np.float32))

    def judge(self, vectors: np.ndarray) -> np.ndarray:
        units = np.maximum(vectors @ self.hidden[:, :-1] + self.hidden[:, -1:], 0.0)
        found: np.ndarray = softmax(units @ self.out[:, :-1] + self.out[:, -1:]).mean(axis=0) + _LEAST
        return found


@dataclass
class FigureMeaning:
    """Networks for the roles of numbers and for the senses of quantities, and the encoder whose vectors they read."""

    roles: _Networks
    senses: _Networks
    encoder_name: str

    def __post_init__(self) -> None:
        self._failed = False

    @classmethod
    def fit(
        cls, numbers: LabelledNumbers, sentences: Sequence[Sentence], encoder_name: str, cache: Optional[Path]
    ) -> "Optional[FigureMeaning]":
        """None without an encoder of words, or with too few numbers in doubt; ``cache`` is a folder for vectors."""
        places = np.array([place for sentence in sentences for place in sentence.numbers])
        try:
            unsure = np.flatnonzero(_in_doubt(*_judged_by_others(numbers))[: len(places)])
        except ValueError:
            return None  # half of the sentences has not every kind of figure
        texts = [sentences[numbers.sentence[row]].placed(places[row]) for row in unsure]
        vectors = learnt_from_words(encoder_name, texts, cache, "numbers")
        if vectors is None:
            return None
        at = np.full(len(places), -1)
        at[unsure] = np.arange(len(unsure))
        roles, senses = (_Networks.fit(vectors[at[of]], labels, names) for of, labels, names in numbers.kinds(unsure))
        return cls(roles, senses, encoder_name) if roles is not None and senses is not None else None

    def judge(self, sentence: Sentence, roles: np.ndarray, senses: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """What the words say of the sentence's numbers, a row each, or both views' average where they are in doubt."""
        remembered = remembering_words(self.encoder_name)
        rows = np.flatnonzero(_in_doubt(roles, senses))
        if remembered is None or not len(rows):
            return roles, senses
        try:
            vectors = remembered.vectors(*(sentence.placed(sentence.numbers[row]) for row in rows))
        except Exception as why:  # whatever a plugged-in encoder raises
            if not self._failed:
                self._failed = True
                logger.warning("The sentence encoder failed; numbers are judged by their words alone: %s", why)
            return roles, senses
        roles, senses = roles.copy(), senses.copy()
        roles[rows] = _averaged(roles[rows], self.roles.judge(vectors))
        senses[rows] = _averaged(senses[rows], self.senses.judge(vectors))
        return roles, senses

    def save(self, folder: Path) -> None:
        arrays = {
            f"{kind}_{part}": getattr(network, part)
            for kind, network in (("roles", self.roles), ("senses", self.senses))
            for part in ("hidden", "out")
        }
        np.savez(folder / _FILE, encoder=np.array(self.encoder_name), **arrays)

    @classmethod
    def load(cls, folder: Path) -> "Optional[FigureMeaning]":
        """What ``save`` left in ``folder``; None where nothing was saved."""
        path = folder / f"{_FILE}.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as arrays:
            roles, senses = (
                _Networks(*(arrays[f"{kind}_{part}"] for part in ("hidden", "out"))) for kind in ("roles", "senses")
            )
            return cls(roles, senses, str(arrays["encoder"]))


def _in_doubt(roles: np.ndarray, senses: np.ndarray) -> np.ndarray:
    """Whether the words leave open what a number is, or what is said of a quantity; a row per number."""
    is_quantity = roles.argmax(axis=1) == ROLES.index("quantity")
    found: np.ndarray = (roles.max(axis=1) < _SURE) | is_quantity & (senses.max(axis=1) < _SURE)
    return found


def _averaged(by_words: np.ndarray, by_meaning: np.ndarray) -> np.ndarray:
    both = by_words ** (1 - _SHARE) * by_meaning**_SHARE
    found: np.ndarray = both / both.sum(axis=1, keepdims=True)
    return found


def _judged_by_others(numbers: LabelledNumbers) -> Tuple[np.ndarray, np.ndarray]:
    """Roles and senses of all numbers, each by a model that learnt from the other half of the sentences."""
    half = np.random.RandomState(7).randint(2, size=numbers.sentence.max(initial=0) + 1)[numbers.sentence]
    roles, senses = np.zeros((len(half), len(ROLES))), np.zeros((len(half), len(SENSES)))
    for own in (0, 1):
        rows = np.flatnonzero(half == own)
        roles[rows], senses[rows] = FigureModel.fit(numbers, np.flatnonzero(half != own)).judge_rows(numbers, rows)
    return roles, senses
