"""The shop counter in this process: the real dispatcher, engine and database, and the action server over HTTP.

What is left out is the wire: messages are put into the inbox by the store that the ingress uses, and what leaves lies
in the outbox, where it is put into the provider's form and held to the provider's rules, but not sent. Enter it before
anything reads settings: it fills the environment.
"""

from __future__ import annotations

import asyncio
import cProfile
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Type

from sqlalchemy import text

from mostrador.operations.embedded_postgres import DURABLE, THROWAWAY, EmbeddedPostgres, temporary_home
from mostrador.operations.installation import QUIET
from mostrador.settings import ROOT, Settings
from mostrador.shop.messages import InboundMessage, Kind, MediaRef, Say, Sender
from mostrador.shop.received import Batch
from mostrador.simulator.rules import GraphError, check_message

NUMBER = "106540352242922"
_LOOK = 0.002
_STATE = text(
    """
    select i.provider_id, i.status, i.turn_id, i.tries, i.error, t.outcome, t.intent, t.explain
    from inbox i left join turn t on t.id = i.turn_id
    where i.provider_id = any(:ids)
    """
)
_OPEN = text("select count(*) from inbox where provider_id = any(:ids) and status = 'new'")
_SHOWN = text(
    """
    update outbox set status = 'delivered', sent_at = created_at
    where conversation_id = :id and status = 'queued'
    returning id, turn_id, part, speaker, say, slice, created_at
    """
)


class Unanswered(AssertionError):
    """A message was not closed in time."""


@dataclass(frozen=True)
class Shown:
    """One message as it would stand on the phone."""

    id: int
    turn_id: str
    speaker: str
    say: Say
    body: Mapping[str, Any]


