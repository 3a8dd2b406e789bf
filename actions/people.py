"""A person is wanted; messages are wanted or not."""

from __future__ import annotations

from typing import List, Text

from rasa_sdk.events import EventType

from actions.base import UseCaseAction
from actions.turn import Turn
from mostrador.shop import contacts, conversations


class ActionRequestHuman(UseCaseAction):
    def name(self) -> Text:
        return "action_request_human"

    async def use_case(self, turn: Turn) -> List[EventType]:
        now = turn.services.clock.now()
        await turn.do(conversations.ask_for_human, turn.conversation_id, "asked in chat", turn.id, now)
        turn.say("utter_human_coming")
        return []


class ActionOptOut(UseCaseAction):
    def name(self) -> Text:
        return "action_opt_out"

    async def use_case(self, turn: Turn) -> List[EventType]:
        await turn.do(contacts.opt_out, turn.contact.id, turn.id, turn.services.clock.now())
        turn.say("utter_opted_out")
        return []


class ActionOptIn(UseCaseAction):
    def name(self) -> Text:
        return "action_opt_in"

    async def use_case(self, turn: Turn) -> List[EventType]:
        await turn.do(contacts.opt_in, turn.contact.id, turn.id, turn.services.clock.now())
        turn.say("utter_opted_in")
        return []
