"""What a contact says and what is said to a contact, in no provider's dialect.

``InboundMessage`` is made by a channel's parser and kept in the inbox; ``Say`` is made from one bot utterance (or by a
use case that speaks first), kept in the outbox and put into a provider's wire format only when it is sent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Dict, Mapping, Optional, Tuple


class Kind(str, Enum):
    """The kinds of inbound message that Mostrador tells apart; everything unknown is OTHER."""

    TEXT = "text"
    TAP = "tap"  # a button, list row or template quick reply; reply_id says which
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACTS = "contacts"
    ORDER = "order"
    REACTION = "reaction"
    FLOW = "flow"  # the answer of a WhatsApp Flow
    SYSTEM = "system"  # number or id changed
    EDIT = "edit"
    REVOKE = "revoke"
    UNSUPPORTED = "unsupported"  # the provider could not deliver it (poll, view once…)
    OTHER = "other"


MEDIA_KINDS = frozenset({Kind.IMAGE, Kind.VIDEO, Kind.AUDIO, Kind.DOCUMENT, Kind.STICKER})


@dataclass(frozen=True)
class Sender:
    """The ids under which the provider names a person; at least one of the two is set."""

    wa_id: str = ""
    bsuid: str = ""
    profile_name: str = ""


@dataclass(frozen=True)
class MediaRef:
    """A file that waits at the provider. ``sha256`` is as the provider states it, unchecked."""

    media_id: str
    mime_type: str = ""
    sha256: str = ""
    filename: str = ""


@dataclass(frozen=True)
class InboundMessage:
    """One message of one person to one of our business numbers.

    ``sent_at`` is the provider's own time stamp. ``text`` is what a person would read (body, caption, button title);
    it is never a command. ``reply_id`` is the id of a tapped button exactly as it came back. ``payload`` is the
    provider's message object, whole.
    """

    provider_id: str
    business_number: str
    kind: Kind
    sent_at: datetime
    sender: Sender
    text: str = ""
    reply_id: str = ""
    reply_to: str = ""
    media: Optional[MediaRef] = None
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IdentityChange:
    """The provider says that a person is known under a new id from now on."""

    business_number: str
    old: Sender
    new: Sender


class Delivery(str, Enum):
    """How far a sent message is known to have come, in rising order; FAILED ends below DELIVERED."""

    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"


@dataclass(frozen=True)
class DeliveryReport:
    """A status of one message of ours. ``outbox_id`` is what we passed as opaque data, empty when not echoed."""

    provider_id: str
    status: Delivery
    at: datetime
    business_number: str = ""
    outbox_id: str = ""
    error_code: Optional[int] = None
    error_title: str = ""


@dataclass(frozen=True)
class Button:
    """A choice offered to a person. ``payload`` is ``/intent{"entity": …}`` and never shown."""

    title: str
    payload: str
    description: str = ""


@dataclass(frozen=True)
class Document:
    url: str
    filename: str


@dataclass(frozen=True)
class Template:
    """An approved template with its variables, as words; payloads are those of its quick-reply buttons, in order."""

    name: str
    language: str
    variables: Tuple[str, ...] = ()
    header_image: str = ""
    button_payloads: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Say:
    """One thing to say: exactly one message on a phone, unless its text is longer than the provider allows.

    ``image`` is a URL the provider can fetch. ``template`` replaces everything else when the 24-hour window is closed.
    """

    text: str = ""
    buttons: Tuple[Button, ...] = ()
    list_label: str = ""
    image: str = ""
    document: Optional[Document] = None
    template: Optional[Template] = None
    footer: str = ""
    response: str = ""  # the name of the response it was made from, for tests and explanations

    def to_json(self) -> Dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Say":
        known: Dict[str, Any] = dict(data)
        known["buttons"] = tuple(Button(**b) for b in data.get("buttons", ()))
        if data.get("document"):
            known["document"] = Document(**data["document"])
        if data.get("template"):
            raw = dict(data["template"])
            raw["variables"] = tuple(raw.get("variables", ()))
            raw["button_payloads"] = tuple(raw.get("button_payloads", ()))
            known["template"] = Template(**raw)
        return cls(**known)
