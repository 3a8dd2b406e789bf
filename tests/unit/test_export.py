"""A recording as steps: whose words they were is hidden, and every tap finds its button again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, List

import click
import pytest

from mostrador.operations.conversation_file import Conversation, Tap, read, seconds_of
from mostrador.operations.export_command import Disguise, Exporter, duration, since_when, titles, written
from mostrador.shop.messages import Button, Say
from mostrador.shop.recording import Answered, Good, LogLine, Recording, Spoken, Written

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
CARD = Say("Kurta", (Button("Update stock", "/update_stock"),), response="utter_card")


@pytest.mark.parametrize(
    ("words", "hidden"),
    [
        ("I am Ravi Kumar", "I am Asha Rao"),
        ("RAVI here, write to ravi.k@shop.in", "Asha here, write to somebody@example.com"),
        ("call +91 98765-43210 or 9876543210", "call +91 01010-10101 or 9101010101"),
        ("set to 1000000", "set to 1000000"),
        ("Ravindra's kurtas", "Ravindra's kurtas"),
    ],
)
def test_names_numbers_and_addresses_are_made_up(words: str, hidden: str) -> None:
    assert Disguise(["Ravi Kumar", "919876543210"])(words) == hidden


@pytest.mark.parametrize(("seconds", "text"), [(479, "7m59s"), (90000, "1d1h"), (0.4, "0s"), (3600, "1h")])
def test_a_pause_is_written_as_it_is_read(seconds: float, text: str) -> None:
    assert duration(seconds) == text
    assert seconds_of(text) == int(seconds)


def test_since_is_a_time_ago_or_an_instant() -> None:
    assert since_when("2h", NOON) == NOON - timedelta(hours=2)
    assert since_when("2026-11-22T11:00", NOON) == NOON - timedelta(hours=1)
    assert since_when("2026-11-22T12:00:00+05:30", NOON).utcoffset() == timedelta(hours=5.5)
    with pytest.raises(click.BadParameter):
        since_when("yesterday", NOON)


class Talk:
    """A recording in the making: one message of the person a second, each answered by cards."""

    def __init__(self, **about: Any) -> None:
        self.about = about
        self.written: List[Written] = []
        self.spoken: List[Spoken] = []
        self.turns: List[Answered] = []
        self._clock = NOON

    def turn(
        self, *texts: str, kind: str = "text", to: str = "", cards: int = 1, later: float = 1.0, **payload: Any
    ) -> str:
        """The provider id of the last card."""
        self._clock += timedelta(seconds=later)
        members = [self._write(text, kind, to, "done", payload) for text in texts]
        for _ in range(cards):
            self.say("bot", CARD, members[0])
        noted = {"language": {"before": "es"}, "session": "new" if not self.turns else "going on"}
        self.turns.append(Answered(members[0], tuple(members), "answered", self._clock, noted, False))
        return self.spoken[-1].provider_id

    def kept(self, text: str) -> None:
        self._clock += timedelta(seconds=1)
        self._write(text, "text", "", "kept", {})

    def say(self, speaker: str, say: Say, turn: str = "") -> None:
        self._clock += timedelta(milliseconds=10)
        identity = f"out{len(self.spoken)}"
        self.spoken.append(Spoken(identity, say, 0, speaker, "read", turn, "reply", "", identity, self._clock))

    def _write(self, text: str, kind: str, to: str, status: str, payload: Any) -> str:
        identity = f"in{len(self.written)}"
        self.written.append(Written(identity, kind, text, self._clock, self._clock, status, "", to, payload))
        return identity

    def recording(self) -> Recording:
        about = {
            "seller": True,
            "name": "Ravi",
            "private": ("Ravi", "Olga"),
            "owner": "bot",
            "owner_name": "",
        } | self.about
        return Recording(
            NOON,
            form_open=False,
            language="es",
            written=tuple(self.written),
            spoken=tuple(self.spoken),
            turns=tuple(self.turns),
            **about,
        )

    def exported(self, folder: Path, as_is: bool = False) -> "tuple[str, Conversation]":
        """The YAML, and what the reader of conversations makes of it."""
        text = written(Exporter(self.recording(), as_is).document())
        file = folder / "talk.yml"
        file.write_text(text, encoding="utf-8")
        return text, read(file)[0]


def test_a_tap_is_told_by_its_title_where_that_is_enough_and_else_by_its_message(tmp_path: Path) -> None:
    talk = Talk()
    talk.turn("what is sold out", cards=3)
    talk.turn("Update stock", kind="tap", to="out2")  # the newest
    talk.turn("Update stock", kind="tap", to="out1")  # of an older step
    talk.turn("Update stock", kind="tap", to="out0")
    talk.turn("hi", cards=2)
    talk.turn("Update stock", kind="tap", to="out6")  # of the last step, not its last message

    _, conversation = talk.exported(tmp_path)

    taps = [(s.title, s.message, s.source) for s in conversation.steps if isinstance(s, Tap)]
    assert taps == [
        ("Update stock", 0, ""),
        ("Update stock", 2, "said-1"),
        ("Update stock", 1, "said-1"),
        ("Update stock", 1, ""),
    ]


def test_nothing_of_the_person_is_left_unless_asked_for(tmp_path: Path) -> None:
    talk = Talk()
    talk.turn("Ravi here, 9876543210")
    talk.turn("my place", kind="location", location={"latitude": -34.6, "longitude": -58.4})
    talk.turn("", kind="contacts", contacts=[{"phones": [{"phone": "+9198"}]}])
    talk.turn("", kind="other", type="hologram", hologram={"of": "Ravi"})

    hidden, _ = talk.exported(tmp_path)
    plain, _ = talk.exported(tmp_path, as_is=True)

    assert "Ravi" not in hidden and "98" not in hidden and "-34.6" not in hidden
    assert "Ravi here, 9876543210" in plain and "-34.6" in plain and "hologram: {of: Ravi}" in plain


def test_a_human_who_spoke_takes_the_conversation_first_and_gives_it_back(tmp_path: Path) -> None:
    talk = Talk()
    talk.turn("hi")
    talk.kept("is anybody there")
    talk.say("human", Say("This is Olga"))
    talk.turn("thanks")

    text, _ = talk.exported(tmp_path)

    order = ["user: hi", "take: Ana", "user: is anybody there", "nothing:", "reply: This is", "release: Ana", "thanks"]
    places = [text.index(part) for part in order]
    assert places == sorted(places) and "Olga" not in text


def test_a_burst_is_one_message_and_a_long_pause_a_wait(tmp_path: Path) -> None:
    talk = Talk()
    talk.turn("what", "is sold out")
    talk.turn("50", later=479)

    text, conversation = talk.exported(tmp_path)

    assert "# written as 2 messages" in text and r'"what\nis sold out"' in text
    assert conversation.waits == 479 and conversation.language == "es"


def test_a_button_from_before_the_recording_is_said_to_be_one(tmp_path: Path) -> None:
    talk = Talk()
    talk.turn("Update stock", kind="tap", to="long ago")
    talk.turn("Yes", kind="tap", button={"payload": "promo", "text": "Yes"})

    text, _ = talk.exported(tmp_path)

    assert text.count("# a button that was not offered in this recording") == 2
    assert "send: {button: {text: Yes, payload: promo}}" in text


def test_the_shelf_is_what_it_was_and_the_facts_are_what_became_of_it(tmp_path: Path) -> None:
    goods = (
        Good(1, 10, "Rayon Kurta", "Blue, M", 0, lost=42, touched=True),
        Good(2, 10, "Rayon Kurta", "Blue, L", 12),
        Good(3, 11, "दीया", "", 3, days=2, touched=True, foreign=True),
    )
    log = (LogLine(1, 0, 50, 50, "Whatsapp_chatbot"), LogLine(3, 3, 4, 7, "Whatsapp_chatbot"))
    talk = Talk(goods=goods, log=log, consent={"all": False})
    talk.turn("hi")

    text, conversation = talk.exported(tmp_path)

    assert [(w.key, w.product, w.stock, w.lost, w.days) for w in conversation.person.shelf] == [
        ("rayon-kurta-blue-m", "product-1", 0, 42, None),
        ("rayon-kurta-blue-l", "product-1", 12, None, None),
        ("ware-3", "", 3, None, 2),
    ]
    facts = text[text.index("database:") :]
    assert "stock: {rayon-kurta-blue-m: 50}" in facts and "log: {count: 2}" in " ".join(facts.split())
    assert "consent: {all: false}" in " ".join(facts.split())


def test_nothing_written_is_no_conversation() -> None:
    with pytest.raises(click.ClickException, match="Nothing was written"):
        Exporter(Talk().recording()).document()


def test_titles_are_as_the_phone_shows_them() -> None:
    many = tuple(Button(f"A very long name of a product {n}", f"/update_stock{n}") for n in range(4))
    row = Spoken("o", Say("Choose", many), 0, "bot", "read", "t", "reply", "", "k", NOON)
    assert titles(row)[0] == "A very long name of a p…" and len(set(titles(row))) == 4
    assert titles(Spoken("o", Say("Choose"), 3, "bot", "read", "t", "reply", "", "k", NOON)) == []
