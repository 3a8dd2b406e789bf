"""Recommendations read from the partitions that the feed loader publishes."""

from __future__ import annotations

from datetime import datetime
from typing import Optional, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Row

from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.recommendations import Cursor, Found, Recommendation, RecommendationKind
from mostrador.storage import tables
from mostrador.storage.prepared import Prepared
from mostrador.storage.variations import SqlVariations

_ROW = tables.recommendation
_SNAPSHOT = tables.recommendation_snapshot
_EVENT = tables.recommendation_event

_WHICH_SNAPSHOT = Prepared(
    """
    select id from recommendation_snapshot
    where kind = :kind and (state = 'current' or id = :pinned and state = 'old')
    order by (id = :pinned) desc limit 1
    """
)
# What may be shown of a supplier: not withdrawn, rejected or muted, and where our own table is the truth not restocked.
# A variation that nobody has met yet has no row of its own and cannot be withdrawn or rejected; its catalogue can be
# muted.
_SHOWABLE = """
        recommendation r
        left join variation v on v.supplier_id = r.supplier_id and v.product_id = r.product_id
            and v.style_id = r.style_id and v.variation_name = r.variation_name
        {level}
        where r.snapshot_id = :snapshot and r.supplier_id = supplier.id and not coalesce(v.withdrawn, false)
            and not exists (select from rejection j where j.variation_id = v.id and j.lifted_at is null)
            and not exists (select from recommendation_mute m where m.supplier_id = r.supplier_id
                and m.lifted_at is null and (m.until is null or m.until > :at)
                and (m.variation_id = v.id or m.catalog_id = r.catalog_id))
            {after}
"""
# Each supplier's best rows by their partition's index, then the best of those.
_PAGE = """
    select best.*,
           (select count(*) from unnest(cast(:suppliers as int[])) as supplier (id) cross join lateral (
                select from {showable}) one) as remaining,
           exists (select from variation w where w.supplier_id = best.supplier_id and w.product_id = best.product_id
                   and not w.withdrawn and w.id is distinct from best.variation_id) as has_siblings
    from unnest(cast(:suppliers as int[])) as supplier (id) cross join lateral (
        select r.*, v.id as variation_id, v.catalog_id as known_catalog_id, v.catalog_name as known_catalog_name,
               v.picture, {live_stock} as live_stock
        from {showable}
        order by r.sorting_score desc, r.row_no limit :limit
    ) best
    order by best.sorting_score desc, best.row_no limit :limit
"""
_AFTER = "and r.sorting_score <= :score and (r.sorting_score < :score or r.row_no > :row_no)"
_LEVEL = "left join inventory_product_inventory i on i.variation_id = v.id"
_STILL_TRUE = {
    RecommendationKind.OUT_OF_STOCK: "and coalesce(i.quantity, 0) = 0",
    RecommendationKind.LOW_STOCK: "and coalesce(i.quantity, 0) <= coalesce(r.current_stock, 0)",
}


def _page(kind: RecommendationKind, own_stock: bool, later: bool) -> Prepared:
    after = (_STILL_TRUE[kind] if own_stock else "") + " " + (_AFTER if later else "")
    showable = _SHOWABLE.format(level=_LEVEL if own_stock else "", after=after)
    live_stock = "coalesce(i.quantity, r.current_stock, 0)" if own_stock else "cast(null as int)"
    return Prepared(_PAGE.format(showable=showable, live_stock=live_stock))


_PAGES = {
    (kind, own_stock, later): _page(kind, own_stock, later)
    for kind in RecommendationKind
    for own_stock in (True, False)
    for later in (True, False)
}
_RECORD_SHOWN = Prepared(
    """
    insert into recommendation_event (variation_id, supplier_id, snapshot_id, kind, event, effect_key, at)
    select variation_id, supplier_id, snapshot_id, cast(:kind as text), 'shown', cast(:key as text),
           cast(:at as timestamptz)
    from unnest(cast(:variations as bigint[]), cast(:suppliers as int[]), cast(:snapshots as bigint[]))
        as shown (variation_id, supplier_id, snapshot_id)
    on conflict (effect_key, variation_id, event) do nothing
    """
)
_RECORD = insert(_EVENT).on_conflict_do_nothing(
    index_elements=[_EVENT.c.effect_key, _EVENT.c.variation_id, _EVENT.c.event]
)


class SqlRecommendations:
    """Fills the port ``Recommendations``.

    ``own_stock`` says that our own inventory table is the truth: then rows restocked meanwhile are passed over in SQL
    already, and a page costs one query however many there are.
    """

    def __init__(self, connection: Connection, own_stock: bool = True) -> None:
        self._connection = connection
        self.knows_stock = own_stock

    def found(
        self, kind: RecommendationKind, supplier_ids: Sequence[int], after: Optional[Cursor], limit: int, at: datetime
    ) -> Found:
        pinned = after.snapshot_id if after is not None else 0
        snapshot_id = _WHICH_SNAPSHOT(self._connection, kind=kind.value, pinned=pinned).scalar()
        if snapshot_id is None or not supplier_ids:
            return Found((), 0)
        values = {"snapshot": snapshot_id, "suppliers": sorted(set(supplier_ids)), "limit": limit, "at": at}
        later = after is not None and after.snapshot_id == snapshot_id
        if after is not None and later:
            values.update(score=after.score, row_no=after.row_no)
        rows = _PAGES[kind, self.knows_stock, later](self._connection, **values).all()
        new = {_sku(row): (row.catalog_id, row.catalog_name) for row in rows if row.variation_id is None}
        made = SqlVariations(self._connection).ensure_all(new)
        listed = tuple(_recommendation(row, made.get(_sku(row)) or _known(row)) for row in rows)
        return Found(listed, rows[0].remaining if rows else 0)

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
        values = {
            "variation_id": variation.id,
            "supplier_id": variation.sku.supplier_id,
            "snapshot_id": snapshot_id,
            "kind": kind,
            "event": event,
            "effect_key": key,
            "at": at,
        }
        self._connection.execute(_RECORD, values)

    def record_shown(self, kind: RecommendationKind, rows: Sequence[Recommendation], key: str, at: datetime) -> None:
        if rows:
            values = {
                "variations": [row.variation.id for row in rows],
                "suppliers": [row.variation.sku.supplier_id for row in rows],
                "snapshots": [row.cursor.snapshot_id for row in rows],
            }
            _RECORD_SHOWN(self._connection, kind=kind.value, key=key, at=at, **values)


def _sku(row: Row) -> Sku:
    return Sku(row.supplier_id, row.product_id, row.style_id, row.variation_name)


def _known(row: Row) -> Variation:
    return Variation(row.variation_id, _sku(row), row.known_catalog_id, row.known_catalog_name, row.picture)


def _recommendation(row: Row, variation: Variation) -> Recommendation:
    return Recommendation(
        variation,
        Cursor(row.snapshot_id, row.sorting_score, row.row_no),
        row.current_stock,
        row.days_on_hand,
        row.estimated_order_loss,
        row.live_stock,
        row.has_siblings,
    )
