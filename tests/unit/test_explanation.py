"""What is said of a turn: in plain words, whole, and harmless where people wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Dict

import pytest

from mostrador.operations.explain_command import harmless, printed
from mostrador.shop.explanation import (
    EffectDone,
    Explanation,
    Heard,
    SaidRow,
    StockLogged,
    headline,
    sections,
)
from mostrador.web.explain_page import page

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def at(milliseconds: int) -> datetime:
    return NOON + timedelta(milliseconds=milliseconds)


TURN = Explanation(
    turn_id="wamid.1",
    conversation_id="c0ffee",
    contact="Asha",
    outcome="answered",
    heard=(Heard("wamid.1", "text", "50", NOON, at(120), "done", tries=1),),
    said=(
        SaidRow(
            7,
            "utter_stock_updated",
            "Done: 0 → 50",
            ("Undo", "Menu"),
            "bot",
            "read",
            at(180),
            sent_at=at(200),
            attempts=2,
            reports={"delivered": at(1000), "read": at(9000)},
        ),
    ),
    begun_at=at(130),
    ended_at=at(180),
    intent="inform",
    confidence=0.91,
    noted={
        "ranking": [{"name": "inform", "confidence": 0.91}, {"name": "update_stock", "confidence": 0.04}],
        "entities": [{"entity": "quantity", "value": "50", "by": "QuantityExtractor"}],
        "language": {"before": "es", "is": "es", "by": "kept"},
        "slots": {"item": ["12", None], "requested_slot": ["quantity", None]},
        "actions": [
            {"name": "stock_update_form", "policy": "NamedRulePolicy", "form": "stock_update_form"},
            {"name": "action_update_stock", "policy": "NamedRulePolicy", "rule": "the stock is changed"},
        ],
        "session": "going on",
        "model": "m1",
    },
    slots={"item": None, "requested_slot": None, "list_kind": "out_of_stock"},
    effects=(EffectDone("update_stock", "12", at(150), {"before": 0, "after": 50, "id": 3}),),
    stock=(StockLogged(3, "Kurta – M", 0, 50, 50, "Whatsapp_chatbot", at(150)),),
)


def words_of(it: Explanation, everything: bool = False) -> Dict[str, Dict[str, str]]:
    return {section.title: dict(section.lines) for section in sections(it, everything)}


def test_a_turn_is_told_whole_and_in_order() -> None:
    told = words_of(TURN)

    assert list(told) == [
        "Message",
        "Language",
        "Understood",
        "Slots",
        "Decided",
        "Done",
        "Stock log",
        "Said",
        "Times",
        "Turn",
    ]
    assert told["Message"] == {"text": "“50”"}
    assert told["Understood"] == {"inform": "91%   next: update_stock 4%", "": "quantity = 50   (QuantityExtractor)"}
    assert told["Slots"] == {"item": "12 → –", "requested_slot": "quantity → –"}
    assert told["Decided"]["action_update_stock"] == "rule “the stock is changed”   (NamedRulePolicy)"
    assert told["Decided"]["stock_update_form"].startswith("the open form comes first")
    assert told["Done"] == {"update_stock": "on 12   before 0, after 50, id 3"}
    assert told["Stock log"] == {"no. 3": "Kurta – M: 0 → 50 (+50), Whatsapp_chatbot"}
    assert told["Said"] == {"utter_stock_updated": "“Done: 0 → 50”\n[Undo | Menu]\nread, 2 attempts"}
    assert told["Turn"]["model"] == "m1" and told["Turn"]["tries"] == "1, put off by outages 0×"
    assert headline(TURN) == "answered in 50 ms"


def test_times_are_the_stages_in_their_order_however_coarse_the_providers_clock_is() -> None:
    lines = [words for _, words in next(s for s in sections(TURN) if s.title == "Times").lines]

    assert lines == [
        "the person sent it",
        "received",
        "the turn began   +10 ms",
        "the turn ended, its answer was queued   +60 ms",
        "the message was sent   +80 ms",
        "on the phone 22 Nov 12:00:01 UTC, read 22 Nov 12:00:09 UTC",
    ]


def test_all_slots_are_told_when_everything_is_wanted() -> None:
    assert "list_kind" not in words_of(TURN)["Slots"]
    assert words_of(TURN, everything=True)["Slots"]["list_kind"] == "out_of_stock   (as before)"


@pytest.mark.parametrize(
    ("language", "label", "words"),
    [
        ({"before": None, "is": "es", "by": "words"}, "es", "told from the words of this message (before: not known)"),
        ({"before": "en", "is": "hi", "by": "asked"}, "hi", "the person asked for it (before: en)"),
        ({"before": "en", "is": "es", "by": "tap"}, "es", "by a tap (before: en)"),
        ({"before": "es", "is": "es", "by": "words"}, "es", "told from the words of this message"),
        ({"before": "es", "is": "es", "by": "kept"}, "es", "known from before; this message says nothing else"),
        ({"before": None, "is": None, "by": "none"}, "en", "not known yet, so the bot speaks its first language"),
    ],
)
def test_how_the_language_was_found_is_told(language: Dict[str, Any], label: str, words: str) -> None:
    told = words_of(replace(TURN, noted={**TURN.noted, "language": language}))
    assert told["Language"] == {label: words}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"name": "a", "policy": "NamedMemoizationPolicy", "story": "a sale"}, "story “a sale”"),
        ({"name": "a", "rejected": True}, "let the message pass: it was no answer to the form's question"),
        ({"name": "action_default_fallback", "policy": "NamedRulePolicy"}, "no rule or story fits"),
        ({"name": "a", "policy": None}, "follows from the action before"),
    ],
)
def test_why_an_action_was_taken_is_told(action: Dict[str, Any], words: str) -> None:
    told = words_of(replace(TURN, noted={**TURN.noted, "actions": [action]}))
    assert told["Decided"][action["name"]].startswith(words)


def test_what_has_no_turn_is_told_as_far_as_it_goes() -> None:
    waiting = Explanation(
        "m1", "c", "Asha", "open", heard=(Heard("m1", "text", "hi", NOON, NOON, "new", 2, 1, "Boom"),)
    )
    told = words_of(waiting)
    assert headline(waiting) == "not answered yet"
    assert set(told) == {"Message", "Times", "Turn"}
    assert told["Turn"]["last error"] == "Boom" and told["Turn"]["tries"] == "2, put off by outages 1×"

    told_first = Explanation(
        "", "c", "Asha", "unasked", said=(SaidRow(1, "", "Sold out", (), "bot", "sent", NOON, "restock"),)
    )
    assert headline(told_first) == "no answer to a message, but said by the bot about restock"
    assert words_of(told_first)["Said"] == {"by the bot": "“Sold out”\nsent"}


def test_a_terminal_gets_no_control_characters_and_lines_that_fit() -> None:
    nasty = "\x1b[2J" + "word " * 60
    text = printed(replace(TURN, heard=(replace(TURN.heard[0], text=nasty),)), width=80)

    assert text.startswith("Answered in 50 ms.\n\nMESSAGE\n")
    assert "\x1b" not in text and harmless("a\u202eb") == "a b"
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.count("word") == 60


def test_the_page_shows_the_same_and_escapes_all_of_it() -> None:
    attack = "<script>alert('x')</script>"
    shown = page(replace(TURN, contact=attack, heard=(replace(TURN.heard[0], text=attack),)))

    assert "<script" not in shown and shown.count("&lt;script&gt;") == 2
    assert "rule “the stock is changed”" in shown and "list_kind" in shown


def test_an_explanation_is_json() -> None:
    data = json.loads(json.dumps(TURN.to_json()))
    assert data["said"][0]["reports"] == {"delivered": "2026-11-22T12:00:01+00:00", "read": "2026-11-22T12:00:09+00:00"}
    assert data["noted"]["actions"][1]["rule"] == "the stock is changed"
