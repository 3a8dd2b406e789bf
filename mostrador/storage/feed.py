"""Feeds in SQL: staged into a partition of their own, published by one flip, dropped a while later."""

from __future__ import annotations

import io
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, Iterator, List, Optional, Protocol, Tuple

import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError, OperationalError

from mostrador.shop.clock import Clock
from mostrador.shop.feed import (
    KEPT_AFTER_REPLACEMENT,
    KEY,
    PROBLEMS_SHOWN,
    FeedRefused,
    Layout,
    Problem,
    Problems,
    count_fault,
)
from mostrador.shop.recommendations import RecommendationKind
from mostrador.storage.tables import recommendation_snapshot as _SNAPSHOT

log = logging.getLogger(__name__)

_LOCK_SPACE = 7_202_612  # advisory locks of the loads, one per kind
_LOCK_NUMBER = {RecommendationKind.OUT_OF_STOCK: 1, RecommendationKind.LOW_STOCK: 2}
_WAIT_FOR_OTHER_LOAD = "60s"
_WAIT_FOR_READERS = "1s"  # readers are never kept waiting longer than this by a partition that goes
_KEY = ", ".join(column.name for column in KEY)


class Dump(Protocol):
    """What a feed source hands over: see ``gateways.feed_source.Dump``."""

    source: str
    source_key: str
    force: bool

    def layout(self, kind: Optional[RecommendationKind] = None) -> Layout: ...

    def batches(self, layout: Layout, problems: Problems) -> Iterator[pa.RecordBatch]: ...

    def place(self, row_no: int) -> Tuple[int, str]: ...

    def unchanged(self) -> bool: ...


@dataclass(frozen=True)
class Loaded:
    """What became of a dump: ``published``, or ``same`` as the feed in use already."""

    kind: RecommendationKind
    snapshot_id: int
    rows: int
    outcome: str
    ignored: Tuple[str, ...] = ()


def load(engine: Engine, dump: Dump, clock: Clock, kind: Optional[RecommendationKind] = None) -> Loaded:
    """Publish ``dump`` as the feed of its kind, whole or not at all.

    The same bytes as the feed in use are not loaded again. Raises FeedRefused; the feed before stays in use and the
    reasons are kept with the refused snapshot.
    """
    layout = dump.layout(kind)
    with _alone(engine, layout.kind):
        with engine.begin() as connection:
            current = _current(connection, layout.kind)
            if current is not None and current["source_key"] == dump.source_key:
                return Loaded(layout.kind, current["id"], current["row_count"], "same", layout.ignored)
            _forget_interrupted(connection, layout.kind)
            staged = _stage(connection, layout.kind, dump, clock.now())
        try:
            with engine.begin() as connection:
                rows = _fill(connection, staged, dump, layout, None if current is None else current["row_count"])
                _publish(connection, staged, layout.kind, rows, clock.now())
        except FeedRefused as refused:
            _fail(engine, staged, refused)
            raise
        except Exception:
            _fail(engine, staged, FeedRefused.because("The database or the reader broke off."))
            raise
    return Loaded(layout.kind, staged, rows, "published", layout.ignored)


def drop_retired(engine: Engine, now: datetime) -> int:
    """Drop the partitions of feeds that were replaced long enough ago; the number dropped.

    A partition somebody reads at this moment is left for the next call.
    """
    with engine.connect() as connection:
        old = connection.execute(
            select(_SNAPSHOT.c.id).where(
                _SNAPSHOT.c.state == "old", _SNAPSHOT.c.retired_at <= now - KEPT_AFTER_REPLACEMENT
            )
        ).scalars()
        ids = list(old)
    dropped = 0
    for snapshot_id in ids:
        try:
            with engine.begin() as connection:
                connection.execute(text(f"set local lock_timeout = '{_WAIT_FOR_READERS}'"))
                connection.execute(text(f"drop table if exists {_partition(snapshot_id)}"))
                connection.execute(update(_SNAPSHOT).where(_SNAPSHOT.c.id == snapshot_id).values(state="dropped"))
            dropped += 1
        except OperationalError as error:
            if not isinstance(error.orig, psycopg2.errors.LockNotAvailable):
                raise
            log.info("Snapshot %s is being read and is dropped later", snapshot_id)
    return dropped


