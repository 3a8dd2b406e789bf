"""The queue of things to say: written inside a turn's transaction, claimed by the sender, settled by reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Sequence, Tuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from mostrador.shop.messages import Say
from mostrador.storage.prepared import Prepared
from mostrador.storage.tables import outbox

REPLY, NOTIFICATION, CAMPAIGN = 0, 1, 2


def rows_of(
    conversation_id: str,
    says: Sequence[Tuple[Say, int]],
    speaker: str,
    urgency: int,
    key: str,
    at: datetime,
    turn_id: Optional[str] = None,
    topic: str = "",
) -> List[Dict[str, Any]]:
    """The rows that queue ``says`` in order, unique by ``key`` and part.

    Each comes with the number of provider messages it becomes: a text longer than the provider allows is several rows.
    """
    return [
        {
            "conversation_id": conversation_id,
            "dedup_key": f"{key}#{part}",
            "turn_id": turn_id,
            "part": part,
            "speaker": speaker,
            "urgency": urgency,
            "topic": topic,
            "say": say.to_json(),
            "slice": slice_,
            "due_at": at,
            "created_at": at,
        }
        for part, (say, slice_) in enumerate((say, n) for say, count in says for n in range(count))
    ]


def add(
    connection: Connection,
    conversation_id: str,
    says: Sequence[Tuple[Say, int]],
    speaker: str,
    urgency: int,
    key: str,
    at: datetime,
    topic: str = "",
) -> None:
    """Queue ``says`` as ``rows_of`` has it; parts whose key is there already are left out."""
    rows = rows_of(conversation_id, says, speaker, urgency, key, at, topic=topic)
    if rows:
        connection.execute(insert(outbox).on_conflict_do_nothing(index_elements=["dedup_key"]), rows)


@dataclass(frozen=True)
class Claimed:
    """A row that this sender alone may send until ``lease`` runs out, with all that decides whether it may go."""

    id: int
    conversation_id: str
    business_number: str
    contact_id: int
    wa_id: str
    bsuid: str
    e164: str
    speaker: str
    urgency: int
    topic: str
    say: Say
    slice: int
    attempts: int
    created_at: datetime
    owner: str
    owner_since: Optional[datetime]
    last_human_at: Optional[datetime]
    reply_to_provider_id: str


_CLAIM = Prepared(
    """
    with head as (  -- a contact's rows leave one at a time, replies first, in the order they were said
        select distinct on (o.conversation_id) o.id, o.conversation_id, o.status, o.due_at, o.urgency
        from outbox o
        where o.status in ('queued', 'sending', 'unknown')
        order by o.conversation_id, (o.status = 'queued'), o.urgency, o.id
    ), ready as (
        select h.id
        from head h
        join conversation c on c.id = h.conversation_id
        where h.status = 'queued' and h.due_at <= :now
          and (c.blocked_until is null or c.blocked_until <= :now)
          and (c.pair_paid_until is null or c.pair_paid_until <= :pair_limit)
          and not exists (  -- give the one before a moment to arrive: the provider keeps no order
              select 1 from outbox p
              where p.conversation_id = h.conversation_id and p.status = 'accepted' and p.sent_at > :order_limit)
        order by h.urgency, h.id
        limit :most
    ), locked as (
        select o.id
        from outbox o join ready on ready.id = o.id join conversation c on c.id = o.conversation_id
        where o.status = 'queued'
        for no key update of o, c skip locked
    ), claimed as (
        update outbox o
        set status = 'sending', claim = :claim, lease_until = :lease, attempts = o.attempts + 1
        from locked
        where o.id = locked.id
        returning o.id, o.conversation_id, o.speaker, o.urgency, o.topic, o.say, o.slice, o.attempts, o.created_at,
                  o.turn_id
    ), paid as (
        update conversation c
        set pair_paid_until = greatest(coalesce(c.pair_paid_until, :now), :now) + make_interval(secs => :pair)
        from claimed where c.id = claimed.conversation_id
    )
    select o.*, c.business_number, c.contact_id, c.owner, c.owner_since, c.last_human_at,
           coalesce((select value from contact_alias a where a.contact_id = c.contact_id and a.kind = 'wa_id'
                     order by value limit 1), '') as wa_id,
           coalesce((select value from contact_alias a where a.contact_id = c.contact_id and a.kind = 'bsuid'
                     order by value desc limit 1), '') as bsuid,
           coalesce((select value from contact_alias a where a.contact_id = c.contact_id and a.kind = 'e164'
                     order by value limit 1), '') as e164
    from claimed o join conversation c on c.id = o.conversation_id
    order by o.urgency, o.id
    """
)


def claim(
    connection: Connection,
    now: datetime,
    token: str,
    most: int,
    lease: timedelta,
    pair_seconds: float,
    pair_burst: int,
    order_wait: timedelta,
) -> List[Claimed]:
    """Claim up to ``most`` rows that may leave now, at most one of each conversation, and pay their pair limit.

    The pair limit is the generic cell rate algorithm: one message per ``pair_seconds``, ``pair_burst`` borrowed ahead.
    """
    rows = _CLAIM(
        connection,
        now=now,
        claim=token,
        lease=now + lease,
        most=most,
        pair=pair_seconds,
        pair_limit=now + timedelta(seconds=pair_seconds * (pair_burst - 1)),
        order_limit=now - order_wait,
    )
    return [
        Claimed(
            id=row.id,
            conversation_id=row.conversation_id,
            business_number=row.business_number,
            contact_id=row.contact_id,
            wa_id=row.wa_id,
            bsuid=row.bsuid,
            e164=row.e164,
            speaker=row.speaker,
            urgency=row.urgency,
            topic=row.topic,
            say=Say.from_json(row.say),
            slice=row.slice,
            attempts=row.attempts,
            created_at=row.created_at,
            owner=row.owner,
            owner_since=row.owner_since,
            last_human_at=row.last_human_at,
            reply_to_provider_id=row.turn_id or "",
        )
        for row in rows
    ]


_EXPIRED = text(
    """
    update outbox set status = 'unknown', claim = null, lease_until = null, due_at = :now
    where status = 'sending' and lease_until < :now
    returning id
    """
)

_RESEND = text(
    """
    update outbox set status = 'queued', resends = resends + 1, due_at = :now
    where status = 'unknown' and due_at < :before and resends < 1
    returning id
    """
)

_GIVE_UP = text(
    """
    update outbox set status = 'failed', error = 'no word of it came back', status_at = :now
    where status = 'unknown' and due_at < :before and resends >= 1
    returning id, conversation_id
    """
)


@dataclass(frozen=True)
class Swept:
    """How many rows lost their sender, how many are sent once more, and which were given up (id, conversation)."""

    orphaned: int
    resent: int
    given_up: Sequence[Tuple[int, str]]


def sweep(connection: Connection, now: datetime, unknown_after: timedelta) -> Swept:
    """Settle what nobody works on: a dead sender's rows become unknown, long unknown ones go once more, then never."""
    orphaned = connection.execute(_EXPIRED, {"now": now}).rowcount
    before = now - unknown_after
    given_up = [(r.id, r.conversation_id) for r in connection.execute(_GIVE_UP, {"now": now, "before": before})]
    resent = connection.execute(_RESEND, {"now": now, "before": before}).rowcount
    return Swept(orphaned, resent, given_up)


_INBOUND = Prepared(
    """
    select c.business_number, count(*) as n
    from inbox i join conversation c on c.id = i.conversation_id
    where i.received_at > :since group by 1
    """
)


def inbound_since(connection: Connection, instant: datetime) -> Dict[str, int]:
    """Messages received since ``instant`` by business number; they count against the number's throughput."""
    return {row.business_number: row.n for row in _INBOUND(connection, since=instant)}
