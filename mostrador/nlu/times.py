"""Reads stretches of time out of short answers: "two weeks", "hasta que avise", "सुबह 9 से शाम 6"."""

from __future__ import annotations

import re
from typing import List, Match, Optional, Sequence, Set

from mostrador.nlu.choices import place_named
from mostrador.nlu.text import normalise, tokens
from mostrador.shop.preferences import ANY_TIME, Hours
from mostrador.shop.rejections import Pause

LONGEST_PAUSE = 365  # days
_DAY, _NOON = 24 * 60, 12 * 60
_UNITS = {
    1: "day days dia dias दिन दिनों din dino dinon",
    7: "week weeks semana semanas हफ्ता हफ्ते हफ्तों सप्ताह hafta hafte haftey",
    30: "month months mes meses महीना महीने महीनों माह mahina mahine maheena maheene",
    365: "year ano साल saal",
}
_NUMBERS = {
    1: "a an one un una uno एक ek next proxima proximo अगले agle",
    2: "two couple dos par दो do",
    3: "three tres तीन teen",
    4: "four cuatro चार char chaar",
    6: "six seis छह छः chhah",
}
_UNTIL_SAID = "until till forever always never hasta siempre nunca avise aviso जब तक हमेशा कभी jab hamesha kabhi bolun"
_CATALOGUE = (
    "catalogue catalog all everything catalogo todo toda todos todas कैटलॉग पूरा पूरे सब सारा catalog poora sab saara"
)
_ANY_TIME = "any anytime always whenever siempre cualquier todo कभी हमेशा kabhi hamesha"
_AFTER_NOON = "pm evening night afternoon tarde noche शाम रात दोपहर shaam sham raat dopahar"
_BEFORE_NOON = "am morning manana सुबह subah"
_TIME = re.compile(r"(?<!\d)(\d{1,2})(?:\s?[:.h]\s?(\d{2}))?(?!\d)")


def _lookup(groups: "dict[int, str]") -> "dict[str, int]":
    return {normalise(word): value for value, words in groups.items() for word in words.split()}


_DAYS_OF, _VALUE_OF = _lookup(_UNITS), _lookup(_NUMBERS)
_UNTILS, _CATALOGUES, _ALWAYS, _PM, _AM = (
    {normalise(word) for word in words.split()}
    for words in (_UNTIL_SAID, _CATALOGUE, _ANY_TIME, _AFTER_NOON, _BEFORE_NOON)
)


def read_pause(text: str, offered: Sequence[int]) -> Optional[Pause]:
    """How long to put something aside: a place in the list, or words with a unit; None for anything else.

    The list has ``offered`` days and "until I say", first for the product, then for its whole catalogue. At most
    LONGEST_PAUSE days.
    """
    spans: List[Optional[int]] = [*offered, None]
    words = tokens(normalise(text))
    digits = [int(number) for number in re.findall(r"\d{1,4}", text)]
    catalogue = bool(_CATALOGUES & set(words))
    unit = next((_DAYS_OF[word] for word in words if word in _DAYS_OF), None)
    if unit is not None:
        count = digits[0] if digits else next((_VALUE_OF[word] for word in words if word in _VALUE_OF), 1)
        return Pause(count * unit, catalogue) if 1 <= count * unit <= LONGEST_PAUSE else None
    place = place_named(text, 2 * len(spans))
    if place is not None:
        return Pause(spans[place % len(spans)], place >= len(spans))
    return Pause(None, catalogue) if _UNTILS & set(words) else None


def read_hours(text: str) -> Optional[Hours]:
    """From when until when somebody may be written to: "9-18", "9 am to 6 pm", "22:30 a 6", "any time".

    An end that seems to lie before a begin in the morning is meant after noon: "9 to 6" ends at 18:00. None unless the
    text names exactly two times of a day, or says that any will do.
    """
    plain = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", _plain_digits(text.casefold()))
    found = list(_TIME.finditer(plain))
    if not found:
        return ANY_TIME if _ALWAYS & set(tokens(normalise(text))) else None
    if len(found) != 2:
        return None
    before, between, after = (
        tokens(normalise(part))
        for part in (plain[: found[0].start()], plain[found[0].end() : found[1].start()], plain[found[1].end() :])
    )
    begin = _minute(found[0], {*before[-1:], *between[:-1]})
    end = _minute(found[1], {*between[-1:], *after})
    if begin is None or end is None or begin == _DAY:
        return None
    if end <= begin < _NOON and end < _NOON and begin < end + _NOON and not _AM & set(after):
        end += _NOON
    return ANY_TIME if begin == end else Hours(begin, end or _DAY)


def _plain_digits(text: str) -> str:
    return "".join(str(int(character)) if character.isdecimal() else character for character in text)


def _minute(match: Match[str], near: Set[str]) -> Optional[int]:
    """Minutes since midnight; the words next to the number say which half of the day is meant."""
    hour, minute = int(match.group(1)), int(match.group(2) or 0)
    if near & _PM and hour < 12:
        hour += 12
    elif near & _AM and hour == 12:
        hour = 0
    at = hour * 60 + minute
    return at if at <= _DAY and minute < 60 else None
