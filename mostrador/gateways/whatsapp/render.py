"""Puts a ``Say`` into the wire format of the WhatsApp Cloud API, within the limits of whoever carries it.

Wire format: Meta's reference "messages" (text, image, document, interactive button and list, template), Graph v26.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Sequence, Set

import regex

from mostrador.gateways.whatsapp.limits import CLOUD_API, Limits
from mostrador.shop.messages import Button, Document, Say, Template

Body = Dict[str, Any]

_CLUSTER = regex.compile(r"\X")
_BREAKS = (  # where a text may be cut, the best first; what stands between is white space
    regex.compile(r"\n[ \t]*\n\s*"),
    regex.compile(r"\n\s*"),
    regex.compile(r"(?<=[.!?…。।])\s+"),
    regex.compile(r"\s+"),
)
_POINTER = "👇"  # stands for the words that a message with buttons must have
_LIST = "☰"


class Unsendable(ValueError):
    """A Say that no message can carry, such as a button whose id is too long: a defect of whoever made it."""


def render(say: Say, limits: Limits = CLOUD_API) -> List[Body]:
    """The messages that ``say`` becomes, in order and without recipient; none for a Say that shows nothing.

    One message wherever one can hold it. Texts are split between paragraphs, else sentences, else words; 1–3 buttons
    become reply buttons, up to 10 or any with a description a list, more a numbered text. Titles are cut to the limit
    and stay distinct; a list row's whole title goes into its description. Raises Unsendable.
    """
    if say.template is not None:
        return [_template(say.template, limits)]
    say = replace(say, text=say.text.strip(), buttons=_distinct_buttons(say.buttons))
    footer = _one_line(say.footer)
    if footer and (not say.buttons or len(say.buttons) > limits.rows or width(footer) > limits.footer):
        say, footer = replace(say, text="\n\n".join(filter(None, (say.text, footer)))), ""
    if len(say.buttons) > limits.rows:
        say = replace(say, text=_numbered(say), buttons=())
    if not say.buttons:
        return _without_buttons(say, limits)
    if len(say.buttons) <= limits.buttons and not any(b.description.strip() for b in say.buttons):
        return _with_buttons(say, footer, limits)
    return _with_list(say, footer, limits)


def width(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


# --- whole messages ---------------------------------------------------------------------------------------------------


def _without_buttons(say: Say, limits: Limits) -> List[Body]:
    fits = width(say.text) <= limits.caption
    if say.image:
        first = _image(say.image, say.text if fits and not say.document else "")
        rest = [] if fits and not say.document else _without_buttons(replace(say, image=""), limits)
        return [first, *rest]
    if say.document is not None:
        if fits:
            return [_document(say.document, say.text, limits)]
        return [*_texts(say.text, limits), _document(say.document, "", limits)]
    return _texts(say.text, limits)


def _with_buttons(say: Say, footer: str, limits: Limits) -> List[Body]:
    before: List[Body] = []
    header: Body = {}
    if say.image and say.document is not None:
        before.append(_document(say.document, "", limits))
    if say.image:
        header = {"header": {"type": "image", "image": {"link": say.image}}}
    elif say.document is not None:
        header = {"header": {"type": "document", "document": _file(say.document, limits)}}
    head, body = _before_the_last(say.text, limits.button_body)
    titles = _titles([b.title for b in say.buttons], limits.button_title)
    buttons = [
        {"type": "reply", "reply": {"id": _id(button.payload, limits.button_id), "title": title}}
        for button, title in zip(say.buttons, titles)
    ]
    interactive = {"type": "button", **header, "body": {"text": body or _POINTER}, **_footer(footer)}
    interactive["action"] = {"buttons": buttons}
    return [*before, *_texts(head, limits), {"type": "interactive", "interactive": interactive}]


def _with_list(say: Say, footer: str, limits: Limits) -> List[Body]:
    before = _without_buttons(replace(say, text="", buttons=(), footer=""), limits)
    head, body = _before_the_last(say.text, limits.list_body)
    titles = _titles([b.title for b in say.buttons], limits.row_title)
    rows = []
    for button, title in zip(say.buttons, titles):
        row = {"id": _id(button.payload, limits.row_id), "title": title}
        whole = _one_line(button.title)
        more = [whole] if title != whole and whole else []
        more += [_one_line(button.description)] if button.description.strip() else []
        if more:
            row["description"] = cut(" · ".join(more), limits.row_description)
        rows.append(row)
    interactive = {"type": "list", "body": {"text": body or _POINTER}, **_footer(footer)}
    label = cut(_one_line(say.list_label), limits.list_label) or _LIST
    interactive["action"] = {"button": label, "sections": [{"rows": rows}]}
    return [*before, *_texts(head, limits), {"type": "interactive", "interactive": interactive}]


def _numbered(say: Say) -> str:
    lines = [
        f"{number}. " + " – ".join(filter(None, (_one_line(b.title), _one_line(b.description))))
        for number, b in enumerate(say.buttons, start=1)
    ]
    return "\n\n".join(filter(None, (say.text, "\n".join(lines))))


def _texts(text: str, limits: Limits) -> List[Body]:
    return [
        {"type": "text", "text": {"body": part, "preview_url": "https://" in part}} for part in split(text, limits.text)
    ]


def _image(link: str, caption: str) -> Body:
    return {"type": "image", "image": {"link": link, **({"caption": caption} if caption else {})}}


def _document(document: Document, caption: str, limits: Limits) -> Body:
    return {"type": "document", "document": {**_file(document, limits), **({"caption": caption} if caption else {})}}


def _file(document: Document, limits: Limits) -> Body:
    return {"link": document.url, "filename": cut(_one_line(document.filename), limits.filename) or "document"}


def _footer(footer: str) -> Body:
    return {"footer": {"text": footer}} if footer else {}


def _template(template: Template, limits: Limits) -> Body:
    components: List[Body] = []
    if template.header_image:
        image = {"type": "image", "image": {"link": template.header_image}}
        components.append({"type": "header", "parameters": [image]})
    if template.variables:  # Meta refuses line ends, tabs, runs of spaces and empty words in them
        words = [cut(_one_line(v), limits.template_variable) or "–" for v in template.variables]
        components.append({"type": "body", "parameters": [{"type": "text", "text": word} for word in words]})
    for index, payload in enumerate(template.button_payloads):
        components.append(
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": str(index),
                "parameters": [{"type": "payload", "payload": _id(payload, limits.template_payload)}],
            }
        )
    if not template.name or not template.language:
        raise Unsendable("a template needs a name and a language")
    wire: Body = {"name": template.name, "language": {"code": template.language}}
    return {"type": "template", "template": {**wire, **({"components": components} if components else {})}}


# --- buttons ----------------------------------------------------------------------------------------------------------


def _distinct_buttons(buttons: Iterable[Button]) -> "tuple[Button, ...]":
    """The buttons, each choice once: two with one id would be refused."""
    return tuple({button.payload: button for button in reversed(tuple(buttons))}.values())[::-1]


def _id(payload: str, most: int) -> str:
    if not payload.strip():
        raise Unsendable("a button has no id")
    if width(payload) > most:
        raise Unsendable(f"a button's id is {width(payload)} characters long, {most} are allowed")
    return payload


def _titles(titles: Sequence[str], most: int) -> List[str]:
    """The titles within ``most`` and all different, also to an eye that does not tell capitals."""
    taken: Set[str] = set()
    found = []
    for number, title in enumerate(map(_one_line, titles), start=1):
        title = title or str(number)
        short = cut(title, most)
        attempt = 1
        while short.casefold() in taken:
            attempt += 1
            mark = f" {attempt}"
            short = cut(title, most - len(mark)) + mark
        taken.add(short.casefold())
        found.append(short)
    return found


# --- texts ------------------------------------------------------------------------------------------------------------


def cut(text: str, most: int) -> str:
    """``text`` within ``most`` code units, ended by an ellipsis when cut, never inside what a reader sees as one."""
    if width(text) <= most:
        return text
    return _fitting(text, most - 1).rstrip() + "…"


def split(text: str, most: int) -> List[str]:
    """``text`` in parts of at most ``most`` code units, cut at the best place of each; loses only white space."""
    parts = []
    rest = text.strip()
    while width(rest) > most:
        part = _first_part(rest, most)
        parts.append(part.rstrip())
        rest = rest[len(part) :].lstrip()
    return [*parts, rest] if rest else parts


def _first_part(text: str, most: int) -> str:
    whole = _fitting(text, most)
    beyond = whole + text[len(whole) : len(whole) + 1]  # a break may begin right after what fits
    for kind in _BREAKS:
        ends = [m.start() for m in kind.finditer(beyond) if 0 < m.start() <= len(whole)]
        # A better kind of break is worth a shorter part, but not one that leaves most of the room empty.
        if ends and (ends[-1] * 3 >= len(whole) or kind is _BREAKS[-1]):
            return text[: ends[-1]]
    return whole


def _before_the_last(text: str, most: int) -> "tuple[str, str]":
    """What goes ahead as text, and the end of ``text`` that fits into ``most``."""
    if width(text) <= most:
        return "", text
    last = split(text, most)[-1]
    return text[: len(text) - len(last)].rstrip(), last


def _fitting(text: str, most: int) -> str:
    """The longest beginning of whole grapheme clusters within ``most``; of single characters if not even one fits."""
    size = end = 0
    for cluster in _CLUSTER.finditer(text):
        size += width(cluster.group())
        if size > most:
            break
        end = cluster.end()
    if end:
        return text[:end]
    size = 0
    for end, character in enumerate(text):
        size += width(character)
        if size > most:
            return text[: max(end, 1)]
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())
