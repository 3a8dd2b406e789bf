"""What the components have in common that learn something at training and keep it in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Generic, Optional, Protocol, Text, TypeVar

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage


class Kept(Protocol):
    def save(self, folder: Path) -> None: ...


Learnt = TypeVar("Learnt", bound=Kept)
Component = TypeVar("Component", bound="LearntComponent[Any]")


class LearntComponent(GraphComponent, Generic[Learnt]):
    """Is made empty, trained, kept, and loaded with what it has kept; ``train`` and ``process`` are the component's."""

    def __init__(
        self, config: Dict[Text, Any], storage: ModelStorage, resource: Resource, model: Optional[Learnt] = None
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._model = model

    @staticmethod
    def read(folder: Path) -> Any:
        """What was kept in ``folder``; None where nothing was."""
        raise NotImplementedError

    @classmethod
    def create(
        cls: "type[Component]",
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Component:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls: "type[Component]",
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Component:
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, cls.read(folder))

    def keep(self, model: Optional[Learnt]) -> Resource:
        """Use ``model`` from now on, and keep it; ``read`` finds nothing where it is None."""
        self._model = model
        with self._storage.write_to(self._resource) as folder:
            if model is not None:
                model.save(folder)
        return self._resource
