"""The door: what a webhook brought is in the database, once, before the webhook is answered."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mostrador.shop.clock import Clock
from mostrador.shop.contacts import EVERYTHING
from mostrador.shop.messages import Delivery, DeliveryReport, InboundMessage, Kind, Sender
from mostrador.shop.received import Batch, MarketingPreference
from mostrador.storage.contacts import BSUID, WA_ID, SqlContacts
from mostrador.storage.engine import INBOX, OUTBOX, is_unavailable, single_statements
from mostrador.storage.prepared import Prepared

SILENT = frozenset({Kind.REACTION, Kind.SYSTEM, Kind.EDIT, Kind.REVOKE})  # kept, and nobody waits for an answer
_NO_HUMAN_ACT = frozenset({Kind.SYSTEM})  # written by the provider, so it opens no 24-hour window
_CROSSED = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_MOST_CROSSINGS = 2

_RISING = tuple(Delivery)

_Place = Tuple[Sender, str]  # who wrote, and to which business number

_KNOWN = Prepared(
    """
    select a.kind, a.value, a.contact_id, c.id as conversation_id, c.business_number
    from unnest(cast(:kinds as text[]), cast(:values as text[])) as k (kind, value)
    join contact_alias a on a.kind = k.kind and a.value = k.value
    join conversation c on c.contact_id = a.contact_id and c.business_number = any(cast(:numbers as text[]))
    order by c.id
    for no key update of c
    """
)
_OPEN = text(
    """
    insert into conversation (id, contact_id, business_number, created_at)
    values (:id, :contact, :number, :at)
    on conflict (contact_id, business_number) do nothing
    returning id
    """
)
_CONVERSATION = text("select id from conversation where contact_id = :contact and business_number = :number")
_STORE = Prepared(
    """
    with given as (
        select * from jsonb_to_recordset(cast(:rows as jsonb))
            as r (provider_id text, conversation_id text, kind text, sent_at timestamptz, status text, human boolean,
                  message jsonb)
    ), stored as (
        insert into inbox (provider_id, conversation_id, kind, sent_at, received_at, due_at, status, message)
        select provider_id, conversation_id, kind, sent_at, :now, :now, status, message from given
        order by provider_id
        on conflict (provider_id) do nothing
        returning provider_id, conversation_id, status
    ), heard as (
        update conversation c set last_human_at = greatest(c.last_human_at, n.at)
        from (select g.conversation_id, max(g.sent_at) as at
              from stored s join given g using (provider_id) where g.human group by 1) n
        where c.id = n.conversation_id
    ), files as (
        insert into media_file (media_id, inbox_provider_id, business_number, mime_type, due_at, at)
        select g.message -> 'media' ->> 'media_id', s.provider_id, c.business_number,
               coalesce(g.message -> 'media' ->> 'mime_type', ''), :now, :now
        from stored s join given g using (provider_id) join conversation c on c.id = s.conversation_id
        where coalesce(g.message -> 'media' ->> 'media_id', '') <> ''
        on conflict (media_id) do nothing
    )
    select (select count(*) from stored) as stored,
           array(select distinct conversation_id from stored where status = 'new') as woken
    """
)
_RANK = "array_position(array['queued','sending','unknown','accepted','sent','failed','delivered','read'], {})"
_REPORT = Prepared(
    f"""
    with given as (
        select * from jsonb_to_recordset(cast(:rows as jsonb))
            as r (provider_id text, status text, outbox_id bigint, error_code int, error text, at timestamptz,
                  newest text)
    ), stored as (
        insert into delivery_report (provider_id, status, outbox_id, error_code, at)
        select provider_id, status, outbox_id, error_code, at from given
        order by provider_id, status
        on conflict do nothing
        returning provider_id
    ), settled as (
        select o.id, g.*
        from (select * from given where status = newest) g
        join outbox o on o.provider_id = g.provider_id or (o.provider_id is null and o.id = g.outbox_id)
        where coalesce({_RANK.format("o.status::text")}, 0)
              < {_RANK.format("case g.status when 'played' then 'read' else g.status end")}
        order by o.id
        for no key update of o
    ), moved as (
        update outbox o set
            status = case s.status when 'played' then 'read' else s.status end,
            provider_id = s.provider_id, claim = null, lease_until = null, status_at = s.at,
            sent_at = coalesce(o.sent_at, s.at),
            error_code = s.error_code, error = nullif(s.error, '')
        from settled s where o.id = s.id
        returning o.conversation_id, o.status
    )
    select (select count(*) from stored) as stored,
           array(select distinct m.conversation_id from moved m
                 where m.status = 'failed' or exists (  -- only who waits for this one to arrive need be woken
                     select 1 from outbox w where w.conversation_id = m.conversation_id and w.status = 'queued')
           ) as woken
    """
)
_ANNOUNCE = Prepared(
    "select pg_notify(channel, id) from unnest(cast(:channels as text[]), cast(:ids as text[])) as a (channel, id)"
)
_STOPPED_AT_PROVIDER = text(
    """
    select not granted and source = 'provider' from consent
    where contact_id = :contact and topic = :everything order by at desc, id desc limit 1
    """
)


class InboxStore:
    """Stores webhooks. Safe for any number of processes that get the same or overlapping webhooks at once."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._announcing = single_statements(engine)
        self._clock = clock

    def receive(self, batch: Batch) -> int:
        """Store everything in ``batch`` in one transaction; returns how many messages and reports were new.

        When the database refuses an item, the others are stored all the same, and then its error is raised. While the
        database is away nothing is stored and what ``storage.engine.is_unavailable`` recognises is raised.
        """
        if not len(batch):
            return 0
        try:
            return self._persistently(batch)
        except DBAPIError as error:
            if is_unavailable(error) or len(batch) == 1:
                raise
        stored, refused = 0, None
        for part in batch.singly():
            try:
                stored += self._persistently(part)
            except DBAPIError as error:
                if is_unavailable(error):
                    raise
                refused = error
        if refused is not None:
            raise refused
        return stored

    def check(self) -> None:
        """Return when the database answers; else raise."""
        with self._engine.connect() as connection:
            connection.execute(text("select 1"))

    def _persistently(self, batch: Batch) -> int:
        """One transaction, begun again when there are people to get to know or another process crossed it."""
        newcomers, crossings = bool(batch.identity_changes or batch.preferences), 0
        while True:
            try:
                return self._once(batch, newcomers)
            except _Strangers:
                newcomers = True
            except DBAPIError as error:
                crossings += 1
                if crossings > _MOST_CROSSINGS or getattr(error.orig, "pgcode", None) not in _CROSSED:
                    raise

    def _once(self, batch: Batch, newcomers: bool) -> int:
        """Everything, in the one order of locks that keeps processes from waiting for each other.

        Ids of people first, then outbox rows, then conversations: the sender too takes them in this order.
        """
        now = self._clock.now()
        woken: Dict[str, List[str]] = {}
        places = {(m.sender, m.business_number) for m in batch.messages}
        with self._engine.begin() as connection:
            contacts = SqlContacts(connection)
            if newcomers:
                _get_to_know(connection, contacts, batch, places, now)
            stored = _store_reports(connection, batch.reports, woken) if batch.reports else 0
            if places:
                talks = _known(connection, places)
                for place in sorted(places - talks.keys(), key=_order):
                    if not newcomers:
                        raise _Strangers
                    talks[place] = _conversation(connection, contacts, place, now)
                stored += _store_messages(connection, batch.messages, talks, now, woken)
        self._announce(woken)
        return stored

    def _announce(self, woken: Mapping[str, Sequence[str]]) -> None:
        """Wake those who wait, after the commit: commits that announce wait for each other, and these are cheap.

        An announcement that gets lost costs seconds, no message: everybody looks again by themselves.
        """
        calls = [(channel, conversation) for channel, conversations in woken.items() for conversation in conversations]
        if not calls:
            return
        try:
            with self._announcing.connect() as connection:
                _ANNOUNCE(connection, channels=[channel for channel, _ in calls], ids=[talk for _, talk in calls])
        except DBAPIError as error:
            if not is_unavailable(error):
                raise


