"""Crash proof: every message is answered, none twice, whatever is killed meanwhile.

``python -m tests.load.crash [--messages 2000 --contacts 200 --kills 20 --seed 7] [--json]``: sellers write through
signed webhooks to a whole stack of its own with durable PostgreSQL. A third of the messages is delivered twice, those
of one person overtake each other within a second, and ingress, Rasa, action server, sender and PostgreSQL are killed in
turn with SIGKILL and started again by their supervisor. Then the database and the phones are held against a model that
knows nothing but what the sellers wrote. Exit status 0 only when everything holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Callable, Container, DefaultDict, Dict, List, Mapping, Optional, Sequence, Tuple

import aiohttp

from mostrador.operations.stack import NotQuiet, StackUnavailable, TemporaryStack
from tests.load.people import UNEXPLAINED, Person, furnish, load_feeds
from tests.load.shelf_model import Act, Choose, Leave, Number, ShelfModel, Talk, Undo

PROCESSES = ("ingress", "rasa", "actions", "sender", "postgres")
HOLD = 1.0  # MOSTRADOR_REORDER_HOLD: how far apart in arrival a person's order is still kept
JITTER = 0.6  # seconds within which deliveries of one person overtake each other; the rest of HOLD is for retries
RETRY = 0.15  # seconds after which the stand-in posts a refused webhook again
SETTINGS: Dict[str, object] = {
    "reorder_hold": HOLD,
    "quiet_window": 0,
    # The stand-in tells what became of a message within 0.1 s, so what nobody knows is settled sooner than with Meta.
    "unknown_after": 10,
    "send_timeout": 3,
    "send_lease": 4,
}
TWICE = 0.3  # share of messages that are delivered twice
FREE = 0.3  # share of free text; the rest are taps and answers inside the form
PATIENCE = 240.0  # seconds that a person waits for a button to come
LIMIT = 540.0  # seconds that all the writing may take
SETTLE = 90.0  # seconds for the last answers
AROUND: Dict[str, Act] = {"show_out_of_stock": Talk(), "show_low_stock": Talk(), "show_menu": Leave()}
ARRIVED = ("accepted", "sent", "delivered", "read")

GREETINGS = {"en": ("hi", "hello", "good morning"), "es": ("hola", "buenos días"), "hi": ("नमस्ते", "namaste")}
SOLD_OUT = {"en": "what is sold out", "es": "¿qué se agotó?", "hi": "क्या खत्म हो गया है?"}
LOW = {"en": "what is running low", "es": "¿qué está por agotarse?", "hi": "क्या कम बचा है?"}
THANKS = {"en": "thanks", "es": "gracias", "hi": "धन्यवाद"}
UNDO = {"en": "undo the last change", "es": "deshacer el último cambio", "hi": "पिछला बदलाव वापस लो"}
CANCEL = {"en": "cancel", "es": "cancelar", "hi": "रद्द करो"}


@dataclass
class Written:
    """One message of a person, as it was handed to the stand-in."""

    wamid: str
    stamp: int
    act: Act
    words: str
    opaque: str = ""  # of the message whose undo button was tapped
    twice: bool = False


@dataclass
class Talker:
    """A person with a script: what was written, what has come."""

    person: Person
    quota: int
    stamp: int = 0
    written: List[Written] = field(default_factory=list)
    free: int = 0
    came: List[Dict[str, Any]] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    stuck: str = ""


class Town:
    """Everybody writing at once against one stack."""

    def __init__(self, url: str, people: Sequence[Person], messages: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.url = url
        shares = [messages // len(people)] * len(people)
        for number in range(messages - sum(shares)):
            shares[number] += 1
        self.talkers = [Talker(person, share) for person, share in zip(people, shares)]
        self._by_phone = {talker.person.phone: talker for talker in self.talkers}
        self.sent = 0
        self.total = messages
        self._progress = asyncio.Event()
        self._late: List["asyncio.Task[None]"] = []

    async def live(self, span: float) -> None:
        """Let everybody write; people begin within ``span`` seconds. Returns when the last message is under way."""
        timeout = aiohttp.ClientTimeout(total=90)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
            self._session = session
            listening = asyncio.ensure_future(self.listen())
            starts = sorted(self.random.uniform(0, span) for _ in self.talkers)
            talks = [self._talk(talker, start) for talker, start in zip(self.talkers, starts)]
            await asyncio.wait_for(asyncio.gather(*talks), LIMIT)
            await asyncio.gather(*self._late)
            listening.cancel()

    async def until_written(self, messages: float) -> None:
        """Wait until so many messages were written."""
        while self.sent < messages:
            self._progress.clear()
            await self._progress.wait()

    async def listen(self) -> None:
        """Hand what comes on the phones to the people who wait for it."""
        since = 0
        while True:
            params = {"since": since, "wait": 20, "events": "out", "limit": 1000}
            async with self._session.get(f"{self.url}/_sim/log", params=params) as answer:
                entries = (await answer.json())["entries"]
            for entry in entries:
                since = entry["n"]
                talker = self._by_phone.get(entry["contact"])
                if talker is not None:
                    talker.came.append(entry)
                    talker.news.set()

    async def _talk(self, talker: Talker, start: float) -> None:
        await asyncio.sleep(start)
        try:
            await self._free(talker, self.random.choice(GREETINGS[talker.person.language]), Talk())
            await self._free(talker, SOLD_OUT[talker.person.language], Talk())
            while len(talker.written) < talker.quota:
                await self._scene(talker)
        except asyncio.TimeoutError:
            talker.stuck = f"waited {PATIENCE:.0f} s in vain for a button"

    async def _scene(self, talker: Talker) -> None:
        """Something a seller does: change stock, take it back, ask, chat."""
        left, language = talker.quota - len(talker.written), talker.person.language
        model = model_of(talker)
        if talker.free >= FREE * (len(talker.written) + 1):
            scenes = [self._change] * (left >= 2) + [self._change_twice] * 2 * (left >= 4)
            scenes += [self._undo_tap] * any(_undo_of(entry) for entry in talker.came)
            scenes += [self._look_around] * any(_plain(b) in AROUND for e in talker.came for b in e["view"]["buttons"])
            if scenes:
                await self.random.choice(scenes)(talker)
                return
        if model.form is not None and self.random.random() < 0.5:
            await self._free(talker, CANCEL[language], Leave())
        elif model.made and self.random.random() < 0.4:
            await self._free(talker, UNDO[language], Undo())
        else:
            await self._free(talker, self.random.choice((LOW, THANKS, SOLD_OUT))[language], Talk())

    async def _change(self, talker: Talker) -> None:
        item = await self._known_item(talker)
        await self._tap(talker, f'update_stock{{"item":"{item}"}}', Choose(item))
        if self.random.random() < 0.5:
            await self._new_words(talker)
        await self._answer(talker, self._number())

    async def _change_twice(self, talker: Talker) -> None:
        """Set, then set again, in one breath: the stock depends on the order in which the four are answered."""
        item = await self._known_item(talker)
        for _ in range(2):
            await self._tap(talker, f'update_stock{{"item":"{item}"}}', Choose(item), at_once=True)
            await self._answer(talker, self._number(), at_once=True)
        await asyncio.sleep(self.random.uniform(0.2, 1.5))

    def _number(self) -> Number:
        sense = self.random.choices(("set", "add", "take"), (6, 3, 1))[0]
        return Number(self.random.randrange(1, 90) if sense != "take" else self.random.randrange(1, 4), sense)

    async def _known_item(self, talker: Talker) -> int:
        """A variation for which an "Update stock" button has come."""

        def offered() -> List[str]:
            return [b["id"] for e in talker.came for b in e["view"]["buttons"] if _plain(b).startswith("update_stock{")]

        await self._until(talker, offered)
        chosen = self.random.choice(sorted(set(offered())))
        return int(json.loads(_plain({"id": chosen})[len("update_stock") :])["item"])

    async def _undo_tap(self, talker: Talker) -> None:
        """Tap "Undo" below one of the answers that told of a change, perhaps once more."""
        entry = self.random.choice([entry for entry in talker.came if _undo_of(entry)])
        button = _undo_of(entry)[0]
        spec = {"type": "tap", "id": button["id"], "message_id": entry["id"]}
        await self._write(talker, spec, Undo(), button["title"], entry["message"]["biz_opaque_callback_data"])

    async def _look_around(self, talker: Talker) -> None:
        """Tap a button that changes no stock."""
        offered = {_plain(b) for e in talker.came for b in e["view"]["buttons"]} & set(AROUND)
        chosen = self.random.choice(sorted(offered))
        await self._tap(talker, chosen, AROUND[chosen])

    async def _tap(self, talker: Talker, plain: str, act: Act, at_once: bool = False) -> None:
        for entry in reversed(talker.came):
            for button in entry["view"]["buttons"]:
                if _plain(button) == plain:
                    spec = {"type": "tap", "id": button["id"], "message_id": entry["id"]}
                    await self._write(talker, spec, act, button["title"], at_once=at_once)
                    return
        raise AssertionError(f"no button {plain}")

    async def _answer(self, talker: Talker, number: Number, at_once: bool = False) -> None:
        sign = {"set": "", "add": "+", "take": "-"}[number.sense]
        words = f"{sign}{number.count}"
        await self._write(talker, {"type": "text", "text": words}, number, words, at_once=at_once)

    async def _free(self, talker: Talker, words: str, act: Act) -> None:
        talker.free += 1
        await self._write(talker, {"type": "text", "text": words}, act, words)

    async def _write(
        self, talker: Talker, spec: Dict[str, Any], act: Act, words: str, opaque: str = "", at_once: bool = False
    ) -> None:
        # WhatsApp's time stamps are whole seconds; a person's are told apart so that their order is known.
        talker.stamp = max(talker.stamp + 1, int(time.time()))
        wamid = f"wamid.{talker.person.phone}.{len(talker.written):03d}"
        twice = self.random.random() < TWICE
        talker.written.append(Written(wamid, talker.stamp, act, words, opaque, twice))
        spec = {**spec, "wamid": wamid, "timestamp": talker.stamp}
        self.sent += 1
        self._progress.set()
        same_time = twice and self.random.random() < 0.5
        await self._post(talker, {**spec, "delay": self.random.uniform(0, JITTER), "duplicate": int(same_time)})
        if twice and not same_time:
            self._late.append(asyncio.ensure_future(self._again(talker, spec, self.random.uniform(0.2, 8))))
        if not at_once:
            await asyncio.sleep(self.random.uniform(0.2, 1.5))
            if self.random.random() < 0.4:
                await self._new_words(talker)

    async def _again(self, talker: Talker, spec: Dict[str, Any], after: float) -> None:
        await asyncio.sleep(after)
        await self._post(talker, spec)

    async def _post(self, talker: Talker, spec: Dict[str, Any]) -> None:
        url = f"{self.url}/_sim/contacts/{talker.person.phone}/send"
        async with self._session.post(url, json=spec) as answer:
            if answer.status != 200:
                raise AssertionError(f"the stand-in refused a message: {await answer.text()}")

    async def _new_words(self, talker: Talker) -> None:
        """Wait for something to come, as people do; what does not come is not waited for long."""
        known = len(talker.came)
        try:
            await self._until(talker, lambda: len(talker.came) > known, 4.0)
        except asyncio.TimeoutError:
            pass

    async def _until(self, talker: Talker, holds: Callable[[], Any], within: float = PATIENCE) -> None:
        deadline = time.monotonic() + within
        while not holds():
            talker.news.clear()
            await asyncio.wait_for(talker.news.wait(), max(0.01, deadline - time.monotonic()))


def _plain(button: Dict[str, Any]) -> str:
    """What a sealed id says."""
    return str(button.get("id", "")).partition(".")[2]


def _undo_of(entry: Dict[str, Any]) -> List[Dict[str, Any]]:
    """The button that takes back the change which this answer tells of; an offer of several tells of none."""
    found = [button for button in entry["view"]["buttons"] if _plain(button).startswith("undo_update{")]
    return found if len(found) == 1 else []


def model_of(
    talker: Talker,
    told_by: Optional[Mapping[str, str]] = None,
    order: Callable[[Written], int] = lambda message: message.stamp,
    asked_for_item: Container[str] = (),
) -> ShelfModel:
    """The shelf after everything that was written; ``told_by`` names the message that an answer (opaque id) is to."""
    model = ShelfModel(dict(talker.person.stock))
    for message in sorted(talker.written, key=order):
        act = Undo((told_by or {}).get(message.opaque, "?")) if message.opaque else message.act
        model.hear(message.wamid, act, message.wamid in asked_for_item)
    return model


# --- killing


class Killer:
    """Kills one process after the other, spread over the messages; never one that is down already."""

    def __init__(self, stack: TemporaryStack, kills: int, seed: int) -> None:
        self._stack = stack
        self._random = random.Random(seed + 1)
        rounds = [list(PROCESSES) for _ in range(-(-kills // len(PROCESSES)))]
        for order in rounds:
            self._random.shuffle(order)
        self.plan = [name for order in rounds for name in order][:kills]
        self.done: List[Tuple[float, str]] = []

    async def work(self, town: Town) -> None:
        """Kill the next one whenever another share of the messages was written."""
        loop = asyncio.get_running_loop()
        for number, name in enumerate(self.plan):
            due = town.total * (number + 0.5) / len(self.plan)
            await town.until_written(due)
            await asyncio.sleep(self._random.uniform(0, 0.3))
            await loop.run_in_executor(None, self._kill, name)
            self.done.append((time.time(), name))

    def _kill(self, name: str) -> None:
        deadline = time.monotonic() + 50
        while not self._stack.kill(name) and time.monotonic() < deadline:  # it is being started again
            time.sleep(0.1)


# --- what must hold


@dataclass
class Check:
    name: str
    held: bool
    figure: str


@dataclass
class Verdict:
    checks: List[Check] = field(default_factory=list)
    offender: str = ""  # phone of the first person for whom something does not hold

    def add(self, name: str, held: bool, figure: str, offenders: Sequence[str] = ()) -> None:
        self.checks.append(Check(name, held, figure))
        if not held and not self.offender and offenders:
            self.offender = offenders[0]

    @property
    def held(self) -> bool:
        return all(check.held for check in self.checks)


class Books:
    """What the database and the phones say, read once after everything is quiet."""

    def __init__(self, stack: TemporaryStack) -> None:
        self.phone_of = {
            row["id"]: row["value"]
            for row in stack.sql(
                """select c.id, a.value from conversation c join contact_alias a using (contact_id)
                   where a.kind = 'wa_id'"""
            )
        }
        self.inbox = stack.sql("select * from inbox order by conversation_id, sent_at, id")
        self.turns = stack.sql("select * from turn order by conversation_id, ended_at")
        self.outbox = stack.sql("select *, say ->> 'response' as response from outbox order by id")
        self.tasks = stack.sql("select * from manual_task order by id")
        self.log = stack.sql(
            "select * from inventory_product_inventory_log_v2 where source = 'Whatsapp_chatbot' order by id"
        )
        self.stock = {
            row["variation_id"]: row["quantity"]
            for row in stack.sql("select variation_id, quantity from inventory_product_inventory")
        }
        self.outs = read_log(stack, "out")
        self.late = self._late()
        self.stats = stack.simulator.stats()

    def _late(self) -> Dict[str, List[str]]:
        """Messages, by phone, that came further behind a younger one than anybody promised to wait for them."""
        found: DefaultDict[str, List[str]] = defaultdict(list)
        for conversation, rows in _by_conversation(self.inbox).items():
            for place, row in enumerate(rows):
                if any(
                    (row["received_at"] - other["received_at"]).total_seconds() > HOLD for other in rows[place + 1 :]
                ):
                    found[self.phone_of[conversation]].append(row["provider_id"])
        return found

    def heard(self, talker: Talker) -> ShelfModel:
        """The model of a person's shelf; by the order of the turns where the network kept none that can be kept."""
        told_by = {str(row["id"]): row["turn_id"] for row in self.outbox}
        if talker.person.phone not in self.late:
            return model_of(talker, told_by)
        place = {wamid: number for number, turn in enumerate(self.turns) for wamid in turn["members"]}
        asked = {row["turn_id"] for row in self.outbox if row["response"] == "utter_choose_item"}
        return model_of(talker, told_by, lambda message: place.get(message.wamid, len(place)), asked)


