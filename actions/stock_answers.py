"""How the stock form takes an answer: which of the offered products, is the number plausible, what when neither."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Sequence, Set

from actions.goods import ROWS, item_id, live_stock, owned
from actions.recommendations import LOW, OUT
from actions.turn import Turn
from mostrador.nlu.counts import read_quantity
from mostrador.nlu.text import normalise
from mostrador.shop.errors import InventoryUnavailable
from mostrador.shop.inventory import Quantity, Sense, Variation
from mostrador.shop.recommendations import page_of

TRIES = 3  # answers in a row that cannot be used, before a person is offered
FORM_ENDS = {"item": None, "quantity": None, "tries": None, "requested_slot": None}
OFFER = {"item": "utter_offer_human_for_choice", "quantity": "utter_offer_human"}


async def choices(turn: Turn) -> List[Variation]:
    """The products offered for a change of stock: what is sold out, else what runs low. Raises NotASeller."""
    now, stock = turn.services.clock.now(), turn.services.inventory
    for kind in (OUT, LOW):
        page = await turn.do(page_of, stock, turn.contact, kind, None, ROWS, turn.id, now)
        if page.cards:
            return [card.recommendation.variation for card in page.cards]
    return []


def chosen_from(answer: str, offered: Sequence[Variation]) -> Optional[str]:
    """The id of the one product that ``answer`` names by its number in the list or by a part of its title."""
    number = read_quantity(answer)
    if number is not None and number.sense is Sense.SET and 1 <= number.number <= len(offered):
        return str(offered[number.number - 1].id)
    wanted, numbers = normalise(answer).strip(), _numbers(answer)  # once normalised, all numbers look alike
    named = [v for v in offered if wanted and wanted in normalise(v.title) and numbers <= _numbers(v.title)]
    return str(named[0].id) if len(named) == 1 else None


def _numbers(text: str) -> Set[int]:
    return {int(digits) for digits in re.findall(r"\d+", text)}


async def check_plausible(turn: Turn, quantity: Quantity) -> None:
    """Raises ImplausibleQuantity when the stock afterwards could not be; what cannot be read now is judged later."""
    item = turn.tracker.get_slot("item")
    if quantity.sense is Sense.SET or not item:
        quantity.applied_to(quantity.number)
        return
    variation = await turn.do(owned, turn.contact, item_id(item))
    try:
        quantity.applied_to(await turn.do(live_stock, turn.services.inventory, variation))
    except InventoryUnavailable:
        return


def again(turn: Turn, slot: str, response: str, **values: Any) -> Dict[str, Any]:
    """Say why an answer cannot be used and have it asked again; after TRIES of them end the form and offer a person."""
    tries = int(turn.tracker.get_slot("tries") or 0) + 1
    if tries < TRIES:
        turn.say(response, **values)
        return {slot: None, "tries": tries}
    turn.say(OFFER[slot], item=turn.tracker.get_slot("item") or "")
    return dict(FORM_ENDS)
