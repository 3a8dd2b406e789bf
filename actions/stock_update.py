"""The stock form: which product, how many pieces; then the change, and taking it back."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.base import UseCaseAction, emptied, form_left, guarded
from actions.goods import item_id, live_stock, numbered, owned, update_button
from actions.recommendations import kind_of
from actions.stock_answers import again, check_plausible, choices, chosen_from
from actions.turn import Turn
from mostrador.nlu.counts import read_quantity
from mostrador.shop import inventory
from mostrador.shop.errors import ImplausibleQuantity, InventoryUnavailable


class ActionAskItem(UseCaseAction):
    """Asks for the product by the ones that need it most."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_item"

    async def use_case(self, turn: Turn) -> List[EventType]:
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
        if value is None:  # emptied in this very turn, to choose anew
            return {"item": None}
        turn = await Turn.of(dispatcher, tracker)
        if turn.entity("item") != value and tracker.get_slot("requested_slot") == "item":
            chosen = chosen_from(value, await choices(turn))
            return {"item": chosen, "tries": None} if chosen else again(turn, "item", "utter_not_a_choice")
        variation = await turn.do(owned, turn.contact, item_id(value))
        return {"item": str(variation.id), "tries": None}

    async def validate_quantity(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        if value is None:
            return {"quantity": None}
        quantity = read_quantity(value)
        turn = await Turn.of(dispatcher, tracker)
        if quantity is None:
            return again(turn, "quantity", "utter_not_a_quantity")
        try:
            await check_plausible(turn, quantity)
        except ImplausibleQuantity as fact:
            return again(turn, "quantity", "utter_implausible_quantity", after=int(str(fact)))
        return {"quantity": value, "tries": None}


class ActionUpdateStock(UseCaseAction):
    """Changes the stock once the form has item and quantity; a form that ended without them has said why."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_update_stock"

    async def use_case(self, turn: Turn) -> List[EventType]:
        item, written = turn.tracker.get_slot("item"), turn.tracker.get_slot("quantity")
        quantity = read_quantity(written or "")
        if not item or quantity is None:
            return emptied()
        now, wired = turn.services.clock.now(), turn.services
        try:
            done = await turn.do(
                inventory.update_stock, wired.inventory, turn.contact, item_id(item), quantity, turn.id, now
            )
        except InventoryUnavailable:
            turn.say("utter_update_not_saved", item=item, quantity=written)
            return emptied()
        turn.say(
            "utter_stock_updated",
            title=done.variation.title,
            before=done.before,
            after=done.after,
            change=str(done.change_id),
            kind=kind_of(turn.tracker.get_slot("list_kind")).value,
            cursor=turn.tracker.get_slot("list_cursor") or "",
        )
        return emptied()


class ActionUndoUpdate(UseCaseAction):
    def name(self) -> Text:
        return "action_undo_update"

    async def use_case(self, turn: Turn) -> List[EventType]:
        change = turn.entity("change")
        expected = int(change) if change.isdigit() else None
        now, wired = turn.services.clock.now(), turn.services
        done = await turn.do(inventory.undo_last, wired.inventory, turn.contact, turn.id, now, expected)
        turn.say("utter_undone", title=done.variation.title, before=done.before, after=done.after)
        return []
