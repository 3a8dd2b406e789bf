"""The people with a phone in the simulated network."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Dict, List, Optional

USER_ID = re.compile(r"^[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}$")
COUNTRIES = (("549", "AR"), ("54", "AR"), ("91", "IN"), ("52", "MX"), ("55", "BR"), ("57", "CO"), ("34", "ES"),
             ("51", "PE"), ("56", "CL"), ("7", "RU"), ("44", "GB"), ("1", "US"))  # fmt: skip


class UnknownContact(Exception):
    """Nobody with this phone number or user id, and none can be made from it."""


def digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


def made_up_user_id(phone: str) -> str:
    """A business-scoped user id that stays the same for a phone number."""
    country = next((c for prefix, c in COUNTRIES if phone.startswith(prefix)), "US")
    number = int.from_bytes(hashlib.sha256(phone.encode()).digest()[:8], "big")
    return f"{country}.{number:020d}"


@dataclass
class Contact:
    """One person; ``key`` is the phone's digits, or the user id when the phone is not known at all.

    ``hide_phone`` leaves wa_id, from and recipient_id out of webhooks though the phone can be written to.
    ``offline``: messages stay at ``sent``. ``fail_with``: every message ends ``failed`` with that code.
    """

    key: str
    name: str
    phone: Optional[str]
    wa_id: Optional[str]
    user_id: str
    hide_phone: bool = False
    role: str = ""
    business: Optional[str] = None
    offline: bool = False
    fail_with: Optional[int] = None

    @property
    def visible_wa_id(self) -> Optional[str]:
        return None if self.hide_phone else self.wa_id

    def shown(self) -> Dict[str, Any]:
        return asdict(self)


CHANGEABLE = {f.name for f in fields(Contact)} - {"key"}


class People:
    """Contacts by phone, wa_id and user id; a number never seen before becomes a contact by itself."""

    def __init__(self) -> None:
        self._by_key: Dict[str, Contact] = {}
        self._alias: Dict[str, str] = {}

    def find(self, who: str) -> Optional[Contact]:
        """The contact with this phone (any spelling), wa_id or user id."""
        key = self._alias.get(who) or self._alias.get(digits_of(who))
        return self._by_key.get(key) if key else None

    def find_or_make(self, who: str) -> Contact:
        """As ``find``; a new phone number or user id becomes a contact. Raises UnknownContact for anything else."""
        return self.find(who) or self.put({"phone": who} if not USER_ID.match(who) else {"user_id": who})

    def put(self, raw: Dict[str, Any]) -> Contact:
        """Make or change a contact from ``{phone?, user_id?, wa_id?, name?, role?, …}``; raises UnknownContact."""
        if not isinstance(raw, dict):
            raise UnknownContact("a contact is an object")
        unknown = set(raw) - CHANGEABLE - {"key"}
        if unknown:
            raise UnknownContact(f"unknown: {', '.join(sorted(unknown))}")
        phone = digits_of(str(raw["phone"])) if raw.get("phone") else None
        if phone is not None and not 5 <= len(phone) <= 16:
            raise UnknownContact("a phone number has 5 to 16 digits")
        user_id = raw.get("user_id")
        if user_id is not None and not USER_ID.match(str(user_id)):
            raise UnknownContact("a user id looks like US.13491208655302741918")
        who = raw.get("key") or phone or user_id
        if not who:
            raise UnknownContact("a contact has a phone or a user_id")
        contact = self.find(str(who))
        if contact is None:
            if phone is None and user_id is None:
                raise UnknownContact("a contact has a phone or a user_id")
            wa_id = digits_of(str(raw["wa_id"])) if raw.get("wa_id") else phone
            contact = Contact(
                key=phone or str(user_id),
                name="",
                phone=phone,
                wa_id=wa_id,
                user_id=str(user_id or made_up_user_id(phone or "")),
            )
            contact.name = f"Contact {contact.key[-4:]}"
            self._by_key[contact.key] = contact
        for name in CHANGEABLE - {"phone", "wa_id", "user_id"}:
            if name in raw:
                setattr(contact, name, raw[name])
        if phone is not None:
            contact.phone = phone
        if raw.get("wa_id"):
            contact.wa_id = digits_of(str(raw["wa_id"]))
        elif phone is not None and contact.wa_id is None:
            contact.wa_id = phone
        if user_id is not None:
            contact.user_id = str(user_id)
        for alias in (contact.key, contact.phone, contact.wa_id, contact.user_id):
            if alias:
                self._alias[alias] = contact.key
        return contact

    def all(self) -> List[Contact]:
        return list(self._by_key.values())

    def clear(self) -> None:
        self._by_key.clear()
        self._alias.clear()
