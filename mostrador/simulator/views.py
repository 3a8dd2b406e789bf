"""How a message looks on the phone: one plain shape for every kind, used by the page, taps and tests.

``{"text", "header"?, "footer"?, "media"?, "buttons": […], "list_button"?, "quote"?}`` where ``media`` is
``{kind, id, filename?, mime_type?}`` and a button is ``{kind: reply|row|template|url, title, id?, description?,
section?, url?}``.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, List, Optional

View = Dict[str, Any]
Template = Dict[str, Any]
MEDIA_KINDS = ("image", "video", "audio", "document", "sticker")


class WrongTemplate(Exception):
    """A template registration or use does not fit; the message says how."""


def link_id(link: str) -> str:
    """The media id under which the simulator keeps what it fetched from ``link``."""
    return "link-" + hashlib.sha256(link.encode()).hexdigest()[:24]


def media_view(kind: str, media: Dict[str, Any]) -> View:
    view: View = {"kind": kind, "id": media.get("id") or link_id(str(media.get("link", "")))}
    for name in ("filename", "mime_type", "voice"):
        if media.get(name) is not None:
            view[name] = media[name]
    if kind == "document" and "filename" not in view and media.get("link"):
        view["filename"] = str(media["link"]).split("?")[0].rsplit("/", 1)[-1]
    return view


def view_of_message(message: Dict[str, Any], template: Optional[Template] = None) -> View:
    """The look of a message in either direction; ``template`` is the registered text of a template message."""
    kind = message.get("type", "text")
    part = message.get(kind)
    view: View = {"text": "", "buttons": []}
    quoted = (message.get("context") or {}).get("message_id") or (message.get("context") or {}).get("id")
    if quoted:
        view["quote"] = quoted
    if kind == "contacts":
        view["text"] = ", ".join(str((c.get("name") or {}).get("formatted_name", "")) for c in part or [])
        view["label"] = "contacts"
    elif not isinstance(part, dict):
        view["label"] = str(kind)
    elif kind == "text":
        view["text"] = str(part.get("body", ""))
    elif kind in MEDIA_KINDS:
        view["media"] = media_view(kind, part)
        view["text"] = str(part.get("caption") or "")
    elif kind == "interactive":
        _interactive(view, part)
    elif kind == "template":
        _template(view, part, template)
    elif kind == "button":
        view["text"] = str(part.get("text", ""))
    elif kind == "reaction":
        view["reaction"] = {"to": part.get("message_id"), "emoji": part.get("emoji") or ""}
    elif kind == "location":
        view["text"] = " ".join(str(part[k]) for k in ("name", "address") if part.get(k))
        view["location"] = {"latitude": part.get("latitude"), "longitude": part.get("longitude")}
    elif kind == "order":
        lines = [f"{i.get('quantity')} × {i.get('product_retailer_id')}" for i in part.get("product_items", [])]
        view["text"] = "\n".join(lines + ([part["text"]] if part.get("text") else []))
        view["label"] = "order"
    elif kind == "system":
        view["text"] = str(part.get("body", ""))
        view["label"] = "system"
    else:
        view["label"] = str(kind)
    return view


def _interactive(view: View, part: Dict[str, Any]) -> None:
    kind = part.get("type")
    if kind in ("button_reply", "list_reply"):
        reply = part.get(kind) or {}
        view["text"] = str(reply.get("title", ""))
        return
    if kind == "nfm_reply":
        view["label"] = "flow"
        view["text"] = str((part.get("nfm_reply") or {}).get("body", ""))
        return
    view["text"] = str((part.get("body") or {}).get("text", ""))
    header = part.get("header") or {}
    if header.get("type") == "text":
        view["header"] = header["text"]
    elif header.get("type") in MEDIA_KINDS:
        view["media"] = media_view(header["type"], header[header["type"]])
    if part.get("footer"):
        view["footer"] = part["footer"].get("text", "")
    action = part.get("action") or {}
    if kind == "button":
        view["buttons"] = [
            {"kind": "reply", "id": b["reply"]["id"], "title": b["reply"]["title"]} for b in action["buttons"]
        ]
    elif kind == "list":
        view["list_button"] = action["button"]
        for section in action["sections"]:
            for row in section["rows"]:
                button = {"kind": "row", "id": row["id"], "title": row["title"]}
                if row.get("description"):
                    button["description"] = row["description"]
                if section.get("title"):
                    button["section"] = section["title"]
                view["buttons"].append(button)
    elif kind == "cta_url":
        parameters = action["parameters"]
        view["buttons"] = [{"kind": "url", "title": parameters["display_text"], "url": parameters["url"]}]
    else:
        view["label"] = str(kind)


def read_template(raw: Dict[str, Any]) -> Template:
    """Bring a registration into ``{name, language, category, header?, body, footer?, buttons}``.

    Takes the flat form or Meta's ``components`` form; raises WrongTemplate.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str) or not raw["name"]:
        raise WrongTemplate("a template has a name")
    language = raw.get("language")
    language = language.get("code") if isinstance(language, dict) else language
    if not isinstance(language, str) or not language:
        raise WrongTemplate("a template has a language")
    out: Template = {
        "name": raw["name"],
        "language": language,
        "category": str(raw.get("category", "utility")).lower(),
        "header": raw.get("header"),
        "body": raw.get("body", ""),
        "footer": raw.get("footer"),
        "buttons": list(raw.get("buttons") or []),
    }
    for component in raw.get("components") or []:
        kind = str(component.get("type", "")).lower()
        if kind == "body":
            out["body"] = component.get("text", "")
        elif kind == "footer":
            out["footer"] = component.get("text")
        elif kind == "header":
            fmt = str(component.get("format", "text")).lower()
            out["header"] = {"type": fmt, "text": component.get("text")}
        elif kind == "buttons":
            out["buttons"] = list(component.get("buttons") or [])
    if isinstance(out["header"], str):
        out["header"] = {"type": "text", "text": out["header"]}
    if not isinstance(out["body"], str) or not out["body"]:
        raise WrongTemplate("a template has a body")
    out["buttons"] = [
        {"type": str(b.get("type", "quick_reply")).lower(), "text": str(b.get("text", "")), "url": b.get("url")}
        if isinstance(b, dict)
        else {"type": "quick_reply", "text": str(b), "url": None}
        for b in out["buttons"]
    ]
    return out


