"""Rasa's inner loops made faster without changing what they decide.

Measured on the restock talk: running the graph, the states of a tracker, deep copies for debug lines that nobody
reads, and the request of an action, which carries the whole conversation and all texts of the domain.
``tests/integration/test_dispatcher.py`` holds them to the original's answers.
"""

from __future__ import annotations

import copy
import logging
from itertools import islice
from operator import is_
from types import SimpleNamespace
from typing import Any, Deque, Dict, List, Optional, Set, Text, Tuple

import rasa
from rasa.core import processor
from rasa.core.actions import forms
from rasa.core.actions.action import RemoteAction
from rasa.core.policies import memoization, rule_policy
from rasa.core.policies.rule_policy import SHOULD_NOT_BE_SET, RulePolicy
from rasa.engine.graph import GraphNode
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    DefinePrevUserUtteredFeaturization,
    Event,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.exceptions import RasaException

_original_past_states = DialogueStateTracker.past_states
_original_applied_events = DialogueStateTracker.applied_events
_original_states_to_recall = memoization.MemoizationPolicy._prediction_states
_WALKS, _APPLIED, _LEAN = "_mostrador_walks", "_mostrador_applied", "_mostrador_without_texts"
_INDEXES = "_mostrador_rule_indexes"
_OWN = frozenset({_WALKS, _APPLIED})


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


class _Walk:
    """The states of a tracker as far as they were worked out: before each action, and the replayed tracker."""

    def __init__(self, tracker: DialogueStateTracker) -> None:
        self.events: List[Event] = []
        self.states: List[State] = []
        self.replayed = tracker.init_copy()

    def leads_to(self, events: List[Event]) -> bool:
        """Whether ``events`` go on where this walk ended; a form takes events back, and then they do not."""
        return len(events) >= len(self.events) and all(map(is_, self.events, events))

    def go_on(self, events: List[Event], domain: Domain, omit_unset_slots: bool) -> List[State]:
        """All states up to ``events``, of which only the new ones are replayed."""
        for event in events[len(self.events) :]:
            if isinstance(event, ActionExecuted):
                self.states.append(domain.get_active_state(self.replayed, omit_unset_slots=omit_unset_slots))
            self.replayed.update(event)
        self.events = events
        return [*self.states, domain.get_active_state(self.replayed, omit_unset_slots=omit_unset_slots)]


def _past_states(
    self: DialogueStateTracker,
    domain: Domain,
    omit_unset_slots: bool = False,
    ignore_rule_only_turns: bool = False,
    rule_only_data: Optional[Dict[Text, Any]] = None,
) -> List[State]:
    """The states of a tracker; those before the newest events are remembered from the last time it was asked."""
    if ignore_rule_only_turns:  # what is hidden there depends on the turns before
        return _original_past_states(self, domain, omit_unset_slots, ignore_rule_only_turns, rule_only_data)
    walks = self.__dict__.setdefault(_WALKS, {})
    key = (id(domain), omit_unset_slots)
    events = self.applied_events()
    walk = walks.get(key)
    if walk is None or not walk.leads_to(events):
        walk = walks[key] = _Walk(self)
    # The featurizer takes text or intent out of what it is given, so everyone gets states of their own.
    return [
        {part: dict(value) for part, value in state.items()} for state in walk.go_on(events, domain, omit_unset_slots)
    ]


def _copy(self: DialogueStateTracker) -> DialogueStateTracker:
    """The same tracker again, as replaying all its events would make it."""
    twin: DialogueStateTracker = object.__new__(type(self))
    twin.__dict__.update({name: value for name, value in self.__dict__.items() if name not in _OWN})
    twin.events = copy.copy(self.events)
    twin.slots = {name: copy.copy(slot) for name, slot in self.slots.items()}
    twin.active_loop = copy.copy(self.active_loop)
    twin.model_id = twin.assistant_id = None
    return twin


def _applied_events(self: DialogueStateTracker) -> List[Event]:
    """The events that count: those known from the last time, and new ones as far as each of them simply follows."""
    kept: Optional[_Applied] = self.__dict__.get(_APPLIED)
    if kept is not None and kept.reaches_into(self.events):
        new = list(islice(self.events, kept.count, None))
        if all(kept.simply_follows(event) for event in new):
            kept.go_on(new)
            return list(kept.events)
    loops = frozenset(event.name for event in self.events if isinstance(event, ActiveLoop) and event.name)
    kept = _Applied(_original_applied_events(self), loops)
    kept.count, kept.last = len(self.events), self.events[-1] if self.events else None
    self.__dict__[_APPLIED] = kept
    return list(kept.events)


