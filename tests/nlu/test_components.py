"""The graph components, trained on the project's data, stored and loaded."""

from __future__ import annotations

import csv
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import pytest
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.intent_model import THRESHOLD
from mostrador.nlu.intents import INTENT_RANKING, LinearIntentClassifier
from mostrador.nlu.language import LanguageIdentifier, requested_language
from mostrador.nlu.linear import LinearModel
from mostrador.nlu.quantity import QuantityExtractor
from mostrador.nlu.session_start import left_open, session_events

HELD_OUT = Path(__file__).parent / "held_out.csv"
AT_LEAST_RIGHT = 0.9  # of the held-out sentences, in each language


def test_a_model_survives_its_file_without_pickle(tmp_path: Path) -> None:
    model = LinearModel.fit(["red lamp", "blue lamp", "hola", "hola hola"], ["a", "a", "b", "b"])
    model.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}
    again = LinearModel.load(tmp_path)
    assert np.allclose(model.probabilities("a red lamp"), again.probabilities("a red lamp"))
    assert again.ranking("hola")[0][0] == "b"


def test_an_unknown_script_is_out_of_scope_or_asked_again(intents: LinearIntentClassifier) -> None:
    message = Message({TEXT: "ξξξ ζζζ"})
    intents.process([message])
    assert message.get(INTENT)["name"] == "out_of_scope" or message.get(INTENT)["confidence"] < THRESHOLD
    assert len(message.get(INTENT_RANKING)) == 5


def test_an_unsure_message_is_a_fallback_with_its_likeliest_intent_second(intents: LinearIntentClassifier) -> None:
    sure, unsure = Message({TEXT: "hola"}), Message({TEXT: "hola"})
    intents.process([sure, unsure])
    unsure.get(INTENT_RANKING)[0]["confidence"] = unsure.get(INTENT)["confidence"] = THRESHOLD - 0.01
    FallbackClassifier({"threshold": THRESHOLD, "ambiguity_threshold": 0.0}).process([sure, unsure])
    assert sure.get(INTENT)["name"] == "greet"
    assert [reading["name"] for reading in unsure.get(INTENT_RANKING)[:2]] == ["nlu_fallback", "greet"]


def test_held_out_sentences_are_understood_in_every_language(intents: LinearIntentClassifier) -> None:
    with HELD_OUT.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    right: Counter = Counter()
    for row in rows:
        message = Message({TEXT: row["text"]})
        intents.process([message])
        right[row["language"]] += message.get(INTENT)["name"] == row["intent"]
    every = Counter(row["language"] for row in rows)
    shares = {language: right[language] / every[language] for language in every}
    assert {language: share for language, share in shares.items() if share < AT_LEAST_RIGHT} == {}


def test_held_out_sentences_are_not_in_the_training_data(training_data: TrainingData) -> None:
    known = {example.get(TEXT).casefold() for example in training_data.intent_examples}
    with HELD_OUT.open(encoding="utf-8", newline="") as file:
        seen = [row["text"] for row in csv.DictReader(file) if row["text"].casefold() in known]
    assert seen == []


def test_an_answer_takes_little_time(intents: LinearIntentClassifier) -> None:
    messages = [Message({TEXT: "quiero cambiar el stock de un producto"}) for _ in range(100)]
    intents.process(messages[:1])  # its vector is remembered
    begun = time.process_time()
    intents.process(messages)
    assert (time.process_time() - begun) / 100 < 0.01  # measured: about 1 ms; this only catches a blunder


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("what is sold out today", "en"),
        ("hello, good morning", "en"),
        ("hola", "es"),
        ("¿qué se agotó hoy?", "es"),
        ("muchas gracias", "es"),
        ("नमस्ते", "hi"),
        ("स्टॉक बदलना है", "hi"),
        ("namaste ji", "hi"),
        ("kya khatam ho gaya hai", "hi"),
        ("mujhe stock badalna hai", "hi"),
        ("ok", None),
        ("menu", None),
        ("stop", None),
        ("no", None),
        ("hi", None),
        ("50", None),
        ("५०", None),
        ("+20", None),
        ("DS-2CD2143", None),
        ("👍", None),
        ("Zylkor Brumpf", None),
        ("", None),
    ],
)
def test_the_language_is_told_only_when_it_is_clear(
    languages: LanguageIdentifier, text: str, language: Optional[str]
) -> None:
    assert languages.identify(text) == language


def entities(message: Message) -> List[Dict[str, Any]]:
    return [{"entity": e["entity"], "value": e["value"]} for e in message.get(ENTITIES, [])]


def test_the_language_asked_for_counts_not_the_one_it_is_asked_in(languages: LanguageIdentifier) -> None:
    message = Message({TEXT: "can we speak in Spanish please", INTENT: {"name": "switch_language"}})
    plain = Message({TEXT: "change the language please", INTENT: {"name": "switch_language"}})
    languages.process([message, plain])
    assert entities(message) == [{"entity": "language", "value": "es"}]
    assert entities(plain) == []


@pytest.mark.parametrize(
    ("text", "language"),
    [("en inglés", "en"), ("हिन्दी में", "hi"), ("hindi or english?", None), ("another one", None)],
)
def test_a_language_is_known_by_its_names(text: str, language: Optional[str]) -> None:
    assert requested_language(text) == language


def test_a_quantity_becomes_an_entity_and_a_payload_does_not(trained: Callable[[Any], Any]) -> None:
    said, payload = Message({TEXT: "llegaron २०"}), Message({TEXT: '/update_stock{"item": "20"}'})
    trained(QuantityExtractor).process([said, payload])
    assert entities(said) == [{"entity": "quantity", "value": "+20"}]
    assert entities(payload) == []


def test_a_session_keeps_only_what_is_listed() -> None:
    events = session_events({"language": "es", "item": "5", "list_kind": None, "list_cursor": "1.2.3"})
    assert events == [
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        {"event": "slot", "name": "language", "value": "es"},
        {"event": "slot", "name": "list_cursor", "value": "1.2.3"},
        {"event": "slot", "name": "left_open", "value": {"list": "", "cursor": "1.2.3"}},
        {"event": "action", "name": "action_listen"},
    ]


def test_silence_leaves_open_what_a_form_had_gathered_and_a_long_talk_leaves_nothing() -> None:
    slots = {"item": "5", "requested_slot": "quantity", "list_kind": "low_stock", "list_cursor": "1.2.3"}
    assert left_open(slots, "stock_update_form") == {
        "form": "stock_update_form",
        "asked": "quantity",
        "slots": {"item": "5"},
    }
    assert left_open({**slots, "left_open": {"form": "x"}}, "") == {"form": "x"}
    assert left_open({}, "") is None
    assert not any(event.get("name") == "left_open" for event in session_events(slots, "", silent=False))