def read_log(stack: TemporaryStack, event: str, since: int = 0) -> List[Dict[str, Any]]:
    """Every entry of the stand-in's log of one kind after number ``since``."""
    entries: List[Dict[str, Any]] = []
    while True:
        more = stack.simulator.log(since=entries[-1]["n"] if entries else since, events=[event], limit=5000)
        if not more:
            return entries
        entries += more


def judge(books: Books, town: Town, stack: TemporaryStack) -> Verdict:
    verdict = Verdict()
    _judge_messages(verdict, books, town)
    _judge_answers(verdict, books)
    _judge_stock(verdict, books, town, stack)
    _judge_order(verdict, books)
    kinds = Counter(task["kind"] for task in books.tasks)
    verdict.add("no turn failed for good (manual tasks)", not kinds, f"{dict(kinds) or 0}")
    sorry = [r for r in books.outbox if "utter_technical_problem" in (r["response"] or "")]
    verdict.add("no apology", not sorry, str(len(sorry)), [books.phone_of[r["conversation_id"]] for r in sorry])
    return verdict


def _judge_messages(verdict: Verdict, books: Books, town: Town) -> None:
    stuck = [t for t in town.talkers if t.stuck]
    verdict.add("nobody waited in vain", not stuck, str(len(stuck)), [t.person.phone for t in stuck])
    written = {m.wamid: t.person.phone for t in town.talkers for m in t.written}
    stored = Counter(row["provider_id"] for row in books.inbox)
    missing = [wamid for wamid in written if stored[wamid] != 1]
    verdict.add(
        "every message is in the inbox once", not missing and len(stored) == len(written),
        f"{len(stored)} of {len(written)}, {sum(stored.values()) - len(stored)} twice", [written[w] for w in missing],
    )  # fmt: skip
    undone = [r for r in books.inbox if r["status"] != "done"]
    verdict.add("every message is closed", not undone, f"{len(undone)} open", _phones(books, undone))
    turns = Counter(wamid for turn in books.turns for wamid in turn["members"])
    wrong = [wamid for wamid in written if turns[wamid] != 1]
    verdict.add(
        "every message belongs to exactly one turn", not wrong and len(turns) == len(written),
        f"{len(turns)} in {len(books.turns)} turns, {len(wrong)} not", [written[w] for w in wrong],
    )  # fmt: skip


