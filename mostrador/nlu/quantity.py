"""Finds the count of pieces in a free text for the engine, and tells content from wishes by it.

The reading itself is in ``counts``.
"""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message

from mostrador.nlu.counts import holds_counts, is_only_a_count, naming_words, read_quantity, written

CONTENT = "inform"
_MAY_HOLD_COUNTS = {CONTENT, "update_stock", "nlu_fallback", "out_of_scope"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class QuantityExtractor(GraphComponent, EntityExtractorMixin):
    """Adds the entity ``quantity`` ("50", "+20", "-3") to a text that holds exactly one count.

    A text that is nothing but a count has the intent ``inform``, whatever it looked like ("20 more" is no wish to see
    more); so has one with names and counts ("lamp 12, tray 5") where the classifier was not certain of anything else.
    """

    def __init__(self, config: Dict[Text, Any]) -> None:
        self._certain = float(config["certain"])

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"certain": 0.5}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "QuantityExtractor":
        return cls(config)

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            quantity = None if text.startswith("/") else read_quantity(text)
            if quantity:
                entity = {"entity": "quantity", "value": written(quantity), "start": 0, "end": len(text)}
                found = message.get(ENTITIES, []) + self.add_extractor_name([entity])
                message.set(ENTITIES, found, add_to_output=True)
            if not text.startswith("/") and self._is_content(text, message.get(INTENT) or {}):
                message.set(INTENT, {INTENT_NAME_KEY: CONTENT, PREDICTED_CONFIDENCE_KEY: 1.0}, add_to_output=True)
        return messages

    def _is_content(self, text: str, intent: Dict[Text, Any]) -> bool:
        if intent.get(INTENT_NAME_KEY) == "update_stock" or not holds_counts(text):
            return False
        if is_only_a_count(text):
            return True
        doubtful = float(intent.get(PREDICTED_CONFIDENCE_KEY) or 0) < self._certain
        return doubtful and intent.get(INTENT_NAME_KEY) not in _MAY_HOLD_COUNTS and bool(naming_words(text))
