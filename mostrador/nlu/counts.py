"""Reads a count of pieces out of a short answer: "50", "+20", "sold 3", "५०", "llegaron 12". Needs no Rasa."""

from __future__ import annotations

import re
import unicodedata
from typing import Optional

from mostrador.nlu.text import normalise, tokens
from mostrador.shop.inventory import Quantity, Sense

_LONGEST_ANSWER = 12  # words; a longer text is talk, not a count
# One whole number, grouped (1,000  1.000  1,00,000  1 000) or not, that is no part of a code, price, date or share.
_COUNT = re.compile(
    r"(?<![\w.,:/#$€₹%-])([+\-])?\s?(\d{1,3}(?:[., ]\d{2,3})*[., ]\d{3}|\d{1,12})(?![\w:/%€$₹]|[.,-]\d)"
)
_ADD = """
add added adding more plus extra received arrived came increase increased
agrega agregar agregue suma sumar sume llegaron llego entraron recibi recibimos mas aumenta aumentar
jodo joden jod aaye aaya aur badhao plus जोड़ो जोड़ें जोड़ आए आया और बढ़ाओ बढ़ाएं
""".split()
_TAKE = """
sold minus less reduce reduced remove removed deduct subtract lost broken
vendi vendimos vendio vendieron quita quitar resta restar menos saca descuenta rompieron
bik bike bika becha beche ghatao ghata kam बिके बिका बिक बेचे बेचा घटाओ घटाएं कम
""".split()
_NONE = "zero none nothing nil cero ninguno ninguna nada shunya शून्य ज़ीरो जीरो".split()
_ADDS, _TAKES, _NONES = ({normalise(word) for word in words} for words in (_ADD, _TAKE, _NONE))


def read_quantity(text: str) -> Optional[Quantity]:
    """The one count in ``text`` with its sense (set, add, take); None when there is none, or more than one."""
    plain = "".join(_plain(character) for character in unicodedata.normalize("NFKC", text))
    words = tokens(normalise(text))
    found = list(_COUNT.finditer(plain))
    if len(words) > _LONGEST_ANSWER or len(re.findall(r"\d+", plain)) != sum(
        len(re.findall(r"\d+", match.group(2))) for match in found
    ):
        return None
    if not found and len(words) <= 2 and _NONES & set(words):
        return Quantity(0)
    if len(found) != 1:
        return None
    sign, digits = found[0].groups()
    return Quantity(int(re.sub(r"\D", "", digits)), _sense(sign, set(words)))


def written(quantity: Quantity) -> str:
    """``50``, ``+20`` or ``-3``: what ``read_quantity`` reads back as the same."""
    sign = {Sense.SET: "", Sense.ADD: "+", Sense.TAKE: "-"}[quantity.sense]
    return f"{sign}{quantity.number}"


def _plain(character: str) -> str:
    if character in "−–—﹣－":
        return "-"
    return str(unicodedata.digit(character)) if character.isdigit() else character


def _sense(sign: Optional[str], words: "set[str]") -> Sense:
    if sign:
        return Sense.ADD if sign == "+" else Sense.TAKE
    adds, takes = bool(words & _ADDS), bool(words & _TAKES)
    if adds == takes:  # neither, or both: the person names what is there
        return Sense.SET
    return Sense.ADD if adds else Sense.TAKE
