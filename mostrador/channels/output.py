"""What one turn says, collected as messages of a phone."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit

from rasa.core.channels.channel import CollectingOutputChannel

from mostrador.shop.messages import Button, Document, Say, Template

log = logging.getLogger(__name__)

NAME = "whatsapp"
MOST_MESSAGES = 4


class TurnOutput(CollectingOutputChannel):
    """Collects one turn's utterances in ``says``, each of them one WhatsApp message; sends nothing itself.

    An utterance beyond ``most`` is joined to the last message where the two can be one. ``messages`` are the same as
    JSON objects, as Rasa's HTTP interface answers them to whoever triggered an intent.
    """

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        self._most = most
        self.says: List[Say] = []

    @classmethod
    def name(cls) -> str:
        return NAME

    @property
    def messages(self) -> List[Dict[str, Any]]:  # type: ignore[override]
        return [say.to_json() for say in self.says]

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """Keep one bot utterance; one that shows nothing is left out."""
        say = _say(message)
        if not (say.text or say.buttons or say.image or say.document or say.template):
            log.warning("An utterance of %s shows nothing on a phone", say.response or "an action")
            return
        if len(self.says) >= self._most and _can_join(self.says[-1], say):
            self.says[-1] = _joined(self.says[-1], say)
        else:
            self.says.append(say)


def _say(message: Mapping[str, Any]) -> Say:
    custom = message.get("custom")
    custom = custom if isinstance(custom, Mapping) else {}
    lines = [_line(message.get("text"))]
    buttons: List[Button] = []
    image = message.get("image") or custom.get("image") or ""
    for raw in [*(message.get("quick_replies") or ()), *(message.get("buttons") or ())]:
        _add_button(raw, buttons, lines)
    for element in message.get("elements") or ():
        lines.append(" – ".join(filter(None, (_line(element.get("title")), _line(element.get("subtitle"))))))
        image = image or element.get("image_url") or ""
        for raw in element.get("buttons") or ():
            _add_button(raw, buttons, lines)
    document = _document(custom.get("document") or message.get("attachment"))
    return Say(
        text="\n".join(filter(None, lines)),
        buttons=tuple(buttons),
        list_label=_line(custom.get("list_label")),
        image=str(image),
        document=document,
        template=_template(custom.get("template")),
        footer=_line(custom.get("footer")),
        response=str(message.get("utter_action") or ""),
    )


def _line(value: Any) -> str:
    return str(value).strip() if value is not None else ""


def _add_button(raw: Mapping[str, Any], buttons: List[Button], lines: List[str]) -> None:
    """A reply button, or for one that opens a page, which a reply button cannot, a line with its address."""
    title, payload = _line(raw.get("title")), _line(raw.get("payload"))
    if payload:
        buttons.append(Button(title, payload, _line(raw.get("description"))))
    elif raw.get("url"):
        lines.append(f"{title}: {raw['url']}")


def _document(raw: Any) -> Optional[Document]:
    """From ``{url, filename}``, Rasa's attachment ``{payload: {src, title}}``, or an address alone."""
    if isinstance(raw, Mapping):
        inner = raw.get("payload") if isinstance(raw.get("payload"), Mapping) else raw
        url = inner.get("url") or inner.get("src") or ""
        name = inner.get("filename") or inner.get("title") or ""
    else:
        url, name = raw or "", ""
    if not url:
        return None
    return Document(str(url), str(name) or unquote(PurePosixPath(urlsplit(str(url)).path).name) or "document")


def _template(raw: Any) -> Optional[Template]:
    if not isinstance(raw, Mapping) or not raw.get("name"):
        return None
    return Template(
        name=str(raw["name"]),
        language=str(raw.get("language") or ""),
        variables=_words(raw.get("variables")),
        header_image=str(raw.get("header_image") or ""),
        button_payloads=_words(raw.get("button_payloads")),
    )


def _words(values: Any) -> Tuple[str, ...]:
    return tuple(str(value) for value in values or ())


def _can_join(last: Say, more: Say) -> bool:
    """Whether two messages can be one without losing a picture, a document or a template."""
    return not ((last.image and more.image) or (last.document and more.document) or last.template or more.template)


def _joined(last: Say, more: Say) -> Say:
    known = {button.payload for button in last.buttons}
    return replace(
        last,
        text="\n\n".join(filter(None, (last.text, more.text))),
        buttons=last.buttons + tuple(button for button in more.buttons if button.payload not in known),
        list_label=last.list_label or more.list_label,
        image=last.image or more.image,
        document=last.document or more.document,
        footer=more.footer or last.footer,
        response=" ".join(filter(None, (last.response, more.response))),
    )
