"""What the sender asks of the database: the lead among senders, rows to send, and the keeping of how they ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mostrador.shop.conversations import BOT
from mostrador.shop.preferences import may_begin_at
from mostrador.shop.sending import Ending
from mostrador.storage import outbox
from mostrador.storage.contacts import SqlContacts
from mostrador.storage.conversations import SqlManualTasks
from mostrador.storage.engine import single_statements
from mostrador.storage.outbox import Claimed
from mostrador.storage.prepared import Prepared

_LEAD = 7_202_612  # advisory lock of the sender that sends

_SETTLE = Prepared(
    """
    with given as (
        select * from jsonb_to_recordset(cast(:rows as jsonb))
            as r (id bigint, status text, provider_id text, due_at timestamptz, error_code int, error text,
                  at timestamptz)
    ), ours as (  -- in the order in which status reports take their rows
        select o.id from outbox o join given g on g.id = o.id
        where o.claim = :claim and o.status = 'sending'
        order by o.id
        for no key update of o
    )
    update outbox o
    set claim = null, lease_until = null, provider_id = coalesce(g.provider_id, o.provider_id),
        status = coalesce(
            (select case r.status when 'played' then 'read' else r.status end
             from delivery_report r where r.provider_id = g.provider_id
             order by array_position(array['sent', 'failed', 'delivered', 'read', 'played'], r.status::text) desc
             limit 1),
            g.status),
        due_at = coalesce(g.due_at, o.due_at), error = g.error,
        error_code = coalesce(g.error_code, (select f.error_code from delivery_report f
                                             where f.provider_id = g.provider_id and f.status = 'failed')),
        sent_at = case when g.provider_id is null then o.sent_at else g.at end, status_at = g.at,
        judged = g.status <> 'accepted'
    from ours join given g on g.id = ours.id
    where o.id = ours.id
    """
)


_UNJUDGED = text(
    """
    select o.id, o.conversation_id, c.contact_id, o.error_code, o.resends,
           (o.say -> 'template') is not null as has_template
    from outbox o join conversation c on c.id = o.conversation_id
    where o.status = 'failed' and not o.judged
    order by o.id limit 50
    for no key update of o skip locked
    """
)
_JUDGED = text(
    """
    update outbox
    set judged = not :again, status = case when :again then 'queued' else status end,
        provider_id = case when :again then null else provider_id end,
        resends = resends + case when :again then 1 else 0 end, due_at = coalesce(:due_at, due_at),
        say = case when :bare then jsonb_build_object('template', say -> 'template', 'response', say -> 'response')
              else say end
    where id = :id
    """
)
_NEXT_LOOK = Prepared(
    """
    select least(
        (select min(status_at) + interval '1 second' from outbox where status = 'failed' and not judged),
        min(case o.status
        when 'queued' then greatest(o.due_at, c.blocked_until, c.pair_paid_until - cast(:pair_ahead as interval),
            (select max(p.sent_at) + cast(:order_wait as interval) from outbox p
             where p.conversation_id = o.conversation_id and p.status = 'accepted'))
        when 'sending' then o.lease_until
        else o.due_at + cast(:unknown_after as interval)
    end))
    from outbox o join conversation c on c.id = o.conversation_id
    where o.status in ('queued', 'sending', 'unknown')
    """
)


_RECEIVED = Prepared(
    """
    select i.id, i.conversation_id, i.provider_id, c.business_number, i.message ? 'media' as has_file,
           i.status <> 'kept' and c.owner = :bot as to_answer
    from inbox i join conversation c on c.id = i.conversation_id
    where i.id > :after
    order by i.sent_at, i.id
    """
)


@dataclass(frozen=True)
class FailedReport:
    """A message that the provider took on and then could not deliver. ``resends`` is how often it went once more."""

    code: Optional[int]
    resends: int
    has_template: bool


@dataclass(frozen=True)
class Received:
    """The inbox's newest row, the last message of each conversation that the bot will answer, and whether files came.

    Messages are (business number, provider id).
    """

    newest: int
    to_mark: Tuple[Tuple[str, str], ...] = ()
    files: bool = False


@dataclass(frozen=True)
class Ended:
    """A claimed row, how its send ended, and when."""

    row: Claimed
    ending: Ending
    at: datetime


def _has_consequences(ending: Ending) -> bool:
    return ending.block_until is not None or ending.withdraw_consent or bool(ending.task)


def _settle(connection: Connection, ended: Sequence[Ended], token: str) -> None:
    rows = [
        {
            "id": one.row.id,
            "status": one.ending.status,
            "provider_id": one.ending.provider_id,
            "due_at": one.ending.due_at and one.ending.due_at.isoformat(),
            "error_code": one.ending.error_code,
            "error": one.ending.error,
            "at": one.at.isoformat(),
        }
        for one in ended
    ]
    _SETTLE(connection, rows=json.dumps(rows).replace("\\u0000", ""), claim=token)  # jsonb takes no NUL


class OutboxStore:
    """The sender's queue; every method is one short transaction."""

    def __init__(
        self,
        engine: Engine,
        lease: timedelta,
        unknown_after: timedelta,
        order_wait: timedelta,
        pair_seconds: float,
        pair_burst: int,
    ) -> None:
        self._engine = engine
        self._single = single_statements(engine)  # for what is one statement anyway
        self._lease = lease
        self._unknown_after = unknown_after
        self._order_wait = order_wait
        self._pair_seconds = pair_seconds
        self._pair_burst = pair_burst
        self._leading: Optional[Connection] = None

    def lead(self) -> bool:
        """Whether this sender holds the lead, taken now if it is free; it falls with the connection."""
        if self._leading is not None:
            try:
                self._leading.execute(text("select 1"))
                self._leading.commit()
                return True
            except SQLAlchemyError:
                self.give_up_lead()
        connection = self._engine.connect()
        if connection.execute(text("select pg_try_advisory_lock(:k)"), {"k": _LEAD}).scalar_one():
            connection.commit()
            self._leading = connection
            return True
        connection.close()
        return False

    def give_up_lead(self) -> None:
        """Let another sender send."""
        if self._leading is not None:
            self._leading.invalidate()
            self._leading.close()
            self._leading = None

    def claim(self, now: datetime, token: str, most: int) -> List[Claimed]:
        with self._single.connect() as connection:
            return outbox.claim(
                connection, now, token, most, self._lease, self._pair_seconds, self._pair_burst, self._order_wait
            )

    def next_look(self, now: datetime) -> Optional[datetime]:
        """When something may leave that may not yet, by every rule that a claim knows; None when nothing waits."""
        with self._single.connect() as connection:
            found: Optional[datetime] = _NEXT_LOOK(
                connection,
                unknown_after=self._unknown_after,
                order_wait=self._order_wait,
                pair_ahead=timedelta(seconds=self._pair_seconds * (self._pair_burst - 1)),
            ).scalar()
            return found

    def inbound_since(self, instant: datetime) -> Dict[str, int]:
        with self._single.connect() as connection:
            return outbox.inbound_since(connection, instant)

    def just_received(self, after: int) -> Received:
        """What came after row ``after`` of the inbox; with 0 nothing is counted as new."""
        with self._single.connect() as connection:
            if not after:
                newest = connection.execute(text("select coalesce(max(id), 0) from inbox")).scalar_one()
                return Received(max(newest, 1), files=True)
            rows = _RECEIVED(connection, after=after, bot=BOT).all()
        last = {row.conversation_id: (row.business_number, row.provider_id) for row in rows if row.to_answer}
        newest = max([after, *(row.id for row in rows)])
        return Received(newest, tuple(last.values()), any(row.has_file for row in rows))

    def has_consent(self, contact_id: int, topic: str) -> bool:
        with self._engine.connect() as connection:
            return SqlContacts(connection).has_consent(contact_id, topic)

    def may_begin_at(self, contact_id: int, now: datetime) -> datetime:
        """The first instant from ``now`` on at which this person wants to be written to first."""
        with self._engine.connect() as connection:
            people = SqlContacts(connection)
            hours = people.hours(contact_id)
            return now if hours is None else may_begin_at(hours, people.time_zone(contact_id), now)

    def judge_reports(self, now: datetime, judge: Callable[[FailedReport], Ending]) -> int:
        """Apply ``judge`` to sends that were accepted and then reported as failed; returns how many there were.

        An ending of ``queued`` sends the row once more, as its template alone where the report was a closed window.
        """
        with self._engine.begin() as connection:
            rows = connection.execute(_UNJUDGED).all()
            for row in rows:
                report = FailedReport(row.error_code, row.resends, row.has_template)
                ending = judge(report)
                again = ending.status == "queued"
                values = {"id": row.id, "again": again, "due_at": ending.due_at, "bare": again and row.has_template}
                connection.execute(_JUDGED, values)
                self._follow_up(connection, row, ending, now)
            return len(rows)

    def settle(self, ended: Sequence[Ended], token: str) -> None:
        """Write how sends ended, where the claim still holds. A status report that came first is not moved backwards.

        Those with consequences for the person or for us are written each with these, in a transaction of its own.
        """
        plain = [one for one in ended if not _has_consequences(one.ending)]
        if plain:
            with self._single.connect() as connection:
                _settle(connection, plain, token)
        for one in ended:
            if _has_consequences(one.ending):
                with self._engine.begin() as connection:
                    _settle(connection, [one], token)
                    self._follow_up(connection, one.row, one.ending, one.at)

    @classmethod
    def _follow_up(cls, connection: Connection, row: Any, ending: Ending, now: datetime) -> None:
        if ending.block_until is not None:
            connection.execute(
                text("update conversation set blocked_until = :until where id = :id"),
                {"until": ending.block_until, "id": row.conversation_id},
            )
        if ending.withdraw_consent:
            SqlContacts(connection).record_consent(row.contact_id, "all", False, "provider", f"refused|{row.id}", now)
        if ending.task:
            cls._open_task(connection, row, ending, now)

    @staticmethod
    def _open_task(connection: Connection, row: Any, ending: Ending, now: datetime) -> None:
        account = ending.task == "account"  # one task an hour, not one for each message that cannot leave
        key = f"account|{ending.error_code}|{now:%Y-%m-%dT%H}" if account else f"failed_send|{row.id}"
        details = {"outbox": row.id, "code": ending.error_code, "reason": ending.error}
        conversation_id = None if account else row.conversation_id
        SqlManualTasks(connection).open(ending.task or "failed_send", conversation_id, details, key, now)

    def sweep(self, now: datetime) -> outbox.Swept:
        """Settle rows that nobody works on, see ``outbox.sweep``; those given up become tasks for people."""
        with self._engine.begin() as connection:
            swept = outbox.sweep(connection, now, self._unknown_after)
            for row_id, conversation_id in swept.given_up:
                SqlManualTasks(connection).open(
                    "failed_send", conversation_id, {"outbox": row_id, "reason": "lost"}, f"failed_send|{row_id}", now
                )
            return swept
