"""What may tell what a number in a sentence is: its form, the words around it, and the sentence as a whole."""

from __future__ import annotations

from itertools import combinations
from typing import Iterable, Iterator, List, Sequence, Tuple

from mostrador.nlu.encoders import in_place
from mostrador.nlu.figure_groups import TALK, groups_of
from mostrador.nlu.figure_items import Item

_NEAR = 3  # words on either side that count by their place
_GROUPS_NEAR = 4  # and whose groups do
_AROUND = 8  # words of the clause on either side that count wherever they stand
_RUNS = (3, 4, 5)  # characters
_EDGE = "<edge>"
_SIZES = (0, 1, 2, 5, 12, 31, 99, 999, 9999)
_PLANS = {3, 6, 9, 12, 18, 24, 36, 48, 60}
_LONGEST_PLAN = 60
_AMBIGUOUS = {"do", "दो", "mil", "ek", "एक", "un", "uno", "una", "one", "once", "sat", "ath", "das"}


class Sentence:
    """The items of one sentence, as words, groups of words and kinds of numbers."""

    def __init__(self, text: str, items: Sequence[Item]) -> None:
        self.items = items
        self.numbers = [place for place, item in enumerate(items) if item.kind == "number"]
        self._tokens = [_token(item) for item in items]
        self._groups = [groups_of(item.text) if item.kind == "word" else () for item in items]
        self._asks = "?" in text

    def whole(self) -> List[str]:
        """Features of the sentence: words, pairs of words, runs of characters, groups and pairs of groups."""
        words = [token for token, item in zip(self._tokens, self.items) if item.kind != "break"]
        found = {f"s:{word}" for word in words}
        found.update(f"s:{first} {second}" for first, second in zip(words, words[1:]))
        for word in set(words):
            if word[0] != "<":
                found.update(f"c:{run}" for run in _runs(f" {word} "))
        present = sorted({group for groups in self._groups for group in groups})
        found.update(f"g:{group}" for group in present)
        found.update(f"{first}&{second}" for first, second in combinations([g for g in present if g in TALK], 2))
        if self._asks:
            found.add("asks")
        return list(found)

    def near(self, place: int) -> List[str]:
        """Features of the number at ``place``."""
        item = self.items[place]
        found = set(_form(item))
        for step in range(-_GROUPS_NEAR, _GROUPS_NEAR + 1):
            if step:
                found.update(f"{step}~{group}" for group in self._group(place + step))
            if step and abs(step) <= _NEAR:
                found.add(f"{step}={self._token(place + step)}")
        for first, second in ((-2, -1), (1, 2), (-1, 1)):
            found.add(f"{first},{second}={self._token(place + first)} {self._token(place + second)}")
            found.update(
                f"{first},{second}~{one} {other}"
                for one in self._group(place + first)
                for other in self._group(place + second)
            )
        for step in (-2, -1, 1, 2):
            word = self._token(place + step)
            if word[0] != "<":
                found |= {f"{step}^{word[:3]}", f"{step}^{word[:4]}", f"{step}${word[-2:]}", f"{step}${word[-3:]}"}
        for step in (-1, 1):
            found.update(f"{_size(item)} {step}~{group}" for group in self._group(place + step))
        begin, end = self._clause(place)
        for side, places in (
            ("L", range(max(begin, place - _AROUND), place)),
            ("R", range(place + 1, min(end, place + 1 + _AROUND))),
        ):
            for other in places:
                found.add(f"{side}:{self._tokens[other]}")
                found.update(f"{side}~{group}" for group in self._groups[other])
        found.update(name for name, holds in self._standing(place, begin, end) if holds)
        found.update(_beside(item, [self.items[other] for other in self.numbers if other != place]))
        return list(found)

    def placed(self, place: int) -> str:
        """The item at ``place`` in this sentence, as an encoder of words is asked for it."""
        return in_place([_said(item) for item in self.items], place)

    def _standing(self, place: int, begin: int, end: int) -> Iterator[Tuple[str, bool]]:
        yield "first of clause", place == begin
        yield "last of clause", place == end - 1
        yield "first", place == 0
        yield "last", place == len(self.items) - 1
        yield f"words {min(end - begin, 6)}", True

    def _token(self, place: int) -> str:
        return self._tokens[place] if 0 <= place < len(self._tokens) else _EDGE

    def _group(self, place: int) -> Tuple[str, ...]:
        if not 0 <= place < len(self.items):
            return (_EDGE,)
        return self._groups[place] or (("other",) if self.items[place].kind == "word" else (self._tokens[place],))

    def _clause(self, place: int) -> Tuple[int, int]:
        """Where the clause around ``place`` begins and ends, no farther away than matters."""
        begin = end = place
        while begin > 0 and place - begin < _AROUND and self.items[begin - 1].kind != "break":
            begin -= 1
        while end + 1 < len(self.items) and end - place < _AROUND and self.items[end + 1].kind != "break":
            end += 1
        return begin, end + 1


def _token(item: Item) -> str:
    if item.kind == "word":
        return item.text
    if item.kind != "number":
        return f"<{item.kind}>"
    if item.nothing:
        return "<nought>"
    return "<sum>" if item.currency is not None else "<big>" if item.value >= 100 else "<number>"


def _said(item: Item) -> str:
    """An item as the encoder reads it: numbers in digits, whatever they were written with."""
    if item.kind != "number" or item.nothing:
        return item.text or ","
    whole = item.value.denominator == 1
    digits = str(item.value.numerator) if whole else f"{float(item.value):.2f}"
    currency = "" if item.currency is None else f"{item.currency or '$'} "
    return f"{currency}{item.sign}{digits}"


def _runs(word: str) -> Iterator[str]:
    for length in _RUNS:
        for start in range(len(word) - length + 1):
            yield word[start : start + length]


def _size(item: Item) -> str:
    if item.value.denominator != 1:
        return "part"
    if item.nothing:
        return "nought"
    return next((f"to {top}" for top in _SIZES if item.value <= top), "more")


def _form(item: Item) -> Iterator[str]:
    yield f"size {_size(item)}"
    for name in ("spoken", "multiplied", "pieces", "money", "weak"):
        if getattr(item, name):
            yield name
    if item.sign:
        yield f"sign {item.sign}"
    if item.currency is not None:
        yield "currency"
    if item.text in _AMBIGUOUS:
        yield f"text {item.text}"
    if item.nothing:
        yield f"nought {item.text}"
    elif item.value.denominator == 1:
        value = item.value.numerator
        if value in _PLANS:
            yield "plan"
        if value <= _LONGEST_PLAN:
            yield f"value {value}"
        if value >= 100 and value % 100 == 0:
            yield "round"
        if value >= 49 and value % 50 == 49:
            yield "just below"
        if 1900 <= value <= 2100 and item.text.isdigit():
            yield "year"


def _beside(item: Item, others: Sequence[Item]) -> Iterable[str]:
    yield f"others {min(len(others), 3)}"
    for other in others:
        if other.currency is not None:
            yield "beside a sum"
        elif other.nothing:
            yield "beside nought"
        else:
            yield "beside more" if other.value > item.value else "beside less" if other.value < item.value else "twice"
