"""Who wants no more messages: certain at once, doubtful asked back, and near misses left as they were read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mostrador.nlu.opt_out import OPT_OUT, PERHAPS, Bounds, OptOutGuard, OptOutModel, near_misses
from mostrador.nlu.text import LANGUAGES

WANTED = ["stop sending me messages", "no more messages please", "do not message me again", "stop messaging me"] * 5
OTHER = ["stop the red lamp", "no more lamps please", "do not send the red one", "my lamp is broken"] * 5


@pytest.fixture(scope="module")
def model() -> OptOutModel:
    wanted = [True] * len(WANTED) + [False] * len(OTHER)
    return OptOutModel.fit([*WANTED, *OTHER], wanted, [not one for one in wanted], None, 0.01, 0.01)


class Judge:
    def __init__(self, answer: str) -> None:
        self.answer = answer

    def judge(self, text: str, suspected: bool, vector: Any) -> str:
        return self.answer


def processed(answer: str, *ranking: "tuple[str, float]") -> List[str]:
    guard = OptOutGuard({"encoder": "none"}, None, None, Judge(answer))  # type: ignore[arg-type]
    entries: List[Dict[str, Any]] = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    message = Message({TEXT: "x", INTENT: entries[0], "intent_ranking": entries})
    guard.process([message])
    assert message.get(INTENT) == message.get("intent_ranking")[0]
    return [entry["name"] for entry in message.get("intent_ranking")]


def test_what_was_learnt_is_told_apart_and_kept(model: OptOutModel, tmp_path: Path) -> None:
    model.save(tmp_path)
    for one in (model, OptOutModel.load(tmp_path)):
        assert one.judge("stop messaging me please", False, None) in (OPT_OUT, PERHAPS)
        assert one.judge("my red lamp", False, None) == ""


@pytest.mark.parametrize("text", ["stop messaging me", "STOP MESSAGING ME!", " stop  messaging me. "])
def test_an_example_word_for_word_is_certain(model: OptOutModel, text: str, tmp_path: Path) -> None:
    model.save(tmp_path)
    assert model.judge(text, False, None) == OptOutModel.load(tmp_path).judge(text, False, None) == OPT_OUT


def test_an_encoder_that_fails_leaves_it_to_the_words(model: OptOutModel) -> None:
    def fails(text: str) -> Optional[np.ndarray]:
        return None

    assert model.judge("stop messaging me", True, fails) == model.judge("stop messaging me", False, None)


def test_a_certain_opt_out_comes_first_whatever_it_was_read_as() -> None:
    assert processed(OPT_OUT, ("cancel", 0.9), (OPT_OUT, 0.1)) == [OPT_OUT, "cancel"]


def test_a_doubtful_one_is_asked_back_unless_something_else_is_clear() -> None:
    assert processed(PERHAPS, (OPT_OUT, 0.7), ("cancel", 0.2))[0] == PERHAPS
    assert processed(PERHAPS, ("cancel", 0.6), (OPT_OUT, 0.3))[0] == PERHAPS
    assert processed(PERHAPS, ("opt_in", 0.95), (OPT_OUT, 0.04))[0] == "opt_in"
    assert processed(PERHAPS, ("deny", 0.5), ("cancel", 0.2), ("thank", 0.1), (OPT_OUT, 0.1))[0] == "deny"


def test_what_is_none_is_read_as_the_next_likeliest() -> None:
    assert processed("", (OPT_OUT, 0.8), ("cancel", 0.1)) == ["cancel"]
    assert processed("", ("thank", 0.8), (OPT_OUT, 0.1)) == ["thank", OPT_OUT]


def test_bounds_leave_room_for_few_false_stops_and_few_missed(model: OptOutModel) -> None:
    for bounds in (model.bounds, model.by_words):
        assert isinstance(bounds, Bounds) and bounds.perhaps <= bounds.sure


@pytest.mark.parametrize("text", ["", " ", "🛑" * 300, "х" * 4096, "\u202e\u200b", "停止发送消息", "لا ترسل", "\ud800"])
def test_any_text_has_an_answer(model: OptOutModel, text: str) -> None:
    assert model.judge(text, True, None) in (OPT_OUT, PERHAPS, "")


def test_there_are_near_misses_in_every_language_and_none_of_them_is_an_example(training_data: TrainingData) -> None:
    wanted = {e.get(TEXT).casefold() for e in training_data.intent_examples if e.get(INTENT) == OPT_OUT}
    misses = near_misses()
    assert len(misses) >= 500 * len(LANGUAGES)
    assert not wanted & {miss.casefold() for miss in misses}
