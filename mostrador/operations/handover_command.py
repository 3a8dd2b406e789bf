"""``mostrador handover``: the conversations that a human owns or waits for, from a terminal."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple
from uuid import uuid4

import click
from sqlalchemy import text
from sqlalchemy.engine import Engine

from mostrador.bootstrap import Services, services
from mostrador.shop import conversations as talks
from mostrador.shop.conversations import AlreadyTaken, NotOwnedByYou, UnknownConversation
from mostrador.storage.engine import is_unavailable

CHORES = {
    "failed_turn": "a message could not be answered; the person got an apology",
    "failed_send": "something we said did not arrive",
    "account": "WhatsApp refuses our account; nothing is sent until that is settled",
}
"""What a manual task of each kind means, in a person's words."""
SHOWN_ID = 8  # characters of a conversation's id in the list
_LONGEST_LINE = 76
LONGEST_REPLY = 4096  # characters, one WhatsApp message

_PEOPLE = text(
    """
    select c.id, p.name, coalesce(p.language, '') as language,
           (select details ->> 'reason' from manual_task t
            where t.conversation_id = c.id and t.kind = 'handover' and t.status <> 'done'
            order by t.id limit 1) as reason
    from conversation c join contact p on p.id = c.contact_id where c.id = any(:ids)
    """
)
_LAST_WORDS = text(
    """
    select * from (
        select sent_at as at, 'person' as speaker, kind, coalesce(message ->> 'text', '') as words, id
        from inbox where conversation_id = :id
        union all
        select coalesce(sent_at, created_at), speaker, 'text', coalesce(say ->> 'text', ''), id
        from outbox where conversation_id = :id and speaker = 'human' and status <> 'dropped' and slice = 0
    ) said order by at desc, id desc limit :most
    """
)
_BY_START = text("select id from conversation where id like :start order by id limit 2")


class NotOne(Exception):
    """An abbreviated id fits no conversation, or several; the message says which."""


def waiting(made: Services, messages: int = 3) -> List[Dict[str, Any]]:
    """Conversations queued for a human or with one, the longest waiting first, as JSON values.

    ``since`` is an ISO instant; ``last`` are the newest ``messages`` of person and human, oldest first.
    """
    with made.uow() as uow:
        found = uow.conversations.waiting()
    with made.engine.connect() as connection:
        people = {row.id: row for row in connection.execute(_PEOPLE, {"ids": [talk.id for talk in found]})}
        entries = []
        for talk in found:
            person = people[talk.id]
            last = connection.execute(_LAST_WORDS, {"id": talk.id, "most": messages}).all()
            entries.append(
                {
                    "conversation": talk.id,
                    "owner": talk.owner,
                    "taken_by": talk.owner_name,
                    "since": talk.owner_since.isoformat() if talk.owner_since else None,
                    "name": person.name,
                    "language": person.language,
                    "reason": person.reason or "",
                    "last": [
                        {"at": row.at.isoformat(), "speaker": row.speaker, "kind": row.kind, "text": row.words}
                        for row in reversed(last)
                    ],
                }
            )
    return entries


def chores(made: Services) -> List[Dict[str, Any]]:
    """What else waits for people: failed messages and sends, refused accounts; the oldest first, as JSON values."""
    with made.uow() as uow:
        return [
            {
                "task": task.id,
                "kind": task.kind,
                "conversation": task.conversation_id,
                "since": task.created_at.isoformat(),
                "details": dict(task.details),
            }
            for task in uow.tasks.open_tasks()
            if task.kind != "handover"
        ]


def chore_list(entries: Sequence[Dict[str, Any]], now: datetime) -> str:
    """The chores as a person reads them; empty when there are none."""
    lines = ["", "To look after (`mostrador handover done NUMBER` when it is):"] if entries else []
    for entry in entries:
        since = datetime.fromisoformat(entry["since"])
        where = f" in {entry['conversation'][:SHOWN_ID]}" if entry["conversation"] else ""
        lines.append(f"{entry['task']:>8}  {CHORES.get(entry['kind'], entry['kind'])}{where} ({how_long(since, now)})")
        known = {name: value for name, value in entry["details"].items() if value not in (None, "")}
        if known:
            lines.append("          " + _line(", ".join(f"{name} {value}" for name, value in known.items())))
    return "\n".join(lines)


def whole_id(engine: Engine, start: str) -> str:
    """The only conversation whose id begins with ``start``; raises NotOne."""
    plain = start.strip().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    with engine.connect() as connection:
        found = list(connection.execute(_BY_START, {"start": f"{plain}%"}).scalars()) if plain else []
    if start in found:
        return start
    if len(found) != 1:
        which = "Several conversations begin" if found else "No conversation begins"
        raise NotOne(f"{which} with “{start}”; `mostrador handover list` shows them.")
    return str(found[0])


