"""A marketplace to try everything with: suppliers, products, pictures, sixty days of orders, feeds and a few people.

The same seed makes the same shop; only the dates move with the day on which it is loaded.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import product as combinations
from pathlib import Path
from random import Random
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple
from uuid import uuid4

import click
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from sqlalchemy import Table, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine

from mostrador.bootstrap import database_url
from mostrador.gateways.feed_source import open_dump
from mostrador.operations.demo_pictures import Colour, draw
from mostrador.settings import Settings, settings
from mostrador.shop.clock import clock_from
from mostrador.shop.contacts import EVERYTHING
from mostrador.shop.messages import Sender
from mostrador.shop.recommendations import RecommendationKind
from mostrador.shop.replenishment import WINDOW_DAYS, daily_demand, days_on_hand, estimated_order_loss
from mostrador.storage import feed, tables
from mostrador.storage.contacts import SqlContacts
from mostrador.storage.engine import connect

SEED = 20_261_122
SOURCE = "demo"  # of the stock log
DAYS = 60
SUPPLIERS = range(1001, 1049)
PRODUCTS = 2_200
_DONE = "demo|1"  # the effect that says the goods are there
_LOCK = 7_202_613  # two loads at once: the second finds everything done

INDIA, ARGENTINA = "Asia/Kolkata", "America/Argentina/Buenos_Aires"


@dataclass(frozen=True)
class DemoContact:
    """A person of the demo; ``role`` is supplier or customer, ``phone`` E.164 (numbers nobody has)."""

    name: str
    phone: str
    role: str
    language: str
    time_zone: str
    supplier_ids: Tuple[int, ...] = ()

    @property
    def wa_id(self) -> str:
        return self.phone.lstrip("+")


DEMO_CONTACTS: Tuple[DemoContact, ...] = (
    DemoContact("Ananya Mehta", "+915000001001", "supplier", "en", INDIA, (1001,)),
    DemoContact("Lucía Fernández", "+5495000001002", "supplier", "es", ARGENTINA, (1002,)),
    DemoContact("कविता शर्मा", "+915000001003", "supplier", "hi", INDIA, (1003,)),
    DemoContact("Ravi & Sons", "+915000001005", "supplier", "en", INDIA, (1005, 1007)),
    DemoContact("Mateo Quispe", "+5495000001006", "supplier", "es", ARGENTINA, (1006,)),
    DemoContact("Suresh Yadav", "+915000001009", "supplier", "hi", INDIA, (1009,)),
    DemoContact("Martín Rossi", "+5495000002001", "customer", "es", ARGENTINA),
    DemoContact("Sara Thomas", "+915000002002", "customer", "en", INDIA),
)

# --- what there is to sell


@dataclass(frozen=True)
class Hue:
    name: str
    english: str
    spanish: str
    rgb: Colour


HUES: Tuple[Hue, ...] = (
    Hue("maroon", "Maroon", "Bordó", (142, 32, 62)),
    Hue("red", "Red", "Rojo", (206, 54, 52)),
    Hue("rust", "Rust", "Terracota", (196, 98, 56)),
    Hue("mustard", "Mustard", "Mostaza", (224, 168, 52)),
    Hue("olive", "Olive", "Oliva", (122, 128, 62)),
    Hue("green", "Bottle Green", "Verde", (38, 110, 82)),
    Hue("teal", "Teal", "Turquesa", (30, 132, 140)),
    Hue("navy", "Navy", "Azul marino", (34, 58, 112)),
    Hue("sky", "Sky Blue", "Celeste", (112, 170, 214)),
    Hue("purple", "Purple", "Violeta", (108, 66, 134)),
    Hue("pink", "Pink", "Rosa", (226, 128, 156)),
    Hue("ivory", "Ivory", "Crudo", (236, 226, 204)),
    Hue("grey", "Grey", "Gris", (138, 142, 150)),
    Hue("black", "Black", "Negro", (44, 44, 50)),
)
HUES_OF_A_KIND = 8

_CLOTHES = ("S", "M", "L", "XL", "XXL")
_FEET = ("36", "37", "38", "39", "40", "41")


@dataclass(frozen=True)
class Line:
    """A line of goods: catalogue names are made of a first and a second word."""

    picture: str
    firsts: Sequence[str]
    seconds: Sequence[str]
    sizes: Sequence[str] = ()
    asked_for: float = 1.0  # against the others


INDIAN: Tuple[Line, ...] = (
    Line(
        "kurta",
        ("Jaipuri", "Chikankari", "Bandhani", "Handblock Print", "Lucknowi", "Khadi", "Mirror Work", "Rayon", "Indigo"),
        ("Cotton Kurta", "Straight Kurta", "A-line Kurta", "Festive Kurta"),
        _CLOTHES,
        1.6,
    ),
    Line(
        "saree",
        ("Banarasi", "Chanderi", "Kanjivaram", "Linen", "Georgette", "Paithani", "Tussar Silk", "Maheshwari"),
        ("Saree", "Saree with Blouse Piece", "Zari Border Saree"),
        (),
        1.3,
    ),
    Line(
        "shirt",
        ("Linen", "Oxford", "Mandarin Collar", "Kalamkari", "Slim Fit", "Khadi"),
        ("Casual Shirt", "Half-sleeve Shirt", "Work Shirt"),
        _CLOTHES[1:4],
    ),
    Line("shoe", ("Rajasthani", "Punjabi", "Embroidered", "Leather"), ("Jutti", "Mojari", "Slip-on"), _FEET),
    Line("bag", ("Jute", "Canvas", "Block Print", "Macramé", "Leather"), ("Tote Bag", "Handbag", "Shopper")),
    Line(
        "necklace",
        ("Kundan", "Oxidised Silver", "Terracotta", "Pearl", "Meenakari", "Temple"),
        ("Necklace", "Choker", "Necklace Set"),
    ),
    Line("mug", ("Blue Pottery", "Stoneware", "Khurja", "Hand-painted"), ("Coffee Mug", "Chai Mug", "Mug, Set of 2")),
    Line("lamp", ("Brass", "Bamboo", "Cane", "Terracotta"), ("Table Lamp", "Bedside Lamp"), (), 0.7),
    Line("toy", ("Channapatna", "Wooden", "Kondapalli"), ("Elephant on Wheels", "Pull-along Elephant"), (), 0.8),
    Line("cushion", ("Kantha", "Ikat", "Block Print", "Velvet"), ("Cushion Cover", "Cushion Cover, Set of 2")),
    Line("bottle", ("Copper", "Steel", "Insulated"), ("Water Bottle", "Bottle 1 L"), (), 1.2),
    Line(
        "headphones", ("Over-ear", "Bass Boost", "Studio", "Foldable"), ("Headphones", "Wireless Headphones"), (), 1.1
    ),
    Line("watch", ("Analog", "Slim", "Sports"), ("Watch", "Leather Strap Watch"), (), 0.8),
)
ARGENTINE: Tuple[Line, ...] = (
    Line("mate", ("Mate",), ("Imperial", "de Calabaza", "de Algarrobo", "Térmico", "Camionero"), (), 1.6),
    Line("poncho", ("Poncho", "Ruana"), ("Salteño", "de Lana Merino", "de Alpaca", "Norteño"), (), 0.9),
    Line("shoe", ("Alpargatas",), ("Clásicas", "Bordadas", "de Yute", "Reforzadas"), _FEET, 1.3),
    Line("bag", ("Bolso", "Cartera"), ("de Cuero", "de Lona", "de Telar", "de Viaje")),
    Line("camera", ("Cámara",), ("Instantánea", "Compacta", "Réflex", "Digital 24 MP"), (), 0.7),
    Line("headphones", ("Auriculares",), ("Bluetooth", "con Micrófono", "Plegables", "Gamer"), (), 1.2),
    Line("lamp", ("Lámpara", "Velador"), ("de Mesa", "de Mimbre", "de Cerámica"), (), 0.7),
    Line("mug", ("Taza",), ("de Cerámica", "de Gres", "Artesanal", "Esmaltada")),
    Line("cushion", ("Almohadón",), ("de Telar", "Norteño", "de Lino")),
    Line("toy", ("Elefante",), ("de Madera", "con Ruedas"), (), 0.6),
    Line("shirt", ("Camisa",), ("de Lino", "Oxford", "Manga Corta"), _CLOTHES[1:4]),
    Line("planter", ("Maceta",), ("de Barro", "Esmaltada", "Colgante"), (), 0.9),
    Line("watch", ("Reloj",), ("Clásico", "Deportivo", "de Cuero"), (), 0.8),
)


@dataclass(frozen=True)
class Item:
    """One variation before it is in the database; ``rate`` is pieces asked for a day."""

    supplier_id: int
    product_id: int
    style_id: str
    variation_name: str
    catalog_id: int
    catalog_name: str
    picture: str
    rate: float

    @property
    def key(self) -> Tuple[int, int, str, str]:
        return self.supplier_id, self.product_id, self.style_id, self.variation_name


def speaks_spanish(supplier_id: int) -> bool:
    """Every third supplier sells from Argentina; those whom a demo contact speaks for follow the contact."""
    for contact in DEMO_CONTACTS:
        if supplier_id in contact.supplier_ids:
            return contact.language == "es"
    return supplier_id % 3 == 0


def hues_of(line: Line) -> List[Hue]:
    """The colours in which a kind of thing comes; few enough that their pictures are soon drawn."""
    return Random(f"{SEED}{line.picture}").sample(HUES, HUES_OF_A_KIND)


def picture_name(line: Line, hue: Hue) -> str:
    return f"{line.picture}-{hue.name}.jpg"


def pictures() -> Dict[str, Tuple[str, Colour]]:
    """Every picture the shop needs: file name → kind and colour."""
    return {picture_name(line, hue): (line.picture, hue.rgb) for line in (*INDIAN, *ARGENTINE) for hue in hues_of(line)}


def items(seed: int = SEED) -> List[Item]:
    """The goods of all suppliers, always the same for a seed."""
    random = Random(seed)
    made: List[Item] = []
    product_id, catalog_id = 500_000, 90_000
    per_supplier = -(-PRODUCTS // len(SUPPLIERS))
    for supplier_id in SUPPLIERS:
        spanish = speaks_spanish(supplier_id)
        lines = random.sample(ARGENTINE if spanish else INDIAN, 7 if spanish else 4)
        names = [(line, f"{a} {b}") for line in lines for a, b in combinations(line.firsts, line.seconds)]
        random.shuffle(names)
        count = 0
        while count < per_supplier:
            line, name = names.pop()
            names.insert(0, (line, f"{name} II"))  # should this supplier come round to it again
            catalog_id += 1
            hues = random.sample(hues_of(line), HUES_OF_A_KIND)
            while hues and count < per_supplier:
                product_id += 1
                count += 1
                # Few things sell a lot, most hardly ever.
                rate = min(random.lognormvariate(-1.3, 1.3) * line.asked_for, 12.0)
                own, hues = hues[: 2 if line.sizes else 3], hues[2 if line.sizes else 3 :]
                made += _variations(random, line, name, supplier_id, product_id, catalog_id, own, spanish, rate)
                if random.random() < 0.45:
                    break
    return made


def _variations(
    random: Random,
    line: Line,
    name: str,
    supplier_id: int,
    product_id: int,
    catalog_id: int,
    hues: Sequence[Hue],
    spanish: bool,
    rate: float,
) -> Iterator[Item]:
    first = random.randrange(max(len(line.sizes) - 2, 1))
    sizes = line.sizes[first : first + 3] or ("",)
    for number, (hue, size) in enumerate(combinations(hues, sizes), start=1):
        colour = hue.spanish if spanish else hue.english
        yield Item(
            supplier_id,
            product_id,
            f"VP{product_id}-{number:02d}",
            f"{colour} / {size}" if size else colour,
            catalog_id,
            name,
            f"pictures/{picture_name(line, hue)}",
            rate * random.uniform(0.25, 1.0),
        )


# --- sixty days of trade


@dataclass(frozen=True)
class Trade:
    """What happened, an array row per item: pieces sold each day, whether there was stock, and the log."""

    sold: np.ndarray  # items × DAYS
    in_stock: np.ndarray  # items × DAYS, at the start of the day
    stock: np.ndarray  # items, in the end
    log: List[Tuple[int, int, int, int]]  # item, before, after, day (counted from the first)


def trade(goods: Sequence[Item], first_weekday: int, seed: int = SEED) -> Trade:
    """Sell ``goods`` for DAYS days: weekends are busier, the shop grows, not everybody restocks in time."""
    random = np.random.default_rng(seed)
    count = len(goods)
    rates = np.array([item.rate for item in goods])
    suppliers = np.array([item.supplier_id for item in goods])
    slope = random.normal(0.004, 0.006, count)
    diligence = random.uniform(0.04, 0.30, max(SUPPLIERS) + 1)[suppliers]  # chance a day to notice a low shelf
    week = np.array([1.0, 0.85, 0.9, 0.95, 1.1, 1.4, 1.3])
    stock = np.ceil(rates * random.uniform(14, 75, count)).astype(int) + random.integers(0, 3, count)
    log = [(item, 0, int(stock[item]), 0) for item in range(count) if stock[item]]
    known = stock.copy()  # the level that the last log row ended with
    sold = np.zeros((count, DAYS), dtype=int)
    in_stock = np.zeros((count, DAYS), dtype=bool)
    for day in range(DAYS):
        in_stock[:, day] = stock > 0
        busy = rates * week[(first_weekday + day) % 7] * np.clip(1 + slope * day, 0.3, 2.5)
        sold[:, day] = np.minimum(random.poisson(busy), stock)
        stock = stock - sold[:, day]
        low = (stock < rates * 6) & (random.random(count) < diligence) & (day < DAYS - 1)
        for item in np.flatnonzero(low):
            if known[item] != stock[item]:
                log.append((int(item), int(known[item]), int(stock[item]), day))
            more = int(np.ceil(rates[item] * random.uniform(15, 40))) + 1
            log.append((int(item), int(stock[item]), int(stock[item]) + more, day))
            stock[item] += more
            known[item] = stock[item]
    for item in np.flatnonzero(known != stock):
        log.append((int(item), int(known[item]), int(stock[item]), DAYS - 1))
    return Trade(sold, in_stock, stock, log)


def feed_rows(
    goods: Sequence[Item], traded: Trade, low_stock_days: int
) -> Dict[RecommendationKind, List[Dict[str, Any]]]:
    """Both feeds as the big-data job would write them, from the orders and the stock."""
    rows: Dict[RecommendationKind, List[Dict[str, Any]]] = {kind: [] for kind in RecommendationKind}
    window = slice(DAYS - WINDOW_DAYS, DAYS)
    sold = traded.sold[:, window].sum(axis=1)
    days = traded.in_stock[:, window].sum(axis=1)
    for index, item in enumerate(goods):
        # Sold out all month long: what it sold before is the best there is to go by.
        month = int(days[index]) > 0
        pieces = int(sold[index] if month else traded.sold[index].sum())
        demand = daily_demand(pieces, int(days[index] if month else traded.in_stock[index].sum()))
        stock = int(traded.stock[index])
        lost, lasts = estimated_order_loss(demand), days_on_hand(stock, demand)
        row: Dict[str, Any] = {
            "supplier_id": item.supplier_id,
            "product_id": item.product_id,
            "style_id": item.style_id,
            "variation_name": item.variation_name,
            "catalog_id": item.catalog_id,
            "catalog_name": item.catalog_name,
        }
        if stock == 0 and lost > 0:
            row.update(sorting_score=round(demand * 1000), estimated_order_loss=lost)
            rows[RecommendationKind.OUT_OF_STOCK].append(row)
        elif stock > 0 and lasts is not None and lasts < low_stock_days:
            score = round(demand * 1000 * (low_stock_days - lasts) / low_stock_days)
            row.update(sorting_score=score, current_stock=stock, days_on_hand=lasts)
            rows[RecommendationKind.LOW_STOCK].append(row)
    return rows


# --- loading


def load(config: Settings, fresh: bool = False) -> Dict[str, int]:
    """Bring the demo into the database and the var directory of ``config``; what is there already stays as it is.

    ``fresh`` takes the demo's goods out first, with everything that happened to them, and publishes its feeds anew.
    Returns how many suppliers, products, variations, sales and recommendations there are. The tables must exist.
    """
    engine = connect(database_url(config), pool_size=3)
    now = clock_from(config.clock).now()
    try:
        draw(config.var_dir / "pictures", pictures())
        _write_contacts(config.var_dir / "simulator" / "contacts.json")
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if fresh:
                _remove_goods(connection)
            for contact in DEMO_CONTACTS:
                _add_contact(connection, contact, now)
            done = select(tables.effect.c.outcome).where(tables.effect.c.key == _DONE)
            figures = connection.execute(done).scalar()
            if figures is None:
                figures = _add_goods(connection, config, now)
        _load_feeds(engine, config, fresh)
        return dict(figures)
    finally:
        engine.dispose()


def conversation_for(role: str) -> str:
    """The conversation of the first demo contact who is a ``supplier`` or ``customer``, made when missing."""
    config = settings()
    contact = next(c for c in DEMO_CONTACTS if c.role == role)
    engine = connect(database_url(config), pool_size=1)
    at = clock_from(config.clock).now()
    number = (*config.whatsapp_phone_number_ids, "shell")[0]
    talk = tables.conversation
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            contact_id = _add_contact(connection, contact, at)
            row = insert(talk).values(id=uuid4().hex, contact_id=contact_id, business_number=number, created_at=at)
            connection.execute(row.on_conflict_do_nothing(index_elements=[talk.c.contact_id, talk.c.business_number]))
            found = select(talk.c.id).where(talk.c.contact_id == contact_id, talk.c.business_number == number)
            return str(connection.execute(found).scalar_one())
    finally:
        engine.dispose()


def _add_contact(connection: Connection, contact: DemoContact, at: datetime) -> int:
    """The contact's id. Whoever wrote to us before the demo was loaded keeps the name and language they have."""
    people, table, role_table = SqlContacts(connection), tables.contact, tables.contact_role
    contact_id = people.identify(Sender(wa_id=contact.wa_id, profile_name=contact.name), at)
    connection.execute(
        update(table)
        .where(table.c.id == contact_id, table.c.language.is_(None))
        .values(language=contact.language, time_zone=contact.time_zone)
    )
    role = "seller" if contact.role == "supplier" else contact.role
    for supplier_id in contact.supplier_ids or (0,):
        values = {"contact_id": contact_id, "role": role, "supplier_id": supplier_id}
        connection.execute(insert(role_table).values(values).on_conflict_do_nothing())
    people.record_consent(contact_id, EVERYTHING, True, "import", f"demo|consent|{contact_id}", at)
    return contact_id


