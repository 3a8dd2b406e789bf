"""The stock form: which product, how many pieces, is it settled; then the changes."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import UseCaseAction, emptied, form_left, guarded
from actions.goods import ROWS, item_id, live_stock, numbered, owned, select_button, update_button
from actions.stock_answers import (
    choices,
    goods_of,
    item_written,
    open_part,
    plan_of,
    previews,
    quantity_written,
    question_of,
    settled_written,
    tapped_item,
    wanted_in,
)
from actions.stock_told import tell_one, tell_several
from actions.stock_words import Part
from actions.turn import Turn
from mostrador.shop.errors import InventoryUnavailable
from mostrador.shop.several import update_all


class ActionAskItem(UseCaseAction):
    """Asks for the product by the ones that need it most, or by those that fit a name."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_item"

    async def use_case(self, turn: Turn) -> List[EventType]:
        asked = open_part(plan_of(turn))
        if asked:
            await ask_which(turn, asked)
            return []
        offered = await choices(turn)
        if not offered:
            turn.say("utter_nothing_to_choose")
            return form_left()
        buttons = [update_button(variation, variation.title, variation.title) for variation in offered]
        turn.say("utter_choose_item", rows=numbered([v.title for v in offered]), buttons=buttons)
        return []


class ActionAskQuantity(UseCaseAction):
    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_quantity"

    async def use_case(self, turn: Turn) -> List[EventType]:
        variation = await turn.do(owned, turn.contact, item_id(turn.tracker.get_slot("item") or ""))
        try:
            stock = await turn.do(live_stock, turn.services.inventory, variation)
            turn.say("utter_ask_quantity", title=variation.title, stock=stock)
        except InventoryUnavailable:
            turn.say("utter_ask_quantity_blind", title=variation.title)
        return []


class ActionAskSettled(UseCaseAction):
    """Asks "which one?" while goods are not known for certain, else "really?" for what is sudden or wide."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_settled"

    async def use_case(self, turn: Turn) -> List[EventType]:
        plan = plan_of(turn)
        asked = open_part(plan)
        if asked:
            await ask_which(turn, asked)
            return []
        seen = await previews(turn, plan)
        question = question_of(plan)
        rows = [f"{one.variation.title}: {_or_dash(turn, one.before)} → {turn.number(one.after)}" for one in seen]
        if len(seen) == 1:
            title, before, after = seen[0].variation.title, seen[0].before or 0, seen[0].after
            turn.say("utter_really", title=title, before=before, after=after, question=question)
        else:
            turn.say("utter_really_several", rows=numbered(rows), question=question)
        return []


async def ask_which(turn: Turn, asked: Part) -> None:
    """ "A or B?", with as many as a list holds."""
    offered = await goods_of(turn, asked)
    several = "utter_which_of" if len(asked["of"]) <= ROWS else "utter_which_of_many"
    turn.say(
        "utter_which_of_one" if len(offered) == 1 else several,
        name=asked["name"],
        count=len(asked["of"]),
        rows=numbered([variation.title for variation in offered]),
        buttons=[select_button(variation) for variation in offered],
    )


def _or_dash(turn: Turn, number: Optional[int]) -> str:
    return "–" if number is None else turn.number(number)


class ValidateStockUpdateForm(FormValidationAction):
    def name(self) -> Text:
        return "validate_stock_update_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[EventType]:
        async def work() -> List[EventType]:
            return await super(ValidateStockUpdateForm, self).run(dispatcher, tracker, domain)

        return await guarded(self.name(), work, form_left(), dispatcher, tracker)

    async def validate_item(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        turn = await Turn.of(dispatcher, tracker)
        if value is not None and turn.entity("item") == value:
            return await tapped_item(turn, value)
        if value is not None and _asked_for(turn, "item"):
            return await item_written(turn, value)
        return {"item": value}  # emptied, or found out, in this very turn

    async def validate_quantity(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        turn = await Turn.of(dispatcher, tracker)
        if value is None or turn.tapped or not turn.slot("requested_slot"):
            return {"quantity": turn.slot("quantity")}
        text = turn.text if turn.entity("quantity") else value  # a sentence with a number in it is read whole
        if _asked_for(turn, "item"):
            return {"quantity": None, **await item_written(turn, text)}
        if _asked_for(turn, "settled"):
            return await settled_written(turn, text)
        return await quantity_written(turn, text)

    async def validate_settled(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        turn = await Turn.of(dispatcher, tracker)
        if value is None or turn.tapped or not _asked_for(turn, "settled"):
            return {"settled": turn.slot("settled")}
        return await settled_written(turn, value)


def _asked_for(turn: Turn, slot: str) -> bool:
    return bool(turn.form_open) and turn.slot("requested_slot") == slot


class ActionUpdateStock(UseCaseAction):
    """Makes the changes once the form has settled them; a form that ended otherwise has said why."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_update_stock"

    async def use_case(self, turn: Turn) -> List[EventType]:
        plan = plan_of(turn)
        wanted = wanted_in(plan)
        if not wanted or turn.slot("settled") is None:
            return emptied()
        now, wired = turn.services.clock.now(), turn.services
        try:
            done = await turn.do(update_all, wired.inventory, turn.contact, wanted, turn.id, now)
        except InventoryUnavailable:
            if len(plan) > 1:
                raise
            turn.say("utter_update_not_saved", item=str(wanted[0][0]), quantity=plan[0]["count"])
            return emptied()
        if len(plan) == 1:
            tell_one(turn, done[0], wanted[0][1])
        else:
            tell_several(turn, done, plan)
        return [*emptied(), SlotSet("in_hand", str(wanted[-1][0]))]