def how_long(since: datetime, now: datetime) -> str:
    """The time between two instants, roughly: ``just now``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    minutes = int((now - since).total_seconds()) // 60
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes // 60 % 24} h"


def listing(entries: Sequence[Dict[str, Any]], now: datetime) -> str:
    """The waiting conversations as a person reads them in a terminal."""
    if not entries:
        return "Nobody waits for a human."
    lines: List[str] = []
    for entry in entries:
        since = datetime.fromisoformat(entry["since"]) if entry["since"] else now
        state = f"waits since {_hour(since)}" if entry["owner"] == talks.QUEUED else f"with {entry['taken_by']}"
        head = (
            f"{entry['conversation'][:SHOWN_ID]}  {entry['name'] or 'without a name'}  {state} ({how_long(since, now)})"
        )
        lines.append(head + (f", speaks {entry['language']}" if entry["language"] else ""))
        if entry["reason"]:
            lines.append(f"    because: {_line(entry['reason'])}")
        for message in entry["last"]:
            arrow = "▸" if message["speaker"] == "person" else "◂"
            words = message["text"] or f"({message['kind']})"
            kind = f"({message['kind']}) " if message["text"] and message["kind"] not in ("text", "tap") else ""
            lines.append(f"    {_hour(datetime.fromisoformat(message['at']))} {arrow} {_line(kind + words)}")
    return "\n".join(lines)


def _hour(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%d %b %H:%M UTC")


def _line(words: str) -> str:
    """One line that does nothing to a terminal: people may write control characters."""
    plain = "".join(c if c.isprintable() else " " for c in " ".join(words.split()))
    return plain if len(plain) <= _LONGEST_LINE else plain[: _LONGEST_LINE - 1] + "…"


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except NotOne as why:
        raise click.ClickException(str(why)) from None
    except AlreadyTaken as taken:
        raise click.ClickException(f"{taken} has this conversation already.") from None
    except NotOwnedByYou as owned:
        owner = f"{owned} has this conversation" if str(owned) else "The bot has this conversation"
        raise click.ClickException(f"{owner}: take it first with `mostrador handover take`.") from None
    except UnknownConversation:
        raise click.ClickException("This conversation is gone.") from None
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise click.ClickException("The database does not answer: is Mostrador up (`mostrador status`)?") from None


@click.group()
def handover() -> None:
    """Conversations that a human owns or waits for."""


_conversation = click.argument("conversation")
_name = click.option("--as", "name", required=True, metavar="NAME", help="Who you are to your colleagues.")
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")


def _begin(start: str, name: str) -> Tuple[Services, str, str]:
    if not name.strip():
        raise click.ClickException("Please say who you are: --as NAME.")
    made = services()
    return made, whole_id(made.engine, start), name.strip()


def _done(as_json: bool, sentence: str, conversation_id: str, **values: Any) -> None:
    click.echo(json.dumps({"ok": True, "conversation": conversation_id, **values}) if as_json else sentence)


@handover.command("list")
@click.option("--messages", default=3, show_default=True, help="How many of the last messages to show of each.")
@_json
def list_(messages: int, as_json: bool) -> None:
    """Show who waits for a human or has one, and what else people must look after."""
    with _sentences():
        made = services()
        entries, others, now = waiting(made, max(0, messages)), chores(made), made.clock.now()
        if as_json:
            click.echo(json.dumps({"conversations": entries, "tasks": others}, ensure_ascii=False))
        else:
            click.echo("\n".join(filter(None, (listing(entries, now), chore_list(others, now)))))


@handover.command()
@_conversation
@_name
@_json
def take(conversation: str, name: str, as_json: bool) -> None:
    """Take a conversation: the bot is silent in it from now on."""
    with _sentences():
        made, conversation_id, who = _begin(conversation, name)
        talks.take(made.uow(), conversation_id, who, made.clock.now())
    _done(as_json, f"The conversation is yours, {who}; the bot is silent.", conversation_id, owner=who)


@handover.command()
@_conversation
@click.argument("text")
@_name
@click.option("--key", metavar="KEY", help="For scripts: the same key again says nothing twice.")
@_json
def reply(conversation: str, text: str, name: str, key: Optional[str], as_json: bool) -> None:
    """Say something in a conversation you have."""
    with _sentences():
        made, conversation_id, who = _begin(conversation, name)
        words = text.strip()
        if not words:
            raise click.ClickException("There is nothing to say.")
        if len(words) > LONGEST_REPLY:
            raise click.ClickException(f"A reply has at most {LONGEST_REPLY} characters; this one has {len(words)}.")
        key = f"handover|{conversation_id}|{key or uuid4().hex}"
        talks.reply(made.uow(), conversation_id, who, words, key, made.clock.now())
    _done(as_json, "Your reply is on its way.", conversation_id)


@handover.command()
@_conversation
@_name
@_json
def release(conversation: str, name: str, as_json: bool) -> None:
    """Give a conversation back to the bot."""
    with _sentences():
        made, conversation_id, who = _begin(conversation, name)
        talks.release(made.uow(), conversation_id, who, made.clock.now())
    _done(as_json, "The bot has the conversation again.", conversation_id, owner=talks.BOT)


@handover.command()
@click.argument("task", type=int)
@_json
def done(task: int, as_json: bool) -> None:
    """Take a task off the list that `list` shows below the conversations."""
    with _sentences():
        made = services()
        with made.uow() as uow:
            if not uow.tasks.close(task, made.clock.now()):
                raise click.ClickException(f"No open task has the number {task}.")
            uow.commit()
    click.echo(json.dumps({"ok": True, "task": task}) if as_json else "Done.")
