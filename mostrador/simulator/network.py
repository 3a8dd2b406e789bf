"""The simulated network itself: accepts what businesses send, carries what people write, tells statuses."""

from __future__ import annotations

import asyncio
import base64
import binascii
import os
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, List, Optional, Tuple

from .config import SimulatorConfig
from .faults import Faults
from .inbound import WrongSpec, around_errors, build_message
from .journal import Entry, Journal
from .media import Media, MediaStore, UnfitMedia, check_size, kind_of, made_up_file
from .people import USER_ID, Contact, People, UnknownContact, digits_of
from .rules import GraphError, check_message
from .traffic import Pair, Traffic
from .views import WrongTemplate, check_template_use, link_id, read_template, view_of_message
from .webhooks import Courier, Update
from .wire import Wire

REMEMBERED_PER_CONTACT = 200
REMEMBERED = 50_000
WINDOW_SECONDS = 24 * 3600.0
TYPING_SECONDS = 25.0
DONE = ("read", "failed")


def new_wamid() -> str:
    return "wamid.HBgL" + base64.b64encode(os.urandom(24)).decode()


@dataclass
class Sent:
    """A message of a business to a person; ``statuses`` in the order they were told."""

    id: str
    contact: Contact
    business: str
    message: Dict[str, Any]
    view: Dict[str, Any]
    at: float
    statuses: List[str] = field(default_factory=list)


@dataclass
class Written:
    """A message of a person to a business."""

    id: str
    contact: str
    business: str
    at: float
    read: bool = False


