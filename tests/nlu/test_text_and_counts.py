"""How text is made comparable and how counts are read."""

from __future__ import annotations

import pytest

from mostrador.nlu.counts import read_quantity, written
from mostrador.nlu.number_words import as_listed
from mostrador.nlu.text import normalise, tokens
from mostrador.shop.inventory import Quantity, Sense


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("¿Qué ESTÁ agotado?", "¿que esta agotado?"),
        ("graciasssss", "graciass"),
        ("stock 1.250 pcs", "stock 0 pcs"),
        ("५० पीस", "0 पीस"),
        ("ज़रूर हाँ", "जरूर हां"),
        ("👍🏽", "👍"),
    ],
)
def test_spelling_that_means_the_same_becomes_the_same(text: str, clean: str) -> None:
    assert normalise(text) == clean


def test_hindi_words_stay_whole() -> None:
    assert tokens(normalise("स्टॉक बदलना है।")) == ["स्टॉक", "बदलना", "है"]


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("50", Quantity(50)),
        (" 50 pcs ", Quantity(50)),
        ("५०", Quantity(50)),
        ("٥٠", Quantity(50)),
        ("５０", Quantity(50)),
        ("1,000", Quantity(1000)),
        ("1.000 piezas", Quantity(1000)),
        ("1,00,000", Quantity(100000)),
        ("+20", Quantity(20, Sense.ADD)),
        ("+ 20", Quantity(20, Sense.ADD)),
        ("20 more", Quantity(20, Sense.ADD)),
        ("llegaron 12", Quantity(12, Sense.ADD)),
        ("20 और आए", Quantity(20, Sense.ADD)),
        ("-3", Quantity(3, Sense.TAKE)),
        ("−3", Quantity(3, Sense.TAKE)),
        ("sold 3", Quantity(3, Sense.TAKE)),
        ("vendí 3", Quantity(3, Sense.TAKE)),
        ("3 bik gaye", Quantity(3, Sense.TAKE)),
        ("I have 50 now", Quantity(50)),
        ("none", Quantity(0)),
        ("शून्य", Quantity(0)),
        ("ninguna", Quantity(0)),
        ("pon el stock en 35", Quantity(35)),
        ("स्टॉक 50 कर दो", Quantity(50)),
        ("30 जोड़ दो", Quantity(30, Sense.ADD)),
        ("reduce it by 5", Quantity(5, Sense.TAKE)),
    ],
)
def test_a_count_is_read_in_any_script_with_its_sense(text: str, quantity: Quantity) -> None:
    assert read_quantity(text) == quantity
    assert read_quantity(written(quantity)) == quantity


@pytest.mark.parametrize(
    ("written", "number"), [("baawan", 52), ("adtees", 38), ("untees", 29), ("सतरह", 17), ("पचीस", 25), ("सताईस", 27)]
)
def test_hindi_numbers_are_read_as_they_are_written_by_ear(written: str, number: int) -> None:
    assert read_quantity(written) == Quantity(number)


@pytest.mark.parametrize(
    ("written", "number"),
    [("hunderd", 100), ("thrity five", 35), ("twleve", 12), ("fiftyfive", 55), ("treintaicinco", 35), ("viente", 20)],
)
def test_number_words_with_a_slip_or_run_together_are_read(written: str, number: int) -> None:
    assert read_quantity(written) == Quantity(number)


@pytest.mark.parametrize(
    "word", ["saath", "bawandar", "pachisi", "mittis", "सत", "teens", "there", "seen", "site", "cuarto", "seenta"]
)
def test_words_that_only_resemble_a_number_are_none(word: str) -> None:
    assert as_listed(word) == word


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12.5",
        "1,5",
        "50 or 60",
        "50-60",
        "DS-2CD2143",
        "A1001",
        "$45",
        "45€",
        "20%",
        "10:30",
        "1/2",
        "#77",
        "9" * 13,
        "I would like to know whether you could tell me how to put 50 into it",
    ],
)
def test_what_is_no_single_count_is_left_alone(text: str) -> None:
    assert read_quantity(text) is None
