"""The rejection form: which recommendation, why, or for how long not; and bringing it back."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Optional, Text

from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.base import FORM_SLOTS, UseCaseAction, emptied, form_left, guarded
from actions.form_answers import asked_again
from actions.goods import ROWS, item_id, numbered, owned, reject_button, shortened
from actions.recommendations import kind_of
from actions.stock_answers import choices, chosen_from
from actions.turn import Turn
from mostrador.nlu.reasons import LATER, named_reason, read_reason
from mostrador.nlu.times import read_pause
from mostrador.shop import rejections
from mostrador.shop.rejections import REASONS, Hidden, Pause, Reason

FORM = "rejection_form"
NOT_ASKED = "-"  # in place of a time, for who does not want to wait


class ActionBeginRejection(UseCaseAction):
    """Takes what is known already: the tapped card or the product that is being talked about, and what was said.

    Words that came while this very form was asking are its answer. The form does not validate what it finds filled when
    it goes on, so that everything is judged here.
    """

    def name(self) -> Text:
        return "action_begin_rejection"

    async def use_case(self, turn: Turn) -> List[EventType]:
        in_form = (turn.tracker.active_loop or {}).get("name") == FORM
        reason = turn.entity("rejection_reason") or _spoken_reason(turn, in_form)
        pause = turn.entity("pause") or _spoken_pause(turn, in_form)
        known = {
            "rejected_item": turn.entity("item") or turn.tracker.get_slot("rejected_item" if in_form else "item"),
            "rejection_reason": reason,
            "mute_for": NOT_ASKED if reason and reason != LATER else pause,
        }
        return [SlotSet(name, value) for name, value in known.items()]


class ActionTurnToRejection(ActionBeginRejection):
    """The same out of another form, which is left."""

    def name(self) -> Text:
        return "action_turn_to_rejection"

    async def use_case(self, turn: Turn) -> List[EventType]:
        return [*form_left(), *await super().use_case(turn)]


class ActionAskRejectedItem(UseCaseAction):
    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_rejected_item"

    async def use_case(self, turn: Turn) -> List[EventType]:
        offered = await choices(turn)
        if not offered:
            turn.say("utter_nothing_to_choose")
            return form_left()
        buttons = [reject_button(variation, variation.title, variation.title) for variation in offered]
        turn.say("utter_choose_rejected", rows=numbered([v.title for v in offered]), buttons=buttons)
        return []


class ActionAskRejectionReason(UseCaseAction):
    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_rejection_reason"

    async def use_case(self, turn: Turn) -> List[EventType]:
        variation = await turn.do(owned, turn.contact, item_id(turn.tracker.get_slot("rejected_item") or ""))
        turn.say("utter_ask_rejection_reason", title=variation.title, item=str(variation.id))
        return []


class ActionAskMuteFor(UseCaseAction):
    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_ask_mute_for"

    async def use_case(self, turn: Turn) -> List[EventType]:
        variation = await turn.do(owned, turn.contact, item_id(turn.tracker.get_slot("rejected_item") or ""))
        short, long = turn.services.settings.pause_days
        names = {"title": variation.title, "catalogue": variation.catalog_name, "item": str(variation.id)}
        turn.say("utter_ask_mute_for", short=str(short), long=str(long), **names)
        return []


class ValidateRejectionForm(FormValidationAction):
    def name(self) -> Text:
        return "validate_rejection_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]) -> List[EventType]:
        async def work() -> List[EventType]:
            return await super(ValidateRejectionForm, self).run(dispatcher, tracker, domain)

        return await guarded(self.name(), work, form_left(), dispatcher, tracker)

    async def validate_rejected_item(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        if value is None:
            return {"rejected_item": None}
        turn = await Turn.of(dispatcher, tracker)
        if turn.entity("item") != value and tracker.get_slot("requested_slot") == "rejected_item":
            found = chosen_from(value, await choices(turn))
            if found is None:
                return asked_again(turn, "rejected_item", "utter_not_a_choice")
            return {"rejected_item": str(found.id), "tries": None}
        variation = await turn.do(owned, turn.contact, item_id(value))
        return {"rejected_item": str(variation.id), "tries": None}

    async def validate_rejection_reason(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        if value is None or value == LATER:
            return {"rejection_reason": value}
        if value in REASONS:
            return {"rejection_reason": value, "mute_for": NOT_ASKED}
        turn = await Turn.of(dispatcher, tracker)
        reason = None if turn.intent == "affirm" or value.rstrip().endswith("?") else read_reason(value)
        if reason is None:
            return asked_again(turn, "rejection_reason", "utter_not_a_reason")
        if reason.code == LATER:
            return {"rejection_reason": LATER, "tries": None}
        return {"rejection_reason": reason.words or reason.code, "mute_for": NOT_ASKED, "tries": None}

    async def validate_mute_for(
        self, value: Optional[Text], dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[Text, Any]
    ) -> Dict[Text, Any]:
        if value is None:  # emptied in this very turn; a reason may have filled it since
            return {}
        if Pause.decode(value) or value == NOT_ASKED and tracker.get_slot("requested_slot") != "mute_for":
            return {"mute_for": value}
        turn = await Turn.of(dispatcher, tracker)
        pause = read_pause(value, turn.services.settings.pause_days)
        if pause is None:
            return asked_again(turn, "mute_for", "utter_not_a_pause")
        return {"mute_for": pause.encode(), "tries": None}


class ActionReject(UseCaseAction):
    """Rejects or puts aside once the form knows enough; a form that ended without that has said why."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_reject"

    async def use_case(self, turn: Turn) -> List[EventType]:
        item, said = turn.tracker.get_slot("rejected_item"), turn.tracker.get_slot("rejection_reason")
        pause = Pause.decode(turn.tracker.get_slot("mute_for") or "")
        if item and said == LATER and pause:
            await _put_aside(turn, item_id(item), pause)
        elif item and said and said != LATER:
            await _reject(turn, item_id(item), Reason(said) if said in REASONS else read_reason(said))
        return emptied(FORM_SLOTS)


