import asyncio
import json
import threading
from datetime import datetime, timezone

import psycopg2
import pytest
from sqlalchemy.exc import DataError, OperationalError

from mostrador.channels.ingress import Door
from mostrador.settings import read_settings
from mostrador.shop.clock import SetClock

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
NUMBER = "106540352242922"


class SlowStore:
    """Keeps what it gets in one list per commit; the first commit waits until ``go`` is set."""

    def __init__(self, poison=frozenset(), away=False):
        self.commits, self.go = [], threading.Event()
        self._poison, self._away = poison, away

    def receive(self, batch):
        if not self.commits:
            self.commits.append([])
            self.go.wait(5)
        ids = [m.provider_id for m in batch.messages] + [change.new.wa_id for change in batch.identity_changes]
        if self._away:
            raise OperationalError("insert", {}, psycopg2.OperationalError("gone"))
        if self._poison & set(ids):
            raise DataError("insert", {}, psycopg2.DataError("bad"))
        self.commits.append(ids)
        return len(ids)

    def check(self):
        pass


def webhook(name, system=False):
    message = {"from": "16505551234", "id": name, "timestamp": "1795348770", "type": "text", "text": {"body": "hi"}}
    if system:
        new = {"type": "user_changed_number", "wa_id": "16505559999", "body": "changed"}
        message = {**message, "type": "system", "system": new}
        del message["text"]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "P"}, "wa_id": "16505551234"}],
        "messages": [message],
    }
    change = {"value": value, "field": "messages"}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


def answers(store, bodies):
    async def play():
        door = Door(store, read_settings(whatsapp_phone_number_ids=(NUMBER,)), SetClock(NOW))
        first = asyncio.ensure_future(door.take(webhook("first")))
        await asyncio.sleep(0.05)
        rest = [asyncio.ensure_future(door.take(body)) for body in bodies]
        await asyncio.sleep(0.05)
        store.go.set()
        got = [answer.status for answer in await asyncio.gather(first, *rest)]
        door.close()
        return got

    return asyncio.run(play())


def test_webhooks_that_come_while_one_is_stored_share_the_next_commit():
    store = SlowStore()
    assert answers(store, [webhook(f"m{n}") for n in range(20)]) == [200] * 21
    assert store.commits[1:] == [["first"], [f"m{n}" for n in range(20)]]


def test_one_that_cannot_be_stored_is_told_so_and_harms_none_of_the_others():
    store = SlowStore(poison={"m3"})
    assert answers(store, [webhook(f"m{n}") for n in range(6)]) == [200, 200, 200, 200, 500, 200, 200]
    assert sorted(id_ for commit in store.commits for id_ in commit) == ["first", "m0", "m1", "m2", "m4", "m5"]


def test_while_the_database_is_away_all_of_them_are_asked_to_come_again():
    assert answers(SlowStore(away=True), [webhook("a"), webhook("b")]) == [503, 503, 503]


def test_a_changed_number_is_stored_by_itself_and_in_its_place():
    store = SlowStore()
    answers(store, [webhook("m1"), webhook("change", system=True), webhook("m2"), webhook("m3")])
    names = [[name for name in commit if name.startswith("m") or name == "change"] for commit in store.commits[2:]]
    assert names == [["m1"], ["change"], ["m2", "m3"]]


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"[" * 20_000])
def test_what_is_no_webhook_is_refused_before_anything_is_stored(raw):
    store = SlowStore()
    assert answers(store, [raw]) == [200, 400]
    assert store.commits[1:] == [["first"]]
