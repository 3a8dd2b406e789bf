import io
import json
import subprocess
import sys
import tarfile

import pytest

from mostrador.channels.lean_rasa import needs_tensorflow
from mostrador.settings import ROOT

OURS = ["mostrador.nlu.intents.LinearIntentClassifier", "rasa.core.policies.rule_policy.RulePolicy"]


def a_model(folder, uses, metadata=True):
    nodes = {f"node{n}": {"uses": use} for n, use in enumerate(uses)}
    raw = json.dumps({"predict_schema": {"nodes": nodes}}).encode()
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("./metadata.json" if metadata else "./other.json")
        member.size = len(raw)
        archive.addfile(member, io.BytesIO(raw))
    return path


def test_a_model_of_our_components_and_rasas_light_ones_needs_no_tensorflow(tmp_path):
    assert not needs_tensorflow(a_model(tmp_path, OURS))


@pytest.mark.parametrize(
    "component",
    [
        "rasa.nlu.classifiers.diet_classifier.DIETClassifier",
        "rasa.core.policies.ted_policy.TEDPolicy",
        "a_trainers_own.Component",
    ],
)
def test_a_model_with_a_component_that_may_use_tensorflow_gets_it(tmp_path, component):
    assert needs_tensorflow(a_model(tmp_path, [*OURS, component]))


def test_a_model_that_says_nothing_of_itself_gets_tensorflow(tmp_path):
    assert needs_tensorflow(a_model(tmp_path, OURS, metadata=False))


def test_rasa_comes_up_without_tensorflow_and_says_so_when_something_asks_for_it():
    script = """
import sys
from mostrador.channels.lean_rasa import NotImported, leave_out_tensorflow
leave_out_tensorflow()
leave_out_tensorflow()
from rasa.core.agent import Agent
import tensorflow as tf
assert "tensorflow.python" not in sys.modules and len(sys.meta_path[:2]) == 2
assert type(sys.meta_path[0]) is not type(sys.meta_path[1])
try:
    tf.keras.layers.Dense(3)
except NotImported as why:
    print(why)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("tensorflow.keras.layers.Dense is needed"), done.stderr[-2000:]
