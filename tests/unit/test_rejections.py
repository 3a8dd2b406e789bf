"""What a supplier does not want to be told about: kept once, away across feeds, back when its time is over."""

from __future__ import annotations

from datetime import timedelta
from typing import List

import pytest
from fakes import NOON, FakeInventory, FakeUnitOfWork

from mostrador.operations.report_command import spreadsheet
from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone, NotYours
from mostrador.shop.inventory import CHAT_SOURCE, Sku, Variation
from mostrador.shop.recommendations import RecommendationKind, page_of
from mostrador.shop.rejections import (
    Pause,
    Reason,
    bring_back,
    bring_back_catalogue,
    hidden,
    put_aside,
    reject,
    undo_newest,
)

OOS = RecommendationKind.OUT_OF_STOCK
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))
OTHER_PHONE = Contact(2, roles=("seller",), supplier_ids=(7,))
STRANGER = Contact(3, roles=("seller",), supplier_ids=(8,))


@pytest.fixture()
def uow() -> FakeUnitOfWork:
    return FakeUnitOfWork()


@pytest.fixture()
def goods(uow: FakeUnitOfWork) -> List[Variation]:
    made = [uow.with_variation(Sku(7, n, "S", "Red"), 0) for n in range(1, 4)]
    publish(uow, made)
    return made


def publish(uow: FakeUnitOfWork, made: List[Variation]) -> None:
    uow.recommendations.publish(OOS, [(v, 10 - v.id, {}) for v in made])


def listed(uow: FakeUnitOfWork, at=NOON) -> List[int]:
    page = page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", at)
    return [card.recommendation.variation.id for card in page.cards]


