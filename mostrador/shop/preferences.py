"""What people decide about how they are spoken to: name, language, hours and topics."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Dict, Optional
from zoneinfo import ZoneInfo

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import UnusableName
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

TOPICS = ("restock", "nudges")
"""What we write about without being asked, by the names that consents have."""
LONGEST_NAME = 40
_DAY = 24 * 60
_IN_NAMES = " '’.-·"


@dataclass(frozen=True)
class Hours:
    """From ``begin`` until ``end``, minutes since midnight; an end before the begin is on the next day."""

    begin: int
    end: int

    @property
    def always(self) -> bool:
        return (self.end - self.begin) % _DAY == 0

    def hold(self, minute: int) -> bool:
        """Whether this minute of a day lies within."""
        if self.always:
            return True
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


ANY_TIME = Hours(0, _DAY)


@dataclass(frozen=True)
class Preferences:
    """``topics`` says of each of TOPICS whether it is wanted; ``zone`` is an IANA name."""

    name: str
    language: str
    hours: Hours
    zone: str
    topics: Dict[str, bool]


def may_begin_at(hours: Hours, zone: str, now: datetime) -> datetime:
    """The first instant from ``now`` on at which these hours allow to write first; ``now`` itself inside them."""
    local = now.astimezone(ZoneInfo(zone))
    if hours.hold(local.hour * 60 + local.minute):
        return now
    begin = time(hours.begin // 60, hours.begin % 60)
    opening = datetime.combine(local.date(), begin, local.tzinfo)
    if opening <= local:
        opening = datetime.combine(local.date() + timedelta(days=1), begin, local.tzinfo)
    return opening.astimezone(now.tzinfo)


def clean_name(written: str) -> str:
    """A name to address a person by: letters of any script, in one line. Raises UnusableName.

    Emoji and other signs are left out; a text with digits, longer than LONGEST_NAME or without two letters is none.
    """
    plain = unicodedata.normalize("NFC", written)
    kept = "".join(c if _belongs(c) else " " if c.isspace() else "" for c in plain)
    name = " ".join(kept.split()).strip(_IN_NAMES)
    letters = sum(unicodedata.category(c).startswith("L") for c in name)
    if letters < 2 or len(name) > LONGEST_NAME or any(c.isdigit() or c in "/@\\" for c in plain):
        raise UnusableName(written[:LONGEST_NAME])
    return name


def _belongs(character: str) -> bool:
    joins = character in "\u200c\u200d"  # they shape letters of Indian scripts
    return joins or character in _IN_NAMES or unicodedata.category(character)[0] in "LM"


def preferences_of(uow: UnitOfWork, contact: Contact) -> Preferences:
    """What counts now for this person."""
    with uow:
        hours: Optional[Hours] = uow.contacts.hours(contact.id)
        zone = uow.contacts.time_zone(contact.id)
        topics = {topic: uow.contacts.has_consent(contact.id, topic) for topic in TOPICS}
    return Preferences(contact.name, contact.language, hours or ANY_TIME, zone, topics)


def rename(uow: UnitOfWork, contact: Contact, written: str) -> str:
    """Address the person by another name from now on; the name as it is kept. Raises UnusableName."""
    name = clean_name(written)
    with uow:
        uow.contacts.set_name(contact.id, name)
        uow.commit()
    return name


def choose_hours(uow: UnitOfWork, contact: Contact, hours: Hours, at: datetime) -> None:
    """Write first only within these hours of the person's own day."""
    with uow:
        uow.contacts.set_hours(contact.id, hours, at)
        uow.commit()


def choose_topic(uow: UnitOfWork, contact: Contact, topic: str, wanted: bool, turn_id: str, at: datetime) -> None:
    """Write about one of TOPICS, or no more; in force for the very next send."""
    with uow:
        key = effect_key(turn_id, "choose_topic", topic)
        uow.contacts.record_consent(contact.id, topic, wanted, "chat", key, at)
        uow.commit()
