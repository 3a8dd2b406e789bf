"""``mostrador converse``: YAML conversations, played through the signed webhook of a whole stack and checked."""

from __future__ import annotations

import base64
import json
import mimetypes
import signal
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

import click
import requests
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mostrador.operations.conversation_file import (
    LOG_COLUMNS,
    AnyStep,
    Bot,
    Conversation,
    Database,
    Fact,
    Handover,
    Nothing,
    Notify,
    Place,
    Reply,
    Tap,
    Wait,
    Write,
    WrongConversation,
    find_files,
    read,
)
from mostrador.operations.conversation_people import Seat, make_seats, needs_demo_data
from mostrador.operations.stack import RunningStack, Stack, StackUnavailable, TemporaryStack
from mostrador.settings import settings
from mostrador.shop import conversations as talks
from mostrador.shop.errors import ShopError
from mostrador.shop.messages import Say
from mostrador.simulator.client import SimulatorRefused
from mostrador.storage.engine import OUTBOX, notify
from mostrador.storage.outbox import NOTIFICATION, add

PATIENCE = 20.0  # seconds until an answer must be there
LONG_WAIT = 3600.0  # a wait from here on moves the clock of all processes, and its conversation is played alone
_SHORTEST_LOOK, _LONGEST_LOOK = 0.02, 0.16  # seconds between two looks whether work is still going on

_TALK = """
    select c.id, c.contact_id, c.owner, c.open_form, coalesce(p.language, '') as language
    from conversation c
    join contact p on p.id = c.contact_id
    join contact_alias a on a.contact_id = c.contact_id and a.kind = 'wa_id'
    where a.value = :phone order by c.created_at desc limit 1
"""
_OPEN_WORK = """
    select (select count(*) from inbox i where i.conversation_id = c.id and i.status = 'new')
         + (select count(*) from outbox o
            where o.conversation_id = c.id and o.status in ('queued', 'sending', 'unknown')) as n
    from conversation c join contact_alias a on a.contact_id = c.contact_id and a.kind = 'wa_id'
    where a.value = :phone
"""
_RESPONSES = """
    select id, coalesce(provider_id, '') as provider_id, coalesce(say ->> 'response', '') as response, speaker
    from outbox where id = any(:ids) or provider_id = any(:provider_ids)
"""
_UNDELIVERED = (
    "select coalesce(error, '') as error, error_code from outbox where conversation_id = :id and status = 'failed'"
)
_UNEXPLAINED = """
    select count(*) as n from inventory_product_inventory i
    where i.variation_id = any(:ids) and i.quantity <> coalesce((
        select sum(delta) from inventory_product_inventory_log_v2 l where l.variation_id = i.variation_id), 0)
"""


class StepFailed(Exception):
    """What a step asked for did not happen."""

    def __init__(self, place: Place, expected: str, got: str) -> None:
        super().__init__(f"{place}: expected {expected}; got {got}")
        self.place = place
        self.expected = expected
        self.got = got


@dataclass(frozen=True)
class Said:
    """One message as it came on the phone, with the response that it was made from."""

    id: str
    response: str
    speaker: str
    text: str
    buttons: Tuple[str, ...]
    image: bool
    template: str

    def __str__(self) -> str:
        shown = self.response or self.speaker or "a message of unknown origin"
        text = " ".join(self.text.split())
        parts = [f"{shown}: “{text if len(text) <= 100 else text[:99] + '…'}”"]
        if self.image:
            parts.append("with a picture")
        if self.buttons:
            parts.append(f"[{' | '.join(self.buttons)}]")
        return " ".join(parts)


@dataclass
class Played:
    """How one conversation went. ``problem`` is None when everything held."""

    conversation: Conversation
    seconds: float = 0.0
    problem: Optional[StepFailed] = None
    transcript: List[str] = field(default_factory=list)


