"""Rasa's two policies, which also tell the name of the rule or story that they decided by.

The name goes into the metadata of the action's event (``{"rule": …}``, ``{"story": …}``, or ``{"form": …}`` where an
open form comes before all rules), so that a turn can be explained whatever was trained since.
"""

from __future__ import annotations

import warnings
from typing import Any, Dict, List, Optional, Text, Tuple

from rasa.core.policies.memoization import MemoizationPolicy
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import LOOP_RULES, LOOP_RULES_SEPARATOR, RULES, RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker

# Rasa compares classes where a subclass is meant, and says that default intents will not work; they do.
warnings.filterwarnings("ignore", message="'RulePolicy' is not included")

_NAMES = "names"  # a key that no state can have, so that the names are kept with the lookup they belong to


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class NamedRulePolicy(RulePolicy):
    """RulePolicy; the names are those it collects while it looks for rules that contradict each other."""

    def _analyze_rules(
        self,
        rule_trackers: List[TrackerWithCachedStates],
        all_trackers: List[TrackerWithCachedStates],
        domain: Domain,
    ) -> List[Text]:
        unused = super()._analyze_rules(rule_trackers, all_trackers, domain)
        names: Dict[Text, Text] = {}
        for source, found in self._rules_sources.items():
            decided = self.lookup[RULES].get(source)
            rules = sorted({rule for rule, action in found if action == decided})
            if rules:
                names[source] = ", ".join(rules)
        self.lookup[_NAMES] = names
        return unused

    def _predict(self, tracker: DialogueStateTracker, domain: Domain) -> Tuple[PolicyPrediction, Optional[Text]]:
        prediction, source = super()._predict(tracker, domain)
        prediction.action_metadata = self._origin(source or "")
        return prediction, source

    def _origin(self, source: Text) -> Optional[Dict[Text, Any]]:
        if source.startswith(LOOP_RULES):
            return {"form": source[len(LOOP_RULES) :].split(LOOP_RULES_SEPARATOR)[0]}
        name = self.lookup.get(_NAMES, {}).get(source)
        return {"rule": name} if name else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class NamedMemoizationPolicy(MemoizationPolicy):
    """MemoizationPolicy; a turn that several stories share has the names of all of them."""

    def __init__(self, *args: Any, lookup: Optional[Dict[Text, Any]] = None, **kwargs: Any) -> None:
        known = dict(lookup or {})
        self._names: Dict[Text, Text] = known.pop(_NAMES, {})
        self._recalled: Optional[Text] = None
        super().__init__(*args, lookup=known, **kwargs)

    def train(self, training_trackers: List[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        found: Dict[Text, List[Text]] = {}
        for tracker in training_trackers:
            if tracker.is_rule_tracker or tracker.is_augmented:
                continue
            for states in self.featurizer.training_states_and_labels([tracker], domain)[0]:
                stories = found.setdefault(self._create_feature_key(states) or "", [])
                if tracker.sender_id not in stories:
                    stories.append(tracker.sender_id)
        self._names = {key: ", ".join(sorted(stories)) for key, stories in found.items()}
        return super().train(training_trackers, domain, **kwargs)

    def _metadata(self) -> Dict[Text, Any]:
        return {"lookup": {**self.lookup, _NAMES: self._names}}

    def _recall_states(self, states: List[State]) -> Optional[Text]:
        key = self._create_feature_key(states)
        self._recalled = self._names.get(key or "")
        return self.lookup.get(key)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: Optional[Dict[Text, Any]] = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        self._recalled = None
        prediction = super().predict_action_probabilities(tracker, domain, rule_only_data, **kwargs)
        if self._recalled and prediction.max_confidence > 0:
            prediction.action_metadata = {"story": self._recalled}
        return prediction
