"""A company's own inventory service keeps the stock: over real HTTP, with everything that goes wrong there."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Iterator, List

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine

from mostrador.gateways.inventory_rest import RestInventory
from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, ImplausibleQuantity, InventoryUnavailable
from mostrador.shop.inventory import CHAT_SOURCE, Quantity, Sense, Sku, Variation, undo_last, update_stock
from mostrador.simulator.inventory_service import Fault, InventoryStandIn
from mostrador.storage import tables
from mostrador.storage.engine import connect
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))
RED, BLUE = Sku(7, 1, "S1", "Rojo / Ñandú"), Sku(7, 1, "S1", "Blue")
SECRET = "inventory-secret"


def key(sku: Sku) -> "tuple[int, int, str, str]":
    return sku.supplier_id, sku.product_id, sku.style_id, sku.variation_name


@pytest.fixture()
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url, pool_size=3)
    yield engine
    engine.dispose()


@pytest.fixture()
def service() -> Iterator[InventoryStandIn]:
    with InventoryStandIn(SECRET) as service:
        service.stock[key(RED)] = 3
        yield service


@pytest.fixture()
def inventory(service: InventoryStandIn) -> RestInventory:
    return RestInventory(service.url, SECRET, timeout=0.3, pause=0.01)


@pytest.fixture()
def red(engine: Engine) -> Variation:
    with SqlUnitOfWork(engine) as uow:
        made = uow.variations.ensure(RED, 1, "Poncho")
        uow.commit()
    return made


def log(engine: Engine) -> List[tuple]:
    columns = tables.inventory_log.c
    with engine.connect() as connection:
        rows = select(columns.quantity_before, columns.quantity_after, columns.source).order_by(columns.id)
        return [tuple(row) for row in connection.execute(rows)]


def update(engine: Engine, inventory: RestInventory, variation: Variation, quantity: Quantity, turn: str = "t1"):
    return update_stock(SqlUnitOfWork(engine), inventory, SELLER, variation.id, quantity, turn, NOW)


def test_live_stock_comes_from_the_service_and_unknown_ones_are_left_out(
    engine: Engine, inventory: RestInventory, red: Variation
) -> None:
    with SqlUnitOfWork(engine) as uow:
        blue = uow.variations.ensure(BLUE, 1, "Poncho")
        assert inventory.levels(uow, [red, blue]) == {red.id: 3}
        assert inventory.levels(uow, []) == {}


def test_a_change_happens_there_and_is_logged_here_without_a_level(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation
) -> None:
    done = update(engine, inventory, red, Quantity(10))
    assert (done.before, done.after, service.stock[key(RED)]) == (3, 10, 10)
    assert service.applied[0]["source"] == CHAT_SOURCE
    assert log(engine) == [(3, 10, CHAT_SOURCE)]
    with engine.connect() as connection:
        assert connection.execute(select(tables.inventory)).all() == []


def test_the_same_turn_changes_once(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation
) -> None:
    first = update(engine, inventory, red, Quantity(5, Sense.ADD))
    assert update(engine, inventory, red, Quantity(5, Sense.ADD)) == first
    assert (service.stock[key(RED)], len(service.applied)) == (8, 1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=503),
        Fault(status=429),
        Fault(status=0),  # the line goes dead
        Fault(status=200, body=b"<html>"),
        Fault(status=200, seconds=0.6),  # too late
        Fault(status=0, after_apply=True),
        Fault(status=500, after_apply=True),
        Fault(status=200, seconds=0.6, after_apply=True),  # done, but the answer comes too late
    ],
)
def test_a_fault_on_the_way_leaves_exactly_one_effect(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation, fault: Fault
) -> None:
    service.fail(fault)
    done = update(engine, inventory, red, Quantity(5, Sense.ADD))
    assert (done.before, done.after) == (3, 8)
    assert (service.stock[key(RED)], len(service.applied), service.requests) == (8, 1, 2)
    assert log(engine) == [(3, 8, CHAT_SOURCE)]


def test_a_service_that_stays_away_changes_nothing_and_the_turn_can_come_again(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation
) -> None:
    service.fail(Fault(status=0, after_apply=True), Fault(status=503), Fault(status=503))
    with pytest.raises(InventoryUnavailable):
        update(engine, inventory, red, Quantity(5, Sense.ADD))
    assert (service.requests, log(engine)) == (3, [])
    done = update(engine, inventory, red, Quantity(5, Sense.ADD))  # the same turn, later: what was done is found
    assert (done.before, done.after, service.stock[key(RED)]) == (3, 8, 8)
    assert log(engine) == [(3, 8, CHAT_SOURCE)]


def test_nobody_listening_is_unavailable(engine: Engine, red: Variation) -> None:
    inventory = RestInventory("http://127.0.0.1:1", SECRET, timeout=0.3, pause=0.01)
    with SqlUnitOfWork(engine) as uow, pytest.raises(InventoryUnavailable):
        inventory.levels(uow, [red])


def test_the_services_refusals_are_facts_of_the_shop(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation
) -> None:
    with pytest.raises(ImplausibleQuantity):
        update(engine, inventory, red, Quantity(4, Sense.TAKE))
    del service.stock[key(RED)]
    with pytest.raises(Gone):
        update(engine, inventory, red, Quantity(4), "t2")
    assert (log(engine), service.requests) == ([], 2)


def test_a_wrong_secret_is_not_tried_again(engine: Engine, service: InventoryStandIn, red: Variation) -> None:
    inventory = RestInventory(service.url, "wrong", timeout=0.3, pause=0.01)
    with pytest.raises(InventoryUnavailable):
        update(engine, inventory, red, Quantity(4))
    assert (service.requests, service.stock[key(RED)]) == (1, 3)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"before": 3}', b'{"before": "3", "after": -1}', b"null"])
def test_an_answer_of_another_shape_is_not_believed(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation, body: bytes
) -> None:
    service.fail(Fault(status=200, body=body))
    with pytest.raises(InventoryUnavailable):
        update(engine, inventory, red, Quantity(4))
    service.fail(Fault(status=200, body=body))
    with SqlUnitOfWork(engine) as uow, pytest.raises(InventoryUnavailable):
        inventory.levels(uow, [red])


def test_undo_works_through_the_service(
    engine: Engine, service: InventoryStandIn, inventory: RestInventory, red: Variation
) -> None:
    update(engine, inventory, red, Quantity(10))
    service.stock[key(RED)] = 6  # four were sold
    undone = undo_last(SqlUnitOfWork(engine), inventory, SELLER, "t2", NOW)
    assert (undone.before, undone.after, service.stock[key(RED)]) == (6, 0, 0)