class Player:
    """Plays one conversation on one phone."""

    def __init__(self, stack: Stack, conversation: Conversation, seat: Seat) -> None:
        self._stack = stack
        self._conversation = conversation
        self._seat = seat
        self._phone = stack.phone()
        self._seen = int(stack.simulator.stats()["last"])
        self._came: List[Said] = []  # not looked at yet
        self._last: List[Said] = []  # of the bot step before
        self._named: Dict[str, List[Said]] = {}
        self._human = ""
        self._shift = 0.0  # how far the person's time is ahead of the stack's
        self._sent_at = 0
        self._not_before = 0
        self._last_written = ""
        self.played = Played(conversation)

    def play(self) -> Played:
        """Play all steps; never raises for what the bot did wrong."""
        began = time.monotonic()
        place = self._conversation.place
        try:
            self._phone.put_contact(phone=self._seat.phone, name=self._seat.name)
            for step in self._conversation.steps:
                place = step.place
                self._do(step)
            place = self._conversation.place
            self._end(place)
        except StepFailed as failed:
            self.played.problem = failed
        except (SimulatorRefused, requests.RequestException, SQLAlchemyError, ShopError) as why:
            reason = str(why).split("\n", 1)[0]
            self.played.problem = StepFailed(place, "that this can be done", reason or type(why).__name__)
        self.played.seconds = time.monotonic() - began
        return self.played

    def _do(self, step: AnyStep) -> None:
        if isinstance(step, Write):
            self._write(step)
        elif isinstance(step, Tap):
            self._tap(step)
        elif isinstance(step, Bot):
            self._hear(step)
        elif isinstance(step, Nothing):
            self._silence(step)
        elif isinstance(step, Wait):
            self._wait(step)
        elif isinstance(step, Handover):
            self._hand_over(step)
        elif isinstance(step, Notify):
            self._notify(step)
        else:
            self._look_up(step)

    def _end(self, place: Place) -> None:
        self._settle(place)
        if self._came:
            raise StepFailed(place, "no more messages in the end", _listed(self._came))
        talk = self._talk()
        failed = self._stack.sql(_UNDELIVERED, id=talk["id"]) if talk else []
        if failed:
            reasons = ", ".join(f"{row['error_code'] or ''} {row['error']}".strip() or "no reason" for row in failed)
            raise StepFailed(place, "every message delivered", f"{len(failed)} failed ({reasons})")
        unexplained = self._stack.sql(_UNEXPLAINED, ids=list(self._seat.items.values()))[0]["n"]
        if unexplained:
            raise StepFailed(place, "stock = sum of its log", f"{unexplained} variations of which that is not true")

    # --- what the person does

    def _write(self, step: Write) -> None:
        spec = dict(step.spec)
        if step.file is not None:
            spec["data"] = base64.b64encode(step.file.read_bytes()).decode()
            spec["mime_type"] = mimetypes.guess_type(step.file.name)[0] or "application/octet-stream"
            spec["filename"] = step.file.name
        if step.target:
            last_said = self._last[-1].id if self._last else ""
            spec["message_id"] = last_said if step.target == "last_said" else self._last_written
        shown = spec.get("text") or " ".join(f"{spec[k]}" for k in ("type", "caption", "payload") if spec.get(k))
        self._send(step.place, spec, step.duplicate, str(shown))

    def _tap(self, step: Tap) -> None:
        spec: Dict[str, Any] = {"type": "tap"}
        spec.update({"title": step.title} if step.title else {"index": step.index})
        if step.source or step.message:
            batch = self._named[step.source] if step.source else self._last
            among = batch[step.message - 1 : step.message] if step.message else batch
            fitting = [said for said in among if step.title in said.buttons or len(said.buttons) >= step.index > 0]
            if not fitting:
                wanted = f"a button {step.title or step.index!r} on it"
                raise StepFailed(step.place, wanted, _listed(among) or "no such message")
            spec["message_id"] = fitting[0].id
        self._send(step.place, spec, step.duplicate, f"[{step.title or step.index}]")

    def _send(self, place: Place, spec: Dict[str, Any], duplicate: bool, shown: str) -> None:
        now = int(self._stack.now().timestamp() + self._shift)
        self._sent_at = max(now if not self._not_before else self._not_before, self._sent_at)
        self._not_before = 0
        spec.update(timestamp=self._sent_at, wait=True, duplicate=int(duplicate))
        kind = spec.pop("type")
        if spec.get("message") is not None:  # raw
            spec["message"] = {"timestamp": str(self._sent_at), **spec["message"]}
        if kind in ("reaction", "edit", "revoke") and not spec.get("message_id"):
            raise StepFailed(place, "an earlier message to refer to", "none")
        sent = self._phone.send(self._seat.phone, kind, **spec)
        self._last_written = str(sent.get("id") or "")
        self.played.transcript.append(f"  ▸ {shown}")
        answered = (sent.get("webhook") or {}).get("http")
        if answered != 200:
            raise StepFailed(place, "the webhook to answer 200", f"{answered}")

    def _wait(self, step: Wait) -> None:
        self._settle(step.place)
        if step.seconds >= LONG_WAIT:
            assert isinstance(self._stack, TemporaryStack)
            self._stack.advance(step.seconds)
        else:
            self._shift += step.seconds
        self._not_before = int(max(self._sent_at, 1) + step.seconds) if self._sent_at else 0
        self.played.transcript.append(f"  … {step.seconds:g} s later")

    # --- what comes back

    def _hear(self, step: Bot) -> None:
        wanted = max(len(step.replies), 1)
        deadline = time.monotonic() + PATIENCE
        while len(self._came) < wanted:
            quiet = self._quiet()
            self._collect(0.0 if quiet else 0.5)
            if len(self._came) < wanted and (quiet or time.monotonic() > deadline):
                break
        self._settle(step.place)
        came, self._came = self._came, []
        if step.anything:
            if not came:
                raise StepFailed(step.place, "an answer", "silence")
        else:
            self._compare(step, came)
        self._last = came
        if step.name:
            self._named[step.name] = came

    def _compare(self, step: Bot, came: Sequence[Said]) -> None:
        for reply, said in zip(step.replies, came):
            problem = differs(reply, said)
            if problem:
                raise StepFailed(reply.place, problem, str(said))
        if len(came) < len(step.replies):
            missing = step.replies[len(came)]
            got = f"only {_listed(came)}" if came else "silence"
            raise StepFailed(missing.place, _wish(missing), got)
        if len(came) > len(step.replies):
            raise StepFailed(step.place, f"{len(step.replies)} messages", f"{len(came)}: {_listed(came)}")

    def _silence(self, step: Nothing) -> None:
        self._settle(step.place)
        self._collect(step.seconds if not self._came else 0.0)
        if self._came:
            raise StepFailed(step.place, f"silence for {step.seconds:g} s", _listed(self._came))
        self.played.transcript.append(f"  … silence for {step.seconds:g} s")

    def _settle(self, place: Place) -> None:
        """Wait until everything the person wrote is dealt with, and take what came of it."""
        deadline, pause = time.monotonic() + PATIENCE, _SHORTEST_LOOK
        while not self._quiet():
            if time.monotonic() > deadline:
                raise StepFailed(place, f"an end of the work within {PATIENCE:g} s", "messages still on their way")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_LOOK)
        self._collect(0.0)

    def _quiet(self) -> bool:
        return not any(row["n"] for row in self._stack.sql(_OPEN_WORK, phone=self._seat.phone))

    def _talk(self) -> Optional[Mapping[str, Any]]:
        found = self._stack.sql(_TALK, phone=self._seat.phone)
        return found[0] if found else None

    def _collect(self, wait: float) -> None:
        entries = self._phone.log(self._seat.phone, self._seen, wait=wait, events=["out"])
        if not entries:
            return
        self._seen = entries[-1]["n"]
        opaque = {e["id"]: str(e["message"].get("biz_opaque_callback_data") or "") for e in entries}
        rows = self._stack.sql(
            _RESPONSES, ids=[int(o) for o in opaque.values() if o.isdigit()], provider_ids=list(opaque)
        )
        origin = {str(row["id"]): row for row in rows}
        origin.update({row["provider_id"]: row for row in rows if row["provider_id"]})
        for entry in entries:
            row = origin.get(opaque[entry["id"]]) or origin.get(entry["id"]) or {"response": "", "speaker": ""}
            said = _said(entry, row["response"], row["speaker"])
            self._came.append(said)
            self.played.transcript.append(f"  ◂ {said}")

    # --- people, notifications, facts

    def _hand_over(self, step: Handover) -> None:
        talk = self._talk()
        if talk is None:
            raise StepFailed(step.place, "a conversation", "none yet: the person writes first")
        uow, now = self._stack.services.uow(), self._stack.now()
        self.played.transcript.append(f"  ◇ {step.verb} {step.name or step.text}")
        if step.verb == "take":
            talks.take(uow, talk["id"], step.name, now)
            self._human = step.name
        elif step.verb == "release":
            talks.release(uow, talk["id"], step.name, now)
        else:
            talks.reply(uow, talk["id"], self._human, step.text, f"converse|{uuid.uuid4().hex}", now)
            self._settle(step.place)
            came, self._came = self._came, []
            if [(said.text, said.speaker) for said in came] != [(step.text, "human")]:
                raise StepFailed(step.place, f"“{step.text}” on the phone", _listed(came) or "silence")

    def _notify(self, step: Notify) -> None:
        talk = self._talk()
        if talk is None:
            raise StepFailed(step.place, "a conversation", "none yet: the person writes first")
        key = f"converse|{uuid.uuid4().hex}"
        with self._stack.engine.begin() as connection:
            say = [(Say(text=step.text), 1)]
            add(connection, talk["id"], say, talks.BOT, NOTIFICATION, key, self._stack.now(), topic=step.topic)
            notify(connection, OUTBOX, talk["id"])
        self.played.transcript.append(f"  ◇ notification about {step.topic}")

    def _look_up(self, step: Database) -> None:
        self._settle(step.place)
        for fact in step.facts:
            Facts(self._stack, self._seat, self._talk()).check(fact)


