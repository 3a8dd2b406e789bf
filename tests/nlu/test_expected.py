"""While a form waits for an answer, a text that may be one is one."""

from __future__ import annotations

from typing import Any, Dict

import pytest
from ruamel.yaml import YAML

from mostrador.nlu.expected import FILE, as_expected
from mostrador.settings import ROOT

DOMAIN = YAML(typ="safe", pure=True).load((ROOT / "domain.yml").read_text(encoding="utf-8"))
TABLE = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


def read_as(intent: str, confidence: float) -> Dict[str, Any]:
    found = {"name": intent, "confidence": confidence}
    return {"text": "x", "intent": found, "intent_ranking": [found], "entities": []}


def intent_of(intent: str, confidence: float, text: str, form: str) -> str:
    return str(as_expected(read_as(intent, confidence), text, form)["intent"]["name"])


def test_without_a_form_everything_is_what_it_was_read_as() -> None:
    parse = read_as("opt_out", 0.3)
    assert as_expected(parse, "stop", "") is parse


@pytest.mark.parametrize("text", ["stop", "STOP", "Stop!", "stop."])
def test_a_bare_stop_in_a_form_stops_the_form_and_not_the_messages(text: str) -> None:
    assert intent_of("opt_out", 0.99, text, "stock_update_form") == "cancel"
    assert intent_of("opt_out", 0.99, "stop sending me messages", "stock_update_form") == "opt_out"


def test_what_looks_only_a_little_like_a_wish_is_an_answer() -> None:
    assert intent_of("more_recommendations", 0.65, "lots and lots of them", "stock_update_form") == "inform"
    assert intent_of("affirm", 0.5, "maybe", "stock_update_form") == "inform"
    assert intent_of("show_menu", 0.95, "menu", "rejection_form") == "show_menu"
    assert intent_of("cancel", 0.3, "leave it", "rejection_form") == "cancel"


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("goodbye", "hasta que avise"),
        ("deny", "not now, ask me some other time"),
        ("ask_price", "the price is too low"),
        ("ask_stock", "कपड़ा नहीं मिल रहा"),
    ],
)
def test_a_reason_or_a_time_is_an_answer_where_they_were_asked_for(intent: str, text: str) -> None:
    assert intent_of(intent, 0.95, text, "rejection_form") == "inform"
    assert intent_of(intent, 0.95, text, "stock_update_form") == intent


def test_a_doubtful_opt_out_gives_way_in_a_form_to_what_else_it_is_likely_to_be() -> None:
    doubtful, likely = {"name": "perhaps_opt_out", "confidence": 1.0}, {"name": "cancel", "confidence": 0.9}
    parse = {**read_as("perhaps_opt_out", 1.0), "intent_ranking": [doubtful, likely]}
    assert as_expected(parse, "cancelar", "preference_form")["intent"] == likely
    weak = {"name": "more_recommendations", "confidence": 0.6}
    answer = {**parse, "intent_ranking": [doubtful, weak, {"name": "opt_out", "confidence": 0.1}]}
    assert as_expected(answer, "lots of them", "stock_update_form")["intent"]["name"] == "inform"
    meant = {**parse, "intent_ranking": [doubtful, {"name": "opt_out", "confidence": 0.4}, weak]}
    assert as_expected(meant, "no me manden", "preference_form")["intent"] == doubtful


def test_what_the_model_said_is_kept() -> None:
    assert as_expected(read_as("ask_price", 0.2), "cheap", "rejection_form")["intent_ranking"][0]["name"] == "ask_price"


def test_the_table_names_only_intents_that_there_are() -> None:
    intents = {name for intent in DOMAIN["intents"] for name in ([intent] if isinstance(intent, str) else intent)}
    assert "rejection_form" in DOMAIN["forms"]
    assert {*TABLE["answers"], *TABLE["words"].values(), *TABLE["give_way"]} <= intents
