"""Levels and log of stock in SQL; a level is never written without the log row that explains it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from mostrador.shop.inventory import Change, Quantity, Variation
from mostrador.shop.unit_of_work import UnitOfWork
from mostrador.storage import tables

_LEVEL = tables.inventory
_LOG = tables.inventory_log

# Made once: a statement with its values inside is compiled anew every time.
_FIRST_LEVEL = insert(_LEVEL).on_conflict_do_nothing(index_elements=[_LEVEL.c.variation_id])
_given = insert(_LEVEL).excluded
_SET_LEVEL = insert(_LEVEL).on_conflict_do_update(
    index_elements=[_LEVEL.c.variation_id],
    set_={"quantity": _given.quantity, "updated_at": _given.updated_at, "updated_by": _given.updated_by},
)
_ADD_LOG = insert(_LOG).returning(_LOG.c.id)
_ADD_LOG_ONCE = insert(_LOG).on_conflict_do_nothing(index_elements=[_LOG.c.effect_key]).returning(_LOG.c.id)
_GREATEST = text(
    """
    select wanted.id as variation_id, max(recent.quantity_after) as greatest
    from unnest(cast(:ids as bigint[])) as wanted (id) cross join lateral (
        select quantity_after from inventory_product_inventory_log_v2
        where variation_id = wanted.id order by id desc limit :among
    ) recent
    group by wanted.id
    """
)


class SqlStockBook:
    """Fills the port ``StockBook``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def levels(self, variation_ids: Iterable[int], lock: bool = False) -> Dict[int, int]:
        wanted = (
            select(_LEVEL.c.variation_id, _LEVEL.c.quantity)
            .where(_LEVEL.c.variation_id.in_(sorted(set(variation_ids))))
            .order_by(_LEVEL.c.variation_id)
        )
        rows = self._connection.execute(wanted.with_for_update() if lock else wanted)
        return {row.variation_id: row.quantity for row in rows}

    def hold(self, variation_id: int, source: str, at: datetime) -> int:
        """The level, locked until the transaction ends; a variation without one gets level 0 first."""
        held = self.levels([variation_id], lock=True)
        if not held:  # whoever else finds none waits here for the first
            missing = {"variation_id": variation_id, "quantity": 0, "updated_at": at, "updated_by": source}
            self._connection.execute(_FIRST_LEVEL, missing)
            held = self.levels([variation_id], lock=True)
        return held[variation_id]

    def write(
        self,
        variation: Variation,
        before: int,
        after: int,
        source: str,
        contact_id: Optional[int],
        key: Optional[str],
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        level = {"variation_id": variation.id, "quantity": after, "updated_at": at, "updated_by": source}
        self._connection.execute(_SET_LEVEL, level)
        values = _log_values(variation, before, after, source, contact_id, key, at, undoes)
        made = self._connection.execute(_ADD_LOG, values).scalar_one()
        return Change(made, variation.id, before, after, source, contact_id, at, undoes, key)

    def log(
        self,
        variation: Variation,
        before: int,
        after: int,
        source: str,
        contact_id: Optional[int],
        key: Optional[str],
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        values = _log_values(variation, before, after, source, contact_id, key, at, undoes)
        made = self._connection.execute(_ADD_LOG_ONCE, values).scalar()
        if made is None:
            return self._logged(_LOG.c.effect_key == key)[0]
        return Change(made, variation.id, before, after, source, contact_id, at, undoes, key)

    def change_under(self, key: str) -> Optional[Change]:
        found = self._logged(_LOG.c.effect_key == key)
        return found[0] if found else None

    def greatest_levels(self, variation_ids: Iterable[int], among: int) -> Dict[int, int]:
        found = self._connection.execute(_GREATEST, {"ids": sorted(set(variation_ids)), "among": among})
        return {row.variation_id: row.greatest for row in found if row.greatest}

    def changes_with(self, ids: Sequence[int]) -> List[Change]:
        return self._logged(_LOG.c.id.in_(list(ids)))[::-1]

    def changes_by(self, contact_id: int, source: str, limit: int) -> List[Change]:
        later = _LOG.alias("later")
        rows = self._connection.execute(
            select(_LOG)
            .where(
                _LOG.c.contact_id == contact_id,
                _LOG.c.source == source,
                _LOG.c.undoes.is_(None),
                ~select(later.c.id).where(later.c.undoes == _LOG.c.id).exists(),
            )
            .order_by(_LOG.c.id.desc())
            .limit(limit)
        )
        return [_change_of(row) for row in rows.mappings()]

    def _logged(self, condition: ColumnElement[bool]) -> List[Change]:
        rows = self._connection.execute(select(_LOG).where(condition).order_by(_LOG.c.id))
        return [_change_of(row) for row in rows.mappings()]


class OwnTablesInventory:
    """Fills the port ``InventoryService`` from our own tables; the unit of work must be the SQL one."""

    def levels(self, uow: UnitOfWork, variations: Sequence[Variation]) -> Dict[int, int]:
        return uow.stock.levels(variation.id for variation in variations)

    def change(
        self,
        uow: UnitOfWork,
        variation: Variation,
        quantity: Quantity,
        source: str,
        contact_id: Optional[int],
        key: str,
        at: datetime,
        undoes: Optional[int] = None,
    ) -> Change:
        book = uow.stock
        assert isinstance(book, SqlStockBook)
        before = book.hold(variation.id, source, at)
        done = book.change_under(key)  # read under the lock, so that two with the same key cannot both find nothing
        if done is not None:
            return done
        return book.write(variation, before, quantity.applied_to(before), source, contact_id, key, at, undoes)


def _log_values(
    variation: Variation,
    before: int,
    after: int,
    source: str,
    contact_id: Optional[int],
    key: Optional[str],
    at: datetime,
    undoes: Optional[int],
) -> Dict[str, Any]:
    return {
        "variation_id": variation.id,
        "supplier_id": variation.sku.supplier_id,
        "product_id": variation.sku.product_id,
        "style_id": variation.sku.style_id,
        "variation_name": variation.sku.variation_name,
        "quantity_before": before,
        "delta": after - before,
        "quantity_after": after,
        "source": source,
        "contact_id": contact_id,
        "effect_key": key,
        "undoes": undoes,
        "at": at,
    }


def _change_of(row: Mapping[str, Any]) -> Change:
    return Change(
        row["id"],
        row["variation_id"],
        row["quantity_before"],
        row["quantity_after"],
        row["source"],
        row["contact_id"],
        row["at"],
        row["undoes"],
        row["effect_key"],
    )