class _Applied:
    """The events of a tracker that count, up to its ``count``-th, which is ``last``; and the loops among them."""

    _SIMPLE = frozenset({SlotSet, UserUttered, BotUttered, DefinePrevUserUtteredFeaturization})

    def __init__(self, events: List[Event], loops: "frozenset[Text]") -> None:
        self.events = events
        self.loops = loops
        self.count = 0
        self.last: Optional[Event] = None

    def reaches_into(self, events: "Deque[Event]") -> bool:
        return 0 < self.count <= len(events) and events[self.count - 1] is self.last

    def simply_follows(self, event: Event) -> bool:
        """Whether nothing before it is taken back by it: an action of a loop may do that, and rarer events."""
        if type(event) is ActionExecuted:
            return event.action_name not in self.loops
        return type(event) in self._SIMPLE

    def go_on(self, new: List[Event]) -> None:
        self.events += new
        if new:
            self.count, self.last = self.count + len(new), new[-1]


class _RuleIndex:
    """The rules of one lookup by what their newest state asks for, so that few need to be compared with a talk."""

    def __init__(self, lookup: Dict[Text, Any]) -> None:
        self.lookup = lookup
        self.size = len(lookup)
        self._by_newest: Dict[Tuple[Any, Any], List[Tuple[Text, List[State]]]] = {}
        for key in lookup:
            states = RulePolicy._rule_key_to_state(key)[::-1]
            self._by_newest.setdefault(_asked(states[0]), []).append((key, states))

    def of(self, state: State) -> List[Tuple[Text, List[State]]]:
        """Rules that may fit a talk whose newest state is ``state``: their keys and states, the newest first."""
        action, intent = _asked(state)
        places = {(action, intent), (action, None), (None, intent), (None, None)}
        return [rule for place in places for rule in self._by_newest.get(place, ())]


def _asked(state: State) -> Tuple[Any, Any]:
    """The previous action and the intent that a state names; values that ask for nothing, or for none, are left out."""
    names = (state.get("prev_action", {}).get("action_name"), state.get("user", {}).get("intent"))
    action, intent = (name if isinstance(name, str) and name != SHOULD_NOT_BE_SET else None for name in names)
    return action, intent


def _possible_keys(self: RulePolicy, lookup: Dict[Text, Text], states: List[State]) -> Set[Text]:
    """The rules that fit ``states``: each compared as far as it reaches, the newest state first."""
    if not states:
        return set(lookup)
    indexes = self.__dict__.setdefault(_INDEXES, {})
    index = indexes.get(id(lookup))
    if index is None or index.lookup is not lookup or index.size != len(lookup):
        index = indexes[id(lookup)] = _RuleIndex(lookup)
    newest_first = states[::-1]
    return {key for key, rule in index.of(newest_first[0]) if all(map(_fits, rule, newest_first))}


def _fits(rule_state: State, state: State) -> bool:
    """Whether one state of a rule holds in a state of the talk, as ``RulePolicy._is_rule_applicable`` has it."""
    rule_began, began = not rule_state.get("prev_action"), not state.get("prev_action")
    if rule_began or began:
        return rule_began and began
    return bool(RulePolicy._does_rule_match_state(rule_state, state))


def _states_to_recall(self: memoization.MemoizationPolicy, *args: Any, **kwargs: Any) -> List[State]:
    """What a policy looks up among its stories; one without stories need not look at the talk."""
    return _original_states_to_recall(self, *args, **kwargs) if self.lookup else []


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


_FASTER = (
    (DialogueStateTracker, "past_states", _past_states),
    (DialogueStateTracker, "applied_events", _applied_events),
    (DialogueStateTracker, "copy", _copy),
    (RulePolicy, "_get_possible_keys", _possible_keys),
    (memoization.MemoizationPolicy, "_prediction_states", _states_to_recall),
    (RemoteAction, "_action_call_format", _lean_call),
    (RemoteAction, "_validate_action_result", check_answer),
)


_ORIGINALS = tuple((owner, name, getattr(owner, name)) for owner, name, _ in _FASTER)


def make_faster() -> None:
    """Put the faster loops in place, for every agent of this process."""
    for owner, name, ours in _FASTER:
        setattr(owner, name, ours)
    if not logging.getLogger("rasa").isEnabledFor(logging.DEBUG):
        for module in (processor, forms, rule_policy, memoization):  # they copy for their debug lines alone
            module.copy = SimpleNamespace(deepcopy=lambda value: value)


def make_plain() -> None:
    """Put Rasa's own loops back, to compare what both decide."""
    for owner, name, original in _ORIGINALS:
        setattr(owner, name, original)
