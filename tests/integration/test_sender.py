"""The sender against the stand-in of the Graph API: every limit, every refusal, every lost answer."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from mostrador.channels.buttons import open_
from mostrador.channels.media_fetcher import MediaFetcher
from mostrador.channels.sender import OutboxSender
from mostrador.channels.whatsapp_inbound import parse
from mostrador.gateways.whatsapp.client import CloudApi
from mostrador.settings import Settings
from mostrador.shop.clock import SystemClock
from mostrador.shop.contacts import opt_out
from mostrador.shop.conversations import reply, take
from mostrador.shop.messages import Button, InboundMessage, Kind, Say, Sender, Template
from mostrador.shop.preferences import Hours
from mostrador.shop.received import Batch
from mostrador.simulator.server import SimulatorThread
from mostrador.storage import outbox
from mostrador.storage.engine import INBOX, OUTBOX, Listener, connect, notify
from mostrador.storage.inbox import InboxStore
from mostrador.storage.media import MediaStore
from mostrador.storage.sending import OutboxStore
from mostrador.storage.unit_of_work import SqlUnitOfWork

NUMBER, SECRET = "106540352242922", b"button secret of the tests"
ASHA, RAVI = "919800000001", "919800000002"


def now() -> datetime:
    return datetime.now(timezone.utc)


class Post:
    """A running sender, the stand-in it talks to, and the database between them."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.engine = connect(url, 10)
        self.box = InboxStore(self.engine, SystemClock())
        self.ears = self._listen_to_statuses()
        callback = f"http://127.0.0.1:{self.ears.server_port}/"
        self.sim = SimulatorThread(callback_url=callback, app_secret="s", access_token="t", phone_number_ids=(NUMBER,))
        self.sim.start()
        self.config = Settings(
            _env_file=None,
            demo=True,
            button_secret=SECRET.decode(),
            whatsapp_access_token="t",
            whatsapp_phone_number_ids=(NUMBER,),
            graph_base_url=self.sim.url,
            **{"send_timeout": 2.0, "order_wait": 0.5, **settings},
        )
        self.url = url
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _listen_to_statuses(self) -> ThreadingHTTPServer:
        post = self

        class Ears(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                post.box.receive(parse(body, {NUMBER}, now()))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Ears)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def start(self) -> "Post":
        self.thread.start()
        self.started.wait(10)
        return self

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        config = self.config
        store = OutboxStore(
            self.engine,
            timedelta(seconds=config.send_lease),
            timedelta(seconds=config.unknown_after),
            timedelta(seconds=config.order_wait),
            config.pair_seconds,
            config.pair_burst,
        )
        sender = OutboxSender(store, CloudApi(config), config, SystemClock(), Listener(self.url, [OUTBOX, INBOX]))
        self.task = self.loop.create_task(sender.run())
        self.started.set()
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass

    def close(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.task.cancel)
            self.thread.join(10)
        self.sim.stop()
        self.ears.shutdown()
        self.ears.server_close()
        self.engine.dispose()

    def person(self, who: str = ASHA, wrote_at: Any = None) -> str:
        """A person who wrote then (now, unless told otherwise); returns the conversation."""
        at = wrote_at or now()
        message = InboundMessage(f"wamid.{who}.{at}", NUMBER, Kind.REACTION, at, Sender(wa_id=who), "hi")
        self.box.receive(Batch(messages=[message]))
        return str(
            self.rows(
                "select c.id from conversation c join contact_alias a using (contact_id) where a.value = :v", v=who
            )[0]["id"]
        )

    def say(self, conversation: str, *says: Say, key: str = "k", urgency: int = 0, topic: str = "") -> None:
        with self.engine.begin() as connection:
            outbox.add(connection, conversation, [(s, 1) for s in says], "bot", urgency, key, now(), topic=topic)
            notify(connection, OUTBOX, conversation)

    def rows(self, query: str, **values: Any) -> List[Dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def statuses(self) -> List[str]:
        return [row["status"] for row in self.rows("select status from outbox order by id")]

    def until(self, holds: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.rows("select id, status, attempts, resends, error from outbox")
            time.sleep(0.02)

    def arrived(self, who: str = ASHA) -> List[str]:
        entries = self.sim.client.log(contact=who, events=("out",))
        return [entry["view"]["text"] for entry in entries]

    def settled(self, *statuses: str, seconds: float = 15) -> None:
        self.until(lambda: self.statuses() == list(statuses), seconds)


@pytest.fixture()
def post(database_url: str) -> Iterator[Post]:
    made = Post(database_url).start()
    yield made
    made.close()


@pytest.fixture()
def quick_post(database_url: str) -> Iterator[Post]:
    """A post that gives up on lost answers after a second."""
    made = Post(database_url, unknown_after=1.0, send_lease=1.0, send_timeout=0.5).start()
    yield made
    made.close()


def test_what_is_said_arrives_in_order_and_its_ticks_come_back(post: Post) -> None:
    post.say(post.person(), Say(text="one"), Say(text="two"), Say(text="three"))
    post.settled("delivered", "delivered", "delivered")
    assert post.arrived() == ["one", "two", "three"]


def test_buttons_leave_sealed_for_their_own_conversation(post: Post) -> None:
    talk = post.person()
    post.say(talk, Say(text="?", buttons=(Button("Menu", "/show_menu"),)))
    post.settled("delivered")
    sealed = post.sim.client.buttons(ASHA)[0]["id"]
    assert open_(sealed, talk, SECRET).intent == "show_menu"
    assert open_(sealed, "another conversation", SECRET) is None


def test_an_answer_that_got_lost_is_settled_by_the_status_and_not_sent_again(quick_post: Post) -> None:
    quick_post.sim.client.fault(next=1, kind="drop_after_accept")
    quick_post.say(quick_post.person(), Say(text="once"))
    quick_post.settled("delivered")
    time.sleep(1.5)
    assert quick_post.arrived() == ["once"]
    assert quick_post.rows("select resends from outbox") == [{"resends": 0}]


def test_a_message_of_which_no_word_comes_back_is_sent_once_more_and_counted(quick_post: Post) -> None:
    quick_post.sim.client.fault(next=1, kind="timeout")
    quick_post.say(quick_post.person(), Say(text="again"))
    quick_post.settled("delivered")
    assert quick_post.rows("select resends from outbox") == [{"resends": 1}]


def test_a_row_whose_sender_was_killed_is_taken_up(quick_post: Post) -> None:
    talk = quick_post.person()
    with quick_post.engine.begin() as connection:
        outbox.add(connection, talk, [(Say(text="orphan"), 1)], "bot", 0, "k", now())
        connection.execute(text("update outbox set status = 'sending', claim = 'dead', lease_until = :t"), {"t": now()})
    quick_post.settled("delivered")


@pytest.mark.parametrize("kind", ["400:130429", "429", "500", "400:131056"])
def test_a_passing_refusal_is_tried_again(post: Post, kind: str) -> None:
    post.sim.client.fault(next=1, kind=kind)
    post.say(post.person(), Say(text="patience"))
    post.settled("delivered")
    assert post.arrived() == ["patience"]
    assert post.rows("select attempts from outbox") == [{"attempts": 2}]


@pytest.mark.parametrize("kind", ["400:100", "400:131026", "400:131009"])
def test_a_lasting_refusal_is_never_tried_again_and_the_next_message_goes_on(post: Post, kind: str) -> None:
    post.sim.client.fault(next=1, kind=kind)
    post.say(post.person(), Say(text="never"), Say(text="next"))
    post.settled("failed", "delivered")
    assert post.arrived() == ["next"]


def test_a_refused_account_pages_people_once_and_keeps_the_messages(post: Post) -> None:
    talks = [post.person(ASHA), post.person(RAVI)]
    post.sim.client.fault(next=2, kind="401:190")
    for talk in talks:
        post.say(talk, Say(text="later"), key=talk)
    post.until(lambda: bool(post.rows("select 1 from manual_task where kind = 'account'")))
    time.sleep(0.5)
    assert set(post.statuses()) == {"queued"}
    assert len(post.rows("select 1 from manual_task")) == 1


def test_outside_the_window_the_template_leaves_and_words_without_one_go_to_people(post: Post) -> None:
    post.sim.client.put_template(name="restock", language="en", body="Hello {{1}}", buttons=["Show"])
    talk = post.person(wrote_at=now() - timedelta(hours=25))
    offer = Template("restock", "en", ("Asha",), button_payloads=("/show_out_of_stock",))
    post.say(talk, Say(text="free words", template=offer), Say(text="only words"))
    post.settled("delivered", "held")
    assert post.arrived() == ["Hello Asha"]
    assert [t["kind"] for t in post.rows("select kind from manual_task")] == ["failed_send"]


def test_an_opt_out_is_in_force_for_the_very_next_send(post: Post) -> None:
    talk = post.person()
    contact = post.rows("select contact_id from conversation")[0]["contact_id"]
    opt_out(SqlUnitOfWork(post.engine), contact, "t1", now())
    post.say(talk, Say(text="news"), urgency=1, topic="restock", key="n")
    post.say(talk, Say(text="an answer"), key="a")
    post.until(lambda: sorted(post.statuses()) == ["delivered", "dropped"])
    assert post.arrived() == ["an answer"]


def test_outside_a_persons_hours_answers_leave_and_notices_wait(post: Post) -> None:
    talk = post.person()
    contact = post.rows("select contact_id from conversation")[0]["contact_id"]
    begin = now().astimezone(ZoneInfo("Asia/Kolkata")) + timedelta(hours=2)
    minute = begin.hour * 60 + begin.minute
    with SqlUnitOfWork(post.engine) as uow:
        uow.contacts.set_hours(contact, Hours(minute, (minute + 60) % 1440 or 1440), now())
        uow.contacts.record_consent(contact, "restock", True, "import", None, now())
        uow.commit()
    zone = "update contact set time_zone = 'Asia/Kolkata' where id = :id returning id"
    with post.engine.begin() as connection:
        connection.execute(text(zone), {"id": contact})
    post.say(talk, Say(text="news"), urgency=1, topic="restock", key="n")
    post.say(talk, Say(text="an answer"), key="a")
    looked_at = [{"status": "queued", "attempts": 1}]
    post.until(lambda: post.rows("select status, attempts from outbox where urgency = 1") == looked_at)
    post.until(lambda: post.arrived() == ["an answer"])
    waits = post.rows("select due_at from outbox where urgency = 1")[0]["due_at"]
    assert timedelta(minutes=118) < waits - now() <= timedelta(minutes=120)


def test_a_takeover_drops_what_the_bot_had_not_sent_and_lets_the_human_speak(post: Post) -> None:
    talk = post.person()
    post.sim.client.fault(next=2, kind="400:131056")  # holds the bot's row back, four seconds the second time
    post.say(talk, Say(text="bot"))
    held = [{"status": "queued", "attempts": 2}]
    post.until(lambda: post.rows("select status, attempts from outbox") == held)
    uow = SqlUnitOfWork(post.engine)
    take(uow, talk, "Ana", now())
    reply(uow, talk, "Ana", "human", "r1", now())
    reply(uow, talk, "Ana", "human", "r1", now())
    post.settled("dropped", "delivered")
    assert post.arrived() == ["human"]


def test_a_staging_set_up_reaches_its_listed_numbers_only(database_url: str) -> None:
    post = Post(database_url, send_only_to=("+" + RAVI,)).start()
    try:
        for who in (ASHA, RAVI):
            post.say(post.person(who), Say(text="hello"), key=who)
        post.until(lambda: sorted(post.statuses()) == ["delivered", "dropped"])
        assert (post.arrived(ASHA), post.arrived(RAVI)) == ([], ["hello"])
    finally:
        post.close()


def test_one_person_gets_a_burst_and_then_one_message_in_six_seconds(database_url: str) -> None:
    post = Post(database_url, pair_burst=3, pair_seconds=1.0, order_wait=0.0).start()
    try:
        post.say(post.person(), *(Say(text=str(n)) for n in range(5)))
        began = time.monotonic()
        post.until(lambda: len(post.arrived()) >= 3)
        assert time.monotonic() - began < 1.5
        post.settled(*["delivered"] * 5)
        assert time.monotonic() - began >= 1.5
        assert post.arrived() == ["0", "1", "2", "3", "4"]
    finally:
        post.close()


def test_a_number_never_carries_more_than_its_messages_a_second(database_url: str) -> None:
    post = Post(database_url, number_per_second=20, order_wait=0.0).start()
    try:
        talks = [post.person(f"91980001{n:04d}") for n in range(50)]
        for talk in talks:
            post.say(talk, Say(text="hi"), key=talk)
        post.until(lambda: set(post.statuses()) == {"delivered"}, 30)
        stats = post.sim.client.stats()["numbers"][NUMBER]
        assert stats["max_out_per_second"] <= 20
    finally:
        post.close()


def test_two_senders_do_not_send_twice(database_url: str) -> None:
    first = Post(database_url).start()
    second = Post(database_url)
    second.config = first.config
    second.start()
    try:
        talks = [first.person(f"91980002{n:04d}") for n in range(20)]
        for talk in talks:
            first.say(talk, Say(text="once"), key=talk)
        first.until(lambda: set(first.statuses()) == {"delivered"}, 30)
        assert first.sim.client.stats()["sent_twice"] in (0, [], {})
    finally:
        second.close()
        first.close()


def test_read_marks_and_typing_are_shown_for_what_the_bot_will_answer(post: Post) -> None:
    post.person()
    time.sleep(0.3)
    message = InboundMessage("wamid.read-me", NUMBER, Kind.TEXT, now(), Sender(wa_id=ASHA), "hi")
    post.sim.client.say(ASHA, "unrelated")
    post.box.receive(Batch(messages=[message]))
    post.until(lambda: bool(post.sim.client.log(events=("read_mark", "refused"))))


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({}, "kept"),
        ({"media": "expired"}, "refused"),
        ({"media": "wrong_sha"}, "refused"),
        ({"media": "too_large"}, "refused"),
        ({"media": "foreign_host"}, "refused"),
    ],
    ids=lambda value: str(value),
)
def test_a_picture_that_a_person_sends_is_fetched_and_checked(
    post: Post, tmp_path: Any, fault: Dict[str, Any], status: str
) -> None:
    if fault:
        post.sim.client.fault(**fault)
    picture = b"\xff\xd8\xff" + b"picture" * 1000
    post.sim.client.send_file(ASHA, "image", picture, "image/jpeg")
    post.until(lambda: bool(post.rows("select 1 from media_file")))
    api = CloudApi(post.config)
    fetcher = MediaFetcher(MediaStore(post.engine), api, tmp_path / "media", SystemClock())

    async def fetch() -> None:
        running = asyncio.ensure_future(fetcher.run(lambda: True, asyncio.Event(), idle=0.1))
        await asyncio.to_thread(post.until, lambda: post.rows("select status from media_file")[0]["status"] != "new")
        running.cancel()
        await api.close()

    asyncio.run(fetch())
    row = post.rows("select status, size, path from media_file")[0]
    assert row["status"] == status
    kept = [file.read_bytes() for file in (tmp_path / "media").iterdir()]
    assert kept == ([picture] if status == "kept" else [])


@pytest.mark.parametrize(
    ("code", "says", "statuses", "arrived", "tasks", "consents"),
    [
        (131047, Say(text="words", template=Template("restock", "en", ("Asha",))), ["delivered"], 2, 0, 0),
        (131047, Say(text="words"), ["failed"], 1, 1, 0),
        (131000, Say(text="words"), ["delivered"], 2, 0, 0),
        (131026, Say(text="words"), ["failed"], 1, 0, 0),
        (131050, Say(text="words"), ["failed"], 1, 0, 1),
        (131009, Say(text="words"), ["failed"], 1, 1, 0),
    ],
)
def test_a_failure_that_is_reported_later_has_the_same_consequences(
    post: Post, code: int, says: Say, statuses: List[str], arrived: int, tasks: int, consents: int
) -> None:
    talk = post.person()
    post.sim.client.fault(next=1, kind=f"status:{code}")
    post.say(talk, says)
    post.until(
        lambda: (
            post.statuses() == statuses and not post.rows("select 1 from outbox where status = 'failed' and not judged")
        )
    )
    assert len(post.arrived()) == arrived
    assert len(post.rows("select 1 from manual_task")) == tasks
    assert len(post.rows("select 1 from consent where source = 'provider' and not granted")) == consents
