from datetime import datetime, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mostrador.storage.engine import connect
from mostrador.storage.prepared import Prepared

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
COUNT = Prepared(
    "select cast(:n as int) + cast(:n as int) as twice, :words || '%' as said, cast(:at as timestamptz) as at"
)
PLANS = text("select name, generic_plans, custom_plans from pg_prepared_statements where name like 'mostrador_%'")


@pytest.fixture()
def engine(database_url):
    engine = connect(database_url, pool_size=2)
    yield engine
    engine.dispose()


def test_a_prepared_statement_answers_like_any_other_and_is_planned_once(engine):
    with engine.connect() as connection:
        for n in (1, 2, 3):
            row = COUNT(connection, n=n, words="it's ::a :n", at=NOW).one()
            assert (row.twice, row.said, row.at) == (2 * n, "it's ::a :n%", NOW)
        assert [(plan.generic_plans, plan.custom_plans) for plan in connection.execute(PLANS)] == [(3, 0)]


def test_each_connection_prepares_for_itself_and_again_after_it_was_lost(engine):
    with engine.connect() as one, engine.connect() as other:
        assert COUNT(one, n=1, words="", at=NOW).one().twice == 2
        assert COUNT(other, n=2, words="", at=NOW).one().twice == 4
        one.invalidate()
    with engine.connect() as connection, engine.connect() as other:
        assert COUNT(connection, n=3, words="", at=NOW).one().twice == 6
        assert COUNT(other, n=3, words="", at=NOW).one().twice == 6


def test_a_statement_that_fails_stays_prepared_and_a_rolled_back_transaction_forgets_nothing(engine):
    wrong = Prepared("select 1 / cast(:n as int) as n")
    with engine.connect() as connection:
        with pytest.raises(DBAPIError):
            wrong(connection, n=0)
        connection.rollback()
        assert wrong(connection, n=1).scalar() == 1
