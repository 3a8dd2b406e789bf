"""What followed a free text is known from what is stored; each is reviewed once: by command, by page, by several."""

from __future__ import annotations

import html
import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import event, text

from mostrador.operations import review_command
from mostrador.settings import ROOT
from mostrador.shop.clock import SetClock
from mostrador.shop.conversations import ask_for_human
from mostrador.shop.messages import Button, InboundMessage, Kind, Say, Sender
from mostrador.shop.received import Batch
from mostrador.shop.review import dismiss_turns, label_turns
from mostrador.storage.engine import connect
from mostrador.storage.inbox import InboxStore
from mostrador.storage.reviews import SqlReviews
from mostrador.storage.turns import BurstRule, Result, SessionRule, TurnStore
from mostrador.storage.unit_of_work import SqlUnitOfWork
from tests.integration.test_web import Web

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
TOKEN = "a token of the operators"
READINGS = [("show_low_stock", 0.3), ("show_out_of_stock", 0.25)]
LOW = ("show_low_stock", 0.9)


class Talk:
    """A person whose messages are answered as the test says."""

    def __init__(self, url: str, phone: str = "919800000001") -> None:
        self.url = url
        self.engine = connect(url, 6)
        self.clock = SetClock(NOON)
        self.inbox = InboxStore(self.engine, self.clock)
        self.turns = TurnStore(self.engine, SessionRule(timedelta(minutes=8), 20), BurstRule(*[timedelta(0)] * 3))
        self.phone = phone
        self.count = 0

    def turn(
        self,
        words: str,
        intent: str = "nlu_fallback",
        readings: Sequence[Tuple[str, float]] = READINGS,
        kind: Kind = Kind.TEXT,
        after: float = 10,
        actions: Sequence[Dict[str, Any]] = (),
        says: str = "utter_ask_rephrase",
        language: str = "en",
        outcome: str = "answered",
    ) -> str:
        """One message and its answer; its turn id."""
        self.clock.advance(seconds=after)
        self.count += 1
        turn_id = f"wamid.{self.phone}.{self.count}/x"
        sender = Sender(wa_id=self.phone, profile_name="Asha")
        self.inbox.receive(Batch(messages=[InboundMessage(turn_id, "1", kind, self.clock.now(), sender, words)]))
        begun = self.turns.begin(self.conversation, self.clock.now())
        fallback = [("nlu_fallback", 0.4)] if intent == "nlu_fallback" else []
        ranking = [{"name": name, "confidence": sure} for name, sure in [*fallback, *readings]]
        noted = {"language": {"is": language}, "ranking": ranking, "actions": list(actions), "model": "a model"}
        result = Result(
            outcome,
            [{"event": "user", "text": words}],
            [(Say("…", (Button("Low", "/show_low_stock"),), response=says), 1)],
            intent=intent if outcome == "answered" else None,
            confidence=ranking[0]["confidence"] if outcome == "answered" else None,
            explain=noted if outcome == "answered" else {},
        )
        assert self.turns.finish(begun, result, self.clock.now(), self.clock.now())
        return turn_id

    @property
    def conversation(self) -> str:
        query = "select c.id from conversation c join contact_alias a using (contact_id) where a.value = :phone"
        return str(self.rows(query, phone=self.phone)[0]["id"])

    def rows(self, query: str, **values: Any) -> List[Dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def recorded(self, turn_id: str) -> Dict[str, Any]:
        return self.rows("select * from nlu_turn where turn_id = :id", id=turn_id)[0]

    def followed(self, turn_id: str) -> Tuple[str, Optional[str]]:
        row = self.recorded(turn_id)
        return row["followed"], row["corrected_to"]

    def waiting(self) -> List[str]:
        with self.engine.connect() as connection:
            return [turn.turn_id for turn in SqlReviews(connection).unsure(NOON)]


@pytest.fixture()
def talk(database_url: str) -> Iterator[Talk]:
    made = Talk(database_url)
    yield made
    made.engine.dispose()


def test_a_free_text_is_recorded_with_all_that_was_understood(talk: Talk) -> None:
    row = talk.recorded(talk.turn("qué queda", readings=READINGS, language="es"))
    assert (row["text"], row["intent"], row["confidence"], row["language"]) == ("qué queda", "nlu_fallback", 0.4, "es")
    assert (row["runner_up"], row["runner_up_confidence"]) == READINGS[0]
    assert (row["model"], row["at"], row["followed"]) == ("a model", talk.clock.now(), "nothing")
    row = talk.recorded(talk.turn("what is low", "show_low_stock", [LOW, ("help", 0.05)]))
    assert (row["runner_up"], row["runner_up_confidence"]) == ("help", 0.05)
    assert talk.rows("select 1 from nlu_turn where text = ''") == []
    talk.turn("Low", "show_low_stock", [LOW], Kind.TAP)
    assert len(talk.rows("select 1 from nlu_turn")) == 2


def test_a_tap_on_another_reading_corrects(talk: Talk) -> None:
    asked = talk.turn("wat is low")
    talk.turn("Low", "show_low_stock", [("show_low_stock", 1.0)], Kind.TAP)
    assert talk.followed(asked) == ("corrected", "show_low_stock")
    elsewhere = talk.turn("wat is low", after=300)
    talk.turn("Help", "help", [("help", 1.0)], Kind.TAP)
    assert talk.followed(elsewhere) == ("nothing", None)


@pytest.mark.parametrize("no", ["undo_update", "cancel", "deny"])
def test_taking_back_at_once_corrects_and_later_it_does_not(talk: Talk, no: str) -> None:
    asked = talk.turn("what is low", "show_low_stock", [LOW], says="utter_card")
    talk.turn("no!", no, [(no, 0.9)])
    assert talk.followed(asked) == ("corrected", None)
    later = talk.turn("what is low", "show_low_stock", [LOW], says="utter_card", after=300)
    talk.turn("no!", no, [(no, 0.9)], after=121)
    assert talk.followed(later) == ("nothing", None)


def test_a_no_that_answers_a_question_corrects_nothing(talk: Talk) -> None:
    asked = talk.turn("kurta 5000", "update_stock", [("update_stock", 0.9)], says="utter_ask_settled")
    form = [{"name": "stock_update_form", "form": "the open form comes first"}]
    talk.turn("no", "deny", [("deny", 0.9)], actions=form)
    assert talk.followed(asked) == ("nothing", None)


def test_who_was_not_understood_and_tries_again_rephrases(talk: Talk) -> None:
    first = talk.turn("wat is low")
    second = talk.turn("what's running low then", "show_low_stock", [LOW], says="utter_card")
    assert talk.followed(first) == ("rephrased", None) and talk.followed(second) == ("nothing", None)
    apology = talk.turn("and now", outcome="apologised", says="utter_technical_problem", after=300)
    talk.turn("and now?", "show_low_stock", [LOW])
    assert talk.followed(apology)[0] == "rephrased"


def test_a_hand_over_is_known_by_its_task_and_by_the_next_wish(talk: Talk) -> None:
    asked = talk.turn("this is the third time", "nlu_fallback")
    ask_for_human(SqlUnitOfWork(talk.engine), talk.conversation, "asked", asked, NOON)
    assert talk.followed(asked)[0] == "handed over"
    with talk.engine.begin() as connection:
        connection.execute(text("update conversation set owner = 'bot'"))
    again = talk.turn("wat is low")
    talk.turn("a person please", "request_human", [("request_human", 0.95)])
    assert talk.followed(again)[0] == "handed over"


def test_what_is_unsure_waits_and_what_was_content_or_clear_does_not(talk: Talk) -> None:
    clear = talk.turn("what is low", "show_low_stock", [LOW])
    close = talk.turn("low or out", "show_low_stock", [("show_low_stock", 0.7), ("show_out_of_stock", 0.6)], after=300)
    weak = talk.turn("hm low", "show_low_stock", [("show_low_stock", 0.5)], after=300)
    form = [{"name": "preference_form", "form": "the open form comes first"}]
    content = talk.turn("Meera Joshi", "inform", [("inform", 0.4)], actions=form, after=300)
    passed = talk.turn(
        "stop it", "cancel", [("cancel", 0.4)], actions=[{"name": "a_form", "rejected": True}], after=300
    )
    human = talk.turn("a person", "request_human", [("request_human", 0.95)], after=300)
    ask_for_human(SqlUnitOfWork(talk.engine), talk.conversation, "asked", human, NOON)
    assert set(talk.waiting()) == {close, weak, passed}
    assert {clear, content, human} & set(talk.waiting()) == set()


def test_recording_costs_a_turn_no_statement_more(talk: Talk) -> None:
    """What is recorded lies in the one statement that ends a turn, as before there was a review."""
    statements: List[str] = []
    engine = talk.turns._engine
    event.listen(engine, "before_cursor_execute", lambda c, cur, statement, *rest: statements.append(statement))
    talk.turn("one")  # prepares
    statements.clear()
    talk.turn("two")
    kinds = [re.split(r"[ (]", statement.strip())[0] for statement in statements]
    assert kinds == ["select", "execute", "execute", "execute", "execute", "select"], statements


# --- who decides


class Files:
    """Training files that remember."""

    def __init__(self) -> None:
        self.added: List[str] = []

    def intents(self) -> List[str]:
        return ["show_low_stock"]

    def languages(self) -> List[str]:
        return ["en"]

    def add(self, sentence: str, intent: str, language: str) -> Any:
        from mostrador.shop.review import Added

        self.added.append(sentence)
        return Added("data/nlu/en/restock.yml", True)


def test_of_several_reviewers_at_once_one_decides(talk: Talk) -> None:
    ids = [talk.turn(f"wat is low {n}") for n in range(5)]
    files = Files()

    def decide(name: str) -> int:
        with talk.engine.connect() as connection:
            outcome = label_turns(SqlReviews(connection), files, ids, "show_low_stock", "en", name, NOON)
            connection.commit()
            return len(outcome.added)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(decide, "abcd")) == [0, 0, 0, 5]
    assert len(files.added) == 5 and talk.waiting() == []
    rows = talk.rows("select distinct verdict, label, file, sentence <> '' as said from nlu_review")
    assert rows == [{"verdict": "labelled", "label": "show_low_stock", "file": "data/nlu/en/restock.yml", "said": True}]


