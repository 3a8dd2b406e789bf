"""What a session keeps of the one before: rules that the dispatcher, the tracker store and the actions share."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

SLOTS_KEPT = ("language", "list_kind", "list_cursor")  # all else is forgotten; what matters is in our tables
FORM_SLOTS = {
    "stock_update_form": ("item", "quantity", "settled", "plan"),
    "rejection_form": ("rejected_item", "rejection_reason", "mute_for"),
    "preference_form": ("preference",),
}
"""What each form has gathered, to go on with it later."""


def session_events(slots: Mapping[str, Any], open_form: str = "", silent: bool = True) -> List[Dict[str, Any]]:
    """The events that open a session and say nothing, as dictionaries without time stamps.

    Slots named in SLOTS_KEPT that have a value are carried over, and, after a silence, what was left open.
    """
    kept = {name: slots.get(name) for name in SLOTS_KEPT}
    kept["left_open"] = left_open(slots, open_form) if silent else slots.get("left_open")
    return [
        {"event": "action", "name": "action_session_start"},
        {"event": "session_started"},
        *({"event": "slot", "name": name, "value": value} for name, value in kept.items() if value is not None),
        {"event": "action", "name": "action_listen"},
    ]


def left_open(slots: Mapping[str, Any], open_form: str) -> Optional[Dict[str, Any]]:
    """What a person may want to go on with: the open form with all it had gathered, what was left before, or the list.

    ``{"form", "asked", "slots"}`` or ``{"list", "cursor"}``.
    """
    if open_form in FORM_SLOTS:
        gathered = {name: slots[name] for name in FORM_SLOTS[open_form] if slots.get(name) is not None}
        return {"form": open_form, "asked": slots.get("requested_slot") or "", "slots": gathered}
    if slots.get("left_open"):
        return dict(slots["left_open"])
    if slots.get("list_cursor"):
        return {"list": slots.get("list_kind") or "", "cursor": slots["list_cursor"]}
    return None
