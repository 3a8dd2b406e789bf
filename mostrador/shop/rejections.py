"""What a supplier does not want to be told about: rejected for a reason, or put aside for a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Protocol, Sequence

from mostrador.shop.contacts import Contact
from mostrador.shop.errors import Gone
from mostrador.shop.inventory import CHAT_SOURCE, UNDO_WITHIN, Variation, owned_variation
from mostrador.shop.recommendations import RecommendationKind
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

REASONS = ("not_made", "no_material", "not_worth_it", "season_over", "wrong_suggestion", "other")
"""Why a supplier rejects a recommendation, in the order in which the reasons are offered."""
LONGEST_WORDS = 500
_UNDO_AMONG = 50  # other phones of the same supplier may have put aside more since


@dataclass(frozen=True)
class Reason:
    """One of REASONS; ``words`` are the person's own, at most LONGEST_WORDS characters."""

    code: str
    words: str = ""


@dataclass(frozen=True)
class Pause:
    """How long something is put aside: ``days``, or None for until the person says so."""

    days: Optional[int]
    whole_catalogue: bool = False

    def encode(self) -> str:
        return f"{'c' if self.whole_catalogue else 'p'}{self.days or 0}"

    @classmethod
    def decode(cls, text: str) -> "Optional[Pause]":
        """The pause in ``text``; None when it is none."""
        match = re.fullmatch(r"([cp])([0-9]{1,3})", text)
        return cls(int(match.group(2)) or None, match.group(1) == "c") if match else None


@dataclass(frozen=True)
class Hidden:
    """What does not come up in lists now. ``catalog_id`` is set for a catalogue, ``variation_id`` for a SKU.

    ``until`` is None for what was rejected and for what was put aside until the person says so. ``by`` is the contact
    who said it, ``since`` when.
    """

    title: str
    rejected: bool
    variation_id: Optional[int] = None
    catalog_id: Optional[int] = None
    until: Optional[datetime] = None
    by: int = 0
    since: Optional[datetime] = None


class Rejections(Protocol):
    def reject(
        self,
        variation: Variation,
        reason: Reason,
        details: Mapping[str, Any],
        contact_id: int,
        key: str,
        at: datetime,
    ) -> None:
        """Keep the rejection; a variation that is rejected already keeps its first one."""

    def mute(
        self,
        variation: Variation,
        whole_catalogue: bool,
        until: Optional[datetime],
        contact_id: int,
        key: str,
        at: datetime,
    ) -> None:
        """Put the variation, or all of its supplier's catalogue, aside; replaces what was said of it before."""

    def lift(self, variation: Variation, at: datetime) -> None:
        """Take back what keeps this variation out of the lists: its rejection, its mute."""

    def lift_catalogue(self, supplier_ids: Sequence[int], catalog_id: int, at: datetime) -> Optional[str]:
        """Take back the mute of these suppliers' catalogue; its name, None when they have no such catalogue."""

    def hidden(self, supplier_ids: Sequence[int], at: datetime, limit: int) -> List[Hidden]:
        """What is rejected or put aside at this moment, the newest first."""


@dataclass(frozen=True)
class PutAside:
    """What a person is told after something was put aside; ``title`` names the product or the catalogue."""

    variation: Variation
    title: str
    until: Optional[datetime]


def reject(
    uow: UnitOfWork,
    contact: Contact,
    variation_id: int,
    reason: Reason,
    kind: RecommendationKind,
    turn_id: str,
    at: datetime,
) -> Variation:
    """Keep the contact's own variation out of all lists from now on, across feeds; exactly once per turn.

    What was rejected already, from another phone or by an older button, stays rejected for its first reason. Raises
    Gone and NotYours.
    """
    key = effect_key(turn_id, "reject", variation_id)
    with uow:
        variation = owned_variation(uow, contact, variation_id)

        def keep() -> Mapping[str, Any]:
            details = _as_it_was(uow, variation, kind)
            uow.rejections.reject(variation, reason, details, contact.id, key, at)
            uow.recommendations.record(variation, "rejected", key, at, kind.value)
            return {}

        uow.effects.once(key, at, keep)
        uow.commit()
    return variation