def _judge_answers(verdict: Verdict, books: Books) -> None:
    answers = Counter(row["turn_id"] for row in books.outbox)
    mute = [turn for turn in books.turns if not answers[turn["id"]]]
    verdict.add("every turn has an answer", not mute, f"{len(mute)} without", _phones(books, mute))
    lost = [row for row in books.outbox if row["status"] not in ARRIVED]
    ends = dict(Counter(row["status"] for row in books.outbox))
    verdict.add("every answer arrived", not lost, str(ends), _phones(books, lost))
    accepted = Counter(entry["message"]["biz_opaque_callback_data"] for entry in books.outs)
    wrong = [row for row in books.outbox if accepted[str(row["id"])] != 1]
    resent = sum(row["resends"] for row in books.outbox)
    verdict.add(
        "every answer reached the phone exactly once", not wrong and books.stats["sent_twice"] == 0,
        f"{len(books.outs)} on the phones for {len(books.outbox)} answers, {books.stats['sent_twice']} twice, "
        f"{resent} sent anew after an unknown outcome", _phones(books, wrong),
    )  # fmt: skip


def _judge_stock(verdict: Verdict, books: Books, town: Town, stack: TemporaryStack) -> None:
    rows = Counter(row["contact_id"] for row in books.log)
    wrong_stock, wrong_rows, expected, touched = [], [], 0, 0
    for talker in town.talkers:
        model = books.heard(talker)
        expected += model.updates
        touched += len({change.item for change in model.made})
        if any(books.stock[item] != count for item, count in model.stock.items()):
            wrong_stock.append(talker.person.phone)
        if rows[talker.person.contact_id] != model.updates:
            wrong_rows.append(talker.person.phone)
    figure = f"{touched} variations touched by {len(town.talkers)} people, {len(wrong_stock)} people's differ"
    verdict.add("stock equals the model", not wrong_stock, figure, wrong_stock)
    keys = Counter(row["effect_key"] for row in books.log)
    verdict.add(
        "each change has exactly one log row", not wrong_rows and max(keys.values(), default=1) == 1,
        f"{len(books.log)} rows for {expected} changes", wrong_rows,
    )  # fmt: skip
    with stack.engine.connect() as connection:
        found = connection.execute(UNEXPLAINED, {"ids": list(books.stock)}).all()
    verdict.add("stock equals the sum of its log", not found, f"{len(found)} of {len(books.stock)} differ")