class Facts:
    """What can be looked up in the database about one person and their shelf."""

    def __init__(self, stack: Stack, seat: Seat, talk: Optional[Mapping[str, Any]]) -> None:
        self._stack = stack
        self._seat = seat
        self._talk = talk or {"id": "", "contact_id": 0, "owner": "", "open_form": "", "language": ""}

    def check(self, fact: Fact) -> None:
        """Raises StepFailed when the fact does not hold."""
        getattr(self, f"_{fact.kind}")(fact)

    @staticmethod
    def _same(fact: Fact, what: str, wanted: Any, got: Any) -> None:
        if wanted != got:
            raise StepFailed(fact.place, f"{what} {wanted}", f"{got}")

    def _item(self, fact: Fact, key: str) -> int:
        if key not in self._seat.items:
            raise StepFailed(fact.place, f"a ware {key!r} on the shelf", ", ".join(self._seat.items) or "no shelf")
        return self._seat.items[key]

    def _query(self, fact: Fact) -> None:
        values = {
            "conversation": self._talk["id"],
            "contact": self._talk["contact_id"],
            "supplier": self._seat.supplier_id,
            **{key.replace("-", "_"): item for key, item in self._seat.items.items()},
        }
        with self._stack.engine.begin() as connection:
            rows = [list(row) for row in connection.execute(text(str(fact.wanted["query"])), values)]
        got = json.loads(json.dumps(rows, default=str))
        wanted = fact.wanted["equals"]
        if not isinstance(wanted, list):
            self._same(fact, "the query to give", [[wanted]], got)
        else:
            self._same(fact, "the query to give", [row if isinstance(row, list) else [row] for row in wanted], got)

    def _stock(self, fact: Fact) -> None:
        wanted = fact.wanted
        for key, number in ({wanted["item"]: wanted["is"]} if set(wanted) == {"item", "is"} else wanted).items():
            query = "select quantity from inventory_product_inventory where variation_id = :id"
            rows = self._stack.sql(query, id=self._item(fact, key))
            self._same(fact, f"the stock of {key} to be", number, rows[0]["quantity"] if rows else None)

    def _log(self, fact: Fact) -> None:
        wanted = fact.wanted
        items = [self._item(fact, wanted["item"])] if "item" in wanted else list(self._seat.items.values())
        rows = self._stack.sql(
            "select * from inventory_product_inventory_log_v2 where variation_id = any(:ids) and contact_id = :contact"
            " order by id",
            ids=items,
            contact=self._talk["contact_id"],
        )
        if "count" in wanted:
            self._same(fact, "so many changes in the log:", wanted["count"], len(rows))
        if "last" in wanted:
            last = {name: rows[-1][LOG_COLUMNS[name]] if rows else None for name in wanted["last"]}
            self._same(fact, "the last change to be", wanted["last"], last)

    def _consent(self, fact: Fact) -> None:
        for topic, granted in fact.wanted.items():
            rows = self._stack.sql(
                "select granted from consent where contact_id = :id and topic in (:topic, 'all')"
                " order by at desc, id desc limit 1",
                id=self._talk["contact_id"],
                topic=topic,
            )
            self._same(fact, f"consent to {topic}:", granted, rows[0]["granted"] if rows else "unknown")

    def _owner(self, fact: Fact) -> None:
        self._same(fact, "the owner to be", fact.wanted["is"], self._talk["owner"])

    def _language(self, fact: Fact) -> None:
        self._same(fact, "the language to be", fact.wanted["is"], self._talk["language"])

    def _form(self, fact: Fact) -> None:
        self._same(fact, "the form to be", fact.wanted["is"], "open" if self._talk["open_form"] else "closed")

    def _sessions(self, fact: Fact) -> None:
        query = "select count(*) as n from tracker_event where conversation_id = :id and type = 'session_started'"
        self._same(fact, "so many sessions:", fact.wanted["is"], self._stack.sql(query, id=self._talk["id"])[0]["n"])

    def _tasks(self, fact: Fact) -> None:
        query = (
            "select count(*) as n from manual_task where conversation_id = :id and kind = :kind and status <> 'done'"
        )
        for kind, number in fact.wanted.items():
            got = self._stack.sql(query, id=self._talk["id"], kind=kind)[0]["n"]
            self._same(fact, f"so many open tasks of kind {kind}:", number, got)