def _write_contacts(path: Path) -> None:
    people = [{"name": c.name, "phone": c.wa_id, "role": c.role} for c in DEMO_CONTACTS]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"contacts": people}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _remove_goods(connection: Connection) -> None:
    ours = select(tables.variation.c.id).where(tables.variation.c.supplier_id.in_(SUPPLIERS))
    for table in (
        tables.recommendation_event,
        tables.rejection,
        tables.sale,
        tables.inventory_log,
        tables.inventory,
    ):
        connection.execute(delete(table).where(table.c.variation_id.in_(ours)))
    mutes = tables.recommendation_mute
    connection.execute(delete(mutes).where(mutes.c.supplier_id.in_(SUPPLIERS)))
    connection.execute(delete(tables.variation).where(tables.variation.c.supplier_id.in_(SUPPLIERS)))
    connection.execute(delete(tables.effect).where(tables.effect.c.key == _DONE))


def _add_goods(connection: Connection, config: Settings, now: datetime) -> Dict[str, int]:
    goods = items()
    first_day = now - timedelta(days=DAYS)
    traded = trade(goods, first_day.weekday())
    ids = _add_variations(connection, goods)
    _add_stock(connection, goods, ids, traded, first_day, now)
    sales = _add_sales(connection, ids, traded, first_day)
    rows = feed_rows(goods, traded, config.low_stock_days)
    _write_feeds(config.var_dir / "feed", rows)
    figures = {
        "suppliers": len({item.supplier_id for item in goods}),
        "products": len({item.product_id for item in goods}),
        "variations": len(goods),
        "sales": sales,
        **{kind.value: len(rows[kind]) for kind in RecommendationKind},
    }
    connection.execute(insert(tables.effect).values(key=_DONE, outcome=figures, at=now))
    return figures


