"""What a supplier should restock: read from the current snapshot, checked against live stock before it is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import List, Mapping, Optional, Protocol, Sequence, Tuple

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import NotASeller
from mostrador.shop.inventory import InventoryService, Sku, Variation
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

_ASKED_AT_ONCE = 100  # rows whose stock another's inventory service is asked for in one request
_ASKED_AT_MOST = 500  # beyond so many of one list nobody is told how many there are in all


class RecommendationKind(str, Enum):
    OUT_OF_STOCK = "out_of_stock"
    LOW_STOCK = "low_stock"


@dataclass(frozen=True)
class Cursor:
    """Where a page ended, inside one snapshot, so that pages do not shift when a new feed arrives.

    ``shown`` is how many cards of this list were shown up to here.
    """

    snapshot_id: int
    score: int
    row_no: int
    shown: int = 0

    def encode(self) -> str:
        return f"{self.snapshot_id}.{self.score}.{self.row_no}.{self.shown}"

    @classmethod
    def decode(cls, text: str) -> Optional["Cursor"]:
        """The cursor in ``text``; None when it is none. Buttons of before there was a count have three parts."""
        parts = text.split(".")
        if len(parts) not in (3, 4) or not all(re.fullmatch(r"-?[0-9]{1,18}", part) for part in parts):
            return None
        return cls(*(int(part) for part in parts))


@dataclass(frozen=True)
class Recommendation:
    """One row of the feed. Stock, days on hand and order loss are pieces, days and orders as the feed states them.

    ``live_stock`` was read together with the row; None where another's inventory service must be asked.
    """

    variation: Variation
    cursor: Cursor
    current_stock: Optional[int] = None
    days_on_hand: Optional[int] = None
    estimated_order_loss: Optional[int] = None
    live_stock: Optional[int] = None
    has_siblings: bool = False


@dataclass(frozen=True)
class Found:
    """The next rows of a list, and how many there are from there on, these included."""

    rows: Tuple[Recommendation, ...]
    remaining: int


@dataclass(frozen=True)
class Card:
    """A recommendation with the live stock that was read for it."""

    recommendation: Recommendation
    live_stock: int

    @property
    def snapshot_id(self) -> int:
        return self.recommendation.cursor.snapshot_id


@dataclass(frozen=True)
class Page:
    """Cards to show; ``cursor`` continues after the last one and is None when there is no more.

    ``before`` is how many cards of this list were shown on earlier pages. ``total`` counts those and everything that
    would still be shown now; None where that cannot be told cheaply.
    """

    cards: Tuple[Card, ...]
    cursor: Optional[Cursor]
    before: int = 0
    total: Optional[int] = None


class Recommendations(Protocol):
    knows_stock: bool
    """Whether rows come with their live stock, those that were restocked meanwhile left out."""

    def found(
        self, kind: RecommendationKind, supplier_ids: Sequence[int], after: Optional[Cursor], limit: int, at: datetime
    ) -> Found:
        """The best ``limit`` rows after the cursor, greatest score first, and the count of all that follow it.

        Rejected and withdrawn variations, and those that are muted at ``at``, are left out. Without a cursor the
        current snapshot is read; with one, its own snapshot as long as that is kept (at least 30 minutes after it was
        replaced), else the current one from the start.
        """

    def variation_of(self, sku: Sku) -> Optional[Variation]:
        """The variation with this natural key, made when only a current feed knows it; None when nobody does."""

    def record(
        self,
        variation: Variation,
        event: str,
        key: str,
        at: datetime,
        kind: str = "",
        snapshot_id: Optional[int] = None,
    ) -> None:
        """Keep what happened to a recommendation; the same key, variation and event again changes nothing."""

    def record_shown(self, kind: RecommendationKind, rows: Sequence[Recommendation], key: str, at: datetime) -> None:
        """Keep that these rows were shown; the same key again changes nothing."""


def page_of(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    kind: RecommendationKind,
    after: Optional[Cursor],
    limit: int,
    turn_id: str,
    at: datetime,
) -> Page:
    """The next ``limit`` recommendations that are still true, with the live stock of each.

    A sold-out row whose stock is above zero by now is passed over; so is a low-stock row that has been refilled above
    what the feed knew. Raises NotASeller and InventoryUnavailable.
    """
    if not contact.supplier_ids:
        raise NotASeller()
    with uow:
        cards, remaining = _next_cards(uow, inventory, contact, kind, after, limit, at)
        shown = tuple(cards[:limit])
        uow.recommendations.record_shown(
            kind, [card.recommendation for card in shown], effect_key(turn_id, "show", kind.value), at
        )
        uow.commit()
    before = after.shown if after and (not shown or shown[0].snapshot_id == after.snapshot_id) else 0
    more = None
    if len(cards) > len(shown):
        more = replace(shown[-1].recommendation.cursor, shown=before + len(shown))
    return Page(shown, more, before, None if remaining is None else before + remaining)


def _next_cards(
    uow: UnitOfWork,
    inventory: InventoryService,
    contact: Contact,
    kind: RecommendationKind,
    after: Optional[Cursor],
    limit: int,
    at: datetime,
) -> Tuple[List[Card], Optional[int]]:
    """More than ``limit`` cards if there are, and how many there would be in all."""
    if uow.recommendations.knows_stock:
        found = uow.recommendations.found(kind, contact.supplier_ids, after, limit + 1, at)
        return [Card(row, row.live_stock or 0) for row in found.rows], found.remaining
    cards: List[Card] = []
    asked = 0
    while True:
        found = uow.recommendations.found(kind, contact.supplier_ids, after, _ASKED_AT_ONCE, at)
        cards += _true_cards(inventory.levels(uow, [row.variation for row in found.rows]), kind, found.rows)
        asked += len(found.rows)
        if found.remaining == len(found.rows):
            return cards, len(cards)
        if asked >= _ASKED_AT_MOST and len(cards) > limit:
            return cards, None
        after = found.rows[-1].cursor


def _true_cards(levels: Mapping[int, int], kind: RecommendationKind, rows: Sequence[Recommendation]) -> List[Card]:
    return [
        Card(row, levels.get(row.variation.id, row.current_stock or 0))
        for row in rows
        if _still_true(kind, row, levels.get(row.variation.id))
    ]


def _still_true(kind: RecommendationKind, row: Recommendation, live: Optional[int]) -> bool:
    if live is None:
        return True
    if kind is RecommendationKind.OUT_OF_STOCK:
        return live == 0
    return live <= (row.current_stock or 0)
