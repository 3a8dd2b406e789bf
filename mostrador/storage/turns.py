"""The queue of messages to answer: a conversation's next turn is claimed by an advisory lock and closed in one transaction.

The lock belongs to the claiming connection, so that a killed process frees it at once. Nothing of a turn is visible
before ``finish`` commits its tracker events, outbox rows and closed messages together.
"""
from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mostrador.shop.conversations import BOT, HUMAN, QUEUED
from mostrador.shop.messages import Kind, Say
from mostrador.storage import outbox
from mostrador.storage.engine import OUTBOX, notify
from mostrador.storage.tables import manual_task, tracker_event, turn

log = logging.getLogger(__name__)


def lock_key(conversation_id: str) -> int:
    """The advisory lock of a conversation: 63 bits of its id's digest."""
    return int.from_bytes(hashlib.blake2b(conversation_id.encode(), digest_size=8).digest(), "big", signed=True) >> 1


@dataclass(frozen=True)
class Member:
    """One inbound message of a turn, as it lies in the inbox."""

    id: int
    provider_id: str
    kind: str
    sent_at: datetime
    received_at: datetime
    message: Mapping[str, Any]


@dataclass
class Begun:
    """A claimed turn. Until ``finish``, ``put_off`` or ``drop`` nobody else can work on its conversation."""

    connection: Connection
    conversation_id: str
    contact_id: int
    owner: str
    language: str
    members: List[Member]
    tries: int
    waits: int
    tracker_seq: int
    session_turns: int
    new_session: bool
    events: List[Dict[str, Any]] = field(default_factory=list)

    @property
    def turn_id(self) -> str:
        return self.members[0].provider_id


@dataclass(frozen=True)
class Result:
    """What a turn leaves behind. ``says`` come with the number of provider messages each becomes."""

    outcome: str
    events: Sequence[Mapping[str, Any]]
    says: Sequence[Tuple[Say, int]]
    form_open: bool = False
    language: str = ""
    intent: Optional[str] = None
    confidence: Optional[float] = None
    explain: Optional[Mapping[str, Any]] = None
    task: Optional[Mapping[str, Any]] = None
    speaker: str = BOT
    back_to_bot: bool = False


@dataclass(frozen=True)
class NotYet:
    """The conversation's next message becomes due at ``at``."""

    at: datetime


@dataclass(frozen=True)
class SessionRule:
    """When a new session begins: after this much silence, or after so many turns with no form open."""

    silence: timedelta
    turns: int


@dataclass(frozen=True)
class BurstRule:
    """How long free text outside a form waits for more of it, and how long any message waits for an older one."""

    quiet: timedelta
    cap: timedelta
    hold: timedelta


_TALK = text(
    """
    select c.contact_id, c.owner, c.session_turns, c.session_last_at, c.form_open, c.tracker_seq,
           coalesce(p.language, '') as language
    from conversation c join contact p on p.id = c.contact_id
    where c.id = :id
    """
)
_WAITING = text(
    """
    select id, provider_id, kind, sent_at, received_at, message, turn_id, tries, waits, due_at
    from inbox where conversation_id = :id and status = 'new'
    order by sent_at, id limit 20
    """
)
_EVENTS = text(
    """
    select event from tracker_event
    where conversation_id = :id and seq >= coalesce(
        (select max(seq) from tracker_event where conversation_id = :id and type = 'session_started'), 0) - 1
    order by seq
    """
)


