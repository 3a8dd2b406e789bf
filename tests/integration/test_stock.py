"""Stock, its log and recommendations on PostgreSQL, also when many change at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Dict, Iterator, List

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, ImplausibleQuantity, NothingToUndo, NotYours
from mostrador.shop.inventory import CHAT_SOURCE, Quantity, Sense, Sku, Variation, undo_last, update_stock
from mostrador.shop.recommendations import Cursor, RecommendationKind, page_of
from mostrador.storage import tables
from mostrador.storage.engine import connect
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))
OOS, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
INVENTORY = OwnTablesInventory()


@pytest.fixture()
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url, pool_size=10)
    yield engine
    engine.dispose()


def ensure(engine: Engine, count: int, supplier_id: int = 7) -> List[Variation]:
    with SqlUnitOfWork(engine) as uow:
        made = [uow.variations.ensure(Sku(supplier_id, 1, "S1", f"Size {n}"), 5, "Kurta") for n in range(count)]
        uow.commit()
    return made


def levels(engine: Engine) -> Dict[int, int]:
    with engine.connect() as connection:
        return dict(connection.execute(select(tables.inventory.c.variation_id, tables.inventory.c.quantity)).all())


def sums(engine: Engine) -> Dict[int, int]:
    log = tables.inventory_log.c
    with engine.connect() as connection:
        return dict(connection.execute(select(log.variation_id, func.sum(log.delta)).group_by(log.variation_id)).all())


def unbroken(engine: Engine) -> bool:
    """Whether each log row begins where the one before it ended."""
    gaps = text(
        "select count(*) from (select quantity_before, lag(quantity_after, 1, 0) over"
        " (partition by variation_id order by id) as ended from inventory_product_inventory_log_v2) l"
        " where quantity_before <> ended"
    )
    with engine.connect() as connection:
        return connection.execute(gaps).scalar_one() == 0


def test_a_variation_is_made_once_and_found_by_its_natural_key(engine: Engine) -> None:
    first, second = ensure(engine, 2)
    assert ensure(engine, 2) == [first, second]
    with SqlUnitOfWork(engine) as uow:
        assert uow.variations.get(first.id) == first
        assert uow.variations.siblings(first) == [second]
        assert uow.variations.find([first.sku, Sku(9, 9, "x", "y")]) == {first.sku: first}
        assert uow.variations.get(10**9) is None


def test_two_who_make_the_same_variations_at_once_get_the_same_ones(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ensure(engine, 5), range(16)))
    assert all(one == made[0] for one in made)


def test_many_changes_at_once_leave_stock_equal_to_the_sum_of_its_log(engine: Engine) -> None:
    chosen = ensure(engine, 3)

    def work(worker: int) -> int:
        dice = random.Random(worker)
        done = 0
        for number in range(50):
            variation = dice.choice(chosen)
            quantity = Quantity(dice.randrange(6), dice.choice(list(Sense)))
            try:
                update_stock(
                    SqlUnitOfWork(engine), INVENTORY, SELLER, variation.id, quantity, f"{worker}.{number}", NOW
                )
                done += 1
            except ImplausibleQuantity:
                pass
        return done

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(work, range(8)))
    assert done > 200
    assert levels(engine) == sums(engine)
    assert unbroken(engine)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.inventory_log)).scalar_one() == done


def test_one_turn_delivered_to_many_at_once_changes_once(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)

    def change(_: int) -> object:
        uow = SqlUnitOfWork(engine)
        return update_stock(uow, INVENTORY, SELLER, variation.id, Quantity(5, Sense.ADD), "turn", NOW)

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(map(repr, pool.map(change, range(16))))
    assert len(outcomes) == 1
    assert levels(engine) == {variation.id: 5}


def test_the_same_key_straight_to_the_inventory_changes_once(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)

    def change(_: int) -> int:
        with SqlUnitOfWork(engine) as uow:
            made = INVENTORY.change(uow, variation, Quantity(5, Sense.ADD), "erp", None, "same", NOW)
            uow.commit()
            return made.id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(change, range(16)))) == 1
    assert levels(engine) == sums(engine) == {variation.id: 5}


def test_a_change_that_is_refused_leaves_nothing_behind(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    with pytest.raises(ImplausibleQuantity):
        update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, variation.id, Quantity(1, Sense.TAKE), "t", NOW)
    (foreign,) = ensure(engine, 1, supplier_id=8)
    with pytest.raises(NotYours):
        update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, foreign.id, Quantity(1), "t", NOW)
    with pytest.raises(Gone):
        update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, 10**9, Quantity(1), "t", NOW)
    assert levels(engine) == sums(engine) == {}


def test_a_level_never_falls_below_zero_nor_is_a_key_logged_twice(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    with pytest.raises(IntegrityError), SqlUnitOfWork(engine) as uow:
        uow.stock.write(variation, 0, -1, "x", None, None, NOW)
    with pytest.raises(IntegrityError), SqlUnitOfWork(engine) as uow:
        uow.stock.write(variation, 0, 1, "x", None, "k", NOW)
        uow.stock.write(variation, 1, 2, "x", None, "k", NOW)
    assert levels(engine) == {}


def test_undo_after_sales_leaves_sold_what_was_sold_and_works_once(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, variation.id, Quantity(10), "t1", NOW)
    with SqlUnitOfWork(engine) as uow:
        INVENTORY.change(uow, variation, Quantity(7, Sense.TAKE), "orders", None, "sold", NOW)
        uow.commit()
    at = NOW + timedelta(minutes=5)
    undone = undo_last(SqlUnitOfWork(engine), INVENTORY, SELLER, "t2", at)
    assert (undone.before, undone.after) == (3, 0)
    assert undo_last(SqlUnitOfWork(engine), INVENTORY, SELLER, "t2", at) == undone
    with pytest.raises(NothingToUndo):
        undo_last(SqlUnitOfWork(engine), INVENTORY, SELLER, "t3", at)
    assert levels(engine) == sums(engine) == {variation.id: 0}


def test_undos_at_once_take_a_change_back_once(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, variation.id, Quantity(10), "t1", NOW)

    def undo(turn: int) -> str:
        try:
            undo_last(SqlUnitOfWork(engine), INVENTORY, SELLER, f"u{turn}", NOW)
            return "undone"
        except NothingToUndo:
            return "nothing"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(undo, range(4))) == ["nothing"] * 3 + ["undone"]
    assert levels(engine) == sums(engine) == {variation.id: 0}


def test_the_chat_is_named_as_source_and_the_older_view_shows_the_change(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    update_stock(SqlUnitOfWork(engine), INVENTORY, SELLER, variation.id, Quantity(4), "t1", NOW)
    with engine.connect() as connection:
        row = connection.execute(text("select * from inventory_change")).mappings().one()
    assert (row["source"], row["old_quantity"], row["new_quantity"]) == (CHAT_SOURCE, 0, 4)
    assert row["variation_name"] == variation.sku.variation_name


def test_a_change_through_another_service_is_logged_without_a_level(engine: Engine) -> None:
    (variation,) = ensure(engine, 1)
    with SqlUnitOfWork(engine) as uow:
        first = uow.stock.log(variation, 3, 9, CHAT_SOURCE, 1, "k", NOW)
        assert uow.stock.log(variation, 3, 9, CHAT_SOURCE, 1, "k", NOW) == first
        uow.commit()
    assert levels(engine) == {}
    assert sums(engine) == {variation.id: 6}


# --- recommendations


def publish(engine: Engine, kind: RecommendationKind, rows: "list[tuple[int, int, int]]", at: datetime = NOW) -> int:
    """A snapshot of (supplier, product, score); the one before is kept as old."""
    snapshot, row = tables.recommendation_snapshot, tables.recommendation
    with engine.begin() as connection:
        connection.execute(
            snapshot.update()
            .where(snapshot.c.kind == kind.value, snapshot.c.state == "current")
            .values(state="old", retired_at=at)
        )
        made = insert(snapshot).values(kind=kind.value, source_key="test", state="current", created_at=at)
        number = connection.execute(made.returning(snapshot.c.id)).scalar_one()
        connection.execute(
            text(f"create table recommendation_{number} partition of recommendation for values in ({number})")
        )
        for row_no, (supplier_id, product_id, score) in enumerate(rows, start=1):
            connection.execute(
                insert(row).values(
                    snapshot_id=number,
                    supplier_id=supplier_id,
                    product_id=product_id,
                    style_id="S",
                    variation_name="Red",
                    catalog_id=1,
                    catalog_name="Lamp",
                    sorting_score=score,
                    current_stock=5 if kind is LOW else None,
                    days_on_hand=2 if kind is LOW else None,
                    estimated_order_loss=score if kind is OOS else None,
                    row_no=row_no,
                )
            )
    return int(number)


def products(engine: Engine, kind: RecommendationKind, contact: Contact = SELLER, page: int = 3) -> List[int]:
    """Every product on every page, in order."""
    found: List[int] = []
    cursor = None
    for turn in range(50):
        shown = page_of(SqlUnitOfWork(engine), INVENTORY, contact, kind, cursor, page, f"t{turn}", NOW)
        found += [card.recommendation.variation.sku.product_id for card in shown.cards]
        cursor = shown.cursor
        if cursor is None:
            return found
    raise AssertionError("pages do not end")


def set_stock(engine: Engine, product_id: int, stock: int) -> None:
    with SqlUnitOfWork(engine) as uow:
        variation = uow.variations.ensure(Sku(7, product_id, "S", "Red"), 1, "Lamp")
        INVENTORY.change(uow, variation, Quantity(stock), "erp", None, f"{product_id}={stock}", NOW)
        uow.commit()


def test_pages_show_each_row_of_all_ones_suppliers_once_by_score(engine: Engine) -> None:
    dice = random.Random(3)
    rows = [(dice.choice((7, 8, 9)), product, dice.randrange(4)) for product in range(1, 61)]
    publish(engine, OOS, rows)
    expected = sorted((row for row in enumerate(rows) if row[1][0] != 8), key=lambda row: (-row[1][2], row[0]))
    both = Contact(1, roles=("seller",), supplier_ids=(7, 9))
    assert products(engine, OOS, both, page=4) == [product for _, (_, product, _) in expected]


def test_only_the_variations_that_were_shown_get_a_row_of_their_own(engine: Engine) -> None:
    publish(engine, OOS, [(7, product, product) for product in range(1, 101)])
    page_of(SqlUnitOfWork(engine), INVENTORY, SELLER, OOS, None, 3, "t", NOW)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.variation)).scalar_one() <= 12


def test_restocked_rejected_and_withdrawn_variations_are_passed_over(engine: Engine) -> None:
    publish(engine, OOS, [(7, product, product) for product in range(1, 7)])
    for product, stock in ((6, 4), (5, 0), (4, 0), (3, 0)):
        set_stock(engine, product, stock)
    with engine.begin() as connection:
        ids = dict(connection.execute(select(tables.variation.c.product_id, tables.variation.c.id)).all())
        connection.execute(
            insert(tables.rejection).values(variation_id=ids[5], supplier_id=7, reason="no longer sold", at=NOW)
        )
        connection.execute(tables.variation.update().where(tables.variation.c.id == ids[4]).values(withdrawn=True))
    assert products(engine, OOS) == [3, 2, 1]
    set_stock(engine, 3, 8)
    assert products(engine, OOS) == [2, 1]


def test_a_low_row_is_shown_until_it_is_refilled(engine: Engine) -> None:
    publish(engine, LOW, [(7, product, product) for product in (1, 2, 3)])
    set_stock(engine, 1, 5)
    set_stock(engine, 2, 6)
    assert products(engine, LOW) == [3, 1]


def test_a_pages_cursor_keeps_its_snapshot_until_that_is_dropped(engine: Engine) -> None:
    first = publish(engine, OOS, [(7, product, product) for product in range(1, 7)])
    page = page_of(SqlUnitOfWork(engine), INVENTORY, SELLER, OOS, None, 2, "t1", NOW)
    publish(engine, OOS, [(7, 50, 1)])
    second = page_of(SqlUnitOfWork(engine), INVENTORY, SELLER, OOS, page.cursor, 2, "t2", NOW)
    assert [card.recommendation.variation.sku.product_id for card in second.cards] == [4, 3]
    assert page.cursor is not None and page.cursor.snapshot_id == first
    snapshot = tables.recommendation_snapshot
    with engine.begin() as connection:
        connection.execute(snapshot.update().where(snapshot.c.id == first).values(state="dropped"))
    with SqlUnitOfWork(engine) as uow:
        rows = uow.recommendations.found(OOS, [7], second.cursor, 5, NOW).rows
        assert [row.variation.sku.product_id for row in rows] == [50]
        assert uow.recommendations.found(LOW, [7], Cursor(first, 1, 1), 5, NOW).rows == ()
        assert uow.recommendations.found(OOS, [], None, 5, NOW).rows == ()


def test_what_a_turn_showed_is_recorded_once(engine: Engine) -> None:
    publish(engine, OOS, [(7, product, product) for product in range(1, 4)])
    for _ in range(2):
        page_of(SqlUnitOfWork(engine), INVENTORY, SELLER, OOS, None, 3, "t1", NOW)
    with engine.connect() as connection:
        events = connection.execute(select(tables.recommendation_event.c.event)).scalars().all()
    assert events == ["shown"] * 3


def test_a_variation_that_only_the_feed_knows_can_be_named_by_its_key(engine: Engine) -> None:
    publish(engine, OOS, [(7, 1, 1)])
    with SqlUnitOfWork(engine) as uow:
        found = uow.recommendations.variation_of(Sku(7, 1, "S", "Red"))
        assert found is not None and found.catalog_name == "Lamp"
        assert uow.recommendations.variation_of(Sku(7, 1, "S", "Blue")) is None
