"""Counts as people write them: read in three languages and any script, and never made up."""

from __future__ import annotations

import time
from typing import List, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mostrador.nlu.counts import LONGEST, is_only_a_count, naming_words, read_orders, read_quantity, words_of, written
from mostrador.shop.inventory import Quantity, Sense

ADD, TAKE = Sense.ADD, Sense.TAKE

# --- the spellers that the reader is checked against: written from the grammar of each language, not from its tables

EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
EN_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
ES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
).split()
ES_TENS = "- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
ES_HUNDREDS = (
    "- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
).split()
HI = """
शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पन्द्रह सोलह सत्रह अठारह उन्नीस बीस
इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस
छत्तीस सैंतीस अड़तीस उनतालीस चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस
अड़तालीस उनचास पचास इक्यावन बावन तिरेपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ साठ इकसठ बासठ तिरेसठ
चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर
अठहत्तर उनासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी नब्बे इक्यानबे
बानबे तिरानबे चौरानबे पंचानबे छियानबे सत्तानबे अट्ठानबे निन्यानबे
""".split()
HI_LATIN = """
shunya ek do teen chaar paanch chhah saat aath nau das gyarah barah terah chaudah pandrah solah
satrah atharah unnis bees ikkis bais teis chaubis pachchis chhabbis sattais attais untis tees iktees
battis taintis chauntis paintis chhattis saintis adtis untalis chalis iktalis bayalis taintalis
chauvalis paintalis chhiyalis saintalis adtalis unchas pachas ikyavan bavan tirpan chauvan pachpan
chhappan sattavan atthavan unsath saath iksath basath tirsath chaunsath painsath chhiyasath sadsath
adsath unhattar sattar ikhattar bahattar tihattar chauhattar pachhattar chhihattar satahattar
athahattar unasi assi ikyasi bayasi tirasi chaurasi pachasi chhiyasi sattasi atthasi navasi nabbe
ikyanve banve tiranve chauranve pachanve chhiyanve sattanve atthanve ninyanve
""".split()


def english(number: int, conjunction: str = "") -> str:
    if number >= 1000:
        rest = f" {english(number % 1000, conjunction)}" if number % 1000 else ""
        return f"{english(number // 1000, conjunction)} thousand{rest}"
    if number >= 100:
        rest = f"{conjunction} {english(number % 100)}" if number % 100 else ""
        return f"{EN[number // 100]} hundred{rest}"
    if number >= 20:
        return EN_TENS[number // 10] + (f"-{EN[number % 10]}" if number % 10 else "")
    return EN[number]


def spanish(number: int) -> str:
    if number >= 1000:
        rest = f" {spanish(number % 1000)}" if number % 1000 else ""
        thousands = "" if number // 1000 == 1 else spanish(number // 1000).replace("uno", "un") + " "
        return f"{thousands}mil{rest}".replace("veintiun mil", "veintiún mil")
    if number == 100:
        return "cien"
    if number > 100:
        return ES_HUNDREDS[number // 100] + (f" {spanish(number % 100)}" if number % 100 else "")
    if number >= 30:
        return ES_TENS[number // 10] + (f" y {ES[number % 10]}" if number % 10 else "")
    return ES[number]


def hindi(number: int, small: List[str], hundred: str, thousand: str) -> str:
    parts = []
    if number >= 1000:
        parts += [small[number // 1000], thousand]
    if number % 1000 >= 100:
        parts += [small[number % 1000 // 100], hundred]
    if number % 100 or not parts:
        parts.append(small[number % 100])
    return " ".join(parts)


SPELLERS = {
    "en": english,
    "en, and": lambda n: english(n, " and"),
    "es": spanish,
    "hi": lambda n: hindi(n, HI, "सौ", "हज़ार"),
    "hi, nukta left out": lambda n: hindi(n, HI, "सौ", "हजार"),
    "hi, Latin letters": lambda n: hindi(n, HI_LATIN, "sau", "hazaar"),
}


@pytest.mark.parametrize("speller", sorted(SPELLERS))
def test_every_number_to_a_thousand_and_many_above_are_read_from_words(speller: str) -> None:
    spell = SPELLERS[speller]
    wrong = [n for n in [*range(1001), *range(1001, 100_000, 37)] if read_quantity(spell(n)) != Quantity(n)]
    assert [(n, spell(n)) for n in wrong[:5]] == []


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 99_999), st.sampled_from(sorted(SPELLERS)))
def test_a_number_in_words_survives_its_way(number: int, speller: str) -> None:
    assert read_quantity(SPELLERS[speller](number)) == Quantity(number)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 999_999_999),
    st.sampled_from(["0123456789", "०१२३४५६७८९", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "০১২৩৪৫৬৭৮৯"]),
)
def test_digits_of_any_script_are_digits(number: int, digits: str) -> None:
    assert read_quantity("".join(digits[int(digit)] for digit in str(number))) == Quantity(number)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(Sense))
def test_what_is_written_is_read_back(number: int, sense: Sense) -> None:
    assert read_quantity(written(Quantity(number, sense))) == Quantity(number, sense)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=800))