class TurnStore:
    """Claims, closes and puts off turns; every method is one short piece of database work."""

    def __init__(self, engine: Engine, session: SessionRule, burst: BurstRule) -> None:
        self._engine = engine
        self._session = session
        self._burst = burst

    def conversations_waiting(self) -> List[str]:
        """Conversations with messages that nobody has answered yet, the oldest message first."""
        query = text("select conversation_id from inbox where status = 'new' group by 1 order by min(sent_at)")
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def begin(self, conversation_id: str, now: datetime) -> Union[Begun, NotYet, None]:
        """Claim the conversation's next turn.

        None when nothing waits or another process has the conversation; NotYet when its next message must wait.
        The try is counted before the work begins, so that a message that kills its process is not tried for ever.
        """
        connection = self._engine.connect()
        try:
            locked = connection.execute(
                text("select pg_try_advisory_lock(:k)"), {"k": lock_key(conversation_id)}
            ).scalar_one()
            if not locked:
                connection.close()
                return None
            begun = self._choose(connection, conversation_id, now)
            if isinstance(begun, Begun):
                return begun
            self._release(connection, conversation_id)
            return begun
        except BaseException:
            connection.invalidate()  # the server frees the lock with the connection
            connection.close()
            raise

    def _choose(self, connection: Connection, conversation_id: str, now: datetime) -> Union[Begun, NotYet, None]:
        rows = connection.execute(_WAITING, {"id": conversation_id}).all()
        if not rows:
            return None
        talk = connection.execute(_TALK, {"id": conversation_id}).one()
        head = rows[0]
        mates = [r for r in rows if head.turn_id and r.turn_id == head.turn_id] or self._burst_of(rows, talk.form_open)
        wait = max(
            [m.due_at for m in mates] + [self._patience_end(mates, talk.form_open) if not head.turn_id else head.due_at]
        )
        if wait > now:
            return NotYet(wait)
        members = [Member(m.id, m.provider_id, m.kind, m.sent_at, m.received_at, m.message) for m in mates]
        connection.execute(
            text("update inbox set tries = tries + 1, turn_id = :turn where id = any(:ids)"),
            {"turn": members[0].provider_id, "ids": [m.id for m in members]},
        )
        new_session = self._is_new_session(talk, members)
        events = list(connection.execute(_EVENTS, {"id": conversation_id}).scalars()) if talk.tracker_seq else []
        connection.execute(text("set local synchronous_commit = off"))  # a lost count of tries harms nobody
        connection.commit()
        return Begun(
            connection=connection,
            conversation_id=conversation_id,
            contact_id=talk.contact_id,
            owner=talk.owner,
            language=talk.language,
            members=members,
            tries=head.tries + 1,
            waits=head.waits,
            tracker_seq=talk.tracker_seq,
            session_turns=talk.session_turns,
            new_session=new_session,
            events=events,
        )

    def _burst_of(self, rows: Sequence[Any], form_open: bool) -> List[Any]:
        """The head alone, or the run of plain texts it starts: only free text outside a form merges."""
        if not self._burst.quiet or form_open or rows[0].kind != Kind.TEXT.value:
            return [rows[0]]
        run = []
        for row in rows:
            if row.kind != Kind.TEXT.value or row.sent_at - rows[0].sent_at > self._burst.cap:
                break
            run.append(row)
        return run

    def _patience_end(self, mates: Sequence[Any], form_open: bool) -> datetime:
        head = mates[0]
        end: datetime = head.received_at + self._burst.hold
        if self._burst.quiet and not form_open and head.kind == Kind.TEXT.value:
            quiet_end = max(m.received_at for m in mates) + self._burst.quiet
            end = max(end, min(quiet_end, head.received_at + self._burst.cap))
        return end

    def _is_new_session(self, talk: Any, members: Sequence[Member]) -> bool:
        if not talk.tracker_seq or talk.session_last_at is None:
            return True
        if members[0].sent_at - talk.session_last_at > self._session.silence:
            return True
        return talk.session_turns >= self._session.turns and not talk.form_open

    def finish(self, begun: Begun, result: Result, begun_at: datetime, now: datetime) -> bool:
        """Write everything the turn leaves and close its messages, in one transaction; then free the conversation.

        False when a human took the conversation meanwhile: then what the bot wanted to say is not said.
        """
        connection = begun.connection
        try:
            owner = connection.execute(
                text("select owner from conversation where id = :id for update"), {"id": begun.conversation_id}
            ).scalar_one()
            said = owner != HUMAN
            self._write_tracker(begun, result, connection)
            if said:
                outbox.add(
                    connection,
                    begun.conversation_id,
                    result.says,
                    result.speaker,
                    outbox.REPLY,
                    begun.turn_id,
                    now,
                    turn_id=begun.turn_id,
                )
            connection.execute(
                insert(turn).values(
                    id=begun.turn_id,
                    conversation_id=begun.conversation_id,
                    members=[m.provider_id for m in begun.members],
                    outcome=result.outcome,
                    intent=result.intent,
                    confidence=result.confidence,
                    explain=dict(result.explain) if result.explain else None,
                    begun_at=begun_at,
                    ended_at=now,
                )
            )
            if result.task:
                self._open_task(begun, result.task, connection, now)
            self._close(begun, connection, "done" if said else "kept", now)
            notify(connection, OUTBOX, begun.conversation_id)
            connection.commit()
        except BaseException:
            self._abandon(begun)
            raise
        self._release(connection, begun.conversation_id)
        return said

    def _write_tracker(self, begun: Begun, result: Result, connection: Connection) -> None:
        if result.events:
            rows = [
                {"conversation_id": begun.conversation_id, "seq": seq, "type": event["event"], "event": event}
                for seq, event in enumerate(result.events, start=begun.tracker_seq + 1)
            ]
            connection.execute(insert(tracker_event), rows)
        connection.execute(
            text(
                """
                update conversation set tracker_seq = :seq, session_turns = :turns, form_open = :form,
                    session_last_at = greatest(session_last_at, :last),
                    owner = case when :back and owner = :queued then :bot else owner end
                where id = :id
                """
            ),
            {
                "seq": begun.tracker_seq + len(result.events),
                "turns": 1 if begun.new_session else begun.session_turns + 1,
                "form": result.form_open,
                "last": max(m.sent_at for m in begun.members),
                "back": result.back_to_bot,
                "queued": QUEUED,
                "bot": BOT,
                "id": begun.conversation_id,
            },
        )
        if result.language and result.language != begun.language:
            connection.execute(
                text("update contact set language = :language where id = :id"),
                {"language": result.language, "id": begun.contact_id},
            )

    def _open_task(self, begun: Begun, task: Mapping[str, Any], connection: Connection, now: datetime) -> None:
        details = {key: value for key, value in task.items() if key != "kind"}
        connection.execute(
            insert(manual_task)
            .values(
                kind=task["kind"],
                conversation_id=begun.conversation_id,
                details=details,
                dedup_key=f"{task['kind']}|{begun.turn_id}",
                created_at=now,
            )
            .on_conflict_do_nothing(index_elements=["dedup_key"])
        )

    @staticmethod
    def _close(begun: Begun, connection: Connection, status: str, now: datetime) -> None:
        connection.execute(
            text("update inbox set status = :status, closed_at = :now where id = any(:ids)"),
            {"status": status, "now": now, "ids": [m.id for m in begun.members]},
        )

    def keep_for_people(self, begun: Begun, says: Sequence[Tuple[Say, int]], key: str, now: datetime) -> None:
        """Leave the messages to a human; ``says`` are told once per ``key``."""
        connection = begun.connection
        try:
            self._close(begun, connection, "kept", now)
            outbox.add(connection, begun.conversation_id, says, "system", outbox.REPLY, key, now)
            notify(connection, OUTBOX, begun.conversation_id)
            connection.commit()
        except BaseException:
            self._abandon(begun)
            raise
        self._release(connection, begun.conversation_id)

    def put_off(
        self,
        begun: Begun,
        until: datetime,
        error: str,
        counts: bool,
        says: Sequence[Tuple[Say, int]] = (),
        now: Optional[datetime] = None,
    ) -> None:
        """Try the turn again at ``until``. An outage does not count as a try (``counts`` false) but as a wait."""
        connection = begun.connection
        try:
            connection.execute(
                text(
                    """
                    update inbox set due_at = :until, error = :error,
                        tries = tries - :uncounted, waits = waits + :uncounted
                    where id = any(:ids)
                    """
                ),
                {
                    "until": until,
                    "error": error[:500],
                    "uncounted": 0 if counts else 1,
                    "ids": [m.id for m in begun.members],
                },
            )
            if says and now is not None:
                key = f"{begun.turn_id}|outage"
                outbox.add(connection, begun.conversation_id, says, "system", outbox.REPLY, key, now)
                notify(connection, OUTBOX, begun.conversation_id)
            connection.commit()
        except BaseException:
            self._abandon(begun)
            raise
        self._release(connection, begun.conversation_id)

    def drop(self, begun: Begun) -> None:
        """Free the conversation and change nothing."""
        self._release(begun.connection, begun.conversation_id)

    @staticmethod
    def _abandon(begun: Begun) -> None:
        begun.connection.invalidate()
        begun.connection.close()

    @staticmethod
    def _release(connection: Connection, conversation_id: str) -> None:
        try:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:k)"), {"k": lock_key(conversation_id)})
            connection.commit()
        except SQLAlchemyError:
            connection.invalidate()
        finally:
            connection.close()
