"""How well sentences with known intents are understood: the figures of ``mostrador evaluate intents``."""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Set

import numpy as np

from mostrador.nlu.intent_learning import Options, learn
from mostrador.nlu.intent_model import THRESHOLD, IntentModel, Judgement

NONE = "NO_NODES_DETECTED"
_DRAWS = 5
_TIMED = 60  # messages judged one by one, as a server does


class UnusableFile(ValueError):
    """A file of sentences cannot be used; the message names it and says why."""


class Sentence(NamedTuple):
    text: str
    label: str


def read_sentences(path: Path, language: Optional[str] = None) -> List[Sentence]:
    """Rows of a CSV in UTF-8 with the columns sentence and label; with ``language``, those of that column's value.

    Rows without a sentence or without a label are errors, as is a file without rows. Raises UnusableFile.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            needed = ["sentence", "label"] + (["language"] if language else [])
            missing = [name for name in needed if name not in (reader.fieldnames or [])]
            if missing:
                raise UnusableFile(f"{path} has no column {' and no column '.join(missing)}.")
            rows = []
            for row in reader:
                if None in row or not (row["label"] or "").strip() or row["sentence"] is None:
                    raise UnusableFile(f"{path}, line {reader.line_num}: not a sentence and its label.")
                if language in (None, row.get("language")):
                    rows.append(Sentence(row["sentence"], row["label"].strip()))
    except UnicodeDecodeError:
        raise UnusableFile(f"{path} is not UTF-8.") from None
    except csv.Error as why:
        raise UnusableFile(f"{path} is not CSV: {why}.") from None
    except OSError as why:
        raise UnusableFile(f"{path} cannot be read: {why.strerror}.") from None
    if not rows:
        raise UnusableFile(f"{path} has no sentences" + (f" in language {language}." if language else "."))
    return rows


def figures(
    model: IntentModel, test: Sequence[Sentence], none: Set[str], says_none: Set[str], threshold: float = THRESHOLD
) -> Dict[str, Any]:
    """``none`` are labels of the test that mean none, ``says_none`` intents that do.

    in_scope_accuracy: right of those in scope, whatever the confidence. accuracy: right of all, none being right for
    what is out of scope. out_of_scope_recall: none, of those. false_fallback: none, of those in scope. mcc:
    Matthews' correlation over all labels (Gorodkin 2004). What there is no sentence for is null.
    """
    judged = model.judge_all([sentence.text for sentence in test])
    truth = [NONE if sentence.label in none else sentence.label for sentence in test]
    best = [_best(judgement, says_none) for judgement in judged]
    said = [_said(judgement, says_none, threshold) for judgement in judged]
    inside = [i for i, label in enumerate(truth) if label != NONE]
    outside = [i for i, label in enumerate(truth) if label == NONE]
    return {
        "sentences": len(test),
        "in_scope": len(inside),
        "out_of_scope": len(outside),
        "in_scope_accuracy": _mean([best[i] == truth[i] for i in inside]),
        "in_scope_accuracy_with_threshold": _mean([said[i] == truth[i] for i in inside]),
        "accuracy": _mean([a == b for a, b in zip(said, truth)]),
        "out_of_scope_recall": _mean([said[i] == NONE for i in outside]),
        "false_fallback": _mean([said[i] == NONE for i in inside]),
        "mcc": correlation(truth, said),
        "encoded": _mean([judgement.encoded for judgement in judged]),
        "ms_per_message": _milliseconds(model, [sentence.text for sentence in test]),
    }


def correlation(truth: Sequence[str], said: Sequence[str]) -> float:
    """Matthews' correlation for many labels; 0 where it is not defined."""
    names = sorted({*truth, *said})
    at = {name: i for i, name in enumerate(names)}
    table = np.zeros((len(names), len(names)))
    for label, answer in zip(truth, said):
        table[at[label], at[answer]] += 1
    total, right = table.sum(), np.trace(table)
    is_, was = table.sum(axis=1), table.sum(axis=0)
    below = float(np.sqrt(total**2 - was @ was) * np.sqrt(total**2 - is_ @ is_))
    return float((right * total - is_ @ was) / below) if below else 0.0


def few_shots(
    train: Sequence[Sentence],
    test: Sequence[Sentence],
    shots: int,
    options: Options,
    cache: Optional[Path],
    draws: int = 5,
) -> Dict[str, Any]:
    """In-scope accuracy with ``shots`` examples of each intent, the mean of several draws with fixed seeds."""
    by_label: Mapping[str, List[Sentence]] = defaultdict(list)
    for sentence in train:
        by_label[sentence.label].append(sentence)
    none = {NONE, *options.none_intents}
    inside = [sentence for sentence in test if sentence.label not in none]
    found = []
    for seed in range(_DRAWS):
        draw = np.random.RandomState(seed)
        few = [own[i] for own in by_label.values() for i in draw.permutation(len(own))[:shots]]
        model = learn([s.text for s in few], [s.label for s in few], options, cache)
        judged = model.judge_all([sentence.text for sentence in inside])
        found.append(_mean([_best(j, set()) == s.label for j, s in zip(judged, inside)]) or 0.0)
    return {"shots": shots, "draws": _DRAWS, "in_scope_accuracy": float(np.mean(found)), "each": found}


def _best(judgement: Judgement, says_none: Set[str]) -> str:
    return NONE if judgement.intent in says_none else judgement.intent


def _said(judgement: Judgement, says_none: Set[str], threshold: float) -> str:
    return NONE if judgement.confidence < threshold else _best(judgement, says_none)


def _milliseconds(model: IntentModel, texts: Sequence[str]) -> float:
    """The mean time of a message that the server sees for the first time."""
    model.judge("warm up")
    chosen = [texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, _TIMED).astype(int))]
    begun = time.perf_counter()
    for text in chosen:
        model.judge(text)
    return 1000 * (time.perf_counter() - begun) / len(chosen)


def _mean(values: Sequence[bool]) -> Optional[float]:
    return float(np.mean(values)) if len(values) else None
