"""Variations in SQL, found by id or by the natural key of feeds and inventory services."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Row
from sqlalchemy.sql.elements import TextClause

from mostrador.shop.inventory import Sku, Variation
from mostrador.storage import tables

_T = tables.variation
NATURAL_KEY = (_T.c.supplier_id, _T.c.product_id, _T.c.style_id, _T.c.variation_name)

# What words begin in a title, as counts.words_of reads it; goods that only a current feed knows have no id yet.
_NAMED = """
    with goods as (
        select id, supplier_id, product_id, style_id, variation_name, catalog_id, catalog_name, picture, withdrawn
        from variation where supplier_id = any(:suppliers) and not withdrawn
        union all
        select distinct on (r.supplier_id, r.product_id, r.style_id, r.variation_name) null, r.supplier_id,
            r.product_id, r.style_id, r.variation_name, r.catalog_id, r.catalog_name, '', false
        from recommendation r
        where r.snapshot_id = any(array(select id from recommendation_snapshot where state = 'current'))
            and r.supplier_id = any(:suppliers)
            and not exists (select from variation v where v.supplier_id = r.supplier_id
                and v.product_id = r.product_id and v.style_id = r.style_id and v.variation_name = r.variation_name)
    ), written as (
        select goods.*, ' ' || translate(regexp_replace(normalize(lower(catalog_name || ' ' || variation_name), NFKD),
            '[̀-़ͯ]', '', 'g'), {punctuation}) as title
        from goods
    ), scored as (select written.*, {score} as score from written)
    select * from scored where score > 0 order by score desc, title, style_id limit :limit
"""
_PUNCTUATION = "\u0901,.;:/()[]-–—|\"'"


@lru_cache(maxsize=32)
def _named(words: int) -> TextClause:
    spaces = "\u0902" + " " * (len(_PUNCTUATION) - 1)
    punctuation = "'{}', '{}'".format(_PUNCTUATION.replace("'", "''").replace(":", "\\:"), spaces)
    score = " + ".join(f"(title like any(:word_{number}))\\:\\:int" for number in range(words))
    return text(_NAMED.format(punctuation=punctuation, score=score))


class SqlVariations:
    """Fills the port ``Variations``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, variation_id: int) -> Optional[Variation]:
        row = self._connection.execute(select(_T).where(_T.c.id == variation_id)).mappings().first()
        return None if row is None else variation_of(row)

    def siblings(self, variation: Variation) -> List[Variation]:
        found = self._connection.execute(
            select(_T)
            .where(
                _T.c.supplier_id == variation.sku.supplier_id,
                _T.c.product_id == variation.sku.product_id,
                _T.c.id != variation.id,
                _T.c.withdrawn.is_(False),
            )
            .order_by(_T.c.variation_name, _T.c.id)
        )
        return [variation_of(row) for row in found.mappings()]

    def named(self, supplier_ids: Sequence[int], beginnings: Sequence[Collection[str]], limit: int) -> List[Variation]:
        if not supplier_ids or not beginnings:
            return []
        values: Dict[str, Any] = {"suppliers": sorted(set(supplier_ids)), "limit": limit}
        for number, ways in enumerate(beginnings):
            values[f"word_{number}"] = [f"% {_literal(way)}%" for way in sorted(ways)]
        rows = self._connection.execute(_named(len(beginnings)), values).all()
        new = {_sku(row): (row.catalog_id, row.catalog_name) for row in rows if row.id is None}
        made = self.ensure_all(new)
        return [made[_sku(row)] if row.id is None else variation_of(row._mapping) for row in rows]

    def find(self, skus: Sequence[Sku]) -> Dict[Sku, Variation]:
        if not skus:
            return {}
        found = self._connection.execute(select(_T).where(tuple_(*NATURAL_KEY).in_([_key(sku) for sku in skus])))
        known = [variation_of(row) for row in found.mappings()]
        return {variation.sku: variation for variation in known}

    def ensure(self, sku: Sku, catalog_id: int, catalog_name: str) -> Variation:
        return self.ensure_all({sku: (catalog_id, catalog_name)})[sku]

    def ensure_all(self, catalogs: Mapping[Sku, Tuple[int, str]]) -> Dict[Sku, Variation]:
        """The variations with these natural keys, made when new in the catalogue (id, name) given for each."""
        if not catalogs:
            return {}
        known = self.find(list(catalogs))
        # In one order for everybody: two transactions that make the same variations wait, and never for each other.
        new = sorted((sku for sku in catalogs if sku not in known), key=_key)
        if new:
            values = [
                {
                    "supplier_id": sku.supplier_id,
                    "product_id": sku.product_id,
                    "style_id": sku.style_id,
                    "variation_name": sku.variation_name,
                    "catalog_id": catalogs[sku][0],
                    "catalog_name": catalogs[sku][1],
                }
                for sku in new
            ]
            self._connection.execute(insert(_T).values(values).on_conflict_do_nothing(index_elements=NATURAL_KEY))
            known.update(self.find(new))
        return known


def variation_of(row: Mapping[str, Any]) -> Variation:
    """A row of the table ``variation`` as the shop knows it."""
    sku = Sku(row["supplier_id"], row["product_id"], row["style_id"], row["variation_name"])
    return Variation(row["id"], sku, row["catalog_id"], row["catalog_name"], row["picture"], row["withdrawn"])


def _literal(way: str) -> str:
    return way.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _sku(row: Row) -> Sku:
    return Sku(row.supplier_id, row.product_id, row.style_id, row.variation_name)


def _key(sku: Sku) -> Tuple[int, int, str, str]:
    return sku.supplier_id, sku.product_id, sku.style_id, sku.variation_name
