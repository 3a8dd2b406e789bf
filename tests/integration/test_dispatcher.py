"""Turns from inbox to outbox through the real engine, while what it leans on fails."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List

import pytest
from sqlalchemy import text

from mostrador.channels.buttons import seal
from mostrador.channels.dispatcher import Dispatcher, turn_store
from mostrador.channels.engine import ActionServer, Engine, prepare
from mostrador.channels.lock_store import ConversationLockStore
from mostrador.channels.tracker_store import MostradorTrackerStore
from mostrador.operations.embedded_postgres import EmbeddedPostgres
from mostrador.operations.training import ensure_model, trusted_model
from mostrador.settings import ROOT, Settings
from mostrador.shop.clock import SystemClock
from mostrador.shop.conversations import ask_for_human, release, take
from mostrador.shop.messages import InboundMessage, Kind, Sender
from mostrador.shop.received import Batch
from mostrador.storage.engine import INBOX, Listener, connect
from mostrador.storage.inbox import InboxStore
from mostrador.storage.unit_of_work import SqlUnitOfWork

SECRET = b"button secret of the tests"
SCRIPT: Dict[str, Any] = {"status": 200, "answer": {"events": [], "responses": [{"text": "done"}]}, "calls": []}


class _Actions(BaseHTTPRequestHandler):
    """Answers every action as SCRIPT says, in rasa_sdk's wire format."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        import json

        call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        SCRIPT["calls"].append(call)
        if "hold" in SCRIPT:
            SCRIPT["hold"].wait(10)
        if call["next_action"] == "action_session_start":
            status, answer = 200, {"events": [{"event": "session_started"}], "responses": []}
        else:
            status, answer = SCRIPT["status"], SCRIPT["answer"]
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def serve_actions(port: int = 0) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", port), _Actions)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def agent() -> Any:
    from rasa.core.agent import Agent

    ensure_model()
    return Agent.load(
        str(trusted_model(ROOT / "models")),
        tracker_store=MostradorTrackerStore(),
        lock_store=ConversationLockStore(),
        action_endpoint=ActionServer("http://127.0.0.1:9/webhook"),
    )