class _Strangers(Exception):
    """Somebody in the batch is not known by all their ids yet."""


def _get_to_know(
    connection: Connection, contacts: SqlContacts, batch: Batch, places: Set[_Place], now: datetime
) -> None:
    people = [sender for sender, _ in places] + [preference.sender for preference in batch.preferences]
    contacts.hold(*people, *(s for change in batch.identity_changes for s in (change.old, change.new)))
    for change in batch.identity_changes:
        contacts.rename(change.old, change.new, now)
    for preference in batch.preferences:
        _record_preference(connection, contacts, preference, now)
    for place in sorted(places, key=_order):
        _conversation(connection, contacts, place, now)


def _store_messages(
    connection: Connection,
    messages: Sequence[InboundMessage],
    talks: Mapping[_Place, str],
    now: datetime,
    woken: Dict[str, List[str]],
) -> int:
    rows = [
        {
            "provider_id": message.provider_id,
            "conversation_id": talks[message.sender, message.business_number],
            "kind": message.kind.value,
            "sent_at": message.sent_at.isoformat(),
            "status": "kept" if message.kind in SILENT else "new",
            "human": message.kind not in _NO_HUMAN_ACT,
            "message": _as_json(message),
        }
        for message in messages
    ]
    found = _STORE(connection, rows=json.dumps(rows), now=now).one()
    if found.woken:
        woken[INBOX] = found.woken
    return int(found.stored)