def status(engine: Engine) -> List[Dict[str, Any]]:
    """The newest snapshots of each kind, the one in use first, as JSON values."""
    newest = (
        select(_SNAPSHOT)
        .where(_SNAPSHOT.c.state != "dropped")
        .order_by(_SNAPSHOT.c.kind, (_SNAPSHOT.c.state != "current"), _SNAPSHOT.c.id.desc())
        .limit(20)
    )
    with engine.connect() as connection:
        return [
            {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
            for row in connection.execute(newest).mappings()
        ]


@contextmanager
def _alone(engine: Engine, kind: RecommendationKind) -> Iterator[None]:
    """One load of a kind at a time; a second waits a minute and is then refused."""
    # Not from the pool's transactions: the lock belongs to the session and goes with it, also after SIGKILL.
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    names = {"space": _LOCK_SPACE, "number": _LOCK_NUMBER[kind]}
    try:
        connection.execute(text(f"set lock_timeout = '{_WAIT_FOR_OTHER_LOAD}'"))
        try:
            connection.execute(text("select pg_advisory_lock(:space, :number)"), names)
        except OperationalError as error:
            if not isinstance(error.orig, psycopg2.errors.LockNotAvailable):
                raise
            raise FeedRefused.because("Another load of this feed is running; try again when it has ended.") from None
        yield
    finally:
        connection.invalidate()  # ends the session, and the lock with it
        connection.close()


def _current(connection: Connection, kind: RecommendationKind) -> Optional[Dict[str, Any]]:
    row = connection.execute(
        select(_SNAPSHOT).where(_SNAPSHOT.c.kind == kind.value, _SNAPSHOT.c.state == "current")
    ).mappings()
    found = row.first()
    return None if found is None else dict(found)


def _forget_interrupted(connection: Connection, kind: RecommendationKind) -> None:
    """Whoever staged these was killed: we hold the lock now."""
    connection.execute(
        update(_SNAPSHOT)
        .where(_SNAPSHOT.c.kind == kind.value, _SNAPSHOT.c.state == "staged")
        .values(state="failed", report={"problems": ["The load was interrupted."]})
    )


def _stage(connection: Connection, kind: RecommendationKind, dump: Dump, at: datetime) -> int:
    row = insert(_SNAPSHOT).values(kind=kind.value, source_key=dump.source_key, state="staged", created_at=at)
    return int(connection.execute(row.returning(_SNAPSHOT.c.id)).scalar_one())


def _partition(snapshot_id: int) -> str:
    return f"recommendation_{int(snapshot_id)}"


def _fill(connection: Connection, snapshot_id: int, dump: Dump, layout: Layout, before: Optional[int]) -> int:
    """Copy the rows into a table of their own and prove them; the number of rows. Raises FeedRefused."""
    table = _partition(snapshot_id)
    connection.execute(text(f"create table {table} (like recommendation including all)"))
    # Lets the table be attached without being read again.
    connection.execute(text(f"alter table {table} add constraint {table}_is_own check (snapshot_id = {snapshot_id})"))
    problems = Problems()
    columns = ["snapshot_id", "row_no", *(column.name for column in layout.names)]
    stream = _CopyStream(dump.batches(layout, problems), snapshot_id)
    with connection.connection.cursor() as cursor:
        cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin (format csv)", stream, size=1 << 20)
    if stream.error is not None:
        raise stream.error
    if not problems and not dump.force:
        fault = count_fault(stream.rows, before)
        if fault:
            problems.add(Problem(fault))
    if not dump.unchanged():
        raise FeedRefused.because(f"{dump.source} was overwritten while it was read; try again.")
    if problems:
        raise FeedRefused(problems.found)
    try:
        with connection.begin_nested():
            connection.execute(text(f"create unique index on {table} ({_KEY})"))
    except IntegrityError:
        raise FeedRefused(_duplicates(connection, table, dump)) from None
    connection.execute(text(f"create index on {table} (supplier_id, sorting_score desc, row_no)"))
    connection.execute(text(f"analyze {table}"))
    return stream.rows


def _duplicates(connection: Connection, table: str, dump: Dump) -> List[Problem]:
    found = connection.execute(
        text(
            f"select row_no, first from (select row_no, min(row_no) over (partition by {_KEY}) as first from {table}) r"
            " where row_no > first order by row_no limit :most"
        ),
        {"most": PROBLEMS_SHOWN},
    ).all()
    problems = []
    for row_no, first in found:
        row, part = dump.place(row_no)
        other, other_part = dump.place(first)
        where = f"row {other}" + (f" of {other_part}" if other_part else "")
        problems.append(Problem(f"the variation is the one of {where} again.", row, KEY[0].name, part))
    return problems


def _publish(connection: Connection, snapshot_id: int, kind: RecommendationKind, rows: int, at: datetime) -> None:
    """From this commit on every reader without a cursor sees the new feed."""
    table = _partition(snapshot_id)
    connection.execute(text(f"alter table recommendation attach partition {table} for values in ({snapshot_id})"))
    connection.execute(text(f"alter table {table} drop constraint {table}_is_own"))
    connection.execute(
        update(_SNAPSHOT)
        .where(_SNAPSHOT.c.kind == kind.value, _SNAPSHOT.c.state == "current")
        .values(state="old", retired_at=at)
    )
    connection.execute(
        update(_SNAPSHOT).where(_SNAPSHOT.c.id == snapshot_id).values(state="current", row_count=rows, published_at=at)
    )
    # A variation people already met follows the feed when its catalogue is renamed.
    connection.execute(
        text(
            "update variation v set catalog_id = r.catalog_id, catalog_name = r.catalog_name"
            f" from {table} r where (v.supplier_id, v.product_id, v.style_id, v.variation_name)"
            " = (r.supplier_id, r.product_id, r.style_id, r.variation_name)"
            " and (v.catalog_id, v.catalog_name) <> (r.catalog_id, r.catalog_name)"
        )
    )


def _fail(engine: Engine, snapshot_id: int, refused: FeedRefused) -> None:
    report = {"problems": [str(problem) for problem in refused.problems]}
    try:
        with engine.begin() as connection:
            connection.execute(
                update(_SNAPSHOT).where(_SNAPSHOT.c.id == snapshot_id).values(state="failed", report=report)
            )
    except OperationalError:
        log.warning("Snapshot %s stays staged until the next load: the database is away", snapshot_id)


class _CopyStream:
    """Turns record batches into the CSV that COPY reads, a batch at a time; numbers the rows from 1.

    An error of the source ends the stream and is kept in ``error``: raised inside ``read`` it would only come back as
    the text of a database error.
    """

    def __init__(self, batches: Iterator[pa.RecordBatch], snapshot_id: int) -> None:
        self.rows = 0
        self.error: Optional[FeedRefused] = None
        self._batches = batches
        self._snapshot_id = snapshot_id
        self._buffer = io.BytesIO()
        self._options = pa_csv.WriteOptions(include_header=False)

    def read(self, size: int = -1) -> bytes:
        chunk = self._buffer.read(size)
        if not chunk and self._refill():
            chunk = self._buffer.read(size)
        return chunk

    def _refill(self) -> bool:
        try:
            batch = next((batch for batch in self._batches if batch.num_rows), None)
        except FeedRefused as refused:
            self.error = refused
            return False
        if batch is None:
            return False
        count = batch.num_rows
        own = [
            pa.array([self._snapshot_id], pa.int64()).take(pa.array([0] * count, pa.int32())),
            pa.array(range(self.rows + 1, self.rows + count + 1), pa.int64()),
        ]
        names = ["snapshot_id", "row_no", *batch.schema.names]
        self._buffer = io.BytesIO()
        pa_csv.write_csv(pa.RecordBatch.from_arrays([*own, *batch.columns], names=names), self._buffer, self._options)
        self._buffer.seek(0)
        self.rows += count
        return True
