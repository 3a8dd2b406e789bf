"""Greeting, menu, help and language."""

from __future__ import annotations

from typing import List, Text

from rasa_sdk.events import EventType, SlotSet

from actions.base import UseCaseAction, form_left
from actions.left_open import offer_left
from actions.turn import Turn
from mostrador.nlu.text import LANGUAGES


class ActionGreet(UseCaseAction):
    def name(self) -> Text:
        return "action_greet"

    async def use_case(self, turn: Turn) -> List[EventType]:
        if not turn.contact.is_seller:
            turn.say("utter_greet_guest")
        elif turn.contact.name:
            turn.say("utter_greet_by_name", name=turn.contact.name.split()[0])
        else:
            turn.say("utter_greet")
        return await offer_left(turn)


class ActionShowMenu(UseCaseAction):
    def name(self) -> Text:
        return "action_show_menu"

    async def use_case(self, turn: Turn) -> List[EventType]:
        turn.say("utter_menu" if turn.contact.is_seller else "utter_not_a_seller")
        return await offer_left(turn)


class ActionHelp(UseCaseAction):
    def name(self) -> Text:
        return "action_help"

    async def use_case(self, turn: Turn) -> List[EventType]:
        turn.say("utter_help" if turn.contact.is_seller else "utter_not_a_seller")
        return await offer_left(turn)


class ActionSwitchLanguage(UseCaseAction):
    def name(self) -> Text:
        return "action_switch_language"

    async def use_case(self, turn: Turn) -> List[EventType]:
        if turn.entity("language") in LANGUAGES:
            turn.say("utter_language_changed")  # the slot was filled with the entity before we were asked
            return []
        turn.say("utter_ask_language")
        return [SlotSet("language", turn.contact.language or None)]


class ActionLeaveForm(UseCaseAction):
    """Forgets what the form had gathered, save what this very message says for a form that begins now."""

    def name(self) -> Text:
        return "action_leave_form"

    async def use_case(self, turn: Turn) -> List[EventType]:
        chosen = [SlotSet(name, turn.entity(name)) for name in ("item", "quantity") if turn.entity(name)]
        return [*form_left(), *(chosen if turn.intent in ("update_stock", "select_item") else [])]