def _add_variations(connection: Connection, goods: Sequence[Item]) -> np.ndarray:
    """The database ids, in the order of ``goods``. Variations that exist already stay."""
    table = tables.variation
    columns = [{k: v for k, v in asdict(item).items() if k != "rate"} for item in goods]
    connection.execute(text("create temporary table demo_variation (like variation including defaults) on commit drop"))
    _copy(connection, "demo_variation", pa.Table.from_pylist(columns))
    names = ", ".join(columns[0])
    connection.execute(
        text(f"insert into variation ({names}) select {names} from demo_variation order by id on conflict do nothing")
    )
    found = connection.execute(
        select(table.c.id, table.c.supplier_id, table.c.product_id, table.c.style_id, table.c.variation_name).where(
            table.c.supplier_id.in_(SUPPLIERS)
        )
    )
    by_key = {tuple(row[1:]): row[0] for row in found}
    return np.array([by_key[item.key] for item in goods])


def _add_stock(
    connection: Connection,
    goods: Sequence[Item],
    ids: np.ndarray,
    traded: Trade,
    first_day: datetime,
    now: datetime,
) -> None:
    log = [
        {
            "variation_id": int(ids[item]),
            "supplier_id": goods[item].supplier_id,
            "product_id": goods[item].product_id,
            "style_id": goods[item].style_id,
            "variation_name": goods[item].variation_name,
            "quantity_before": before,
            "delta": after - before,
            "quantity_after": after,
            "source": SOURCE,
            "at": first_day + timedelta(days=day),
        }
        for item, before, after, day in traded.log
    ]
    levels = [
        {"variation_id": int(ids[item]), "quantity": int(stock), "updated_at": now, "updated_by": SOURCE}
        for item, stock in enumerate(traded.stock)
    ]
    _copy(connection, tables.inventory_log, pa.Table.from_pylist(log))
    _copy(connection, tables.inventory, pa.Table.from_pylist(levels))


