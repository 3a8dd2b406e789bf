"""Slips of the thumb: what may be mistyped, how, and that what is learnt understands it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mostrador.nlu.figure_features import Sentence
from mostrador.nlu.figure_items import items_of
from mostrador.nlu.figure_model import LabelledNumbers
from mostrador.nlu.figures import Labelled, _mistyped
from mostrador.nlu.intent_learning import Options, learn
from mostrador.nlu.linear import Features
from mostrador.nlu.typos import mistyped
from tests.nlu.test_intent_model import LABELS, TEXTS


@given(st.text(st.characters(), max_size=200))
@example("half a pair \ud800\ud800\ud800\ud800")
@settings(deadline=None)
def test_any_text_keeps_its_words_and_is_always_mistyped_alike(text: str) -> None:
    slipped = mistyped(text)
    assert slipped == mistyped(text)
    assert len(slipped.split(" ")) == len(text.split(" "))
    for before, after in zip(text.split(" "), slipped.split(" ")):
        assert before[:1] == after[:1] and abs(len(before) - len(after)) <= 1


@pytest.mark.parametrize("text", ["", "ok", "yes I do", "A1001 DS-2CD2143G2 5000mah", "१२३४ ४५०", "👍👍👍"])
def test_short_words_and_words_with_digits_are_never_mistyped(text: str) -> None:
    assert mistyped(text) == text


def test_one_word_in_five_has_a_slip() -> None:
    text = "where have those lovely green lamps gone today please answer"
    changed = [a != b for a, b in zip(text.split(" "), mistyped(text).split(" "))]
    assert sum(changed) == 2


def test_each_kind_of_slip_happens() -> None:
    lengths = {len(mistyped(f"lamp{'a' * n}")) - len(f"lamp{'a' * n}") for n in range(1, 40)}
    assert lengths == {-1, 0, 1}


def test_features_of_other_texts_are_those_of_the_texts_themselves() -> None:
    features = Features.of(TEXTS)
    assert abs(features.same_of(TEXTS).matrix - features.matrix).max() < 1e-6
    assert features.same_of(["zzz"]).matrix.nnz == 0


def test_a_message_full_of_slips_is_understood_by_its_words() -> None:
    model = learn(TEXTS, LABELS, Options(encoder="none"))
    slips = {"hwo muhc is the lapm": "ask_price", "putt it in my crat": "add_to_cart", "godo mornnig": "greet"}
    assert {text: model.judge(text).intent for text in slips} == slips


def test_more_examples_make_the_words_model_stronger() -> None:
    few = learn(TEXTS, LABELS, Options(encoder="none"))
    many = learn(TEXTS * 20, LABELS * 20, Options(encoder="none"))
    fixed = learn(TEXTS, LABELS, Options(encoder="none", words_strength=10.0))
    text = "how much is the red lamp"
    surest = [max(model.words.scores(text)) for model in (few, many, fixed)]
    assert surest[0] < surest[1] and surest[0] < surest[2]


def test_a_copy_whose_number_has_the_slip_is_not_learnt() -> None:
    rows = [Labelled("twenty", "20"), Labelled("seventy", "70"), Labelled("lovely lamp 5", "5")]
    sentences = [Sentence(row.sentence, items_of(row.sentence)) for row in rows]
    assert [mistyped(row.sentence) for row in rows] == ["twrnty", "seevnty", "lovley lamp 5"]
    assert sorted(_mistyped(sentences, rows)) == [1, 2]  # "seevnty" is read as seventy


def test_copies_bring_no_features_of_their_own_and_come_last() -> None:
    texts = ["sold 5 lamps", "sold 6 lamps", "sold 7 lamps"]
    sentences = [Sentence(text, items_of(text)) for text in texts]
    copy = Sentence("sodl 6 lampps", items_of("sodl 6 lampps"))
    alone = LabelledNumbers.of(sentences, [["quantity"]] * 3, ["-"] * 3)
    both = LabelledNumbers.of(sentences, [["quantity"]] * 3, ["-"] * 3, {1: copy})
    assert (both.near, both.whole) == (alone.near, alone.whole)
    assert both.sentence.tolist() == [0, 1, 2, 1]
    assert both.role.tolist() == ["quantity"] * 4 and both.sense.tolist() == ["-"] * 4