class ActionRestoreRecommendation(UseCaseAction):
    """Brings back the product or catalogue that was tapped; without one, shows what could be brought back."""

    def name(self) -> Text:
        return "action_restore_recommendation"

    async def use_case(self, turn: Turn) -> List[EventType]:
        item, catalogue, now = turn.entity("item"), turn.entity("catalog"), turn.services.clock.now()
        if item:
            back = await turn.do(rejections.bring_back, turn.contact, item_id(item), turn.id, now)
            turn.say("utter_brought_back", title=back.title)
        elif catalogue:
            name = await turn.do(rejections.bring_back_catalogue, turn.contact, item_id(catalogue), now)
            turn.say("utter_brought_back", title=name)
        else:
            _say_hidden(turn, await turn.do(rejections.hidden, turn.contact, now, ROWS))
        return []


async def _reject(turn: Turn, item: int, reason: Optional[Reason]) -> None:
    kind = kind_of(turn.tracker.get_slot("list_kind"))
    given = reason or Reason("other")
    variation = await turn.do(rejections.reject, turn.contact, item, given, kind, turn.id, turn.services.clock.now())
    turn.say("utter_rejected", title=variation.title, item=str(variation.id), **_go_on(turn))


async def _put_aside(turn: Turn, item: int, pause: Pause) -> None:
    done = await turn.do(rejections.put_aside, turn.contact, item, pause, turn.id, turn.services.clock.now())
    names = {
        "title": done.title,
        "item": "" if pause.whole_catalogue else str(done.variation.id),
        "catalog": str(done.variation.catalog_id) if pause.whole_catalogue else "",
    }
    if done.until is None:
        turn.say("utter_put_aside", **names, **_go_on(turn))
    else:
        turn.say("utter_put_aside_until", date=turn.date(done.until), **names, **_go_on(turn))


def _go_on(turn: Turn) -> Dict[str, str]:
    kind = kind_of(turn.tracker.get_slot("list_kind")).value
    return {"kind": kind, "cursor": turn.tracker.get_slot("list_cursor") or ""}


def _spoken_reason(turn: Turn, in_form: bool) -> Optional[str]:
    """What the person's own words say of why: a reason they name, or all of them when that was asked for."""
    asked = in_form and turn.tracker.get_slot("requested_slot") == "rejection_reason"
    reason = read_reason(turn.written) if asked or named_reason(turn.written) else None
    if reason is not None:
        return LATER if reason.code == LATER else reason.words or reason.code
    return turn.tracker.get_slot("rejection_reason") if in_form else None


def _spoken_pause(turn: Turn, in_form: bool) -> Optional[str]:
    """The time that the person's own words name, where they can only be that."""
    asked = in_form and turn.tracker.get_slot("requested_slot") == "mute_for"
    if not (asked or named_reason(turn.written) == LATER):
        return None
    pause = read_pause(turn.written, turn.services.settings.pause_days)
    return pause.encode() if pause else None


def _say_hidden(turn: Turn, found: List[Hidden]) -> None:
    if not found:
        turn.say("utter_nothing_hidden")
        return
    marks = ["⛔" if h.rejected else f"⏸ {turn.date(h.until)}" if h.until else "⏸" for h in found]
    rows = [f"{h.title} {mark}" for h, mark in zip(found, marks)]
    turn.say("utter_hidden", rows=numbered(rows), buttons=[_back_button(h, mark) for h, mark in zip(found, marks)])


def _back_button(hidden: Hidden, mark: str) -> Dict[str, Any]:
    catalogue = hidden.variation_id is None
    which = {"catalog": str(hidden.catalog_id)} if catalogue else {"item": str(hidden.variation_id)}
    payload = "/restore_recommendation" + json.dumps(which)
    return {"title": shortened(hidden.title), "payload": payload, "description": f"{mark} {hidden.title}"}
