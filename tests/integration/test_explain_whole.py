"""On a whole stack: every turn can be explained, and what was recorded plays again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Dict, List
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner

from mostrador.operations import explain_command, export_command
from mostrador.operations.conversation_file import Conversation, Nothing, Wait, read
from mostrador.operations.converse import play_all
from mostrador.operations.stack import TemporaryStack
from mostrador.settings import ROOT
from mostrador.storage.explained import Explanations

pytestmark = pytest.mark.slow

TALKS = ROOT / "tests" / "conversations"
SURNAME = "Kumarasamy"
PLAYED = [
    "happy_path/refill.yml",
    "happy_path/variations.yml",
    "cancellations/cancel_form.yml",
    "digressions/in_the_form.yml",
    "sessions/eight_minutes.yml",
    "ownership/human.yml",
    "ownership/consent.yml",
    "invalid_input/other_kinds.yml",
    "languages/switching.yml",
    "languages/hindi.yml",
]


@pytest.fixture(scope="module")
def played(stack: TemporaryStack) -> Dict[str, Conversation]:
    """Conversations that held, by the number that they were played with."""
    found = [conversation for name in PLAYED for conversation in read(TALKS / name)]
    found = [c for c in found if not any(isinstance(s, Wait) and s.seconds >= 3600 for s in c.steps)]
    chosen = {
        f"9103{number:08d}": replace(
            c, person=replace(c.person, phone=f"9103{number:08d}", name=f"{c.person.name.split()[0]} {SURNAME}")
        )
        for number, c in enumerate(found)
        if not c.person.existing
    }
    problems = [one.problem for one in play_all(stack, list(chosen.values())) if one.problem]
    assert problems == []
    return chosen


def test_what_was_recorded_plays_again_under_another_name(
    stack: TemporaryStack, played: Dict[str, Conversation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_command, "services", lambda: stack.services)
    again: List[Conversation] = []
    for phone, original in played.items():
        done = CliRunner().invoke(export_command.export, [f"+{phone}", "--since", "1h"])
        assert done.exit_code == 0, done.output
        assert SURNAME not in done.output and phone not in done.output
        file = tmp_path / f"{phone}.yml"
        file.write_text(done.output, encoding="utf-8")
        (exported,) = read(file)
        own = [type(step) for step in original.steps if not isinstance(step, Nothing)]
        assert len(exported.steps) >= len(own) // 2
        again.append(exported)

    outcome = play_all(stack, again)

    failed = [(played[one.conversation.place.file.stem].title, str(one.problem)) for one in outcome if one.problem]
    assert failed == [] and len(outcome) == len(played) >= 20


def test_every_turn_says_which_rule_or_form_decided(stack: TemporaryStack, played: Dict[str, Conversation]) -> None:
    known = Explanations(stack.engine)
    rules = set()
    turns = """
        select distinct t.id from turn t join conversation c on c.id = t.conversation_id
        join contact_alias a on a.contact_id = c.contact_id where a.value = any(:phones)
    """
    for row in stack.sql(turns, phones=list(played)):
        it = known.of(row["id"])
        assert it is not None and it.heard and it.noted["model"]
        for action in it.noted["actions"]:
            decided = {"rule", "story", "form"} & set(action) or action.get("policy") == "followup_action"
            assert action.get("rejected") or decided, (it.intent, action)
            rules.add(action.get("rule"))
        if any(effect.use_case == "update_stock" for effect in it.effects):
            assert it.stock
    assert {"a greeting is returned", "cancel leaves the form", "a person is wanted"} <= rules
    assert "the stock is changed once item and quantity are known and settled" in rules


def test_the_command_and_the_page_tell_the_same(
    stack: TemporaryStack, played: Dict[str, Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_command, "services", lambda: stack.services)
    phone = next(phone for phone, c in played.items() if c.place.file.name == "refill.yml")
    last = CliRunner().invoke(explain_command.explain, ["--last", f"+{phone}", "--json"])
    assert last.exit_code == 0, last.output
    it = json.loads(last.output)
    assert it["contact"] == f"Asha {SURNAME}" and it["intent"] == "inform"
    assert it["noted"]["slots"]["item"][1] is None and it["stock"][0]["after"] == 50
    ours = stack.sql("select provider_id from outbox where turn_id = :id", id=it["turn_id"])[0]["provider_id"]

    told = CliRunner().invoke(explain_command.explain, [ours, "-v"])
    shown = httpx.get(f"http://127.0.0.1:{stack.settings.web_port}/explain/{quote(it['turn_id'], safe='')}")

    assert (told.exit_code, shown.status_code) == (0, 200)
    for words in (
        "rule “the stock is changed once item and quantity are known and settled”",
        "0 → 50 (+50), Whatsapp_chatbot",
    ):
        assert words in told.output and words in shown.text


def test_what_cannot_be_found_is_told_in_a_sentence(stack: TemporaryStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain_command, "services", lambda: stack.services)
    monkeypatch.setattr(export_command, "services", lambda: stack.services)
    for command, arguments, words in (
        (explain_command.explain, ["nobody"], "No turn or message has the id “nobody”."),
        (explain_command.explain, ["--last", "+910000"], "Nobody has the number “+910000”"),
        (explain_command.explain, [], "Say which turn"),
        (export_command.export, ["+910000"], "Nobody has the number “+910000”"),
    ):
        done = CliRunner().invoke(command, arguments)
        assert done.exit_code != 0 and words in done.output and "Traceback" not in done.output
