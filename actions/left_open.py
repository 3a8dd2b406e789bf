"""What silence interrupted is offered again: a half-filled form, or the next page of a list."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa_sdk.events import EventType, FollowupAction, SlotSet

from actions.base import UseCaseAction
from actions.goods import item_id, owned
from actions.recommendations import kind_of
from actions.turn import Turn
from mostrador.nlu.counts import is_only_a_count, read_quantity, written
from mostrador.nlu.session_start import FORM_SLOTS
from mostrador.shop.errors import Gone, NotYours

CLOSED: List[EventType] = [SlotSet("left_open", None)]


async def offer_left(turn: Turn) -> List[EventType]:
    """Say once what may be gone on with; nothing while a form is open, or when it is no longer there."""
    left: Dict[str, Any] = turn.slot("left_open") or {}
    if not left or turn.form_open or not turn.contact.is_seller:
        return []
    if "form" not in left:
        turn.say("utter_left_list", kind=kind_of(left["list"]).value, cursor=left["cursor"])
        return CLOSED
    title = await _title(turn, left)
    if title is None:
        return CLOSED
    turn.say("utter_left_item" if title else "utter_left_form", title=title)
    return []  # until the offer is answered, or something else is begun


async def offer_number(turn: Turn) -> bool:
    """A bare number that comes after the silence is most likely the answer that was asked for before; ask whether."""
    left: Dict[str, Any] = turn.slot("left_open") or {}
    quantity = read_quantity(turn.text) if is_only_a_count(turn.text) else None
    if quantity is None or left.get("form") != "stock_update_form" or left.get("asked") != "quantity":
        return False
    title = await _title(turn, left)
    if not title:
        return False
    turn.say("utter_left_number", title=title, said=turn.text, item=left["slots"]["item"], quantity=written(quantity))
    return True


async def _title(turn: Turn, left: Dict[str, Any]) -> "str | None":
    """The product that a form was about; empty when it was about none, None when it is gone."""
    item = left["slots"].get("item") or left["slots"].get("rejected_item")
    if not item:
        return ""
    try:
        return (await turn.do(owned, turn.contact, item_id(item))).title
    except (Gone, NotYours):
        return None


class ActionGoOn(UseCaseAction):
    """The answer to the offer; a button whose question is no longer open is told so."""

    leaves_form_when_refused = True

    def name(self) -> Text:
        return "action_go_on"

    async def use_case(self, turn: Turn) -> List[EventType]:
        left: Dict[str, Any] = turn.slot("left_open") or {}
        answer = turn.entity("answer") if turn.entity("question") == "left_open" else ""
        if not answer or left.get("form") not in FORM_SLOTS:
            turn.say("utter_option_closed")
            return []
        if answer != "yes":
            turn.say("utter_left_alone")
            return CLOSED
        return [*(SlotSet(name, value) for name, value in left["slots"].items()), *CLOSED, FollowupAction(left["form"])]
