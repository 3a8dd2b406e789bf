"""The player is as strict as it says, and what a stack's processes lose by being killed comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mostrador.operations.conversation_file import read
from mostrador.operations.converse import as_json, command, play_all
from mostrador.operations.stack import RunningStack, StackUnavailable, TemporaryStack, free_ports
from mostrador.settings import read_settings

pytestmark = pytest.mark.slow

KILLED = ["rasa", "actions", "ingress", "sender", "postgres"]
WRONG = """
conversation: another response
steps:
  - user: "help"
  - bot: utter_greet
---
conversation: other words
steps:
  - user: "help"
  - bot: {response: utter_help, text: nonsense}
---
conversation: other buttons
steps:
  - user: "help"
  - bot: {response: utter_help, buttons: [Sold out]}
---
conversation: a picture where there is none
steps:
  - user: "help"
  - bot: {response: utter_help, image: true}
---
conversation: too few replies
steps:
  - user: "help"
  - bot: [utter_help, utter_help]
---
conversation: too many replies
steps:
  - user: "what is running low"
  - bot: utter_card_low_stock
---
conversation: not silent
steps:
  - user: "help"
  - nothing: 300ms
---
conversation: replies nobody looked at
steps:
  - user: "help"
---
conversation: a button that is not there
steps:
  - user: "help"
  - bot: utter_help
  - tap: Buy a car
---
conversation: another stock
steps:
  - database: {stock: {kurta-m: 7}}
---
conversation: a ware that is not there
steps:
  - database: {stock: {car: 7}}
---
conversation: a query that gives something else
steps:
  - database: {query: "select 1, 2", equals: [[1, 3]]}
---
conversation: a query that is none
steps:
  - database: {query: "selct", equals: 1}
---
conversation: nobody to take over from
steps:
  - handover: {take: Ana}
"""


def test_whatever_does_not_hold_is_told_with_its_line(stack: TemporaryStack, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yml"
    file.write_text(WRONG, encoding="utf-8")

    outcome = as_json(play_all(stack, read(file)), 1.0, 1.0)

    told = {entry["conversation"]: entry for entry in outcome["failed"]}
    assert not outcome["ok"] and (outcome["passed"], len(told)) == (0, outcome["conversations"])
    lines = WRONG.splitlines()
    for entry in told.values():
        assert entry["file"] == str(file) and lines[entry["line"] - 1].strip(), entry
    expected = {title: (entry["expected"], entry["got"]) for title, entry in told.items()}
    assert expected["another response"][0] == "utter_greet" and "utter_help" in expected["another response"][1]
    assert expected["other words"][0] == "the words “nonsense”"
    assert expected["other buttons"][0] == "the buttons [Sold out]"
    assert expected["a picture where there is none"][0] == "a picture"
    assert expected["too few replies"][1].startswith("only utter_help")
    assert expected["too many replies"][0] == "1 messages" and expected["too many replies"][1].startswith("2: ")
    assert expected["not silent"][0] == "silence for 0.3 s"
    assert expected["replies nobody looked at"][0] == "no more messages in the end"
    assert "no button with title" in expected["a button that is not there"][1]
    assert expected["another stock"] == ("the stock of kurta-m to be 7", "0")
    assert expected["a ware that is not there"][0] == "a ware 'car' on the shelf"
    assert expected["a query that gives something else"] == ("the query to give [[1, 3]]", "[[1, 2]]")
    assert "syntax error" in expected["a query that is none"][1]
    assert expected["nobody to take over from"][0] == "a conversation"


def test_a_stack_that_runs_already_is_played_on_by_command(
    stack: TemporaryStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mostrador.operations.converse.settings", lambda: stack.settings)
    good = tmp_path / "good.yml"
    good.write_text('conversation: Help\nsteps:\n  - user: "help"\n  - bot: utter_help\n', encoding="utf-8")

    held = CliRunner().invoke(command, [str(good), "--stack", stack.simulator_url, "--json", "-v"])

    assert held.exit_code == 0, held.output
    assert "◂ utter_help: " in held.output
    assert json.loads(held.output.splitlines()[-1])["passed"] == 1

    good.write_text('conversation: Help\nsteps:\n  - user: "help"\n  - bot: utter_thank\n', encoding="utf-8")
    failed = CliRunner().invoke(command, [str(good), "--stack", stack.simulator_url, "--json"])
    assert failed.exit_code == 1
    assert json.loads(failed.output.splitlines()[-1])["failed"][0]["line"] == 4


def test_nothing_running_is_told_in_a_sentence(stack: TemporaryStack) -> None:
    with pytest.raises(StackUnavailable, match="Nothing answers at"):
        RunningStack(stack.settings, f"http://127.0.0.1:{free_ports(1)[0]}")


@pytest.mark.parametrize("name", KILLED)
def test_a_message_written_while_a_process_is_dead_is_answered_once(stack: TemporaryStack, name: str) -> None:
    phone = f"91020000000{KILLED.index(name)}"
    stack.wait_until_healthy()
    before = stack.kill(name)

    number = stack.simulator.say(phone, "hello")["n"]

    replies = stack.simulator.replies(phone, number, count=1, within=60, quiet=0.3)
    stack.wait_until_healthy()
    stack.wait_until_quiet()
    assert len(replies) == 1, [reply["view"]["text"] for reply in replies]
    assert stack.processes()[name] not in (0, before)


def test_the_stack_sees_none_of_the_shops_own_settings(stack: TemporaryStack) -> None:
    mine = read_settings()

    assert stack.settings.var_dir != mine.var_dir and stack.settings.ingress_port != mine.ingress_port
    assert str(stack.settings.env_file) == "/dev/null"
    assert stack.settings.graph_base_url.startswith("http://127.0.0.1:")
