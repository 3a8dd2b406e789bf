"""Sellers for load tests: each with a phone, a supplier of their own and a shelf nobody else touches."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Dict, Iterable, List, Tuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Engine

from mostrador.gateways.feed_source import open_dump
from mostrador.shop.clock import Clock
from mostrador.shop.contacts import EVERYTHING
from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.messages import Sender
from mostrador.shop.recommendations import RecommendationKind
from mostrador.storage import feed, tables
from mostrador.storage.unit_of_work import SqlUnitOfWork

SOURCE = "shelf"  # of the stock log, for what a shelf holds to begin with
SIZES = ("S", "M", "L", "XL")
LOW = 6  # pieces of what runs low

OUT_COLUMNS = (
    "supplier_id,product_id,style_id,variation_name,catalog_id,catalog_name,sorting_score,estimated_order_loss"
).split(",")
LOW_COLUMNS = (
    "supplier_id,product_id,style_id,variation_name,catalog_id,catalog_name,sorting_score,current_stock,days_on_hand"
).split(",")


@dataclass(frozen=True)
class Person:
    """``stock`` is what each variation held at the beginning, by its id; the first of them are sold out."""

    phone: str
    name: str
    language: str
    contact_id: int
    supplier_id: int
    stock: Dict[int, int]
    shelf: Tuple[Variation, ...]


def furnish(
    engine: Engine, at: datetime, count: int, languages: Iterable[str], first: int = 1, out: int = 5, low: int = 2
) -> List[Person]:
    """``count`` sellers, numbered from ``first``, each with ``out`` sold-out and ``low`` scarce variations."""
    tongues = list(languages)
    with SqlUnitOfWork(engine) as uow:
        people = [
            _seller(uow, number, tongues[number % len(tongues)], out, low, at) for number in range(first, first + count)
        ]
        uow.commit()
    return people


def _seller(uow: SqlUnitOfWork, number: int, language: str, out: int, low: int, at: datetime) -> Person:
    phone, name, supplier = f"9199{number:08d}", f"Seller {number}", 7_000_000 + number
    contact = uow.contacts.identify(Sender(wa_id=phone, profile_name=name), at)
    uow.contacts.set_language(contact, language)
    uow.contacts.record_consent(contact, EVERYTHING, True, "import", f"{SOURCE}|{contact}", at)
    uow.connection.execute(insert(tables.contact_role).values(contact_id=contact, role="seller", supplier_id=supplier))
    shelf, stock = [], {}
    for place in range(out + low):
        product = supplier * 10 + place // len(SIZES)
        sku = Sku(supplier, product, f"VP{product}", f"Blue / {SIZES[place % len(SIZES)]}")
        variation = uow.variations.ensure(sku, product, f"Kurta {number}.{place // len(SIZES)}")
        stock[variation.id] = 0 if place < out else LOW
        uow.stock.write(variation, 0, stock[variation.id], SOURCE, None, None, at)
        shelf.append(variation)
    return Person(phone, name, language, contact, supplier, stock, tuple(shelf))


def load_feeds(engine: Engine, people: Iterable[Person], clock: Clock, out: bool = True, low: bool = True) -> None:
    """Publish feeds in which everybody's shelf stands as it began; ``mostrador feed load`` does the same."""
    with tempfile.TemporaryDirectory(prefix="mostrador-feed-") as folder:
        for kind, columns, wanted in (
            (RecommendationKind.OUT_OF_STOCK, OUT_COLUMNS, out),
            (RecommendationKind.LOW_STOCK, LOW_COLUMNS, low),
        ):
            if not wanted:
                continue
            path = Path(folder) / f"{kind.value}.csv"
            with open(path, "w", newline="", encoding="utf-8") as file:
                table = csv.writer(file)
                table.writerow(columns)
                table.writerows(_rows(kind, people))
            with open_dump(str(path), force=True) as dump:
                feed.load(engine, dump, clock, kind)


def _rows(kind: RecommendationKind, people: Iterable[Person]) -> Iterable[List[object]]:
    for person in people:
        for rank, variation in enumerate(person.shelf):
            sold_out = person.stock[variation.id] == 0
            if sold_out is not (kind is RecommendationKind.OUT_OF_STOCK):
                continue
            sku = variation.sku
            key = [sku.supplier_id, sku.product_id, sku.style_id, sku.variation_name]
            row = [*key, variation.catalog_id, variation.catalog_name, 1000 - rank]
            yield [*row, 40 - rank] if sold_out else [*row, person.stock[variation.id], 3 + rank]


UNEXPLAINED = text(
    """
    select i.variation_id, i.quantity, coalesce(sum(l.delta), 0) as logged
    from inventory_product_inventory i
    left join inventory_product_inventory_log_v2 l on l.variation_id = i.variation_id
    where i.variation_id = any(:ids)
    group by i.variation_id, i.quantity
    having i.quantity <> coalesce(sum(l.delta), 0)
    """
)
"""Variations whose stock is not the sum of their log."""
