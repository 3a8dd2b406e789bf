"""Several changes that one message asks for, without a database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import NOON, FakeInventory, FakeUnitOfWork

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, InventoryUnavailable, NothingToUndo, NotYours, UndoTooLate
from mostrador.shop.inventory import Quantity, Sense, Sku, undo_last, undo_together, undoable, update_stock
from mostrador.shop.several import Doubt, look_ahead, update_all

SELLER = Contact(1, "Ana", roles=("seller",), supplier_ids=(7,))
DOUBT = Doubt(above=500, times=10)


def sku(name: str, supplier: int = 7) -> Sku:
    return Sku(supplier, 1, "S1", name)


@pytest.fixture()
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


@pytest.fixture()
def inventory() -> FakeInventory:
    return FakeInventory()


@pytest.mark.parametrize(
    ("before", "usual", "after", "doubted"),
    [
        (12, 12, 10_000, True),
        (0, 0, 501, True),
        (0, 0, 500, False),
        (0, 100, 1000, False),
        (0, 100, 1001, True),
        (5000, 5000, 9000, False),
        (9000, 9000, 501, False),
        (900, 0, 900, False),
    ],
)
def test_a_stock_is_doubted_when_it_is_large_and_many_times_the_usual(
    before: int, usual: int, after: int, doubted: bool
) -> None:
    assert DOUBT.about(before, usual, after) is doubted


def test_a_look_ahead_changes_nothing_and_knows_what_is_usual(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 300)
    uow.stock.write(blue, 300, 0, "till", None, None, NOON)
    wanted = [(red.id, Quantity(2000)), (blue.id, Quantity(2000)), (red.id, Quantity(4, Sense.TAKE))]
    seen = look_ahead(uow, inventory, SELLER, wanted, DOUBT, "t")
    assert [(one.before, one.after, one.possible, one.sudden) for one in seen] == [
        (3, 2000, True, True),
        (0, 2000, True, False),  # it had 300 not long ago
        (3, -1, False, False),
    ]
    assert uow.stock.stock == {red.id: 3, blue.id: 0}


def test_without_an_answer_of_the_inventory_only_the_impossible_is_judged(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    red = uow.with_variation(sku("Red"), 3)
    inventory.away = True
    wanted = [(red.id, Quantity(10**9)), (red.id, Quantity(9000)), (red.id, Quantity(9, Sense.TAKE))]
    seen = look_ahead(uow, inventory, SELLER, wanted, DOUBT, "t")
    assert [(one.before, one.possible, one.sudden) for one in seen] == [
        (None, False, False),
        (None, True, False),
        (None, True, False),
    ]


def test_nothing_is_foreseen_for_what_is_not_ones_own(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    foreign = uow.with_variation(sku("Red", supplier=8), 3)
    with pytest.raises(NotYours):
        look_ahead(uow, inventory, SELLER, [(foreign.id, Quantity(1))], DOUBT, "t")
    with pytest.raises(Gone):
        look_ahead(uow, inventory, SELLER, [(999, Quantity(1))], DOUBT, "t")


def test_what_can_be_done_is_done_and_the_rest_is_refused_with_its_reason(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    gone, foreign = uow.with_variation(sku("Green"), 1), uow.with_variation(sku("Red", supplier=8), 3)
    uow.variations.withdraw(gone)
    wanted = [
        (blue.id, Quantity(9, Sense.TAKE)),
        (foreign.id, Quantity(1)),
        (gone.id, Quantity(1)),
        (red.id, Quantity(10)),
        (999, Quantity(1)),
    ]
    done = update_all(uow, inventory, SELLER, wanted, "t1", NOON)
    assert [one.refused for one in done] == ["ImplausibleQuantity", "NotYours", "Gone", "", "Gone"]
    assert (done[0].before, done[3].before, done[3].after) == (5, 3, 10)
    assert (uow.stock.stock[red.id], uow.stock.stock[blue.id], uow.stock.stock[foreign.id]) == (10, 5, 3)


def test_each_of_several_happens_once_per_turn(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    wanted = [(red.id, Quantity(2, Sense.ADD)), (blue.id, Quantity(1, Sense.TAKE))]
    first = update_all(uow, inventory, SELLER, wanted, "t1", NOON)
    assert update_all(uow, inventory, SELLER, wanted, "t1", NOON) == first
    assert (uow.stock.stock[red.id], uow.stock.stock[blue.id]) == (5, 4)
    assert [event for _, _, event in uow.recommendations.events] == ["updated", "updated"]


def test_while_the_inventory_is_away_nothing_is_changed(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    inventory.away = True
    with pytest.raises(InventoryUnavailable):
        update_all(uow, inventory, SELLER, [(red.id, Quantity(1)), (blue.id, Quantity(1))], "t1", NOON)
    assert uow.stock.stock == {red.id: 3, blue.id: 5}
    assert inventory.asked == 1  # the second is not waited for


def test_the_last_changes_can_be_listed_and_any_of_them_taken_back(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    update_stock(uow, inventory, SELLER, blue.id, Quantity(1), "t2", NOON + timedelta(hours=2))
    listed = undoable(uow, SELLER, "t3", NOON + timedelta(hours=3), 9)
    assert [(change.before, change.after, variation) for change, variation in listed] == [(5, 1, blue), (3, 10, red)]
    assert undo_last(uow, inventory, SELLER, "t4", NOON + timedelta(hours=3), listed[1][0].id).after == 3
    assert [variation for _, variation in undoable(uow, SELLER, "t5", NOON + timedelta(hours=3), 9)] == [blue]
    assert len(undoable(uow, SELLER, "t3", NOON + timedelta(hours=3), 9)) == 2  # a turn tried again says the same
    with pytest.raises(UndoTooLate):
        undoable(uow, SELLER, "t6", NOON + timedelta(hours=27), 9)


def test_without_changes_there_is_nothing_to_list_and_the_withdrawn_are_gone(
    uow: FakeUnitOfWork, inventory: FakeInventory
) -> None:
    with pytest.raises(NothingToUndo):
        undoable(uow, SELLER, "t1", NOON, 9)
    red = uow.with_variation(sku("Red"), 3)
    update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t2", NOON)
    uow.variations.withdraw(red)
    with pytest.raises(Gone):
        undoable(uow, SELLER, "t3", NOON, 9)


def test_all_of_one_message_is_taken_back_at_once_and_once(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    update_stock(uow, inventory, SELLER, red.id, Quantity(4), "t0", NOON)
    done = update_all(uow, inventory, SELLER, [(red.id, Quantity(10)), (blue.id, Quantity(20))], "t1", NOON)
    uow.stock.write(blue, 20, 12, "till", None, None, NOON)  # eight were sold meanwhile
    change = done[0].change_id
    undone = undo_together(uow, inventory, SELLER, change, "t2", NOON)
    assert [(one.before, one.after) for one in undone] == [(10, 4), (12, 0)]
    assert undo_together(uow, inventory, SELLER, change, "t2", NOON) == undone
    with pytest.raises(NothingToUndo):
        undo_together(uow, inventory, SELLER, change, "t3", NOON)


def test_what_was_taken_back_alone_is_left_out_when_the_rest_is(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red, blue = uow.with_variation(sku("Red"), 3), uow.with_variation(sku("Blue"), 5)
    done = update_all(uow, inventory, SELLER, [(red.id, Quantity(10)), (blue.id, Quantity(20))], "t1", NOON)
    undo_last(uow, inventory, SELLER, "t2", NOON, done[0].change_id)
    assert [one.after for one in undo_together(uow, inventory, SELLER, done[0].change_id, "t3", NOON)] == [5]


def test_nobody_takes_back_what_another_changed(uow: FakeUnitOfWork, inventory: FakeInventory) -> None:
    red = uow.with_variation(sku("Red"), 3)
    done = update_stock(uow, inventory, SELLER, red.id, Quantity(10), "t1", NOON)
    other = Contact(2, "Eva", roles=("seller",), supplier_ids=(7,))
    with pytest.raises(NothingToUndo):
        undo_together(uow, inventory, other, done.change_id, "t2", NOON)
