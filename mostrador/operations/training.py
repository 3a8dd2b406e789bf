"""``mostrador train``: whether training is needed is known from digests of files, without importing Rasa."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, Mapping

import click

from mostrador.operations.installation import QUIET
from mostrador.settings import ROOT, settings

NAME = "mostrador"
TRAINING_SUFFIXES = {".yml", ".yaml", ".json", ".txt", ".csv"}
NOT_TRAINING_DATA = {"surveys", "knowledge"}  # folders of data/ that the engine never reads


class TrainingFailed(Exception):
    """There is no new model; the message names the log with Rasa's reasons."""


class UntrustedModel(Exception):
    """The model is missing or is not the one that was trained here; the message says which."""


def model_file(models: Path) -> Path:
    """Where the trained model lies."""
    return models / f"{NAME}.tar.gz"


def digests(root: Path = ROOT) -> Dict[str, str]:
    """SHA-256 of everything a model depends on, as ``code`` (components, pipeline, Rasa) and ``data`` (the rest)."""
    data = [p for p in (root / "domain.yml", root / "domain.yaml") if p.exists()]
    data += _files(root / "domain")
    for folder in training_folders(root):
        data += _files(folder) if folder.is_dir() else [folder]
    code = [p for p in (root / "config.yml",) if p.exists()]
    code += sorted(p for p in (root / "mostrador" / "nlu").rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return {"code": _digest(root, code, importlib.metadata.version("rasa")), "data": _digest(root, data)}


def training_folders(root: Path = ROOT) -> List[Path]:
    """The entries of data/ that hold training data."""
    entries = sorted((root / "data").iterdir()) if (root / "data").is_dir() else []
    return [
        entry
        for entry in entries
        if (entry.is_dir() and entry.name not in NOT_TRAINING_DATA) or entry.suffix in TRAINING_SUFFIXES
    ]


def up_to_date(models: Path, root: Path = ROOT) -> bool:
    """Whether the model on disk was trained here from exactly these files."""
    try:
        note = _note(models)
        trusted_model(models)
    except UntrustedModel:
        return False
    return {key: note.get(key) for key in ("code", "data")} == digests(root)


def trusted_model(models: Path) -> Path:
    """The model file to serve, once its SHA-256 is found to be the one noted after training; raises UntrustedModel.

    Rasa unpacks and unpickles a model, so whoever can write one can run code in the engine.
    """
    path = model_file(models)
    if not path.exists():
        raise UntrustedModel(f"There is no model {path}: run `mostrador train`.")
    if _sha256(path) != _note(models).get("model"):
        raise UntrustedModel(f"{path} is not the model that was trained here: run `mostrador train`.")
    return path


def ensure_model(force: bool = False) -> bool:
    """Train if anything changed (or with ``force``); whether it did. Raises TrainingFailed."""
    config = settings()
    models = config.models_dir
    if not force and up_to_date(models):
        click.echo("The model is up to date.")
        return False
    models.mkdir(parents=True, exist_ok=True)
    with open(models / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not force and up_to_date(models):  # another process trained meanwhile
            click.echo("The model is up to date.")
            return False
        click.echo("Training the model; this takes up to a minute.")
        seconds = _train(models, config.var_dir / "log" / "training.log", force)
        click.echo(f"Trained in {seconds:.0f} s.")
    return True


def _train(models: Path, log: Path, force: bool) -> float:
    started = time.monotonic()
    now = digests()  # before training: a file edited meanwhile makes the model out of date
    log.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".training-", dir=models))
    try:
        domain = ROOT / "domain" if (ROOT / "domain").is_dir() else ROOT / "domain.yml"
        command = [sys.executable, "-m", "rasa", "train", "--fixed-model-name", NAME, "--out", str(scratch)]
        command += ["--config", str(ROOT / "config.yml"), "--domain", str(domain), "--data"]
        command += [str(folder) for folder in training_folders()]
        try:
            code_is_known = _note(models).get("code") == now["code"]
        except UntrustedModel:
            code_is_known = False
        if force or not code_is_known:
            command.append("--force")  # Rasa's cache does not see a change in what a component imports
        with open(log, "wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env={**os.environ, **QUIET},
                check=False,
            )
        fresh = scratch / f"{NAME}.tar.gz"
        if done.returncode != 0 or not fresh.exists():
            reasons = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise TrainingFailed(f"Training failed; {log} ends with: {' | '.join(reasons[-6:])}")
        note = {**now, "model": _sha256(fresh)}
        draft = scratch / "digest"
        draft.write_text(json.dumps(note) + "\n", encoding="utf-8")
        fresh.replace(model_file(models))
        draft.replace(_note_file(models))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return time.monotonic() - started


def _note_file(models: Path) -> Path:
    return models / f"{NAME}.digest"


def _note(models: Path) -> Mapping[str, str]:
    try:
        note = json.loads(_note_file(models).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UntrustedModel(f"There is no note of a training in {models}: run `mostrador train`.") from None
    return note if isinstance(note, dict) else {}


def _files(folder: Path) -> List[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in TRAINING_SUFFIXES)


def _digest(root: Path, paths: List[Path], *also: str) -> str:
    whole = hashlib.sha256("\0".join(also).encode())
    for path in paths:
        whole.update(f"\0{path.relative_to(root).as_posix()}\0{_sha256(path)}".encode())
    return whole.hexdigest()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block


@click.command()
@click.option("--force", is_flag=True, help="Train even if nothing changed.")
@click.option("--check", is_flag=True, help="Only say whether training is needed; exit 1 if it is.")
def train(force: bool, check: bool) -> None:
    """Train the model if anything it depends on changed."""
    if check:
        current = up_to_date(settings().models_dir)
        click.echo("The model is up to date." if current else "Training is needed.")
        sys.exit(0 if current else 1)
    try:
        ensure_model(force)
    except TrainingFailed as why:
        raise click.ClickException(str(why)) from None
