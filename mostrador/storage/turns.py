"""The queue of messages to answer: a turn is claimed by an advisory lock and closed in one transaction.

The lock belongs to the claiming connection, so that a killed process frees it at once. Nothing of a turn is visible
before ``finish`` commits its tracker events, outbox rows and closed messages together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from mostrador.shop.conversations import BOT
from mostrador.shop.messages import Kind, Say
from mostrador.storage import outbox
from mostrador.storage.engine import OUTBOX, single_statements
from mostrador.storage.prepared import Prepared


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
    after_silence: bool  # a new session begins because the person was quiet for long, not because the talk was long
    open_form: str
    events: List[Dict[str, Any]] = field(default_factory=list)
    more: bool = False  # whether other messages waited when this turn was claimed

    @property
    def turn_id(self) -> str:
        return self.members[0].provider_id


@dataclass(frozen=True)
class Result:
    """What a turn leaves behind. ``says`` come with the number of provider messages each becomes."""

    outcome: str
    events: Sequence[Mapping[str, Any]]
    says: Sequence[Tuple[Say, int]]
    open_form: str = ""
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
    """How long free text waits for more of it, and how long any message waits for an older one.

    ``quiet`` outside a form and ``quiet_in`` by the name of the form that is open, where nothing waits by default; a
    person who goes on writing is answered ``cap`` after the first text at the latest.
    """

    quiet: timedelta
    cap: timedelta
    hold: timedelta
    quiet_in: Mapping[str, timedelta] = field(default_factory=dict)

    def after(self, open_form: str) -> timedelta:
        """How long a text waits while this form is open (none: the empty name)."""
        return self.quiet_in.get(open_form, timedelta()) if open_form else self.quiet


_LOCK = text("select pg_try_advisory_lock(:k)")
_UNLOCK = text("select pg_advisory_unlock(:k)")
_UNLOCK_AND_TELL = text("select pg_advisory_unlock(:k), pg_notify(:channel, :id)")  # cheap: after the commit, not in it
_WAITING = Prepared(
    """
    select i.id, i.provider_id, i.kind, i.sent_at, i.received_at, i.message, i.turn_id, i.tries, i.waits, i.due_at,
           c.contact_id, c.owner, c.session_turns, c.session_last_at, c.open_form, c.tracker_seq,
           coalesce(p.language, '') as language
    from inbox i
    join conversation c on c.id = i.conversation_id
    join contact p on p.id = c.contact_id
    where i.conversation_id = :id and i.status = 'new'
    order by i.sent_at, i.id limit 20
    """
)
_TRY = Prepared(  # a lost count of tries harms nobody, so its commit does not wait for the disk
    """
    update inbox set tries = tries + 1, turn_id = :turn
    from (select set_config('synchronous_commit', 'off', true)) hurried
    where id = any(:ids)
    """
)
_EVENTS = Prepared(
    """
    select event from tracker_event
    where conversation_id = :id and seq >= coalesce(
        (select max(seq) from tracker_event where conversation_id = :id and type = 'session_started'), 0) - 1
    order by seq
    """
)


# Each of the three statements below ends a turn: one statement is one transaction, and one way to the server and back.
_SAY = """
    said_rows as (
        insert into outbox (conversation_id, dedup_key, turn_id, part, speaker, urgency, topic, say, slice, due_at,
                            created_at)
        select r.conversation_id, r.dedup_key, r.turn_id, r.part, r.speaker, r.urgency, r.topic, r.say, r.slice,
               r.due_at, r.created_at
        from jsonb_to_recordset(cast(:rows as jsonb)) as r (conversation_id text, dedup_key text, turn_id text,
             part int, speaker text, urgency int, topic text, say jsonb, slice int, due_at timestamptz,
             created_at timestamptz), talk
        where talk.said
        order by r.part
        on conflict (dedup_key) do nothing
        returning 1
    )
