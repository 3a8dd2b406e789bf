"""Rejections and mutes in SQL, and the figures of why recommendations are rejected."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from mostrador.shop.inventory import Variation
from mostrador.shop.rejections import Hidden, Reason
from mostrador.storage import tables

_REJECTION, _MUTE = tables.rejection, tables.recommendation_mute
_REJECT = insert(_REJECTION).on_conflict_do_nothing(
    index_elements=[_REJECTION.c.variation_id], index_where=_REJECTION.c.lifted_at.is_(None)
)
_HIDDEN = text(
    """
    select * from (
        select v.id as variation_id, cast(null as int) as catalog_id, v.catalog_name, v.variation_name,
               true as rejected, cast(null as timestamptz) as until, j.at, j.id, j.contact_id
        from rejection j join variation v on v.id = j.variation_id
        where v.supplier_id = any(:suppliers) and j.lifted_at is null and not v.withdrawn
        union all
        select v.id, m.catalog_id, coalesce(v.catalog_name, (
                   select c.catalog_name from variation c
                   where c.supplier_id = m.supplier_id and c.catalog_id = m.catalog_id order by c.id desc limit 1), ''),
               coalesce(v.variation_name, ''), false, m.until, m.at, m.id, m.contact_id
        from recommendation_mute m left join variation v on v.id = m.variation_id
        where m.supplier_id = any(:suppliers) and m.lifted_at is null and (m.until is null or m.until > :at)
            and not coalesce(v.withdrawn, false)
            and not exists (select from rejection j where j.variation_id = m.variation_id and j.lifted_at is null)
    ) hidden
    order by at desc, id desc limit :limit
    """
)
_CATALOGUE = text(
    "select catalog_name from variation where supplier_id = any(:suppliers) and catalog_id = :catalog"
    " order by id desc limit 1"
)
_COUNTS = "count(*) filter (where j.lifted_at is null) as count, count(j.lifted_at) as taken_back"
_FIGURES = {
    "reason": text(
        f"select j.reason, {_COUNTS} from rejection j where j.at >= :since group by j.reason order by count desc, 1"
    ),
    "supplier": text(
        f"select j.supplier_id, {_COUNTS} from rejection j where j.at >= :since group by 1 order by count desc, 1"
    ),
    "sku": text(
        f"""
        select v.supplier_id, v.product_id, v.style_id, v.catalog_name, v.variation_name, {_COUNTS},
               (array_agg(j.reason order by j.at desc, j.id desc))[1] as last_reason,
               (array_agg(j.words order by j.at desc, j.id desc))[1] as last_words
        from rejection j join variation v on v.id = j.variation_id
        where j.at >= :since group by v.id order by count desc, v.supplier_id, v.id
        """
    ),
}
BY = tuple(_FIGURES)


def rejection_figures(connection: Connection, by: str, since: datetime) -> List[Dict[str, Any]]:
    """How often recommendations were rejected from ``since`` on, by one of BY, the most frequent first.

    ``count`` are those in force, ``taken_back`` those that were taken back.
    """
    return [dict(row) for row in connection.execute(_FIGURES[by], {"since": since}).mappings()]


class SqlRejections:
    """Fills the port ``Rejections``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def reject(
        self,
        variation: Variation,
        reason: Reason,
        details: Mapping[str, Any],
        contact_id: int,
        key: str,
        at: datetime,
    ) -> None:
        values = {
            "variation_id": variation.id,
            "supplier_id": variation.sku.supplier_id,
            "contact_id": contact_id,
            "reason": reason.code,
            "words": reason.words,
            "details": dict(details),
            "effect_key": key,
            "at": at,
        }
        self._connection.execute(_REJECT, values)

    def mute(
        self,
        variation: Variation,
        whole_catalogue: bool,
        until: Optional[datetime],
        contact_id: int,
        key: str,
        at: datetime,
    ) -> None:
        catalog_id = variation.catalog_id if whole_catalogue else None
        same = _MUTE.c.catalog_id == catalog_id if whole_catalogue else _MUTE.c.variation_id == variation.id
        self._lift(_MUTE.c.supplier_id == variation.sku.supplier_id, same, at=at)
        values = {
            "supplier_id": variation.sku.supplier_id,
            "variation_id": None if whole_catalogue else variation.id,
            "catalog_id": catalog_id,
            "contact_id": contact_id,
            "until": until,
            "effect_key": key,
            "at": at,
        }
        self._connection.execute(insert(_MUTE), values)

    def lift(self, variation: Variation, at: datetime) -> None:
        self._connection.execute(
            _REJECTION.update()
            .where(_REJECTION.c.variation_id == variation.id, _REJECTION.c.lifted_at.is_(None))
            .values(lifted_at=at)
        )
        self._lift(_MUTE.c.variation_id == variation.id, at=at)

    def lift_catalogue(self, supplier_ids: Sequence[int], catalog_id: int, at: datetime) -> Optional[str]:
        which = {"suppliers": list(supplier_ids), "catalog": catalog_id}
        name = self._connection.execute(_CATALOGUE, which).scalar()
        self._lift(_MUTE.c.supplier_id.in_(list(supplier_ids)), _MUTE.c.catalog_id == catalog_id, at=at)
        return None if name is None else str(name)

    def hidden(self, supplier_ids: Sequence[int], at: datetime, limit: int) -> List[Hidden]:
        values = {"suppliers": list(supplier_ids), "at": at, "limit": limit}
        return [
            Hidden(
                f"{row.catalog_name} – {row.variation_name}" if row.variation_name else row.catalog_name,
                row.rejected,
                row.variation_id,
                row.catalog_id,
                row.until,
                row.contact_id,
                row.at,
            )
            for row in self._connection.execute(_HIDDEN, values)
        ]

    def _lift(self, *which: Any, at: datetime) -> None:
        self._connection.execute(_MUTE.update().where(*which, _MUTE.c.lifted_at.is_(None)).values(lifted_at=at))
