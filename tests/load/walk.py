"""Random walk: whatever people write, tap or send, they get an answer, and the stock is the sum of its log.

``python -m tests.load.walk [--steps 10000 --seed 7] [--json]``: hypothesis lets two sellers and a stranger write in
three languages, tap whatever was ever shown to them, send files, open and leave forms, ask for people, while operators
take over and give back, feeds are loaded, stock changes elsewhere and time jumps. Dispatcher, engine, action server and
PostgreSQL are the real ones (see ``counter``). After each step everything that must always hold is checked.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections import Counter as Tally
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, ClassVar, Dict, List, Mapping, Optional, Sequence, Tuple

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from mostrador.shop import conversations
from mostrador.shop.inventory import Quantity, Sense
from mostrador.shop.messages import Button, Kind
from mostrador.shop.stock_intake import ForeignChange, take_in
from mostrador.storage import feed
from mostrador.storage.inbox import SILENT
from mostrador.storage.unit_of_work import SqlUnitOfWork
from tests.load.counter import Counter, Shown
from tests.load.people import UNEXPLAINED, Person, furnish, load_feeds

STEPS_A_TALK = 50
OPERATOR = "Ana"
MOST_MESSAGES = 4

SAID = (
    # what the counter is for
    "hi", "hola", "नमस्ते", "namaste ji", "what is sold out", "¿qué se agotó?", "क्या खत्म हो गया है?", "kya khatam hai",
    "what is running low", "qué está por agotarse", "kam maal dikhao", "update stock", "actualizar stock", "स्टॉक बदलो",
    "more", "ver más", "और दिखाओ", "undo", "deshacer", "wapas lo", "menu", "menú", "help", "ayuda", "मदद", "cancel",
    "cancelar", "रद्द करो", "other sizes", "show variations", "language", "speak spanish", "hablemos en inglés",
    "हिंदी में",
    "yes", "no", "sí", "haan", "nahi", "thanks", "gracias", "धन्यवाद", "bye", "adiós", "are you a robot?",
    "I want to talk to a person", "quiero hablar con alguien", "किसी इंसान से बात करनी है", "stop", "STOP", "baja",
    "no more messages", "start again", "resume messages",
    # numbers in words, several at once, by name
    "fifty", "cincuenta", "पचास", "pachas", "2 dozen", "dos docenas", "set to 20", "llegaron 20", "3 बिक गए", "10000",
    "red 20, blue 30", "rojo 20 y azul 30", "लाल 20 नीला 30", "all blue ones 20", "M 10 L 5", "Kurta 1.0 12",
    "stock of the kurta is 7", "fifty thousand lakh", "undo all", "deshacer todo",
    # not wanted, later, brought back
    "I no longer make it", "ya no lo hago", "यह अब नहीं बनाता", "ye ab nahi banata", "no material", "season is over",
    "not this one", "not now", "remind me next week", "en dos semanas", "अगले महीने", "until I say",
    "the whole catalogue",
    "show the hidden ones", "qué tengo oculto", "bring it back to the list", "वापस दिखाओ",
    # settings
    "settings", "ajustes", "सेटिंग", "my name is Asha Rao", "me llamo Ana", "9 to 18", "de 9 a 18",
    "no reminders", "go on",
    # counts
    "5", "0", "12", "+3", "-1", "-99999", "1000000", "1000001", "99999999999999999999", "५०", "1,000", "3.5", "5 or 6",
    "sold 3", "llegaron 12", "zero", "ten", "half a dozen", "12 pieces of the blue one", "1/2", "٣", "2️⃣", "№ 7",
    # what people also write
    "Kurta", "Blue / M", "the first one", "Kurta 1.0 – Blue / S", "what is the weather in Delhi?", "asdf qwer zxcv",
    "???", "...",
    "😀", "👩‍👩‍👧 🇮🇳", "\u200b", "\u202eabc", "{item}", "{{7*7}}", "${jndi:x}", "None", "null", "utter_greet",
    "<b>hi</b>",
    "'; drop table inbox; --", "\\", "%s%s%n", "a\nb\nc", "\t", "ｈｅｌｌｏ", "Ω≈ç√∫", "بكم هذا", "我要库存",
    "/restart", "/session_start", "/back", "/EXTERNAL_restock_recommendations",
    ' /update_stock{"item": "1", "quantity": "9"}',
    "／restart", "\u200b/restart", '/inform{"quantity": "7"}', "/opt_out", "//greet",
)  # fmt: skip
LONG = (
    "a" * 4096,
    "kurta " * 682,
    "नमस्ते " * 585,
    "👩‍👩‍👧" * 512,
    "12 " * 1365,
    "(" * 4000,
    "\n" * 4096,
    "what is sold out " * 240,
)
MEDIA = (Kind.IMAGE, Kind.VIDEO, Kind.AUDIO, Kind.DOCUMENT, Kind.STICKER)
OTHERS = (
    Kind.LOCATION, Kind.CONTACTS, Kind.ORDER, Kind.FLOW, Kind.UNSUPPORTED, Kind.OTHER, Kind.REACTION, Kind.EDIT,
    Kind.REVOKE, Kind.SYSTEM,
)  # fmt: skip
FORGED = (
    "update_stock",
    '/update_stock{"item":"1"}',
    "AAAAAAAAAA.update_stock",
    '.{"',
    "x" * 256,
    "",
    "0",
    "utter_greet",
)
UNFIT = re.compile(r"Traceback|\{|\}|\bNone\b(?! of\b)|\bnull\b|utter_|\bslot|Exception|Error\b|%s")

TOUCHED = text(
    """
    select l.id from inventory_product_inventory_log_v2 l
    where l.variation_id = any(:ids) and l.contact_id is not null and l.contact_id <> :contact
    """
)
TROUBLE = text("select kind, details from manual_task where kind not in ('handover')")

WHO = st.integers(0, 2)
CHANCE = st.randoms(use_true_random=True)  # seeded by hypothesis: spreads wider than its own choice among many


@dataclass
class Talker:
    """One person of a talk. ``buttons`` are all that were ever shown, oldest first."""

    phone: str
    person: Optional[Person]
    conversation: str = ""
    owner: str = conversations.BOT
    buttons: List[Button] = field(default_factory=list)
    transcript: List[str] = field(default_factory=list)


class Walk(RuleBasedStateMachine):
    """A talk of three people; class attributes belong to the whole run."""

    counter: ClassVar[Counter]
    steps: ClassVar[int] = 0
    people: ClassVar[int] = 0
    tally: ClassVar["Tally[str]"] = Tally()
    answers: ClassVar["Tally[str]"] = Tally()
    times: ClassVar[List[float]] = []

    @initialize()
    def open_shop(self) -> None:
        counter = self.counter
        first = Walk.people + 1
        Walk.people += 3
        sellers = furnish(counter.engine, counter.clock.now(), 2, ("en", "es", "hi"), first=first)
        feed.drop_retired(counter.engine, counter.clock.now())
        load_feeds(counter.engine, sellers, counter.clock)
        self.sellers = sellers
        self.talkers = [Talker(person.phone, person) for person in sellers] + [Talker(f"9199{first + 2:08d}", None)]
        self.changes = 0
        self.spoken = False  # since something happened around them, which by itself is no step worth counting

    # --- what people do

    @rule(who=WHO, chance=CHANCE)
    def say(self, who: int, chance: Random) -> None:
        self._write("say", [(who, Kind.TEXT, chance.choice(SAID), "")])

    @rule(who=WHO, words=st.text(max_size=30))
    def babble(self, who: int, words: str) -> None:
        self._write("babble", [(who, Kind.TEXT, words.replace("\0", "") or "?", "")])

    @rule(who=WHO, chance=CHANCE)
    def say_at_length(self, who: int, chance: Random) -> None:
        self._write("say at length", [(who, Kind.TEXT, chance.choice(LONG), "")])

    @rule(who=WHO, count=st.integers(-20, 2000))
    def count(self, who: int, count: int) -> None:
        self._write("count", [(who, Kind.TEXT, str(count), "")])

    @rule(who=WHO, chance=CHANCE)
    def tap(self, who: int, chance: Random) -> None:
        """Any button that was ever shown."""
        self._tap(who, chance.randrange(1000))

    @rule(who=WHO, which=st.integers(0, 5))
    def tap_the_newest(self, who: int, which: int) -> None:
        self._tap(who, which)

    @rule(who=st.integers(0, 1), chance=CHANCE)
    def change_stock(self, who: int, chance: Random) -> None:
        """Open the form by a tap and give it a number."""
        self._open_form(who, chance)
        self._write("form", [(who, Kind.TEXT, str(chance.randrange(200)), "")])

    @rule(who=st.integers(0, 1), chance=CHANCE)
    def answer_the_form_anyhow(self, who: int, chance: Random) -> None:
        """Open the form by a tap and give it whatever comes to mind."""
        self._open_form(who, chance)
        for _ in range(chance.randrange(1, 4)):
            self._write("form", [(who, Kind.TEXT, chance.choice(SAID), "")])

    def _open_form(self, who: int, chance: Random) -> None:
        offered = [b for b in self.talkers[who].buttons if b.payload.startswith("/update_stock{")]
        if offered:
            self._press("form", who, chance.choice(offered))
        else:
            self._write("form", [(who, Kind.TEXT, "what is sold out", "")])

    @rule(who=WHO, other=WHO, which=st.integers(0, 50))
    def tap_what_another_was_shown(self, who: int, other: int, which: int) -> None:
        buttons, of = self.talkers[other].buttons, self.talkers[other].conversation
        if buttons and who != other:
            button = buttons[-1 - which % len(buttons)]
            self._write("stolen tap", [(who, Kind.TAP, button.title, self.counter.seal(button.payload, of))])

    @rule(who=WHO, reply_id=st.sampled_from(FORGED), words=st.sampled_from(("Menu", "", "x", "/restart")))
    def tap_what_nobody_was_shown(self, who: int, reply_id: str, words: str) -> None:
        self._write("forged tap", [(who, Kind.TAP, words, reply_id)])

    @rule(who=WHO, kind=st.sampled_from(MEDIA), caption=st.sampled_from(("", "5", "/restart", "hola")))
    def send_a_file(self, who: int, kind: Kind, caption: str) -> None:
        self._write("file", [(who, kind, caption, "")])

    @rule(who=WHO, kind=st.sampled_from(OTHERS))
    def send_something_else(self, who: int, kind: Kind) -> None:
        self._write("other", [(who, kind, "", "")])

    @rule(who=WHO, chance=CHANCE)
    def say_two_things_at_once(self, who: int, chance: Random) -> None:
        self._write("burst", [(who, Kind.TEXT, chance.choice(SAID), "") for _ in range(2)])

    @rule(chance=CHANCE)
    def all_write_at_once(self, chance: Random) -> None:
        self._write("crowd", [(who, Kind.TEXT, chance.choice(SAID), "") for who in range(3)])

    # --- what happens around them

    @precondition(lambda self: any(t.owner != conversations.BOT for t in self.talkers))
    @rule(which=st.integers(0, 2), replies=st.integers(0, 2), then=st.sampled_from(("stay", "release")))
    def operator(self, which: int, replies: int, then: str) -> None:
        """Somebody of ours takes a conversation that wants a person, answers, and perhaps gives it back."""
        wanting = [t for t in self.talkers if t.owner != conversations.BOT and t.conversation]
        talker = wanting[which % len(wanting)]
        now, engine = self.counter.clock.now(), self.counter.engine
        if talker.owner == conversations.QUEUED:
            conversations.take(SqlUnitOfWork(engine), talker.conversation, OPERATOR, now)
            talker.owner = conversations.HUMAN
        for number in range(replies):
            key = f"reply|{talker.conversation}|{Walk.steps}|{number}"
            conversations.reply(SqlUnitOfWork(engine), talker.conversation, OPERATOR, "I am looking", key, now)
        told = self.counter.shown(talker.conversation)
        self._hold([m.speaker for m in told] == ["human"] * replies, talker, f"the operator's words became {told}")
        if then == "release":
            conversations.release(SqlUnitOfWork(engine), talker.conversation, OPERATOR, now)
            talker.owner = conversations.BOT
        talker.transcript.append(f"    operator: {replies} replies, {then}")
        self._done("operator", [])

    @precondition(lambda self: any(t.conversation and t.owner == conversations.BOT for t in self.talkers))
    @rule(which=st.integers(0, 2), back=st.booleans())
    def operator_takes_unasked(self, which: int, back: bool) -> None:
        with_bot = [t for t in self.talkers if t.conversation and t.owner == conversations.BOT]
        talker, now = with_bot[which % len(with_bot)], self.counter.clock.now()
        conversations.take(SqlUnitOfWork(self.counter.engine), talker.conversation, OPERATOR, now)
        talker.owner = conversations.HUMAN
        if back:
            conversations.release(SqlUnitOfWork(self.counter.engine), talker.conversation, OPERATOR, now)
            talker.owner = conversations.BOT
        talker.transcript.append(f"    operator takes unasked, back: {back}")
        self._done("operator", [])

    @precondition(lambda self: self.spoken)
    @rule(out=st.booleans(), both=st.booleans())
    def feed_is_loaded(self, out: bool, both: bool) -> None:
        sellers = self.sellers if both else self.sellers[:1]
        load_feeds(self.counter.engine, sellers, self.counter.clock, out=out, low=not out)
        for talker in self.talkers:
            talker.transcript.append(f"    feed loaded: {'out of stock' if out else 'low stock'}, both sellers: {both}")
        self._done("feed", [])

    @precondition(lambda self: self.spoken)
    @rule(who=st.integers(0, 1), which=st.integers(0, 6), to=st.one_of(st.just(0), st.integers(0, 500)))
    def stock_changes_elsewhere(self, who: int, which: int, to: int) -> None:
        self.changes += 1
        variation = self.sellers[who].shelf[which]
        change = ForeignChange(f"{variation.id}|{self.changes}", variation.sku, Quantity(to, Sense.SET), "till")
        take_in(SqlUnitOfWork(self.counter.engine), self.counter.services.inventory, change, self.counter.clock.now())
        self.talkers[who].transcript.append(f"    elsewhere: {variation.id} set to {to}")
        self._done("stock elsewhere", [])

    @precondition(lambda self: self.spoken)
    @rule()
    def nine_minutes_pass(self) -> None:
        self.counter.advance(timedelta(minutes=9))
        for talker in self.talkers:
            talker.transcript.append("    nine minutes pass")
        self._done("time", [])

    # --- what must hold

    def _tap(self, who: int, which: int) -> None:
        buttons = self.talkers[who].buttons
        if buttons:
            self._press("tap", who, buttons[-1 - which % len(buttons)])
        else:
            self._write("tap", [(who, Kind.TEXT, "menu", "")])

    def _press(self, rule_name: str, who: int, button: Button) -> None:
        reply_id = self.counter.seal(button.payload, self.talkers[who].conversation)
        self._write(rule_name, [(who, Kind.TAP, button.title, reply_id)])

    def _write(self, rule_name: str, messages: Sequence[Tuple[int, Kind, str, str]]) -> None:
        began, sent = time.perf_counter(), []
        owners = [talker.owner for talker in self.talkers]
        for who, kind, words, reply_id in messages:
            talker = self.talkers[who]
            talker.transcript.append(f"{kind.value}: {words[:80]!r} {reply_id[11:80]}")
            sent.append((who, kind, self.counter.write(talker.phone, kind, words, reply_id, kind in MEDIA)))
        ended = {row["provider_id"]: row for row in self.counter.closed([message for _, _, message in sent])}
        Walk.times.append(time.perf_counter() - began)
        for who in sorted({who for who, _, _ in sent}):
            talker = self.talkers[who]
            talker.conversation = talker.conversation or self.counter.conversation_of(talker.phone)
            said = self._look(talker)
            for _, kind, message in [one for one in sent if one[0] == who]:
                self._answered(talker, kind, ended[message], said, owners[who])
            talker.owner = self._owner(talker)
        self._done(rule_name, sorted({who for who, _, _ in sent}))

    def _look(self, talker: Talker) -> List[Shown]:
        try:
            said = self.counter.shown(talker.conversation)
        except AssertionError as wrong:
            self._hold(False, talker, str(wrong))
        for one in said:
            labels = [b.title for b in one.say.buttons]
            talker.transcript.append(f"    {one.speaker} {one.say.response}: {one.say.text[:120]!r} {labels}")
            words = [one.say.text, one.say.footer, one.say.list_label, *labels]
            words += [button.description for button in one.say.buttons]
            unfit = [w for w in words if UNFIT.search(w)]
            self._hold(not unfit, talker, f"a message says {unfit}")
            self._hold("utter_technical_problem" not in one.say.response, talker, "an apology")
            talker.buttons += list(one.say.buttons)
            Walk.answers[one.say.response] += 1
        return said

    def _answered(
        self, talker: Talker, kind: Kind, ended: Mapping[str, Any], said: Sequence[Shown], owner_before: str
    ) -> None:
        mine = [one for one in said if one.turn_id == ended["turn_id"]] if ended["turn_id"] else []
        if kind in SILENT:
            self._hold(ended["status"] == "kept" and not mine, talker, f"a {kind.value} was answered: {ended}")
            return
        if owner_before == conversations.HUMAN:
            bot = [one for one in said if one.speaker != "human"]
            self._hold(ended["status"] == "kept" and not bot, talker, f"the bot spoke although a human owns: {bot}")
            return
        if ended["status"] == "kept":  # queued, perhaps by the message just before: people will answer
            self._hold(self._wants_a_person(talker), talker, f"kept for nobody: {ended}")
            return
        self._hold(ended["status"] == "done" and ended["outcome"] == "answered", talker, f"a turn ended as {ended}")
        self._hold(1 <= len(mine) <= MOST_MESSAGES, talker, f"{len(mine)} messages answer {ended['intent']}")
        self._hold(ended["tries"] == 1, talker, f"a turn took {ended['tries']} tries: {ended['error']}")

    def _wants_a_person(self, talker: Talker) -> bool:
        return self._owner(talker) != conversations.BOT

    def _owner(self, talker: Talker) -> str:
        return str(
            self.counter.rows("select owner from conversation where id = :id", id=talker.conversation)[0]["owner"]
        )

    def _done(self, rule_name: str, who: Sequence[int]) -> None:
        Walk.steps += 1
        Walk.tally[rule_name] += 1
        self.spoken = bool(who)
        someone = self.talkers[who[0]] if who else self.talkers[0]
        with self.counter.engine.connect() as connection:
            for talker in self.talkers:
                if talker.person is None:
                    continue
                values = {"ids": list(talker.person.stock), "contact": talker.person.contact_id}
                found = connection.execute(UNEXPLAINED, values).all()
                self._hold(not found, talker, f"stock is not the sum of its log: {found}")
                found = connection.execute(TOUCHED, values).all()
                self._hold(not found, talker, f"somebody else changed this stock: {found}")
            trouble = connection.execute(TROUBLE).all()
        self._hold(not trouble, someone, f"manual tasks: {trouble}")
        complaints = self.counter.complaints()
        self._hold(not complaints, someone, "in the logs: " + "\n".join(complaints))

    @staticmethod
    def _hold(holds: bool, talker: Talker, what: str) -> None:
        if not holds:
            talk = "\n".join(talker.transcript[-60:])
            raise AssertionError(f"{what}\nThe talk of {talker.phone}:\n{talk}")


def walk(steps: int, seed_: int) -> Dict[str, Any]:
    """Walk and print how it went; the result has ``ok``."""
    began = time.monotonic()
    talks = max(1, round(steps / STEPS_A_TALK))
    how = settings(
        max_examples=talks,
        stateful_step_count=STEPS_A_TALK,
        derandomize=False,  # the seed below fixes everything
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    problem, number = "", seed_
    with Counter() as counter:
        Walk.counter = counter
        ready = time.monotonic() - began
        try:
            while Walk.steps < steps:  # hypothesis leaves a talk early now and then
                left = max(1, round((steps - Walk.steps) / STEPS_A_TALK))
                run_state_machine_as_test(seed(number)(Walk), settings=settings(how, max_examples=left))
                number += 1
        except AssertionError as broken:
            problem = str(broken)
    seconds = time.monotonic() - began
    times = sorted(Walk.times) or [0.0]
    print(f"{Walk.steps} steps in {Walk.people // 3} talks of three, {counter.sent} messages, seed {seed_}")
    print("steps: " + ", ".join(f"{name} {count}" for name, count in Walk.tally.most_common()))
    print(f"answers: {sum(Walk.answers.values())} with {len(Walk.answers)} different responses")
    print(f"a message is answered in {times[len(times) // 2] * 1000:.0f} ms (median), {times[-1] * 1000:.0f} at most")
    print(f"ready after {ready:.0f} s")
    if problem:
        print(problem)
    print(f"{'FAILED' if problem else 'HELD'} in {seconds:.0f} s")
    return {
        "ok": not problem,
        "problem": problem,
        "steps": Walk.steps,
        "messages": counter.sent,
        "seed": seed_,
        "rules": dict(Walk.tally),
        "responses": dict(Walk.answers),
        "seconds": round(seconds, 1),
    }


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.walk", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    options = parser.parse_args(argv)
    result = walk(options.steps, options.seed)
    if options.json:
        print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