class Network:
    """State and behaviour behind both HTTP faces (Graph API and control API); lives in one event loop."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.journal = Journal(config.log_dir / "log.jsonl" if config.log_dir else None)
        self.wire = Wire()
        self.faults = Faults(config.seed)
        self.people = People()
        self.media = MediaStore(config.log_dir / "media" if config.log_dir else None)
        self.templates: Dict[Tuple[str, str], Dict[str, Any]] = {}
        self.forget_messages()

    def forget_messages(self) -> None:
        self.traffic = Traffic()
        self._sent: Dict[str, Sent] = {}
        self._written: Dict[str, Written] = {}
        self._thread: Dict[Tuple[str, str], Deque[Sent]] = {}
        self._inbox: Dict[Tuple[str, str], Deque[Written]] = {}
        self._last_written: Dict[Tuple[str, str], float] = {}

    async def start(self) -> None:
        for entry in self.journal.load():
            self._replay(entry)
        self.courier = Courier(self.config, self.journal, self.faults, self.traffic, self.wire)
        await self.courier.start()

    async def stop(self) -> None:
        await self.courier.stop()
        self.journal.close()
        self.wire.close()

    def reset(self, contacts: bool = False, templates: bool = False) -> None:
        """Forget messages, log, counters, faults and media; contacts and templates only when asked to."""
        self.courier.forget()
        self.faults.clear()
        self.forget_messages()
        self.courier.traffic = self.traffic
        self.media.clear()
        self.journal.forget()
        self.wire.forget()
        if contacts:
            self.people.clear()
        if templates:
            self.templates.clear()
        for contact in self.people.all():
            self.journal.add("contact", contact.key, who=contact.shown())
        for template in self.templates.values():
            self.journal.add("template", None, template=template)
        self.journal.add("reset")

    def now(self) -> float:
        return time.time() + self.config.clock_offset

    # --- what businesses send

    def accept(self, business: str, payload: Dict[str, Any], request: Optional[Entry] = None) -> Dict[str, Any]:
        """Take a message of a business; returns Meta's answer, raises GraphError."""
        contact, answer_contact = self._recipient(payload)
        template = None
        if payload["type"] == "template":
            template = self._template(payload["template"])
        self._check_media_ids(payload)
        late_code = self._check_limits(business, contact, payload)
        fault = self.faults.take("status", contact.key, business)
        if fault is not None:
            self.traffic.faults["status"] += 1
            late_code = fault.code
        message_id = new_wamid()
        view = view_of_message(payload, template)
        sent = Sent(message_id, contact, business, payload, view, self.now())
        _keep(self._sent, message_id, sent)
        self._thread.setdefault((contact.key, business), deque(maxlen=REMEMBERED_PER_CONTACT)).append(sent)
        self.traffic.went_out(business, contact.key, payload.get("biz_opaque_callback_data"))
        self.journal.add(
            "out", contact.key, business=business, id=message_id, type=payload["type"], message=payload, view=view
        )
        if self.config.statuses:
            self.courier.spawn(self._lifecycle(sent, template, late_code))
        return {
            "messaging_product": "whatsapp",
            "contacts": [answer_contact],
            "messages": [{"id": message_id, "message_status": "accepted"}],
        }

    def recipient_key(self, payload: Dict[str, Any]) -> Optional[str]:
        """The key of a known recipient, for faults aimed at one person."""
        contact = self.people.find(str(payload.get("to") or payload.get("recipient") or ""))
        return contact.key if contact else None

    def _recipient(self, payload: Dict[str, Any]) -> Tuple[Contact, Dict[str, Any]]:
        if payload.get("to"):
            to = str(payload["to"])
            if len(digits_of(to)) < 5 or USER_ID.match(to):
                raise GraphError(131009, "Param to is not a phone number.")
            contact = self._reach(to)
            return contact, {"input": to, "wa_id": contact.wa_id or digits_of(to)}
        recipient = str(payload["recipient"])
        if not USER_ID.match(recipient):
            raise GraphError(131009, "Param recipient is not a business-scoped user id.")
        contact = self._reach(recipient)
        return contact, {"input": recipient, "user_id": contact.user_id}

    def _reach(self, who: str) -> Contact:
        known = self.people.find(who)
        if known is not None:
            return known
        try:
            return self.add_contact({"user_id": who} if USER_ID.match(who) else {"phone": who})
        except UnknownContact as unknown:
            raise GraphError(131009, str(unknown)) from None

    def _template(self, use: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        template = self.templates.get((use["name"], use["language"]["code"]))
        if template is None:
            if self.config.strict_templates:
                raise GraphError(132001, f"template name ({use['name']}) does not exist in {use['language']['code']}")
            return None
        problem = check_template_use(use, template)
        if problem:
            raise GraphError(132000, problem)
        return template

    def _check_media_ids(self, payload: Dict[str, Any]) -> None:
        for kind, media in _media_of(payload):
            if media.get("id") and self.media.get(str(media["id"])) is None:
                raise GraphError(
                    100, f"Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
                )

    def _check_limits(self, business: str, contact: Contact, payload: Dict[str, Any]) -> Optional[int]:
        """Raise for a limit that answers at once; return the code of one that is told later by status."""
        config = self.config
        if config.enforce_limits:
            if self.traffic.in_this_second(business) >= config.number_per_second:
                raise GraphError(130429, "Cloud API message throughput has been reached.")
            pair = self.traffic.pairs.setdefault((business, contact.key), Pair(config.pair_burst))
            if not pair.take(config.pair_burst, config.pair_seconds):
                raise GraphError(131056, "Too many messages sent from this number to the same user.")
        if contact.fail_with:
            return contact.fail_with
        if config.enforce_window != "off" and payload["type"] != "template":
            last = self._last_written.get((contact.key, business))
            if last is None or self.now() - last > WINDOW_SECONDS:
                if config.enforce_window == "answer":
                    raise GraphError(
                        131047, "More than 24 hours have passed since the customer last replied to this number"
                    )
                return 131047
        return None

    async def _lifecycle(self, sent: Sent, template: Optional[Dict[str, Any]], late_code: Optional[int]) -> None:
        """Tell sent, delivered and perhaps read or failed, each after its delay."""
        began = time.monotonic()
        config = self.config
        if sent.message["type"] == "reaction":
            await asyncio.sleep(config.sent_delay)
            self.status(sent, "sent", template)
            return
        sent_at, delivered_at = config.sent_delay, config.delivered_delay
        swapped = self.faults.status_reorder
        first = min(sent_at, delivered_at)
        problem = await self._fetch_links(sent.message) if config.fetch_links else None
        await asyncio.sleep(max(0.0, first - (time.monotonic() - began)))
        if late_code is not None or problem is not None:
            error = GraphError(late_code or 131053, problem or "The message could not be delivered.")
            self.status(sent, "failed", template, error)
            return
        if sent.contact.offline:
            self.status(sent, "sent", template)
            return
        self.status(sent, "delivered" if swapped else "sent", template)
        await asyncio.sleep(max(0.0, delivered_at - (time.monotonic() - began)))
        self.status(sent, "sent" if swapped else "delivered", template)
        if config.read_delay is not None:
            await asyncio.sleep(config.read_delay)
            self.read_by_person(sent.contact, sent.business, [sent.id])

    async def _fetch_links(self, payload: Dict[str, Any]) -> Optional[str]:
        for kind, media in _media_of(payload):
            if media.get("link"):
                problem = await self.media.fetch(self.courier.session, str(media["link"]), kind)
                if problem:
                    return problem
                stored = self.media.get(link_id(str(media["link"])))
                if stored is not None:
                    self.journal.add("media", None, media=stored.shown())
        return None

    def status(
        self,
        sent: Sent,
        status: str,
        template: Optional[Dict[str, Any]] = None,
        error: Optional[GraphError] = None,
    ) -> None:
        """Log a status and post its webhook."""
        contact = sent.contact
        sent.statuses.append(status)
        self.traffic.statuses[status] += 1
        entry: Dict[str, Any] = {"business": sent.business, "id": sent.id, "status": status}
        if error is not None:
            entry["code"] = error.code
        self.journal.add("status", contact.key, **entry)
        if self.faults.drop_statuses and self.faults.random.random() < self.faults.drop_statuses:
            self.traffic.faults["drop_statuses"] += 1
            return
        told: Dict[str, Any] = {"id": sent.id, "status": status, "timestamp": str(int(self.now()))}
        if contact.visible_wa_id:
            told["recipient_id"] = contact.visible_wa_id
        told["recipient_user_id"] = contact.user_id
        opaque = sent.message.get("biz_opaque_callback_data")
        if opaque:
            told["biz_opaque_callback_data"] = opaque
        if status == "sent":
            category = (template or {}).get("category", "utility") if sent.message["type"] == "template" else "service"
            told["pricing"] = {"billable": True, "pricing_model": "PMP", "category": category, "type": "regular"}
        if error is not None:
            told["errors"] = [error.in_status()]
        value = self._value(sent.business)
        if status != "failed":
            value["contacts"] = [self._card(contact, {})]
        value["statuses"] = [told]
        self.courier.tell(Update("messages", value, "status", contact.key, (sent.id,)))

    def read_by_person(self, contact: Contact, business: Optional[str] = None, ids: Optional[List[str]] = None) -> int:
        """The person looks at the chat: every delivered message (or those named) becomes read. Returns how many."""
        count = 0
        for (key, number), thread in self._thread.items():
            if key != contact.key or (business is not None and number != business):
                continue
            for sent in thread:
                if ids is not None and sent.id not in ids:
                    continue
                if "delivered" in sent.statuses and not set(DONE) & set(sent.statuses):
                    self.status(sent, "read")
                    count += 1
        return count

    def come_online(self, contact: Contact) -> None:
        """Deliver what waited while the phone was switched off."""
        for (key, _), thread in self._thread.items():
            if key == contact.key:
                for sent in thread:
                    if sent.statuses == ["sent"] and sent.message["type"] != "reaction":
                        self.status(sent, "delivered")

    def read_mark(self, business: str, payload: Dict[str, Any]) -> Dict[str, Any]:
        """The business has read a person's message (and the earlier ones), perhaps shows that it types."""
        if payload.get("messaging_product") != "whatsapp":
            raise GraphError(100, "The parameter messaging_product is required and has to be 'whatsapp'.")
        if payload.get("status") != "read":
            raise GraphError(131009, "Param status must be 'read'.")
        message_id = payload.get("message_id")
        if not isinstance(message_id, str) or not message_id:
            raise GraphError(131008, "The parameter message_id is required.")
        written = self._written.get(message_id)
        if written is None or written.business != business:
            raise GraphError(131009, "Param message_id is not a message this number received.")
        typing = payload.get("typing_indicator")
        if typing is not None and not (isinstance(typing, dict) and typing.get("type") == "text"):
            raise GraphError(131009, "Param typing_indicator['type'] must be 'text'.")
        for earlier in self._inbox.get((written.contact, business), ()):
            earlier.read = True
            if earlier is written:
                break
        self.journal.add("read_mark", written.contact, business=business, id=message_id, typing=typing is not None)
        return {"success": True}

    def writer_of(self, message_id: str) -> Optional[str]:
        """The key of the person who wrote a message, if one of this id came from a person."""
        written = self._written.get(message_id)
        return written.contact if written else None

    # --- what people do

    def write(self, contact: Contact, spec: Dict[str, Any]) -> Tuple[Optional[str], Update]:
        """Let a person do something and return (wamid or None, the update to post); raises WrongSpec."""
        if not isinstance(spec, dict):
            raise WrongSpec("a message is an object")
        business = self._business(contact, spec)
        value = self._value(business)
        if spec.get("type") == "field":
            inner = spec.get("value")
            if not isinstance(inner, dict) or not spec.get("field"):
                raise WrongSpec("field needs field and value")
            return None, Update(str(spec["field"]), inner, "other", contact.key)
        if spec.get("type") == "errors":
            value["errors"] = around_errors(spec.get("errors"))
            return None, Update("messages", value, "other", contact.key)
        without = set(spec.get("without") or ())
        own_id = spec.get("wamid") or (spec.get("id") if spec.get("type") != "tap" else None)
        message_id = str(own_id or new_wamid())
        when = spec.get("timestamp")
        timestamp = int(self.now()) if when is None else when
        if isinstance(timestamp, float):
            timestamp = int(timestamp)
        message: Dict[str, Any] = {}
        if contact.visible_wa_id and "from" not in without:
            message["from"] = contact.visible_wa_id
        if "from_user_id" not in without:
            message["from_user_id"] = contact.user_id
        message["id"] = message_id
        message["timestamp"] = str(timestamp)
        message.update(build_message(spec, _Around(self, contact, business)))
        if message["type"] != "system" and "contacts" not in without:
            value["contacts"] = [self._card(contact, spec, without)]
        value["messages"] = [message]
        again = message_id in self._written
        if not again:
            written = Written(message_id, contact.key, business, time.time())
            _keep(self._written, message_id, written)
            self._inbox.setdefault((contact.key, business), deque(maxlen=REMEMBERED_PER_CONTACT)).append(written)
        self._last_written[(contact.key, business)] = float(timestamp) if str(timestamp).isdigit() else self.now()
        self.traffic.came_in(business)
        view = view_of_message(message)
        self.journal.add(
            "in",
            contact.key,
            business=business,
            id=message_id,
            type=message["type"],
            message=message,
            view=view,
            **({"again": True} if again else {}),
        )
        return message_id, Update("messages", value, "message", contact.key, (message_id,))

    def _business(self, contact: Contact, spec: Dict[str, Any]) -> str:
        business = spec.get("business") or contact.business or self.config.phone_number_ids[0]
        if business not in self.config.phone_number_ids:
            raise WrongSpec(f"business is one of {', '.join(self.config.phone_number_ids)}")
        return str(business)

    def _value(self, business: str) -> Dict[str, Any]:
        return {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.config.display_number(business),
                "phone_number_id": business,
            },
        }

    def _card(self, contact: Contact, spec: Dict[str, Any], without: Any = ()) -> Dict[str, Any]:
        card: Dict[str, Any] = {}
        if "profile" not in without:
            card["profile"] = {"name": str(spec.get("name") or contact.name)}
        if contact.visible_wa_id and "wa_id" not in without:
            card["wa_id"] = contact.visible_wa_id
        if "user_id" not in without:
            card["user_id"] = contact.user_id
        return card

    def buttons_of(self, contact: Contact, business: str, message_id: Optional[str] = None) -> List[Dict[str, Any]]:
        """Everything the person could press now, newest message first, each with its ``message_id``."""
        found: List[Dict[str, Any]] = []
        for sent in reversed(self._thread.get((contact.key, business), ())):
            if message_id is not None and sent.id != message_id:
                continue
            if "failed" in sent.statuses:
                continue
            found.extend({**button, "message_id": sent.id} for button in sent.view["buttons"])
        return found

    # --- contacts, media, templates

    def add_contact(self, raw: Dict[str, Any]) -> Contact:
        """Make or change a contact and log it; raises UnknownContact."""
        before = self.people.find(str(raw.get("key") or raw.get("phone") or raw.get("user_id") or ""))
        was_offline = before is not None and before.offline
        contact = self.people.put(raw)
        self.journal.add("contact", contact.key, who=contact.shown())
        if was_offline and not contact.offline:
            self.come_online(contact)
        return contact

    def contact(self, who: str) -> Contact:
        """The contact, made when the number is new; raises UnknownContact."""
        known = self.people.find(who)
        return known or self.add_contact({"user_id": who} if USER_ID.match(who) else {"phone": who})

    def add_media(self, data: bytes, mime_type: str, filename: Optional[str] = None) -> Media:
        media = self.media.add(data, mime_type, filename)
        self.journal.add("media", None, media=media.shown())
        return media

    def upload(self, data: bytes, mime_type: str, filename: Optional[str]) -> Media:
        """A business uploads a file; raises GraphError for a size or type that WhatsApp refuses."""
        try:
            check_size(kind_of(mime_type), mime_type, len(data))
        except UnfitMedia as unfit:
            raise GraphError(131053, str(unfit)) from None
        return self.add_media(data, mime_type, filename)

    def add_template(self, raw: Dict[str, Any]) -> Dict[str, Any]:
        """Register the text of a template; raises WrongTemplate."""
        template = read_template(raw)
        self.templates[(template["name"], template["language"])] = template
        self.journal.add("template", None, template=template)
        return template

    def summary(self, contact: Contact) -> Dict[str, Any]:
        """A contact with its newest line, for the switcher of the page."""
        newest = self.journal.since(0, contact.key, frozenset({"in", "out"}), limit=1, newest=True)
        last = None
        if newest:
            entry = newest[0]
            last = {"at": entry["at"], "text": _preview(entry), "event": entry["event"], "n": entry["n"]}
        return {**contact.shown(), "last": last}

    def _replay(self, entry: Entry) -> None:
        """Bring back the state that a log entry of an earlier run left behind."""
        try:
            event = entry["event"]
            if event == "contact":
                self.people.put(entry["who"])
            elif event == "template":
                self.add_template_quietly(entry["template"])
            elif event == "media":
                self.media.remember(entry["media"])
            elif event == "out":
                contact = self.people.find_or_make(entry["contact"])
                sent = Sent(entry["id"], contact, entry["business"], entry["message"], entry["view"], entry["at"])
                self._sent[sent.id] = sent
                self._thread.setdefault((contact.key, sent.business), deque(maxlen=REMEMBERED_PER_CONTACT)).append(sent)
            elif event == "status" and entry["id"] in self._sent:
                self._sent[entry["id"]].statuses.append(entry["status"])
            elif event == "in":
                self.people.find_or_make(entry["contact"])
                written = Written(entry["id"], entry["contact"], entry["business"], entry["at"])
                self._written[written.id] = written
                key = (written.contact, written.business)
                self._inbox.setdefault(key, deque(maxlen=REMEMBERED_PER_CONTACT)).append(written)
                self._last_written[key] = entry["at"]
        except (KeyError, TypeError, UnknownContact, WrongTemplate):
            return  # a line of another version: the rest of the history is still worth showing

    def add_template_quietly(self, raw: Dict[str, Any]) -> None:
        template = read_template(raw)
        self.templates[(template["name"], template["language"])] = template