class _Complaints(logging.Handler):
    """Keeps what the engine's process logs at ERROR or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or record.exc_info:
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self.lines.append(f"{record.name}: {record.getMessage()} {trace}")


class Counter:
    """``with Counter() as counter``: a shop of one's own, on a ``durable`` database if asked for.

    ``turns`` are the seconds of each turn of the dispatcher, from its claim to its commit.
    """

    def __init__(self, durable: bool = False, **settings: object) -> None:
        self._overrides = settings
        self._options = DURABLE if durable else THROWAWAY
        self.turns: List[float] = []
        self._complaints = _Complaints()
        self._read = 0
        self.sent = 0

    def __enter__(self) -> "Counter":
        self.folder = Path(tempfile.mkdtemp(prefix="mostrador-counter-"))
        self._home = temporary_home()
        self._postgres = EmbeddedPostgres(self._home, self._options)
        try:
            self._postgres.start()
            self._postgres.ensure_database()
            self._environment()
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _environment(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.clock_file = self.folder / "clock"
        mine = {
            **QUIET,
            "DATABASE_URL": self._postgres.url(),
            "MOSTRADOR_VAR": str(self.folder),
            "MOSTRADOR_ENV_FILE": os.devnull,
            "MOSTRADOR_CLOCK": str(self.clock_file),
            "MOSTRADOR_ACTIONS_PORT": str(port),
            "MOSTRADOR_BUTTON_SECRET": "a secret of the test",
            "MOSTRADOR_RASA_TOKEN": "a token of the test",
            "WHATSAPP_PHONE_NUMBER_IDS": NUMBER,
            "MOSTRADOR_QUIET_WINDOW": "0",
            "MOSTRADOR_REORDER_HOLD": "0",
        }
        mine.update({Settings.variable(name): str(value) for name, value in self._overrides.items()})
        os.environ.update(mine)
        warnings.showwarning = lambda *_, **__: None  # Rasa's dependencies complain about each other

    def _begin(self) -> None:
        from mostrador.bootstrap import services
        from mostrador.operations.training import ensure_model
        from mostrador.storage.inbox import InboxStore
        from mostrador.storage.migrate import upgrade

        self.services = services()
        self.settings, self.engine, self.clock = self.services.settings, self.services.engine, self.services.clock
        self._secret = self.settings.button_secret.get_secret_value().encode()
        upgrade(self.settings.database_url)
        ensure_model()
        self._inbox = InboxStore(self.engine, self.clock)
        self.actions_log = self.folder / "actions.log"
        with open(self.actions_log, "wb") as output:
            self.actions = subprocess.Popen(
                [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "-p", str(self.settings.actions_port)],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._ready, self._failure = threading.Event(), ""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait(120)
        if self._failure:
            raise RuntimeError(f"The dispatcher did not start: {self._failure}")
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.settings.actions_port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.actions.poll() is not None:
                    end = self.actions_log.read_text()[-500:]
                    raise RuntimeError(f"The action server did not start: {end}") from None
                time.sleep(0.1)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._dispatch())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._failure = repr(error)
            self._complaints.lines.append(f"the dispatcher ended: {error!r}")
        finally:
            self._ready.set()

    async def _dispatch(self) -> None:
        from mostrador.channels import rasa_server, serving
        from mostrador.channels.loading import load_agent
        from mostrador.operations.training import trusted_model

        rasa_server._quiet_logs()
        logging.getLogger().addHandler(self._complaints)
        self.agent = load_agent(trusted_model(self.settings.models_dir))
        dispatcher = serving._dispatcher(self.agent)
        serve_one = dispatcher._one

        async def timed(conversation_id: str) -> Any:
            began = time.perf_counter()
            step = await serve_one(conversation_id)
            if isinstance(step, bool):  # a turn was taken; whether another message waits
                self.turns.append(time.perf_counter() - began)
            return step

        dispatcher._one = timed
        self._running = asyncio.ensure_future(dispatcher.run())
        self._ready.set()
        try:
            await self._running
        finally:
            await self.agent.action_endpoint.close()

    def close(self) -> None:
        """Stop everything and remove its traces; harmless when it never began."""
        if getattr(self, "_running", None) is not None:
            self._loop.call_soon_threadsafe(self._running.cancel)
            self._thread.join(15)
        if getattr(self, "actions", None) is not None:
            self.actions.terminate()
            self.actions.wait(15)
        if getattr(self, "engine", None) is not None:
            self.engine.dispose()
        self._postgres.stop()
        shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- people

    def write(self, phone: str, kind: Kind, words: str = "", reply_id: str = "", media: bool = False) -> str:
        """One message of a person; its id. Nobody waits for the answer."""
        self.sent += 1
        provider_id = f"walk.{self.sent}"
        message = InboundMessage(
            provider_id=provider_id,
            business_number=NUMBER,
            kind=kind,
            sent_at=self.clock.now().replace(microsecond=0),
            sender=Sender(wa_id=phone, profile_name=f"Person {phone[-3:]}"),
            text=words,
            reply_id=reply_id,
            media=MediaRef(f"media.{self.sent}", "application/octet-stream") if media else None,
        )
        self._inbox.receive(Batch(messages=[message]))
        return provider_id

    @contextmanager
    def profiled(self) -> Iterator[cProfile.Profile]:
        """A profile of the thread of dispatcher and engine while the block runs."""
        profile = cProfile.Profile()
        for switch in (profile.enable, profile.disable):
            done = threading.Event()
            self._loop.call_soon_threadsafe(lambda switch=switch, done=done: (switch(), done.set()))
            done.wait(10)
            if switch == profile.enable:
                yield profile

    def seal(self, payload: str, conversation_id: str) -> str:
        """The id that a button with this payload has on the phone."""
        from mostrador.channels.buttons import seal

        return seal(payload, conversation_id, self._secret)

    def closed(self, ids: Sequence[str], within: float = 30.0) -> List[Mapping[str, Any]]:
        """How these messages ended, once all of them have; raises Unanswered."""
        deadline = time.monotonic() + within
        while True:
            with self.engine.connect() as connection:
                if connection.execute(_OPEN, {"ids": list(ids)}).scalar_one() == 0:
                    return [dict(row) for row in connection.execute(_STATE, {"ids": list(ids)}).mappings()]
            if time.monotonic() > deadline:
                raise Unanswered(f"{ids} were not answered within {within:g} s")
            time.sleep(_LOOK)

    def shown(self, conversation_id: str) -> List[Shown]:
        """What came on the phone since the last look, each held to the provider's rules; raises AssertionError."""
        from mostrador.channels.sender import _sealed
        from mostrador.gateways.whatsapp.render import render

        with self.engine.begin() as connection:
            rows = sorted(connection.execute(_SHOWN, {"id": conversation_id}).all(), key=lambda row: row.id)
        found = []
        for row in rows:
            say = Say.from_json(row.say)
            body = render(_sealed(say, conversation_id, self._secret))[row.slice]
            try:
                check_message({"messaging_product": "whatsapp", "to": "919900000001", **body})
            except GraphError as wrong:
                raise AssertionError(f"WhatsApp would refuse {say.response}: {wrong}") from None
            found.append(Shown(row.id, row.turn_id or "", row.speaker, say, body))
        return found

    def conversation_of(self, phone: str) -> str:
        """The conversation of a person; empty before the first message."""
        query = """select c.id from conversation c join contact_alias a using (contact_id)
                   where a.kind = 'wa_id' and a.value = :phone"""
        return str(self.rows(query, phone=phone)[0]["id"]) if self.rows(query, phone=phone) else ""

    # --- the shop

    def rows(self, query: str, **values: Any) -> List[Dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def advance(self, duration: timedelta) -> None:
        """Move the business time of dispatcher and action server forward."""
        before = float(self.clock_file.read_text()) if self.clock_file.exists() else 0.0
        draft = self.clock_file.with_name("clock.draft")
        draft.write_text(f"{before + duration.total_seconds()}\n")
        draft.replace(self.clock_file)

    def complaints(self) -> List[str]:
        """New errors and tracebacks in the logs of the engine and of the action server."""
        found, self._complaints.lines = self._complaints.lines, []
        with open(self.actions_log, encoding="utf-8", errors="replace") as log:
            log.seek(self._read)
            lines = log.read()
            self._read = log.tell()
        for sign in ("Traceback", "[error", "ERROR", "action_failed", "Exception occurred"):
            if sign in lines:
                found.append(lines[max(0, lines.index(sign) - 300) : lines.index(sign) + 2000])
                break
        return found
