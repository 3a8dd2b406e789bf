"""Which intent a free text has: Rasa's graph component around ``IntentModel``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Text

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.intent_learning import Options, learn
from mostrador.nlu.intent_model import IntentModel
from mostrador.nlu.learnt import LearntComponent
from mostrador.settings import settings

INTENT_RANKING = "intent_ranking"
_RANKED = 5


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class LinearIntentClassifier(LearntComponent[IntentModel], IntentClassifier):
    """Sets ``intent`` and ``intent_ranking`` of every message that has text.

    Confidences are shifted so that the threshold found at training is ``intent_model.THRESHOLD`` for Rasa's
    FallbackClassifier. Options: ``intent_learning.Options``.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return asdict(Options())

    @staticmethod
    def read(folder: Path) -> IntentModel:
        return IntentModel.load(folder)

    def train(self, training_data: TrainingData) -> Resource:
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        texts = [example.get(TEXT) for example in examples]
        labels = [example.get(INTENT) for example in examples]
        return self.keep(learn(texts, labels, Options.of(self._config), settings().var_dir / "vectors"))

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT)
            if self._model is None or not text:  # as Rasa's own classifiers have it; the fallback looks at it
                message.set(INTENT, {INTENT_NAME_KEY: None, PREDICTED_CONFIDENCE_KEY: 0.0}, add_to_output=True)
                message.set(INTENT_RANKING, [], add_to_output=True)
                continue
            ranking = [
                {INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: confidence}
                for name, confidence in self._model.judge(text).ranking[:_RANKED]
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING, ranking, add_to_output=True)
        return messages
