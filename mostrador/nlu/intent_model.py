"""Which intent a sentence has, how sure that is, and from which sureness on it is answered.

Two views of a sentence are averaged: its words and character runs (``LinearModel``) and its meaning
(``MeaningModel``). How sure the outcome is, is learnt from sentences that the judging model has not seen, of intents
that it knows and of intents that were kept from it; so is the threshold. docs/understanding.md has the formulas.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mostrador.nlu.encoders import LONGEST, encoder_named, remembering
from mostrador.nlu.linear import LinearModel, softmax
from mostrador.nlu.meaning import MeaningModel
from mostrador.nlu.text import reading

logger = logging.getLogger(__name__)

THRESHOLD = 0.5  # confidences are shifted so that the threshold that was learnt lies here
_SHARPER = 1.5  # the words' log-odds spread less than the meaning's
READ = 1000  # characters that the words' model sees


class Judgement(NamedTuple):
    """``ranking``: every intent, likeliest first; what is missing to 1 is the chance that it is none of them."""

    ranking: List[Tuple[str, float]]
    encoded: bool

    @property
    def intent(self) -> str:
        return self.ranking[0][0]

    @property
    def confidence(self) -> float:
        return self.ranking[0][1]


@dataclass
class Sureness:
    """Logistic regression from evidence to the chance that the likeliest intent is the right one (Platt 1999)."""

    weights: List[float]
    bias: float

    def of(self, evidence: np.ndarray) -> np.ndarray:
        found: np.ndarray = 1.0 / (1.0 + np.exp(-(evidence @ np.array(self.weights) + self.bias)))
        return found


@dataclass
class IntentModel:
    """``words`` alone answers from the sureness ``gate`` on; ``threshold`` is on the scale of the sureness."""

    words: LinearModel
    meaning: Optional[MeaningModel]
    sure_by_words: Sureness
    sure_by_both: Optional[Sureness]
    gate: float
    threshold: float
    encoder_name: str
    report: Dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        encoder = encoder_named(self.encoder_name) if self.meaning is not None else None
        self._remembering = remembering(self.encoder_name) if encoder is not None else None
        self._encoder = encoder
        self._failed = False

    def judge(self, text: str) -> Judgement:
        """Any text has a judgement; an encoder that fails leaves it to the words."""
        scores = self.words.scores(text[:READ])[None]
        quick = self.sure_by_words.of(evidence_of_words(scores))[0]
        if quick < self.gate and self._remembering is not None:
            try:
                vector = self._remembering.vector(reading(text, LONGEST))
            except Exception as why:
                self._say_once(why)
            else:
                return self._by_both(scores, vector[None])[0]
        return self._judged(softmax(_SHARPER * scores), np.array([quick]), False)[0]

    def judge_all(self, texts: Sequence[str]) -> List[Judgement]:
        """The same for many at once, where encoding them together is quicker."""
        found = [self.words.scores(text[:READ])[None] for text in texts]
        quick = [float(self.sure_by_words.of(evidence_of_words(scores))[0]) for scores in found]
        judged = [self._judged(softmax(_SHARPER * s), np.array([q]), False)[0] for s, q in zip(found, quick)]
        unsure = [i for i, q in enumerate(quick) if q < self.gate] if self._encoder is not None else []
        if unsure and self._encoder is not None:
            vectors = self._encoder.encode([reading(texts[i], LONGEST) for i in unsure])
            for i, judgement in zip(unsure, self._by_both(np.concatenate([found[i] for i in unsure]), vectors)):
                judged[i] = judgement
        return judged

    def _by_both(self, scores: np.ndarray, vectors: np.ndarray) -> List[Judgement]:
        assert self.meaning is not None and self.sure_by_both is not None
        meant = self.meaning.scores(vectors)
        sure = self.sure_by_both.of(evidence_of_both(scores, meant))
        return self._judged(average(scores, meant), sure, True)

    def _judged(self, shares: np.ndarray, sure: np.ndarray, encoded: bool) -> List[Judgement]:
        found = []
        for share, raw in zip(shares, sure):
            order = np.argsort(-share, kind="stable")
            best, confidence = float(share[order[0]]), _shifted(float(raw), self.threshold)
            rest = min(confidence / best, (1.0 - confidence) / max(1.0 - best, 1e-12))
            ranking = [(self.words.labels[order[0]], confidence)]
            ranking += [(self.words.labels[i], float(share[i]) * rest) for i in order[1:]]
            found.append(Judgement(ranking, encoded))
        return found

    def _say_once(self, why: Exception) -> None:
        if not self._failed:
            self._failed = True
            logger.warning("The sentence encoder failed; such messages are judged by their words alone: %s", why)

    def save(self, folder: Path) -> None:
        self.words.save(folder)
        if self.meaning is not None:
            self.meaning.save(folder)
        kept = {
            "sure_by_words": vars(self.sure_by_words),
            "sure_by_both": vars(self.sure_by_both) if self.sure_by_both is not None else None,
            "gate": self.gate,
            "threshold": self.threshold,
            "encoder": self.encoder_name,
            "report": self.report,
        }
        (folder / "sureness.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "IntentModel":
        kept = json.loads((folder / "sureness.json").read_text(encoding="utf-8"))
        both = kept["sure_by_both"]
        return cls(
            LinearModel.load(folder),
            MeaningModel.load(folder),
            Sureness(**kept["sure_by_words"]),
            Sureness(**both) if both else None,
            kept["gate"],
            kept["threshold"],
            kept["encoder"],
            kept["report"],
        )


def evidence_of_words(scores: np.ndarray) -> np.ndarray:
    """Rows of: the best log-odds, and its distance to the next."""
    best = np.sort(scores, axis=1)[:, ::-1]
    return np.column_stack([best[:, 0], best[:, 0] - best[:, 1]])


def evidence_of_both(scores: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """Rows of, for the likeliest intent: both log-odds, and how far the next intent is behind."""
    shares = average(scores, meant)
    rows, top = np.arange(len(shares)), shares.argmax(axis=1)
    two = np.sort(shares, axis=1)
    ahead = two[:, -1] - two[:, -2]
    return np.column_stack([scores[rows, top], meant[rows, top], ahead])


def average(scores: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """The mean of the probabilities of both views, a row per sentence."""
    return (softmax(_SHARPER * scores) + softmax(meant)) / 2


def _shifted(sure: float, threshold: float) -> float:
    """Piecewise linear, so that ``threshold`` becomes ``THRESHOLD``, and 0 and 1 stay."""
    if sure < threshold:
        return THRESHOLD * sure / threshold
    return THRESHOLD + (1.0 - THRESHOLD) * (sure - threshold) / max(1.0 - threshold, 1e-12)
