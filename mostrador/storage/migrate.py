"""Bring a database to the newest schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_202_611  # one migration at a time, whoever starts first


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade(url: str) -> None:
    """Apply every migration that the database at ``url`` lacks; does nothing when it is up to date."""
    engine = create_engine(url, future=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:k)"), {"k": _LOCK})
            command.upgrade(_config(connection), "head")
    finally:
        engine.dispose()


def revisions(url: str) -> "tuple[str, str]":
    """The revision the database has (empty for none) and the newest one there is."""
    engine = create_engine(url, future=True)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision() or ""
            head = ScriptDirectory(str(MIGRATIONS)).get_current_head() or ""
            return current, head
    finally:
        engine.dispose()
