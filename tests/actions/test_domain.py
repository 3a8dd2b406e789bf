"""A walk over domain.yml, the rules and the training data that finds what `rasa data validate` does not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML

from actions.readings import titles
from mostrador.nlu.text import LANGUAGES
from mostrador.settings import ROOT

BUTTON_TITLE = 20
LIST_TITLE = 24
PLACEHOLDER = re.compile(r"(?<!{){(\w+)}(?!})")
PAYLOAD = re.compile(r"/(\w+)(\{.*\})?", re.DOTALL)
NEVER_SAID = {
    "send_media",
    "send_location",
    "send_contact",
    "send_order",
    "select_item",
    "choose_option",
    "change_preference",
}
# What a customer or an artisan wants; to a question of a seller's form such words are an answer: "the red lamp".
WANTS = {
    "search_product",
    "ask_price",
    "ask_stock",
    "show_similar",
    "add_to_cart",
    "change_quantity",
    "remove_from_cart",
    "show_cart",
    "checkout",
    "simulate_financing",
    "ask_payment_status",
    "register",
    "add_product",
    "edit_product",
    "delete_product",
    "list_products",
}
ANSWERS = {"inform", "affirm", "deny", "nlu_fallback", "out_of_scope"} | WANTS
"""What may be content when the form asked for content; the validator judges it. A plain no leaves the other forms."""


def read(path: Path) -> Dict[str, Any]:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


DOMAIN = read(ROOT / "domain.yml")
INTENTS = {name for entry in DOMAIN["intents"] for name in entry}
EXTERNAL = {name for name in INTENTS if name.startswith("EXTERNAL_")}
EXAMPLES = [(path, block) for path in sorted((ROOT / "data" / "nlu").rglob("*.yml")) for block in read(path)["nlu"]]


def by_language(variations: List[Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    found = {}
    for variation in variations:
        conditions = variation.get("condition", [{"value": "en"}])
        assert len(conditions) == 1 and (conditions[0].get("name", "language") == "language")
        found[conditions[0]["value"]] = variation
    return found


def buttons(variation: Dict[str, Any]) -> List[Dict[str, str]]:
    return variation.get("buttons", [])


def placeholders(variation: Dict[str, Any]) -> Set[str]:
    parts = [variation["text"], *(button["payload"] for button in buttons(variation))]
    return {name for part in parts for name in PLACEHOLDER.findall(part)}


def mappings() -> Iterator[Tuple[str, Dict[str, Any]]]:
    for name, slot in DOMAIN["slots"].items():
        for mapping in slot["mappings"]:
            yield name, mapping


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_a_response_says_the_same_in_every_language(name: str) -> None:
    variations = by_language(DOMAIN["responses"][name])
    assert set(variations) == set(LANGUAGES) and len(DOMAIN["responses"][name]) == len(LANGUAGES)
    assert "condition" not in variations["en"], "English is the default and needs no condition"
    assert len({frozenset(placeholders(v)) for v in variations.values()}) == 1
    assert len({tuple(b["payload"] for b in buttons(v)) for v in variations.values()}) == 1
    assert len({v["text"] for v in variations.values()}) == len(LANGUAGES)


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_button_titles_fit_and_differ(name: str) -> None:
    for variation in DOMAIN["responses"][name]:
        titles = [button["title"] for button in buttons(variation)]
        assert len(set(titles)) == len(titles) <= 10
        assert all(0 < len(title) <= (BUTTON_TITLE if len(titles) <= 3 else LIST_TITLE) for title in titles)


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_every_button_names_a_known_intent_and_known_entities(name: str) -> None:
    for variation in DOMAIN["responses"][name]:
        for button in buttons(variation):
            rendered = PLACEHOLDER.sub("1", button["payload"]).replace("{{", "{").replace("}}", "}")
            match = PAYLOAD.fullmatch(rendered)
            assert match and match.group(1) in INTENTS - EXTERNAL, rendered
            assert set(json.loads(match.group(2) or "{}")) <= set(DOMAIN["entities"])


@pytest.mark.parametrize("name", sorted(DOMAIN["responses"]))
def test_a_response_has_no_format_spec_that_rasa_would_leave_raw(name: str) -> None:
    for variation in DOMAIN["responses"][name]:
        assert not re.search(r"{\w+[:!.\[]", variation["text"])


def test_text_fills_a_slot_only_where_it_was_asked_for_and_is_an_answer() -> None:
    from_text = [(name, mapping) for name, mapping in mappings() if mapping["type"] == "from_text"]
    assert from_text
    for name, mapping in from_text:
        assert all(condition.get("requested_slot") == name for condition in mapping["conditions"]), name
        loops = {condition["active_loop"] for condition in mapping["conditions"]}
        answers = ANSWERS if loops == {"stock_update_form"} else ANSWERS - {"deny"}
        assert set(mapping["not_intent"]) == INTENTS - answers, name
        assert set(mapping["not_intent"]) >= EXTERNAL | NEVER_SAID, name


def test_slots_steer_nothing_and_are_filled_from_known_entities_and_intents() -> None:
    assert all(slot["influence_conversation"] is False for slot in DOMAIN["slots"].values())
    for name, mapping in mappings():
        intents = mapping.get("intent", [])
        assert set([intents] if isinstance(intents, str) else intents) <= INTENTS, name
        if mapping["type"] == "from_entity":
            assert mapping["entity"] in DOMAIN["entities"], name


def test_every_custom_action_is_registered_and_the_reverse(executor: ActionExecutor) -> None:
    assert set(executor.actions) == set(DOMAIN["actions"])


def test_every_response_that_an_action_says_is_in_the_domain_and_the_reverse() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "actions").rglob("*.py"))
    said = set(re.findall(r'"(utter_\w+)"', code))
    siblings = {f"{name}_siblings" for name in said if name.startswith("utter_card_")}
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "data" / "rules").glob("*.yml"))
    ruled = set(re.findall(r"action: (utter_\w+)", rules))
    by_the_dispatcher = {"utter_wait_outage", "utter_late_answer", "utter_list_label", "utter_waiting_for_human"}
    questions = {slot for form in DOMAIN["forms"].values() for slot in form["required_slots"]}
    by_the_form = {f"utter_ask_{slot}" for slot in questions if f"action_ask_{slot}" not in DOMAIN["actions"]}
    known = said | siblings | ruled | by_the_dispatcher | by_the_form | {"utter_default"}
    assert known == set(DOMAIN["responses"])


def test_every_intent_has_a_rule() -> None:
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "data" / "rules").glob("*.yml"))
    assert set(re.findall(r"intent: (\w+)", rules)) == INTENTS


def test_examples_say_their_language_as_their_folder_does() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {block['intent']}"
        for path, block in EXAMPLES
        if (block.get("metadata") or {}).get("language") != path.parent.name
    ]
    assert wrong == []


def test_every_intent_that_can_be_said_has_examples_in_every_language() -> None:
    sayable = INTENTS - NEVER_SAID - EXTERNAL - {"nlu_fallback", "perhaps_opt_out"}
    for language in LANGUAGES:
        counts: Dict[str, int] = {}
        for path, block in EXAMPLES:
            if path.parent.name == language:
                counts[block["intent"]] = counts.get(block["intent"], 0) + len(block["examples"].splitlines())
        assert set(counts) == sayable
        assert {name: count for name, count in counts.items() if count < 15} == {}


def test_no_example_stands_under_two_intents() -> None:
    where: Dict[str, Set[str]] = {}
    for _, block in EXAMPLES:
        for line in block["examples"].splitlines():
            where.setdefault(line.removeprefix("- ").strip().casefold(), set()).add(block["intent"])
    assert {text: intents for text, intents in where.items() if len(intents) > 1} == {}


def test_every_reading_that_is_offered_has_a_title_that_fits_a_button_in_every_language() -> None:
    assert set(titles()) <= INTENTS - EXTERNAL - NEVER_SAID
    for language in LANGUAGES:
        named = [title[language] for title in titles().values()]
        assert all(0 < len(title) <= BUTTON_TITLE for title in named) and len(set(named)) == len(named)
