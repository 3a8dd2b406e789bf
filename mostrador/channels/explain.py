"""What a turn notes about itself while it still knows: enough to say later why it answered as it did.

Small and bounded whatever people write: long values are cut, and of slots only those that changed are kept.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Optional

from rasa.shared.core.trackers import DialogueStateTracker

from mostrador.channels.current_turn import CurrentTurn

_LONGEST_VALUE = 200  # characters
_MOST_ENTITIES = 10
_RANKED = 3


def explained(turn: CurrentTurn, tracker: DialogueStateTracker, parse: Mapping[str, Any]) -> Dict[str, Any]:
    """What ``turn.explain`` keeps: ranking, entities, language, slots (name → [before, after]), actions, session.

    An action is ``{name, policy, rule | story | form}`` or, where a form passed the message on, ``{name, rejected}``.
    """
    entities = [
        {"entity": e.get("entity"), "value": _short(e.get("value")), "by": e.get("extractor")}
        for e in (parse.get("entities") or [])[:_MOST_ENTITIES]
    ]
    after = tracker.current_slot_values()
    return {
        "ranking": (parse.get("intent_ranking") or [])[:_RANKED],
        "entities": entities,
        "language": _language(turn.before.get("language"), after.get("language"), entities, parse),
        "slots": {
            name: [_short(turn.before.get(name)), _short(value)]
            for name, value in after.items()
            if turn.before.get(name) != value
        },
        "actions": _actions(turn.added),
        "session": "new" if turn.opening else "going on",
    }


def _actions(events: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    decided: List[Dict[str, Any]] = []
    for event in events:
        if event["event"] == "user":
            decided.clear()  # what came before opened the session
        elif event["event"] == "action" and event.get("name") not in (None, "action_listen"):
            origin = {key: value for key, value in (event.get("metadata") or {}).items() if key in _ORIGINS}
            decided.append({"name": event["name"], "policy": event.get("policy"), **origin})
        elif event["event"] == "action_execution_rejected":
            decided.append({"name": event["name"], "rejected": True})
    return decided


_ORIGINS = ("rule", "story", "form")  # as nlu.named_policies writes them


def _language(
    before: Optional[str], after: Optional[str], entities: List[Dict[str, Any]], parse: Mapping[str, Any]
) -> Dict[str, Any]:
    """``by`` says how it was found: asked, tap, words, kept, or none (then the bot speaks its default)."""
    found = [e for e in entities if e["entity"] == "language"]
    if found and (parse.get("intent") or {}).get("name") == "switch_language":
        by = "asked"
    elif found:
        by = "tap" if found[-1]["by"] == "tap" else "words"
    else:
        by = "kept" if after else "none"
    return {"before": before, "is": after, "by": by}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(written) > _LONGEST_VALUE:
        return written[: _LONGEST_VALUE - 1] + "…"
    return value