def _said(entry: Mapping[str, Any], response: str, speaker: str) -> Said:
    view = entry["view"]
    words = [view.get("header"), view.get("text"), view.get("footer")]
    return Said(
        id=str(entry["id"]),
        response=response,
        speaker=speaker,
        text="\n".join(word for word in words if word),
        buttons=tuple(button["title"] for button in view["buttons"]),
        image=(view.get("media") or {}).get("kind") == "image",
        template=str(view.get("template") or ""),
    )


def differs(reply: Reply, said: Said) -> str:
    """What the message should have been and is not; empty when it fits."""
    if reply.response and reply.response not in said.response.split():
        return reply.response
    if reply.text and reply.text not in said.text:
        return f"the words “{reply.text}”"
    if reply.pattern is not None and not reply.pattern.search(said.text):
        return f"words like /{reply.pattern.pattern}/"
    if reply.buttons is not None:
        seen = said.buttons[: len(reply.buttons)] if reply.more_buttons else said.buttons
        if seen != reply.buttons:
            return f"the buttons [{' | '.join(reply.buttons)}{' | …' if reply.more_buttons else ''}]"
    if reply.image is not None and reply.image != said.image:
        return "a picture" if reply.image else "no picture"
    if reply.template and reply.template != said.template:
        return f"the template {reply.template}"
    return ""


