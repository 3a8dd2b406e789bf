"""Builds the webhook value for each thing a person can do on the phone.

Shapes: Meta's messages webhook reference (every inbound ``type``), business-scoped user ids included.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Optional, Protocol

from .media import Media

Spec = Dict[str, Any]


class WrongSpec(Exception):
    """The request does not say what to send; the message tells what is missing."""


class Surroundings(Protocol):
    """What building a message needs to know of the network."""

    def media_for(self, spec: Spec, kind: str) -> Media: ...

    def pressed(self, spec: Spec) -> Dict[str, Any]: ...

    def business_number(self) -> str: ...

    def author_of(self, message_id: str) -> str: ...


def build_message(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    """The ``type`` and content part of a message, without identity; raises WrongSpec."""
    kind = spec.get("type", "text")
    build = KINDS.get(kind) if isinstance(kind, str) else None
    if build is None:
        raise WrongSpec(f"type is one of {', '.join(sorted(KINDS))}")
    message = build(spec, around)
    context = dict(message.get("context") or {})
    if spec.get("reply_to"):
        quoted = str(spec["reply_to"])
        context.update({"from": around.author_of(quoted), "id": quoted})
    if spec.get("forwarded"):
        context["forwarded"] = True
    if spec.get("referred_product"):
        context["referred_product"] = spec["referred_product"]
    if isinstance(spec.get("context"), dict):
        context.update(spec["context"])
    if "context" in spec and spec["context"] is None:
        context = {}
    message.pop("context", None)
    if context:
        message = {"context": context, **message}
    for name in ("referral", "errors"):
        if spec.get(name) is not None:
            message[name] = spec[name]
    return message


def _wanted(spec: Spec, name: str) -> Any:
    if spec.get(name) is None:
        raise WrongSpec(f"{spec.get('type', 'text')} needs {name}")
    return spec[name]


def _text(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    return {"type": "text", "text": {"body": str(_wanted(spec, "text"))}}


def _media(kind: str) -> Callable[[Spec, Surroundings], Dict[str, Any]]:
    def build(spec: Spec, around: Surroundings) -> Dict[str, Any]:
        media = around.media_for(spec, kind)
        part: Dict[str, Any] = {"mime_type": media.mime_type, "sha256": media.sha256, "id": media.id}
        if kind in ("image", "video", "document") and spec.get("caption"):
            part["caption"] = str(spec["caption"])
        if kind == "document" and (spec.get("filename") or media.filename):
            part["filename"] = str(spec.get("filename") or media.filename)
        if kind == "audio":
            part["voice"] = bool(spec.get("voice", True))
            if part["mime_type"] == "audio/ogg":
                part["mime_type"] = "audio/ogg; codecs=opus"
        if kind == "sticker":
            part["animated"] = bool(spec.get("animated", False))
        return {"type": kind, kind: part}

    return build


def _tap(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    button = around.pressed(spec)
    context = {"from": around.business_number(), "id": button["message_id"]}
    if button["kind"] == "template":
        return {"context": context, "type": "button", "button": {"payload": button["id"], "text": button["title"]}}
    if button["kind"] == "reply":
        reply = {"type": "button_reply", "button_reply": {"id": button["id"], "title": button["title"]}}
    else:
        row = {name: button[name] for name in ("id", "title", "description") if name in button}
        reply = {"type": "list_reply", "list_reply": row}
    return {"context": context, "type": "interactive", "interactive": reply}


def _template_button(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    text = str(_wanted(spec, "text"))
    return {"type": "button", "button": {"payload": str(spec.get("payload", text)), "text": text}}


def _location(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    place: Dict[str, Any] = {
        "latitude": float(_wanted(spec, "latitude")),
        "longitude": float(_wanted(spec, "longitude")),
    }
    for name in ("name", "address", "url"):
        if spec.get(name):
            place[name] = str(spec[name])
    return {"type": "location", "location": place}


def _contacts(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    if isinstance(spec.get("contacts"), list):
        return {"type": "contacts", "contacts": spec["contacts"]}
    phone, name = str(_wanted(spec, "phone")), str(spec.get("contact_name") or spec["phone"])
    card: Dict[str, Any] = {
        "name": {"formatted_name": name, "first_name": name.split()[0]},
        "phones": [{"phone": phone, "wa_id": phone.lstrip("+"), "type": "CELL"}],
    }
    if spec.get("origin"):
        card["origin"] = spec["origin"]
    return {"type": "contacts", "contacts": [card]}


def _reaction(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    reaction: Dict[str, Any] = {"message_id": str(_wanted(spec, "message_id"))}
    if spec.get("emoji") is not None:
        reaction["emoji"] = str(spec["emoji"])
    return {"type": "reaction", "reaction": reaction}


def _order(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    items: List[Dict[str, Any]] = []
    for item in _wanted(spec, "items"):
        if not isinstance(item, dict) or not item.get("product_retailer_id"):
            raise WrongSpec("an order item needs product_retailer_id")
        items.append({"quantity": 1, "item_price": 0, "currency": "USD", **item})
    order: Dict[str, Any] = {"catalog_id": str(spec.get("catalog_id", "194836987003835")), "product_items": items}
    if spec.get("text"):
        order["text"] = str(spec["text"])
    return {"type": "order", "order": order}


def _flow(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    response = spec.get("response_json", spec.get("response", {}))
    response = response if isinstance(response, str) else json.dumps(response)
    reply = {"response_json": response, "body": "Sent", "name": "flow"}
    return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}


def _broken_interactive(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    error = {"code": 131000, "title": "Something went wrong", "message": "Something went wrong"}
    return {"type": "interactive", "errors": [{**error, "error_data": {"details": "Something went wrong."}}]}


def _unsupported(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    message: Dict[str, Any] = {"type": "unsupported", "errors": [error]}
    if spec.get("unsupported_type"):
        message["unsupported"] = {"type": str(spec["unsupported_type"])}
    return message


def _system(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    system: Dict[str, Any] = {
        "type": str(spec.get("system_type", "user_changed_number")),
        "body": str(spec.get("body", "User changed their number")),
    }
    for name in ("wa_id", "user_id"):
        if spec.get(name):
            system[name] = str(spec[name])
    return {"type": "system", "system": system}


def _edit_or_revoke(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    kind = spec["type"]
    part: Dict[str, Any] = {"original_message_id": str(_wanted(spec, "message_id"))}
    if kind == "edit":
        part["message"] = {"type": "text", "text": {"body": str(_wanted(spec, "text"))}}
    return {"type": kind, kind: part}


def _raw(spec: Spec, around: Surroundings) -> Dict[str, Any]:
    message = _wanted(spec, "message")
    if not isinstance(message, dict):
        raise WrongSpec("raw needs message, an object")
    return dict(message)


KINDS: Dict[str, Callable[[Spec, Surroundings], Dict[str, Any]]] = {
    "text": _text,
    "tap": _tap,
    "button": _template_button,
    "image": _media("image"),
    "video": _media("video"),
    "audio": _media("audio"),
    "document": _media("document"),
    "sticker": _media("sticker"),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "order": _order,
    "flow": _flow,
    "broken_interactive": _broken_interactive,
    "unsupported": _unsupported,
    "system": _system,
    "edit": _edit_or_revoke,
    "revoke": _edit_or_revoke,
    "raw": _raw,
}


def around_errors(errors: Optional[List[Any]]) -> List[Any]:
    """``value.errors`` of a webhook that carries no message; the given ones, or Meta's 131052 example."""
    return errors or [
        {
            "code": 131052,
            "title": "Media file size too big",
            "message": "Media file size too big",
            "error_data": {"details": "Media file size too big. Max file size we currently support: 100 MB."},
        }
    ]
