"""Taking changes of stock back: one, those of one message, or a choice of the last ones."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Dict, List, Text

from babel.dates import format_timedelta
from rasa_sdk.events import EventType

from actions.base import UseCaseAction
from actions.goods import ROWS, numbered, shortened
from actions.stock_told import tell_undone
from actions.turn import Turn
from mostrador.shop import inventory, rejections
from mostrador.shop.inventory import Change, Variation


class ActionUndoUpdate(UseCaseAction):
    """A button takes back its own change or all of its message; a word offers the last ones when there are several.

    Where the last thing was a rejection, the word brings that back.
    """

    def name(self) -> Text:
        return "action_undo_update"

    async def use_case(self, turn: Turn) -> List[EventType]:
        change, now = turn.entity("change"), turn.services.clock.now()
        stock = turn.services.inventory
        if change.isdigit() and turn.entity("together"):
            tell_undone(turn, await turn.do(inventory.undo_together, stock, turn.contact, int(change), turn.id, now))
            return []
        if not change.isdigit():
            back = await turn.do(rejections.undo_newest, turn.contact, turn.id, now)
            if back:
                turn.say("utter_brought_back", title=back)
                return []
            last = await turn.do(inventory.undoable, turn.contact, turn.id, now, ROWS)
            if len(last) > 1:
                _offer(turn, last)
                return []
            change = str(last[0][0].id)
        done = await turn.do(inventory.undo_last, stock, turn.contact, turn.id, now, int(change))
        tell_undone(turn, [done])
        return []


def _offer(turn: Turn, last: List[Any]) -> None:
    rows = [f"{variation.title}: {_numbers(turn, change)} ({_ago(turn, change)})" for change, variation in last]
    turn.say("utter_choose_undo", rows=numbered(rows), buttons=[_button(turn, *one) for one in last])


def _button(turn: Turn, change: Change, variation: Variation) -> Dict[str, Any]:
    numbers = _numbers(turn, change)
    name = variation.sku.variation_name or variation.catalog_name
    return {
        "title": f"{shortened(name, 22 - len(numbers))}: {numbers}",
        "payload": "/undo_update" + json.dumps({"change": str(change.id)}),
        "description": f"{variation.title} · {_ago(turn, change)}",
    }


def _numbers(turn: Turn, change: Change) -> str:
    return f"{turn.number(change.before)} → {turn.number(change.after)}"


def _ago(turn: Turn, change: Change) -> str:
    passed = min(change.at - turn.services.clock.now(), timedelta(seconds=-1))
    return format_timedelta(passed, add_direction=True, locale=turn.language)
