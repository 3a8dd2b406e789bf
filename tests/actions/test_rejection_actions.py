"""What the actions of rejections and settings promise, in a shop in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Dict, Optional

import pytest
from shop_in_memory import CONVERSATION, NOW, OUT, Shop

from mostrador.shop.preferences import Hours
from mostrador.shop.rejections import Reason

FORM, SETTINGS = "rejection_form", "preference_form"


@pytest.fixture()
def lamp(shop: Shop) -> str:
    variation = shop.product("Lamp")[0]
    shop.recommend(OUT, variation)
    return str(variation.id)


def rejected(run: Any, item: str, reason: str, **slots: Any) -> Any:
    return run("action_reject", slots={"rejected_item": item, "rejection_reason": reason, **slots})


def test_a_rejection_is_kept_once_told_and_offers_the_way_back(run: Any, shop: Shop, lamp: str) -> None:
    first, second = (rejected(run, lamp, "no_material", list_kind="low_stock", list_cursor="1.2.3.4") for _ in "ab")
    assert first == second
    said = first.said[0]
    told = {name: said[name] for name in ("response", "title", "item", "kind", "cursor")}
    assert told == {
        "response": "utter_rejected",
        "title": "Lamp",
        "item": lamp,
        "kind": "low_stock",
        "cursor": "1.2.3.4",
    }
    assert shop.state.rejected == {int(lamp): Reason("no_material")}
    assert set(first.slots.values()) == {None}
    assert run("action_show_out_of_stock").responses == ["utter_nothing_out_of_stock"]
    assert run("action_restore_recommendation", entities={"item": lamp}).responses == ["utter_brought_back"]
    assert shop.state.rejected == {}


def test_own_words_are_kept_with_the_reason_they_name(run: Any, shop: Shop, lamp: str) -> None:
    rejected(run, lamp, "ya no consigo la tela")
    assert shop.state.rejected == {int(lamp): Reason("no_material", "ya no consigo la tela")}


@pytest.mark.parametrize(
    ("pause", "response", "days"),
    [("p7", "utter_put_aside_until", 7), ("c30", "utter_put_aside_until", 30), ("p0", "utter_put_aside", None)],
)
def test_later_puts_aside(run: Any, shop: Shop, lamp: str, pause: str, response: str, days: Optional[int]) -> None:
    answer = rejected(run, lamp, "later", mute_for=pause)
    assert answer.responses == [response]
    assert list(shop.state.muted.values()) == [NOW + timedelta(days=days) if days else None]
    assert shop.state.rejected == {}
    catalogue = pause.startswith("c")
    assert (answer.said[0]["item"] == "", answer.said[0]["catalog"] == "") == (catalogue, not catalogue)


def test_a_form_that_ended_without_an_answer_is_followed_by_nothing(run: Any, shop: Shop, lamp: str) -> None:
    for slots in ({}, {"rejected_item": lamp}, {"rejected_item": lamp, "rejection_reason": "later", "mute_for": "-"}):
        assert run("action_reject", slots=slots).responses == []
    assert not shop.state.rejected and not shop.state.muted


@pytest.mark.parametrize("action", ["action_reject", "action_ask_rejection_reason", "action_ask_mute_for"])
def test_what_is_not_ones_own_or_gone_is_refused_and_the_form_left(run: Any, shop: Shop, action: str) -> None:
    foreign = str(shop.product("Foreign", supplier=8)[0].id)
    for item, response in ((foreign, "utter_not_yours"), ("999", "utter_gone"), ("x", "utter_gone")):
        answer = run(action, slots={"rejected_item": item, "rejection_reason": "other"}, form=FORM)
        assert answer.responses == [response]
        assert answer.events[0] == {"event": "active_loop", "timestamp": None, "name": None}
    assert run("action_restore_recommendation", entities={"item": foreign}).responses == ["utter_not_yours"]
    assert run("action_restore_recommendation", entities={"catalog": "77"}).responses == ["utter_gone"]


@pytest.mark.parametrize(
    ("slot", "said", "expected", "response"),
    [
        ("rejection_reason", "my cousin left", {"rejection_reason": "my cousin left", "mute_for": "-"}, None),
        ("rejection_reason", "2", {"rejection_reason": "no_material", "mute_for": "-"}, None),
        ("rejection_reason", "not now", {"rejection_reason": "later"}, None),
        ("rejection_reason", "👍", {"rejection_reason": None}, "utter_not_a_reason"),
        ("rejection_reason", "what do you mean?", {"rejection_reason": None}, "utter_not_a_reason"),
        ("mute_for", "dos semanas", {"mute_for": "p14"}, None),
        ("mute_for", "-", {"mute_for": None}, "utter_not_a_pause"),
        ("rejected_item", "lamp", {"rejected_item": "100"}, None),
        ("rejected_item", "umbrella", {"rejected_item": None}, "utter_not_a_choice"),
    ],
)
def test_an_answer_of_the_form_is_taken_or_asked_again(
    run: Any, lamp: str, slot: str, said: str, expected: Dict[str, Any], response: Optional[str]
) -> None:
    answer = run("validate_rejection_form", slots={"requested_slot": slot}, filled={slot: said}, form=FORM)
    assert answer.responses == ([response] if response else [])
    assert answer.slots == {**expected, "tries": 1 if response else None}


@pytest.mark.parametrize(("form", "slot"), [(FORM, "rejection_reason"), (SETTINGS, "preference_value")])
def test_after_three_useless_answers_a_person_is_offered_and_the_form_ends(run: Any, form: str, slot: str) -> None:
    answer = run(f"validate_{form}", slots={"requested_slot": slot, "tries": 2}, filled={slot: "👍"}, form=form)
    assert answer.responses == ["utter_offer_human_or_menu"]
    assert set(answer.slots.values()) == {None} and "requested_slot" in answer.slots


def test_the_form_begins_with_what_a_tap_says(run: Any, lamp: str) -> None:
    begun = run(
        "action_begin_rejection", entities={"item": lamp, "rejection_reason": "other"}, slots={"mute_for": "p7"}
    )
    assert begun.slots == {"rejected_item": lamp, "rejection_reason": "other", "mute_for": "-"}
    turned = run("action_turn_to_rejection", slots={"item": lamp, "quantity": "5"}, form="stock_update_form")
    assert turned.events[0]["name"] is None
    assert (turned.slots["rejected_item"], turned.slots["item"], turned.slots["quantity"]) == (lamp, None, None)


def test_what_is_hidden_can_be_brought_back_by_a_tap(run: Any, shop: Shop, lamp: str) -> None:
    assert run("action_restore_recommendation").responses == ["utter_nothing_hidden"]
    rejected(run, lamp, "other")
    vase = str(shop.product("Vase")[0].id)
    run("action_reject", slots={"rejected_item": vase, "rejection_reason": "later", "mute_for": "c7"}, turn="turn-2")
    said = run("action_restore_recommendation", turn="turn-3").said[0]
    assert said["rows"] == "1. Vase ⏸ November 29\n2. Lamp ⛔"
    payloads = [button["payload"] for button in said["buttons"]]
    assert payloads == ['/restore_recommendation{"catalog": "2"}', '/restore_recommendation{"item": "100"}']


def test_settings_show_what_counts_now_and_offer_the_other(run: Any, shop: Shop) -> None:
    shop.state.consents = [(1, "all", True), (1, "nudges", False)]
    shop.state.hours[1] = Hours(1320, 360)
    said = run("action_show_preferences").said[0]
    shown = [said[name] for name in ("name", "hours", "restock", "restock_to", "nudges", "nudges_to")]
    assert shown == ["Asha Rao", "22:00–06:00", "✅", "off", "❌", "on"]


def test_settings_are_saved(run: Any, shop: Shop) -> None:
    def save(kind: str, value: str, turn: str) -> Any:
        return run("action_save_preference", slots={"preference": kind, "preference_value": value}, turn=turn).said[0]

    assert save("name", "Meera 🌸", "a")["name"] == "Meera"
    assert shop.state.contacts[CONVERSATION].name == "Meera"
    hours = save("hours", "9 to 6", "b")
    assert (hours["response"], hours["begin"], hours["end"]) == ("utter_hours_changed", "09:00", "18:00")
    assert save("hours", "any time", "c")["response"] == "utter_hours_open"
    assert save("restock", "off", "d")["response"] == "utter_topic_off"
    assert shop.state.consents == [(1, "restock", False)]
    assert run("action_save_preference").responses == []


@pytest.mark.parametrize(
    ("preference", "said", "response"),
    [
        ("name", "me llamo Ana", None),
        ("name", "x" * 4096, "utter_not_a_name"),
        ("name", "😀", "utter_not_a_name"),
        ("hours", "8 a 20", None),
        ("hours", "often", "utter_not_hours"),
    ],
)
def test_a_value_is_taken_or_asked_again(run: Any, preference: str, said: str, response: Optional[str]) -> None:
    slots = {"requested_slot": "preference_value", "preference": preference}
    answer = run("validate_preference_form", slots=slots, filled={"preference_value": said}, form=SETTINGS)
    assert answer.responses == ([response] if response else [])
    assert (answer.slots["preference_value"] is None) == bool(response)


def test_the_question_for_hours_tells_the_time_there(run: Any, shop: Shop) -> None:
    said = run("action_ask_preference_value", slots={"preference": "hours"}, form=SETTINGS).said[0]
    assert (said["response"], said["clock"]) == ("utter_ask_hours", "17:30")


def test_who_is_called_nothing_yet_is_asked_without_a_name(run: Any, shop: Shop) -> None:
    def asked() -> str:
        return str(run("action_ask_preference_value", slots={"preference": "name"}, form=SETTINGS).said[0]["response"])

    assert asked() == "utter_ask_name"
    shop.state.contacts[CONVERSATION] = replace(shop.state.contacts[CONVERSATION], name="")
    assert asked() == "utter_ask_name_blind"