def test_what_is_dismissed_is_not_shown_again_and_keeps_no_words(talk: Talk) -> None:
    turn_id = talk.turn("asdfgh")
    with talk.engine.begin() as connection:
        assert dismiss_turns(SqlReviews(connection), [turn_id, "unknown"], "en", "ana", NOON).taken == 1
    assert talk.waiting() == []
    assert talk.rows("select verdict, label, sentence from nlu_review") == [
        {"verdict": "dismissed", "label": None, "sentence": ""}
    ]


# --- the command


@pytest.fixture()
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's examples in a folder of their own."""
    shutil.copytree(ROOT / "data" / "nlu", tmp_path / "data" / "nlu")
    monkeypatch.setattr(review_command, "ROOT", tmp_path)
    return tmp_path / "data" / "nlu"


@pytest.fixture()
def desk(talk: Talk, copied: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    class Made:
        engine, clock = talk.engine, talk.clock

    monkeypatch.setattr(review_command, "services", lambda: Made)

    def run(keys: str = "", *arguments: str) -> str:
        done = CliRunner().invoke(review_command.review, list(arguments), input=keys)
        assert done.exit_code == 0, done.output
        return str(done.output)

    return run


def test_one_key_labels_dismisses_or_leaves_for_later(talk: Talk, desk: Any, copied: Path) -> None:
    talk.turn("zumba low zumba", after=300)
    talk.turn("zumba low  Zumba", after=300)
    talk.turn("quixotic gone", after=300)
    talk.turn("grumble", after=300)
    talk.turn("later then", after=300)
    said = desk("\r" + "2" + "-" + " ")
    assert "1 of 4 · en · unsure · 2 alike" in said
    assert "2 examples written, 1 dismissed" in said
    text_of = (copied / "en" / "restock.yml").read_text(encoding="utf-8")
    assert text_of.count("zumba low zumba\n") == 1
    assert "- quixotic gone\n" in text_of or "- grumble\n" in text_of or "- later then\n" in text_of
    assert len(talk.waiting()) == 1
    assert "1 of 1" in desk("\x1b")
    assert "Nothing waits" in desk("", "--language", "es")


def test_a_group_can_be_taken_apart_and_another_language_chosen(talk: Talk, desk: Any, copied: Path) -> None:
    talk.turn("zumba baja", after=300)
    talk.turn("Zumba  baja", after=300)
    said = desk("." + "\t\r" + "-")
    assert "… as es" in said and "1 examples written, 1 dismissed" in said
    assert "- zumba baja\n" in (copied / "es" / "restock.yml").read_text(encoding="utf-8").lower()


def test_a_conflict_is_said_and_the_sentence_waits_on(talk: Talk, desk: Any, copied: Path) -> None:
    talk.turn("hello")
    assert "is an example of greet in data/nlu/en/talk.yml already" in desk("\r\x1b")
    assert len(talk.waiting()) == 1
    listed = json.loads(desk("", "--json").splitlines()[-1])["clusters"]
    assert [turn["sentence"] for turn in listed[0]["turns"]] == ["hello"]
    assert "“hello”" in desk("", "--list")


# --- the page


@pytest.fixture()
def page(talk: Talk, tmp_path: Path) -> Iterator[Web]:
    web = Web(talk.url, tmp_path / "var", MOSTRADOR_OPERATOR_TOKEN=TOKEN).wait()
    yield web
    web.stop()


def test_the_page_is_closed_to_all_who_lack_the_token(page: Web) -> None:
    for method in (page.client.get, page.client.post):
        assert method("/review").status_code == 401
        assert method("/review", auth=("ana", "another")).status_code == 401
    answer = page.client.get("/review", auth=("ana", TOKEN))
    assert answer.status_code == 200 and "Nothing waits" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


def _form(page: Web) -> Dict[str, Any]:
    shown = page.client.get("/review", auth=("ana", TOKEN)).text
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.split("</form>")[0])
    return {
        "token": next(html.unescape(value) for name, value in fields if name == "token"),
        "turn": [html.unescape(value) for name, value in fields if name == "turn"],
        "language": "en",
    }


