"""Why did it say that, on a real database: found by any id, whole, and shown to operators only."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from sqlalchemy import text

from mostrador.settings import SettingsError, read_settings
from mostrador.shop.clock import SetClock
from mostrador.shop.contacts import opt_out
from mostrador.shop.conversations import ask_for_human, reply, take
from mostrador.shop.inventory import Quantity, Sku, update_stock
from mostrador.shop.messages import Button, Delivery, DeliveryReport, InboundMessage, Kind, Say, Sender
from mostrador.shop.received import Batch
from mostrador.storage.engine import connect
from mostrador.storage.explained import Explanations
from mostrador.storage.inbox import InboxStore
from mostrador.storage.stock import OwnTablesInventory
from mostrador.storage.turns import BurstRule, Result, SessionRule, TurnStore
from mostrador.storage.unit_of_work import SqlUnitOfWork
from tests.integration.test_web import Web

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
PHONE = "919800000001"
TOKEN = "a token of the operators"
NOTED = {"language": {"before": None, "is": "en", "by": "words"}, "slots": {"item": [None, "1"]}, "session": "new"}


class Shop:
    """A database, one seller with one ware, and turns made by hand."""

    def __init__(self, url: str) -> None:
        self.engine = connect(url, 4)
        self.clock = SetClock(NOON)
        self.inbox = InboxStore(self.engine, self.clock)
        self.turns = TurnStore(self.engine, SessionRule(timedelta(minutes=8), 20), BurstRule(*[timedelta(0)] * 3))
        self.known = Explanations(self.engine)

    def write(self, provider_id: str, words: str = "hi") -> None:
        self.clock.advance(seconds=1)
        sender = Sender(wa_id=PHONE, profile_name="Asha")
        self.inbox.receive(
            Batch(messages=[InboundMessage(provider_id, "1", Kind.TEXT, self.clock.now(), sender, words)])
        )

    @property
    def conversation(self) -> str:
        return str(self.sql("select id from conversation")[0]["id"])

    def sql(self, query: str, **values: Any) -> Any:
        with self.engine.begin() as connection:
            result = connection.execute(text(query), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def answer(self, *says: Say, events: Any = (), outcome: str = "answered", task: Any = None) -> None:
        begun = self.turns.begin(self.conversation, self.clock.now())
        turn = [{"event": "user", "text": "hi", "metadata": {"turn_id": begun.turn_id}}, *events]
        result = Result(
            outcome, turn, [(say, 1) for say in says], intent="inform", confidence=0.9, explain=NOTED, task=task
        )
        assert self.turns.finish(begun, result, self.clock.now(), self.clock.now() + timedelta(milliseconds=40))


@pytest.fixture()
def shop(database_url: str) -> Iterator[Shop]:
    made = Shop(database_url)
    yield made
    made.engine.dispose()


def test_everything_that_a_turn_did_is_found_by_each_of_its_ids(shop: Shop) -> None:
    shop.write("wamid.A_1")
    with SqlUnitOfWork(shop.engine) as uow:
        contact = uow.contacts.of_conversation(shop.conversation)
        assert contact is not None
        ware = uow.variations.ensure(Sku(7, 1, "VP1", "Blue, M"), 1, "Kurta")
        shop_sql = "insert into contact_role (contact_id, role, supplier_id) values (:id, 'seller', 7)"
        uow.connection.execute(text(shop_sql), {"id": contact.id})
        uow.commit()
    with SqlUnitOfWork(shop.engine) as uow:
        contact = uow.contacts.of_conversation(shop.conversation)
        assert contact is not None
    uow = SqlUnitOfWork(shop.engine)
    update_stock(uow, OwnTablesInventory(), contact, ware.id, Quantity(50), "wamid.A_1", NOON)
    update_stock(
        uow, OwnTablesInventory(), contact, ware.id, Quantity(60), "wamid.AX1", NOON
    )  # not a LIKE of the first
    opt_out(uow, contact.id, "wamid.A_1", NOON)
    ask_for_human(uow, shop.conversation, "asked", "wamid.A_1", NOON)
    slots = [{"event": "slot", "name": "item", "value": "1"}, {"event": "slot", "name": "tries", "value": None}]
    shop.answer(Say("Done", (Button("Undo", "/undo_update"),), response="utter_done"), events=slots)
    shop.sql("update outbox set provider_id = 'wamid.ours', status = 'read', sent_at = :at", at=NOON)
    shop.inbox.receive(Batch(reports=[DeliveryReport("wamid.ours", Delivery.READ, NOON + timedelta(seconds=9), "1")]))

    found = shop.known.of("wamid.A_1")

    assert found is not None and found == shop.known.of("wamid.ours")
    assert (found.outcome, found.contact, found.intent, found.noted) == ("answered", "Asha", "inform", NOTED)
    assert [(m.text, m.tries) for m in found.heard] == [("hi", 1)]
    done = {effect.use_case: effect.outcome for effect in found.effects}
    assert set(done) == {"update_stock", "opt_out"}
    assert done["update_stock"] is not None and done["update_stock"]["after"] == 50
    assert [(row.title, row.before, row.after) for row in found.stock] == [("Kurta – Blue, M", 0, 50)]
    assert found.tasks == (("handover", "open"),)
    assert found.slots == {"item": "1", "tries": None}
    (said,) = found.said
    assert (said.response, said.buttons, said.sent_at) == ("utter_done", ("Undo",), NOON)
    assert said.reports == {"read": NOON + timedelta(seconds=9)}


def test_slots_are_those_of_the_end_of_the_turn_and_of_its_session(shop: Shop) -> None:
    def slot(value: str) -> Dict[str, Any]:
        return {"event": "slot", "name": "item", "value": value}

    for number, events in enumerate(([slot("1")], [slot("2")], [{"event": "session_started"}])):
        shop.write(f"m{number}")
        shop.answer(Say("ok"), events=events)

    found = [shop.known.of(f"m{number}") for number in range(3)]

    assert [dict(it.slots) for it in found if it] == [{"item": "1"}, {"item": "2"}, {"item": "2"}]


def test_what_has_no_turn_is_explained_as_far_as_it_goes(shop: Shop) -> None:
    shop.write("m1")
    waiting = shop.known.of("m1")
    assert waiting is not None and waiting.outcome == "open"

    begun = shop.turns.begin(shop.conversation, shop.clock.now())
    later = shop.clock.now() + timedelta(seconds=1)
    shop.turns.put_off(begun, later, "the database is away", counts=False, says=[(Say("Wait"), 1)], now=later)
    put_off = shop.known.of("m1")
    assert put_off is not None and put_off.outcome == "open"
    assert (put_off.heard[0].waits, put_off.heard[0].error) == (1, "the database is away")
    assert [row.text for row in put_off.said] == ["Wait"]

    take(SqlUnitOfWork(shop.engine), shop.conversation, "Ana", later)
    reply(SqlUnitOfWork(shop.engine), shop.conversation, "Ana", "Here I am", "r1", later)
    left = shop.known.of("m1")
    assert left is not None and left.outcome == "left"
    shop.sql("update outbox set provider_id = 'wamid.ana' where speaker = 'human'")
    unasked = shop.known.of("wamid.ana")
    assert unasked is not None and (unasked.outcome, unasked.heard) == ("unasked", ())
    assert [(row.speaker, row.text) for row in unasked.said] == [("human", "Here I am")]
    assert shop.known.of("nobody") is None and shop.known.of("%") is None


def test_the_newest_turn_is_found_by_number_and_by_conversation(shop: Shop) -> None:
    shop.write("m1")
    talk = shop.conversation
    assert {shop.known.conversation(name) for name in (PHONE, f"+{PHONE}", "+91 98000-00001", talk, talk[:8])} == {talk}
    assert shop.known.conversation("910000") is None and shop.known.conversation(" ") is None
    assert shop.known.last(talk) == "m1"
    shop.answer(Say("ok"))
    shop.write("m2")
    shop.answer(Say("ok"))
    assert shop.known.last(talk) == "m2"
    shop.write("m3")
    assert shop.known.last(talk) == "m3"


def test_an_apology_is_explained_with_its_task(shop: Shop) -> None:
    shop.write("m1")
    shop.answer(Say("Sorry"), outcome="apologised", task={"kind": "failed_turn", "turn": "m1"})
    found = shop.known.of("m1")
    assert found is not None and (found.outcome, found.tasks) == ("apologised", (("failed_turn", "open"),))


# --- the page


def page_of(shop: Shop, var: Path, **environment: str) -> Web:
    return Web(shop.engine.url.render_as_string(hide_password=False), var, **environment).wait()


def test_the_page_is_for_whoever_has_the_token(shop: Shop, tmp_path: Path) -> None:
    shop.write("wamid.a/b+c==", "<b>fifty lamps</b>")
    shop.answer(Say("ok"))
    web = page_of(shop, tmp_path, MOSTRADOR_OPERATOR_TOKEN=TOKEN)
    try:
        path = "/explain/wamid.a%2Fb%2Bc%3D%3D"
        basic = "Basic " + base64.b64encode(f"ana:{TOKEN}".encode()).decode()
        for wrong in ("", "Bearer no", "Basic !", "Basic " + base64.b64encode(b"no colon").decode(), f"Digest {TOKEN}"):
            refused = web.client.get(path, headers={"Authorization": wrong} if wrong else {})
            assert (refused.status_code, "fifty lamps" in refused.text) == (401, False)
            assert refused.headers["www-authenticate"].startswith("Basic")
        for right in (basic, f"Bearer {TOKEN}"):
            shown = web.client.get(path, headers={"Authorization": right})
            assert shown.status_code == 200 and "&lt;b&gt;fifty lamps&lt;/b&gt;" in shown.text
            assert shown.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in shown.headers["content-security-policy"]
        unknown = web.client.get("/explain/nobody", headers={"Authorization": basic})
        assert unknown.status_code == 404
        assert web.client.get("/explain/" + "x" * 600, headers={"Authorization": basic}).status_code == 404
        assert "fifty lamps" not in web.log.read_text()
    finally:
        web.stop()


def test_without_a_token_only_a_demo_shows_it_and_only_on_its_own_machine(shop: Shop, tmp_path: Path) -> None:
    shop.write("m1")
    shop.answer(Say("ok"))
    real = page_of(shop, tmp_path / "real")
    demo = page_of(shop, tmp_path / "demo", MOSTRADOR_DEMO="1")
    try:
        assert real.client.get("/explain/m1").status_code == 403
        assert demo.client.get("/explain/m1").status_code == 200
        elsewhere = (
            {"X-Forwarded-For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"Host": "shop.example.com"},
            {"Host": "127.0.0.1.example.com"},
        )
        assert {demo.client.get("/explain/m1", headers=headers).status_code for headers in elsewhere} == {403}
    finally:
        real.stop()
        demo.stop()


def test_a_token_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOSTRADOR_OPERATOR_TOKEN", "short")
    with pytest.raises(SettingsError, match="MOSTRADOR_OPERATOR_TOKEN") as refused:
        read_settings()
    assert "short" not in str(refused.value)
