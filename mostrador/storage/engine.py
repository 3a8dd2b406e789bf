"""The connection pool of a process, and how it hears that work has come."""

from __future__ import annotations

import logging
import select
import time
from typing import Any, Optional, Sequence, Set, Union

import psycopg2
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL, Connection, Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

log = logging.getLogger(__name__)

# Plans of prepared statements fit any values: ours differ in ids and instants, never in what plan is best.
_SESSION = "-c timezone=UTC -c jit=off -c plan_cache_mode=force_generic_plan"
_IDLE = 1.0  # seconds after which a pooled connection is checked before it is used

INBOX = "mostrador_inbox"
OUTBOX = "mostrador_outbox"


def connect(url: Union[str, URL], pool_size: int = 5, **options: Any) -> Engine:
    """An engine with at most ``pool_size`` connections, checked after idling and never waited for over 5 s.

    Its errors quote neither parameters nor rows: they are logged, and those are what people wrote.
    """
    engine = create_engine(
        url,
        future=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,
        **options,
        connect_args={"connect_timeout": 5, "application_name": "mostrador", "options": _SESSION},
    )
    event.listen(engine, "handle_error", _forget_details)
    event.listen(engine, "checkin", _note_time)
    event.listen(engine, "checkout", _check_idle)
    return engine


def single_statements(engine: Engine) -> Engine:
    """A pool of its own to the same database in which every statement is a transaction: one way to the server each."""
    return connect(engine.url, engine.pool.size(), isolation_level="AUTOCOMMIT")


def _note_time(connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _check_idle(connection: Any, record: Any, proxy: Any) -> None:
    """Ask an idle connection whether it still lives; one just used is trusted, which saves a way to the server."""
    if time.monotonic() - record.info.get("used_at", time.monotonic()) < _IDLE:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        if not connection.autocommit:
            connection.rollback()
    except psycopg2.Error as error:
        raise DisconnectionError() from error


def _forget_details(context: ExceptionContext) -> None:
    """Keep the server's sentence; the lines after it (LINE, DETAIL) quote the statement with its values."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if isinstance(error, (psycopg2.Error, DBAPIError)) and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])


def is_unavailable(error: BaseException) -> bool:
    """Whether the database is away (and will be back) rather than the statement wrong."""
    if isinstance(error, (PoolTimeout, DisconnectionError, psycopg2.OperationalError, psycopg2.InterfaceError)):
        return True
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def notify(connection: Connection, channel: str, payload: str = "") -> None:
    """Wake whoever listens on ``channel`` once this transaction commits."""
    connection.execute(text("select pg_notify(:c, :p)"), {"c": channel, "p": payload})


class Listener:
    """Hears NOTIFY on one connection of its own and outlives the server.

    ``wait(seconds)`` returns the payloads that came, an empty list after ``seconds`` of silence, and None after a
    reconnection: whatever was announced meanwhile is unknown, so the caller must look at its whole queue.
    """

    def __init__(self, url: str, channels: Sequence[str]) -> None:
        self._dsn = url.replace("postgresql+psycopg2://", "postgresql://", 1)
        self._channels = tuple(channels)
        self.heard: Set[str] = set()  # the channels of the announcements that ``wait`` returned last
        self._connection: Optional["psycopg2.extensions.connection"] = None

    def wait(self, seconds: float) -> "Optional[list[str]]":
        if self._connection is None:
            self.heard = set(self._channels)
            return None if self._open() else self._pause(seconds)
        try:
            if not select.select([self._connection], [], [], seconds)[0]:
                return []
            self._connection.poll()
            payloads = [n.payload for n in self._connection.notifies]
            self.heard = {n.channel for n in self._connection.notifies}
            self._connection.notifies.clear()
            return payloads
        except (psycopg2.Error, OSError, ValueError):
            log.warning("The listening connection was lost")
            self.close()
            return self._pause(seconds)

    def close(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close()
            except psycopg2.Error:
                pass
            self._connection = None

    def _open(self) -> bool:
        try:
            connection = psycopg2.connect(self._dsn, connect_timeout=5, application_name="mostrador-listen")
            connection.autocommit = True
            with connection.cursor() as cursor:
                for channel in self._channels:
                    cursor.execute(f"listen {channel}")
            self._connection = connection
            return True
        except psycopg2.Error:
            return False

    @staticmethod
    def _pause(seconds: float) -> "list[str]":
        # The server is away: nothing can wake us, so this is the one place that waits by the clock.
        time.sleep(min(seconds, 0.25))
        return []