def _judge_order(verdict: Verdict, books: Books) -> None:
    sent_at = {row["provider_id"]: row["sent_at"] for row in books.inbox}
    turned, came = [], []
    for conversation, turns in _by_conversation(books.turns).items():
        stamps = [sent_at[wamid] for turn in turns for wamid in turn["members"] if wamid in sent_at]
        if stamps != sorted(stamps) and books.phone_of[conversation] not in books.late:
            turned.append(books.phone_of[conversation])
    place = {row["id"]: (sent_at.get(row["turn_id"]), row["part"]) for row in books.outbox if row["turn_id"]}
    told: DefaultDict[str, List[Any]] = defaultdict(list)
    for entry in books.outs:
        of = place.get(int(entry["message"]["biz_opaque_callback_data"]))
        if of is not None:
            told[entry["contact"]].append(of)
    for phone, places in told.items():
        if places != sorted(places) and phone not in books.late:
            came.append(phone)
    late = sum(map(len, books.late.values()))
    note = f"; {late} messages of {len(books.late)} people came over {HOLD:g} s behind a younger one" if late else ""
    verdict.add("turns keep each person's order", not turned, f"{len(turned)} people's do not{note}", turned)
    verdict.add("answers reach the phone in that order", not came, f"{len(came)} people's do not", came)


