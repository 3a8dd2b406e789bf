"""Pages of recommendations: only what is still true, none twice, none lost."""

from __future__ import annotations

from typing import List, Optional

import pytest
from fakes import NOON, FakeInventory, FakeUnitOfWork

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import InventoryUnavailable, NotASeller
from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.recommendations import Cursor, RecommendationKind, page_of
from mostrador.shop.rejections import Reason
from mostrador.shop.replenishment import daily_demand, days_on_hand, estimated_order_loss

OOS, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))


@pytest.fixture()
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


def variations(uow: FakeUnitOfWork, count: int, stock: Optional[int] = 0) -> List[Variation]:
    return [uow.with_variation(Sku(7, n, "S", "Red"), stock) for n in range(1, count + 1)]


def titles(page) -> List[int]:
    return [card.recommendation.variation.sku.product_id for card in page.cards]


def test_pages_follow_the_score_and_end(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 5)
    uow.recommendations.publish(OOS, [(v, 10 * v.id, {"estimated_order_loss": v.id}) for v in rows])
    first = page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t1", NOON)
    second = page_of(uow, FakeInventory(), SELLER, OOS, first.cursor, 3, "t2", NOON)
    assert (titles(first), titles(second), second.cursor) == ([5, 4, 3], [2, 1], None)


def test_a_sold_out_row_that_was_restocked_is_passed_over(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 4)
    uow.stock.stock[rows[2].id] = 6
    uow.recommendations.publish(OOS, [(v, v.id, {}) for v in rows])
    assert titles(page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", NOON)) == [4, 2, 1]


def test_a_low_row_is_shown_with_its_live_stock_unless_it_was_refilled(uow: FakeUnitOfWork) -> None:
    sold, refilled, unknown = variations(uow, 3, stock=None)
    uow.stock.stock.update({sold.id: 1, refilled.id: 40})
    feed = [(v, v.id, {"current_stock": 5, "days_on_hand": 2}) for v in (sold, refilled, unknown)]
    uow.recommendations.publish(LOW, feed)
    page = page_of(uow, FakeInventory(), SELLER, LOW, None, 3, "t", NOON)
    assert [(card.recommendation.variation, card.live_stock) for card in page.cards] == [(unknown, 5), (sold, 1)]


def test_many_restocked_rows_do_not_hide_the_true_ones_behind_them(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 60, stock=9)
    uow.stock.stock[rows[0].id] = 0
    uow.recommendations.publish(OOS, [(v, v.id, {}) for v in rows])
    page = page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", NOON)
    assert (titles(page), page.cursor) == ([1], None)


def test_view_more_stays_in_the_feed_it_began_with(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 6)
    uow.recommendations.publish(OOS, [(v, v.id, {}) for v in rows[:4]])
    first = page_of(uow, FakeInventory(), SELLER, OOS, None, 2, "t1", NOON)
    uow.recommendations.publish(OOS, [(v, 100 - v.id, {}) for v in rows])
    assert titles(page_of(uow, FakeInventory(), SELLER, OOS, first.cursor, 2, "t2", NOON)) == [2, 1]


def test_rejected_and_withdrawn_variations_are_not_shown(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 3)
    uow.recommendations.publish(OOS, [(v, v.id, {}) for v in rows])
    uow.rejections.reject(rows[2], Reason("other"), {}, 1, "k", NOON)
    uow.variations.withdraw(rows[0])
    assert titles(page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", NOON)) == [2]


def test_what_was_shown_is_recorded_once_a_turn(uow: FakeUnitOfWork) -> None:
    rows = variations(uow, 4)
    snapshot = uow.recommendations.publish(OOS, [(v, v.id, {}) for v in rows])
    for _ in range(2):
        page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", NOON)
    assert list(uow.recommendations.events.values()) == [snapshot] * 3


def test_only_sellers_have_recommendations(uow: FakeUnitOfWork) -> None:
    with pytest.raises(NotASeller):
        page_of(uow, FakeInventory(), Contact(2), OOS, None, 3, "t", NOON)


def test_without_live_stock_nothing_is_claimed(uow: FakeUnitOfWork) -> None:
    uow.recommendations.publish(OOS, [(v, v.id, {}) for v in variations(uow, 2)])
    inventory = FakeInventory()
    inventory.away = True
    with pytest.raises(InventoryUnavailable):
        page_of(uow, inventory, SELLER, OOS, None, 3, "t", NOON)


def test_a_cursor_survives_the_way_through_a_button() -> None:
    cursor = Cursor(3, 1200, 45)
    assert Cursor.decode(cursor.encode()) == cursor


@pytest.mark.parametrize("text", ["", "1.2", "1.2.x", "a.b.c", "1.2.3.4.5", "1..2", "१.2.3", "1.2." + "9" * 40])
def test_what_is_no_cursor_is_none(text: str) -> None:
    assert Cursor.decode(text) is None


def test_days_without_stock_do_not_count_as_days_without_demand() -> None:
    assert daily_demand(sold=14, days_in_stock=7) == 2.0
    assert daily_demand(sold=0, days_in_stock=0) == 0.0


def test_days_on_hand_are_whole_days_and_unknown_without_demand() -> None:
    assert days_on_hand(9, 2.0) == 4
    assert days_on_hand(9, 0.0) is None


def test_the_loss_is_a_week_of_demand() -> None:
    assert estimated_order_loss(2.0) == 14