def _as_json(message: InboundMessage) -> Dict[str, Any]:
    """What ``inbox.message`` holds: text, reply_id, reply_to and media where there are any, and the payload, whole."""
    parts = {
        "text": message.text,
        "reply_id": message.reply_id,
        "reply_to": message.reply_to,
        "media": asdict(message.media) if message.media else None,
    }
    return {**{name: part for name, part in parts.items() if part}, "payload": dict(message.payload)}


def _order(place: _Place) -> Tuple[str, str, str]:
    sender, number = place
    return sender.bsuid, sender.wa_id, number


def _known(connection: Connection, places: Set[_Place]) -> Dict[_Place, str]:
    """Those places whose every id is a live alias of one contact with a conversation; these are held."""
    ids = sorted({alias for sender, _ in places for alias in _ids(sender)})
    rows = _KNOWN(
        connection,
        kinds=[kind for kind, _ in ids],
        values=[value for _, value in ids],
        numbers=sorted({number for _, number in places}),
    ).all()
    people = {(row.kind, row.value): row.contact_id for row in rows}
    talks = {(row.contact_id, row.business_number): row.conversation_id for row in rows}
    found = {}
    for sender, number in places:
        named = {people.get(alias) for alias in _ids(sender)}
        talk = talks.get((named.pop(), number)) if len(named) == 1 else None
        if talk is not None:
            found[sender, number] = talk
    return found


def _ids(sender: Sender) -> List[Tuple[str, str]]:
    return [(kind, value) for kind, value in ((WA_ID, sender.wa_id), (BSUID, sender.bsuid)) if value]


def _conversation(connection: Connection, contacts: SqlContacts, place: _Place, now: datetime) -> str:
    """The conversation of a sender with a number, made when new, by way of getting to know the sender."""
    sender, number = place
    who = {"contact": contacts.identify(sender, now), "number": number}
    made = connection.execute(_OPEN, {"id": uuid4().hex, "at": now, **who}).scalar()
    return str(made or connection.execute(_CONVERSATION, who).scalar_one())


def _store_reports(connection: Connection, reports: Sequence[DeliveryReport], woken: Dict[str, List[str]]) -> int:
    newest: Dict[str, Delivery] = {}
    for report in reports:
        known = newest.get(report.provider_id)
        if known is None or _RISING.index(report.status) > _RISING.index(known):
            newest[report.provider_id] = report.status
    rows = {
        (report.provider_id, report.status): {
            "provider_id": report.provider_id,
            "status": report.status.value,
            "newest": newest[report.provider_id].value,
            "outbox_id": int(report.outbox_id) if report.outbox_id else None,
            "error_code": report.error_code,
            "error": report.error_title,
            "at": report.at.isoformat(),
        }
        for report in reports
    }
    found = _REPORT(connection, rows=json.dumps(list(rows.values()))).one()
    if found.woken:
        woken[OUTBOX] = found.woken
    return int(found.stored)


def _record_preference(
    connection: Connection, contacts: SqlContacts, preference: MarketingPreference, now: datetime
) -> None:
    """Stopping marketing stops all that is not an answer; resuming takes back only what was stopped that way."""
    person = contacts.identify(preference.sender, now)
    if preference.granted:
        asked = {"contact": person, "everything": EVERYTHING}
        if not connection.execute(_STOPPED_AT_PROVIDER, asked).scalar():
            return
    key = f"preference|{person}|{int(preference.at.timestamp())}|{preference.granted}"
    contacts.record_consent(person, EVERYTHING, preference.granted, "provider", key, preference.at)