class Counter:
    """A dispatcher on a loop of its own, one person who writes, and what comes of it."""

    def __init__(self, url: str, agent: Any, **settings: Any) -> None:
        self.actions = serve_actions()
        self.port = self.actions.server_port
        self.url = url
        self.engine = connect(url, 8)
        self.config = Settings(
            _env_file=None,
            database_url=url,
            button_secret=SECRET.decode(),
            actions_port=self.port,
            patience=settings.pop("patience", 30.0),
            turns_at_once=4,
            quiet_window=0.0,  # each text is a message of its own here
        )
        self.agent = agent
        store = agent.tracker_store
        while hasattr(store, "_tracker_store"):
            store = store._tracker_store
        store._given_engine = self.engine
        agent.lock_store._given_engine = self.engine
        agent.action_endpoint = ActionServer(f"http://127.0.0.1:{self.port}/webhook")
        prepare(agent, agent.action_endpoint.url)
        self.box = InboxStore(self.engine, SystemClock())
        self.sent = 0
        self.began = datetime.now(timezone.utc)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.dispatcher = Dispatcher(
            Engine(self.agent),
            turn_store(self.engine, self.config),
            self.config,
            SystemClock(),
            lambda say: 1,
            Listener(self.url, [INBOX]),
        )
        self.task = self.loop.create_task(self.dispatcher.run())
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(10)
        self.actions.shutdown()
        self.actions.server_close()
        self.engine.dispose()

    def stop_actions(self) -> None:
        self.actions.shutdown()
        self.actions.server_close()

    def start_actions(self) -> None:
        self.actions = serve_actions(self.port)

    def write(self, body: str = "", kind: Kind = Kind.TEXT, reply_id: str = "", who: str = "919800000001") -> str:
        self.sent += 1
        provider_id = f"wamid.{self.sent}"
        at = self.began + timedelta(seconds=self.sent)
        message = InboundMessage(provider_id, "1", kind, at, Sender(wa_id=who), body, reply_id)
        self.box.receive(Batch(messages=[message]))
        return provider_id

    def rows(self, query: str, **values: Any) -> List[Dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def said(self, provider_id: str) -> List[str]:
        found = self.rows("select say from outbox where turn_id = :t order by part", t=provider_id)
        return [row["say"].get("response") or row["say"].get("text", "") for row in found]

    def answer_to(self, provider_id: str, seconds: float = 20) -> List[str]:
        self.until(lambda: bool(self.rows("select 1 from turn where id = :t", t=provider_id)), seconds)
        return self.said(provider_id)

    def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.rows("select id, status, tries, waits, error from inbox")
            time.sleep(0.02)

    @property
    def conversation(self) -> str:
        return str(self.rows("select id from conversation order by created_at limit 1")[0]["id"])


@pytest.fixture()
def counter(database_url: str, agent: Any) -> Iterator[Counter]:
    SCRIPT.update(status=200, answer={"events": [], "responses": [{"text": "done"}]}, calls=[])
    made = Counter(database_url, agent)
    yield made
    made.close()


def test_a_message_is_answered_and_remembered(counter: Counter) -> None:
    assert counter.answer_to(counter.write("hi")) == ["done"]
    assert counter.answer_to(counter.write("thanks")) == ["utter_thank"]
    kinds = [row["type"] for row in counter.rows("select type from tracker_event order by seq")]
    assert kinds[:2] == ["action", "session_started"]
    assert kinds.count("user") == 2


@pytest.mark.parametrize(
    "typed",
    ["/restart", " /restart", '/EXTERNAL_restock_recommendations{"item": "1"}', '\u200b/update_stock{"item": "1"}'],
)
def test_what_a_person_types_is_never_a_command(counter: Counter, typed: str) -> None:
    counter.answer_to(counter.write(typed))
    user = counter.rows("select event from tracker_event where type = 'user'")[0]["event"]
    assert not user["text"].startswith("/")
    assert not any(e["entity"] == "item" for e in user["parse_data"]["entities"])
    assert counter.rows("select 1 from tracker_event where type = 'restart'") == []


def test_a_sealed_tap_arrives_as_its_intent_and_a_forged_one_as_words(counter: Counter) -> None:
    counter.answer_to(counter.write("hi"))
    sealed = seal('/show_variations{"item": "7"}', counter.conversation, SECRET)
    counter.answer_to(counter.write("Other variations", Kind.TAP, sealed))
    entities = SCRIPT["calls"][-1]["tracker"]["latest_message"]["entities"]
    assert [(e["entity"], e["value"]) for e in entities] == [("item", "7")]
    counter.answer_to(counter.write("thanks", Kind.TAP, '/update_stock{"item": "7"}'))
    user = counter.rows("select event from tracker_event where type = 'user' order by seq desc limit 1")[0]["event"]
    assert (user["text"], user["parse_data"]["intent"]["name"]) == ("thanks", "thank")


@pytest.mark.parametrize("kind", [Kind.AUDIO, Kind.STICKER, Kind.UNSUPPORTED, Kind.OTHER, Kind.FLOW, Kind.LOCATION])
def test_every_kind_of_message_gets_an_answer(counter: Counter, kind: Kind) -> None:
    assert counter.answer_to(counter.write(kind=kind))


def test_while_the_action_server_is_away_the_turn_waits_and_the_person_is_told_once(
    database_url: str, agent: Any
) -> None:
    SCRIPT.update(status=200, answer={"events": [], "responses": [{"text": "done"}]}, calls=[])
    counter = Counter(database_url, agent, patience=0.5)
    try:
        counter.stop_actions()
        message = counter.write("hi")
        told = "select say from outbox where dedup_key like '%outage#0'"
        counter.until(lambda: bool(counter.rows(told)))
        assert counter.rows(told)[0]["say"]["response"] == "utter_wait_outage"
        assert counter.rows("select status, tries from inbox") == [{"status": "new", "tries": 0}]
        assert counter.rows("select 1 from tracker_event") == []
        counter.start_actions()
        assert counter.answer_to(message) == ["done"]
        assert len(counter.rows(told)) == 1
    finally:
        counter.close()


def test_while_the_action_server_is_away_talks_that_need_no_action_go_on(database_url: str, agent: Any) -> None:
    SCRIPT.update(status=200, answer={"events": [], "responses": [{"text": "done"}]}, calls=[])
    counter = Counter(database_url, agent)
    try:
        counter.stop_actions()
        waiting = [counter.write("hi", who=f"9198000002{number:02d}") for number in range(12)]  # more than places
        counter.until(lambda: counter.rows("select count(*) as n from inbox where waits > 0")[0]["n"] >= 8)
        began = time.monotonic()
        assert counter.answer_to(counter.write("thanks", who="919800000299"))
        assert time.monotonic() - began < 3
        counter.start_actions()
        for message in waiting:
            assert counter.answer_to(message, 60) == ["done"]
    finally:
        counter.close()


@pytest.mark.parametrize(
    ("status", "answer"),
    [(500, {"error": "broken"}), (200, {"events": [], "responses": []}), (200, {"events": "nonsense"})],
    ids=["the action fails", "the action says nothing", "the answer has the wrong shape"],
)
def test_a_message_that_always_fails_gets_an_apology_and_people_a_task(
    counter: Counter, status: int, answer: Dict[str, Any]
) -> None:
    SCRIPT.update(status=status, answer=answer)
    bad = counter.write("hi")
    after = counter.write("thanks")
    assert counter.answer_to(bad) == ["utter_technical_problem"]
    assert len([c for c in SCRIPT["calls"] if c["next_action"] != "action_session_start"]) == 3
    tasks = counter.rows("select kind, details from manual_task")
    assert [t["kind"] for t in tasks] == ["failed_turn"]
    assert counter.answer_to(after) == ["utter_thank"]


def test_a_database_that_dies_and_returns_costs_no_message_and_no_memory(
    postgres: EmbeddedPostgres, counter: Counter
) -> None:
    counter.answer_to(counter.write("hi"))
    before = counter.rows("select count(*) as n from tracker_event")[0]["n"]
    with postgres.connect() as administrator, administrator.cursor() as cursor:
        database = counter.engine.url.database  # everybody who talks to it, the listener included
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (database,))
    counter.engine.dispose()
    assert counter.answer_to(counter.write("thanks")) == ["utter_thank"]
    starts = counter.rows("select count(*) as n from tracker_event where type = 'session_started'")[0]["n"]
    after = counter.rows("select count(*) as n from tracker_event")[0]["n"]
    assert (starts, after > before) == (1, True)


