"""Meta's webhook bodies, read into messages, delivery reports, changes of identity and marketing preferences.

Wire format: Meta's webhook reference (messages, status, user_preferences, user_id_update), Graph v26. Pure: reads
nothing but its arguments. Whatever of a batch can be read is read; whatever cannot becomes a problem that names the
reason and never a person.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional, Tuple

from mostrador.shop.messages import (
    Delivery,
    DeliveryReport,
    IdentityChange,
    InboundMessage,
    Kind,
    MediaRef,
    Sender,
)
from mostrador.shop.received import Batch, MarketingPreference

OBJECT = "whatsapp_business_account"
_LONGEST_ID = 512  # characters; an index row has an end too
_LONGEST_TEXT = 65_536  # what people can send is far shorter
_DEEPEST = 24
_FIRST, _LAST = 1_230_768_000, 4_102_444_800  # 2009, when WhatsApp began, and 2100: unix seconds
_WA_ID = re.compile(r"\d{5,20}")
_BSUID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,159}")
_FROM_TO = re.compile(r"changed from (\S+) to (\S+)")

_KINDS = {k.value: k for k in Kind if k not in (Kind.TAP, Kind.FLOW, Kind.OTHER)}
_MEDIA = ("image", "video", "audio", "document", "sticker")


class WrongShape(Exception):
    """The body is no WhatsApp webhook at all; the message says what it lacks."""


class _Malformed(Exception):
    """One item cannot be read; the message is the reason."""


def parse(body: Any, business_numbers: Collection[str], received_at: datetime) -> Batch:
    """Read one webhook body. Raises WrongShape, and nothing else whatever the body holds.

    Only items to ``business_numbers`` (phone_number_id) are taken. ``received_at`` stands in for the time stamp of a
    message whose own cannot be read.
    """
    if not isinstance(body, Mapping):
        raise WrongShape("the body is not an object")
    if body.get("object") != OBJECT:
        raise WrongShape(f"object is not {OBJECT}")
    if not isinstance(body.get("entry"), list):
        raise WrongShape("entry is not a list")
    batch = Batch()
    for change in _changes(body["entry"], batch):
        _read_change(change, frozenset(business_numbers), received_at, batch)
    return batch


def _changes(entries: List[Any], batch: Batch) -> Iterator[Mapping[str, Any]]:
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, Mapping) else None
        if not isinstance(changes, list):
            batch.problems.append("an entry has no list of changes")
            continue
        for change in changes:
            if isinstance(change, Mapping) and isinstance(change.get("value"), Mapping):
                yield change
            else:
                batch.problems.append("a change has no value")


def _read_change(change: Mapping[str, Any], numbers: Collection[str], received_at: datetime, batch: Batch) -> None:
    what, value = change.get("field", "messages"), change["value"]
    if what not in ("messages", "user_preferences", "user_id_update"):
        return  # account alerts, template states…: not ours to read
    number = _text(_object(value.get("metadata")).get("phone_number_id"))
    if number not in numbers:
        batch.problems.append("a change is for a business number that is not ours")
        return
    for code in (_object(error).get("code") for error in _list(value.get("errors"))):
        batch.problems.append(f"the provider reports error {code if isinstance(code, int) else 'without code'}")
    people = _People(value.get("contacts"))
    readers = {"messages": _read_message, "statuses": _read_status} if what == "messages" else {what: _READERS[what]}
    for name, read in readers.items():
        items = value.get(name)
        if items is not None and not isinstance(items, list):
            batch.problems.append(f"{name} is not a list")
        for item in _list(items):
            try:
                read(_wanted(item), number, people, received_at, batch)
            except _Malformed as reason:
                batch.problems.append(f"{name}: {reason}")


class _People:
    """The ``contacts`` of a value, found by either id."""

    def __init__(self, contacts: Any) -> None:
        self.all: List[Sender] = []
        for contact in map(_object, _list(contacts)):
            name = _text(_object(contact.get("profile")).get("name"))[:200]
            self.all.append(Sender(_wa_id(contact.get("wa_id")), _bsuid(contact.get("user_id")), name))

    def complete(self, wa_id: str, bsuid: str) -> Sender:
        """The sender with whatever else the value says of the same person; raises _Malformed when nobody is named."""
        if not wa_id and not bsuid:
            if len(self.all) != 1 or not (self.all[0].wa_id or self.all[0].bsuid):
                raise _Malformed("no sender")
            return self.all[0]
        for known in self.all:
            same_phone, same_user = wa_id and known.wa_id == wa_id, bsuid and known.bsuid == bsuid
            other_user = bsuid and known.bsuid and not same_user
            other_phone = wa_id and known.wa_id and not same_phone
            if same_user or (same_phone and not other_user):
                return Sender(wa_id or known.wa_id, bsuid or known.bsuid, known.profile_name)
            if len(self.all) == 1 and not other_user and not other_phone:  # one says phone, the other user id
                return Sender(wa_id or known.wa_id, bsuid or known.bsuid, known.profile_name)
        return Sender(wa_id, bsuid)


def _read_message(raw: Mapping[str, Any], number: str, people: _People, received_at: datetime, batch: Batch) -> None:
    provider_id = _id(raw.get("id"))
    if not provider_id:
        raise _Malformed("no id")
    if raw.get("group_id") is not None:
        raise _Malformed("group messages are not taken")
    sender = people.complete(_wa_id(raw.get("from")), _bsuid(raw.get("from_user_id")))
    sent_at = _instant(raw.get("timestamp"))
    payload = _storable(raw)
    message = InboundMessage(
        provider_id=provider_id,
        business_number=number,
        kind=Kind.OTHER,
        sent_at=sent_at or received_at,
        sender=sender,
        reply_to=_id(_object(raw.get("context")).get("id")),
        payload=payload if isinstance(payload, dict) else {},
    )
    try:
        if sent_at is None:
            raise _Malformed("no time stamp")
        message = _with_content(message, raw)
    except _Malformed as reason:  # it has an id and a sender: it is kept and answered, whatever it is
        batch.problems.append(f"messages: {reason}")
    batch.messages.append(message)
    if message.kind is Kind.SYSTEM:
        _read_system(raw, message, batch)


def _with_content(message: InboundMessage, raw: Mapping[str, Any]) -> InboundMessage:
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise _Malformed("no type")
    if kind == "interactive":
        return _interactive(message, _part(raw, kind))
    if kind == "button":  # a template's quick reply: its payload is whatever its sender put there
        part = _part(raw, kind)
        return replace(message, kind=Kind.TAP, text=_text(part.get("text")), reply_id=_text(part.get("payload")))
    if kind not in _KINDS:
        return message
    message = replace(message, kind=_KINDS[kind])
    if kind == "text":
        body = _part(raw, kind).get("body")
        if not isinstance(body, str):
            raise _Malformed("a text without body")
        return replace(message, text=_text(body))
    if kind in _MEDIA:
        return _with_media(message, _part(raw, kind))
    if kind == "reaction":
        part = _part(raw, kind)
        return replace(message, text=_text(part.get("emoji")), reply_to=_id(part.get("message_id")))
    if kind in ("edit", "revoke"):
        return replace(message, reply_to=_id(_part(raw, kind).get("original_message_id")))
    if kind == "order":
        return replace(message, text=_text(_part(raw, kind).get("text")))
    if kind == "contacts":
        if not isinstance(raw.get(kind), list):
            raise _Malformed("contacts is not a list")
        return message
    if kind == "location":
        part = _part(raw, kind)
        if not all(_is_number(part.get(axis)) for axis in ("latitude", "longitude")):
            raise _Malformed("a location without coordinates")
        return replace(message, text=_text(part.get("name")))
    return message


def _interactive(message: InboundMessage, part: Mapping[str, Any]) -> InboundMessage:
    for name in ("button_reply", "list_reply"):
        reply = _object(part.get(name))
        if reply:
            title, reply_id = _text(reply.get("title")), _text(reply.get("id"))
            return replace(message, kind=Kind.TAP, text=title, reply_id=reply_id)
    if isinstance(part.get("nfm_reply"), Mapping):  # response_json stays in the payload, broken or not
        return replace(message, kind=Kind.FLOW)
    return message


def _with_media(message: InboundMessage, part: Mapping[str, Any]) -> InboundMessage:
    media_id = _id(part.get("id"))
    if not media_id:
        raise _Malformed("a file without id")
    media = MediaRef(
        media_id,
        mime_type=_text(part.get("mime_type"))[:100],
        sha256=_text(part.get("sha256"))[:100],
        filename=_text(part.get("filename"))[:255],
    )
    return replace(message, media=media, text=_text(part.get("caption")))


def _read_system(raw: Mapping[str, Any], message: InboundMessage, batch: Batch) -> None:
    part = _object(raw.get("system"))
    what = part.get("type")
    if what == "user_preference_changed":  # the form this had before the field user_preferences
        granted = {"stop": False, "resume": True}.get(_text(part.get("marketing")))
        if granted is not None:
            batch.preferences.append(
                MarketingPreference(message.business_number, message.sender, granted, message.sent_at)
            )
        return
    if what not in ("user_changed_number", "customer_changed_number", "user_changed_user_id"):
        return
    new = Sender(_wa_id(part.get("wa_id") or part.get("new_wa_id")), _bsuid(part.get("user_id")))
    said = _FROM_TO.search(_text(part.get("body")))
    bsuid = _bsuid(part.get("previous_user_id")) or _bsuid(raw.get("from_user_id"))
    if what == "user_changed_user_id" and said and bsuid in ("", new.bsuid):
        bsuid = _bsuid(said.group(1))
    _add_change(batch, message.business_number, Sender(_wa_id(raw.get("from")), bsuid), new)


def _add_change(batch: Batch, number: str, old: Sender, new: Sender) -> None:
    """Keep a change of identity; what is the same before and after is no part of the old identity's end."""
    if not (old.wa_id or old.bsuid) or not (new.wa_id or new.bsuid):
        batch.problems.append("a change of identity names only one identity")
    elif old != new:
        batch.identity_changes.append(IdentityChange(number, old, new))


