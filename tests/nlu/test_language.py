"""In which language a message is written: clear where it is, and silence where it is not."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Dict, List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from mostrador.nlu.language import TELLING, LanguageIdentifier, called_for

AT_LEAST_RIGHT = 0.97  # of the messages whose language is clear


def rows() -> List[Dict[str, str]]:
    with (Path(__file__).parent / "language.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_says_nothing_of_the_language_never_changes_it(languages: LanguageIdentifier) -> None:
    neutral = [row["text"] for row in rows() if not row["language"]]
    assert len(neutral) >= 100
    assert {text: found for text in neutral if (found := languages.identify(text))} == {}


@pytest.mark.parametrize("language", ["en", "es", "hi"])
def test_clear_messages_are_known_by_their_language(languages: LanguageIdentifier, language: str) -> None:
    clear = [row["text"] for row in rows() if row["language"] == language]
    wrong = {text: found for text in clear if (found := languages.identify(text)) != language}
    assert len(clear) >= 40
    assert 1 - len(wrong) / len(clear) >= AT_LEAST_RIGHT, wrong


def test_no_clear_message_is_taken_for_another_language(languages: LanguageIdentifier) -> None:
    wrong = [row["text"] for row in rows() if row["language"] and languages.identify(row["text"])
             not in {row["language"], None}]  # fmt: skip
    assert wrong == []


def test_no_word_tells_two_languages() -> None:
    told = [word for words in TELLING.values() for word in words]
    assert len(told) == len(set(told)) > 300


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("in English please", "en"),
        ("English", "en"),
        ("can we speak in english", "en"),
        ("en español", "es"),
        ("háblame en español por favor", "es"),
        ("hindi mein", "hi"),
        ("hindi me baat karo", "hi"),
        ("हिन्दी में बात करो", "hi"),
        ("hindi or english?", None),
        ("do you have the English willow bat", None),
        ("quiero el libro en inglés de cocina", None),
        ("inglés no entiendo", None),
    ],
)
def test_a_language_is_asked_for_by_its_name_and_little_else(text: str, language: Optional[str]) -> None:
    assert called_for(text) == language


def test_the_language_called_for_counts_whatever_the_intent(languages: LanguageIdentifier) -> None:
    message = Message({TEXT: "hindi mein baat karo", INTENT: {"name": "nlu_fallback"}})
    languages.process([message])
    assert [entity["value"] for entity in message.get(ENTITIES)] == ["hi"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=4096))
def test_no_text_raises_or_takes_long(languages: LanguageIdentifier, text: str) -> None:
    begun = time.process_time()
    assert languages.identify(text) in {None, "en", "es", "hi"}
    assert time.process_time() - begun < 0.25  # measured: under 10 ms; this only catches a blow-up