class _Around:
    """What a message of this person to this number can refer to."""

    def __init__(self, network: Network, contact: Contact, business: str) -> None:
        self._network = network
        self._contact = contact
        self._business = business

    def business_number(self) -> str:
        return self._network.config.display_number(self._business)

    def author_of(self, message_id: str) -> str:
        if self._network.writer_of(message_id) == self._contact.key:
            return self._contact.visible_wa_id or self._contact.user_id
        return self.business_number()

    def media_for(self, spec: Dict[str, Any], kind: str) -> Media:
        if spec.get("media_id"):
            media = self._network.media.get(str(spec["media_id"]))
            if media is None:
                raise WrongSpec("no such media_id")
            return media
        if spec.get("data") is not None:
            try:
                data = base64.b64decode(str(spec["data"]), validate=True)
            except (binascii.Error, ValueError):
                raise WrongSpec("data is base64") from None
            mime_type = str(spec.get("mime_type") or made_up_file(kind)[1])
            return self._network.add_media(data, mime_type, spec.get("filename"))
        data, mime_type, filename = made_up_file(kind)
        return self._network.add_media(data, str(spec.get("mime_type") or mime_type), spec.get("filename") or filename)

    def pressed(self, spec: Dict[str, Any]) -> Dict[str, Any]:
        wanted = spec.get("message_id")
        buttons = self._network.buttons_of(self._contact, self._business, str(wanted) if wanted else None)
        buttons = [button for button in buttons if button["kind"] != "url"]
        for name in ("id", "title"):
            if spec.get(name) is None:
                continue
            asked = str(spec[name])
            exact = [b for b in buttons if b[name] == asked]
            alike = exact or [b for b in buttons if b[name].casefold() == asked.casefold()]
            if not alike:
                raise WrongSpec(f"no button with {name} {asked!r}; offered: {[b['title'] for b in buttons[:13]]}")
            return alike[0]
        index = spec.get("index")
        if isinstance(index, bool) or not isinstance(index, int):
            raise WrongSpec("a tap needs id, title or index (counting from 1)")
        newest = [b for b in buttons if b["message_id"] == buttons[0]["message_id"]]
        if not 1 <= index <= len(newest):
            raise WrongSpec(f"no button {index}; offered: {[b['title'] for b in newest]}")
        return newest[index - 1]