def _add_sales(connection: Connection, ids: np.ndarray, traded: Trade, first_day: datetime) -> int:
    """A row for every piece sold, at an hour people shop at; the number of rows."""
    item, day = np.nonzero(traded.sold)
    pieces = traded.sold[item, day]
    item, day = np.repeat(item, pieces), np.repeat(day, pieces)
    seconds = np.random.default_rng(SEED + 1).triangular(0, 0.7, 1, len(item)) * 86_400
    start = np.datetime64(first_day.replace(tzinfo=None), "s")
    at = start + (day * 86_400 + seconds.astype(int)).astype("timedelta64[s]")
    order = np.argsort(at, kind="stable")
    sales = pa.table(
        {
            "variation_id": ids[item][order],
            "quantity": np.ones(len(item), dtype=int),
            "sold_at": pa.array(at[order], pa.timestamp("s", tz="UTC")),
        }
    )
    _copy(connection, tables.sale, sales)
    return len(item)


def _copy(connection: Connection, table: "Table | str", rows: pa.Table) -> None:
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(rows, sink, pa_csv.WriteOptions(include_header=False))
    names = ", ".join(rows.column_names)
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"copy {table} ({names}) from stdin (format csv)", pa.BufferReader(sink.getvalue()))


def _feed_paths(folder: Path) -> Mapping[RecommendationKind, Path]:
    """One feed as a folder of parquet, the other as a CSV file: both ways are walked."""
    return {
        RecommendationKind.OUT_OF_STOCK: folder / "out_of_stock",
        RecommendationKind.LOW_STOCK: folder / "low_stock.csv",
    }


