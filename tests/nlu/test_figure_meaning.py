"""The second look at numbers that their words leave in doubt: when it is taken, and what happens without an encoder."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Iterator, List, Sequence

import numpy as np
import pytest

from mostrador.nlu import encoders
from mostrador.nlu.figures import FigureReader, Labelled

_MADE = "tests.nlu.test_figure_meaning.made"
_GOODS = "lamp mug tray cup bag pot rug bowl vase fan".split()
CLEAR = [
    *(Labelled(f"I want {n} {goods}s", f"{n}") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"sold {n} {goods}s", f"-{n}") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"received {n} {goods}s", f"+{n}") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"there are {n} {goods}s", f"={n}") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"the {goods} in {n} instalments", "", f"{n}") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"Rs {n}00 for the {goods}", "", "", f"{n}00.00 INR") for n, goods in enumerate(_GOODS, 2)),
    *(Labelled(f"is {goods} model {n} good") for n, goods in enumerate(_GOODS, 2)),
]
ODD = [  # each word once: nothing that another sentence tells
    *(Labelled(f"qa{n} {n} qb{n}", sign + f"{n}") for sign in ("", "+", "-", "=") for n in range(20, 30)),
    *(Labelled(f"ra{n} {n} rb{n}", "", f"{n}") for n in range(30, 40)),
    *(Labelled(f"sa{n} {n} sb{n}", "", "", f"{n}.00") for n in range(40, 50)),
    *(Labelled(f"ta{n} {n} tb{n}") for n in range(50, 60)),
]


class Places:
    """An encoder of words for tests, whose sentences have no meaning; it keeps what it is asked."""

    name = "places"
    width = 4

    def __init__(self) -> None:
        self.asked: List[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text), text.count("a"), text.count("b"), 1.0] for text in texts], dtype=np.float32)


class Both:
    """A sentence encoder that knows words as well."""

    name = "both"
    width = 1

    def __init__(self) -> None:
        self.words = Places()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        raise AssertionError("no sentence is asked for")


chosen = Both()


def made() -> Any:
    return chosen


def broken(*texts: str) -> Any:
    raise OSError("no memory left")


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    both = Both()
    monkeypatch.setattr("tests.nlu.test_figure_meaning.chosen", both)
    for remembered in (encoders._made, encoders.remembering_words):
        remembered.cache_clear()
    yield both.words
    for remembered in (encoders._made, encoders.remembering_words):
        remembered.cache_clear()


def learnt(tmp_path: Path) -> FigureReader:
    return FigureReader.learn([*CLEAR, *ODD], _MADE, tmp_path)


def test_only_numbers_in_doubt_are_encoded(tmp_path: Path, places: Places) -> None:
    reader = learnt(tmp_path)
    assert {"0\n20\n21", "1\nqa20\n20\nqb20"} & set(places.asked) == {"1\nqa20\n20\nqb20"}
    places.asked.clear()
    reader.read("Rs 300 for the lamp")
    assert places.asked == []
    reader.read("perhaps 7 of xyz")
    assert places.asked == ["1\nperhaps\n7\nof\nxyz"]


def test_all_numbers_in_doubt_are_asked_for_together_and_remembered(tmp_path: Path, places: Places) -> None:
    reader = learnt(tmp_path)
    places.asked.clear()
    read = [reader.read("xyz 7 abc 9 foo") for _ in range(2)]
    assert places.asked == ["1\nxyz\n7\nabc\n9\nfoo", "3\nxyz\n7\nabc\n9\nfoo"]
    assert read[0] == read[1]


def test_what_was_learnt_survives_its_files(tmp_path: Path, places: Places) -> None:
    before = learnt(tmp_path)
    before.save(tmp_path)
    after = FigureReader.load(tmp_path)
    assert after is not None and after._meaning is not None
    texts = [row.sentence for row in ODD] + ["perhaps 7 of xyz"]
    assert list(map(after.read, texts)) == list(map(before.read, texts))


@pytest.mark.parametrize("encoder", ["none", "tests.nlu.test_intent_model.Letters"])
def test_without_an_encoder_of_words_the_words_decide_alone(tmp_path: Path, encoder: str) -> None:
    reader = FigureReader.learn([*CLEAR, *ODD], encoder, tmp_path)
    assert reader._meaning is None
    assert str(reader.read("sold 4 mugs").quantity) == "-4"


def test_too_few_sentences_in_doubt_leave_it_to_the_words(tmp_path: Path) -> None:
    assert FigureReader.learn(CLEAR[::10] + CLEAR[1::10], _MADE, tmp_path)._meaning is None


def test_an_encoder_that_fails_at_a_message_leaves_it_to_the_words(
    tmp_path: Path, places: Places, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader = learnt(tmp_path)
    by_words = FigureReader.learn([*CLEAR, *ODD])
    monkeypatch.setattr(places, "encode", broken)
    encoders.remembering_words.cache_clear()
    texts = ["perhaps 7 of xyz", "qa21 21 zz"]
    with caplog.at_level(logging.WARNING):
        assert list(map(reader.read, texts)) == list(map(by_words.read, texts))
    assert [record.message for record in caplog.records] == [
        "The sentence encoder failed; numbers are judged by their words alone: no memory left"
    ]
