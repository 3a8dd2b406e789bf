"""What was saved can be had back."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Callable

import pytest
from sqlalchemy import create_engine, text

from mostrador.operations.backup import BackupFailed, _connection, read_backup, write_backup


def _sql(url: str, statement: str) -> object:
    engine = create_engine(url, future=True)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        value = result.scalar() if result.returns_rows else None
    engine.dispose()
    return value


def test_a_backup_restores_into_a_changed_database_and_into_an_empty_one(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    url, file = new_database(), tmp_path / "shop.dump"
    _sql(url, "create table kept as select 7 as n")
    write_backup(url, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    _sql(url, "update kept set n = 8")
    other = new_database()
    for target in (url, other):
        read_backup(target, file)
        assert _sql(target, "select n from kept") == 7


def test_a_broken_file_changes_nothing(new_database: Callable[..., str], tmp_path: Path) -> None:
    url, file = new_database(), tmp_path / "shop.dump"
    _sql(url, "create table kept as select 7 as n")
    file.write_bytes(b"not a dump")
    with pytest.raises(BackupFailed):
        read_backup(url, file)
    assert _sql(url, "select n from kept") == 7


def test_a_failed_backup_leaves_the_old_file(postgres: object, tmp_path: Path) -> None:
    file = tmp_path / "shop.dump"
    file.write_bytes(b"yesterday's")
    with pytest.raises(BackupFailed):
        write_backup("postgresql+psycopg2://nobody@/nothing?host=/nowhere", file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["shop.dump"]
    assert file.read_bytes() == b"yesterday's"


def test_a_password_is_not_on_the_command_line() -> None:
    options, environment = _connection("postgresql+psycopg2://shop:s3cr%40t@db.example:5433/shop?sslmode=require")
    assert environment["PGPASSWORD"] == "s3cr@t"
    assert "s3cr" not in options[0]
    assert options == ["--dbname=host='db.example' port='5433' user='shop' dbname='shop' sslmode='require'"]