def put_aside(
    uow: UnitOfWork, contact: Contact, variation_id: int, pause: Pause, turn_id: str, at: datetime
) -> PutAside:
    """Keep the contact's own variation, or its whole catalogue, out of the lists for a time; once per turn.

    It comes back by itself when the time is over. Raises Gone and NotYours.
    """
    key = effect_key(turn_id, "put_aside", variation_id)
    with uow:
        variation = owned_variation(uow, contact, variation_id)

        def keep() -> Mapping[str, Any]:
            until = at + timedelta(days=pause.days) if pause.days else None
            uow.rejections.mute(variation, pause.whole_catalogue, until, contact.id, key, at)
            uow.recommendations.record(variation, "muted", key, at)
            return {"until": until.isoformat() if until else None}

        outcome = uow.effects.once(key, at, keep)
        uow.commit()
    until = datetime.fromisoformat(outcome["until"]) if outcome["until"] else None
    return PutAside(variation, variation.catalog_name if pause.whole_catalogue else variation.title, until)


def bring_back(uow: UnitOfWork, contact: Contact, variation_id: int, turn_id: str, at: datetime) -> Variation:
    """Let the contact's own variation come up in lists again; twice is once. Raises Gone and NotYours."""
    key = effect_key(turn_id, "bring_back", variation_id)
    with uow:
        variation = owned_variation(uow, contact, variation_id)

        def lift() -> Mapping[str, Any]:
            uow.rejections.lift(variation, at)
            uow.recommendations.record(variation, "restored", key, at)
            return {}

        uow.effects.once(key, at, lift)
        uow.commit()
    return variation


def bring_back_catalogue(uow: UnitOfWork, contact: Contact, catalog_id: int, at: datetime) -> str:
    """Let a catalogue of the contact's suppliers come up again; its name. Raises Gone when they have no such one."""
    with uow:
        name = uow.rejections.lift_catalogue(contact.supplier_ids, catalog_id, at)
        if name is None:
            raise Gone(str(catalog_id))
        uow.commit()
    return name


def hidden(uow: UnitOfWork, contact: Contact, at: datetime, limit: int) -> List[Hidden]:
    """What the contact's lists leave out now because somebody said so, the newest first."""
    with uow:
        return uow.rejections.hidden(contact.supplier_ids, at, limit)


def undo_newest(uow: UnitOfWork, contact: Contact, turn_id: str, at: datetime) -> Optional[str]:
    """Take back what the contact rejected or put aside, where that is the last thing they did; its name.

    None, and nothing done, when their last change of stock is newer, or when it was more than 24 hours ago. A turn
    that is tried again gives the same answer.
    """

    def look() -> Mapping[str, Any]:
        own = [h for h in uow.rejections.hidden(contact.supplier_ids, at, _UNDO_AMONG) if h.by == contact.id]
        changed = uow.stock.changes_by(contact.id, CHAT_SOURCE, limit=1)
        newest = own[0] if own else None
        if newest is None or newest.since is None or at - newest.since > UNDO_WITHIN:
            return {}
        if changed and changed[0].at > newest.since:
            return {}
        _lift(uow, contact, newest, turn_id, at)
        return {"title": newest.title}

    with uow:
        done = uow.effects.once(effect_key(turn_id, "undo_newest", contact.id), at, look)
        uow.commit()
    return done.get("title")


def _lift(uow: UnitOfWork, contact: Contact, found: Hidden, turn_id: str, at: datetime) -> None:
    if found.variation_id is None:
        uow.rejections.lift_catalogue(contact.supplier_ids, found.catalog_id or 0, at)
        return
    variation = owned_variation(uow, contact, found.variation_id)
    uow.rejections.lift(variation, at)
    uow.recommendations.record(variation, "restored", effect_key(turn_id, "bring_back", variation.id), at)


def _as_it_was(uow: UnitOfWork, variation: Variation, kind: RecommendationKind) -> Dict[str, Any]:
    sku = variation.sku
    return {
        "product_id": sku.product_id,
        "style_id": sku.style_id,
        "variation_name": sku.variation_name,
        "catalog_id": variation.catalog_id,
        "catalog_name": variation.catalog_name,
        "stock": uow.stock.levels([variation.id]).get(variation.id),
        "list": kind.value,
    }
