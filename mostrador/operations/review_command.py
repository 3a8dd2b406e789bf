"""``mostrador review``: what was not understood for certain, labelled or dismissed by one key each."""

from __future__ import annotations

import getpass
import json
import shutil
import string
from datetime import timedelta
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import click

from mostrador.bootstrap import Services, services
from mostrador.gateways.meaning import alike
from mostrador.gateways.training_files import CannotWrite, YamlTrainingFiles
from mostrador.operations.explain_command import harmless
from mostrador.settings import ROOT
from mostrador.shop.review import (
    Cluster,
    Conflict,
    Outcome,
    UnfitSentence,
    UnknownLabel,
    Unsure,
    clusters,
    dismiss_turns,
    label_turns,
)
from mostrador.storage.engine import is_unavailable
from mostrador.storage.reviews import SqlReviews

ENTER, DISMISS, LATER, LANGUAGE, ONE_BY_ONE, KEYS, QUIT = "\r\n", "-", " ", "\t", ".", "?", "\x1b\x03\x04"
_LETTERS = string.ascii_lowercase + string.ascii_uppercase
_SHOWN = 8  # sentences of a cluster
_REFUSED = (Conflict, UnfitSentence, UnknownLabel, CannotWrite)


@click.command()
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="How far back to look.")
@click.option("--below", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Unsure below this.")
@click.option(
    "--margin", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="… or so close to the next."
)
@click.option("--language", metavar="XX", help="Only sentences of this language.")
@click.option("--list", "only_list", is_flag=True, help="Show them and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="As --list, one JSON object on the last line.")
def review(days: int, below: float, margin: float, language: str, only_list: bool, as_json: bool) -> None:
    """Label what was corrected, rephrased, handed over or understood with little certainty.

    Each group of like sentences takes one key: Enter accepts the suggested intent, a number one of the likeliest, a
    letter any other, "-" dismisses, space leaves it for later. Labelled sentences become examples in data/nlu.
    """
    made = services()
    try:
        turns = _unsure(made, days, below, margin)
        found = clusters([turn for turn in turns if not language or turn.language == language], alike)
        if as_json:
            click.echo(json.dumps({"clusters": [_as_json(cluster) for cluster in found]}, ensure_ascii=False))
        elif only_list:
            click.echo("\n".join(_shown(cluster, f"{n}") for n, cluster in enumerate(found, 1)) or _NOTHING)
        else:
            _Desk(made, found).work()
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise click.ClickException("The database does not answer: is Mostrador up (`mostrador status`)?") from None


_NOTHING = "Nothing waits to be reviewed."


def _unsure(made: Services, days: int, below: float, margin: float) -> List[Unsure]:
    with made.engine.connect() as connection:
        return SqlReviews(connection).unsure(made.clock.now() - timedelta(days=days), below, margin)


class _Desk:
    """One reviewer at a keyboard."""

    def __init__(self, made: Services, found: Sequence[Cluster]) -> None:
        self._made = made
        self._files = YamlTrainingFiles(ROOT / "data" / "nlu")
        self._queue = list(found)
        self._keys = dict(zip(_LETTERS, self._files.intents()))
        self._reviewer = getpass.getuser()
        self._written = self._dismissed = 0

    def work(self) -> None:
        if not self._queue:
            click.echo(_NOTHING)
            return
        click.echo(self._legend())
        total, done = len(self._queue), 0
        while self._queue:
            cluster = self._queue.pop(0)
            done += 1
            if not self._decide(cluster, f"{done} of {max(total, done + len(self._queue))}"):
                break
        click.echo(
            f"{self._written} examples written, {self._dismissed} dismissed. `mostrador train --compare` is next."
        )

    def _decide(self, cluster: Cluster, place: str) -> bool:
        """Show one cluster and do what the key says; False when the reviewer has had enough."""
        language = cluster.language if cluster.language in self._files.languages() else self._files.languages()[0]
        click.echo("\n" + _shown(cluster, place))
        while True:
            key = click.getchar()
            if key in QUIT or not key:
                return False
            if key == KEYS:
                click.echo(self._legend())
            elif key == LANGUAGE:
                known = self._files.languages()
                language = known[(known.index(language) + 1) % len(known)]
                click.echo(f"  … as {language}")
            elif key == ONE_BY_ONE:
                self._queue[:0] = [Cluster((turn,)) for turn in cluster.turns]
                return True
            elif key == LATER:
                return True
            elif key == DISMISS:
                self._dismiss(cluster, language)
                return True
            elif (label := self._label(key, cluster)) and self._take(cluster, label, language):
                return True

    def _label(self, key: str, cluster: Cluster) -> str:
        if key in ENTER:
            return cluster.suggestion
        if key.isdigit():
            return next((name for n, name in _choices(cluster) if str(n) == key), "")
        return self._keys.get(key, "")

    def _take(self, cluster: Cluster, label: str, language: str) -> bool:
        with self._made.engine.connect() as connection:
            try:
                outcome = label_turns(
                    SqlReviews(connection),
                    self._files,
                    [turn.turn_id for turn in cluster.turns],
                    label,
                    language,
                    self._reviewer,
                    self._made.clock.now(),
                )
            except _REFUSED as why:
                click.secho(f"  {_reason(why)}", fg="yellow")
                return False
            connection.commit()
        self._written += sum(added.new for added in outcome.added)
        click.secho(f"  {label}: {_came_to(outcome)}", fg="green")
        return True

    def _dismiss(self, cluster: Cluster, language: str) -> None:
        with self._made.engine.begin() as connection:
            ids = [turn.turn_id for turn in cluster.turns]
            outcome = dismiss_turns(SqlReviews(connection), ids, language, self._reviewer, self._made.clock.now())
        self._dismissed += len(ids) - outcome.taken
        click.echo("  dismissed" + (f", {outcome.taken} decided by somebody else" if outcome.taken else ""))

    def _legend(self) -> str:
        width = max(len(name) for name in self._keys.values()) + 4
        columns = max(1, min(shutil.get_terminal_size((100, 24)).columns, 120) // width)
        cells = [f"{key} {name}".ljust(width) for key, name in self._keys.items()]
        lines = ["".join(cells[i : i + columns]).rstrip() for i in range(0, len(cells), columns)]
        help_line = (
            "Enter accepts ▸, 1-3 a reading, a letter an intent, - dismisses, space later, Tab another language, "
        )
        return "\n".join([*lines, help_line + ". one by one, ? this, Esc ends."])


def _choices(cluster: Cluster) -> Iterator[Tuple[int, str]]:
    return enumerate((name for name, _ in cluster.readings), 1)


def _shown(cluster: Cluster, place: str) -> str:
    followed = ", ".join(sorted({turn.followed for turn in cluster.turns} - {"nothing"})) or "unsure"
    count = f" · {len(cluster.turns)} alike" if len(cluster.turns) > 1 else ""
    lines = [f"{place} · {cluster.language or '?'} · {followed}{count}"]
    for turn in cluster.turns[:_SHOWN]:
        lines.append(f"  “{harmless(turn.sentence)}”" if turn.sentence else "  (nothing that could be an example)")
    if len(cluster.turns) > _SHOWN:
        lines.append(f"  … and {len(cluster.turns) - _SHOWN} more")
    readings = dict(cluster.readings)
    marked = [f"{n} {name} {readings[name]:.0%}" for n, name in _choices(cluster)]
    suggested = f"▸ {cluster.suggestion}   " if cluster.suggestion else ""
    return "\n".join([*lines, f"  {suggested}{'  '.join(marked)}".rstrip()])


def _reason(why: Exception) -> str:
    if isinstance(why, UnknownLabel):
        return f"There are no examples of {why}."
    if isinstance(why, UnfitSentence):
        return "Nothing of this text can be an example; dismiss it."
    return str(why)


def _came_to(outcome: Outcome) -> str:
    new = [added.file for added in outcome.added if added.new]
    words = [f"{len(new)} written to {', '.join(sorted(set(new)))}"] if new else []
    known = len(outcome.added) - len(new)
    words += [f"{known} known already"] if known else []
    words += [f"{outcome.taken} decided by somebody else"] if outcome.taken else []
    return ", ".join(words)


def _as_json(cluster: Cluster) -> Dict[str, Any]:
    return {
        "language": cluster.language,
        "suggestion": cluster.suggestion,
        "turns": [
            {
                "turn": turn.turn_id,
                "sentence": turn.sentence,
                "intent": turn.intent,
                "confidence": turn.confidence,
                "readings": [list(reading) for reading in turn.readings],
                "followed": turn.followed,
                "corrected_to": turn.corrected_to,
                "model": turn.model,
            }
            for turn in cluster.turns
        ],
    }
