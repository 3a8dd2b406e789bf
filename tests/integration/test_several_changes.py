"""Several changes of one message, goods found by name, and undo, on PostgreSQL."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Iterator, List

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Engine

from mostrador.nlu.counts import words_of
from mostrador.nlu.names import beginnings, find_named
from mostrador.shop.contacts import Contact
from mostrador.shop.errors import NothingToUndo
from mostrador.shop.inventory import Quantity, Sense, Sku, Variation, undo_last, undo_together, undoable
from mostrador.shop.several import Doubt, look_ahead, update_all
from mostrador.storage import tables
from mostrador.storage.engine import connect
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))
PARTNER = Contact(2, roles=("seller",), supplier_ids=(7,))  # another phone of the same supplier
INVENTORY = OwnTablesInventory()
GOODS = [
    ("Rayon Kurta", "Blue, M"),
    ("Rayon Kurta", "Red, M"),
    ("Cámara HIKVISION", "4MP"),
    ("साड़ी", "लाल"),
    ("Brass Lamp", "100%_pure"),
]


@pytest.fixture()
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url, pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture()
def goods(engine: Engine) -> List[Variation]:
    with SqlUnitOfWork(engine) as uow:
        made = [uow.variations.ensure(Sku(7, n, "S", variation), n, name) for n, (name, variation) in enumerate(GOODS)]
        uow.variations.ensure(Sku(8, 1, "S", "Blue, M"), 1, "Rayon Kurta")
        uow.commit()
    return made


def named(engine: Engine, words: str) -> List[str]:
    with SqlUnitOfWork(engine) as uow:
        ways = [beginnings(word) for word in words_of(words)]
        found = uow.variations.named([7], ways, 50)
        uow.commit()
    return [variation.title for variation in find_named(words_of(words), [found]).goods]


def stock_of(engine: Engine, variation: Variation) -> int:
    with SqlUnitOfWork(engine) as uow:
        return uow.stock.levels([variation.id]).get(variation.id, 0)


def test_own_goods_are_found_by_their_names_and_nobody_elses(engine: Engine, goods: List[Variation]) -> None:
    assert named(engine, "kurta azul m") == ["Rayon Kurta – Blue, M"]
    assert named(engine, "camara") == ["Cámara HIKVISION – 4MP"]
    assert named(engine, "साड़ी") == named(engine, "saree") == ["साड़ी – लाल"]
    assert named(engine, "कुर्ता लाल") == ["Rayon Kurta – Red, M"]
    assert named(engine, "umbrella") == []
    with SqlUnitOfWork(engine) as uow:
        assert uow.variations.named([], [["kur"]], 9) == uow.variations.named([7], [], 9) == []
        assert uow.variations.named([7], [["%"]], 9) == []  # signs of a pattern are letters here
        assert {v.sku.supplier_id for v in uow.variations.named([7], [["rayon"], ["blue"]], 9)} == {7}
        best, *_ = uow.variations.named([7], [["kur"], ["red"]], 9)
        assert best == goods[1]


def test_withdrawn_goods_are_not_found(engine: Engine, goods: List[Variation]) -> None:
    with engine.begin() as connection:
        connection.execute(tables.variation.update().where(tables.variation.c.id == goods[4].id).values(withdrawn=True))
    assert named(engine, "brass lamp") == []


def test_goods_that_only_the_feed_knows_are_found_and_made_once(engine: Engine, goods: List[Variation]) -> None:
    with engine.begin() as connection:
        snapshot = connection.execute(
            insert(tables.recommendation_snapshot)
            .values(kind="out_of_stock", source_key="test", state="current", created_at=NOW)
            .returning(tables.recommendation_snapshot.c.id)
        ).scalar_one()
        connection.execute(
            text(f"create table recommendation_{snapshot} partition of recommendation for values in ({snapshot})")
        )
        row = {"product_id": 40, "style_id": "S", "catalog_id": 4, "sorting_score": 1}
        rows = [
            {**row, "supplier_id": 7, "catalog_name": "Jute Bag", "variation_name": "Large", "row_no": 1},
            {**row, "supplier_id": 8, "catalog_name": "Jute Bag", "variation_name": "Small", "row_no": 2},
        ]
        connection.execute(insert(tables.recommendation), [{**one, "snapshot_id": snapshot} for one in rows])
    assert named(engine, "jute bag") == named(engine, "jute bag") == ["Jute Bag – Large"]
    with engine.connect() as connection:
        count = select(func.count()).where(tables.variation.c.catalog_name == "Jute Bag")
        assert connection.execute(count).scalar_one() == 1


def test_one_refused_change_does_not_keep_the_others_out_and_can_be_made_later(
    engine: Engine, goods: List[Variation]
) -> None:
    red, blue = goods[:2]
    wanted = [(blue.id, Quantity(4, Sense.TAKE)), (red.id, Quantity(10))]
    done = update_all(SqlUnitOfWork(engine), INVENTORY, SELLER, wanted, "t1", NOW)
    assert [(one.refused, one.after) for one in done] == [("ImplausibleQuantity", 0), ("", 10)]
    again = update_all(SqlUnitOfWork(engine), INVENTORY, SELLER, wanted, "t1", NOW)
    assert again == done
    assert (stock_of(engine, red), stock_of(engine, blue)) == (10, 0)


def test_the_greatest_of_the_recent_levels_is_what_is_usual(engine: Engine, goods: List[Variation]) -> None:
    red = goods[0]
    for turn, number in enumerate((300, 0)):
        update_all(SqlUnitOfWork(engine), INVENTORY, SELLER, [(red.id, Quantity(number))], f"t{turn}", NOW)
    with SqlUnitOfWork(engine) as uow:
        assert uow.stock.greatest_levels([red.id, goods[1].id], 20) == {red.id: 300}
        assert uow.stock.greatest_levels([red.id], 1) == {}
    (seen,) = look_ahead(SqlUnitOfWork(engine), INVENTORY, SELLER, [(red.id, Quantity(3001))], Doubt(500, 10), "t")
    assert (seen.before, seen.sudden) == (0, True)


def test_a_message_is_taken_back_whole_by_whoever_wrote_it(engine: Engine, goods: List[Variation]) -> None:
    wanted = [(goods[0].id, Quantity(10)), (goods[1].id, Quantity(20))]
    done = update_all(SqlUnitOfWork(engine), INVENTORY, SELLER, wanted, "t1", NOW)
    update_all(SqlUnitOfWork(engine), INVENTORY, SELLER, [(goods[2].id, Quantity(5))], "t2", NOW)
    listed = undoable(SqlUnitOfWork(engine), SELLER, "t3", NOW, 9)
    assert [(change.after, v) for change, v in listed] == [(5, goods[2]), (20, goods[1]), (10, goods[0])]
    with pytest.raises(NothingToUndo):
        undo_together(SqlUnitOfWork(engine), INVENTORY, PARTNER, done[0].change_id, "t4", NOW)
    undone = undo_together(SqlUnitOfWork(engine), INVENTORY, SELLER, done[0].change_id, "t5", NOW)
    assert [one.after for one in undone] == [0, 0]
    assert undo_together(SqlUnitOfWork(engine), INVENTORY, SELLER, done[0].change_id, "t5", NOW) == undone
    assert undo_last(SqlUnitOfWork(engine), INVENTORY, SELLER, "t6", NOW).after == 0


def test_two_phones_of_one_supplier_at_once_lose_nothing_and_wait_for_nobody_forever(
    engine: Engine, goods: List[Variation]
) -> None:
    def work(worker: int) -> int:
        dice, made = random.Random(worker), 0
        who = (SELLER, PARTNER)[worker % 2]
        for number in range(15):
            chosen = dice.sample(goods, 3)  # in any order: the locks are taken in one
            wanted = [(v.id, Quantity(dice.randrange(1, 5), Sense.ADD)) for v in chosen]
            done = update_all(SqlUnitOfWork(engine), INVENTORY, who, wanted, f"{worker}.{number}", NOW)
            made += sum(one.after - one.before for one in done if not one.refused)
        return made

    with ThreadPoolExecutor(6) as pool:
        added = sum(pool.map(work, range(6)))
    assert sum(stock_of(engine, variation) for variation in goods) == added
