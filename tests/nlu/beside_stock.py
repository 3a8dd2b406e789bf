"""Mostrador's pipeline and stock Rasa's default one, trained here and now on the same sentences and asked the same.

``python -m tests.nlu.beside_stock [--epochs 100] [--json]``: stock Rasa is the pipeline of ``rasa init`` (DIET), in
another process and folder. Printed per language are the shares of ``understanding``, and seconds to train, memory while
training and while serving, milliseconds of a sentence. Takes as long as DIET takes: half an hour on two cores.
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
from typing import Any, Dict, List

import rasa.engine.recipes
from ruamel.yaml import YAML

from mostrador.operations.installation import QUIET
from mostrador.operations.training import NAME
from mostrador.settings import ROOT
from tests.load.figures import median, pss_mb, share
from tests.nlu.understanding import Share, opt_outs, rows, understood

LANGUAGES = ("en", "es", "hi")
_STOCK = Path(rasa.engine.recipes.__file__).parent / "config_files" / "default_config.yml"
_PROBE = "--probe"
_TIMED = 100  # sentences of each language that are timed, one at a time


def measure(epochs: int) -> Dict[str, Any]:
    """What there is to say of both pipelines, by ``stock`` and ``mostrador``."""
    folder = Path(tempfile.mkdtemp(prefix="beside-stock-"))
    try:
        stock, own = folder / "stock", folder / "own"
        stock.mkdir()
        _stock_project(stock, epochs)
        rasa_train = [sys.executable, "-m", "rasa", "train", "nlu", "--fixed-model-name", NAME]
        found = {"stock": _timed(rasa_train, stock, {})}
        found["stock"].update(_probed(stock / "models" / f"{NAME}.tar.gz"))
        models = {"MOSTRADOR_MODELS": str(own)}
        found["mostrador"] = _timed([sys.executable, "-m", "mostrador.cli", "train"], ROOT, models)
        found["mostrador"].update(_probed(_serving(own)))
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stock_project(folder: Path, epochs: int) -> None:
    yaml = YAML()
    config = yaml.load(_STOCK.read_text(encoding="utf-8"))
    for component in config["pipeline"]:
        if "epochs" in component:
            component["epochs"] = epochs
    config["policies"] = None
    with (folder / "config.yml").open("w", encoding="utf-8") as file:
        yaml.dump(config, file)
    shutil.copy(ROOT / "domain.yml", folder / "domain.yml")
    shutil.copytree(ROOT / "data" / "nlu", folder / "data")


def _timed(command: List[str], folder: Path, env: Dict[str, str]) -> Dict[str, float]:
    """Seconds that a training takes, and the most memory it had, in MB."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **QUIET, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        most = 0.0
        while process.poll() is None:
            most = max(most, pss_mb([process.pid]))
            time.sleep(0.5)
        if process.returncode != 0:
            log.seek(0)
            raise RuntimeError(f"{command} failed: {log.read()[-2000:]!r}")
    return {"training_s": time.monotonic() - began, "training_mb": most}


def _serving(models: Path) -> Path:
    from mostrador.operations.models import trusted_model

    return Path(trusted_model(models))


def _probed(model: Path) -> Dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.nlu.beside_stock", _PROBE, str(model)],
        cwd=ROOT, env={**os.environ, **QUIET}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
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
    parser.add_argument("--epochs", type=int, default=100, help="of DIET; its default is 100")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument(_PROBE, metavar="MODEL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe:
        print(json.dumps(probe(options.probe)))
        return
    found = measure(options.epochs)
    _print(found)
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
