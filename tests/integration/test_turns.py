"""The queue of turns on real PostgreSQL: one at a time, in the person's order, all or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterator, List, Optional

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine

from mostrador.shop.clock import SetClock
from mostrador.shop.conversations import take
from mostrador.shop.messages import InboundMessage, Kind, Say, Sender
from mostrador.shop.received import Batch
from mostrador.storage.engine import connect
from mostrador.storage.inbox import InboxStore
from mostrador.storage.turns import Begun, BurstRule, NotYet, Result, SessionRule, TurnStore
from mostrador.storage.unit_of_work import SqlUnitOfWork

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
SILENCE = timedelta(minutes=8)


class Shop:
    """A database with one contact who writes, and the store under test."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = connect(url, 6)
        self.clock = SetClock(NOON)
        self.inbox = InboxStore(self.engine, self.clock)
        self.store = self.store_with()

    def store_with(self, **burst: float) -> TurnStore:
        rule = BurstRule(*(timedelta(seconds=burst.get(name, 0)) for name in ("quiet", "cap", "hold")))
        return TurnStore(self.engine, SessionRule(SILENCE, 20), rule)

    def write(self, provider_id: str, body: str = "hi", at: datetime = NOON, kind: Kind = Kind.TEXT) -> None:
        sender = Sender(wa_id="919800000001", profile_name="Asha")
        self.inbox.receive(Batch(messages=[InboundMessage(provider_id, "1", kind, at, sender, body)]))

    @property
    def conversation(self) -> str:
        return str(self.rows("select id from conversation")[0]["id"])

    def rows(self, query: str) -> List[Dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query)).mappings()]

    def begin(self, store: Optional[TurnStore] = None) -> Any:
        return (store or self.store).begin(self.conversation, self.clock.now())

    def answer(self, begun: Begun, words: str = "hello") -> bool:
        events = [{"event": "user", "text": "hi"}, {"event": "bot", "text": words}]
        result = Result("answered", events, [(Say(text=words), 1)])
        return self.store.finish(begun, result, self.clock.now(), self.clock.now())


@pytest.fixture()
def shop(database_url: str) -> Iterator[Shop]:
    made = Shop(database_url)
    yield made
    made.engine.dispose()


def test_a_turn_writes_tracker_reply_and_closed_message_together(shop: Shop) -> None:
    shop.write("m1")
    assert shop.answer(shop.begin())
    assert shop.rows("select status, turn_id from inbox") == [{"status": "done", "turn_id": "m1"}]
    assert [r["type"] for r in shop.rows("select type from tracker_event order by seq")] == ["user", "bot"]
    assert [r["say"] for r in shop.rows("select say from outbox")] == [{"text": "hello"}]
    assert shop.begin() is None


def test_a_conversation_has_one_turn_at_a_time_over_all_processes(shop: Shop) -> None:
    shop.write("m1")
    shop.write("m2", at=NOON + timedelta(seconds=1))
    begun = shop.begin()
    assert shop.begin() is None
    shop.answer(begun)
    second = shop.begin()
    assert second.turn_id == "m2"
    shop.store.drop(second)


def test_a_killed_process_frees_its_conversation_at_once_and_leaves_no_trace(shop: Shop) -> None:
    shop.write("m1")
    begun = shop.begin()
    begun.connection.invalidate()  # what the server sees when the process dies
    again = shop.begin()
    assert (again.turn_id, again.tries) == ("m1", 2)
    shop.store.drop(again)
    assert shop.rows("select * from outbox") == []


def test_messages_are_answered_by_their_own_time_stamp(shop: Shop) -> None:
    shop.write("late", at=NOON + timedelta(seconds=5))
    shop.write("early", at=NOON)
    begun = shop.begin()
    assert begun.turn_id == "early"
    shop.store.drop(begun)


def test_a_message_waits_for_an_older_one_that_is_still_under_way(shop: Shop) -> None:
    store = shop.store_with(hold=1)
    shop.write("late", at=NOON + timedelta(seconds=1))
    assert shop.begin(store) == NotYet(NOON + timedelta(seconds=1))
    shop.clock.advance(seconds=0.5)
    shop.write("early", at=NOON)
    shop.clock.advance(seconds=1)
    begun = shop.begin(store)
    assert begun.turn_id == "early"
    shop.store.drop(begun)


def test_free_text_merges_into_one_turn_once_the_person_is_quiet(shop: Shop) -> None:
    store = shop.store_with(quiet=1, cap=4)
    for number in range(3):
        shop.write(f"m{number}", f"line {number}", NOON + timedelta(seconds=number))
        assert isinstance(shop.begin(store), NotYet)
    shop.clock.advance(seconds=1)
    begun = shop.begin(store)
    assert [m.provider_id for m in begun.members] == ["m0", "m1", "m2"]
    shop.answer(begun)
    assert {r["status"] for r in shop.rows("select status from inbox")} == {"done"}


def test_a_tap_never_waits_for_more(shop: Shop) -> None:
    store = shop.store_with(quiet=1, cap=4)
    shop.write("m1", kind=Kind.TAP)
    begun = shop.begin(store)
    assert isinstance(begun, Begun)
    shop.store.drop(begun)


def test_a_merged_turn_keeps_its_members_when_it_is_tried_again(shop: Shop) -> None:
    store = shop.store_with(quiet=1, cap=4)
    shop.write("m1")
    shop.clock.advance(seconds=1)
    shop.store.put_off(shop.begin(store), shop.clock.now(), "failed", counts=True)
    shop.write("m2", at=NOON + timedelta(seconds=1))
    begun = shop.begin(store)
    assert [m.provider_id for m in begun.members] == ["m1"]
    shop.store.drop(begun)


@pytest.mark.parametrize(("silence", "is_new"), [(timedelta(minutes=7, seconds=59), False), (SILENCE * 1.01, True)])
def test_a_session_ends_after_eight_minutes_of_silence(shop: Shop, silence: timedelta, is_new: bool) -> None:
    shop.write("m1")
    shop.answer(shop.begin())
    shop.write("m2", at=NOON + silence)
    begun = shop.begin()
    assert begun.new_session is is_new
    shop.store.drop(begun)


def test_a_long_talk_begins_a_new_session_but_never_inside_a_form(shop: Shop) -> None:
    shop.write("m1")
    shop.answer(shop.begin())
    for open_form, is_new in (("stock_update_form", False), ("", True)):
        with shop.engine.begin() as connection:
            connection.execute(text("update conversation set session_turns = 20, open_form = :f"), {"f": open_form})
        shop.write(f"m-{open_form}")
        begun = shop.begin()
        assert begun.new_session is is_new
        shop.answer(begun)


def test_an_outage_does_not_use_up_the_tries_of_a_message(shop: Shop) -> None:
    shop.write("m1")
    for _ in range(5):
        shop.store.put_off(shop.begin(), shop.clock.now(), "away", counts=False)
    assert shop.rows("select tries, waits from inbox") == [{"tries": 0, "waits": 5}]


def test_what_the_bot_wanted_to_say_is_not_said_once_a_human_took_over(shop: Shop) -> None:
    shop.write("m1")
    begun = shop.begin()
    take(SqlUnitOfWork(shop.engine), shop.conversation, "Ana", shop.clock.now())
    assert not shop.answer(begun)
    assert shop.rows("select * from outbox") == []
    assert shop.rows("select status from inbox") == [{"status": "kept"}]


def test_the_same_webhook_twice_is_one_message(shop: Shop) -> None:
    shop.write("m1")
    shop.write("m1")
    assert len(shop.rows("select * from inbox")) == 1
