"""What the phone page asks of whoever replays conversations; the page itself is in test_phone_page.py."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
import requests

from mostrador.operations.conversation_file import parse
from mostrador.operations.replay import ReplayServer
from mostrador.operations.replay_runs import AT_THE_END, CannotReplay, Replays, sources
from mostrador.settings import ROOT

TALKS = ROOT / "tests" / "conversations"
HELLO = """
conversation: A stranger says hello
contact: {role: stranger}
steps:
  # a comment
  - user: "hi"
  - again: true
    user: "hi"

  - bot:
      - {text: hello}

# the next one
---
conversation: Another
steps:
  - user: bye
"""


def test_each_step_is_told_as_it_is_written() -> None:
    first, second = parse(HELLO, Path("a.yml"))
    assert sources(HELLO, first.steps, second.place.line) == [
        {"line": 6, "yaml": 'user: "hi"'},
        {"line": 7, "yaml": 'again: true\nuser: "hi"'},
        {"line": 10, "yaml": "bot:\n  - {text: hello}"},
    ]
    assert sources(HELLO, second.steps) == [{"line": 17, "yaml": "user: bye"}]


def test_conversations_are_listed_and_the_unreadable_and_unplayable_say_why(tmp_path: Path) -> None:
    (tmp_path / "good.yml").write_text(HELLO)
    (tmp_path / "long.yml").write_text("conversation: Long\nsteps:\n  - user: hi\n  - wait: 25h\n")
    (tmp_path / "wrong.yml").write_text("conversation: Wrong\nsteps:\n  - shout: hi\n")
    good, long, wrong = Replays(None, tmp_path).conversations()["files"]  # type: ignore[arg-type]
    assert good["conversations"][1] == {"index": 1, "title": "Another", "steps": 1}
    assert "Hours pass" in long["conversations"][0]["why_not"]
    assert wrong["error"].startswith("wrong.yml:3:")


@pytest.mark.parametrize(
    "order, reason",
    [
        ({"file": "../../pyproject.toml"}, "no such file"),
        ({"file": "a.yml", "index": 2}, "2 conversations"),
        ({"yaml": "steps: ["}, "uploaded.yml:1"),
        ({"yaml": "conversation: x\nsteps:\n  - send: {image: ../../etc/hostname}\n"}, "cannot send files"),
        ({"yaml": "conversation: x\nsteps:\n  - database: {query: select 1, equals: 1}\n"}, "queries are only run"),
        ({"yaml": "conversation: x\nsteps:\n  - wait: 2h\n"}, "Hours pass"),
        ({}, "no such file"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(tmp_path: Path, order: Dict[str, Any], reason: str) -> None:
    (tmp_path / "a.yml").write_text(HELLO)
    with pytest.raises(CannotReplay, match=reason):
        Replays(None, tmp_path).begin(order)  # type: ignore[arg-type]


@pytest.fixture()
def server(tmp_path: Path) -> Iterator[str]:
    it = ReplayServer(0, lambda: Replays(None, tmp_path))  # type: ignore[arg-type]
    threading.Thread(target=it.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{it.server_port}"
    it.shutdown()
    it.server_close()


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Host": "evil.test"}]
)
def test_no_web_site_makes_it_play(server: str, headers: Dict[str, str]) -> None:
    for method in ("GET", "POST"):
        answer = requests.request(method, f"{server}/conversations", headers=headers, json={}, timeout=5)
        assert (answer.status_code, answer.json()) == (403, {"error": "Only the phone simulator may ask."})


def test_wrong_requests_are_told_why(server: str) -> None:
    def post(path: str, data: bytes) -> requests.Response:
        return requests.post(f"{server}/{path}", data=data, timeout=5)

    assert requests.get(f"{server}/conversations", timeout=5).json() == {"files": []}
    assert post("runs", b"{").status_code == 400
    assert post("runs", b"[]").status_code == 400
    assert post("runs", b" " * 600_000).status_code == 413
    assert post("runs/unknown/next", b"{}").status_code == 404
    assert requests.delete(f"{server}/runs/unknown", timeout=5).status_code == 404
    assert requests.get(f"{server}/elsewhere", timeout=5).status_code == 404


def test_a_talk_is_played_on_the_running_stack_to_its_end_and_not_further(stack: Any) -> None:
    replays = Replays(stack.settings, TALKS)
    steps = "  - user: hi\n  - bot: utter_greet_guest\n  - {user: hi, again: true}\n  - bot: utter_greet_guest\n"
    begun = replays.begin({"yaml": "conversation: x\ncontact: {role: stranger}\nsteps:\n" + steps})
    assert begun["steps"][-1]["yaml"] == AT_THE_END
    assert begun["contact"] in {contact["key"] for contact in stack.simulator.contacts()}
    outcomes = []
    while not outcomes or not outcomes[-1]["over"]:
        outcomes.append(replays.next(begun["id"]))
    assert [outcome["ok"] for outcome in outcomes] == [True] * 5, json.dumps(outcomes)
    assert outcomes[1]["happened"][0].startswith("◂ utter_greet_guest")
    with pytest.raises(CannotReplay, match="to its end"):
        replays.next(begun["id"])
    replays.end(begun["id"])
    with pytest.raises(CannotReplay, match="gone"):
        replays.next(begun["id"])