def _wish(reply: Reply) -> str:
    return reply.response or (f"“{reply.text}”" if reply.text else "a message")


def _listed(said: Sequence[Said]) -> str:
    return "; ".join(str(one) for one in said)


# --- many at once


def play_all(stack: Stack, conversations: Sequence[Conversation], at_once: int = 4) -> List[Played]:
    """Play them all, several at once; those that move the clock come last and alone. In the order given."""
    seats = make_seats(stack.engine, stack.settings, conversations, stack.now())
    jobs = list(enumerate(zip(conversations, seats)))
    alone = [job for job in jobs if _moves_the_clock(job[1][0])]
    chains: Dict[str, List[int]] = {}  # those of one person one after the other
    for number, (conversation, seat) in jobs:
        if not _moves_the_clock(conversation):
            chains.setdefault(seat.phone, []).append(number)
    played: Dict[int, Played] = {}

    def play(numbers: Sequence[int]) -> None:
        for number in numbers:
            played[number] = Player(stack, conversations[number], seats[number]).play()

    with ThreadPoolExecutor(max(1, at_once), thread_name_prefix="phone") as phones:
        for done in [phones.submit(play, chain) for chain in chains.values()]:
            done.result()
    for number, (conversation, _) in alone:
        if isinstance(stack, TemporaryStack):
            play([number])
        else:
            reason = "its clock cannot be moved: play it on a temporary stack"
            problem = StepFailed(conversation.place, "a stack of one's own", reason)
            played[number] = Played(conversation, problem=problem)
    return [played[number] for number in range(len(conversations))]