def test_no_text_raises_or_gives_a_number_that_is_none(text: str) -> None:
    found: List[Optional[Quantity]] = [read_quantity(text), *(order.quantity for order in read_orders(text))]
    for quantity in found:
        assert quantity is None or (isinstance(quantity.number, int) and 0 <= quantity.number <= 10**15)
    naming_words(text), words_of(text), is_only_a_count(text)


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1,",
        "1.",
        "१",
        "a1",
        "-",
        "+ ",
        "1 ",
        "mil ",
        "lakh ",
        "twenty ",
        "y ",
        "and ",
        "🙂",
        ",",
        "x",
        "1-",
        "सौ ",
        "\u0300",
        "dozen ",
    ],
)
def test_reading_takes_little_time_however_long_or_odd_the_text(piece: str) -> None:
    for text in (piece * 100_000, (piece * LONGEST)[:LONGEST]):
        begun = time.process_time()
        read_quantity(text), read_orders(text), naming_words(text), is_only_a_count(text)
        assert time.process_time() - begun < 0.5  # measured: a few milliseconds; this only catches a blow-up


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("50 pzas", Quantity(50)),
        ("50 नग", Quantity(50)),
        ("50pcs", Quantity(50)),
        ("2 dozen", Quantity(24)),
        ("half a dozen", Quantity(6)),
        ("media docena", Quantity(6)),
        ("docena y media", Quantity(18)),
        ("2 दर्जन", Quantity(24)),
        ("डेढ़ दर्जन", Quantity(18)),
        ("साढ़े तीन सौ", Quantity(350)),
        ("ढाई हज़ार", Quantity(2500)),
        ("1.200", Quantity(1200)),
        ("1,20,000", Quantity(120_000)),
        ("1 000", Quantity(1000)),
        ("12.00", Quantity(12)),
        ("2 lakh", Quantity(200_000)),
        ("1.5 lakh", Quantity(150_000)),
        ("3 lakh 20 thousand", Quantity(320_000)),
        ("2 करोड़", Quantity(20_000_000)),
        ("10 mil", Quantity(10_000)),
        ("2k", Quantity(2000)),
        ("fifty thousand lakh", Quantity(5_000_000_000)),
        ("one more", Quantity(1, ADD)),
        ("llegó una docena", Quantity(12, ADD)),
        ("3 बिक गए", Quantity(3, TAKE)),
        ("- 3", Quantity(3, TAKE)),
        ("no, 20", Quantity(20)),
    ],
)
def test_a_count_is_read_as_people_write_it(text: str, quantity: Quantity) -> None:
    assert read_quantity(text) == quantity


@pytest.mark.parametrize(
    "text",
    ["1e9", "½", "twenty thirty", "5 kg", "3 cajas", "1.5", "a", "an", "4MP", "S22 128GB", "nothing sold", "५० या ६०"],
)
def test_what_is_no_count_of_pieces_is_left_alone(text: str) -> None:
    assert read_quantity(text) is None


@pytest.mark.parametrize(
    ("text", "only"),
    [("20 more", True), ("50 पीस", True), ("set to 20", True), ("kurta 20", False), ("20?", False), ("no, 20", False)],
)
def test_it_is_known_whether_a_text_is_nothing_but_a_count(text: str, only: bool) -> None:
    assert is_only_a_count(text) is only


def told(text: str, *names: str) -> List[str]:
    pairs = {tuple(name.split(":")) for name in names}
    return [
        f"{' '.join(order.names)}{'*' if order.every else ''}={written(order.quantity) if order.quantity else ''}"
        for order in read_orders(text, lambda before, number: (before, number) in pairs)
    ]


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("red 20, blue 30", ["red=20", "blue=30"]),
        ("red 20,blue 30", ["red=20", "blue=30"]),
        ("red 20\nblue 30", ["red=20", "blue=30"]),
        ("red: 20; blue: 30", ["red=20", "blue=30"]),
        ("red - 20, blue - 30", ["red=20", "blue=30"]),
        ("M 10 L 5", ["m=10", "l=5"]),
        ("10 M 5 L", ["m=10", "l=5"]),
        ("M-10 L-5", ["m=10", "l=5"]),
        ("all blue ones 20", ["blue*=20"]),
        ("10 each", ["*=10"]),
        ("rojo 20 y azul 30", ["rojo=20", "azul=30"]),
        ("rojo treinta y cinco y azul dos docenas", ["rojo=35", "azul=24"]),
        ("लाल 20 नीला 30", ["लाल=20", "नीला=30"]),
        ("laal 20 aur neela 30", ["laal=20", "neela=30"]),
        ("sold 3 red, 2 blue", ["red=-3", "blue=-2"]),
        ("3 लाल 2 नीले बिक गए", ["लाल=-3", "नीले=-2"]),
        ("red +5, blue -2", ["red=+5", "blue=-2"]),
        ("red and blue 20", ["red=20", "blue=20"]),
        ("20 red and blue", ["red=20", "blue=20"]),
        ("stock of the brass lamp is 12", ["brass lamp=12"]),
        ("lamp x12", ["lamp=12"]),
        ("red 3 4", []),
        ("red 1.5, blue 2", []),
        ("3 4", []),
    ],
)
def test_several_counts_go_to_their_names(text: str, orders: List[str]) -> None:
    assert told(text) == orders


def test_a_number_of_a_name_is_no_count() -> None:
    assert told("iphone 13 50", "iphone:13") == ["iphone 13=50"]
    assert told("iphone 13", "iphone:13") == ["iphone 13="]
    assert told("32 10, 34 5", ":32", ":34") == ["32=10", "34=5"]
