"""People: who they are, which names the outside has for them, and what they agreed to receive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Optional, Protocol, Tuple

from mostrador.shop.messages import Sender
from mostrador.shop.unit_of_work import UnitOfWork, effect_key

if TYPE_CHECKING:
    from mostrador.shop.preferences import Hours

EVERYTHING = "all"  # the consent topic that covers all others


@dataclass(frozen=True)
class Contact:
    """A person. ``language`` is empty until known; ``supplier_ids`` are the suppliers this person speaks for."""

    id: int
    name: str = ""
    language: str = ""
    time_zone: str = "UTC"
    roles: Tuple[str, ...] = ()
    supplier_ids: Tuple[int, ...] = ()

    @property
    def is_seller(self) -> bool:
        return "seller" in self.roles


class Contacts(Protocol):
    def identify(self, sender: Sender, at: datetime) -> int:
        """The id of the contact known under any of the sender's ids, made when new; new ids become aliases."""

    def rename(self, old: Sender, new: Sender, at: datetime) -> None:
        """The person known as ``old`` is from now on also known as ``new``."""

    def of_conversation(self, conversation_id: str) -> Optional[Contact]:
        """The contact of a conversation, with roles; None for an unknown conversation."""

    def set_language(self, contact_id: int, language: str) -> None: ...

    def set_name(self, contact_id: int, name: str) -> None: ...

    def hours(self, contact_id: int) -> "Optional[Hours]":
        """When this person wants to be written to first; None when they never said."""

    def set_hours(self, contact_id: int, hours: "Hours", at: datetime) -> None: ...

    def time_zone(self, contact_id: int) -> str:
        """The IANA name of the zone in which this person's hours are meant."""

    def record_consent(
        self, contact_id: int, topic: str, granted: bool, source: str, key: Optional[str], at: datetime
    ) -> None:
        """Append a consent; the same ``key`` again changes nothing."""

    def has_consent(self, contact_id: int, topic: str) -> bool:
        """Whether the newest word on ``topic`` is yes and nothing newer withdrew everything."""


def opt_out(uow: UnitOfWork, contact_id: int, turn_id: str, at: datetime) -> None:
    """Stop everything that is not an answer; in force for the very next send."""
    with uow:
        uow.contacts.record_consent(contact_id, EVERYTHING, False, "chat", effect_key(turn_id, "opt_out"), at)
        uow.commit()


def opt_in(uow: UnitOfWork, contact_id: int, turn_id: str, at: datetime) -> None:
    """Agree to be written to again."""
    with uow:
        uow.contacts.record_consent(contact_id, EVERYTHING, True, "chat", effect_key(turn_id, "opt_in"), at)
        uow.commit()