def _by_conversation(rows: Sequence[Dict[str, Any]]) -> Dict[str, List[Dict[str, Any]]]:
    found: DefaultDict[str, List[Dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["conversation_id"]].append(row)
    return found


def _phones(books: Books, rows: Sequence[Dict[str, Any]]) -> List[str]:
    return [books.phone_of[row["conversation_id"]] for row in rows]


def history(phone: str, books: Books, town: Town, kills: Sequence[Tuple[float, str]]) -> List[str]:
    """Everything that happened around one person, in the order of the clock."""
    lines: List[Tuple[float, str]] = [(at, f"                    {name} is killed") for at, name in kills]
    talker = next(t for t in town.talkers if t.person.phone == phone)
    conversation = next((c for c, p in books.phone_of.items() if p == phone), "")
    stored = {row["provider_id"]: row for row in books.inbox if row["conversation_id"] == conversation}
    for message in talker.written:
        row = stored.get(message.wamid)
        again = " (twice)" if message.twice else ""
        if row is None:
            lines.append((float(message.stamp), f"{message.wamid} “{message.words}”{again} IS NOT IN THE INBOX"))
        else:
            lines.append(
                (
                    row["received_at"].timestamp(),
                    f"in  {message.wamid} stamp {message.stamp} “{message.words}”{again} {row['status']} "
                    f"tries {row['tries']} waits {row['waits']} {row['error'] or ''}",
                )
            )
    for turn in books.turns:
        if turn["conversation_id"] == conversation:
            lines.append((turn["ended_at"].timestamp(), f"    turn {turn['id']} {turn['intent']} {turn['outcome']}"))
    for row in books.outbox:
        if row["conversation_id"] == conversation:
            words = " ".join(str(row["say"].get("text", "")).split())[:70]
            lines.append(
                (
                    row["created_at"].timestamp(),
                    f"    out {row['id']} of {row['turn_id']} {row['response']} {row['status']} attempts "
                    f"{row['attempts']} resends {row['resends']} “{words}”",
                )
            )
    for entry in books.outs:
        if entry["contact"] == phone:
            lines.append((entry["at"], f"    on the phone: out {entry['message']['biz_opaque_callback_data']}"))
    for row in books.log:
        if row["contact_id"] == talker.person.contact_id:
            change = f"{row['variation_id']}: {row['quantity_before']} → {row['quantity_after']}"
            lines.append((row["at"].timestamp(), f"    log {row['id']} {change} by {row['effect_key']}"))
    model = books.heard(talker)
    lines.sort(key=lambda line: line[0])
    begin = lines[0][0] if lines else 0.0
    shelf = {item: (books.stock[item], count) for item, count in model.stock.items() if books.stock[item] != count}
    return [
        f"{phone} ({talker.person.language}) {talker.stuck}",
        *(f"{at - begin:8.2f} {line}" for at, line in lines),
        f"stock that differs, variation: (database, model): {shelf}",
    ]


# --- the whole


def prove(messages: int, contacts: int, kills: int, seed: int, rate: float = 12.0) -> Dict[str, Any]:
    """Run the proof and print it; the result has ``ok``."""
    began = time.monotonic()
    print(
        f"{messages} messages of {contacts} sellers, {kills} kills, seed {seed}; a message waits {HOLD:g} s for older "
        f"ones (MOSTRADOR_REORDER_HOLD), deliveries overtake each other within {JITTER:g} s, {TWICE:.0%} come twice"
    )
    with TemporaryStack(**SETTINGS) as stack:
        people = furnish(stack.engine, stack.now(), contacts, GREETINGS)
        load_feeds(stack.engine, people, stack.services.clock)
        stack.simulator.configure(ordered=False, retry_delays=[RETRY])
        print(f"stack up after {stack.seconds_to_start:.1f} s")
        town, killer = Town(stack.simulator_url, people, messages, seed), Killer(stack, kills, seed)
        writing = time.monotonic()
        problem = asyncio.run(_run(town, killer, messages / rate))
        wrote = time.monotonic() - writing
        try:
            stack.wait_until_quiet(SETTLE)
        except NotQuiet as why:
            problem = problem or str(why)
        quiet = time.monotonic() - writing
        try:
            stack.wait_until_healthy(60)
        except StackUnavailable as why:
            problem = problem or str(why)
        books = Books(stack)
        verdict = judge(books, town, stack)
        _report(verdict, books, town, killer, problem)
        if not (verdict.held and not problem):
            phone = verdict.offender or town.talkers[0].person.phone
            print("\n".join(history(phone, books, town, killer.done)))
    seconds = time.monotonic() - began
    ok = verdict.held and not problem
    print(f"{'HELD' if ok else 'FAILED'} in {seconds:.0f} s ({wrote:.0f} s of writing, quiet after {quiet:.0f} s)")
    return {
        "ok": ok,
        "problem": problem,
        "messages": town.sent,
        "contacts": contacts,
        "seed": seed,
        "kills": dict(Counter(name for _, name in killer.done)),
        "reorder_hold": HOLD,
        "checks": {check.name: {"held": check.held, "figure": check.figure} for check in verdict.checks},
        "seconds": round(seconds, 1),
    }


async def _run(town: Town, killer: Killer, span: float) -> str:
    killing = asyncio.ensure_future(killer.work(town))
    try:
        await town.live(span)
        await asyncio.wait_for(killing, 60)
        return ""
    except asyncio.TimeoutError:
        return f"the writing was not over after {LIMIT:.0f} s: {town.sent} of {town.total} messages"
    except AssertionError as broken:
        return str(broken)
    finally:
        killing.cancel()


def _report(verdict: Verdict, books: Books, town: Town, killer: Killer, problem: str) -> None:
    killed = Counter(name for _, name in killer.done)
    written = [message for talker in town.talkers for message in talker.written]
    free = sum(talker.free for talker in town.talkers)
    again = sum(message.twice for message in written)
    tried = sum(row["tries"] > 1 or row["waits"] > 0 for row in books.inbox)
    webhooks = books.stats["webhooks"]
    print(
        f"written {len(written)} ({free / max(1, len(written)):.0%} free text, {again} twice), webhooks posted "
        f"{webhooks['posts']} of which {webhooks.get('failed', 0)} were not taken; turns begun anew {tried}"
    )
    print("killed: " + ", ".join(f"{name} {killed[name]}×" for name in PROCESSES))
    for check in verdict.checks:
        print(f"{'ok  ' if check.held else 'FAIL'} {check.name}: {check.figure}")
    if problem:
        print(f"FAIL {problem}")
    print("turns ended and kills, every 15 s: " + ", ".join(_course(books, killer.done)))


def _course(books: Books, kills: Sequence[Tuple[float, str]]) -> List[str]:
    """How many turns ended in each 15 s, and who was killed then."""
    ends = [turn["ended_at"].timestamp() for turn in books.turns]
    begin = min([*ends, *(at for at, _ in kills)], default=0.0)
    turns = Counter(int((at - begin) // 15) for at in ends)
    killed: DefaultDict[int, List[str]] = defaultdict(list)
    for at, name in kills:
        killed[int((at - begin) // 15)].append(name)
    return [" ".join([str(turns[n]), *killed[n]]) for n in range(max([*turns, *killed], default=-1) + 1)]


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.crash", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--contacts", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    result = prove(options.messages, options.contacts, options.kills, options.seed)
    if options.json:
        print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
