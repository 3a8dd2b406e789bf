"""Humans take, answer and give back conversations from a terminal, on a real database."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterator, List

import pytest
from click.testing import CliRunner, Result

from mostrador.bootstrap import Services, build
from mostrador.operations import handover_command
from mostrador.operations.handover_command import handover, how_long
from mostrador.settings import read_settings
from mostrador.shop.conversations import ask_for_human
from mostrador.shop.messages import Say
from mostrador.storage import tables

NOW = datetime.now(timezone.utc)
ASHA, MATEO = "a1b2c3d4e5f60718293a4b5c6d7e8f90", "a1ffffff00000000000000000000000a"


@pytest.fixture()
def shop(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    made = build(read_settings(database_url=database_url))
    with made.engine.begin() as connection:
        for number, (conversation_id, name) in enumerate(((ASHA, "Asha"), (MATEO, "Mateo")), start=1):
            connection.execute(tables.contact.insert().values(id=number, name=name, language="en", created_at=NOW))
            connection.execute(
                tables.conversation.insert().values(
                    id=conversation_id, contact_id=number, business_number="1", created_at=NOW
                )
            )
    monkeypatch.setattr(handover_command, "services", lambda: made)
    yield made
    made.engine.dispose()


@pytest.fixture()
def run(shop: Services) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(handover, list(arguments))

    return invoke


def wrote(shop: Services, conversation_id: str, text: str, kind: str = "text", status: str = "done") -> None:
    at = datetime.now(timezone.utc)
    with shop.engine.begin() as connection:
        connection.execute(
            tables.inbox.insert().values(
                provider_id=f"wamid.{conversation_id[:3]}.{at.timestamp()}",
                conversation_id=conversation_id,
                kind=kind,
                sent_at=at,
                received_at=at,
                due_at=at,
                status=status,
                message={"text": text},
            )
        )


def queued(shop: Services, conversation_id: str, text: str, speaker: str, key: str, at: datetime = NOW) -> None:
    with shop.uow() as uow:
        uow.conversations.say(conversation_id, Say(text=text), speaker, key, at)
        uow.commit()


def outbox(shop: Services) -> List[Dict[str, Any]]:
    with shop.engine.connect() as connection:
        return [dict(row) for row in connection.execute(tables.outbox.select().order_by(tables.outbox.c.id)).mappings()]


def test_nobody_waits_at_first(run: Callable[..., Result]) -> None:
    assert run("list").output == "Nobody waits for a human.\n"
    assert json.loads(run("list", "--json").output) == {"conversations": [], "tasks": []}


def test_the_list_shows_who_waits_why_since_when_and_what_was_said(shop: Services, run: Callable[..., Result]) -> None:
    wrote(shop, ASHA, "I want to speak to a person")
    wrote(shop, ASHA, "it is urgent \x1b[31m\nplease", status="kept")
    wrote(shop, ASHA, "", kind="audio", status="kept")
    asked = datetime.now(timezone.utc) - timedelta(minutes=185)
    ask_for_human(shop.uow(), ASHA, "asked for a person", "turn-1", asked)

    shown = run("list").output

    assert shown.startswith("a1b2c3d4  Asha  waits since ") and "(3 h 5 min), speaks en" in shown
    assert "because: asked for a person" in shown
    assert shown.index("I want to speak") < shown.index("it is urgent") < shown.index("(audio)")
    assert "\x1b" not in shown, "what people write does nothing to the terminal"
    entry = json.loads(run("list", "--json", "--messages", "1").output)["conversations"][0]
    assert (entry["conversation"], entry["owner"], len(entry["last"])) == (ASHA, "queued", 1)


def test_the_longest_waiting_comes_first(shop: Services, run: Callable[..., Result]) -> None:
    ask_for_human(shop.uow(), ASHA, "x", "turn-1", NOW)
    ask_for_human(shop.uow(), MATEO, "x", "turn-2", NOW - timedelta(hours=1))

    entries = json.loads(run("list", "--json").output)["conversations"]

    assert [entry["name"] for entry in entries] == ["Mateo", "Asha"]


def test_what_the_bot_had_not_sent_is_dropped_at_the_takeover_and_the_humans_words_are_sent(
    shop: Services, run: Callable[..., Result]
) -> None:
    queued(shop, ASHA, "bot, before", "bot", "k1")
    queued(shop, MATEO, "bot, another conversation", "bot", "k2")

    assert run("take", "a1b2", "--as", "Ana").exit_code == 0
    assert run("reply", "a1b2", "We ship on Monday", "--as", "Ana").exit_code == 0

    rows = {row["say"]["text"]: (row["status"], row["speaker"]) for row in outbox(shop)}
    assert rows == {
        "bot, before": ("dropped", "bot"),
        "bot, another conversation": ("queued", "bot"),
        "We ship on Monday": ("queued", "human"),
    }


def test_messages_that_wait_at_the_takeover_are_the_humans_to_read(shop: Services, run: Callable[..., Result]) -> None:
    wrote(shop, ASHA, "still there?", status="new")

    run("take", "a1b2", "--as", "Ana")

    with shop.engine.connect() as connection:
        assert connection.execute(tables.inbox.select()).one().status == "kept"
    assert "still there?" in run("list").output


def test_the_same_key_again_says_nothing_twice(shop: Services, run: Callable[..., Result]) -> None:
    run("take", "a1b2", "--as", "Ana")

    for _ in range(2):
        assert run("reply", "a1b2", "Yes", "--as", "Ana", "--key", "ticket-7").exit_code == 0
    assert run("reply", "a1b2", "Yes", "--as", "Ana").exit_code == 0

    assert [row["say"]["text"] for row in outbox(shop)] == ["Yes", "Yes"], "one by key, one by will"


def test_a_conversation_belongs_to_one_human(shop: Services, run: Callable[..., Result]) -> None:
    run("take", "a1b2", "--as", "Ana")

    taken = run("take", "a1b2", "--as", "Luis")
    spoken = run("reply", "a1b2", "me too", "--as", "Luis")
    given = run("release", "a1b2", "--as", "Luis")

    assert (taken.exit_code, taken.output) == (1, "Error: Ana has this conversation already.\n")
    assert spoken.exit_code == 1 and "Ana has this conversation: take it first" in spoken.output
    assert given.exit_code == 1
    assert run("take", "a1b2", "--as", "Ana").exit_code == 0, "taking one's own again changes nothing"
    assert not outbox(shop)


def test_nobody_speaks_in_the_bots_conversation(shop: Services, run: Callable[..., Result]) -> None:
    answer = run("reply", "a1b2", "hello", "--as", "Ana")

    assert answer.exit_code == 1 and "The bot has this conversation: take it first" in answer.output


def test_released_the_bot_owns_it_again_and_the_task_is_done(shop: Services, run: Callable[..., Result]) -> None:
    ask_for_human(shop.uow(), ASHA, "asked", "turn-1", NOW)
    run("take", "a1b2", "--as", "Ana")

    answer = run("release", "a1b2", "--as", "Ana", "--json")

    assert json.loads(answer.output) == {"ok": True, "conversation": ASHA, "owner": "bot"}
    assert run("list").output == "Nobody waits for a human.\n"
    with shop.uow() as uow:
        assert uow.tasks.open_tasks() == []


@pytest.mark.parametrize(
    "start, sentence",
    [
        ("zz", "No conversation begins with “zz”"),
        ("a1", "Several conversations begin with “a1”"),
        ("%", "No conversation begins with “%”"),
        ("", "No conversation begins with “”"),
    ],
)
def test_an_id_that_names_no_single_conversation_is_told(run: Callable[..., Result], start: str, sentence: str) -> None:
    answer = run("take", start, "--as", "Ana")

    assert answer.exit_code == 1 and sentence in answer.output


def test_a_reply_that_no_message_can_hold_is_refused(shop: Services, run: Callable[..., Result]) -> None:
    run("take", "a1b2", "--as", "Ana")

    assert "at most 4096" in run("reply", "a1b2", "x" * 4097, "--as", "Ana").output
    assert "nothing to say" in run("reply", "a1b2", "  ", "--as", "Ana").output
    assert not outbox(shop)


def test_a_database_that_is_away_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, run: Callable[..., Result]
) -> None:
    away = build(read_settings(database_url="postgresql+psycopg2://nobody@/nothing?host=/nowhere"))
    monkeypatch.setattr(handover_command, "services", lambda: away)

    answer = run("list")

    assert answer.exit_code == 1 and "The database does not answer" in answer.output


def test_durations_are_told_roughly() -> None:
    told = [how_long(NOW - timedelta(seconds=s), NOW) for s in (20, 720, 3 * 3600 + 300, 2 * 86400 + 4 * 3600)]

    assert told == ["just now", "12 min", "3 h 5 min", "2 d 4 h"]


def test_what_failed_is_on_the_list_until_somebody_has_looked_after_it(
    shop: Services, run: Callable[..., Result]
) -> None:
    with shop.uow() as uow:
        uow.tasks.open("failed_turn", ASHA, {"reference": "1f", "reason": "NoReply"}, "failed_turn|x", NOW)
        uow.commit()
    listed = run("list").output
    assert "a message could not be answered" in listed
    assert "reference 1f" in listed
    task = json.loads(run("list", "--json").output)["tasks"][0]["task"]
    assert run("done", str(task)).exit_code == 0
    assert "could not be answered" not in run("list").output
    assert run("done", str(task)).exit_code == 1