def _read_status(raw: Mapping[str, Any], number: str, people: _People, received_at: datetime, batch: Batch) -> None:
    provider_id, at = _id(raw.get("id")), _instant(raw.get("timestamp"))
    if not provider_id:
        raise _Malformed("no id")
    try:
        status = Delivery(raw.get("status"))
    except ValueError:
        return  # a status that does not concern us, or does not exist yet
    errors = _list(raw.get("errors"))
    error = _object(errors[0]) if errors else {}
    code = error.get("code")
    opaque = _text(raw.get("biz_opaque_callback_data"))
    batch.reports.append(
        DeliveryReport(
            provider_id=provider_id,
            status=status,
            at=at or received_at,
            business_number=number,
            outbox_id=opaque if re.fullmatch(r"[0-9]{1,18}", opaque) else "",
            error_code=code if isinstance(code, int) and abs(code) < 2**31 else None,
            error_title=_text(error.get("title") or error.get("message"))[:200],
        )
    )


def _read_preference(raw: Mapping[str, Any], number: str, people: _People, received_at: datetime, batch: Batch) -> None:
    granted = {"stop": False, "resume": True}.get(_text(raw.get("value")))
    if granted is None or raw.get("category", "marketing_messages") != "marketing_messages":
        return
    sender = people.complete(_wa_id(raw.get("wa_id")), _bsuid(raw.get("user_id")))
    batch.preferences.append(
        MarketingPreference(number, sender, granted, _instant(raw.get("timestamp")) or received_at)
    )


