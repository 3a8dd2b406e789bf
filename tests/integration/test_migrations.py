"""What migrations make is what the code describes."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from mostrador.storage.migrate import _config, revisions, upgrade
from mostrador.storage.tables import metadata


def test_a_migrated_database_has_exactly_the_tables_that_the_code_describes(database_url: str) -> None:
    engine = create_engine(database_url, future=True)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_twice_does_nothing_the_second_time(empty_database_url: str) -> None:
    assert revisions(empty_database_url)[0] == ""
    upgrade(empty_database_url)
    upgrade(empty_database_url)
    current, head = revisions(empty_database_url)
    assert current == head != ""


def test_the_older_name_of_the_change_log_stays_readable(database_url: str) -> None:
    engine = create_engine(database_url, future=True)
    with engine.connect() as connection:
        columns = list(connection.execute(text("select * from inventory_change")).keys())
    engine.dispose()
    assert columns[5:8] == ["old_quantity", "new_quantity", "source"]


def test_every_migration_is_frozen() -> None:
    versions = Path(__file__).parents[2] / "mostrador" / "storage" / "migrations" / "versions"
    for file in versions.glob("*.py"):
        assert "mostrador.storage.tables" not in file.read_text(encoding="utf-8"), file.name


def test_a_database_that_a_shop_made_with_the_first_state_comes_along(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, future=True)
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
        columns = connection.execute(
            text("select column_name from information_schema.columns where table_name='outbox'")
        )
        assert "judged" not in columns
    upgrade(empty_database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
