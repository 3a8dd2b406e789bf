"""Changes of stock that one message asks for: seen beforehand, doubted when they are sudden, made together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, ImplausibleQuantity, InventoryUnavailable, NotYours, ShopError
from mostrador.shop.inventory import (
    CHAT_SOURCE,
    GREATEST_STOCK,
    InventoryService,
    Quantity,
    Sense,
    Variation,
    owned_variation,
)
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

MOST_AT_ONCE = 20
_RECENT = 20  # changes of a variation that show what is usual for it

Wanted = Tuple[int, Quantity]
"""The id of a variation and what is to become of its stock."""


@dataclass(frozen=True)
class Doubt:
    """When a new stock is asked back: it is above ``above`` pieces and more than ``times`` what was usual."""

    above: int
    times: int

    def about(self, before: int, usual: int, after: int) -> bool:
        return after > before and after > self.above and after > self.times * max(before, usual)


@dataclass(frozen=True)
class Preview:
    """What a change would do now. ``before`` is None while the inventory does not answer.

    ``possible`` is false for a stock that cannot be; ``sudden`` for one that ought to be asked back.
    """

    variation: Variation
    before: Optional[int]
    after: int
    possible: bool = True
    sudden: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one change: made, or refused because of the fact named so; then ``before`` is the live stock."""

    variation_id: int
    variation: Optional[Variation]
    before: int = 0
    after: int = 0
    change_id: int = 0
    refused: str = ""


def look_ahead(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    wanted: Sequence[Wanted],
    doubt: Doubt,
    turn_id: str,
) -> List[Preview]:
    """What each change would do, in the order given; nothing is changed. Raises Gone and NotYours.

    What this turn has changed already, before it was cut off and tried again, is foreseen as it was done.
    """
    with uow:
        variations = [owned_variation(uow, contact, number) for number, _ in wanted]
        try:
            levels: Optional[Dict[int, int]] = inventory.levels(uow, variations)
        except InventoryUnavailable:
            levels = None
        usual = uow.stock.greatest_levels([v.id for v in variations], _RECENT)
        made = [uow.stock.change_under(_key(turn_id, number)) for number, _ in wanted]
    return [
        Preview(variation, done.before, done.after)
        if done
        else _preview(variation, quantity, None if levels is None else levels.get(variation.id, 0), usual, doubt)
        for variation, (_, quantity), done in zip(variations, wanted, made)
    ]


def _key(turn_id: str, variation_id: int) -> str:
    return effect_key(turn_id, "update_stock", variation_id)


def _preview(
    variation: Variation, quantity: Quantity, live: Optional[int], usual: Mapping[int, int], doubt: Doubt
) -> Preview:
    before = live or 0
    sign = {Sense.SET: 0, Sense.ADD: 1, Sense.TAKE: -1}[quantity.sense]
    after = quantity.number if not sign else before + sign * quantity.number
    least = 0 if live is not None else -GREATEST_STOCK  # what cannot be read now is judged when it is written
    possible = least <= after <= GREATEST_STOCK
    sudden = possible and live is not None and doubt.about(before, usual.get(variation.id, 0), after)
    return Preview(variation, live, after, possible, sudden)


def update_all(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    wanted: Sequence[Wanted],
    turn_id: str,
    at: datetime,
) -> List[Outcome]:
    """Make the changes in one transaction, each exactly once per turn; what cannot be done is refused by itself.

    The outcomes are in the order given. Raises InventoryUnavailable when it kept every change from being made; when it
    fails later, the rest is refused.
    """
    done: Dict[int, Outcome] = {}
    with uow:
        for number, quantity in sorted(wanted, key=lambda one: one[0]):  # two messages lock in the same order
            if any(outcome.refused == InventoryUnavailable.__name__ for outcome in done.values()):
                done[number] = Outcome(number, uow.variations.get(number), refused=InventoryUnavailable.__name__)
            else:
                done[number] = _update(uow, inventory, contact, number, quantity, turn_id, at)
        facts = {outcome.refused for outcome in done.values()}
        if facts == {InventoryUnavailable.__name__}:
            raise InventoryUnavailable()
        uow.commit()
    return [done[number] for number, _ in wanted]


def _update(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    number: int,
    quantity: Quantity,
    turn_id: str,
    at: datetime,
) -> Outcome:
    key = _key(turn_id, number)
    variation: Optional[Variation] = None

    def change() -> Mapping[str, Any]:
        assert variation is not None
        made = inventory.change(uow, variation, quantity, CHAT_SOURCE, contact.id, key, at)
        uow.recommendations.record(variation, "updated", key, at)
        return {"before": made.before, "after": made.after, "id": made.id}

    try:
        variation = owned_variation(uow, contact, number)
        kept = uow.effects.once(key, at, change)
    except (Gone, NotYours, InventoryUnavailable) as fact:
        return Outcome(number, variation, refused=type(fact).__name__)
    except ImplausibleQuantity as fact:
        return Outcome(number, variation, _live(uow, inventory, variation), refused=type(fact).__name__)
    return Outcome(number, variation, kept["before"], kept["after"], kept["id"])


def _live(uow: UnitOfWork, inventory: InventoryService, variation: Optional[Variation]) -> int:
    try:
        return inventory.levels(uow, [variation]).get(variation.id, 0) if variation else 0
    except ShopError:
        return 0