"""
_FINISH = Prepared(
    f"""
    with talk as (
        select owner <> 'human' as said from conversation where id = :id for update
    ), {_SAY}, moved as (
        update conversation
        set tracker_seq = cast(:seq as bigint) + cast(:added as bigint), session_turns = :turns, open_form = :form,
            session_last_at = greatest(session_last_at, :last),
            owner = case when :back and owner = 'queued' then 'bot' else owner end
        from talk where id = :id
    ), remembered as (
        insert into tracker_event (conversation_id, seq, type, event)
        select :id, cast(:seq as bigint) + e.n, e.event ->> 'event', e.event
        from jsonb_array_elements(cast(:events as jsonb)) with ordinality as e (event, n)
    ), recorded as (
        insert into turn (id, conversation_id, members, outcome, intent, confidence, explain, begun_at, ended_at)
        values (:turn, :id, cast(:members as jsonb), :outcome, :intent, :confidence, cast(:explain as jsonb), :begun_at,
                :now)
    ), tasked as (
        insert into manual_task (kind, conversation_id, details, dedup_key, created_at)
        select cast(:task as text), :id, cast(:details as jsonb), cast(:task as text) || '|' || :turn, :now
        where cast(:task as text) is not null
        on conflict (dedup_key) do nothing
    ), spoken as (
        update contact set language = cast(:language as text)
        where id = :contact and cast(:language as text) is not null
          and language is distinct from cast(:language as text)
    ), closed as (
        update inbox set status = case when talk.said then 'done' else 'kept' end, closed_at = :now
        from talk where id = any(:inbox)
    )
    select said, (select count(*) from said_rows) as rows from talk
    """
)
_KEEP = Prepared(
    f"""
    with talk as (select true as said), {_SAY}, closed as (
        update inbox set status = 'kept', closed_at = :now where id = any(:inbox)
    )
    select said, (select count(*) from said_rows) as rows from talk
    """
)
_PUT_OFF = Prepared(
    f"""
    with talk as (select true as said), {_SAY}, later as (
        update inbox set due_at = :until, error = :error, tries = tries - :uncounted, waits = waits + :uncounted
        where id = any(:inbox)
    )
    select said, (select count(*) from said_rows) as rows from talk
    """
)


def _json(value: Any) -> str:
    # PostgreSQL's jsonb takes no NUL character, and nobody can see one on a phone.
    return json.dumps(value, ensure_ascii=False, default=str).replace("\\u0000", "")


class TurnStore:
    """Claims, closes and puts off turns; every method is one short piece of database work."""

    def __init__(self, engine: Engine, session: SessionRule, burst: BurstRule) -> None:
        self._engine = single_statements(engine)
        self._session = session
        self._burst = burst

    def conversations_waiting(self) -> List[str]:
        """Conversations with messages that nobody has answered yet, the oldest message first."""
        query = text("select conversation_id from inbox where status = 'new' group by 1 order by min(sent_at)")
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def begin(self, conversation_id: str, now: datetime, known_seq: int = -1) -> Union[Begun, NotYet, None]:
        """Claim the conversation's next turn.

        None when nothing waits or another process has the conversation; NotYet when its next message must wait.
        The try is counted before the work begins, so that a message that kills its process is not tried for ever.
        Stored events are left out when the caller knows the tracker up to ``known_seq`` and nothing came after.
        """
        connection = self._engine.connect()
        try:
            if not connection.execute(_LOCK, {"k": lock_key(conversation_id)}).scalar_one():
                connection.close()
                return None
            begun = self._choose(connection, conversation_id, now, known_seq)
            if isinstance(begun, Begun):
                return begun
            self._release(connection, conversation_id)
            return begun
        except BaseException:
            connection.invalidate()  # the server frees the lock with the connection
            connection.close()
            raise

    def _choose(
        self, connection: Connection, conversation_id: str, now: datetime, known_seq: int
    ) -> Union[Begun, NotYet, None]:
        rows = _WAITING(connection, id=conversation_id).all()
        if not rows:
            return None
        head = talk = rows[0]
        mates = [r for r in rows if head.turn_id and r.turn_id == head.turn_id] or self._burst_of(rows, talk.open_form)
        wait = max(
            [m.due_at for m in mates] + [self._patience_end(mates, talk.open_form) if not head.turn_id else head.due_at]
        )
        if wait > now:
            return NotYet(wait)
        members = [Member(m.id, m.provider_id, m.kind, m.sent_at, m.received_at, m.message) for m in mates]
        _TRY(connection, turn=members[0].provider_id, ids=[m.id for m in members])
        after_silence = self._was_silent(talk, members)
        new_session = after_silence or (talk.session_turns >= self._session.turns and not talk.open_form)
        events: List[Dict[str, Any]] = []
        if talk.tracker_seq != known_seq:  # a new session needs the last one's slots
            events = list(_EVENTS(connection, id=conversation_id).scalars())
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
            after_silence=after_silence,
            open_form=talk.open_form,
            events=events,
            more=len(rows) > len(members),
        )

    def _burst_of(self, rows: Sequence[Any], open_form: str) -> List[Any]:
        """The head alone, or the run of plain texts it starts: taps and files never merge."""
        if not self._burst.after(open_form) or rows[0].kind != Kind.TEXT.value:
            return [rows[0]]
        run = []
        for row in rows:
            if row.kind != Kind.TEXT.value or row.sent_at - rows[0].sent_at > self._burst.cap:
                break
            run.append(row)
        return run

    def _patience_end(self, mates: Sequence[Any], open_form: str) -> datetime:
        head = mates[0]
        end: datetime = head.received_at + self._burst.hold
        quiet = self._burst.after(open_form)
        if quiet and head.kind == Kind.TEXT.value:
            quiet_end = max(m.received_at for m in mates) + quiet
            end = max(end, min(quiet_end, head.received_at + self._burst.cap))
        return end

    def _was_silent(self, talk: Any, members: Sequence[Member]) -> bool:
        if not talk.tracker_seq or talk.session_last_at is None:
            return True
        return bool(members[0].sent_at - talk.session_last_at > self._session.silence)

    def finish(self, begun: Begun, result: Result, begun_at: datetime, now: datetime) -> bool:
        """Write everything the turn leaves and close its messages, in one statement; then free the conversation.

        False when a human took the conversation meanwhile: then what the bot wanted to say is not said.
        """
        rows = outbox.rows_of(
            begun.conversation_id,
            result.says,
            result.speaker,
            outbox.REPLY,
            begun.turn_id,
            now,
            turn_id=begun.turn_id,
        )
        values = {
            "id": begun.conversation_id,
            "contact": begun.contact_id,
            "language": result.language or None,
            "turn": begun.turn_id,
            "members": _json([m.provider_id for m in begun.members]),
            "inbox": [m.id for m in begun.members],
            "outcome": result.outcome,
            "intent": result.intent,
            "confidence": result.confidence,
            "explain": _json(dict(result.explain or {})),
            "begun_at": begun_at,
            "now": now,
            "seq": begun.tracker_seq,
            "turns": 1 if begun.new_session else begun.session_turns + 1,
            "form": result.open_form,
            "last": max(m.sent_at for m in begun.members),
            "back": result.back_to_bot,
            "events": _json(list(result.events)),
            "added": len(result.events),
            "rows": _json(rows),
            "task": result.task["kind"] if result.task else None,
            "details": _json({k: v for k, v in (result.task or {}).items() if k != "kind"}),
        }
        return bool(self._complete(begun, _FINISH, values).said)

    def keep_for_people(self, begun: Begun, says: Sequence[Tuple[Say, int]], key: str, now: datetime) -> None:
        """Leave the messages to a human; ``says`` are told once per ``key``."""
        rows = outbox.rows_of(begun.conversation_id, says, "system", outbox.REPLY, key, now)
        self._complete(
            begun,
            _KEEP,
            {"inbox": [m.id for m in begun.members], "now": now, "rows": _json(rows)} | {"id": begun.conversation_id},
        )

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
        key = f"{begun.turn_id}|outage"
        rows = outbox.rows_of(begun.conversation_id, says, "system", outbox.REPLY, key, now or until)
        values = {
            "inbox": [m.id for m in begun.members],
            "until": until,
            "error": error[:500],
            "uncounted": 0 if counts else 1,
            "rows": _json(rows),
            "id": begun.conversation_id,
        }
        self._complete(begun, _PUT_OFF, values)

    def drop(self, begun: Begun) -> None:
        """Free the conversation and change nothing."""
        self._release(begun.connection, begun.conversation_id)

    def _complete(self, begun: Begun, statement: Prepared, values: Mapping[str, Any]) -> Any:
        """Run the one statement that ends a turn, on the connection that holds its lock, and free the conversation."""
        try:
            row = statement(begun.connection, **values).first()
        except BaseException:
            self._abandon(begun)
            raise
        self._release(begun.connection, begun.conversation_id, tell=bool(row and row.rows))
        return row

    @staticmethod
    def _abandon(begun: Begun) -> None:
        begun.connection.invalidate()
        begun.connection.close()

    @staticmethod
    def _release(connection: Connection, conversation_id: str, tell: bool = False) -> None:
        key = lock_key(conversation_id)
        try:
            if tell:
                connection.execute(_UNLOCK_AND_TELL, {"k": key, "channel": OUTBOX, "id": conversation_id})
            else:
                connection.execute(_UNLOCK, {"k": key})
        except SQLAlchemyError:
            connection.invalidate()
        finally:
            connection.close()
