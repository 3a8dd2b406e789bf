"""Mostrador's pipeline and stock Rasa's default one, trained here and now on the same sentences and asked the same.

``python -m tests.nlu.beside_stock [--examples 20] [--epochs 100] [--json]``: stock Rasa is the pipeline that ``rasa
init`` leaves (DIET), in processes of its own. Both learn the same examples, drawn with a fixed seed: so many of each
intent in each language, 0 for all of them, which takes DIET very long. Printed per language are the shares of
``understanding``, and seconds to train, memory while training and while serving, milliseconds of a sentence. Besides,
Mostrador's guard for opt-outs reads the near misses of ``data/opt_out``, which have no place in stock Rasa.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Dict, List

import rasa.engine.recipes
from ruamel.yaml import YAML

from mostrador.operations.installation import QUIET
from mostrador.settings import ROOT
from tests.load.figures import median, pss_mb, share
from tests.nlu.few_shots import examples
from tests.nlu.understanding import Share, opt_outs, rows, understood

LANGUAGES = ("en", "es", "hi")
_STOCK = Path(rasa.engine.recipes.__file__).parent / "config_files" / "default_config.yml"
OWN = ROOT / "config.yml"
_ENV = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
_PROBE = "--probe"
_TIMED = 100  # sentences of each language that are timed, one at a time


def measure(count: int, epochs: int) -> Dict[str, Any]:
    """What there is to say of both pipelines, by ``stock`` and ``mostrador``; ``examples`` is how many both learnt."""
    folder = Path(tempfile.mkdtemp(prefix="beside-stock-"))
    train = ["train", "nlu", "--config", "config.yml", "--fixed-model-name", "model"]
    trainers = {"stock": "rasa", "mostrador": "mostrador.operations.rasa_train"}
    try:
        learnt = draw(folder / "data", count)
        found: Dict[str, Any] = {"examples": learnt}
        for name, module in trainers.items():
            project = folder / name
            project.mkdir()
            shutil.copy(ROOT / "domain.yml", project)
            shutil.copytree(folder / "data", project / "data")
            (project / "config.yml").write_text(stock_config(epochs) if name == "stock" else OWN.read_text())
            found[name] = _timed([sys.executable, "-m", module, *train], project)
            found[name].update(_probed(project / "models" / "model.tar.gz"))
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def draw(folder: Path, count: int) -> int:
    """``count`` examples of each intent and language (0: all), as training files; how many there are."""
    folder.mkdir()
    total, random = 0, Random(7)
    for language in LANGUAGES:
        by_intent: Dict[str, List[str]] = {}
        for sentence in examples(language):
            by_intent.setdefault(sentence.label, []).append(sentence.text)
        blocks = []
        for intent, texts in by_intent.items():
            drawn = random.sample(texts, min(count or len(texts), len(texts)))
            total += len(drawn)
            lines = "\n".join(f"- {text}" for text in drawn) + "\n"
            blocks.append({"intent": intent, "metadata": {"language": language}, "examples": lines})
        with (folder / f"{language}.yml").open("w", encoding="utf-8") as file:
            YAML().dump({"version": "3.1", "nlu": blocks}, file)
    return total


def stock_config(epochs: int) -> str:
    config = YAML(typ="safe").load(_STOCK.read_text(encoding="utf-8"))
    for component in config["pipeline"]:
        if "epochs" in component:
            component["epochs"] = epochs
    return json.dumps({**config, "policies": None})  # JSON is YAML


def _timed(command: List[str], folder: Path) -> Dict[str, Any]:
    """Seconds that a training takes, and the most memory it had, in MB."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=folder, env=_ENV, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        most = 0.0
        while process.poll() is None:
            most = max(most, pss_mb([process.pid]))
            time.sleep(0.5)
        if process.returncode != 0:
            log.seek(0)
            raise RuntimeError(f"{command} failed: {log.read()[-2000:]!r}")
    return {"training_s": time.monotonic() - began, "training_mb": most}


def _probed(model: Path) -> Dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.nlu.beside_stock", _PROBE, str(model)],
        cwd=ROOT, env=_ENV, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{model} cannot be asked: {done.stderr[-2000:]}")
    found: Dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def probe(model: str) -> Dict[str, Any]:
    """Load a model into this process, as ``rasa run`` does, and ask it every sentence of the test sets."""
    from rasa.core.agent import Agent

    began = time.monotonic()
    agent, loop = Agent.load(model), asyncio.new_event_loop()
    loaded = time.monotonic() - began

    def read(text: str) -> str:
        return str(loop.run_until_complete(agent.parse_message(text))["intent"]["name"])

    read("hello")
    times: List[float] = []
    for language in LANGUAGES:
        for row in rows(language, "intents")[:_TIMED]:
            began = time.perf_counter()
            read(row["sentence"])
            times.append(time.perf_counter() - began)
    memory = pss_mb([os.getpid()])
    shares = {language: {**understood(read, language), **opt_outs(read, language)} for language in LANGUAGES}
    return {
        "loading_s": loaded,
        "p50_ms": 1000 * median(times),
        "p95_ms": 1000 * share(times, 0.95),
        "serving_mb": memory,
        "shares": {language: {name: list(one) for name, one in own.items()} for language, own in shares.items()},
    }


def _print(found: Dict[str, Any]) -> None:
    sides = ("stock", "mostrador")
    print(f"{found['examples']} examples")
    print(f"{'':34}{'stock Rasa, DIET':38}Mostrador")
    for name, said in (
        ("training_s", "training, s"),
        ("training_mb", "memory while training, MB"),
        ("loading_s", "loading, s"),
        ("serving_mb", "memory while serving, MB"),
        ("p50_ms", "a sentence, p50 ms"),
        ("p95_ms", "a sentence, p95 ms"),
    ):
        print(f"{said:34}" + "".join(f"{found[side][name]:<38.1f}" for side in sides).rstrip())
    for language in LANGUAGES:
        for name in found["stock"]["shares"][language]:
            cells = (str(Share(*found[side]["shares"][language][name])) for side in sides)
            print(f"{language} {name:31}" + "".join(f"{cell:38}" for cell in cells).rstrip())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.nlu.beside_stock", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--examples", type=int, default=20, help="of each intent in each language; 0: all")
    parser.add_argument("--epochs", type=int, default=100, help="of DIET; its default is 100")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument(_PROBE, metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        print(json.dumps(probe(options.probe)))
        return
    found = measure(options.examples, options.epochs)
    _print(found)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
