"""The other variations of a product, with live stock, each to be updated by a tap."""

from __future__ import annotations

from typing import List, NamedTuple, Text

from rasa_sdk.events import EventType

from actions.base import UseCaseAction
from actions.goods import ROW_TITLE, ROWS, item_id, numbered, shortened, update_button
from actions.turn import Turn
from mostrador.shop.contacts import Contact
from mostrador.shop.inventory import InventoryService, Variation, owned_variation
from mostrador.shop.unit_of_work import UnitOfWork


class ActionShowVariations(UseCaseAction):
    def name(self) -> Text:
        return "action_show_variations"

    async def use_case(self, turn: Turn) -> List[EventType]:
        item = turn.entity("item") or turn.tracker.get_slot("item")
        if not item:
            turn.say("utter_which_variations")
            return []
        found = await turn.do(_siblings, turn.services.inventory, turn.contact, item_id(item))
        if not found.siblings:
            turn.say("utter_no_variations", title=found.variation.title, item=str(found.variation.id))
            return []
        labels = [f"{v.sku.variation_name}: {turn.number(stock)}" for v, stock in zip(found.siblings, found.stocks)]
        turn.say(
            "utter_variations",
            title=found.variation.title,
            rows=numbered(labels),
            buttons=[
                update_button(v, _row_title(v, turn.number(stock))) for v, stock in zip(found.siblings, found.stocks)
            ],
        )
        return []


class Siblings(NamedTuple):
    variation: Variation
    siblings: List[Variation]
    stocks: List[int]


def _siblings(uow: UnitOfWork, inventory: InventoryService, contact: Contact, variation_id: int) -> Siblings:
    with uow:
        variation = owned_variation(uow, contact, variation_id)
        siblings = uow.variations.siblings(variation)[:ROWS]
        levels = inventory.levels(uow, siblings) if siblings else {}
    return Siblings(variation, siblings, [levels.get(sibling.id, 0) for sibling in siblings])


def _row_title(variation: Variation, stock: str) -> str:
    """The name with its stock; the stock is never cut off."""
    return f"{shortened(variation.sku.variation_name, ROW_TITLE - len(stock) - 2)}: {stock}"