def test_what_is_rejected_stays_away_also_from_the_next_feed(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    reject(uow, SELLER, goods[1].id, Reason("no_material"), OOS, "t1", NOON)
    assert listed(uow) == [1, 3]
    publish(uow, goods)
    assert listed(uow) == [1, 3]


def test_a_rejection_keeps_the_sku_as_it_was(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    reject(uow, SELLER, goods[0].id, Reason("other", "no time"), OOS, "t1", NOON)
    reason, details = uow.rejections.rejected[goods[0].id]
    assert reason == Reason("other", "no time")
    assert details == {
        "product_id": 1,
        "style_id": "S",
        "variation_name": "Red",
        "catalog_id": 1,
        "catalog_name": "Kurta",
        "stock": 0,
        "list": "out_of_stock",
    }


def test_two_phones_of_one_supplier_reject_once_and_the_first_reason_counts(
    uow: FakeUnitOfWork, goods: List[Variation]
) -> None:
    reject(uow, SELLER, goods[0].id, Reason("not_made"), OOS, "t1", NOON)
    reject(uow, OTHER_PHONE, goods[0].id, Reason("season_over"), OOS, "t2", NOON)
    assert uow.rejections.rejected[goods[0].id][0].code == "not_made"


def test_a_repeated_turn_does_not_reject_again_what_was_brought_back(
    uow: FakeUnitOfWork, goods: List[Variation]
) -> None:
    reject(uow, SELLER, goods[0].id, Reason("not_made"), OOS, "t1", NOON)
    bring_back(uow, SELLER, goods[0].id, "t2", NOON)
    reject(uow, SELLER, goods[0].id, Reason("not_made"), OOS, "t1", NOON)
    assert listed(uow) == [1, 2, 3]


def test_an_undo_brings_back_what_was_rejected_last_once(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    reject(uow, SELLER, goods[0].id, Reason("not_made"), OOS, "t1", NOON)
    put_aside(uow, SELLER, goods[1].id, Pause(7), "t2", NOON + timedelta(minutes=1))
    assert undo_newest(uow, SELLER, "t3", NOON + timedelta(minutes=2)) == goods[1].title
    assert undo_newest(uow, SELLER, "t3", NOON + timedelta(minutes=2)) == goods[1].title
    assert listed(uow) == [2, 3]
    assert undo_newest(uow, SELLER, "t4", NOON + timedelta(minutes=3)) == goods[0].title
    assert undo_newest(uow, SELLER, "t5", NOON + timedelta(minutes=4)) is None


def test_an_undo_brings_back_a_catalogue_that_was_put_aside(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    put_aside(uow, SELLER, goods[1].id, Pause(None, whole_catalogue=True), "t1", NOON)
    assert undo_newest(uow, SELLER, "t2", NOON) == "Kurta"
    assert listed(uow) == [1, 2, 3]


def test_an_undo_leaves_rejections_that_are_older_than_the_last_change_or_a_day_or_anothers(
    uow: FakeUnitOfWork, goods: List[Variation]
) -> None:
    reject(uow, SELLER, goods[0].id, Reason("not_made"), OOS, "t1", NOON)
    assert undo_newest(uow, OTHER_PHONE, "t2", NOON) is None
    assert undo_newest(uow, SELLER, "t3", NOON + timedelta(hours=24, seconds=1)) is None
    later = NOON + timedelta(minutes=5)
    uow.stock.write(goods[1], 0, 4, CHAT_SOURCE, SELLER.id, "t4", later)
    assert undo_newest(uow, SELLER, "t5", later) is None
    assert goods[0].id in uow.rejections.rejected


def test_only_ones_own_and_only_what_is_still_there_can_be_rejected_put_aside_or_brought_back(
    uow: FakeUnitOfWork, goods: List[Variation]
) -> None:
    for attempt in (
        lambda who, item: reject(uow, who, item, Reason("other"), OOS, "t", NOON),
        lambda who, item: put_aside(uow, who, item, Pause(7), "t", NOON),
        lambda who, item: bring_back(uow, who, item, "t", NOON),
    ):
        with pytest.raises(NotYours):
            attempt(STRANGER, goods[0].id)
        with pytest.raises(Gone):
            attempt(SELLER, 999)
    uow.variations.withdraw(goods[0])
    with pytest.raises(Gone):
        reject(uow, SELLER, goods[0].id, Reason("other"), OOS, "t", NOON)
    assert not uow.rejections.rejected and not uow.rejections.muted


def test_what_is_put_aside_comes_back_by_itself(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    done = put_aside(uow, SELLER, goods[2].id, Pause(7), "t1", NOON)
    assert (done.title, done.until) == ("Kurta – Red", NOON + timedelta(days=7))
    assert listed(uow, NOON + timedelta(days=7, seconds=-1)) == [1, 2]
    assert listed(uow, NOON + timedelta(days=7)) == [1, 2, 3]


def test_a_whole_catalogue_is_put_aside_until_the_person_says_so(uow: FakeUnitOfWork, goods: List[Variation]) -> None:
    lamp = uow.variations.ensure(Sku(7, 9, "S", "Brass"), 5, "Lamp")
    publish(uow, [*goods, lamp])
    done = put_aside(uow, SELLER, goods[0].id, Pause(None, whole_catalogue=True), "t1", NOON)
    assert (done.title, done.until) == ("Kurta", None)
    assert listed(uow, NOON + timedelta(days=3000)) == [lamp.id]
    assert [(h.title, h.catalog_id) for h in hidden(uow, SELLER, NOON, 9)] == [("Kurta", 1)]
    assert bring_back_catalogue(uow, SELLER, 1, NOON) == "Kurta"
    assert len(listed(uow)) == 3
    with pytest.raises(Gone):
        bring_back_catalogue(uow, STRANGER, 1, NOON)


def test_the_total_counts_only_what_would_be_shown(uow: FakeUnitOfWork) -> None:
    goods = [uow.with_variation(Sku(7, n, "S", "Red"), 0) for n in range(1, 24)]
    publish(uow, goods)
    reject(uow, SELLER, goods[20].id, Reason("other"), OOS, "t1", NOON)
    put_aside(uow, SELLER, goods[21].id, Pause(7), "t2", NOON)
    uow.stock.stock[goods[22].id] = 5
    first = page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t3", NOON)
    assert (first.before, first.total) == (0, 20)
    uow.stock.stock[goods[0].id] = 5  # shown already: it still counts as that
    second = page_of(uow, FakeInventory(), SELLER, OOS, first.cursor, 3, "t4", NOON)
    assert (second.before, len(second.cards), second.total) == (3, 3, 20)
    uow.stock.stock[goods[10].id] = 5  # still to come
    third = page_of(uow, FakeInventory(), SELLER, OOS, second.cursor, 3, "t5", NOON)
    assert (third.before, third.total) == (6, 19)


def test_of_a_very_long_list_in_anothers_stock_nobody_is_told_a_total(uow: FakeUnitOfWork) -> None:
    publish(uow, [uow.with_variation(Sku(7, n, "S", "Red"), 0) for n in range(1, 605)])
    assert page_of(uow, FakeInventory(), SELLER, OOS, None, 3, "t", NOON).total is None


def test_a_pause_survives_the_way_through_a_button() -> None:
    for pause in (Pause(7), Pause(None), Pause(30, True), Pause(None, True)):
        assert Pause.decode(pause.encode()) == pause
    assert [Pause.decode(text) for text in ("", "7", "p", "x7", "p7777", "p-1", "p७")] == [None] * 7


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1"])
def test_a_spreadsheet_reads_no_cell_as_a_formula(cell: str) -> None:
    line = spreadsheet([{"last_words": cell, "count": -3}]).splitlines()[-1]
    assert line.lstrip('"').startswith("'") and line.endswith(",-3")


def test_a_spreadsheet_of_nothing_is_empty() -> None:
    assert spreadsheet([]) == ""
