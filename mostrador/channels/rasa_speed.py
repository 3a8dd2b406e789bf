"""Rasa's inner loops made faster without changing what they decide.

Measured on the restock talk: running the graph, the states of a tracker, deep copies for debug lines that nobody
reads, and the request of an action, which carries the whole conversation and all texts of the domain.
``tests/integration/test_dispatcher.py`` holds them to the original's answers.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, Dict, List, Optional, Text, Tuple

import rasa
from rasa.core import processor
from rasa.core.actions import forms
from rasa.core.actions.action import RemoteAction
from rasa.core.policies import memoization, rule_policy
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import Event, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException

_original_past_states = DialogueStateTracker.past_states
_original_applied_events = DialogueStateTracker.applied_events
_MEMO, _APPLIED, _LEAN = "_mostrador_states", "_mostrador_applied", "_mostrador_without_texts"


class DirectRunner:
    """Runs a loaded graph node after node, in an order worked out once per target.

    dask plans the same few nodes anew at every call. Takes the nodes of the runner that Rasa loaded.
    """

    def __init__(self, loaded: DaskGraphRunner) -> None:
        self._nodes: Dict[Text, GraphNode] = loaded._instantiated_nodes
        self._schema = loaded._graph_schema
        self._plans: Dict[Tuple[Text, ...], List[Tuple[Text, List[Text]]]] = {}

    def run(self, inputs: Optional[Dict[Text, Any]] = None, targets: Optional[List[Text]] = None) -> Dict[Text, Any]:
        """The outputs of ``targets``, as ``GraphRunner.run`` has it."""
        wanted = tuple(targets or self._schema.target_names)
        results: Dict[Text, Tuple[Text, Any]] = {name: (name, value) for name, value in (inputs or {}).items()}
        for name, needs in self._plan(wanted):
            results[name] = self._nodes[name](*(results[need] for need in needs))
        return {name: results[name][1] for name in wanted}

    def _plan(self, targets: Tuple[Text, ...]) -> List[Tuple[Text, List[Text]]]:
        if targets not in self._plans:
            nodes = self._schema.minimal_graph_schema(list(targets)).nodes
            plan: List[Tuple[Text, List[Text]]] = []
            placed = set()

            def place(name: Text) -> None:
                if name in placed or name not in nodes:
                    return
                placed.add(name)
                for need in nodes[name].needs.values():
                    place(need)
                plan.append((name, list(nodes[name].needs.values())))

            for target in targets:
                place(target)
            self._plans[targets] = plan
        return self._plans[targets]


def _past_states(
    self: DialogueStateTracker,
    domain: Domain,
    omit_unset_slots: bool = False,
    ignore_rule_only_turns: bool = False,
    rule_only_data: Optional[Dict[Text, Any]] = None,
) -> List[State]:
    """The states of a tracker, kept until it has another event: one prediction asks for the same ones three times."""
    last = self.events[-1] if self.events else None
    at = (len(self.events), id(last), id(domain), self.followup_action)
    key = (omit_unset_slots, ignore_rule_only_turns)
    memo = self.__dict__.get(_MEMO)
    if memo is None or memo[0] != at:
        memo = (at, {})
        self.__dict__[_MEMO] = memo
    states: Optional[List[State]] = memo[1].get(key)
    if states is None:
        states = _original_past_states(self, domain, omit_unset_slots, ignore_rule_only_turns, rule_only_data)
        memo[1][key] = states
    # The featurizer takes text or intent out of what it is given, so everyone gets states of their own.
    return [{part: dict(value) for part, value in state.items()} for state in states]


def _applied_events(self: DialogueStateTracker) -> List[Event]:
    """The events that count, worked out once per event instead of at every look."""
    at = (len(self.events), id(self.events[-1]) if self.events else 0)
    kept = self.__dict__.get(_APPLIED)
    if kept is None or kept[0] != at:
        kept = (at, _original_applied_events(self))
        self.__dict__[_APPLIED] = kept
    return list(kept[1])


def _lean_call(self: RemoteAction, tracker: DialogueStateTracker, domain: Domain) -> Dict[Text, Any]:
    """The request of an action: the events since the person spoke, and the domain without its texts where it is asked.

    Actions read slots and the newest message; a form's validation looks back no further than the last utterance.
    """
    state = tracker.current_state()
    state["events"] = [event.as_dict() for event in _since_the_person_spoke(tracker)]
    call = {"next_action": self._name, "sender_id": tracker.sender_id, "tracker": state, "version": rasa.__version__}
    if not self._is_selective_domain_enabled() or domain.does_custom_action_explicitly_need_domain(self.name()):
        call["domain"] = _without_texts(domain)
    return call


def _since_the_person_spoke(tracker: DialogueStateTracker) -> List[Event]:
    newest: List[Event] = []
    for event in reversed(tracker.events):
        newest.append(event)
        if isinstance(event, UserUttered):
            break
    return newest[::-1]


def _without_texts(domain: Domain) -> Dict[Text, Any]:
    kept: Optional[Dict[Text, Any]] = domain.__dict__.get(_LEAN)
    if kept is None:
        kept = {part: value for part, value in domain.as_dict().items() if part != "responses"}
        domain.__dict__[_LEAN] = kept
    return kept


def check_answer(action: RemoteAction, result: Any) -> bool:
    """The shape of an action's answer, of which Rasa's JSON schema says no more; raises MalformedAnswer.

    Unknown kinds of events are found where they are read.
    """
    parts = (result.get("events") or [], result.get("responses") or []) if isinstance(result, dict) else (None,)
    for part in parts:
        if not isinstance(part, list) or not all(isinstance(item, dict) for item in part):
            raise MalformedAnswer(action.name())
    if not all(isinstance(event.get("event"), str) for event in parts[0] or ()):
        raise MalformedAnswer(action.name())
    return True


class MalformedAnswer(RasaException):
    """An action server's answer has not the shape that rasa_sdk gives it; the message names the action."""


def make_faster() -> None:
    """Put the faster loops in place, for every agent of this process."""
    DialogueStateTracker.past_states = _past_states
    DialogueStateTracker.applied_events = _applied_events
    RemoteAction._action_call_format = _lean_call
    RemoteAction._validate_action_result = check_answer
    if not logging.getLogger("rasa").isEnabledFor(logging.DEBUG):
        for module in (processor, forms, rule_policy, memoization):  # they copy for their debug lines alone
            module.copy = SimpleNamespace(deepcopy=lambda value: value)
