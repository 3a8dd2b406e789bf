"""Ids of buttons that only this server can have issued, and what of a person's own words may reach the engine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Dict, Optional

LONGEST_ID = 200  # a list row's id, the shorter of WhatsApp's two limits
LONGEST_TEXT = 4096
_MAC = 10  # characters of base64url: 60 bits, for one conversation and one payload
_PAYLOAD = re.compile(r"/([A-Za-z_][A-Za-z0-9_]*)(\{.*\})?", re.DOTALL)
_NEVER = frozenset({"restart", "back", "session_start"})
_SLASHES = frozenset("/\uff0f\u2044\u2215\u29f8")


class UnusableButton(ValueError):
    """A button cannot be sealed: its payload is no ``/intent{…}``, its id would be too long, or there is no secret."""


@dataclass(frozen=True)
class Tap:
    """A choice that this server offered and a person took."""

    intent: str
    entities: Dict[str, str] = field(default_factory=dict)


def seal(payload: str, conversation_id: str, secret: bytes) -> str:
    """The id under which ``payload`` (``/intent{"entity": "value"}``) travels on a button of this conversation.

    Shape: ten characters of base64url HMAC-SHA256, a dot, the payload without its slash; at most 200 characters.
    Raises UnusableButton.
    """
    tap = _parse(payload)
    if tap is None:
        raise UnusableButton('a payload looks like /intent or /intent{"entity": "value"}')
    if not secret:
        raise UnusableButton("no button secret is set")
    words = json.dumps(tap.entities, ensure_ascii=False, separators=(",", ":")) if tap.entities else ""
    plain = f"{tap.intent}{words}"
    sealed = f"{_mac(plain, conversation_id, secret)}.{plain}"
    if len(sealed) > LONGEST_ID:
        raise UnusableButton(f"the button id of /{tap.intent} would be {len(sealed)} characters long")
    return sealed


def open_(reply_id: str, conversation_id: str, secret: bytes) -> Optional[Tap]:
    """What was tapped, or None for everything that was not sealed by us for this conversation.

    External events and Rasa's own commands never open, whoever sealed them.
    """
    if not secret or not isinstance(reply_id, str) or len(reply_id) > LONGEST_ID:
        return None
    mac, dot, plain = reply_id.partition(".")
    try:
        genuine = bool(dot) and hmac.compare_digest(mac.encode(), _mac(plain, conversation_id, secret).encode())
    except UnicodeEncodeError:  # a lone surrogate was never sealed
        return None
    tap = _parse(f"/{plain}") if genuine else None
    if tap is None or tap.intent in _NEVER or tap.intent.upper().startswith("EXTERNAL"):
        return None
    return tap


def _mac(plain: str, conversation_id: str, secret: bytes) -> str:
    digest = hmac.new(secret, f"{conversation_id}\n{plain}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest)[:_MAC].decode()


def _parse(payload: str) -> Optional[Tap]:
    match = _PAYLOAD.fullmatch(payload)
    if match is None:
        return None
    if match.group(2) is None:
        return Tap(match.group(1))
    try:
        entities = json.loads(match.group(2))
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(v, (str, int, float)) and not isinstance(v, bool) for v in entities.values()):
        return None
    return Tap(match.group(1), {name: str(value) for name, value in entities.items()})


def plain_text(text: str) -> str:
    """A person's free text as the engine may see it: it can never be a command.

    NFC; control characters are gone (line ends stay, tabs become spaces); slashes at the start are gone, also behind
    white space and invisible characters and in their wide forms; at most 4,096 characters.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    start = 0
    for position, character in enumerate(text):
        if character in _SLASHES:
            start = position + 1
        elif not _is_invisible(character):
            break
    return text[start:].strip()[:LONGEST_TEXT].rstrip()


def _is_invisible(character: str) -> bool:
    if character.isspace() or unicodedata.category(character) in ("Cf", "Mn", "Me", "Zs", "Zl", "Zp", "Cn"):
        return True
    return character in "\u115f\u1160\u3164\uffa0\u2800"  # letters and symbols that show nothing
