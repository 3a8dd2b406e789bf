"""Which goods a few words name."""

from __future__ import annotations

from typing import List

import pytest

from mostrador.nlu.counts import words_of
from mostrador.nlu.names import alike, beginnings, find_all_named, find_named, numbers_in_names
from mostrador.shop.inventory import Sku, Variation

TITLES = [
    ("Rayon Kurta", "Blue, M"),
    ("Rayon Kurta", "Blue, L"),
    ("Rayon Kurta", "Red, M"),
    ("Brass Lamp", ""),
    ("Brass Lamp Stand", ""),
    ("iPhone 13", "128GB"),
    ("iPhone 13", "256GB"),
    ("Lámpara de latón", ""),
    ("साड़ी", "लाल"),
]
GOODS = [Variation(n, Sku(7, 1, f"S{n}", variation), 1, name) for n, (name, variation) in enumerate(TITLES)]


def titles(text: str) -> List[str]:
    return [variation.title for variation in find_named(words_of(text), [GOODS]).goods]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("kurta blue M", "Rayon Kurta – Blue, M"),
        ("KURTA AZUL L", "Rayon Kurta – Blue, L"),
        ("कुर्ता लाल", "Rayon Kurta – Red, M"),
        ("brass lamp", "Brass Lamp"),
        ("lamp stands", "Brass Lamp Stand"),
        ("iphone 13 256gb", "iPhone 13 – 256GB"),
        ("lampara", "Lámpara de latón"),
        ("lámparas de laton", "Lámpara de latón"),
        ("saree", "साड़ी – लाल"),
        ("rayonn kurtta red", "Rayon Kurta – Red, M"),
    ],
)
def test_one_thing_is_named_without_regard_to_accents_case_script_colour_word_or_slip(text: str, title: str) -> None:
    found = find_named(words_of(text), [GOODS])
    assert ([variation.title for variation in found.goods], found.sure) == ([title], True)


@pytest.mark.parametrize(
    ("text", "several"),
    [("kurta", 3), ("blue", 2), ("iphone 13", 2), ("lamp", 2)],
)
def test_what_fits_several_is_asked_back(text: str, several: int) -> None:
    found = find_named(words_of(text), [GOODS])
    assert (len(found.goods), found.sure, found.full) == (several, False, True)


def test_what_fits_in_part_is_never_sure() -> None:
    found = find_named(words_of("brass bowl"), [GOODS])
    assert (found.sure, found.full) == (False, False)
    assert [variation.title for variation in found.goods] == ["Brass Lamp", "Brass Lamp Stand"]
    assert titles("umbrella") == titles("") == []


def test_sizes_and_codes_are_right_or_wrong() -> None:
    assert alike("m", "l") == alike("128gb", "256gb") == alike("s22", "s23") == 0.0


def test_the_product_in_hand_comes_before_all_others() -> None:
    kurtas = GOODS[:2]
    assert find_named(["blue"], [kurtas[:1], GOODS]).goods == (GOODS[0],)
    assert set(find_named(["red"], [kurtas, GOODS]).goods) == {GOODS[2], GOODS[8]}


def test_all_that_fit_are_found_in_the_first_place_with_any() -> None:
    assert find_all_named(["blue"], [GOODS]) == (GOODS[0], GOODS[1])
    assert find_all_named([], [GOODS[:3]]) == tuple(GOODS[:3])
    assert find_all_named(["umbrella"], [GOODS]) == ()


@pytest.mark.parametrize("word", ["kurta", "rojo", "कुर्ता", "lamparas", "saree", "128gb", "m"])
def test_the_beginnings_of_a_word_find_every_title_that_is_alike(word: str) -> None:
    ways = beginnings(word)
    for variation in GOODS:
        for other in words_of(variation.title):
            if alike(word, other) > 0:
                assert any(other.startswith(way) for way in ways), other


def test_numbers_that_belong_to_names_are_known() -> None:
    assert numbers_in_names(GOODS) == {("", "13"), ("iphone", "13")}
