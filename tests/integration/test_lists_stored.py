"""Rejections, mutes and preferences on a real database: lists, the next feed, two phones, one person twice."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone
from typing import Any, Iterator, List

import pytest
from click.testing import CliRunner
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from test_stock import publish, set_stock

from mostrador.operations import report_command
from mostrador.shop.contacts import Contact
from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.messages import Sender
from mostrador.shop.preferences import Hours
from mostrador.shop.recommendations import Page, RecommendationKind, page_of
from mostrador.shop.rejections import Pause, Reason, bring_back, bring_back_catalogue, hidden, put_aside, reject
from mostrador.storage.engine import connect
from mostrador.storage.rejections import rejection_figures
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
OOS = RecommendationKind.OUT_OF_STOCK
SELLER = Contact(1, roles=("seller",), supplier_ids=(7,))


@pytest.fixture()
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect(database_url, pool_size=6)
    yield engine
    engine.dispose()


def page(engine: Engine, cursor: Any = None, limit: int = 3, at: datetime = NOW, turn: str = "t") -> Page:
    return page_of(SqlUnitOfWork(engine), OwnTablesInventory(), SELLER, OOS, cursor, limit, turn, at)


def products(engine: Engine, at: datetime = NOW) -> List[int]:
    return [card.recommendation.variation.sku.product_id for card in page(engine, limit=50, at=at).cards]


def variation(engine: Engine, product: int) -> Variation:
    with SqlUnitOfWork(engine) as uow:
        found = uow.variations.ensure(Sku(7, product, "S", "Red"), 1, "Lamp")
        uow.commit()
    return found


def feed(engine: Engine, *supplied: int) -> int:
    return publish(engine, OOS, [(7, product, product) for product in supplied])


def test_what_was_rejected_stays_away_when_the_feed_is_loaded_anew(engine: Engine) -> None:
    feed(engine, 1, 2, 3)
    item = variation(engine, 2)
    reject(SqlUnitOfWork(engine), SELLER, item.id, Reason("not_made", "ya no"), OOS, "t1", NOW)
    assert products(engine) == [3, 1]
    feed(engine, 1, 2, 3, 4)
    assert products(engine) == [4, 3, 1]
    bring_back(SqlUnitOfWork(engine), SELLER, item.id, "t2", NOW)
    assert products(engine) == [4, 3, 2, 1]


def test_pages_of_a_list_count_steadily_while_the_feed_is_replaced_under_them(engine: Engine) -> None:
    feed(engine, *range(1, 9))
    first = page(engine)
    feed(engine, *range(20, 60))
    second = page(engine, first.cursor)
    assert (first.before, first.total, second.before, second.total) == (0, 8, 3, 8)
    set_stock(engine, 2, 5)  # still to come
    set_stock(engine, 8, 5)  # shown already
    third = page(engine, second.cursor)
    assert (third.before, len(third.cards), third.total, third.cursor) == (6, 1, 7, None)


def test_a_list_whose_feed_is_gone_begins_anew_and_counts_anew(engine: Engine) -> None:
    old = feed(engine, *range(1, 9))
    first = page(engine)
    feed(engine, *range(20, 25))
    with engine.begin() as connection:
        connection.execute(text("update recommendation_snapshot set state = 'dropped' where id = :id"), {"id": old})
    again = page(engine, first.cursor)
    assert (again.before, again.total, len(again.cards)) == (0, 5, 3)


def test_a_mute_ends_by_itself_and_covers_skus_of_the_catalogue_that_nobody_has_met(engine: Engine) -> None:
    feed(engine, 1, 2, 3)
    item = variation(engine, 2)
    put_aside(SqlUnitOfWork(engine), SELLER, item.id, Pause(7), "t1", NOW)
    assert products(engine) == [3, 1]
    assert products(engine, NOW + timedelta(days=7)) == [3, 2, 1]
    put_aside(SqlUnitOfWork(engine), SELLER, item.id, Pause(None, whole_catalogue=True), "t2", NOW)
    feed(engine, 1, 2, 3, 4, 5)
    assert (products(engine), page(engine).total) == ([], 0)
    assert bring_back_catalogue(SqlUnitOfWork(engine), SELLER, 1, NOW) == "Lamp"
    assert products(engine) == [5, 4, 3, 1]


def test_two_phones_reject_and_put_aside_the_same_at_once(engine: Engine) -> None:
    item = variation(engine, 1)
    phones = [Contact(n, roles=("seller",), supplier_ids=(7,)) for n in (1, 2, 3, 4)]
    errors: List[BaseException] = []

    def tap(phone: Contact) -> None:
        try:
            uow = SqlUnitOfWork(engine)
            reject(uow, phone, item.id, Reason("other"), OOS, f"r{phone.id}", NOW)
            put_aside(uow, phone, item.id, Pause(7), f"p{phone.id}", NOW)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=tap, args=(phone,)) for phone in phones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with engine.connect() as connection:
        in_force = "select count(*) from rejection where lifted_at is null"
        assert connection.execute(text(in_force)).scalar_one() == 1
    bring_back(SqlUnitOfWork(engine), SELLER, item.id, "b", NOW)
    assert hidden(SqlUnitOfWork(engine), SELLER, NOW, 9) == []


def test_what_is_hidden_is_listed_newest_first_and_another_suppliers_is_not(engine: Engine) -> None:
    first, second, third = (variation(engine, n) for n in (1, 2, 3))
    reject(SqlUnitOfWork(engine), SELLER, first.id, Reason("other"), OOS, "t1", NOW)
    put_aside(SqlUnitOfWork(engine), SELLER, second.id, Pause(7), "t2", NOW + timedelta(minutes=1))
    put_aside(SqlUnitOfWork(engine), SELLER, third.id, Pause(7, True), "t3", NOW + timedelta(minutes=2))
    put_aside(SqlUnitOfWork(engine), SELLER, second.id, Pause(30), "t4", NOW + timedelta(minutes=3))
    found = hidden(SqlUnitOfWork(engine), SELLER, NOW + timedelta(minutes=4), 9)
    assert [(h.title, h.rejected, h.variation_id, h.catalog_id) for h in found] == [
        ("Lamp – Red", False, second.id, None),
        ("Lamp", False, None, 1),
        ("Lamp – Red", True, first.id, None),
    ]
    assert found[0].until == NOW + timedelta(days=30, minutes=3)
    assert hidden(SqlUnitOfWork(engine), Contact(9, supplier_ids=(8,)), NOW, 9) == []


def test_a_page_costs_few_statements(engine: Engine) -> None:
    feed(engine, *range(1, 30))
    page(engine, turn="t0")
    statements: List[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    page(engine, turn="t1")
    assert len(statements) == 3, statements  # which feed, the page with its count, what was shown


def test_the_report_counts_by_reason_supplier_and_sku(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for product, code, words in ((1, "other", "=HYPERLINK(1)"), (2, "not_made", ""), (3, "not_made", "")):
        reject(
            SqlUnitOfWork(engine), SELLER, variation(engine, product).id, Reason(code, words), OOS, f"t{product}", NOW
        )
    bring_back(SqlUnitOfWork(engine), SELLER, variation(engine, 3).id, "b", NOW)
    with engine.connect() as connection:
        assert rejection_figures(connection, "reason", NOW - timedelta(days=1)) == [
            {"reason": "not_made", "count": 1, "taken_back": 1},
            {"reason": "other", "count": 1, "taken_back": 0},
        ]
        assert rejection_figures(connection, "reason", NOW + timedelta(days=1)) == []

    class Made:
        pass

    made = Made()
    made.engine, made.clock = engine, Made()  # type: ignore[attr-defined]
    made.clock.now = lambda: NOW + timedelta(hours=1)  # type: ignore[attr-defined]
    monkeypatch.setattr(report_command, "services", lambda: made)
    run = CliRunner().invoke
    figures = json.loads(run(report_command.report, ["rejections", "--json"]).output.splitlines()[-1])
    assert figures["supplier"] == [{"supplier_id": 7, "count": 2, "taken_back": 1}]
    assert [row["product_id"] for row in figures["sku"]] == [1, 2, 3]
    rows = run(report_command.report, ["rejections", "--csv", "--by", "sku"]).output
    assert "'=HYPERLINK(1)" in rows and rows.startswith("supplier_id,product_id,")
    assert "by reason:" in run(report_command.report, ["rejections"]).output
    assert run(report_command.report, ["rejections", "--csv"]).exit_code != 0


def test_preferences_follow_a_person_known_twice_and_the_zone_follows_the_number(engine: Engine) -> None:
    with SqlUnitOfWork(engine) as uow:
        by_user = uow.contacts.identify(Sender(bsuid="IN.1"), NOW)
        by_phone = uow.contacts.identify(Sender(wa_id="919876543210"), NOW)
        uow.contacts.set_hours(by_phone, Hours(540, 1080), NOW)
        uow.contacts.set_hours(by_phone, Hours(600, 1080), NOW)
        uow.contacts.set_name(by_user, "Meera")
        one = uow.contacts.identify(Sender(bsuid="IN.1", wa_id="919876543210"), NOW)
        assert one == by_user
        assert uow.contacts.hours(one) == Hours(600, 1080)
        assert uow.contacts.hours(by_phone) is None
        assert uow.contacts.time_zone(one) == "Asia/Calcutta"
        assert uow.contacts.time_zone(by_phone) == "UTC"
