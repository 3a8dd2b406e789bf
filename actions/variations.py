"""The other variations of a product, with live stock, each to be updated by a tap."""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Text

from rasa_sdk.events import EventType, SlotSet

from actions.base import UseCaseAction
from actions.goods import ROW_TITLE, ROWS, item_id, shortened, update_button
from actions.turn import Turn
from mostrador.shop.contacts import Contact
from mostrador.shop.inventory import InventoryService, Variation, owned_variation
from mostrador.shop.unit_of_work import UnitOfWork


class Siblings(NamedTuple):
    """One page of siblings; ``first`` is the place of its first among all ``total``, counted from 1."""

    variation: Variation
    siblings: List[Variation]
    stocks: List[int]
    first: int
    total: int


class ActionShowVariations(UseCaseAction):
    """The variation itself is not among them: its card has a button of its own."""

    def name(self) -> Text:
        return "action_show_variations"

    async def use_case(self, turn: Turn) -> List[EventType]:
        item = turn.entity("item") or turn.tracker.get_slot("item") or turn.tracker.get_slot("in_hand")
        if not item:
            turn.say("utter_which_variations")
            return []
        page = int(turn.entity("page")) if turn.entity("page").isdecimal() else 1
        found = await turn.do(_siblings, turn.services.inventory, turn.contact, item_id(item), min(page, 999))
        held: List[EventType] = [SlotSet("in_hand", str(found.variation.id))]
        if not found.siblings:
            turn.say("utter_no_variations", title=found.variation.title, item=str(found.variation.id))
            return held
        labels = [f"{v.sku.variation_name}: {turn.number(stock)}" for v, stock in zip(found.siblings, found.stocks)]
        buttons = [update_button(v, _row_title(v, turn.number(n))) for v, n in zip(found.siblings, found.stocks)]
        more = _more_button(turn, found)
        rows = "\n".join(f"{number}. {label}" for number, label in enumerate(labels, start=found.first))
        turn.say("utter_variations", title=found.variation.title, rows=rows, buttons=[*buttons, *more])
        return held


def _more_button(turn: Turn, found: Siblings) -> List[Dict[str, Any]]:
    """The row that turns the page: which ones come next, of how many."""
    start = found.first + len(found.siblings)
    if start > found.total:
        return []
    page = (start - 1) // ROWS + 1
    payload = "/show_variations" + json.dumps({"item": str(found.variation.id), "page": str(page)})
    end = turn.number(min(start + ROWS - 1, found.total))
    return [{"title": f"{turn.number(start)}–{end} / {turn.number(found.total)} ▸", "payload": payload}]


def _siblings(uow: UnitOfWork, inventory: InventoryService, contact: Contact, variation_id: int, page: int) -> Siblings:
    with uow:
        variation = owned_variation(uow, contact, variation_id)
        every = uow.variations.siblings(variation)
        start = (page - 1) * ROWS if (page - 1) * ROWS < len(every) else 0
        siblings = every[start : start + ROWS]
        levels = inventory.levels(uow, siblings) if siblings else {}
    return Siblings(variation, siblings, [levels.get(sibling.id, 0) for sibling in siblings], start + 1, len(every))


def _row_title(variation: Variation, stock: str) -> str:
    """The name with its stock; the stock is never cut off."""
    return f"{shortened(variation.sku.variation_name, ROW_TITLE - len(stock) - 2)}: {stock}"
