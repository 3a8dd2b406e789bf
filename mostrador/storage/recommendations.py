"""Recommendations read from the partitions that the feed loader publishes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, List, Mapping, Optional, Sequence

from sqlalchemy import and_, column, func, or_, select, true, values
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection
from sqlalchemy.types import Integer

from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.recommendations import Cursor, Recommendation, RecommendationKind
from mostrador.storage import tables
from mostrador.storage.variations import SqlVariations

_ROW = tables.recommendation
_SNAPSHOT = tables.recommendation_snapshot
_VARIATION = tables.variation
_LEVEL = tables.inventory
_REJECTION = tables.rejection
_EVENT = tables.recommendation_event


class SqlRecommendations:
    """Fills the port ``Recommendations``.

    ``own_stock`` says that our own inventory table is the truth: then rows restocked meanwhile are passed over in SQL
    already, and a page costs one query however many there are.
    """

    def __init__(self, connection: Connection, own_stock: bool = True) -> None:
        self._connection = connection
        self._own_stock = own_stock

    def rows(
        self, kind: RecommendationKind, supplier_ids: Sequence[int], after: Optional[Cursor], limit: int
    ) -> List[Recommendation]:
        snapshot_id = self._snapshot(kind, after)
        if snapshot_id is None or not supplier_ids:
            return []
        start = after if after is not None and after.snapshot_id == snapshot_id else None
        found = self._connection.execute(self._page(kind, snapshot_id, sorted(set(supplier_ids)), start, limit))
        rows = found.mappings().all()
        known = SqlVariations(self._connection).ensure_all(
            {_sku(row): (row["catalog_id"], row["catalog_name"]) for row in rows}
        )
        return [_recommendation(row, known[_sku(row)]) for row in rows]

    def variation_of(self, sku: Sku) -> Optional[Variation]:
        current = select(_SNAPSHOT.c.id).where(_SNAPSHOT.c.state == "current")
        row = self._connection.execute(
            select(_ROW.c.catalog_id, _ROW.c.catalog_name)
            .where(
                _ROW.c.snapshot_id.in_(list(self._connection.execute(current).scalars())),
                _ROW.c.supplier_id == sku.supplier_id,
                _ROW.c.product_id == sku.product_id,
                _ROW.c.style_id == sku.style_id,
                _ROW.c.variation_name == sku.variation_name,
            )
            .limit(1)
        ).first()
        return None if row is None else SqlVariations(self._connection).ensure(sku, row.catalog_id, row.catalog_name)

    def record(
        self,
        variation: Variation,
        event: str,
        key: str,
        at: datetime,
        kind: str = "",
        snapshot_id: Optional[int] = None,
    ) -> None:
        row = insert(_EVENT).values(
            variation_id=variation.id,
            supplier_id=variation.sku.supplier_id,
            snapshot_id=snapshot_id,
            kind=kind,
            event=event,
            effect_key=key,
            at=at,
        )
        once = row.on_conflict_do_nothing(index_elements=[_EVENT.c.effect_key, _EVENT.c.variation_id, _EVENT.c.event])
        self._connection.execute(once)

    def _snapshot(self, kind: RecommendationKind, after: Optional[Cursor]) -> Optional[int]:
        """The cursor's snapshot while it is kept, else the current one."""
        of_kind = select(_SNAPSHOT.c.id).where(_SNAPSHOT.c.kind == kind.value)
        if after is not None:
            pinned = of_kind.where(_SNAPSHOT.c.id == after.snapshot_id, _SNAPSHOT.c.state.in_(("current", "old")))
            found = self._connection.execute(pinned).scalar()
            if found is not None:
                return int(found)
        current = self._connection.execute(of_kind.where(_SNAPSHOT.c.state == "current")).scalar()
        return None if current is None else int(current)

    def _page(
        self,
        kind: RecommendationKind,
        snapshot_id: int,
        supplier_ids: Sequence[int],
        start: Optional[Cursor],
        limit: int,
    ) -> Any:
        """Each supplier's best rows by their index, then the best of those."""
        supplier = values(column("id", Integer), name="supplier").data([(i,) for i in supplier_ids])
        wanted = [
            _ROW.c.snapshot_id == snapshot_id,
            _ROW.c.supplier_id == supplier.c.id,
            # A variation that nobody has met yet has no row of its own and cannot be withdrawn or rejected.
            func.coalesce(_VARIATION.c.withdrawn, False).is_(False),
            ~select(_REJECTION.c.id).where(_REJECTION.c.variation_id == _VARIATION.c.id).exists(),
        ]
        if start is not None:
            wanted.append(_ROW.c.sorting_score <= start.score)  # apart, so that the index can begin there
            wanted.append(or_(_ROW.c.sorting_score < start.score, _ROW.c.row_no > start.row_no))
        source = _ROW.outerjoin(
            _VARIATION,
            and_(
                _VARIATION.c.supplier_id == _ROW.c.supplier_id,
                _VARIATION.c.product_id == _ROW.c.product_id,
                _VARIATION.c.style_id == _ROW.c.style_id,
                _VARIATION.c.variation_name == _ROW.c.variation_name,
            ),
        )
        if self._own_stock:
            source = source.outerjoin(_LEVEL, _LEVEL.c.variation_id == _VARIATION.c.id)
            known = _LEVEL.c.quantity.is_not(None)
            most = 0 if kind is RecommendationKind.OUT_OF_STOCK else func.coalesce(_ROW.c.current_stock, 0)
            wanted.append(~and_(known, _LEVEL.c.quantity > most))
        best_of_each = (
            select(_ROW)
            .select_from(source)
            .where(*wanted)
            .order_by(_ROW.c.sorting_score.desc(), _ROW.c.row_no)
            .limit(limit)
            .lateral("best")
        )
        best = best_of_each.c
        return (
            select(best_of_each)
            .select_from(supplier.join(best_of_each, true()))
            .order_by(best.sorting_score.desc(), best.row_no)
            .limit(limit)
        )


def _sku(row: Mapping[str, Any]) -> Sku:
    return Sku(row["supplier_id"], row["product_id"], row["style_id"], row["variation_name"])


def _recommendation(row: Mapping[str, Any], variation: Variation) -> Recommendation:
    return Recommendation(
        variation,
        Cursor(row["snapshot_id"], row["sorting_score"], row["row_no"]),
        row["current_stock"],
        row["days_on_hand"],
        row["estimated_order_loss"],
    )
