"""Training without what is dear gives what Rasa's own training would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import pytest

from mostrador.operations.installation import QUIET
from mostrador.operations.rasa_train import needs_tensorflow
from mostrador.settings import ROOT

OURS = "[{name: mostrador.nlu.intents.LinearIntentClassifier}, {name: FallbackClassifier}]"

READ = """
import json, sys
if sys.argv[1] == "ours":
    from mostrador.operations import rasa_train
    rasa_train._cheap_messages()
    rasa_train._read_once()
from rasa.shared.importers.importer import TrainingDataImporter
importer = TrainingDataImporter.load_from_config("config.yml", "domain.yml", ["data/nlu", "data/rules"])
data, again = importer.get_nlu_data(), importer.get_nlu_data("en")
for example in again.training_examples[:200]:
    example.set("changed in one of them", True)
print(json.dumps({
    "data": data.fingerprint(), "examples": len(data.training_examples), "again": again.fingerprint(),
    "domain": importer.get_domain().fingerprint(), "stories": importer.get_stories().fingerprint(),
}))
"""


def read_by(whom: str) -> Dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, whom],
        cwd=ROOT, env={**os.environ, **QUIET}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_examples_domain_and_rules_are_those_that_rasa_reads() -> None:
    ours, rasas = read_by("ours"), read_by("rasa")
    assert ours == rasas and ours["examples"] > 1000 and ours["data"] != ours["again"]


@pytest.mark.parametrize(
    ("config", "needed"),
    [
        (f"pipeline: {OURS}\npolicies: [{{name: RulePolicy}}]", False),
        (f"pipeline: {OURS}\npolicies: [{{name: TEDPolicy}}]", True),
        ("pipeline: [{name: DIETClassifier}]\npolicies: [{name: RulePolicy}]", True),
        ("pipeline: [{name: my_shop.Classifier}]\npolicies: [{name: RulePolicy}]", True),
        (f"pipeline: {OURS}", True),  # Rasa then takes its default policies
        ("", True),
    ],
)
def test_tensorflow_is_left_out_only_where_no_component_may_want_it(tmp_path: Path, config: str, needed: bool) -> None:
    (tmp_path / "config.yml").write_text(config)
    assert needs_tensorflow(tmp_path / "config.yml") is needed


def test_the_projects_own_pipeline_is_trained_without_tensorflow() -> None:
    assert not needs_tensorflow(ROOT / "config.yml")
