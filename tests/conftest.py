"""One PostgreSQL server for the whole test run; each test that asks gets a database of its own."""

from __future__ import annotations

import shutil
from typing import Any, Callable, Iterator
from uuid import uuid4

import pytest

from mostrador.operations.embedded_postgres import THROWAWAY, EmbeddedPostgres, temporary_home

TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A running embedded server in a temporary directory, without durability; it dies with the test run."""
    home = temporary_home()
    server = EmbeddedPostgres(home, THROWAWAY)
    try:
        server.start()
        yield server
        server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def _administrator(postgres: EmbeddedPostgres) -> Iterator[Any]:
    connection = postgres.connect()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def _template(postgres: EmbeddedPostgres) -> str:
    from mostrador.storage.migrate import upgrade

    postgres.ensure_database(TEMPLATE)
    upgrade(postgres.url(TEMPLATE))
    return TEMPLATE


@pytest.fixture()
def new_database(postgres: EmbeddedPostgres, _administrator: Any) -> Iterator[Callable[[str], str]]:
    """Make a database from a template and return its URL; dropped after the test, whoever is still connected."""
    names = []

    def make(template: str = "template0") -> str:
        name = f"test_{uuid4().hex[:12]}"
        with _administrator.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        names.append(name)
        return postgres.url(name)

    yield make
    with _administrator.cursor() as cursor:
        for name in names:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture()
def database_url(new_database: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """The SQLAlchemy URL of a fresh database with all migrations applied."""
    return new_database(request.getfixturevalue("_template"))


@pytest.fixture()
def empty_database_url(new_database: Callable[[str], str]) -> str:
    """The SQLAlchemy URL of a fresh database without any table."""
    return new_database("template0")


@pytest.fixture(scope="session")
def stack() -> Iterator[Any]:
    """A whole Mostrador with an empty shop and a database server of its own; its clock only ever moves forward."""
    from mostrador.operations.stack import TemporaryStack

    with TemporaryStack() as running:
        yield running
