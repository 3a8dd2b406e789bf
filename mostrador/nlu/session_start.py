"""What a new session begins with: the same for Rasa's own start and for the dispatcher's."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

SLOTS_KEPT = ("language", "list_kind", "list_cursor")  # all else is forgotten; what matters is in our tables


def session_events(slots: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The events that open a session and say nothing, as dictionaries without time stamps.

    Only slots named in SLOTS_KEPT that have a value are carried over.
    """
    kept = [{"event": "slot", "name": name, "value": slots[name]} for name in SLOTS_KEPT if slots.get(name) is not None]
    return [
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        *kept,
        {"event": "action", "name": "action_listen"},
    ]
