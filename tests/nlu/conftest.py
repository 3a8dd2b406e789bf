"""The pipeline's own components, trained once on the project's data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Tuple

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.figures import FigureReader
from mostrador.nlu.intents import LinearIntentClassifier
from mostrador.nlu.language import LanguageIdentifier
from mostrador.settings import ROOT
from tests.nlu.understanding import learnt_reader


@pytest.fixture(scope="session")
def training_data() -> TrainingData:
    return load_data(str(ROOT / "data" / "nlu"))


@pytest.fixture(scope="session")
def trained(training_data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Any]:
    """Train a component class, keep it in a model storage and load it back from there."""

    def make(component: Any, data: TrainingData = training_data) -> Any:
        where: Tuple[Any, ...] = (
            LocalModelStorage.create(Path(tmp_path_factory.mktemp("model"))),
            Resource("component"),
            ExecutionContext(GraphSchema({})),
        )
        config = component.get_default_config()
        component.create(config, *where).train(data)
        return component.load(config, *where)

    return make


@pytest.fixture(scope="session")
def intents(trained: Callable[[Any], Any]) -> LinearIntentClassifier:
    return trained(LinearIntentClassifier)


@pytest.fixture(scope="session")
def figure_reader(tmp_path_factory: pytest.TempPathFactory) -> FigureReader:
    """Trained on data/figures, kept and loaded back."""
    folder = tmp_path_factory.mktemp("figures")
    learnt_reader().save(folder)
    reader = FigureReader.load(folder)
    assert reader is not None
    return reader


@pytest.fixture(scope="session")
def languages(trained: Callable[[Any], Any]) -> LanguageIdentifier:
    return trained(LanguageIdentifier)
