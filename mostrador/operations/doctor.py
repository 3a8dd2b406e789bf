"""``mostrador doctor``: what is configured, what is missing, is it reachable. Prints no secret."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from typing import Callable, Iterator, List, Tuple

import click
from pydantic import SecretStr

from mostrador.operations.installation import Installation
from mostrador.operations.model_command import served_now
from mostrador.operations.models import ModelStore, UntrustedModel, Version
from mostrador.operations.processes import NEEDED, CannotRun, report, secret_settings
from mostrador.operations.training import digests, up_to_date
from mostrador.settings import Settings

FREE_NEEDED = 2 * 1024**3  # bytes: logs, feeds while they are swapped, a model beside the old one
FEED_OLD_AFTER = 12.0  # hours; it comes three times a day

GOOD, NOTE, BAD = "ok", "note", "missing"


@dataclass(frozen=True)
class Finding:
    """One line of the report. ``state``: ok, note (works without), missing (something needed does not work)."""

    what: str
    state: str
    said: str


Check = Callable[[Installation], Iterator[Finding]]


def _python(installation: Installation) -> Iterator[Finding]:
    right = sys.version_info[:2] == (3, 10)
    yield Finding("Python", GOOD if right else BAD, platform.python_version() + ("" if right else ", 3.10 is needed"))


def _disk(installation: Installation) -> Iterator[Finding]:
    places = [("var", installation.var), ("models", installation.settings.models_dir)]
    if installation.postgres is not None:
        places.append(("database", installation.postgres.home))
    for name, path in places:
        while not path.exists():
            path = path.parent
        free = shutil.disk_usage(path).free
        yield Finding(f"disk: {name}", GOOD if free > FREE_NEEDED else BAD, f"{free / 1024**3:.1f} GiB free at {path}")


def _database(installation: Installation) -> Iterator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from mostrador.storage.migrate import revisions

    kind = "embedded" if installation.embedded else "DATABASE_URL"
    try:
        current, newest = revisions(installation.settings.database_url)
    except SQLAlchemyError:
        yield Finding(
            "database", BAD, f"{kind}: does not answer" + (" (mostrador up)" if installation.embedded else "")
        )
        return
    yield Finding("database", GOOD, f"{kind}: answers")
    said = f"at revision {current or 'none'}" + ("" if current == newest else f", the newest is {newest}: mostrador up")
    yield Finding("migrations", GOOD if current == newest else BAD, said)
    yield from _feed(installation)


def _feed(installation: Installation) -> Iterator[Finding]:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from mostrador.bootstrap import build

    made = build(installation.settings, pool_size=1)
    query = text(
        "select kind, row_count, published_at from recommendation_snapshot where state = 'current' order by kind"
    )
    try:
        with made.engine.connect() as connection:
            rows = connection.execute(query).all()
    except SQLAlchemyError:
        yield Finding("feed", NOTE, "cannot be asked")
        return
    finally:
        made.engine.dispose()
    if not rows:
        yield Finding("feed", NOTE, "none loaded yet (mostrador feed load)")
    for kind, count, published_at in rows:
        hours = (made.clock.now() - published_at).total_seconds() / 3600
        state = GOOD if hours < FEED_OLD_AFTER else NOTE
        yield Finding(f"feed: {kind}", state, f"{count} rows, {hours:.1f} h old")


def _model(installation: Installation) -> Iterator[Finding]:
    models = installation.settings.models_dir
    store = ModelStore(models)
    try:
        serving = store.serving()
        store.path(serving)
    except UntrustedModel as why:
        yield Finding("model", BAD, str(why))
        return
    if serving.files == digests():
        yield Finding("model", GOOD, f"{serving.name}, up to date")
    elif up_to_date(models):
        yield Finding("model", NOTE, f"{serving.name}, by choice not of the training files as they are")
    else:
        yield Finding("model", NOTE, f"{serving.name}, older than the training files (mostrador train)")
    yield from _model_served(serving)


def _model_served(chosen: Version) -> Iterator[Finding]:
    told = served_now()
    if told is None or "model" not in told:
        return  # that Rasa does not answer is said of the processes
    if told.get("problem"):
        yield Finding("model served", BAD, str(told["problem"]))
    elif told["model"] != chosen.name:
        yield Finding("model served", NOTE, f"{told['model']} still; Rasa is loading {chosen.name}")
    else:
        yield Finding("model served", GOOD, str(told["model"]))


def _processes(installation: Installation) -> Iterator[Finding]:
    try:
        entries = report(installation)
    except CannotRun:
        yield Finding("processes", BAD, "not running (mostrador up)")
        return
    for entry in entries:
        port = f", port {entry['port']}" if entry["port"] else ""
        said = f"{entry['state']}{port}" + ("" if entry["healthy"] else ", does not answer")
        yield Finding(f"process: {entry['name']}", GOOD if entry["healthy"] else BAD, said)


def _configuration(installation: Installation) -> Iterator[Finding]:
    config = installation.settings
    yield Finding("mode", GOOD, "demo: simulator in WhatsApp's place" if installation.demo else "for real")
    for name in [*NEEDED, *(other for other in secret_settings() if other not in NEEDED)]:
        value = getattr(config, name)
        is_set = bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
        missing = BAD if name in NEEDED else NOTE
        yield Finding(Settings.variable(name), GOOD if is_set else missing, "set" if is_set else "not set")
    if config.send_only_to:
        yield Finding("SEND_ONLY_TO", NOTE, f"staging: sends to {len(config.send_only_to)} number(s) only")
    else:
        yield Finding("SEND_ONLY_TO", GOOD, "not set: sends to everybody who may be written to")


def _graph(installation: Installation) -> Iterator[Finding]:
    config = installation.settings
    url = config.graph_base_url
    request = urllib.request.Request(f"{url}/{config.graph_version}/", method="GET")  # noqa: S310 - from the settings
    started = time.monotonic()
    try:
        urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - from the settings
    except urllib.error.HTTPError:
        pass  # an answer is an answer: without a token Meta's is 400
    except (OSError, ValueError) as why:
        yield Finding("WhatsApp API", BAD, f"{url} cannot be reached ({getattr(why, 'reason', why)})")
        return
    yield Finding("WhatsApp API", GOOD, f"{url} answers in {(time.monotonic() - started) * 1000:.0f} ms")


CHECKS: Tuple[Check, ...] = (_python, _disk, _configuration, _database, _model, _processes, _graph)


def examine(installation: Installation) -> List[Finding]:
    """All findings, in the order in which one would look."""
    return [finding for check in CHECKS for finding in check(installation)]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def doctor(as_json: bool) -> None:
    """What is configured, what is missing, is it reachable; exit 1 when something needed is missing."""
    findings = examine(Installation())
    well = all(finding.state != BAD for finding in findings)
    if as_json:
        click.echo(json.dumps({"well": well, "findings": [asdict(finding) for finding in findings]}))
    else:
        width = max(len(finding.what) for finding in findings)
        colours = {GOOD: "green", NOTE: "yellow", BAD: "red"}
        for finding in findings:
            mark = click.style(f"{finding.state:<7}", fg=colours[finding.state])
            click.echo(f"{mark} {finding.what:<{width}}  {finding.said}")
        click.echo("All that is needed is there." if well else "Something needed is missing.")
    sys.exit(0 if well else 1)
