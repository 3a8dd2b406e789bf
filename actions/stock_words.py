"""What a text asks for: which goods, how many of each; read against the product in hand, the list and all own goods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence, Tuple

from actions.goods import ROWS
from actions.recommendations import kind_of
from actions.turn import Turn
from mostrador.nlu.counts import Order, is_only_a_count, naming_words, read_orders, read_quantity, written
from mostrador.nlu.names import Named, beginnings, find_all_named, find_named, numbers_in_names
from mostrador.shop.contacts import Contact
from mostrador.shop.inventory import Quantity, Variation
from mostrador.shop.recommendations import RecommendationKind
from mostrador.shop.unit_of_work import UnitOfWork

_LOOKED_AT = 200  # own goods whose names have something of the text

Part = Dict[str, Any]
"""One change as the slot ``plan`` keeps it: ``of`` (ids it may be about), ``count`` ("50", "+20"; None = not said yet),
``name`` (the words), ``sure`` (``of`` is one and is meant), ``wide`` (asked for all that fit, so ask back)."""


@dataclass(frozen=True)
class Wish:
    """What a text asks for: changes of named goods; or only a number; or only goods."""

    parts: Tuple[Part, ...] = ()
    bare: Optional[Quantity] = None
    named: Named = Named()

    @property
    def found(self) -> bool:
        """Whether every part may be about some goods."""
        return bool(self.parts) and all(part["of"] for part in self.parts)


async def wish_of(turn: Turn, text: str, hand: Optional[int]) -> Wish:
    """What ``text`` asks for, with the variation ``hand`` talked about at the moment."""
    if is_only_a_count(text):
        return Wish(bare=read_quantity(text))
    kind = kind_of(turn.slot("list_kind")) if turn.slot("list_kind") else None
    words = naming_words(text)
    tiers = await turn.do(_tiers, turn.contact, words, hand, kind, turn.services.clock.now())
    in_names = numbers_in_names([variation for tier in tiers for variation in tier])
    orders = read_orders(text, lambda before, number: (before, number) in in_names)
    if not orders:
        return Wish()
    if all(order.quantity is None for order in orders):
        return Wish(named=find_named([name for order in orders for name in order.names], tiers))
    named = [order for order in orders if order.names or order.every]
    parts = [part for order in orders for part in _parts(order, tiers, hand)]
    known = [one for one in parts if one["of"] and (one["name"] or one["wide"] is not None)]
    if not named or (hand and len(orders) == 1 and not known):
        return Wish(bare=read_quantity(text))
    if len(named) < len(orders) and len(known) < len(named):
        return Wish()  # several numbers, and not clear which of them is whose
    return Wish(tuple(parts))


def part(goods: Sequence[Variation], count: Optional[str], name: str = "", sure: bool = True, wide: Any = None) -> Part:
    return {"of": [variation.id for variation in goods], "count": count, "name": name, "sure": sure, "wide": wide}


def _parts(order: Order, tiers: Sequence[Sequence[Variation]], hand: Optional[int]) -> List[Part]:
    count = written(order.quantity) if order.quantity else None
    name = " ".join(order.names)
    if order.every:
        goods = find_all_named(order.names, tiers if order.names else tiers[: 1 if hand else 0])
        return [part([v], count, name, wide=not hand) for v in goods] or [part([], count, name or "…")]
    if not order.names:
        return [part(tiers[0][:1] if hand else [], count, "")]
    found = find_named(order.names, tiers)
    if hand and not found.full:  # other goods than those in hand must be named in full
        found = find_named(order.names, tiers[:1])
    return [part(found.goods, count, name, found.sure)]


def _tiers(
    uow: UnitOfWork,
    contact: Contact,
    words: Sequence[str],
    hand: Optional[int],
    kind: Optional[RecommendationKind],
    at: datetime,
) -> List[List[Variation]]:
    """The product in hand with its siblings, the list shown last, all own goods whose names fit a word."""
    tiers: List[List[Variation]] = []
    with uow:
        own = uow.variations.get(hand) if hand else None
        if own and own.sku.supplier_id in contact.supplier_ids and not own.withdrawn:
            tiers.append([own, *uow.variations.siblings(own)])
        if kind and words:
            found = uow.recommendations.found(kind, contact.supplier_ids, None, ROWS, at)
            tiers.append([row.variation for row in found.rows])
        if words:
            ways = [beginnings(word) for word in dict.fromkeys(words)]
            tiers.append(uow.variations.named(contact.supplier_ids, ways[:12], _LOOKED_AT))
        uow.commit()  # goods that only the feed knew have an id from now on
    return tiers
