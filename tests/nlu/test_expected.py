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


def test_own_words_that_look_a_little_like_a_wish_are_an_answer() -> None:
    assert intent_of("ask_price", 0.59, "the price is too low", "rejection_form") == "inform"
    assert intent_of("show_menu", 0.95, "menu", "rejection_form") == "show_menu"
    assert intent_of("cancel", 0.3, "leave it", "rejection_form") == "cancel"
    assert intent_of("show_menu", 0.4, "menu", "stock_update_form") == "show_menu"


def test_what_the_model_said_is_kept() -> None:
    assert as_expected(read_as("ask_price", 0.2), "cheap", "rejection_form")["intent_ranking"][0]["name"] == "ask_price"


def test_the_table_names_only_forms_and_intents_that_there_are() -> None:
    intents = {name for intent in DOMAIN["intents"] for name in ([intent] if isinstance(intent, str) else intent)}
    assert set(TABLE["interrupted_from"]) <= set(DOMAIN["forms"])
    assert set(TABLE["answers"]) | set(TABLE["words"].values()) <= intents
