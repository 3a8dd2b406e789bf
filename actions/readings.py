"""What a message may have meant that was not understood for certain: its likeliest readings, as buttons."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Mapping

from rasa_sdk.events import EventType, SlotSet
from ruamel.yaml import YAML

from actions.turn import Turn

FILE = Path(__file__).with_name("readings.yml")
OFFERED = 2
_ONCE_IN = timedelta(minutes=2)
_PERSON = "request_human"


@lru_cache(maxsize=1)
def titles() -> Mapping[str, Mapping[str, str]]:
    return YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))


def offer_readings(turn: Turn) -> List[EventType]:
    """Ask which of the two likeliest readings was meant, or whether a person shall help.

    Nothing is said, and no event comes back, when that was asked within the last two minutes or too little is likely.
    """
    now = turn.services.clock.now()
    asked = turn.slot("asked_back_at")
    if asked and now - datetime.fromisoformat(asked) < _ONCE_IN:
        return []
    ranking: List[Dict[str, Any]] = turn.tracker.latest_message.get("intent_ranking") or []
    likely = [reading["name"] for reading in ranking if reading.get("name") in titles()]
    likely = [name for name in likely if name != _PERSON][:OFFERED]
    if len(likely) < OFFERED:
        return []
    buttons = [{"title": titles()[name][turn.language], "payload": f"/{name}"} for name in [*likely, _PERSON]]
    turn.say("utter_did_you_mean", buttons=buttons)
    return [SlotSet("asked_back_at", now.isoformat())]