def _write_feeds(folder: Path, rows: Mapping[RecommendationKind, List[Dict[str, Any]]]) -> None:
    paths = _feed_paths(folder)
    parquet = paths[RecommendationKind.OUT_OF_STOCK]
    parquet.mkdir(parents=True, exist_ok=True)
    (parquet / "_SUCCESS").unlink(missing_ok=True)
    pq.write_table(pa.Table.from_pylist(rows[RecommendationKind.OUT_OF_STOCK]), parquet / "part-00000.parquet")
    (parquet / "_SUCCESS").touch()
    pa_csv.write_csv(pa.Table.from_pylist(rows[RecommendationKind.LOW_STOCK]), paths[RecommendationKind.LOW_STOCK])


def _load_feeds(engine: Engine, config: Settings, fresh: bool) -> None:
    """Publish the demo's feeds; one's own dump is not replaced by the demo's unless asked."""
    snapshot = tables.recommendation_snapshot
    with engine.connect() as connection:
        there = set(connection.execute(select(snapshot.c.kind).where(snapshot.c.state == "current")).scalars())
    for kind, path in _feed_paths(config.var_dir / "feed").items():
        if (fresh or kind.value not in there) and path.exists():
            with open_dump(str(path), force=fresh) as dump:
                feed.load(engine, dump, clock_from(config.clock), kind)


@click.command()
@click.option("--fresh", is_flag=True, help="Take the demo's goods out first, with all that happened to them.")
def command(fresh: bool) -> None:
    """Load the demo's marketplace: goods, pictures, orders, feeds and people."""
    figures = load(settings(), fresh)
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in figures.items()) + ".")
    for contact in DEMO_CONTACTS:
        sells = f", supplier {' and '.join(map(str, contact.supplier_ids))}" if contact.supplier_ids else ""
        click.echo(f"  {contact.phone}  {contact.name} ({contact.role}, {contact.language}{sells})")