def _moves_the_clock(conversation: Conversation) -> bool:
    return any(isinstance(step, Wait) and step.seconds >= LONG_WAIT for step in conversation.steps)


def as_json(played: Sequence[Played], seconds: float, seconds_to_start: float) -> Dict[str, Any]:
    """The outcome as JSON values."""
    failed = [
        {
            "conversation": one.conversation.title,
            "file": str(one.problem.place.file),
            "line": one.problem.place.line,
            "expected": one.problem.expected,
            "got": one.problem.got,
        }
        for one in played
        if one.problem is not None
    ]
    return {
        "ok": not failed,
        "conversations": len(played),
        "passed": len(played) - len(failed),
        "failed": failed,
        "seconds": round(seconds, 2),
        "seconds_to_start": round(seconds_to_start, 2),
    }


def _show(played: Sequence[Played], verbose: bool) -> None:
    for one in played:
        mark = "ok  " if one.problem is None else "FAIL"
        click.echo(f"{mark} {one.conversation.place.file}: {one.conversation.title} ({one.seconds:.1f} s)")
        if verbose or one.problem is not None:
            for line in one.transcript:
                click.echo(line)
        if one.problem is not None:
            click.echo(f"  {one.problem.place}\n    expected {one.problem.expected}\n    got      {one.problem.got}")


def _interrupted(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE…")
@click.option("--running", is_flag=True, help="Play against what `mostrador up --demo` started.")
@click.option(
    "--stack", "url", metavar="URL", help="Play against the stack behind this simulator (with its DATABASE_URL)."
)
@click.option("--at-once", default=4, show_default=True, help="How many people write at the same time.")
@click.option("--json", "json_wanted", is_flag=True, help="One JSON object on the last line.")
@click.option("-v", "--verbose", is_flag=True, help="Show every message.")
def command(files: Sequence[Path], running: bool, url: str, at_once: int, json_wanted: bool, verbose: bool) -> None:
    """Play YAML conversations (files or folders) through the whole stack: a temporary one, unless told otherwise.

    Exit status 0 only when everything held.
    """
    signal.signal(signal.SIGTERM, _interrupted)  # so that a temporary stack never outlives this command
    began = time.monotonic()
    try:
        conversations = [conversation for file in find_files(files) for conversation in read(file)]
        if running or url:
            stack: Stack = RunningStack(settings(), url or "")
        else:
            stack = TemporaryStack(demo_data=needs_demo_data(conversations))
            stack.start()
    except (WrongConversation, StackUnavailable) as why:
        raise click.ClickException(str(why)) from None
    ready = time.monotonic()
    try:
        played = play_all(stack, conversations, at_once)
        outcome = as_json(played, time.monotonic() - ready, ready - began)
    except WrongConversation as why:
        raise click.ClickException(str(why)) from None
    finally:
        if isinstance(stack, TemporaryStack):
            stack.stop()
        else:
            stack.close()
    _show(played, verbose)
    click.echo(f"{outcome['passed']} of {outcome['conversations']} conversations hold ({outcome['seconds']:.1f} s).")
    if json_wanted:
        click.echo(json.dumps(outcome, ensure_ascii=False))
    sys.exit(0 if outcome["ok"] else 1)
