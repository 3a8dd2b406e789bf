"""What the logs do not tell: who writes, from which number, and what."""

from __future__ import annotations

import traceback
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mostrador.operations.stack import TemporaryStack
from mostrador.storage.engine import connect

PHONE, NAME, WORDS = "910207770001", "Tejaswini", "zanzibar kumquat"


def test_an_error_of_the_database_does_not_quote_what_was_written(database_url: str) -> None:
    engine = connect(database_url, 1)
    for wrong in (
        "select 1 from no_such_table where words = :words",
        "insert into contact (id, name) values (1, :words)",
    ):
        with pytest.raises(DBAPIError) as error, engine.connect() as connection:
            connection.execute(text(wrong), {"words": WORDS})
        assert WORDS not in "".join(traceback.format_exception(error.type, error.value, None))
        assert error.value.orig.pgcode in ("42P01", "23502")
    engine.dispose()


@pytest.mark.slow
def test_no_process_logs_a_name_a_number_or_a_word(stack: TemporaryStack) -> None:
    stack.wait_until_healthy()
    stack.simulator.put_contact(phone=PHONE, name=NAME)
    said = stack.simulator.say(PHONE, WORDS)["n"]
    stack.simulator.replies(PHONE, said, count=1, within=60)
    forged = httpx.post(
        f"http://127.0.0.1:{stack.settings.ingress_port}/webhooks/whatsapp/webhook",
        json={"object": "whatsapp_business_account", "entry": [{"from": PHONE, "name": NAME, "text": WORDS}]},
        headers={"X-Hub-Signature-256": "sha256=" + "0" * 64},
    )
    assert forged.status_code == 401
    stack.kill("postgres")
    said = stack.simulator.say(PHONE, WORDS)["n"]
    stack.simulator.replies(PHONE, said, count=1, within=60)
    stack.wait_until_healthy()
    stack.wait_until_quiet()

    found = {
        (log.name, personal)
        for log in Path(stack.var / "log").iterdir()
        for personal in (PHONE, NAME, *WORDS.split())
        if personal in log.read_text(encoding="utf-8", errors="replace")
    }
    assert found == set()
