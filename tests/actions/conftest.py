"""Actions run as the action server runs them: by name, with the JSON of a tracker and the real domain.yml."""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, NamedTuple, Optional

import pytest
from rasa_sdk.executor import ActionExecutor
from ruamel.yaml import YAML
from shop_in_memory import CONVERSATION, Shop

import actions.base
import actions.session
import actions.turn
from mostrador.settings import ROOT


class Answer(NamedTuple):
    """What an action did: its events as they go to the engine, and what it said, by response name."""

    events: List[Dict[str, Any]]
    said: List[Dict[str, Any]]

    @property
    def slots(self) -> Dict[str, Any]:
        return {event["name"]: event["value"] for event in self.events if event["event"] == "slot"}

    @property
    def responses(self) -> List[str]:
        return [message["response"] for message in self.said]


@pytest.fixture(scope="session")
def domain() -> Dict[str, Any]:
    return YAML(typ="safe").load((ROOT / "domain.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def executor() -> ActionExecutor:
    executor = ActionExecutor()
    executor.register_package("actions")
    return executor


@pytest.fixture()
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in memory that every action finds in place of the real one."""
    made = Shop()
    for module in (actions.turn, actions.base, actions.session):
        monkeypatch.setattr(module, "services", lambda: made.services)
    return made


@pytest.fixture()
def run(executor: ActionExecutor, domain: Dict[str, Any], shop: Shop) -> Any:
    """Run an action by name: ``run("action_help", intent="help", slots={…}, entities={…}, form=…)``."""

    def run(
        action: str,
        slots: Optional[Dict[str, Any]] = None,
        entities: Optional[Dict[str, str]] = None,
        form: str = "",
        filled: Optional[Dict[str, Any]] = None,
        sender: str = CONVERSATION,
        turn: str = "turn-1",
    ) -> Answer:
        empty = dict.fromkeys([*domain["slots"], "requested_slot"])
        found = [{"entity": name, "value": value} for name, value in (entities or {}).items()]
        message = {"intent": {"name": "x"}, "entities": found, "text": "x", "metadata": {"turn_id": turn}}
        events = [{"event": "user", "text": "x"}]
        events += [{"event": "slot", "name": name, "value": value} for name, value in (filled or {}).items()]
        call = {
            "next_action": action,
            "sender_id": sender,
            "tracker": {
                "sender_id": sender,
                "slots": {**empty, **(slots or {}), **(filled or {})},
                "latest_message": message,
                "events": events,
                "paused": False,
                "active_loop": {"name": form} if form else {},
                "latest_action_name": "action_listen",
            },
            "domain": domain,
        }
        result = asyncio.run(executor.run(call))
        return Answer(result["events"], result["responses"])

    return run
