"""Conversations are read whole, or the line that is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List

import pytest

from mostrador.operations.conversation_file import (
    SHELF,
    Bot,
    Conversation,
    Database,
    Handover,
    Nothing,
    Notify,
    Tap,
    Wait,
    Write,
    WrongConversation,
    find_files,
    read,
    seconds_of,
)

Reader = Callable[[str], List[Conversation]]


@pytest.fixture()
def reading(tmp_path: Path) -> Reader:
    def write_and_read(text: str) -> List[Conversation]:
        file = tmp_path / "talk.yml"
        file.write_text(text, encoding="utf-8")
        return read(file)

    return write_and_read


def steps(text: str) -> str:
    return "conversation: A\nsteps:\n" + text


def test_every_kind_of_step_is_read(reading: Reader) -> None:
    talk = reading(
        """
conversation: Everything
language: es
contact: {name: Ana, phone: "+910000000009", supplier: 77}
steps:
  - user: 50
    again: true
  - bot: [utter_a, {response: utter_b, text: /x+/, buttons: [One, …], image: true}]
    as: cards
  - tap: {title: One, message: 2, from: cards}
  - wait: 7m59s
  - send: {image: true, caption: look}
  - nothing: 300ms
  - handover: {take: Ana}
  - handover: {reply: Hello}
  - notify: {topic: restock, text: Sold out}
  - database: {stock: {kurta-m: 50}, owner: bot}
"""
    )[0]

    kinds = [type(step) for step in talk.steps]
    assert kinds == [Write, Bot, Tap, Wait, Write, Nothing, Handover, Handover, Notify, Database]
    assert (talk.language, talk.person.name, talk.person.supplier, talk.person.shelf) == ("es", "Ana", 77, SHELF)
    user, bot, tap, wait, image, nothing = talk.steps[:6]
    assert isinstance(user, Write) and user.spec == {"type": "text", "text": "50"} and user.duplicate
    assert isinstance(bot, Bot) and bot.name == "cards" and bot.replies[1].buttons == ("One",)
    assert bot.replies[1].more_buttons and bot.replies[1].pattern and bot.replies[1].place.line == 8
    assert isinstance(tap, Tap) and (tap.title, tap.message, tap.source) == ("One", 2, "cards")
    assert isinstance(wait, Wait) and wait.seconds == 479
    assert isinstance(image, Write) and image.spec == {"type": "image", "caption": "look"}
    assert isinstance(nothing, Nothing) and nothing.seconds == 0.3


def test_a_file_may_hold_several(reading: Reader) -> None:
    both = reading(steps("  - user: a\n") + "---\n" + steps("  - user: b\n"))

    assert [talk.place.line for talk in both] == [1, 5]


@pytest.mark.parametrize(
    "text, line, reason",
    [
        ("conversation: A\nsteps:\n  - user: [hi\n", 4, "expected"),
        ("- user: hi\n", 1, "a conversation is a mapping"),
        ("steps:\n  - user: hi\n", 1, "a conversation has 'conversation'"),
        ("conversation: A\nsteps: []\n", 2, "steps is a list that is not empty"),
        ("conversation: A\nstep:\n  - user: hi\n", 2, "knows no 'step'"),
        ("conversation: A\nlanguage: de\nsteps:\n  - user: hi\n", 2, "language is one of en, es, hi"),
        ("conversation: A\ncontact: {age: 3}\nsteps:\n  - user: hi\n", 2, "contact knows no 'age'"),
        (steps("  - user: hi\n  - says: hello\n"), 4, "a step has exactly one of"),
        (steps("  - user: hi\n    bot: hello\n"), 3, "a step has exactly one of"),
        (steps("  - user:\n"), 3, "what the user writes is a text"),
        (steps("  - bot: []\n"), 3, "for silence say nothing"),
        (steps("  - bot:\n    - utter_a\n    - {respons: utter_b}\n"), 5, "a reply knows no 'respons'"),
        (steps("  - bot: {text: /(/}\n"), 3, "no regular expression"),
        (steps("  - tap: {message: 1}\n"), 3, "tap needs either title or index"),
        (steps("  - tap: {title: A, from: cards}\n"), 3, "no bot step before this one says `as: cards`"),
        (steps("  - bot: utter_a\n  - tap: {title: A, message: 2}\n"), 4, "only 1 messages"),
        (steps("  - wait: soon\n"), 3, "a duration like 7m59s"),
        (steps("  - send: {image: cat.jpg}\n"), 3, "no file cat.jpg"),
        (steps("  - send: {location: here}\n"), 3, "[latitude, longitude]"),
        (steps("  - handover: {give: Ana}\n"), 3, "{take: NAME}"),
        (steps("  - database: {stok: 3}\n"), 3, "no fact is called 'stok'"),
        (steps("  - database:\n    - owner: bot\n    - stock: {item: a}\n"), 5, "stock is {item: WARE, is: N}"),
        (steps("  - database: {query: select 1}\n"), 3, "a query needs equals"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(reading: Reader, text: str, line: int, reason: str) -> None:
    with pytest.raises(WrongConversation) as wrong:
        reading(text)

    assert f"talk.yml:{line}: " in str(wrong.value) and reason in str(wrong.value)


def test_an_empty_file_and_a_folder_without_conversations_are_told(reading: Reader, tmp_path: Path) -> None:
    with pytest.raises(WrongConversation, match="no conversation here"):
        reading("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongConversation, match="no conversation here"):
        find_files([tmp_path / "empty"])


@pytest.mark.parametrize(
    "text, seconds",
    [("7m59s", 479), ("25h", 90000), ("1d2h", 93600), ("300ms", 0.3), ("1.5s", 1.5), ("2", 2), ("", None), ("m", None)],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