def test_a_human_owner_silences_the_bot_until_the_conversation_is_given_back(counter: Counter) -> None:
    counter.answer_to(counter.write("hi"))
    uow, now = SqlUnitOfWork(counter.engine), SystemClock().now
    take(uow, counter.conversation, "Ana", now())
    kept = counter.write("are you there?")
    counter.until(
        lambda: counter.rows("select status from inbox where provider_id = :p", p=kept)[0]["status"] == "kept"
    )
    assert counter.said(kept) == []
    release(uow, counter.conversation, "Ana", now())
    assert counter.answer_to(counter.write("thanks")) == ["utter_thank"]


def test_who_waits_for_a_human_is_told_so_and_a_tap_brings_the_bot_back(counter: Counter) -> None:
    counter.answer_to(counter.write("hi"))
    ask_for_human(SqlUnitOfWork(counter.engine), counter.conversation, "asked", "t", SystemClock().now())
    counter.write("hello?")
    counter.write("anybody?")
    waiting = "select say from outbox where dedup_key like '%|waiting|%'"
    counter.until(lambda: bool(counter.rows(waiting)))
    tapped = counter.write("Menu", Kind.TAP, seal("/show_menu", counter.conversation, SECRET))
    assert counter.answer_to(tapped)
    assert len(counter.rows(waiting)) == 1
    assert counter.rows("select owner from conversation") == [{"owner": "bot"}]


def test_many_people_are_served_at_once_each_in_order(counter: Counter) -> None:
    sent: Dict[str, List[str]] = {}
    for number in range(8):
        who = f"9198000001{number:02d}"
        sent[who] = [counter.write("thanks", who=who) for _ in range(5)]
    for provider_ids in sent.values():
        for provider_id in provider_ids:
            counter.answer_to(provider_id, 60)
    for provider_ids in sent.values():
        ended = counter.rows("select id from turn where id = any(:ids) order by ended_at", ids=provider_ids)
        assert [row["id"] for row in ended] == provider_ids


