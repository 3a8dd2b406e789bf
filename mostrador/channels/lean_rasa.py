"""Rasa without what a lean model never uses: a Rasa that was killed is back in half the time, with less memory.

Rasa imports TensorFlow for components that a model may have, and checks the domain inside a model against a schema
that it passed when the model was trained. Together these are most of the start.
"""

from __future__ import annotations

import json
import sys
import tarfile
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, Optional, Sequence

_LEFT_OUT = ("tensorflow", "tensorflow_addons", "keras")
_WITH_TENSORFLOW = (
    "rasa.core.policies.ted_policy",
    "rasa.core.policies.unexpected_intent_policy",
    "rasa.nlu.classifiers.diet_classifier",
    "rasa.nlu.featurizers.dense_featurizer",
    "rasa.nlu.selectors.response_selector",
)


class NotImported(RuntimeError):
    """Something asked for TensorFlow in a process that was started without it; a restart reads the new model."""


def needs_tensorflow(model: Path) -> bool:
    """Whether a component of the model may use TensorFlow; of components that are neither ours nor Rasa's, all may.

    ``model`` is a model of Rasa 3 as a .tar.gz; its metadata.json names the class of every node.
    """
    with tarfile.open(model) as archive:
        member = next((m for m in archive if m.name.rpartition("/")[2] == "metadata.json"), None)
        file = archive.extractfile(member) if member is not None else None
        if file is None:
            return True
        nodes = json.load(file)["predict_schema"]["nodes"].values()
    uses = [str(node["uses"]) for node in nodes]
    return any(not use.startswith(("rasa.", "mostrador.")) or use.startswith(_WITH_TENSORFLOW) for use in uses)


def leave_out_tensorflow() -> None:
    """Let every later import of TensorFlow give empty classes that raise NotImported when they are used."""
    if not is_left_out():
        sys.meta_path.insert(0, _Absence())


def is_left_out() -> bool:
    """Whether this process does without TensorFlow."""
    return any(isinstance(finder, _Absence) for finder in sys.meta_path)


class _Absence(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: Optional[Sequence[str]], target: Any = None) -> Optional[ModuleSpec]:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in _LEFT_OUT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []


class _AbsentModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{self.__name__}.{name}")


class _Absent(type):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__name__}.{name}")


def _absent(name: str) -> _Absent:
    def refuse(*_: Any, **__: Any) -> None:
        raise NotImported(f"{name} is needed, but the model that this process started with does not use TensorFlow.")

    members: Dict[str, Any] = {"__init__": refuse}
    return _Absent(name, (), members)


@contextmanager
def checked_domain() -> Iterator[None]:
    """Within it Rasa takes the domain of a model as it was stored; training has checked it against Rasa's schema."""
    from rasa.shared.utils import validation

    check = validation.validate_yaml_schema
    validation.validate_yaml_schema = lambda *_, **__: None
    try:
        yield
    finally:
        validation.validate_yaml_schema = check
