"""Changing stock and taking a change back, without a database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import NOON, FakeInventory, FakeUnitOfWork

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import (
    Gone,
    ImplausibleQuantity,
    InventoryUnavailable,
    NothingToUndo,
    NotYours,
    UndoTooLate,
)
from mostrador.shop.inventory import (
    CHAT_SOURCE,
    GREATEST_STOCK,
    Quantity,
    Sense,
    Sku,
    undo_last,
    update_stock,
)
from mostrador.shop.stock_intake import ForeignChange, UnreadableChange, take_in

RED = Sku(7, 1, "S1", "Red")
BLUE = Sku(7, 1, "S1", "Blue")
SELLER = Contact(1, "Ana", roles=("seller",), supplier_ids=(7,))


@pytest.fixture()
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


@pytest.fixture()
def inventory() -> FakeInventory:
    return FakeInventory()


@pytest.mark.parametrize(
    "quantity, after",
    [(Quantity(4), 4), (Quantity(0), 0), (Quantity(4, Sense.ADD), 14), (Quantity(10, Sense.TAKE), 0)],
)
def test_a_quantity_is_set_added_or_taken(quantity: Quantity, after: int) -> None:
    assert quantity.applied_to(10) == after


@pytest.mark.parametrize(
    "quantity",
    [
        Quantity(-1),
        Quantity(-1, Sense.TAKE),
        Quantity(11, Sense.TAKE),
        Quantity(GREATEST_STOCK + 1),
        Quantity(GREATEST_STOCK, Sense.ADD),
    ],
)
def test_what_cannot_be_a_stock_is_refused(quantity: Quantity) -> None:
    with pytest.raises(ImplausibleQuantity):
        quantity.applied_to(10)


def test_a_change_is_logged_as_made_by_chat(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    done = update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    assert (done.before, done.after, done.variation) == (3, 10, red)
    assert uow.stock.changes[-1].source == CHAT_SOURCE == "Whatsapp_chatbot"
    assert uow.stock.changes[-1].contact_id == SELLER.id
    assert [event for _, _, event in uow.recommendations.events] == ["updated"]


def test_the_same_turn_again_gets_the_same_answer_and_changes_nothing(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    red = uow.with_variation(RED, 3)
    first = update_stock(uow, inventory, SELLER, red.id, Quantity(5, Sense.ADD), "t1", NOON)
    assert update_stock(uow, inventory, SELLER, red.id, Quantity(5, Sense.ADD), "t1", NOON) == first
    assert uow.stock.stock[red.id] == 8


def test_nobody_changes_what_is_not_theirs(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    foreign = uow.with_variation(Sku(8, 1, "S", "Red"), 3)
    with pytest.raises(NotYours):
        update_stock(uow, inventory, SELLER, foreign.id, Quantity(1), "t1", NOON)
    assert uow.stock.stock[foreign.id] == 3


def test_what_was_withdrawn_or_never_was_is_gone(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    uow.variations.withdraw(red)
    for unknown in (red.id, 999):
        with pytest.raises(Gone):
            update_stock(uow, inventory, SELLER, unknown, Quantity(1), "t1", NOON)


def test_a_change_that_failed_leaves_no_trace_and_can_be_made_later(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    red = uow.with_variation(RED, 3)
    inventory.away = True
    with pytest.raises(InventoryUnavailable):
        update_stock(uow, inventory, SELLER, red.id, Quantity(9), "t1", NOON)
    assert uow.effects.outcomes == {}
    inventory.away = False
    assert update_stock(uow, inventory, SELLER, red.id, Quantity(9), "t1", NOON).after == 9


def test_undo_takes_the_newest_change_back_then_the_one_before(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(RED, 3), uow.with_variation(BLUE, 5)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    update_stock(uow, inventory, SELLER, blue.id, Quantity(1), "t2", NOON)
    assert undo_last(uow, inventory, SELLER, "t3", NOON).after == 5
    assert undo_last(uow, inventory, SELLER, "t4", NOON).after == 3
    with pytest.raises(NothingToUndo):
        undo_last(uow, inventory, SELLER, "t5", NOON)


def test_undo_repeated_by_the_same_turn_undoes_once(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    update_stock(uow, inventory, SELLER, red.id, Quantity(5), "t1", NOON)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t2", NOON)
    assert undo_last(uow, inventory, SELLER, "t3", NOON) == undo_last(uow, inventory, SELLER, "t3", NOON)
    assert uow.stock.stock[red.id] == 5


def test_undo_leaves_sold_what_was_sold(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    uow.stock.write(red, 10, 4, "shop", None, None, NOON)  # six were sold meanwhile
    undone = undo_last(uow, inventory, SELLER, "t2", NOON)
    assert (undone.before, undone.after) == (4, 0)


def test_undo_is_possible_for_a_day(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    with pytest.raises(UndoTooLate):
        undo_last(uow, inventory, SELLER, "t2", NOON + timedelta(hours=24, seconds=1))


FOREIGN = {
    "change_id": "c1",
    "supplier_id": 7,
    "product_id": 1,
    "style_id": "S1",
    "variation_name": "Red",
    "source": "till-3",
    "quantity": 4,
}


def test_a_foreign_change_counts_once_and_keeps_its_source(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(RED, 3)
    raw = {**FOREIGN, "delta": -2}
    del raw["quantity"]
    first = take_in(uow, inventory, ForeignChange.read(raw), NOON)
    assert take_in(uow, inventory, ForeignChange.read(raw), NOON) == first
    assert (uow.stock.stock[red.id], first.source) == (1, "till-3")


def test_a_foreign_change_of_a_variation_nobody_knows_is_gone(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    with pytest.raises(Gone):
        take_in(uow, inventory, ForeignChange.read(FOREIGN), NOON)


@pytest.mark.parametrize(
    "change",
    [
        {"supplier_id": "7"},
        {"supplier_id": True},
        {"product_id": 2**31},
        {"style_id": 5},
        {"change_id": ""},
        {"source": ""},
        {"source": "Whatsapp_chatbot"},  # nobody else may claim the chat's success
        {"source": "whatsapp_CHATBOT"},
        {"source": "a b"},
        {"quantity": -1},
        {"quantity": 1.5},
        {"delta": 1},
        {"variation_name": "x\0"},
    ],
)
def test_an_unreadable_foreign_change_is_told_what_is_wrong(change: dict) -> None:
    with pytest.raises(UnreadableChange, match=next(iter(change)) if "delta" not in change else "either"):
        ForeignChange.read({**FOREIGN, **change})


def test_a_foreign_change_is_an_object() -> None:
    with pytest.raises(UnreadableChange):
        ForeignChange.read(["change"])
