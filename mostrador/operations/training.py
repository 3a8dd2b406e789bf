"""``mostrador train``: whether training is needed is known from digests of files, without importing Rasa."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Mapping

import click

from mostrador.operations.installation import QUIET
from mostrador.operations.models import (
    NAME,
    ModelStore,
    UntrustedModel,
    Version,
    sha256,
    trusted_model,
)
from mostrador.settings import ROOT, settings

TRAINING_SUFFIXES = {".yml", ".yaml", ".json", ".txt", ".csv"}
NOT_TRAINING_DATA = {"surveys", "knowledge"}  # folders of data/ that the engine never reads


class TrainingFailed(Exception):
    """There is no new model; the message names the log with Rasa's reasons."""


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
    """Whether the model that serves was trained here from exactly these files, or was chosen in spite of them."""
    try:
        trusted_model(models)
    except UntrustedModel:
        return False
    return digests(root) in ModelStore(models).chosen_for()


def ensure_model(force: bool = False) -> bool:
    """Train if anything changed (or with ``force``) and let the new model serve; whether it did. Raises TrainingFailed.

    A model that was trained from these very files before, for a comparison, is not trained again.
    """
    models, store = settings().models_dir, ModelStore(settings().models_dir)
    if not force and up_to_date(models):
        click.echo(_up_to_date_because(store))
        return False
    with store.locked():
        if not force and up_to_date(models):  # another process trained meanwhile
            click.echo(_up_to_date_because(store))
            return False
        version = _trained(store, force)
        store.serve(version, version.files)
    return True


def train_candidate(force: bool = False) -> Version:
    """The model of the files as they are, trained if there is none yet; it does not serve. Raises TrainingFailed."""
    store = ModelStore(settings().models_dir)
    with store.locked():
        return _trained(store, force)


def _trained(store: ModelStore, force: bool) -> Version:
    now = digests()  # before training: a file edited meanwhile makes the model out of date
    for version in [] if force else store.versions():
        if version.files == now and _is_whole(store, version):
            return version
    click.echo("Training the model: about a minute, the first time about four.")
    version, seconds = _train(store, settings().var_dir / "log" / "training.log", now, force)
    click.echo(f"Trained in {seconds:.0f} s.")
    return version


def _is_whole(store: ModelStore, version: Version) -> bool:
    try:
        return store.path(version).exists()
    except UntrustedModel:
        return False


def _up_to_date_because(store: ModelStore) -> str:
    if digests() == store.serving().files:
        return "The model is up to date."
    return (
        f"Model {store.serving().name} serves by choice; `mostrador train --force` trains from the files as they are."
    )


def _train(store: ModelStore, log: Path, now: Mapping[str, str], force: bool) -> "tuple[Version, float]":
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".training-", dir=store.folder))
    try:
        domain = ROOT / "domain" if (ROOT / "domain").is_dir() else ROOT / "domain.yml"
        command = [sys.executable, "-m", "mostrador.operations.rasa_train", "train", "--skip-validation"]
        command += ["--fixed-model-name", NAME, "--out", str(scratch)]
        command += ["--config", str(ROOT / "config.yml"), "--domain", str(domain), "--data"]
        command += [str(folder) for folder in training_folders()]
        if force or now["code"] not in {version.code for version in store.versions()[:1]}:
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
        version = store.add(fresh, now)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return version, time.monotonic() - started


def _files(folder: Path) -> List[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in TRAINING_SUFFIXES)


def _digest(root: Path, paths: List[Path], *also: str) -> str:
    whole = hashlib.sha256("\0".join(also).encode())
    for path in paths:
        whole.update(f"\0{path.relative_to(root).as_posix()}\0{sha256(path)}".encode())
    return whole.hexdigest()


@click.command()
@click.option("--force", is_flag=True, help="Train even if nothing changed.")
@click.option("--check", is_flag=True, help="Only say whether training is needed; exit 1 if it is.")
@click.option("--compare", is_flag=True, help="Train beside the serving model and compare; exit 1 if it is worse.")
@click.option("--all", "everything", is_flag=True, help="With --compare: also the intents that stayed as they were.")
@click.option("--json", "as_json", is_flag=True, help="With --compare: one JSON object on the last line.")
def train(force: bool, check: bool, compare: bool, everything: bool, as_json: bool) -> None:
    """Train the model if anything it depends on changed."""
    if check:
        current = up_to_date(settings().models_dir)
        click.echo("The model is up to date." if current else "Training is needed.")
        sys.exit(0 if current else 1)
    try:
        if not compare:
            ensure_model(force)
            return
        from mostrador.operations.compare import compare_and_tell  # imports Rasa

        sys.exit(0 if compare_and_tell(train_candidate(force), everything, as_json) else 1)
    except (TrainingFailed, UntrustedModel) as why:
        raise click.ClickException(str(why)) from None
