"""The policies decide as Rasa's own do, and can be asked which rule or story it was."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest
from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.policy import Policy
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates, TrainingDataGenerator
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.core.training_data.loading import load_data_from_resource
from rasa.shared.core.training_data.structures import StoryGraph

from mostrador.nlu.named_policies import NamedMemoizationPolicy, NamedRulePolicy

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
intents: [greet, stop, buy, thank]
slots: {item: {type: text, influence_conversation: false, mappings: [{type: from_text}]}}
forms: {order_form: {required_slots: [item]}}
responses:
  utter_greet: [{text: hi}]
  utter_stopped: [{text: stopped}]
  utter_sold: [{text: sold}]
  utter_welcome: [{text: welcome}]
"""
)
TALK = """
version: "3.1"
rules:
- rule: a greeting is returned
  steps:
  - intent: greet
  - action: utter_greet
- rule: stop leaves the form
  condition: [{active_loop: order_form}]
  steps:
  - intent: stop
  - action: utter_stopped
  - active_loop: null
stories:
- story: a sale and thanks
  steps:
  - intent: buy
  - action: utter_sold
  - intent: thank
  - action: utter_welcome
- story: a sale only
  steps:
  - intent: buy
  - action: utter_sold
"""


@pytest.fixture(scope="module")
def trackers(tmp_path_factory: pytest.TempPathFactory) -> List[TrackerWithCachedStates]:
    file = tmp_path_factory.mktemp("data") / "talk.yml"
    file.write_text(TALK, encoding="utf-8")
    graph = StoryGraph(load_data_from_resource(str(file), DOMAIN))
    return TrainingDataGenerator(graph, DOMAIN, augmentation_factor=5).generate()


@pytest.fixture(scope="module")
def policies(trackers: List[TrackerWithCachedStates], tmp_path_factory: pytest.TempPathFactory) -> Dict[Any, Policy]:
    """Ours and Rasa's, each trained, stored and loaded."""
    loaded: Dict[Any, Policy] = {}
    for kind in (NamedRulePolicy, RulePolicy, NamedMemoizationPolicy, MemoizationPolicy):
        storage = LocalModelStorage.create(tmp_path_factory.mktemp("model"))
        where = (storage, Resource("policy"), ExecutionContext(GraphSchema({})))
        config = kind.get_default_config()
        kind.create(config, *where).train(trackers, DOMAIN)
        loaded[kind] = kind.load(config, *where)
    return loaded


def said(intent: str) -> List[Event]:
    return [ActionExecuted("action_listen"), UserUttered(intent, {"name": intent, "confidence": 1.0})]


SITUATIONS: Tuple[Tuple[List[Event], Optional[Dict[str, str]], Optional[Dict[str, str]]], ...] = (
    (said("greet"), {"rule": "a greeting is returned"}, None),
    (said("buy"), None, {"story": "a sale and thanks, a sale only"}),
    ([*said("buy"), ActionExecuted("utter_sold"), *said("thank")], None, {"story": "a sale and thanks"}),
    (
        [*said("buy"), ActionExecuted("order_form"), ActiveLoop("order_form"), *said("greet")],
        {"form": "order_form"},
        None,
    ),
    (said("thank"), None, None),
)


@pytest.mark.parametrize(("events", "rule", "story"), SITUATIONS)
def test_the_name_comes_with_the_decision(
    policies: Dict[Any, Policy], events: List[Event], rule: Any, story: Any
) -> None:
    tracker = DialogueStateTracker.from_events("talk", events, DOMAIN.slots, domain=DOMAIN)
    pairs = ((NamedRulePolicy, RulePolicy, rule), (NamedMemoizationPolicy, MemoizationPolicy, story))
    for kind, plain, origin in pairs:
        ours, theirs = (policies[p].predict_action_probabilities(tracker, DOMAIN, {}) for p in (kind, plain))
        assert ours.action_metadata == origin
        assert ours.probabilities == theirs.probabilities and ours.events == theirs.events
        assert ours.hide_rule_turn == theirs.hide_rule_turn
        assert ours.is_no_user_prediction == theirs.is_no_user_prediction
