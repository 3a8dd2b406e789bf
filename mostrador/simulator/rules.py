"""The limits the WhatsApp Cloud API puts on an outgoing message, and the error bodies it answers with.

Limits and codes: Meta's message reference and error-code pages.
"""

from __future__ import annotations

import secrets
from typing import Any, Callable, Dict, List, Optional

Payload = Dict[str, Any]
MAX_OPAQUE = 512

TITLES = {
    0: "AuthException",
    1: "API Unknown",
    2: "API Service",
    4: "API Too Many Calls",
    100: "Invalid parameter",
    190: "Invalid OAuth access token",
    80007: "Rate limit issues",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    131000: "Something went wrong",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "This message was not delivered to maintain healthy ecosystem engagement",
    131050: "User has stopped receiving marketing messages",
    131051: "Unsupported message type",
    131052: "Media download error",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    131062: "Business-scoped user ID recipients are not supported for this message",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    132012: "Parameter format does not match format in the created template",
    132015: "Template is paused",
    132018: "There was an issue with the template parameters",
    133004: "Server temporarily unavailable",
}
HTTP_OF_CODE = {0: 401, 190: 401, 3: 500, 2: 503, 131000: 500, 131016: 500, 133004: 503, 131005: 403, 132001: 404}


class GraphError(Exception):
    """The call is refused; ``code`` is what a client decides on, ``http`` the status it comes with."""

    def __init__(self, code: int, details: str, http: Optional[int] = None) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.http = http if http is not None else HTTP_OF_CODE.get(code, 400)

    def body(self) -> Payload:
        """The JSON body of the answer: ``{"error": {message, type, code, error_data, fbtrace_id}}``."""
        title = TITLES.get(self.code, "Something went wrong")
        return {
            "error": {
                "message": f"(#{self.code}) {title}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": "A" + secrets.token_urlsafe(16),
            }
        }

    def in_status(self) -> Payload:
        """The same error as it stands in ``errors[]`` of a status or message webhook."""
        title = TITLES.get(self.code, "Something went wrong")
        return {
            "code": self.code,
            "title": title,
            "message": title,
            "error_data": {"details": self.details},
            "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }


def check_message(payload: Payload) -> None:
    """Raise GraphError when Meta would refuse the message for its form (not for limits, window or recipient)."""
    if payload.get("messaging_product") != "whatsapp":
        raise GraphError(100, "The parameter messaging_product is required and has to be 'whatsapp'.")
    if payload.get("recipient_type", "individual") not in ("individual", "group"):
        raise GraphError(100, "Param recipient_type must be one of {individual, group}.")
    if not payload.get("to") and not payload.get("recipient"):
        raise GraphError(131008, "The parameter to is required.")
    opaque = payload.get("biz_opaque_callback_data")
    if opaque is not None:
        _text(opaque, "biz_opaque_callback_data", MAX_OPAQUE, code=100)
    context = payload.get("context")
    if context is not None and not (isinstance(context, dict) and isinstance(context.get("message_id"), str)):
        raise GraphError(131009, "context has to be an object with message_id.")
    kind = payload.get("type", "text")
    check = CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise GraphError(131051, f"Message type {str(kind)[:40]!r} is not supported.")
    part = payload.get(kind)
    if kind != "contacts" and not isinstance(part, dict):
        raise GraphError(131008, f"The parameter {kind} is required for a message of this type.")
    check(part)


def _text(value: Any, name: str, most: int, code: int = 131009) -> str:
    if value is None or value == "":
        raise GraphError(131008, f"The parameter {name} is required.")
    if not isinstance(value, str):
        raise GraphError(code, f"Param {name} must be a string.")
    if not value.strip():
        raise GraphError(code, f"Param {name} must not be blank.")
    if len(value) > most:
        raise GraphError(code, f"Param {name} must be at most {most} characters long.")
    return value


def _optional(value: Any, name: str, most: int) -> None:
    if value is not None and value != "":
        _text(value, name, most)


def _check_text(text: Payload) -> None:
    _text(text.get("body"), "text['body']", 4096, code=100)


def _check_media(kind: str, caption: bool) -> Callable[[Payload], None]:
    def check(media: Payload) -> None:
        if bool(media.get("id")) == bool(media.get("link")):
            raise GraphError(100, f"Param {kind} needs exactly one of id and link.")
        link = media.get("link")
        if link is not None and not (isinstance(link, str) and link.startswith(("http://", "https://"))):
            raise GraphError(100, f"Param {kind}['link'] is not a valid URI.")
        if media.get("caption") is not None:
            if not caption:
                raise GraphError(100, f"Param {kind}['caption'] is not allowed.")
            _optional(media.get("caption"), f"{kind}['caption']", 1024)
        if kind == "document":
            _optional(media.get("filename"), "document['filename']", 240)

    return check


def _check_location(location: Payload) -> None:
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            if not -most <= float(location[name]) <= most:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise GraphError(131009, f"Param location['{name}'] is not a valid coordinate.") from None


def _check_contacts(contacts: Any) -> None:
    if not isinstance(contacts, list) or not contacts:
        raise GraphError(131008, "The parameter contacts is required.")
    for contact in contacts:
        name = contact.get("name") if isinstance(contact, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise GraphError(131008, "The parameter contacts[].name.formatted_name is required.")


def _check_reaction(reaction: Payload) -> None:
    _text(reaction.get("message_id"), "reaction['message_id']", 512)
    if not isinstance(reaction.get("emoji"), str) or len(reaction["emoji"]) > 16:
        raise GraphError(131009, "Param reaction['emoji'] must be an emoji or an empty string.")


def _check_interactive(interactive: Payload) -> None:
    kind = interactive.get("type")
    check = INTERACTIVE.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise GraphError(131009, f"Interactive type {str(kind)[:40]!r} is not valid.")
    action = interactive.get("action")
    if not isinstance(action, dict):
        raise GraphError(131008, "The parameter interactive['action'] is required.")
    header = interactive.get("header")
    if header is not None:
        _check_header(header, only_text=kind in ("list", "product_list"))
    body = interactive.get("body")
    if kind != "product":
        if not isinstance(body, dict):
            raise GraphError(131008, "The parameter interactive['body'] is required.")
        _text(body.get("text"), "interactive['body']['text']", 4096 if kind == "list" else 1024)
    footer = interactive.get("footer")
    if footer is not None:
        if not isinstance(footer, dict):
            raise GraphError(131009, "Param interactive['footer'] must be an object.")
        _text(footer.get("text"), "interactive['footer']['text']", 60)
    check(interactive, action)


def _check_header(header: Any, only_text: bool) -> None:
    kind = header.get("type") if isinstance(header, dict) else None
    if kind == "text":
        _text(header.get("text"), "interactive['header']['text']", 60)
    elif kind in ("image", "video", "document") and not only_text:
        media = header.get(kind)
        if not isinstance(media, dict):
            raise GraphError(131008, f"The parameter interactive['header']['{kind}'] is required.")
        _check_media(kind, caption=False)(media)
    else:
        raise GraphError(131009, "Header type is not valid for this interactive message.")


def _check_buttons(interactive: Payload, action: Payload) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise GraphError(131009, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    ids: List[str] = []
    titles: List[str] = []
    for button in buttons:
        reply = button.get("reply") if isinstance(button, dict) and button.get("type") == "reply" else None
        if not isinstance(reply, dict):
            raise GraphError(131009, "Buttons have to be of type reply.")
        ids.append(_text(reply.get("id"), "button id", 256))
        titles.append(_text(reply.get("title"), "button title", 20))
    if len(set(titles)) < len(titles):
        raise GraphError(131009, "Duplicated title of buttons.")
    if len(set(ids)) < len(ids):
        raise GraphError(131009, "Duplicated id of buttons.")


def _sections(action: Payload) -> List[Payload]:
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise GraphError(131009, "Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    for section in sections:
        if not isinstance(section, dict):
            raise GraphError(131009, "A section has to be an object.")
        if len(sections) > 1:
            _text(section.get("title"), "section title", 24)
        else:
            _optional(section.get("title"), "section title", 24)
    return sections


def _check_list(interactive: Payload, action: Payload) -> None:
    _text(action.get("button"), "interactive['action']['button']", 20)
    ids: List[str] = []
    for section in _sections(action):
        rows = section.get("rows")
        if not isinstance(rows, list) or not rows:
            raise GraphError(131009, "A section needs at least one row.")
        for row in rows:
            if not isinstance(row, dict):
                raise GraphError(131009, "A row has to be an object.")
            ids.append(_text(row.get("id"), "row id", 200))
            _text(row.get("title"), "row title", 24)
            _optional(row.get("description"), "row description", 72)
    if len(ids) > 10:
        raise GraphError(131009, "Total row count exceed max allowed count: 10")
    if len(set(ids)) < len(ids):
        raise GraphError(131009, "Duplicated id of rows.")


def _check_cta_url(interactive: Payload, action: Payload) -> None:
    parameters = action.get("parameters")
    if action.get("name") != "cta_url" or not isinstance(parameters, dict):
        raise GraphError(131009, "A cta_url action has name cta_url and parameters.")
    _text(parameters.get("display_text"), "display_text", 20)
    if not _text(parameters.get("url"), "url", 2000).startswith(("http://", "https://")):
        raise GraphError(131009, "Param url is not a valid URI.")


def _check_named_action(interactive: Payload, action: Payload) -> None:
    expected = {"location_request_message": "send_location"}.get(interactive["type"], interactive["type"])
    if action.get("name") != expected:
        raise GraphError(131009, f"Param interactive['action']['name'] must be {expected}.")


def _check_product(interactive: Payload, action: Payload) -> None:
    _text(action.get("catalog_id"), "catalog_id", 100)
    _text(action.get("product_retailer_id"), "product_retailer_id", 100)


def _check_product_list(interactive: Payload, action: Payload) -> None:
    if not interactive.get("header"):
        raise GraphError(131008, "The parameter interactive['header'] is required.")
    _text(action.get("catalog_id"), "catalog_id", 100)
    items = 0
    for section in _sections(action):
        products = section.get("product_items")
        if not isinstance(products, list) or not products:
            raise GraphError(131009, "A section needs at least one product.")
        items += len(products)
    if items > 30:
        raise GraphError(131009, "Total product count exceed max allowed count: 30")


def _check_template(template: Payload) -> None:
    _text(template.get("name"), "template['name']", 512)
    language = template.get("language")
    if not isinstance(language, dict):
        raise GraphError(131008, "The parameter template['language'] is required.")
    _text(language.get("code"), "template['language']['code']", 16)
    components = template.get("components", [])
    if not isinstance(components, list):
        raise GraphError(131009, "Param template['components'] must be a list.")
    for component in components:
        kind = str(component.get("type", "")).lower() if isinstance(component, dict) else ""
        if kind not in ("header", "body", "button", "carousel", "limited_time_offer"):
            raise GraphError(100, "Invalid type of a template component.")
        parameters = component.get("parameters", [])
        if not isinstance(parameters, list):
            raise GraphError(131009, "Param parameters must be a list.")
        if kind == "button":
            if component.get("sub_type") not in ("quick_reply", "url", "copy_code", "flow", "catalog", "mpm"):
                raise GraphError(132012, "A button component needs a valid sub_type.")
            if not str(component.get("index", "")).isdigit() or int(component["index"]) > 9:
                raise GraphError(132012, "A button component needs an index from 0 to 9.")
        for parameter in parameters:
            _check_parameter(kind, parameter)


def _check_parameter(component: str, parameter: Any) -> None:
    kind = parameter.get("type") if isinstance(parameter, dict) else None
    if kind == "text":
        value = _text(parameter.get("text"), "parameter text", 1024)
        if component == "body" and ("\n" in value or "\t" in value or " " * 5 in value):
            raise GraphError(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    elif kind == "payload":
        _text(parameter.get("payload"), "payload", 256)
    elif kind in ("image", "video", "document"):
        if component != "header" or not isinstance(parameter.get(kind), dict):
            raise GraphError(132012, f"A {kind} parameter belongs into the header.")
        _check_media(kind, caption=False)(parameter[kind])
    elif kind not in ("currency", "date_time", "location", "product", "action", "coupon_code"):
        raise GraphError(132012, "The type of a template parameter is not valid.")


CHECKS: Dict[str, Callable[[Any], None]] = {
    "text": _check_text,
    "image": _check_media("image", caption=True),
    "video": _check_media("video", caption=True),
    "document": _check_media("document", caption=True),
    "audio": _check_media("audio", caption=False),
    "sticker": _check_media("sticker", caption=False),
    "location": _check_location,
    "contacts": _check_contacts,
    "reaction": _check_reaction,
    "interactive": _check_interactive,
    "template": _check_template,
}
INTERACTIVE: Dict[str, Callable[[Payload, Payload], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "location_request_message": _check_named_action,
    "request_contact_info": _check_named_action,
    "catalog_message": _check_named_action,
    "flow": _check_named_action,
    "product": _check_product,
    "product_list": _check_product_list,
}
