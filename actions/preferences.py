"""What people decide for themselves, shown and changed by chat: name, hours, topics."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from babel.units import format_unit
from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import FORM_SLOTS, UseCaseAction, emptied, form_left, guarded
from actions.form_answers import asked_again
from actions.turn import Turn
from mostrador.nlu.person_names import read_name
from mostrador.nlu.times import read_hours
from mostrador.shop import preferences
from mostrador.shop.errors import UnusableName
from mostrador.shop.preferences import TOPICS, Hours, Preferences

NAME, HOURS = "name", "hours"
ASK = {NAME: "utter_ask_name", HOURS: "utter_ask_hours"}
SWITCH = {"on": "utter_topic_on", "off": "utter_topic_off"}


class ActionShowPreferences(UseCaseAction):
    def name(self) -> Text:
        return "action_show_preferences"

    async def use_case(self, turn: Turn) -> List[EventType]:
        _say_all(turn, await turn.do(preferences.preferences_of, turn.contact))
        return []


class ActionBeginPreference(UseCaseAction):
    """Takes what a tap says. Words about settings that came while one was asked for may be its value."""

    def name(self) -> Text:
        return "action_begin_preference"

    async def use_case(self, turn: Turn) -> List[EventType]:
        kind = turn.entity("preference") or (turn.form_open and turn.tracker.get_slot("preference")) or NAME
        value = turn.entity("value") or _spoken(turn, kind)
        if turn.written and not value:
            _say_all(turn, await turn.do(preferences.preferences_of, turn.contact))
        return [SlotSet("preference", kind), SlotSet("preference_value", value or None)]


class ActionTurnToPreference(ActionBeginPreference):
    """The same out of another form, which is left."""

    def name(self) -> Text:
        return "action_turn_to_preference"

    async def use_case(self, turn: Turn) -> List[EventType]:
        return [*form_left(), *await super().use_case(turn)]


class ActionAskPreferenceValue(UseCaseAction):
    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_preference_value"

    async def use_case(self, turn: Turn) -> List[EventType]:
        now = await turn.do(preferences.preferences_of, turn.contact)
        clock = turn.clock(turn.services.clock.now(), now.zone)
        asked = ASK.get(turn.tracker.get_slot("preference"), ASK[NAME])
        if asked == ASK[NAME] and not now.name:
            asked = "utter_ask_name_blind"
        turn.say(asked, name=now.name, clock=clock)
        return []


class ValidatePreferenceForm(FormValidationAction):
    def name(self) -> Text:
        return "validate_preference_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[EventType]:
        async def work() -> List[EventType]:
            return await super(ValidatePreferenceForm, self).run(dispatcher, tracker, domain)

        return await guarded(self.name(), work, form_left(), dispatcher, tracker)

    async def validate_preference_value(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        kind = tracker.get_slot("preference") or NAME
        if value is None or kind in TOPICS and value in SWITCH:
            return {"preference_value": value}
        turn = await Turn.of(dispatcher, tracker)
        if kind == HOURS:
            return _taken(value) if read_hours(value) else asked_again(turn, "preference_value", "utter_not_hours")
        try:
            return _taken(preferences.clean_name(read_name(value)))
        except UnusableName:
            return asked_again(turn, "preference_value", "utter_not_a_name")


class ActionSavePreference(UseCaseAction):
    """Keeps what the form has taken; a form that ended without a value has said why."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_save_preference"

    async def use_case(self, turn: Turn) -> List[EventType]:
        kind, value = (turn.tracker.get_slot(name) for name in ("preference", "preference_value"))
        now = turn.services.clock.now()
        hours = read_hours(value or "")
        if value and kind in TOPICS:
            wanted = value == "on"
            await turn.do(preferences.choose_topic, turn.contact, kind, wanted, turn.id, now)
            turn.say(SWITCH[value])
        elif hours and kind == HOURS:
            await turn.do(preferences.choose_hours, turn.contact, hours, now)
            turn.say("utter_hours_open" if hours.always else "utter_hours_changed", **_ends(hours))
        elif value and kind == NAME:
            turn.say("utter_name_changed", name=await turn.do(preferences.rename, turn.contact, value))
        return emptied(FORM_SLOTS)


def _spoken(turn: Turn, kind: str) -> str:
    """The value of this preference in what the person wrote, if it can only be that; "settings" alone is no name."""
    if kind == HOURS:
        return turn.written if read_hours(turn.written) else ""
    name = read_name(turn.written)
    try:
        return preferences.clean_name(name) if name != turn.written.strip() else ""
    except UnusableName:
        return ""


def _taken(value: str) -> Dict[Text, Any]:
    return {"preference_value": value, "tries": None}


def _say_all(turn: Turn, now: Preferences) -> None:
    marks = {topic: "✅" if wanted else "❌" for topic, wanted in now.topics.items()}
    turns = {f"{topic}_to": "off" if wanted else "on" for topic, wanted in now.topics.items()}
    turn.say("utter_preferences", name=now.name or "–", hours=_written(now.hours, turn.language), **marks, **turns)


def _written(hours: Hours, language: str) -> str:
    """``09:00–18:00``, and "24 hours" for any time."""
    return format_unit(24, "duration-hour", locale=language) if hours.always else "{begin}–{end}".format(**_ends(hours))


def _ends(hours: Hours) -> Dict[str, str]:
    return {name: f"{at // 60 % 24:02}:{at % 60:02}" for name, at in (("begin", hours.begin), ("end", hours.end))}
