"""``mostrador evaluate``: how well people are understood, on any labelled file; Rasa is not imported."""

from __future__ import annotations

import json
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import click
from ruamel.yaml import YAML

from mostrador.nlu.intent_figures import NONE, Sentence, UnusableFile, few_shots, figures, read_sentences
from mostrador.nlu.intent_learning import Options, TooFewExamples, learn
from mostrador.nlu.intent_model import THRESHOLD, IntentModel
from mostrador.operations.training import UntrustedModel, trusted_model
from mostrador.settings import ROOT, settings

_CLASSIFIER = "mostrador.nlu.intents.LinearIntentClassifier"
_FALLBACK = "FallbackClassifier"
_SHOWN = {
    "in_scope_accuracy": "in scope, without threshold",
    "in_scope_accuracy_with_threshold": "in scope, with threshold",
    "accuracy": "all, with threshold",
    "out_of_scope_recall": "out of scope recognised",
    "false_fallback": "in scope, asked again or refused",
    "encoded": "needed the sentence encoder",
}


@click.group()
def evaluate() -> None:
    """Measure understanding on files of your own."""


@evaluate.command()
@click.option("--train", "train_file", type=click.Path(path_type=Path), help="Learn from this; else the trained model.")
@click.option("--test", "test_file", type=click.Path(path_type=Path), required=True, help="CSV: sentence,label.")
@click.option("--language", help="Only rows whose column language says so.")
@click.option("--out-of-scope", "outside", metavar="LABEL", help=f"A label that means none, beside {NONE}.")
@click.option("--shots", type=click.IntRange(2, 1000), help="Accuracy with so many examples of each intent.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def intents(
    train_file: Optional[Path],
    test_file: Path,
    language: Optional[str],
    outside: Optional[str],
    shots: Optional[int],
    as_json: bool,
) -> None:
    """How many sentences of a file are understood by this project's pipeline."""
    try:
        found = _measured(train_file, test_file, language, outside, shots)
    except (UnusableFile, TooFewExamples, UntrustedModel) as why:
        raise click.ClickException(str(why)) from None
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _as_text(found))


def _measured(
    train_file: Optional[Path], test_file: Path, language: Optional[str], outside: Optional[str], shots: Optional[int]
) -> Dict[str, Any]:
    options, threshold = pipeline()
    test = read_sentences(test_file, language)
    none = {NONE, outside} if outside else {NONE}
    cache = settings().var_dir / "vectors"
    if train_file is None:
        if shots:
            raise UnusableFile("--shots needs --train.")
        model = stored_model(settings().models_dir)
    else:
        train = read_sentences(train_file, language if _has_language(train_file) else None)
        options = _meaning_none(options, none, train)
        if len({row.label for row in train}) < 2:
            raise UnusableFile(f"{train_file} has only one label; intents can be told apart from two on.")
        if shots:
            return few_shots(train, [row for row in test if row.label not in none], shots, options, cache)
        model = learn([row.text for row in train], [row.label for row in train], options, cache)
    says_none = none & set(model.words.labels)
    found = figures(model, test, none, says_none, threshold)
    return {**found, "threshold": model.threshold, "learnt": model.report}


def pipeline(config: Path = ROOT / "config.yml") -> Tuple[Options, float]:
    """The classifier's options and the fallback's threshold, as the project's pipeline has them."""
    entries = YAML(typ="safe").load(config.read_text(encoding="utf-8"))["pipeline"]
    by_name = {entry["name"]: entry for entry in entries}
    threshold = by_name.get(_FALLBACK, {}).get("threshold", THRESHOLD)
    return Options.of(by_name.get(_CLASSIFIER, {})), float(threshold)


def stored_model(models: Path) -> IntentModel:
    """The intent model inside the trained model. Raises UntrustedModel."""
    path = trusted_model(models)
    with tarfile.open(path) as archive, tempfile.TemporaryDirectory() as folder:
        members = [m for m in archive if m.isfile() and f"/train_{_CLASSIFIER}" in f"/{m.name}"]
        for member in members:
            file = archive.extractfile(member)
            if file is not None:
                (Path(folder) / Path(member.name).name).write_bytes(file.read())
        if not (Path(folder) / "sureness.json").exists():
            raise UntrustedModel(f"{path} was trained by another version: run `mostrador train`.")
        return IntentModel.load(Path(folder))


def _meaning_none(options: Options, none: Set[str], train: List[Sentence]) -> Options:
    labels = {row.label for row in train}
    return replace(options, none_intents=tuple(sorted({*options.none_intents, *none} & labels)))


def _has_language(path: Path) -> bool:
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return "language" in file.readline().strip().split(",")


def _as_text(found: Dict[str, Any]) -> str:
    if "shots" in found:
        return (
            f"{found['in_scope_accuracy']:.1%} in scope with {found['shots']} examples, mean of {found['draws']} draws"
        )
    lines = [f"{found['sentences']} sentences, {found['out_of_scope']} of them out of scope"]
    lines += [f"{found[key]:7.1%}  {said}" for key, said in _SHOWN.items() if found[key] is not None]
    lines += [f"{found['mcc']:7.3f}  MCC", f"{found['ms_per_message']:7.1f}  ms per message"]
    lines += [f"{found['threshold']:7.3f}  threshold, chosen on the training examples alone"]
    return "\n".join(lines)
