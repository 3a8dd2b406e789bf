"""What a supplier should restock: read from the current snapshot, checked against live stock before it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import List, Optional, Protocol, Sequence, Tuple

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import NotASeller
from mostrador.shop.inventory import InventoryService, Sku, Variation
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

_LOOK_AHEAD = 4  # rows read per card wanted, because some were restocked since the feed was made


class RecommendationKind(str, Enum):
    OUT_OF_STOCK = "out_of_stock"
    LOW_STOCK = "low_stock"


@dataclass(frozen=True)
class Cursor:
    """Where a page ended, inside one snapshot, so that pages do not shift when a new feed arrives."""

    snapshot_id: int
    score: int
    row_no: int

    def encode(self) -> str:
        return f"{self.snapshot_id}.{self.score}.{self.row_no}"

    @classmethod
    def decode(cls, text: str) -> Optional["Cursor"]:
        """The cursor in ``text``; None when it is none."""
        parts = text.split(".")
        try:
            snapshot_id, score, row_no = (int(part) for part in parts)
        except ValueError:
            return None
        return cls(snapshot_id, score, row_no)


@dataclass(frozen=True)
class Recommendation:
    """One row of the feed. Stock, days on hand and order loss are pieces, days and orders as the feed states them."""

    variation: Variation
    cursor: Cursor
    current_stock: Optional[int] = None
    days_on_hand: Optional[int] = None
    estimated_order_loss: Optional[int] = None


@dataclass(frozen=True)
class Card:
    """A recommendation with the live stock that was read for it."""

    recommendation: Recommendation
    live_stock: int


@dataclass(frozen=True)
class Page:
    """Cards to show; ``cursor`` continues after the last one and is None when there is no more."""

    cards: Tuple[Card, ...]
    cursor: Optional[Cursor]


class Recommendations(Protocol):
    def rows(
        self, kind: RecommendationKind, supplier_ids: Sequence[int], after: Optional[Cursor], limit: int
    ) -> List[Recommendation]:
        """The best ``limit`` rows after the cursor, greatest score first, without rejected or withdrawn variations.

        Without a cursor the current snapshot is read; with one, its own snapshot as long as that is kept (at least
        30 minutes after it was replaced), else the current one from the start.
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
    """The next ``limit`` recommendations that are still true, live stock read for each.

    A sold-out row whose stock is above zero by now is passed over; so is a low-stock row that has been refilled above
    what the feed knew. Raises NotASeller and InventoryUnavailable.
    """
    if not contact.supplier_ids:
        raise NotASeller()
    cards: List[Card] = []
    cursor = after
    with uow:
        while len(cards) <= limit:
            rows = uow.recommendations.rows(kind, contact.supplier_ids, cursor, limit * _LOOK_AHEAD)
            if not rows:
                break
            levels = inventory.levels(uow, [row.variation for row in rows])
            cards += [
                Card(row, levels.get(row.variation.id, row.current_stock or 0))
                for row in rows
                if _still_true(kind, row, levels.get(row.variation.id))
            ]
            cursor = rows[-1].cursor
        shown = tuple(cards[:limit])
        key = effect_key(turn_id, "show", kind.value)
        for card in shown:
            row = card.recommendation
            uow.recommendations.record(row.variation, "shown", key, at, kind.value, row.cursor.snapshot_id)
        uow.commit()
    more = shown[-1].recommendation.cursor if len(cards) > limit else None
    return Page(shown, more)


def _still_true(kind: RecommendationKind, row: Recommendation, live: Optional[int]) -> bool:
    if live is None:
        return True
    if kind is RecommendationKind.OUT_OF_STOCK:
        return live == 0
    return live <= (row.current_stock or 0)