def _read_id_update(raw: Mapping[str, Any], number: str, people: _People, received_at: datetime, batch: Batch) -> None:
    ids = _object(raw.get("user_id"))
    old = Sender("", _bsuid(ids.get("previous")))
    new = Sender(_wa_id(raw.get("wa_id")), _bsuid(ids.get("current")))
    _add_change(batch, number, old, new)


_READERS = {"user_preferences": _read_preference, "user_id_update": _read_id_update}


# --- the smallest parts -----------------------------------------------------------------------------------------------


def _wanted(item: Any) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise _Malformed("an item is not an object")
    return item


def _part(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = raw.get(name)
    if not isinstance(part, Mapping):
        raise _Malformed(f"no {name} object")
    return part


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return _clean(value)[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _id(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _LONGEST_ID and text.isprintable() else ""


def _wa_id(value: Any) -> str:
    digits = value.lstrip("+") if isinstance(value, str) else ""
    return digits if _WA_ID.fullmatch(digits) and digits.isascii() else ""


def _bsuid(value: Any) -> str:
    return value if isinstance(value, str) and _BSUID.fullmatch(value) else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _instant(value: Any) -> Optional[datetime]:
    """Unix seconds, in digits or as a number; None for anything else or an implausible year."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{9,11}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not _FIRST <= value <= _LAST:
        return None
    return datetime.fromtimestamp(value, timezone.utc)


def _clean(text: str) -> str:
    """Text that PostgreSQL can hold: without NUL and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def _storable(value: Any, depth: int = 0) -> Any:
    """The JSON value in a form that PostgreSQL can hold; what lies deeper than any real message is left out."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        pairs: List[Tuple[str, Any]] = [(_clean(str(k)), _storable(v, depth + 1)) for k, v in value.items()]
        kept: Dict[str, Any] = dict(pairs)
        return kept
    if isinstance(value, list):
        return [_storable(v, depth + 1) for v in value]
    return value
