"""Which of a list's rows an answer names."""

from __future__ import annotations

from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.stock_answers import chosen_from
from mostrador.nlu.choices import place_named
from mostrador.nlu.reasons import LATER, read_reason
from mostrador.nlu.times import read_pause
from mostrador.shop.inventory import Sku, Variation
from mostrador.shop.rejections import REASONS, Pause

OFFERED = [
    Variation(n, Sku(7, 1, f"S{n}", variation), 1, name)
    for n, (name, variation) in enumerate(
        [("Rayon Kurta", "Blue, M"), ("Rayon Kurta", "Red, M"), ("Brass Lamp", ""), ("iPhone 13", "Large")]
    )
]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 0),
        ("२", 1),
        ("2️⃣", 1),
        ("3.", 2),
        ("#2", 1),
        ("(1)", 0),
        ("option 3", 2),
        ("number two please", 1),
        ("one", 0),
        ("the second one", 1),
        ("the 2nd one please", 1),
        ("I'll take the first", 0),
        ("last one", 3),
        ("la segunda", 1),
        ("el primero por favor", 0),
        ("quiero la 3ra", 2),
        ("la 2a", 1),
        ("el último", 3),
        ("la penúltima", 2),
        ("opción 1", 0),
        ("opción uno", 0),
        ("dos", 1),
        ("dusra wala", 1),
        ("teesri wali chahiye", 2),
        ("pehla wala de do", 0),
        ("aakhri", 3),
        ("दूसरा वाला", 1),
        ("आख़िरी वाली", 3),
        ("2 नंबर वाला", 1),
        ("5", None),
        ("0", None),
        ("the one", None),
        ("de do", None),
        ("first or second", None),
        ("the second lamp", None),
        ("kurta 2", None),
        ("la roja", None),
        ("", None),
        ("👍", None),
        ("1" * 500, None),
    ],
)
def test_a_place_is_named_by_number_ordinal_or_position(text: str, place: Optional[int]) -> None:
    assert place_named(text, 4) == place


@pytest.mark.parametrize(
    ("answer", "row"),
    [
        ("the second one", 1),
        ("el último", 3),
        ("dusra wala", 1),
        ("4", 3),
        ("la roja", 1),
        ("the blue one", 0),
        ("laal wali", 1),
        ("लाल वाली", 1),
        ("the lamp", 2),
        ("lamp please", 2),
        ("la grande", 3),
        ("iphone 13", 3),
        ("the kurta", None),
        ("9", None),
        ("the cheaper one", None),
    ],
)
def test_a_product_is_chosen_by_place_colour_size_or_name(answer: str, row: Optional[int]) -> None:
    found = chosen_from(answer, OFFERED)
    assert (None if found is None else OFFERED.index(found)) == row


def test_the_lists_of_reasons_and_pauses_take_places_too() -> None:
    assert read_reason("the second one").code == REASONS[1]  # type: ignore[union-attr]
    assert read_reason("el último").code == LATER  # type: ignore[union-attr]
    assert read_pause("dusra wala", (7, 30)) == Pause(30)
    assert read_pause("the first", (7, 30)) == Pause(7)
    assert read_pause("la última", (7, 30)) == Pause(None, True)
    assert read_pause("two weeks", (7, 30)) == read_pause("2 हफ्ते", (7, 30)) == Pause(14)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=4096), st.integers(0, 12))
def test_no_text_raises_or_names_a_row_that_is_not_there(text: str, count: int) -> None:
    place = place_named(text, count)
    assert place is None or 0 <= place < count
