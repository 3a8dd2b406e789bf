"""How a session begins."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Text

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from mostrador.bootstrap import services
from mostrador.nlu.session_start import session_events


class ActionSessionStart(Action):
    """Carries over what a session may keep and says nothing, because nobody may be listening."""

    def name(self) -> Text:
        return "action_session_start"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[EventType]:
        language = tracker.get_slot("language") or await asyncio.to_thread(_language, tracker.sender_id)
        form = str((tracker.active_loop or {}).get("name") or "")
        opened = session_events({**tracker.slots, "language": language or None}, form)
        return opened[1:]  # the engine itself records that this action ran


def _language(conversation_id: str) -> str:
    uow = services().uow()
    with uow:
        contact = uow.contacts.of_conversation(conversation_id)
    return contact.language if contact else ""
