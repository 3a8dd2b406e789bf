"""What an action knows of the turn it answers, and how it speaks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Callable, Optional, Sequence, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from babel.numbers import format_decimal
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from mostrador.bootstrap import Services, services
from mostrador.nlu.text import LANGUAGES
from mostrador.shop.contacts import Contact
from mostrador.shop.conversations import UnknownConversation

DEFAULT_LANGUAGE = "en"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Turn:
    """One message of a person, on its way through an action. ``id`` is the same when the turn is tried again."""

    id: str
    contact: Contact
    language: str
    services: Services
    tracker: Tracker
    dispatcher: CollectingDispatcher

    @classmethod
    async def of(cls, dispatcher: CollectingDispatcher, tracker: Tracker) -> "Turn":
        """The turn of ``tracker``'s newest message. Raises UnknownConversation when nobody known is speaking."""
        wired = services()
        spoken = str(tracker.get_slot("language") or "")
        contact = await asyncio.to_thread(_contact, wired, tracker.sender_id, spoken if spoken in LANGUAGES else "")
        return cls(turn_id(tracker), contact, contact.language or DEFAULT_LANGUAGE, wired, tracker, dispatcher)

    @property
    def conversation_id(self) -> str:
        return str(self.tracker.sender_id)

    @property
    def form_open(self) -> bool:
        return bool((self.tracker.active_loop or {}).get("name"))

    @property
    def text(self) -> str:
        """What the person wrote; ``/intent…`` for a tap."""
        return str(self.tracker.latest_message.get("text") or "")

    @property
    def tapped(self) -> bool:
        return self.text.startswith("/")

    @property
    def intent(self) -> str:
        return str((self.tracker.latest_message.get("intent") or {}).get("name") or "")

    def slot(self, name: str) -> Any:
        return self.tracker.get_slot(name)

    @property
    def written(self) -> str:
        """What the person wrote; empty for a tap."""
        return "" if self.tapped else self.text

    def entity(self, name: str) -> str:
        """The value of an entity of the newest message; empty when it has none. Never a slot's, which may be stale."""
        return str(next(self.tracker.get_latest_entity_values(name), None) or "")

    async def do(self, work: Callable[..., Result], *args: Any) -> Result:
        """Run ``work(uow, *args)`` with a fresh unit of work, off the event loop."""
        return await asyncio.to_thread(work, self.services.uow(), *args)

    def say(self, response: str, image: str = "", buttons: Sequence[dict] = (), **values: Any) -> None:
        """Say the response named so; whole numbers among ``values`` are written as this person's language does."""
        shown = {name: self._written(value) for name, value in values.items()}
        self.dispatcher.utter_message(response=response, image=image or None, buttons=list(buttons), **shown)

    def number(self, value: int) -> str:
        return str(format_decimal(value, locale=self.language))

    def clock(self, at: datetime, zone: str) -> str:
        """The time of day of an instant in a zone, as 14:05."""
        return at.astimezone(ZoneInfo(zone)).strftime("%H:%M")

    def date(self, at: datetime) -> str:
        """The day and month of an instant where this person lives."""
        local = at.astimezone(ZoneInfo(self.contact.time_zone))
        return str(format_skeleton("MMMMd", local, locale=self.language))

    def _written(self, value: Any) -> str:
        if isinstance(value, int):
            return self.number(value)
        return str(value).replace("{", "(").replace("}", ")").replace("0[", "0 [")  # rasa reads these in a value


def turn_id(tracker: Tracker) -> str:
    """The dispatcher's turn id, else the message's id, else (rasa shell, tests) a new one."""
    message = tracker.latest_message
    return str((message.get("metadata") or {}).get("turn_id") or message.get("message_id") or uuid4().hex)


def _contact(wired: Services, conversation_id: str, spoken: str) -> Contact:
    uow = wired.uow()
    with uow:
        contact: Optional[Contact] = uow.contacts.of_conversation(conversation_id)
        if contact is None:
            raise UnknownConversation(conversation_id)
        if not spoken or spoken == contact.language:
            return contact
        uow.contacts.set_language(contact.id, spoken)  # whatever speaks first later must speak it, too
        uow.commit()
        return replace(contact, language=spoken)
