"""How a change of stock begins, or turns to something else: by a wish, by content nobody asked for, by a late yes."""

from __future__ import annotations

from typing import List, Text

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.base import UseCaseAction, form_left
from actions.left_open import offer_left, offer_number
from actions.readings import offer_readings
from actions.stock_answers import Slots, in_hand, named_only, open_part, plan_of, question_of, refuse, settle
from actions.stock_words import Wish, wish_of
from actions.turn import Turn
from mostrador.nlu.counts import written

FORM = "stock_update_form"
BLANK: Slots = {"item": None, "quantity": None, "plan": None, "settled": None, "tries": None}
OTHERWISE = {
    "inform": "utter_inform_nowhere",
    "nlu_fallback": "utter_ask_rephrase",
    "out_of_scope": "utter_out_of_scope",
}
QUESTIONS = {"ask_price", "ask_stock"}  # "do you have 5 lamps?" changes nothing


def events_of(slots: Slots) -> List[EventType]:
    return [SlotSet(name, value) for name, value in slots.items()]


class ActionBeginUpdate(UseCaseAction):
    """Takes from the wish what it says of goods and numbers; the form asks for the rest. A tap says it by itself."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_begin_update"

    async def use_case(self, turn: Turn) -> List[EventType]:
        if turn.entity("item"):
            return []
        if turn.tapped:
            return events_of(BLANK)
        item = turn.slot("item") if turn.form_open else None
        hand = item or turn.slot("in_hand")
        wish = await wish_of(turn, turn.text, int(hand) if hand else None)
        return events_of({**BLANK, **await _begun(turn, wish, bool(item))})


async def _begun(turn: Turn, wish: Wish, asked_how_many: bool) -> Slots:
    """A bare number is for the product whose number is being asked, else for one that is still to be chosen."""
    if any(part["of"] for part in wish.parts):
        return await settle(turn, wish.parts, "item")
    if wish.parts:
        turn.say("utter_unknown_goods", name=wish.parts[0]["name"])
        return {"quantity": wish.parts[0]["count"] if len(wish.parts) == 1 else None}
    if wish.bare is not None:
        if asked_how_many:
            return await settle(turn, [in_hand(turn, wish.bare)])
        return {"quantity": written(wish.bare)}
    if wish.named.goods:
        return chosen_by_name(turn, wish)
    return {}


def chosen_by_name(turn: Turn, wish: Wish) -> Slots:
    slots = named_only(wish.named.goods, wish.named.sure, name=turn.text)
    return slots if wish.named.sure else {**slots, "item": None}


class ActionTakeContent(UseCaseAction):
    """Something was said that nobody asked for: perhaps goods with their numbers, else it is answered as before."""

    def name(self) -> Text:
        return "action_take_content"

    async def use_case(self, turn: Turn) -> List[EventType]:
        hand = turn.slot("in_hand")
        wish = Wish()
        if turn.contact.is_seller and not turn.tapped:
            wish = await wish_of(turn, turn.text, int(hand) if hand else None)
        if turn.intent not in QUESTIONS and any(part["of"] for part in wish.parts):
            slots = await settle(turn, wish.parts, "item")
        elif wish.named.full and turn.intent != "out_of_scope" and any(len(word) > 2 for word in turn.text.split()):
            slots = chosen_by_name(turn, wish)
        else:
            if await offer_number(turn):
                return []
            if turn.intent not in OTHERWISE:
                return [FollowupAction("utter_for_a_person")]
            asked_back = offer_readings(turn) if turn.intent == "nlu_fallback" and not turn.form_open else []
            if asked_back:
                return asked_back
            turn.say(OTHERWISE[turn.intent])
            return await offer_left(turn)
        go_on = [FollowupAction(FORM)] if slots.get("item") or slots.get("plan") else []
        return [*events_of({**BLANK, **slots}), *go_on]


class ActionChooseOption(UseCaseAction):
    """Yes or no by button: it counts only for the question that it stands under, while that is open."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_choose_option"

    async def use_case(self, turn: Turn) -> List[EventType]:
        plan = plan_of(turn)
        asked = bool(plan) and turn.slot("requested_slot") == "settled" and not open_part(plan)
        if not asked or turn.entity("question") != question_of(plan):
            turn.say("utter_option_closed")
            return []
        if turn.entity("answer") == "yes":
            return events_of({"settled": "yes", "tries": None})
        slots = refuse(turn, plan)
        return form_left() if "requested_slot" in slots else events_of(slots)
