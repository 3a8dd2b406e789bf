"""What each action promises: exact events and response names, with the real domain."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from shop_in_memory import CONVERSATION, LOW, OUT, Shop

from actions.base import FORM_SLOTS

FORM = "stock_update_form"
FORM_LEFT = [
    {"event": "active_loop", "timestamp": None, "name": None},
    *({"event": "slot", "timestamp": None, "name": name, "value": None} for name in ("requested_slot", *FORM_SLOTS)),
]
EMPTIED = FORM_LEFT[2:8]


def in_hand(item: str) -> dict:
    return {"event": "slot", "timestamp": None, "name": "in_hand", "value": item}


def settled(*changes: tuple, **slots: str) -> dict:
    """The slots of a form that is through: changes as (item, count)."""
    plan = [{"of": [int(i)], "count": count, "name": "", "sure": True, "wide": None} for i, count in changes]
    return {"item": changes[0][0], "quantity": changes[0][1], "plan": plan, "settled": "yes", **slots}


def test_a_session_begins_with_the_contacts_language_and_says_nothing(run: Any, shop: Shop) -> None:
    shop.state.contacts[CONVERSATION] = shop.state.contacts[CONVERSATION].__class__(1, language="hi")
    answer = run("action_session_start", slots={"item": "5", "list_kind": "low_stock"})
    assert [event["event"] for event in answer.events] == ["session_started", "slot", "slot", "action"]
    assert answer.slots == {"language": "hi", "list_kind": "low_stock"}
    assert answer.said == []


def test_a_seller_is_greeted_by_first_name_and_a_guest_is_told_where_he_is(run: Any) -> None:
    answer = run("action_greet")
    assert (answer.responses, answer.said[0]["name"], answer.events) == (["utter_greet_by_name"], "Asha", [])
    assert run("action_greet", sender="c-guest").responses == ["utter_greet_guest"]


@pytest.mark.parametrize("action", ["action_help", "action_show_menu", "action_show_out_of_stock", "action_ask_item"])
def test_who_sells_nothing_gets_a_friendly_sentence(run: Any, action: str) -> None:
    assert run(action, sender="c-guest").responses == ["utter_not_a_seller"]


@pytest.mark.parametrize("action", ["action_greet", "action_update_stock", "validate_stock_update_form"])
def test_an_unknown_conversation_is_told_how_to_begin(run: Any, action: str) -> None:
    assert run(action, sender="nobody", slots={"item": "1", "quantity": "2"}, filled={"item": "1"}).responses == [
        "utter_unknown_contact"
    ]


def test_the_language_written_in_is_remembered_for_what_speaks_first_later(run: Any, shop: Shop) -> None:
    run("action_help", slots={"language": "es"})
    assert shop.state.contacts[CONVERSATION].language == "es"


def test_an_unknown_language_is_asked_for_and_not_kept(run: Any, shop: Shop) -> None:
    assert run("action_switch_language", slots={"language": "es"}, entities={"language": "es"}).responses == [
        "utter_language_changed"
    ]
    answer = run("action_switch_language", slots={"language": "xx"}, entities={"language": "xx"})
    assert (answer.responses, answer.slots) == (["utter_ask_language"], {"language": "es"})


def test_asking_for_a_person_queues_the_talk_once_per_turn(run: Any, shop: Shop) -> None:
    for _ in range(2):
        assert run("action_request_human").responses == ["utter_human_coming"]
    assert shop.state.owners == {CONVERSATION: "queued"}
    assert [task[0] for task in shop.state.tasks.values()] == ["handover"]


def test_opting_out_and_in_is_recorded(run: Any, shop: Shop) -> None:
    assert run("action_opt_out").responses == ["utter_opted_out"]
    assert run("action_opt_in", turn="turn-2").responses == ["utter_opted_in"]
    assert shop.state.consents == [(1, "all", False), (1, "all", True)]


@pytest.mark.parametrize(
    ("kind", "response"),
    [("image", "utter_media_picture"), ("audio", "utter_media_voice"), ("", "utter_media_unknown")],
)
def test_media_is_answered_by_kind(run: Any, kind: str, response: str) -> None:
    assert run("action_answer_media", entities={"media_kind": kind}).responses == [response]


def test_a_page_is_three_cards_and_a_line_to_go_on(run: Any, shop: Shop) -> None:
    for number in range(5):
        shop.recommend(OUT, shop.product(f"Lamp {number}", "Red", "Blue")[0], estimated_order_loss=1200)
    answer = run("action_show_out_of_stock", slots={"language": "es"})
    assert answer.responses == ["utter_card_out_of_stock_siblings"] * 3 + ["utter_more_to_see"]
    card = answer.said[0]
    assert (card["title"], card["item"], card["loss"]) == ("Lamp 0 – Red", "100", "1.200")
    assert card["image"] == "https://pictures.example/pictures/100.png"
    assert answer.slots == {"list_kind": "out_of_stock", "list_cursor": answer.said[3]["cursor"]}
    rest = run("action_more_recommendations", slots=answer.slots)
    assert rest.responses == ["utter_card_out_of_stock_siblings"] * 2 + ["utter_that_was_all"]
    assert rest.slots == {"list_kind": "out_of_stock", "list_cursor": None}


def test_a_button_says_where_to_go_on_whatever_was_shown_last(run: Any, shop: Shop) -> None:
    shop.recommend(LOW, shop.product("Vase", stock=2)[0], current_stock=3, days_on_hand=4)
    tapped = run(
        "action_more_recommendations",
        slots={"list_kind": "out_of_stock", "list_cursor": "1.2.3"},
        entities={"kind": "low_stock", "cursor": ""},
    )
    assert tapped.responses == ["utter_card_low_stock"]
    assert (tapped.said[0]["stock"], tapped.said[0]["days"]) == ("2", "4")


def test_a_figure_that_the_feed_does_not_know_is_not_shown_as_nothing(run: Any, shop: Shop) -> None:
    shop.recommend(OUT, shop.product("Lamp")[0])
    shop.recommend(LOW, shop.product("Vase", stock=2)[0], current_stock=3)
    assert run("action_show_out_of_stock").said[0]["loss"] == "–"
    assert run("action_show_low_stock").said[0]["days"] == "–"
    shop.recommend(OUT, shop.product("Bowl")[0], estimated_order_loss=0)
    assert run("action_show_out_of_stock").said[1]["loss"] == "0"


def test_inside_a_form_a_page_leaves_room_for_the_question(run: Any, shop: Shop) -> None:
    for number in range(5):
        shop.recommend(OUT, shop.product(f"Lamp {number}")[0])
    assert len(run("action_show_out_of_stock", form=FORM).said) == 3


def test_an_empty_list_is_good_news(run: Any) -> None:
    assert run("action_show_out_of_stock").responses == ["utter_nothing_out_of_stock"]
    assert run("action_show_low_stock").responses == ["utter_nothing_low"]


def test_what_was_restocked_meanwhile_is_not_shown(run: Any, shop: Shop) -> None:
    shop.recommend(OUT, shop.product("Lamp", stock=3)[0])
    assert run("action_show_out_of_stock").responses == ["utter_nothing_out_of_stock"]


def test_variations_show_live_stock_and_can_be_updated(run: Any, shop: Shop) -> None:
    first, *others = shop.product("Kurta", "S", "M", "L", stock=4)
    answer = run("action_show_variations", entities={"item": str(first.id)})
    assert answer.responses == ["utter_variations"]
    assert answer.said[0]["rows"] == "1. L: 4\n2. M: 4"
    assert [button["payload"] for button in answer.said[0]["buttons"]] == [
        '/update_stock{"item": "102"}',
        '/update_stock{"item": "101"}',
    ]
    lonely = shop.product("Lamp")[0]
    assert run("action_show_variations", entities={"item": str(lonely.id)}).responses == ["utter_no_variations"]
    assert run("action_show_variations").responses == ["utter_which_variations"]


@pytest.mark.parametrize("item", ["999", "abc", "-1", "१", "9" * 40])
def test_a_stale_or_made_up_id_is_gone(run: Any, item: str) -> None:
    assert run("action_show_variations", entities={"item": item}).responses == ["utter_gone"]
    answer = run("validate_stock_update_form", entities={"item": item}, filled={"item": item}, form=FORM)
    assert (answer.responses, answer.events) == (["utter_gone"], FORM_LEFT)


def test_another_sellers_product_is_not_touched(run: Any, shop: Shop) -> None:
    foreign = str(shop.product("Foreign", supplier=8)[0].id)
    assert run("action_show_variations", entities={"item": foreign}).responses == ["utter_not_yours"]
    answer = run("action_update_stock", slots=settled((foreign, "5")))
    assert (answer.responses, answer.events) == (["utter_not_yours"], [*EMPTIED, in_hand(foreign)])
    assert shop.state.log == []


def test_without_a_product_the_sold_out_ones_are_offered(run: Any, shop: Shop) -> None:
    for name in ("Lamp", "Vase"):
        shop.recommend(OUT, shop.product(name)[0])
    answer = run("action_ask_item", form=FORM)
    assert answer.responses == ["utter_choose_item"]
    assert answer.said[0]["rows"] == "1. Lamp\n2. Vase"
    assert [button["title"] for button in answer.said[0]["buttons"]] == ["Lamp", "Vase"]


def test_with_nothing_to_choose_from_the_form_ends(run: Any) -> None:
    answer = run("action_ask_item", form=FORM)
    assert (answer.responses, answer.events) == (["utter_nothing_to_choose"], FORM_LEFT)


@pytest.mark.parametrize(("said", "chosen"), [("2", "101"), ("२", "101"), ("vase", "101"), ("the", None), ("3", None)])
def test_a_product_is_chosen_by_number_or_name(run: Any, shop: Shop, said: str, chosen: str) -> None:
    for name in ("Lamp", "Vase"):
        shop.recommend(OUT, shop.product(name)[0])
    answer = run("validate_stock_update_form", slots={"requested_slot": "item"}, filled={"item": said}, form=FORM)
    assert answer.slots["item"] == chosen
    assert answer.responses == ([] if chosen else ["utter_not_a_choice"])


def test_the_question_names_product_and_live_stock(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp", stock=1500)[0].id)
    said = run("action_ask_quantity", slots={"item": item}, form=FORM).said[0]
    assert (said["response"], said["title"], said["stock"]) == ("utter_ask_quantity", "Lamp", "1,500")
    shop.inventory_answers = False
    assert run("action_ask_quantity", slots={"item": item}, form=FORM).responses == ["utter_ask_quantity_blind"]


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ("50", "50"),
        ("+20", "+20"),
        ("-3", "-3"),
        ("sold 3", "-3"),
        ("५०", "50"),
        ("fifty", "50"),
        ("dos docenas", "24"),
    ],
)
def test_a_quantity_settles_the_form(run: Any, shop: Shop, said: str, count: str) -> None:
    item = str(shop.product("Lamp", stock=3)[0].id)
    slots = {"item": item, "requested_slot": "quantity"}
    answer = run("validate_stock_update_form", slots=slots, filled={"quantity": said}, form=FORM)
    assert (answer.responses, answer.slots) == ([], {**settled((item, count)), "tries": None})


@pytest.mark.parametrize(
    ("said", "response"),
    [
        ("-4", "utter_more_than_there_is"),
        ("9999999", "utter_implausible_quantity"),
        ("fifty thousand lakh", "utter_implausible_quantity"),
        ("1e9", "utter_not_a_quantity"),
        ("12.5", "utter_not_a_quantity"),
        ("5 kg", "utter_not_a_quantity"),
        ("🙂", "utter_not_a_quantity"),
        ("50 " * 1300, "utter_not_a_quantity"),
    ],
)
def test_what_can_be_no_stock_is_asked_again(run: Any, shop: Shop, said: str, response: str) -> None:
    item = str(shop.product("Lamp", stock=3)[0].id)
    slots = {"item": item, "requested_slot": "quantity"}
    answer = run("validate_stock_update_form", slots=slots, filled={"quantity": said}, form=FORM)
    assert answer.responses == [response]
    assert (answer.slots["quantity"], answer.slots["tries"], answer.slots.get("plan")) == (None, 1, None)


def test_after_three_answers_of_no_use_a_person_is_offered(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp")[0].id)
    slots = {"item": item, "requested_slot": "quantity", "tries": 2}
    answer = run("validate_stock_update_form", slots=slots, filled={"quantity": "many"}, form=FORM)
    assert answer.responses == ["utter_offer_human"]
    assert answer.slots == dict.fromkeys(("item", "quantity", "settled", "plan", "tries", "requested_slot"))
    silent = run("action_update_stock")
    assert (silent.responses, silent.events) == ([], EMPTIED)


def test_an_update_is_done_once_per_turn_and_told_the_same_again(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp", stock=10)[0].id)
    slots = settled((item, "+5"), list_kind="low_stock", list_cursor="1.2.3")
    first, second = (run("action_update_stock", slots=slots) for _ in range(2))
    assert first == second
    assert first.events == [*EMPTIED, in_hand(item)]
    said = first.said[0]
    told = {name: said[name] for name in ("response", "title", "before", "after", "change", "kind", "cursor")}
    assert told == {
        "response": "utter_stock_updated",
        "title": "Lamp",
        "before": "10",
        "after": "15",
        "change": "1",
        "kind": "low_stock",
        "cursor": "1.2.3",
    }
    assert shop.state.levels[100] == 15


def test_while_the_inventory_is_away_the_number_is_kept_in_a_button(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp")[0].id)
    shop.inventory_answers = False
    answer = run("action_update_stock", slots=settled((item, "50")))
    assert (answer.responses, answer.events) == (["utter_update_not_saved"], EMPTIED)
    assert (answer.said[0]["item"], answer.said[0]["quantity"]) == (item, "50")
    shop.product("Vase", "S", "M")
    assert run("action_show_variations", entities={"item": "101"}).responses == ["utter_inventory_unavailable"]


def test_a_sale_between_answer_and_update_cannot_make_the_stock_negative(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp", stock=1)[0].id)
    answer = run("action_update_stock", slots=settled((item, "-3")))
    assert (answer.responses, answer.said[0]["stock"]) == (["utter_more_than_there_is"], "1")
    assert shop.state.levels[100] == 1


def test_undo_takes_back_the_change_of_its_button_and_only_once(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp")[0].id)
    run("action_update_stock", slots=settled((item, "50")), turn="a")
    run("action_update_stock", slots=settled((item, "+7")), turn="b")
    assert run("action_undo_update", entities={"change": "1"}, turn="c").responses == ["utter_undone"]
    assert shop.state.levels[100] == 7
    assert run("action_undo_update", entities={"change": "1"}, turn="d").responses == ["utter_nothing_to_undo"]
    assert run("action_undo_update", turn="e").responses == ["utter_undone"]
    assert (shop.state.levels[100], run("action_undo_update", turn="f").responses) == (0, ["utter_nothing_to_undo"])


def test_an_undo_after_a_day_is_too_late(run: Any, shop: Shop) -> None:
    run("action_update_stock", slots=settled((str(shop.product("Lamp")[0].id), "50")))
    shop.clock.advance(hours=25)
    assert run("action_undo_update", turn="b").responses == ["utter_undo_too_late"]


def test_an_unexpected_error_ends_in_an_apology_a_task_and_a_known_place(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp")[0].id)
    shop.services.inventory.change = lambda *_: 1 / 0
    answer = run("action_update_stock", slots=settled((item, "5")))
    assert (answer.responses, answer.events) == (["utter_technical_problem"], FORM_LEFT)
    ((kind, conversation, details),) = shop.state.tasks.values()
    assert (kind, conversation, details["error"]) == ("failed_turn", CONVERSATION, "ZeroDivisionError")
    assert details["reference"] == answer.said[0]["ref"]


def test_half_an_answer_is_taken_back_when_the_rest_fails(run: Any, shop: Shop) -> None:
    shop.recommend(OUT, shop.product("Lamp")[0])
    shop.services.settings = None
    assert run("action_show_out_of_stock").responses == ["utter_technical_problem"]


@pytest.mark.parametrize("action", ["action_greet", "validate_stock_update_form", "action_session_start"])
def test_while_the_database_is_away_the_turn_is_left_to_be_tried_again(run: Any, shop: Shop, action: str) -> None:
    shop.database_error = psycopg2.OperationalError("away")
    with pytest.raises(psycopg2.OperationalError):
        run(action, filled={"item": "1"})


def test_words_that_rasa_would_read_as_templates_are_harmless(run: Any, shop: Shop) -> None:
    first, _ = shop.product("Lamp {item} 0[x]", "S", "M")
    title = run("action_show_variations", entities={"item": str(first.id)}).said[0]["title"]
    assert not set("{}") & set(title) and "0[" not in title


def test_every_fact_of_the_business_has_words() -> None:
    from actions.base import REFUSALS
    from mostrador.shop import conversations, errors

    facts = {c.__name__ for c in vars(errors).values() if isinstance(c, type)} - {"ShopError"}
    assert facts | {conversations.UnknownConversation.__name__} == set(REFUSALS)


def test_a_sudden_number_is_asked_back_and_only_its_own_yes_counts(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp", stock=12)[0].id)
    open_form = {"item": item, "requested_slot": "quantity"}
    doubted = run("validate_stock_update_form", slots=open_form, filled={"quantity": "10,000"}, form=FORM).slots
    assert (doubted["settled"], doubted["quantity"]) == (None, "10000")
    asked = run("action_ask_settled", slots=doubted, form=FORM).said[0]
    assert (asked["response"], asked["after"], asked["before"]) == ("utter_really", "10,000", "12")
    question = {**doubted, "requested_slot": "settled"}
    late = run("action_choose_option", question, {"question": "other", "answer": "yes"}, FORM)
    assert (late.responses, late.events) == (["utter_option_closed"], [])
    own = {"question": asked["question"]}
    assert run("action_choose_option", question, {**own, "answer": "yes"}, FORM).slots["settled"] == "yes"
    assert run("action_choose_option", question, {**own, "answer": "no"}, FORM).slots["quantity"] is None
    assert run("action_choose_option", {}, {**own, "answer": "yes"}).responses == ["utter_option_closed"]


def test_a_turn_cut_off_after_its_change_and_tried_again_says_the_same(run: Any, shop: Shop) -> None:
    item = str(shop.product("Lamp", stock=3)[0].id)
    slots = {"item": item, "requested_slot": "quantity"}
    first = run("validate_stock_update_form", slots=slots, filled={"quantity": "sold 3"}, form=FORM)
    told = run("action_update_stock", slots=first.slots)
    again = run("validate_stock_update_form", slots=slots, filled={"quantity": "sold 3"}, form=FORM)
    assert (again, run("action_update_stock", slots=again.slots)) == (first, told)
    assert (told.responses, shop.state.levels[100]) == (["utter_stock_updated"], 0)


def test_several_are_told_in_one_confirmation_with_what_was_not_done(run: Any, shop: Shop) -> None:
    red, blue = shop.product("Kurta", "Red", "Blue", stock=4)
    foreign = shop.product("Foreign", supplier=8)[0]
    slots = settled((str(red.id), "20"), (str(blue.id), "-9"), (str(foreign.id), "3"))
    slots["plan"].append({"of": [], "count": "5", "name": "green", "sure": True, "wide": None})
    first, second = (run("action_update_stock", slots=slots) for _ in range(2))
    assert first == second
    (said,) = first.said
    assert (said["response"], said["rows"]) == ("utter_several_partly", "1. Kurta – Red: 4 → 20")
    assert said["failed"] == "1. Kurta – Blue: -9 (4)\n2. –: 3\n3. green: 5 (?)"
    assert [(change.variation_id, change.after) for change in shop.state.log] == [(red.id, 20)]


def test_all_of_a_message_is_taken_back_by_one_button(run: Any, shop: Shop) -> None:
    red, blue = shop.product("Kurta", "Red", "Blue", stock=4)
    done = run("action_update_stock", slots=settled((str(red.id), "20"), (str(blue.id), "30")), turn="a").said[0]
    assert done["response"] == "utter_several_updated"
    listed = run("action_undo_update", turn="b")
    assert listed.responses == ["utter_choose_undo"]
    assert [button["title"] for button in listed.said[0]["buttons"]] == ["Blue: 4 → 30", "Red: 4 → 20"]
    undo = {"change": done["change"], "together": "yes"}
    assert run("action_undo_update", entities=undo, turn="c").responses == ["utter_undone_several"]
    assert (shop.state.levels[red.id], shop.state.levels[blue.id]) == (4, 4)
    assert run("action_undo_update", entities=undo, turn="d").responses == ["utter_nothing_to_undo"]


def test_more_variations_than_a_list_holds_have_a_row_that_turns_the_page(run: Any, shop: Shop) -> None:
    first = shop.product("Border", *[f"{number:02}" for number in range(22)])[0]
    page = run("action_show_variations", entities={"item": str(first.id)}).said[0]["buttons"]
    assert (len(page), page[-1]["title"]) == (10, "10–18 / 21 ▸")
    turned = run("action_show_variations", entities={"item": str(first.id), "page": "3"}).said[0]
    assert (turned["rows"].splitlines()[0], len(turned["buttons"])) == ("19. 19: 0", 3)
    beyond = run("action_show_variations", entities={"item": str(first.id), "page": "99"}).said[0]
    assert beyond["rows"].startswith("1. 01: 0")