def _keep(messages: Dict[str, Any], message_id: str, message: Any) -> None:
    """Remember a message and forget the oldest, so that days of load do not fill the memory."""
    messages[message_id] = message
    if len(messages) > REMEMBERED:
        del messages[next(iter(messages))]


def _media_of(payload: Dict[str, Any]) -> List[Tuple[str, Dict[str, Any]]]:
    """Every media object in an outgoing message, with its kind."""
    kind = payload["type"]
    if kind in ("image", "video", "audio", "document", "sticker"):
        return [(kind, payload[kind])]
    if kind == "interactive":
        header = payload["interactive"].get("header") or {}
        if header.get("type") in ("image", "video", "document"):
            return [(header["type"], header[header["type"]])]
    if kind == "template":
        found = []
        for component in payload["template"].get("components") or []:
            for parameter in component.get("parameters") or []:
                if parameter.get("type") in ("image", "video", "document"):
                    found.append((parameter["type"], parameter[parameter["type"]]))
        return found
    return []


def _preview(entry: Entry) -> str:
    view = entry.get("view") or {}
    text = view.get("text") or (view.get("media") or {}).get("kind") or view.get("label") or ""
    return " ".join(str(text).split())[:80]


def check_outgoing(payload: Any) -> Dict[str, Any]:
    """Bring a request body into a checked message; raises GraphError. A missing type means text, as at Meta."""
    if not isinstance(payload, dict):
        raise GraphError(100, "The body has to be a JSON object.")
    check_message(payload)
    payload.setdefault("type", "text")
    return payload
