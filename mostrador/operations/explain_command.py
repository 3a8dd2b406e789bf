"""``mostrador explain``: why did it say that, for any turn."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import List, Optional

import click

from mostrador.bootstrap import services
from mostrador.shop.explanation import Explanation, Section, headline, sections
from mostrador.storage.engine import is_unavailable
from mostrador.storage.explained import Explanations

_LABEL = 26  # columns of a label; a longer one has a line of its own
_WIDEST = 120


def printed(it: Explanation, everything: bool = False, width: int = 100) -> str:
    """The explanation as a person reads it in a terminal ``width`` columns wide."""
    lines = [headline(it)[:1].upper() + headline(it)[1:] + "."]
    for section in sections(it, everything):
        lines += ["", section.title.upper(), *_lines(section, width)]
    return "\n".join(lines)


def _lines(section: Section, width: int) -> List[str]:
    label_width = min(_LABEL, max((len(harmless(label)) for label, _ in section.lines), default=0))
    lines: List[str] = []
    for label, words in section.lines:
        head = harmless(label)
        indent = " " * (label_width + 4)
        body = [
            part
            for line in words.split("\n")
            for part in textwrap.wrap(harmless(line), max(20, width - len(indent)), replace_whitespace=False) or [""]
        ]
        if len(head) > label_width:
            lines.append(f"  {head}")
            head = ""
        lines.append(f"  {head:<{label_width}}  {body[0]}".rstrip())
        lines += [f"{indent}{part}".rstrip() for part in body[1:]]
    return lines


def harmless(words: str) -> str:
    """One line that does nothing to a terminal: people may write control characters."""
    return "".join(c if c.isprintable() else " " for c in words)


@click.command()
@click.argument("turn", required=False)
@click.option("--last", metavar="PHONE|CONVERSATION", help="The newest turn of this person or conversation.")
@click.option("-v", "--verbose", is_flag=True, help="All slots, not only those that changed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def explain(turn: Optional[str], last: Optional[str], verbose: bool, as_json: bool) -> None:
    """Why did it say that: everything known of one turn.

    TURN is a turn's id or the provider's id of any message, the person's or ours.
    """
    if bool(turn) == bool(last):
        raise click.UsageError("Say which turn: its id (or a message's), or --last PHONE|CONVERSATION.")
    try:
        found = _find(turn or "", last or "")
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise click.ClickException("The database does not answer: is Mostrador up (`mostrador status`)?") from None
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
    else:
        click.echo(printed(found, verbose, min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)))


def _find(turn: str, last: str) -> Explanation:
    known = Explanations(services().engine)
    if last:
        conversation_id = known.conversation(last)
        if conversation_id is None:
            raise click.ClickException(f"Nobody has the number “{last}”, and no single conversation begins so.")
        turn = known.last(conversation_id) or ""
        if not turn:
            raise click.ClickException("Nothing was said in this conversation yet.")
    found = known.of(turn)
    if found is None:
        raise click.ClickException(f"No turn or message has the id “{turn}”.")
    return found
