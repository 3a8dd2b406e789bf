"""``mostrador model``: which trained models there are, which one serves, and how another one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import click

from mostrador.operations.installation import QUIET
from mostrador.operations.models import ModelStore, UnknownModel, UntrustedModel, Version
from mostrador.operations.training import digests
from mostrador.settings import ROOT, settings

SWAPPED_WITHIN = 60.0  # seconds a running Rasa gets to load the model
_TRY = (
    "import sys; from pathlib import Path; from mostrador.channels.loading import load_agent; "
    "load_agent(Path(sys.argv[1]))"
)


@click.group()
def model() -> None:
    """Which models there are; let another one serve, or the one before."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def list_models(as_json: bool) -> None:
    """The models that are kept, the newest first."""
    store = ModelStore(settings().models_dir)
    entries = _entries(store, digests())
    if as_json:
        click.echo(json.dumps({"models": entries}))
    elif not entries:
        click.echo("There is no model yet (mostrador train).")
    else:
        for entry in entries:
            words = ", ".join(filter(None, (entry["role"], "of the files as they are" if entry["current"] else "")))
            click.echo(f"{entry['name']}  {entry['trained_at'][:16]:<16}  {entry['id'][:8]:<8}  {words}".rstrip())


@model.command()
@click.argument("name", required=False)
@click.option("--wait/--no-wait", default=True, help="Wait until a running Rasa has it (the default).")
def promote(name: Optional[str], wait: bool) -> None:
    """Let a model serve: NAME, its beginning, or the newest one that was trained after the serving one."""

    def chosen(store: ModelStore) -> Version:
        found = store.named(name) if name else store.candidate()
        if found is None:
            raise UnknownModel("No model is newer than the serving one: `mostrador train --compare` makes one.")
        return found

    _switch(chosen, wait)


@model.command()
@click.option("--wait/--no-wait", default=True, help="Wait until a running Rasa has it (the default).")
def rollback(wait: bool) -> None:
    """Let the model serve that did so before."""

    def chosen(store: ModelStore) -> Version:
        before = store.before()
        if before is None:
            raise UnknownModel("No model served before the present one, or it is not kept any more.")
        return before

    _switch(chosen, wait)


def _switch(choose: Callable[[ModelStore], Version], wait: bool) -> None:
    store = ModelStore(settings().models_dir)
    try:
        with store.locked():
            version, files = choose(store), digests()
            if version.model == store.serving().model:
                click.echo(f"{version.name} serves already.")
                return
            path = store.path(version)
            if version.code != files["code"]:
                _try_to_load(version, path)
            store.serve(version, files)
    except (UnknownModel, UntrustedModel) as why:
        raise click.ClickException(str(why)) from None
    click.echo(f"{version.name} was chosen to serve.")
    if wait:
        _wait_for_rasa(version)


def _try_to_load(version: Version, path: Path) -> None:
    """A model of other components is loaded once before it may serve; raises UntrustedModel when it does not load."""
    done = subprocess.run(
        [sys.executable, "-c", _TRY, str(path)],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UntrustedModel(f"{version.name} was made by other components and does not load with these: {reason}")


def served_now() -> Optional[Dict[str, Any]]:
    """What the Rasa of this installation says of its model (``model``, ``problem``); None when it does not answer."""
    url = f"http://127.0.0.1:{settings().rasa_port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            told = json.load(answer)
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _wait_for_rasa(version: Version) -> None:
    deadline = time.monotonic() + SWAPPED_WITHIN
    while True:
        told = served_now()
        if told is None or "model" not in told:
            click.echo("Rasa does not run here now; it will serve this model when it does.")
            return
        if told["model"] == version.name:
            click.echo("Rasa serves it now.")
            return
        if version.name in str(told.get("problem", "")):
            raise click.ClickException(str(told["problem"]))
        if time.monotonic() > deadline:
            raise click.ClickException(f"Rasa still serves {told['model']}; see `mostrador doctor` and rasa.log.")
        time.sleep(0.2)


def _entries(store: ModelStore, files: Dict[str, str]) -> "list[Dict[str, Any]]":
    try:
        serving: Optional[Version] = store.serving()
        candidate = store.candidate()
    except UntrustedModel:
        serving = candidate = None
    before = store.before()
    versions = store.versions()
    if serving is not None and serving.model not in {version.model for version in versions}:
        versions.append(serving)  # trained before versions were kept
    roles = [(serving, "serves"), (before, "served before"), (candidate, "promoted next")]
    entries = []
    for version in versions:
        words = [word for one, word in roles if one is not None and one.model == version.model]
        entries.append(
            {
                "name": version.name,
                "id": version.id,
                "trained_at": version.trained_at,
                "role": ", ".join(words),
                "current": version.files == files,
            }
        )
    return entries
