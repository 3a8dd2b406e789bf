"""What forms do with an answer that they cannot use."""

from __future__ import annotations

from typing import Any, Dict

from actions.base import FORM_SLOTS
from actions.stock_answers import TRIES
from actions.turn import Turn


def asked_again(turn: Turn, slot: str, response: str) -> Dict[str, Any]:
    """Say why an answer cannot be used and have it asked again; after TRIES of them end the form and offer a person."""
    tries = int(turn.tracker.get_slot("tries") or 0) + 1
    if tries < TRIES:
        turn.say(response)
        return {slot: None, "tries": tries}
    turn.say("utter_offer_human_or_menu")
    return {**dict.fromkeys(FORM_SLOTS), "requested_slot": None}
