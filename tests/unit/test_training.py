"""Whether a model may be served and whether training is needed is known without Rasa."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from mostrador.operations import models as models_module
from mostrador.operations import training
from mostrador.operations.training import UntrustedModel, digests, trusted_model, up_to_date


@pytest.fixture()
def project(tmp_path: Path) -> Path:
    files = {
        "config.yml": "pipeline: []",
        "domain.yml": "intents: []",
        "data/nlu/en/talk.yml": "nlu: []",
        "data/rules/talk.yml": "rules: []",
        "data/surveys/why.yml": "questions: []",
        "data/knowledge/returns.md": "Thirty days.",
        "mostrador/nlu/intents.py": "THRESHOLD = 0.4",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture()
def models(project: Path) -> Path:
    """A folder with a model that was just trained from ``project``."""
    folder = project / "models"
    folder.mkdir()
    models_module.model_file(folder).write_bytes(b"a model")
    note = {**digests(project), "model": training.sha256(models_module.model_file(folder))}
    (folder / "mostrador.digest").write_text(json.dumps(note))
    return folder


def _append(name: str) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        with open(project / name, "a", encoding="utf-8") as file:
            file.write("\n# changed\n")

    return change


@pytest.mark.parametrize(
    "change",
    [
        _append("config.yml"),
        _append("domain.yml"),
        _append("data/nlu/en/talk.yml"),
        _append("mostrador/nlu/intents.py"),
        lambda project: (project / "data/rules/talk.yml").rename(project / "data/rules/other.yml"),
        lambda project: (project / "data/nlu/en/talk.yml").unlink(),
        lambda project: _append("data/stories.yml")(project),
    ],
    ids=["pipeline", "domain", "examples", "component", "renamed", "removed", "added"],
)
def test_a_change_of_what_the_model_depends_on_asks_for_training(
    project: Path, models: Path, change: Callable[[Path], None]
) -> None:
    assert up_to_date(models, project)
    change(project)
    assert not up_to_date(models, project)


@pytest.mark.parametrize("name", ["data/surveys/why.yml", "data/knowledge/returns.md", "README.md"])
def test_a_change_of_anything_else_does_not(project: Path, models: Path, name: str) -> None:
    _append(name)(project)
    assert up_to_date(models, project)


def test_a_touched_file_is_not_a_changed_one(project: Path, models: Path) -> None:
    (project / "domain.yml").write_text((project / "domain.yml").read_text())
    assert up_to_date(models, project)


def test_a_model_that_was_swapped_is_not_served(project: Path, models: Path) -> None:
    assert trusted_model(models).read_bytes() == b"a model"
    models_module.model_file(models).write_bytes(b"another model")
    with pytest.raises(UntrustedModel, match="not the model that was trained here"):
        trusted_model(models)
    assert not up_to_date(models, project)


def test_a_model_without_a_note_is_not_served(models: Path) -> None:
    (models / "mostrador.digest").unlink()
    with pytest.raises(UntrustedModel):
        trusted_model(models)


def test_a_missing_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UntrustedModel, match="mostrador train"):
        trusted_model(tmp_path)