def test_the_faster_loops_predict_what_rasa_predicts(agent: Any, counter: Counter) -> None:
    from rasa.core.channels.channel import UserMessage
    from rasa.engine.runner.dask import DaskGraphRunner
    from rasa.shared.core.trackers import DialogueStateTracker, EventVerbosity

    from mostrador.channels import rasa_speed

    for words in ("hi", "thanks", "what is sold out", "update stock", "xyzzy", "help", "50", "thanks", "cancel", "hi"):
        counter.answer_to(counter.write(words))
    counter.engine.dispose()
    events = [row["event"] for row in counter.rows("select event from tracker_event order by seq")]
    processor, target = agent.processor, agent.processor.model_metadata.core_target
    slow = DaskGraphRunner.__new__(DaskGraphRunner)
    slow._graph_schema = processor.graph_runner._schema
    slow._instantiated_nodes = processor.graph_runner._nodes
    slow._execution_context = None
    growing = DialogueStateTracker.from_dict("x", [], agent.domain.slots)
    compared = 0
    for length in range(1, len(events) + 1):
        tracker = DialogueStateTracker.from_dict("x", events[:length], agent.domain.slots)
        growing.update(tracker.events[-1])
        if length < 2 or events[length - 1]["event"] not in ("user", "slot", "action", "active_loop", "rewind"):
            continue
        fast = processor.graph_runner.run({"__tracker__": growing}, [target])[target]
        fast_states, fast_copy = growing.past_states(agent.domain), growing.copy()
        rasa_speed.make_plain()
        try:
            plain = slow.run({"__tracker__": tracker}, [target])[target]
            assert fast_states == tracker.past_states(agent.domain)
            assert fast_copy.current_state(EventVerbosity.ALL) == tracker.copy().current_state(EventVerbosity.ALL)
        finally:
            rasa_speed.make_faster()
        seen = [(p.probabilities, p.policy_name, p.hide_rule_turn, p.events) for p in (fast, plain)]
        assert seen[0] == seen[1]
        compared += 1
    assert compared > 40 and any(event["event"] == "active_loop" for event in events)
    understood = [
        runner.run(
            {"__message__": [UserMessage("what is sold out")], "__tracker__": None},
            [processor.model_metadata.nlu_target],
        )[processor.model_metadata.nlu_target][0].as_dict(only_output_properties=True)
        for runner in (slow, processor.graph_runner)
    ]
    assert understood[0] == understood[1]


def test_a_new_session_keeps_language_and_place_in_the_list_and_forgets_the_form(counter: Counter) -> None:
    SCRIPT["answer"] = {
        "events": [
            {"event": "slot", "name": "list_cursor", "value": "1.2.3"},
            {"event": "slot", "name": "item", "value": "7"},
        ],
        "responses": [{"text": "done"}],
    }
    counter.answer_to(counter.write("¿qué tengo agotado?"))
    counter.sent += 600  # ten minutes later
    counter.answer_to(counter.write("hola"))
    slots = SCRIPT["calls"][-1]["tracker"]["slots"]
    assert (slots["language"], slots["list_cursor"], slots["item"]) == ("es", "1.2.3", None)
    starts = counter.rows("select count(*) as n from tracker_event where type = 'session_started'")
    assert starts == [{"n": 2}]


def test_the_button_that_opens_a_list_speaks_the_persons_language(counter: Counter) -> None:
    many = [{"title": f"Choice {number}", "payload": f'/inform{{"quantity": "{number}"}}'} for number in range(5)]
    labelled = {"text": "which?", "buttons": many, "custom": {"list_label": "Sizes"}}
    SCRIPT["answer"] = {"events": [], "responses": [{"text": "which?", "buttons": many}, labelled, {"text": "none"}]}
    turn = counter.write("¿qué tengo agotado?")
    counter.answer_to(turn)
    rows = counter.rows("select say ->> 'list_label' as label from outbox where turn_id = :t order by part", t=turn)
    assert [row["label"] for row in rows] == ["Elegir", "Sizes", None]


def test_an_answer_that_comes_late_begins_with_a_word_about_it(counter: Counter) -> None:
    counter.began -= timedelta(minutes=5)
    late = counter.write("thanks")
    counter.answer_to(late)
    words = counter.rows("select say ->> 'text' as words from outbox where turn_id = :t", t=late)[0]["words"]
    assert words.startswith(counter.agent.domain.responses["utter_late_answer"][0]["text"])
    counter.began += timedelta(minutes=5)
    soon = counter.write("thanks")
    counter.answer_to(soon)
    words = counter.rows("select say ->> 'text' as words from outbox where turn_id = :t", t=soon)[0]["words"]
    assert not words.startswith(counter.agent.domain.responses["utter_late_answer"][0]["text"])
