"""In which of the shop's languages a person writes, and which one they ask for."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.linear import LinearModel
from mostrador.nlu.text import normalise, tokens

_NAMES = {
    "en": "english ingles inglesa angrezi angreji inglish अंग्रेजी अंग्रेज़ी इंग्लिश इंगलिश".split(),
    "es": "spanish espanol castellano espaniol spenish स्पेनिश स्पैनिश".split(),
    "hi": "hindi hindhi hindustani हिंदी हिन्दी".split(),
}
_LANGUAGE_CALLED = {normalise(name): language for language, names in _NAMES.items() for name in names}


def requested_language(text: str) -> Optional[str]:
    """The one language named in ``text``; None when none or several are."""
    named = {_LANGUAGE_CALLED[word] for word in tokens(normalise(text)) if word in _LANGUAGE_CALLED}
    return named.pop() if len(named) == 1 else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class LanguageIdentifier(GraphComponent, EntityExtractorMixin):
    """Adds the entity ``language`` when it is clear, and nothing when it is not.

    Learns from examples whose intent block says ``metadata: {language: …}``. Devanagari is Hindi; Hindi in Latin
    letters is learnt. Numbers, codes, names and words that several languages share leave the language as it is.
    Where another language is asked for (intent switch_language), the language named counts, not the one written in.
    """

    def __init__(
        self, config: Dict[Text, Any], storage: ModelStorage, resource: Resource, model: Optional[LinearModel] = None
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"confidence": 0.8, "confidence_of_one_word": 0.9, "known_words": 0.34}

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "LanguageIdentifier":
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "LanguageIdentifier":
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, LinearModel.load(folder))

    def train(self, training_data: TrainingData) -> Resource:
        spoken = [(e.get(TEXT), _language_of(e)) for e in training_data.intent_examples]
        known = [(text, language) for text, language in spoken if text and language]
        self._model = LinearModel.fit([text for text, _ in known], [language for _, language in known])
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder)
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            asked = (message.get(INTENT) or {}).get(INTENT_NAME_KEY) == "switch_language"
            language = requested_language(text) if asked else self.identify(text)
            if language:
                entity = {"entity": "language", "value": language, "start": 0, "end": len(text)}
                found = message.get(ENTITIES, []) + self.add_extractor_name([entity])
                message.set(ENTITIES, found, add_to_output=True)
        return messages

    def identify(self, text: str) -> Optional[str]:
        """The language ``text`` is written in; None when too little in it tells."""
        words = [w for w in tokens(normalise(text)) if w.isalpha() or _devanagari(w)]
        if text.startswith("/") or not words or self._model is None:
            return None
        native = sum(_devanagari(word) for word in words)
        if native * 2 >= len(words):
            return "hi" if max(map(len, words)) > 1 else None
        known = [word for word in words if self._model.knows(word)]
        if len(known) < self._config["known_words"] * len(words) or sum(map(len, words)) < 3:
            return None
        language, confidence = self._model.ranking(" ".join(words))[0]
        needed = self._config["confidence_of_one_word" if len(words) == 1 else "confidence"]
        return language if confidence >= needed else None


def _language_of(example: Message) -> Optional[str]:
    of_intent = (example.get("metadata") or {}).get("intent") or {}
    return of_intent.get("language") if isinstance(of_intent, dict) else None


def _devanagari(word: str) -> bool:
    return any("\u0900" <= character <= "\u097f" for character in word)
