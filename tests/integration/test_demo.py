"""The demo's marketplace: believable, complete, loaded once, quickly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterator, Tuple

import pytest
from click.testing import CliRunner
from PIL import Image
from sqlalchemy import text
from sqlalchemy.engine import Engine

from mostrador.operations import demo
from mostrador.settings import Settings, read_settings
from mostrador.shop.contacts import EVERYTHING
from mostrador.shop.inventory import Quantity, update_stock
from mostrador.shop.messages import Sender
from mostrador.shop.recommendations import RecommendationKind, page_of
from mostrador.storage.engine import connect
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.unit_of_work import SqlUnitOfWork

Loaded = Tuple[Settings, Engine, dict]


@pytest.fixture(scope="module")
def loaded(postgres: Any, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE test_demo TEMPLATE "{_template}"')
    config = read_settings(
        database_url=postgres.url("test_demo"),
        var_dir=tmp_path_factory.mktemp("demo"),
        whatsapp_phone_number_ids=("106540352242922",),
    )
    engine = connect(config.database_url, 3)
    yield config, engine, demo.load(config)
    engine.dispose()
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE test_demo WITH (FORCE)")
    connection.close()


def one(engine: Engine, query: str) -> Any:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def test_there_is_a_marketplace_to_see(loaded: Loaded) -> None:
    _, engine, figures = loaded
    assert figures["suppliers"] >= 40
    assert figures["products"] >= 2000
    assert one(engine, "select count(distinct (supplier_id, product_id)) from variation") == figures["products"]
    assert one(engine, "select count(*) from sale") == figures["sales"] > 100_000
    days = "select count(distinct sold_at::date) from sale"
    assert 60 <= one(engine, days) <= 61
    assert one(engine, "select max(sold_at) <= now() from sale")


def test_no_two_variations_of_a_supplier_look_alike(loaded: Loaded) -> None:
    twins = (
        "select count(*) from (select 1 from variation group by supplier_id, catalog_name, variation_name"
        " having count(*) > 1) t"
    )
    assert one(loaded[1], twins) == 0


def test_few_things_sell_a_lot_and_weekends_are_busy(loaded: Loaded) -> None:
    top = (
        "select sum(n) filter (where place <= 0.2) / sum(n) from (select count(*) as n,"
        " percent_rank() over (order by count(*) desc) as place from sale group by variation_id) s"
    )
    assert one(loaded[1], top) > 0.5
    week = (
        "select avg(n) filter (where dow in (0, 6)) / avg(n) filter (where dow in (2, 3)) from (select"
        " extract(dow from sold_at) as dow, count(*) as n from sale group by sold_at::date, 1) d"
    )
    assert one(loaded[1], week) > 1.15


def test_stock_is_the_sum_of_its_log_and_the_log_has_no_gap(loaded: Loaded) -> None:
    wrong = (
        "select count(*) from inventory_product_inventory i left join (select variation_id, sum(delta) as total"
        " from inventory_product_inventory_log_v2 group by 1) l using (variation_id)"
        " where i.quantity <> coalesce(l.total, 0)"
    )
    assert one(loaded[1], wrong) == 0
    gaps = (
        "select count(*) from (select quantity_before, lag(quantity_after, 1, 0) over"
        " (partition by variation_id order by id) as ended from inventory_product_inventory_log_v2) l"
        " where quantity_before <> ended"
    )
    assert one(loaded[1], gaps) == 0


def test_every_recommendation_is_true(loaded: Loaded) -> None:
    _, engine, figures = loaded
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select s.kind, i.quantity, r.current_stock, r.days_on_hand, r.estimated_order_loss"
                " from recommendation r join recommendation_snapshot s on s.id = r.snapshot_id"
                " join variation v using (supplier_id, product_id, style_id, variation_name)"
                " join inventory_product_inventory i on i.variation_id = v.id where s.state = 'current'"
            )
        ).all()
    sold_out = [row for row in rows if row.kind == "out_of_stock"]
    low = [row for row in rows if row.kind == "low_stock"]
    assert (len(sold_out), len(low)) == (figures["out_of_stock"], figures["low_stock"])
    assert all(row.quantity == 0 and row.estimated_order_loss > 0 for row in sold_out)
    assert all(row.quantity == row.current_stock > 0 and 0 <= row.days_on_hand < 14 for row in low)
    assert max(row.estimated_order_loss for row in sold_out) > 20


def test_every_supplier_of_the_demo_has_several_pages_with_pictures(loaded: Loaded) -> None:
    config, engine, _ = loaded
    for person in demo.DEMO_CONTACTS:
        if person.role != "supplier":
            continue
        with SqlUnitOfWork(engine) as uow:
            for kind in RecommendationKind:
                rows = uow.recommendations.found(kind, person.supplier_ids, None, 100, demo_now(engine)).rows
                assert len(rows) >= 7, person
                for row in rows[:3]:
                    path = config.var_dir / row.variation.picture
                    with Image.open(path) as picture:
                        assert (picture.size, picture.format) == ((640, 640), "JPEG")
                    assert path.stat().st_size < 40_000


def test_a_demo_person_is_who_writes_from_their_phone(loaded: Loaded) -> None:
    config, engine, _ = loaded
    for person in demo.DEMO_CONTACTS:
        with SqlUnitOfWork(engine) as uow:
            contact_id = uow.contacts.identify(Sender(wa_id=person.wa_id, bsuid="IN.123"), demo_now(engine))
            assert uow.contacts.has_consent(contact_id, EVERYTHING)
    people = json.loads((config.var_dir / "simulator" / "contacts.json").read_text(encoding="utf-8"))["contacts"]
    assert [one["phone"] for one in people] == [person.wa_id for person in demo.DEMO_CONTACTS]
    assert {person.language for person in demo.DEMO_CONTACTS} == {"en", "es", "hi"}


def demo_now(engine: Engine) -> Any:
    return one(engine, "select now()")


def test_the_shell_gets_a_suppliers_and_a_customers_conversation(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, engine, _ = loaded
    monkeypatch.setattr(demo, "settings", lambda: config)
    talk = demo.conversation_for("supplier")
    assert demo.conversation_for("supplier") == talk != demo.conversation_for("customer")
    with SqlUnitOfWork(engine) as uow:
        contact = uow.contacts.of_conversation(talk)
    assert contact is not None
    assert (contact.is_seller, contact.supplier_ids, contact.language) == (True, (1001,), "en")
    page = page_of(
        SqlUnitOfWork(engine),
        OwnTablesInventory(),
        contact,
        RecommendationKind.OUT_OF_STOCK,
        None,
        3,
        "t1",
        demo_now(engine),
    )
    assert len(page.cards) == 3


def test_loading_again_keeps_what_people_did_and_fresh_begins_anew(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, engine, figures = loaded
    monkeypatch.setattr(demo, "settings", lambda: config)
    with SqlUnitOfWork(engine) as uow:
        contact = uow.contacts.of_conversation(demo.conversation_for("supplier"))
        first = (
            uow.recommendations.found(RecommendationKind.OUT_OF_STOCK, [1001], None, 1, demo_now(engine))
            .rows[0]
            .variation
        )
    assert contact is not None
    update_stock(SqlUnitOfWork(engine), OwnTablesInventory(), contact, first.id, Quantity(77), "turn", demo_now(engine))
    stock = f"select coalesce(max(quantity), 0) from inventory_product_inventory where variation_id = {first.id}"
    assert demo.load(config) == figures
    assert one(engine, stock) == 77
    done = CliRunner().invoke(demo.command, ["--fresh"])
    assert done.exit_code == 0, done.output
    assert "Ananya Mehta" in done.output
    assert one(engine, stock) == 0
    assert (
        one(engine, "select count(*) from inventory_product_inventory where quantity = 77 and updated_by <> 'demo'")
        == 0
    )
    with SqlUnitOfWork(engine) as uow:
        assert uow.recommendations.found(RecommendationKind.OUT_OF_STOCK, [1001], None, 1, demo_now(engine)).rows


def test_the_same_seed_makes_the_same_shop() -> None:
    assert demo.items() == demo.items()
    goods = demo.items()[:50]
    assert demo.trade(goods, 3).log == demo.trade(goods, 3).log


def test_pictures_are_made_outside_of_the_project(loaded: Loaded) -> None:
    config, _, _ = loaded
    made = {path.name for path in (config.var_dir / "pictures").iterdir()}
    assert made == set(demo.pictures())
    assert not list((Path(demo.__file__).parent).glob("*.jpg"))