VARIABLE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


def check_template_use(use: Dict[str, Any], template: Template) -> Optional[str]:
    """What does not fit between a template message and the registered template, or None."""
    wanted = set(VARIABLE.findall(template["body"]))
    given = _parameters(use, "body")
    if len(given) != len(wanted):
        return f"body: number of localizable_params ({len(given)}) does not match the expected ({len(wanted)})"
    named = [p["parameter_name"] for p in given if p.get("parameter_name")]
    if named and set(named) != wanted:
        return "body: parameter names do not match the template"
    return None


def _parameters(use: Dict[str, Any], kind: str) -> List[Dict[str, Any]]:
    for component in use.get("components") or []:
        if str(component.get("type", "")).lower() == kind:
            return list(component.get("parameters") or [])
    return []


def _said(parameter: Dict[str, Any]) -> str:
    if parameter.get("type") == "text":
        return str(parameter.get("text", ""))
    nested = parameter.get(str(parameter.get("type")))
    return str(nested.get("fallback_value", "")) if isinstance(nested, dict) else ""


def _filled(text: str, parameters: List[Dict[str, Any]]) -> str:
    values = {str(i): _said(p) for i, p in enumerate(parameters, 1)}
    values.update({p["parameter_name"]: _said(p) for p in parameters if p.get("parameter_name")})
    return VARIABLE.sub(lambda found: values.get(found.group(1), found.group(0)), text)


def _template(view: View, use: Dict[str, Any], template: Optional[Template]) -> None:
    view["template"] = use.get("name")
    header = _parameters(use, "header")
    for parameter in header:
        if parameter.get("type") in MEDIA_KINDS:
            view["media"] = media_view(parameter["type"], parameter[parameter["type"]])
    body = _parameters(use, "body")
    if template is not None:
        view["text"] = _filled(template["body"], body)
        if (template.get("header") or {}).get("type") == "text":
            view["header"] = _filled(str(template["header"].get("text") or ""), header)
        if template.get("footer"):
            view["footer"] = template["footer"]
    else:
        view["text"] = "\n".join(_said(p) for p in body)
        view["unregistered"] = True
    sent: Dict[int, Dict[str, Any]] = {}
    for component in use.get("components") or []:
        if str(component.get("type", "")).lower() == "button":
            sent[int(component["index"])] = component
    known = template["buttons"] if template is not None else []
    for index in range(max(len(known), max(sent, default=-1) + 1)):
        label = known[index]["text"] if index < len(known) else f"[{index + 1}]"
        kind = known[index]["type"] if index < len(known) else str(sent.get(index, {}).get("sub_type", "quick_reply"))
        given = (sent.get(index, {}).get("parameters") or [{}])[0]
        if kind == "url":
            url = known[index].get("url") if index < len(known) else None
            suffix = str(given.get("text", ""))
            url = suffix.join(VARIABLE.split(url)[::2]) if url else suffix
            view["buttons"].append({"kind": "url", "title": label, "url": url})
        else:
            view["buttons"].append({"kind": "template", "title": label, "id": given.get("payload", label)})