def _post(page: Web, form: Dict[str, Any], **headers: str) -> httpx.Response:
    sent = {"Origin": page.url, "Accept": "application/json", **headers}
    return page.client.post("/review", data=form, auth=("ana", TOKEN), headers=sent)


def test_what_people_wrote_is_shown_as_text_and_a_decision_comes_from_our_own_page(talk: Talk, page: Web) -> None:
    talk.turn("<script>alert('9876543210')</script> \"low\"")
    shown = page.client.get("/review", auth=("ana", TOKEN)).text
    assert "<script>alert" not in shown and "9876543210" not in shown and "&lt;script&gt;alert" in shown
    form = {**_form(page), "verdict": "-"}
    assert _post(page, form, Origin="https://elsewhere.example").status_code == 403
    assert _post(page, form, Origin="null").status_code == 403
    without = page.client.post("/review", data=form, auth=("ana", TOKEN))
    assert without.status_code == 403
    assert _post(page, {**form, "token": "guessed"}).status_code == 403
    assert len(talk.waiting()) == 1
    assert _post(page, form).json() == {"done": True, "said": "1 dismissed"}
    assert _post(page, form).json()["said"] == "0 dismissed, 1 decided by somebody else"
    assert talk.waiting() == [] and talk.rows("select reviewer from nlu_review") == [{"reviewer": "ana"}]


def test_a_page_without_scripts_gets_the_page_again_and_what_cannot_be_is_said(talk: Talk, page: Web) -> None:
    talk.turn("hello")  # an example of greet already, so that the project's own files stay as they are
    form = _form(page)
    answer = _post(page, {**form, "verdict": "show_low_stock"}, Accept="text/html")
    assert answer.status_code == 200 and "is an example of greet in data/nlu/en/talk.yml already" in answer.text
    for wrong in ({"verdict": "nonsense"}, {"verdict": "greet", "language": "../en"}, {"verdict": ""}):
        assert _post(page, {**form, **wrong}).json()["done"] is False
    assert len(talk.waiting()) == 1
    assert _post(page, {**form, "verdict": "greet"}).json() == {
        "done": True,
        "said": "greet: 0 written, 1 known already",
    }
    assert talk.waiting() == []
    assert "Traceback" not in page.log.read_text() and "hello" not in page.log.read_text()
