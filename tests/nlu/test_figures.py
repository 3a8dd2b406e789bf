"""Quantities, instalments and sums of money in whole sentences, and the numbers that are none of them."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mostrador.nlu.counts import LONGEST, read_quantity
from mostrador.nlu.figure_items import number_value
from mostrador.nlu.figures import FigureReader, Labelled, labelled_sentences
from mostrador.shop.inventory import Quantity
from tests.nlu.spelt_numbers import NUMBERS, misread
from tests.nlu.understanding import numbers, rows

KINDS = ("quantity", "instalments", "amount")
# Of the sentences with such an entity, or with one wrongly seen; none of them is a training sentence. These are the
# floors that hold now in every language; the goal is 0.97.
AT_LEAST_RIGHT = {"quantity": 0.93, "instalments": 0.95, "amount": 0.94}
AT_LEAST_RIGHT_TOGETHER = 0.97


def read(reader: FigureReader, text: str) -> str:
    figures = reader.read(text)
    return " ".join(f"{kind[0]}:{value}" for kind in KINDS if (value := getattr(figures, kind)) is not None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "es", "hi"])
def test_sentences_written_by_others_are_read_right(figure_reader: FigureReader, language: str, kind: str) -> None:
    right = numbers(figure_reader, language, "entities")[kind]
    assert right.among >= 20
    assert right.value >= AT_LEAST_RIGHT[kind], str(right)  # which ones are wrong is for nobody to see


def test_all_numbers_together_are_read_right(figure_reader: FigureReader) -> None:
    shares = [share for one in ("en", "es", "hi") for share in numbers(figure_reader, one, "entities").values()]
    assert sum(share.hits for share in shares) >= AT_LEAST_RIGHT_TOGETHER * sum(share.among for share in shares)


@pytest.mark.parametrize("name", ["entities", "broad_entities"])
@pytest.mark.parametrize("language", ["en", "es", "hi"])
def test_no_sentence_is_both_learnt_from_and_judged_by(language: str, name: str) -> None:
    learnt = {row.sentence.casefold() for row in labelled_sentences()}
    assert [row["sentence"] for row in rows(language, name) if row["sentence"].casefold() in learnt] == []


def test_a_row_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "es.csv").write_text("sentence,quantity,instalments,amount\nson 5,5,,\nson $5,,,5\n", encoding="utf-8")
    with pytest.raises(ValueError, match="es.csv, line 3: amount cannot be '5'"):
        labelled_sentences(tmp_path)


def test_sentences_without_every_kind_of_figure_are_refused() -> None:
    with pytest.raises(ValueError, match="instalments"):
        FigureReader.learn([Labelled("I want 5", "5"), Labelled("I have 5", "=5"), Labelled("call 5 people")])


@pytest.mark.parametrize("language", ["en", "es", "hi"])
def test_numbers_as_cldr_spells_them_are_read_back(figure_reader: FigureReader, language: str) -> None:
    sample = random.Random(4).sample(NUMBERS, len(NUMBERS) // 20)
    assert misread(figure_reader, language, [*range(100), *sample])[:5] == []


SAID = [
    ("make it 5", "q:5"),
    ("qty: 25", "q:25"),
    ("five please", "q:5"),
    ("2 x 4MP cameras", "q:2"),
    ("give me a couple of mugs", "q:2"),
    ("now I have 40 mugs in stock", "q:=40"),
    ("2 lamps broke, remove from stock", "q:-2"),
    ("20 metros de cable", "q:20"),
    ("sacame 2 del carrito", "q:-2"),
    ("ciento veinte platos", "q:120"),
    ("mil quinientas bolsas", "q:1500"),
    ("docena y media de tazas", "q:18"),
    ("un par de mates", "q:2"),
    ("2 pares de zapatos", "q:4"),
    ("tengo 14 en stock", "q:=14"),
    ("do piece de do", "q:2"),
    ("mujhe do chahiye", "q:2"),
    ("sava sau cup", "q:125"),
    ("paune do sau diye", "q:175"),
    ("डेढ़ दर्जन", "q:18"),
    ("mere paas 50 hain", "q:=50"),
    ("cart se 2 hata do", "q:-2"),
    ("12 emi of 1500", "i:12 a:1500.00"),
    ("una sola cuota", "i:1"),
    ("6 msi", "i:6"),
    ("en un pago", "i:1"),
    ("छह महीने की किस्त", "i:6"),
    ("split into three", "i:3"),
    ("two and a half lakh rupees", "a:250000.00 INR"),
    ("millón y medio de pesos", "a:1500000.00"),
    ("por 15 lucas", "a:15000.00"),
    ("tres mil pesos mexicanos", "a:3000.00 MXN"),
    ("$ 1.234,50", "a:1234.50"),
    ("u$s 100", "a:100.00 USD"),
    ("15 000 pesos", "a:15000.00"),
    ("Rs. 1,200/-", "a:1200.00 INR"),
    ("₹१,२००", "a:1200.00 INR"),
    ("sava lakh rupaye", "a:125000.00 INR"),
    ("maine 1500 bheje", "a:1500.00"),
    ("500 wali saree", "a:500.00"),
    ("15k tak ka phone", "a:15000.00"),
    ("less than Rs. 3,500", "a:3500.00 INR"),
    ("four fifty pieces of clay beads in hand", "q:=450"),
    ("seventeen fifty rupees final", "a:1750.00 INR"),
    ("pachees so rupaye", "a:2500.00 INR"),
    ("bhai 2 k ke andar koi smartwatch", "a:2000.00"),
    ("₦7500 paid", "a:7500.00 NGN"),
    ("12 000 por la reparación", "a:12000.00"),
    ("una docenita de velas", "q:12"),
    ("कुकर 5 लीटर दो", "q:2"),
    ("mcb 32 amp double pole teen", "q:3"),
    ("jute bag bees", "q:20"),
    ("raincoat adtees le lunga", "q:38"),
    ("सतरह सौ रुपये", "a:1700.00 INR"),
    ("teen hazaar paanch sau aath kist me baant ke dunga", "i:8 a:3500.00"),
    ("पौने पाँच हज़ार तीन किस्तों में बाँट सकते हो", "i:3 a:4750.00"),
    ("charge me in a single instalment", "i:1"),
    ("granizó y perdimos once macetas", "q:-11"),
    ("necesito dies portavelas", "q:10"),
    ("मैडम ने 650/- रुपये गूगल पे किए हैं", "a:650.00 INR"),
    ("रुपये 760 बकाया है मेरा कब दोगे", "a:760.00 INR"),
    ("5 कप, 80 रुपये एक का", "q:5 a:80.00 INR"),
    ("ebike 62000 rs 20 kist bolo haan ya na", "i:20 a:62000.00 INR"),
    ("Ksh 850 is too much for one cup my friend", "a:850.00 KES"),
    ("sade teen lakh rupaye tak", "a:350000.00 INR"),
    ("vitrified tiles 600x600 90 boxes", "q:90"),
    ("छत्तीस हज़ार छह सौ निन्यानबे पीस चाहिए", "q:36699"),
    ("a hunderd sparklers please", "q:100"),
    ("wanna order thirtyfive steel tiffins", "q:35"),
    ("rebajame 2 mil che no seas malo", "a:2000.00"),
    ("Rs.1,025 mil gaye confirm karo", "a:1025.00 INR"),
    ("ten paper bags @12", "q:10 a:12.00"),
    ("seventy k naira for the talking drum set", "a:70000.00 NGN"),
]
NO_FIGURES = [
    "iPhone 13",
    "redmi note 12 pro",
    "samsung s23 128gb",
    "size 42",
    "pack of 6",
    "my number is 98765 43210",
    "+54 9 11 5555 1234",
    "shop 14, MG road",
    "order #4521",
    "order 4521 status",
    "12/03/2025",
    "come at 7",
    "since 2019",
    "I am 25 years old",
    "delivery in 3 days?",
    "garantía de 12 meses?",
    "a las 18 hs",
    "el lunes 15",
    "av corrientes 1234",
    "factura 0001-00001234",
    "10 se 6",
    "kya aap bata do",
    "mere ko de do",
    "subah 10 baje",
    "between 5000 and 8000",
    "sold 3 and received 10",
]
FEW = 2  # what is learnt may misread so many of these when sentences are added; which ones is no promise


def test_each_number_is_what_the_words_around_it_say(figure_reader: FigureReader) -> None:
    wrong = {text: read(figure_reader, text) for text, found in SAID if read(figure_reader, text) != found}
    assert len(wrong) <= FEW, wrong


def test_numbers_that_are_none_of_the_three_are_left_alone(figure_reader: FigureReader) -> None:
    wrong = {text: read(figure_reader, text) for text in NO_FIGURES if read(figure_reader, text)}
    assert len(wrong) <= FEW, wrong


@pytest.mark.parametrize("text", ["", "/update_stock 5", "x" * 5000 + " 5"])
def test_commands_and_endless_texts_hold_no_figures(figure_reader: FigureReader, text: str) -> None:
    assert read(figure_reader, text) == ""


@pytest.mark.parametrize(
    ("digits", "value"),
    [
        ("1.234,50", 1234.5),
        ("1,234.50", 1234.5),
        ("1,00,000", 100_000),
        ("1.000.000", 1_000_000),
        ("15.000", 15_000),
        ("1,5", 1.5),
        ("0.500", None),
        ("1.2.3", None),
        ("12,34,5", None),
    ],
)
def test_points_and_commas_group_or_part_decimals(digits: str, value: Optional[float]) -> None:
    found = number_value(digits)
    assert (None if found is None else float(found)) == value


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 9_999_999), st.integers(0, 99))
def test_a_sum_is_read_as_it_is_written_in_any_country(figure_reader: FigureReader, whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02}"
    spanish = english.translate(str.maketrans(",.", ".,"))
    assert read(figure_reader, f"US${english}") == read(figure_reader, f"US${spanish}") == f"a:{whole}.{cents:02} USD"


WORDS = (
    "20 do 12 emi $ rs 4,5 un par de lakh half dozen mil y ० ½ + - = x 3x ke andar set to stock sold , . ? \n".split(
        " "
    )
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=LONGEST + 50), st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)))
def test_no_text_raises_and_none_takes_long(figure_reader: FigureReader, text: str) -> None:
    took = []
    for _ in range(2):  # the quicker of two: a collection of garbage may fall into one
        begun = time.process_time()
        figures = figure_reader.read(text)
        took.append(time.process_time() - begun)
    assert min(took) < 0.05
    assert figures.quantity is None or figures.quantity.number >= 0
    assert figures.instalments is None or figures.instalments > 0
    assert figures.amount is None or figures.amount.value >= 0


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "1,", "do ", "mil ", "rs ", "1 emi ", "\u200b", "\u200f5", "🙂", "५", "7️⃣", "五", "三 ", "٥ "]
)
def test_reading_takes_little_time_however_long_or_odd_the_text(figure_reader: FigureReader, piece: str) -> None:
    for text in (piece * 4096, (piece * LONGEST)[:LONGEST]):
        begun = time.process_time()
        figure_reader.read(text)
        assert time.process_time() - begun < 0.25  # measured: under 20 ms; this only catches a blow-up


def test_what_is_set_is_the_same_to_the_stock_form_as_a_bare_count(figure_reader: FigureReader) -> None:
    said = figure_reader.read("set jute bags to 45").quantity
    assert str(said) == "=45"
    assert read_quantity(str(said)) == Quantity(45)
