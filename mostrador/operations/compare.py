"""``mostrador train --compare``: a new model held against the serving one, by sentences and stories of their own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import click

from mostrador.operations.installation import QUIET
from mostrador.operations.models import ModelStore, Version
from mostrador.settings import ROOT, settings

HELD_OUT = ROOT / "tests" / "nlu"
STORIES = ROOT / "tests" / "test_stories.yml"
NONE = frozenset({"out_of_scope", "nlu_fallback", "NO_NODES_DETECTED"})  # three ways to say that no intent fits
MAY_LOSE = 0.1  # share of its sentences that an intent may lose in a language
LEAST = 10  # sentences from which on an intent is judged by itself
OPT_OUT, OTHER = "opt_out", "other"


class CannotCompare(click.ClickException):
    """A model could not be judged; the message says why."""


@dataclass(frozen=True)
class Sentence:
    """One held-out sentence with the intent it should be given; ``OTHER``: any but opt_out."""

    language: str
    text: str
    label: str

    def right(self, intent: str) -> bool:
        if self.label == OTHER:
            return intent != OPT_OUT
        return intent == self.label or (self.label in NONE and intent in NONE)


@dataclass(frozen=True)
class Judged:
    """What one model made of everything: an intent per sentence, in their order, and the stories that failed."""

    intents: Tuple[str, ...]
    stories: int = 0
    failed: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """The serving model (``old``) against the candidate (``new``)."""

    sentences: Tuple[Sentence, ...]
    old: Judged
    new: Judged

    def counts(self, *by: str) -> Dict[Tuple[str, ...], Tuple[int, int, int]]:
        """Per value of ``by`` (language, label): sentences, right with the old model, right with the new one."""
        found: Dict[Tuple[str, ...], List[int]] = defaultdict(lambda: [0, 0, 0])
        for sentence, old, new in zip(self.sentences, self.old.intents, self.new.intents):
            if sentence.label == OTHER and "label" not in by:
                continue  # they are many and easy, and would hide what becomes of the rest
            row = found[tuple(str(getattr(sentence, name)) for name in by)]
            row[0] += 1
            row[1] += sentence.right(old)
            row[2] += sentence.right(new)
        return {key: (row[0], row[1], row[2]) for key, row in sorted(found.items())}

    @property
    def fixed(self) -> List[Tuple[Sentence, str, str]]:
        """Sentences that only the new model gets right, with what the old and the new one say."""
        return [(s, o, n) for s, o, n in self._changed() if s.right(n) and not s.right(o)]

    @property
    def broken(self) -> List[Tuple[Sentence, str, str]]:
        """Sentences that only the old model gets right."""
        return [(s, o, n) for s, o, n in self._changed() if s.right(o) and not s.right(n)]

    @property
    def broken_stories(self) -> List[str]:
        return sorted((Counter(self.new.failed) - Counter(self.old.failed)).elements())

    @property
    def worse_because(self) -> List[str]:
        """Why the new model is worse, in sentences; empty when it is not (docs/training.md tells the rule)."""
        reasons = [
            f"{language}: {new} of {all_} right, {old} before"
            for (language,), (all_, old, new) in self.counts("language").items()
            if new < old
        ]
        reasons += [
            f"{label} ({language}): {new} of {all_} right, {old} before"
            for (language, label), (all_, old, new) in self.counts("language", "label").items()
            if all_ >= LEAST and old - new > MAY_LOSE * all_
        ]
        for language, (missed_before, missed), (stops_before, stops) in self._opt_outs():
            if missed > missed_before:
                reasons.append(f"{language}: {missed} who want no messages are not heard, {missed_before} before")
            if stops > stops_before:
                reasons.append(f"{language}: {stops} would lose all messages by mistake, {stops_before} before")
        return reasons + [f"the test story “{name}” fails" for name in self.broken_stories]

    def _opt_outs(self) -> List[Tuple[str, Tuple[int, int], Tuple[int, int]]]:
        """Per language: opt-outs that are missed and other sentences taken for one, before and now."""
        found: Dict[str, List[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for sentence, old, new in zip(self.sentences, self.old.intents, self.new.intents):
            at = 0 if sentence.label == OPT_OUT else 2
            found[sentence.language][at] += (old == OPT_OUT) != (sentence.label == OPT_OUT)
            found[sentence.language][at + 1] += (new == OPT_OUT) != (sentence.label == OPT_OUT)
        return [(language, (n[0], n[1]), (n[2], n[3])) for language, n in sorted(found.items())]

    def _changed(self) -> List[Tuple[Sentence, str, str]]:
        rows = zip(self.sentences, self.old.intents, self.new.intents)
        return [(sentence, old, new) for sentence, old, new in rows if old != new]


def held_out(folder: Path = HELD_OUT) -> Tuple[Sentence, ...]:
    """The sentences of <folder>/<language>/intents.csv and opt_out.csv (sentence,label) and of held_out.csv
    (language,text,intent); of one sentence in several of them, the first."""
    found: Dict[Tuple[str, str], Sentence] = {}
    for path in [*sorted(folder.glob("*/intents.csv")), *sorted(folder.glob("*/opt_out.csv"))]:
        for row in _rows(path):
            sentence = Sentence(path.parent.name, row["sentence"], row["label"])
            found.setdefault((sentence.language, sentence.text), sentence)
    for row in _rows(folder / "held_out.csv"):
        found.setdefault((row["language"], row["text"]), Sentence(row["language"], row["text"], row["intent"]))
    return tuple(found.values())


def _rows(path: Path) -> Iterable[Mapping[str, str]]:
    if path.exists():
        with open(path, encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)


def judge(model: Path, sentences: Sequence[Sentence], stories: Optional[Path] = STORIES) -> Judged:
    """What the model makes of sentences and stories, found out in a process of its own. Raises CannotCompare."""
    asked = {"sentences": [s.text for s in sentences], "stories": str(stories) if stories else ""}
    done = subprocess.run(
        [sys.executable, "-m", "mostrador.operations.judgement", str(model)],
        cwd=ROOT,
        env={**os.environ, **QUIET, "PYTHONWARNINGS": "ignore"},
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CannotCompare(f"{model.name} could not be judged: {reason}")
    result = json.loads(lines[-1])
    told = result.get("stories") or {"total": 0, "failed": []}
    return Judged(tuple(intent for intent, _ in result["understood"]), told["total"], tuple(told["failed"]))


def compare(store: ModelStore, candidate: Version) -> Comparison:
    """The serving model against ``candidate``. Raises UntrustedModel, CannotCompare."""
    sentences = held_out()
    old = judge(store.path(store.serving()), sentences)
    return Comparison(sentences, old, judge(store.path(candidate), sentences))


def compare_and_tell(candidate: Version, everything: bool, as_json: bool) -> bool:
    """Compare, say what came of it, and whether the candidate is no worse."""
    store = ModelStore(settings().models_dir)
    serving = store.serving()
    if candidate.model == serving.model:
        click.echo(f"{serving.name} serves and is of the files as they are: there is nothing to compare.")
        if as_json:
            click.echo(json.dumps({"serving": serving.name, "candidate": None, "no_worse": True}))
        return True
    click.echo(f"Comparing {candidate.name} with {serving.name}, which serves.")
    found = compare(store, candidate)
    _tell(found, everything)
    worse = found.worse_because
    if worse:
        click.secho("The candidate is worse:", fg="yellow")
        click.echo("\n".join(f"  {reason}" for reason in worse))
    else:
        click.secho("The candidate is no worse: `mostrador model promote` lets it serve.", fg="green")
    if as_json:
        click.echo(json.dumps(_as_json(found, serving, candidate), ensure_ascii=False))
    return not worse


def _tell(found: Comparison, everything: bool) -> None:
    click.echo(f"\n{'':<36}{'sentences':>10}{'serving':>10}{'candidate':>11}")
    for (language,), row in found.counts("language").items():
        click.echo(_line(language, row))
    for (label, language), row in found.counts("label", "language").items():
        if everything or row[1] != row[2]:
            click.echo(_line(f"  {label} ({language})", row))
    for word, changed in (("Fixed", found.fixed), ("Broken", found.broken)):
        click.echo(f"\n{word}: {len(changed)}")
        for sentence, old, new in changed:
            click.echo(f"  {sentence.language} “{sentence.text}” is {sentence.label}; was {old}, now {new}")
    held = [judged.stories - len(judged.failed) for judged in (found.old, found.new)]
    click.echo(f"\nTest stories that hold: {held[1]} of {found.new.stories}, {held[0]} with the serving model.")


def _line(name: str, row: Tuple[int, int, int]) -> str:
    total, old, new = row
    return f"{name:<36}{total:>10}{old / total:>10.1%}{new / total:>11.1%}"


def _as_json(found: Comparison, serving: Version, candidate: Version) -> Dict[str, Any]:
    def rows(changed: Sequence[Tuple[Sentence, str, str]]) -> List[Dict[str, str]]:
        return [
            {"language": s.language, "sentence": s.text, "label": s.label, "serving": old, "candidate": new}
            for s, old, new in changed
        ]

    return {
        "serving": serving.name,
        "candidate": candidate.name,
        "no_worse": not found.worse_because,
        "worse_because": found.worse_because,
        "languages": {
            language: {"sentences": row[0], "serving": row[1], "candidate": row[2]}
            for (language,), row in found.counts("language").items()
        },
        "intents": [
            {"intent": label, "language": language, "sentences": row[0], "serving": row[1], "candidate": row[2]}
            for (label, language), row in found.counts("label", "language").items()
        ],
        "fixed": rows(found.fixed),
        "broken": rows(found.broken),
        "stories": {"total": found.new.stories, "broken": found.broken_stories, "failed": list(found.new.failed)},
    }
