"""From inbox messages to what Rasa is told: free text to be understood, or a tap that is understood already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Dict, Optional, Sequence

from mostrador.channels.buttons import open_, plain_text
from mostrador.shop.messages import Kind
from mostrador.storage.turns import Member

_BY_KIND = {Kind.LOCATION: "send_location", Kind.CONTACTS: "send_contact", Kind.ORDER: "send_order"}
_NAMED_MEDIA = {Kind.IMAGE, Kind.VIDEO, Kind.AUDIO, Kind.DOCUMENT, Kind.STICKER}


@dataclass(frozen=True)
class Reading:
    """``text`` for the tracker; ``parse`` is Rasa's parse data when nothing is left to understand."""

    text: str
    parse: Optional[Dict[str, Any]] = None
    tapped: bool = False


def read(members: Sequence[Member], conversation_id: str, secret: bytes, intents: Collection[str]) -> Reading:
    """Read one turn's messages. Only ids that this server sealed for this conversation become intents."""
    first = members[0]
    kind = Kind(first.kind)
    if kind is Kind.TAP:
        tap = open_(first.message.get("reply_id", ""), conversation_id, secret)
        if tap is not None and tap.intent in intents:
            return Reading(f"/{tap.intent}", _understood(tap.intent, tap.entities), tapped=True)
    if kind in (Kind.TEXT, Kind.TAP):
        text = "\n".join(filter(None, (plain_text(m.message.get("text", "")) for m in members)))
        if text:
            return Reading(text)
    intent = _BY_KIND.get(kind, "send_media")
    entities = {"inbox_id": first.provider_id}
    if intent == "send_media":
        entities["media_kind"] = kind.value if kind in _NAMED_MEDIA else "unsupported"
    return Reading(f"/{intent}", _understood(intent, entities))


def _understood(intent: str, entities: Dict[str, str]) -> Dict[str, Any]:
    certain = {"name": intent, "confidence": 1.0}
    return {
        "text": f"/{intent}",
        "intent": certain,
        "intent_ranking": [certain],
        "entities": [
            {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "tap"}
            for name, value in entities.items()
        ],
    }
