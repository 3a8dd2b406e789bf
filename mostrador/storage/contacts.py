"""People and the ids they are known by, on PostgreSQL.

A person has at most one live ``wa_id`` and one live ``e164`` alias, and any number of ``bsuid``. An id that was given
up stays as ``old_…``: it is never sent to, and a telephone number that was given up no longer tells who somebody is,
because the telephone company gives it to the next.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, List, Optional, Set, Tuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from mostrador.shop.contacts import EVERYTHING, Contact
from mostrador.shop.messages import Sender
from mostrador.shop.phones import canonical, zone_of
from mostrador.shop.preferences import Hours
from mostrador.storage.prepared import Prepared
from mostrador.storage.tables import consent, contact, contact_alias, conversation

WA_ID, BSUID, E164 = "wa_id", "bsuid", "e164"
OLD = {WA_ID: "old_wa", BSUID: "old_bs", E164: "old_e164"}

_LOCK_IDS = text(
    "select pg_advisory_xact_lock(k) from (select hashtextextended(v, 7) as k from unnest(cast(:ids as text[])) v"
    " order by 1) as ordered"
)
_FIND = text("select kind, value, contact_id from contact_alias where value = any(:values)")
_CREATE = text(
    """
    with person as (
        insert into contact (name, created_at) values (:name, :at) returning id
    ), given as (
        select * from unnest(cast(:kinds as text[]), cast(:old as text[]), cast(:ids as text[]), cast(:raws as text[]))
            as g (kind, old_kind, value, raw)
    ), known as (
        insert into contact_alias (kind, value, contact_id, raw) select kind, value, person.id, raw from given, person
    ), no_longer as (
        delete from contact_alias a using given where a.kind = given.old_kind and a.value = given.value
    )
    select id from person
    """
)
_OF_CONVERSATION = Prepared(
    """
    select c.id, c.name, coalesce(c.language, '') as language, c.time_zone,
           array(select distinct role from contact_role where contact_id = c.id order by role) as roles,
           array(select supplier_id from contact_role
                 where contact_id = c.id and role = 'seller' and supplier_id <> 0 order by supplier_id) as suppliers
    from conversation t join contact c on c.id = t.contact_id
    where t.id = :id
    """
)
_NEWEST_CONSENT = Prepared(
    """
    select granted from consent
    where contact_id = :contact and topic in (:topic, :everything)
    order by at desc, id desc limit 1
    """
)
_HOURS = text("select notify_from, notify_until from contact_preference where contact_id = :contact")
_SET_HOURS = text(
    """
    insert into contact_preference (contact_id, notify_from, notify_until, at) values (:contact, :begin, :end, :at)
    on conflict (contact_id) do update set notify_from = :begin, notify_until = :end, at = :at
    """
)
_ZONE = text(
    """
    select c.time_zone, (select value from contact_alias a where a.contact_id = c.id and a.kind = :kind) as number
    from contact c where c.id = :contact
    """
)
UNKNOWN_ZONE = "UTC"  # what a contact has until somebody says better


class SqlContacts:
    """``shop.contacts.Contacts`` on one connection; the caller commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: Set[str] = set()

    def identify(self, sender: Sender, at: datetime) -> int:
        """See ``Contacts``. When the two ids of a sender belong to two contacts, they become the older one.

        Unless both contacts have a telephone number of their own: then the user id says who it is, and the number
        moves to that person. Holds the sender's ids until the transaction ends.
        """
        self.hold(sender)
        aliases = self._aliases(sender)
        by_user = aliases.get((BSUID, sender.bsuid)) or aliases.get((OLD[BSUID], sender.bsuid))
        e164 = canonical(sender.wa_id) if sender.wa_id else ""
        by_phone = aliases.get((WA_ID, sender.wa_id)) or aliases.get((E164, e164))
        if by_phone is None and not sender.bsuid:  # a late message from a number that was given up
            by_phone = aliases.get((OLD[WA_ID], sender.wa_id))
            if by_phone is not None:
                return by_phone
        if by_user is None and by_phone is None:
            return self._create(sender, e164, at)
        if by_user is not None and by_phone is not None and by_user != by_phone:
            by_user = self._one_of_two(by_user, by_phone)
        person = by_user if by_user is not None else by_phone
        assert person is not None
        gave_up = aliases.get((OLD[WA_ID], sender.wa_id)) == person
        self._learn(person, Sender("" if gave_up else sender.wa_id, sender.bsuid), aliases)
        return person

    def rename(self, old: Sender, new: Sender, at: datetime) -> None:
        """See ``Contacts``. What the new id replaces is given up; an unknown person stays unknown.

        A new user id means a new telephone number, so that without one the old number is given up all the same.
        """
        self.hold(old, new)
        aliases = {**self._aliases(old), **self._aliases(new)}
        e164 = canonical(old.wa_id) if old.wa_id else ""
        person = aliases.get((BSUID, old.bsuid)) or aliases.get((WA_ID, old.wa_id)) or aliases.get((E164, e164))
        renamed = aliases.get((BSUID, new.bsuid)) or aliases.get((WA_ID, new.wa_id))
        if person is None:
            return
        if renamed is not None and renamed != person:
            person = self._merge(person, renamed)
        if new.bsuid and old.bsuid and new.bsuid != old.bsuid:
            self._give_up(person, BSUID, only=old.bsuid)
        if new.bsuid and not new.wa_id and new.bsuid != old.bsuid:
            self._give_up(person, WA_ID)
            self._give_up(person, E164)
        self._learn(person, new, self._aliases(new))

    def hold(self, *senders: Sender) -> None:
        """Keep others from changing who is known by these senders' ids, until the transaction ends.

        Whoever identifies several in one transaction holds them all first: ids are taken in one order, so that two
        processes never wait for each other.
        """
        ids = {i for s in senders for i in (s.bsuid, canonical(s.wa_id) or s.wa_id) if i} - self._held
        if ids:
            self._connection.execute(_LOCK_IDS, {"ids": sorted(ids)})
            self._held |= ids

    def of_conversation(self, conversation_id: str) -> Optional[Contact]:
        row = _OF_CONVERSATION(self._connection, id=conversation_id).one_or_none()
        if row is None:
            return None
        return Contact(row.id, row.name, row.language, row.time_zone, tuple(row.roles), tuple(row.suppliers))

    def set_language(self, contact_id: int, language: str) -> None:
        self._connection.execute(contact.update().where(contact.c.id == contact_id).values(language=language))

    def set_name(self, contact_id: int, name: str) -> None:
        self._connection.execute(contact.update().where(contact.c.id == contact_id).values(name=name))

    def hours(self, contact_id: int) -> Optional[Hours]:
        row = self._connection.execute(_HOURS, {"contact": contact_id}).one_or_none()
        return None if row is None else Hours(row.notify_from, row.notify_until)

    def set_hours(self, contact_id: int, hours: Hours, at: datetime) -> None:
        values = {"contact": contact_id, "begin": hours.begin, "end": hours.end, "at": at}
        self._connection.execute(_SET_HOURS, values)

    def time_zone(self, contact_id: int) -> str:
        """See ``Contacts``: the one that is kept, else the one of the telephone number."""
        row = self._connection.execute(_ZONE, {"contact": contact_id, "kind": E164}).one()
        return row.time_zone if row.time_zone != UNKNOWN_ZONE else zone_of(row.number or "") or UNKNOWN_ZONE

    def record_consent(
        self, contact_id: int, topic: str, granted: bool, source: str, key: Optional[str], at: datetime
    ) -> None:
        values = {"contact_id": contact_id, "topic": topic, "granted": granted, "source": source, "at": at}
        self._connection.execute(
            insert(consent).values(effect_key=key, **values).on_conflict_do_nothing(index_elements=["effect_key"])
        )

    def has_consent(self, contact_id: int, topic: str) -> bool:
        """See ``Contacts``: the newest word on the topic, or on everything, decides."""
        ask = {"contact": contact_id, "topic": topic, "everything": EVERYTHING}
        return bool(_NEWEST_CONSENT(self._connection, **ask).scalar())

    # --- aliases ------------------------------------------------------------------------------------------------------

    def _aliases(self, sender: Sender) -> Dict[Tuple[str, str], int]:
        values = [v for v in (sender.wa_id, sender.bsuid, canonical(sender.wa_id) if sender.wa_id else "") if v]
        rows = self._connection.execute(_FIND, {"values": values})
        return {(row.kind, row.value): row.contact_id for row in rows}

    def _create(self, sender: Sender, e164: str, at: datetime) -> int:
        """A new contact with the sender's ids, none of which is anybody's live alias."""
        aliases = [
            (kind, value, raw)
            for kind, value, raw in (
                (BSUID, sender.bsuid, ""),
                (WA_ID, sender.wa_id, ""),
                (E164, e164, sender.wa_id),
            )
            if value
        ]
        values = {
            "name": sender.profile_name,
            "at": at,
            "kinds": [kind for kind, _, _ in aliases],
            "old": [OLD[kind] for kind, _, _ in aliases],
            "ids": [value for _, value, _ in aliases],
            "raws": [raw for _, _, raw in aliases],
        }
        return int(self._connection.execute(_CREATE, values).scalar_one())

    def _learn(self, person: int, sender: Sender, known: Dict[Tuple[str, str], int]) -> None:
        """Make the sender's ids live aliases of ``person``; a number replaces the one before."""
        wanted: List[Tuple[str, str]] = []
        if sender.bsuid:
            wanted.append((BSUID, sender.bsuid))
        if sender.wa_id:
            wanted.append((WA_ID, sender.wa_id))
            e164 = canonical(sender.wa_id)
            if e164:
                wanted.append((E164, e164))
        for kind, value in wanted:
            if known.get((kind, value)) == person or (kind == BSUID and known.get((OLD[BSUID], value)) == person):
                continue
            if kind != BSUID:
                self._give_up(person, kind)
            row: Dict[str, Any] = {
                "kind": kind,
                "value": value,
                "contact_id": person,
                "raw": sender.wa_id if kind == E164 else "",
            }
            statement = insert(contact_alias).values(row)
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["kind", "value"], set_={"contact_id": statement.excluded.contact_id}
                )
            )
            self._connection.execute(
                contact_alias.delete().where(contact_alias.c.kind == OLD[kind], contact_alias.c.value == value)
            )

    def _give_up(self, person: int, kind: str, only: Optional[str] = None) -> None:
        given_up = [contact_alias.c.contact_id == person, contact_alias.c.kind == kind]
        if only is not None:
            given_up.append(contact_alias.c.value == only)
        delete = contact_alias.delete().where(*given_up)
        gone = self._connection.execute(delete.returning(contact_alias.c.value, contact_alias.c.raw)).all()
        for row in gone:
            statement = insert(contact_alias).values(kind=OLD[kind], value=row.value, contact_id=person, raw=row.raw)
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["kind", "value"], set_={"contact_id": statement.excluded.contact_id}
                )
            )

    # --- two that are one ---------------------------------------------------------------------------------------------

    def _one_of_two(self, by_user: int, by_phone: int) -> int:
        numbers = {
            row.contact_id: row.value
            for row in self._connection.execute(
                text("select contact_id, value from contact_alias where kind = :kind and contact_id in (:a, :b)"),
                {"kind": WA_ID, "a": by_user, "b": by_phone},
            )
        }
        if by_user in numbers and by_phone in numbers and canonical(numbers[by_user]) != canonical(numbers[by_phone]):
            return by_user
        return self._merge(by_user, by_phone)

    def _merge(self, one: int, other: int) -> int:
        """Make two contacts the older of them: its ids, roles, consents, and what is not answered or sent yet."""
        keep, drop = min(one, other), max(one, other)
        both = {"keep": keep, "drop": drop}
        for kind in (WA_ID, E164):  # one live number: the kept contact's own is the one that people know it by
            has = self._connection.execute(
                text("select 1 from contact_alias where kind = :kind and contact_id = :keep"), {"kind": kind, **both}
            ).scalar()
            if has:
                self._give_up(drop, kind)
        for statement in _MERGE:
            self._connection.execute(statement, both)
        talks = self._connection.execute(
            text(
                "select d.id as gone, k.id as kept from conversation d"
                " left join conversation k on k.contact_id = :keep and k.business_number = d.business_number"
                " where d.contact_id = :drop"
            ),
            both,
        ).all()
        for talk in talks:
            if talk.kept is None:
                self._connection.execute(
                    conversation.update().where(conversation.c.id == talk.gone).values(contact_id=keep)
                )
            else:
                for statement in _MOVE:
                    self._connection.execute(statement, {"kept": talk.kept, "gone": talk.gone})
        return keep


_MERGE = (
    text("update contact_alias set contact_id = :keep where contact_id = :drop"),
    text(
        "insert into contact_role (contact_id, role, supplier_id)"
        " select :keep, role, supplier_id from contact_role where contact_id = :drop on conflict do nothing"
    ),
    text("delete from contact_role where contact_id = :drop"),
    text("update consent set contact_id = :keep where contact_id = :drop"),
    text(
        "insert into contact_preference (contact_id, notify_from, notify_until, at)"
        " select :keep, notify_from, notify_until, at from contact_preference where contact_id = :drop"
        " on conflict do nothing"
    ),
    text("delete from contact_preference where contact_id = :drop"),
    text(
        "update contact k set name = case when k.name = '' then d.name else k.name end,"
        " language = coalesce(k.language, d.language) from contact d where k.id = :keep and d.id = :drop"
    ),
)
_MOVE = (
    text("update inbox set conversation_id = :kept where conversation_id = :gone and status = 'new'"),
    text("update outbox set conversation_id = :kept where conversation_id = :gone and status = 'queued'"),
    text(
        "update conversation k set last_human_at = greatest(k.last_human_at, d.last_human_at)"
        " from conversation d where k.id = :kept and d.id = :gone"
    ),
)
