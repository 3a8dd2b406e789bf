"""The embedded server survives what happens to servers."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from pathlib import Path
from typing import Iterator

import psycopg2
import pytest

from mostrador.operations.embedded_postgres import (
    THROWAWAY,
    EmbeddedPostgres,
    PostgresUnavailable,
    default_home,
    temporary_home,
)


@pytest.fixture()
def server() -> Iterator[EmbeddedPostgres]:
    home = temporary_home()
    server = EmbeddedPostgres(home, THROWAWAY)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _pid(server: EmbeddedPostgres) -> int:
    return int((server.data_dir / "postmaster.pid").read_text().splitlines()[0])


def test_a_killed_server_starts_again_with_its_data(server: EmbeddedPostgres) -> None:
    server.start()
    server.ensure_database("shop")
    connection = server.connect("shop")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    os.kill(_pid(server), signal.SIGKILL)
    server.start()
    with server.connect("shop").cursor() as cursor:
        cursor.execute("SELECT n FROM kept")
        assert cursor.fetchone() == (7,)


def test_a_lock_file_naming_a_stranger_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    server.start()
    lines = (server.data_dir / "postmaster.pid").read_text().splitlines()
    server.stop()
    (server.data_dir / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    server.start()
    assert server.is_ready()


def test_nobody_else_may_enter_and_nothing_listens_on_tcp(server: EmbeddedPostgres) -> None:
    server.start()
    for directory in (server.home, server.socket_dir, server.data_dir):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    with server.connect().cursor() as cursor:
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)


def test_making_a_database_twice_is_making_it_once(server: EmbeddedPostgres) -> None:
    server.start()
    server.ensure_database("shop")
    server.ensure_database("shop")
    assert psycopg2.connect(server.url("shop").replace("+psycopg2", "")).closed == 0


def test_a_deep_home_gets_a_short_socket_directory(tmp_path: Path) -> None:
    deep = EmbeddedPostgres(tmp_path / ("a" * 60) / ("b" * 60))
    assert len(f"{deep.socket_dir}/.s.PGSQL.5432.lock") <= 107
    assert deep.socket_dir == EmbeddedPostgres(deep.home).socket_dir


def test_somebody_elses_socket_directory_is_refused(tmp_path: Path) -> None:
    deep = EmbeddedPostgres(tmp_path / ("a" * 60) / ("b" * 60), THROWAWAY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    deep.socket_dir.symlink_to(elsewhere)
    try:
        with pytest.raises(PostgresUnavailable, match="belongs to somebody else"):
            deep.ensure_initialised()
    finally:
        deep.socket_dir.unlink()


def test_an_installation_keeps_its_home_and_another_gets_another(tmp_path: Path) -> None:
    assert default_home(tmp_path / "a") == default_home(tmp_path / "a")
    assert default_home(tmp_path / "a") != default_home(tmp_path / "b")
