"""Reads what the numbers in a sentence are: a quantity of goods, a number of instalments, a sum of money, or neither.

"20 pcs at ₹45 each", "llevo 2 sillas en 6 cuotas", "सवा लाख रुपये 24 emi me"; model names, sizes, phones, times, dates,
addresses and codes are none of them. Which numbers there are is known by rules (``figure_items``), what each is by a
model that is learnt from labelled sentences. Needs no Rasa. Texts above ``counts.LONGEST`` characters and lists of more
than MOST_NUMBERS hold no figures.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import numpy as np

from mostrador.nlu.counts import LONGEST, is_only_a_count, read_quantity
from mostrador.nlu.encoders import NONE
from mostrador.nlu.figure_features import Sentence
from mostrador.nlu.figure_items import Item, items_of
from mostrador.nlu.figure_meaning import FigureMeaning
from mostrador.nlu.figure_model import ROLES, SENSES, FigureModel, LabelledNumbers
from mostrador.nlu.figure_words import PIECES
from mostrador.nlu.text import LANGUAGES
from mostrador.nlu.typos import mistyped
from mostrador.settings import ROOT
from mostrador.shop.inventory import Sense

LABELLED = ROOT / "data" / "figures"
MOST_NUMBERS = 12
MOST_INSTALMENTS = 120
_QUANTITY, _INSTALMENTS, _AMOUNT = (ROLES.index(role) for role in ("quantity", "instalments", "amount"))
_GREATEST = 10**9
_SURELY = 0.85  # of two numbers that are so likely quantities neither is the one that is meant
_COLUMNS = {
    "sentence": re.compile(".+", re.DOTALL),
    "quantity": re.compile(r"[+\-=]?\d+|"),
    "instalments": re.compile(r"\d+|"),
    "amount": re.compile(r"\d+\.\d\d(?: [A-Z]{3})?|"),
}


@dataclass(frozen=True)
class Said:
    """A quantity as it was said: ``sign`` is "+", "-", "=" (is or set to) or "" for a bare count."""

    number: int
    sign: str = ""

    def __str__(self) -> str:
        return f"{self.sign}{self.number}"


@dataclass(frozen=True)
class Sum:
    """An amount of money; ``currency`` is the ISO 4217 code where it was said, else empty ("$", "pesos")."""

    value: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.currency}".rstrip()


@dataclass(frozen=True)
class Figures:
    quantity: Optional[Said] = None
    instalments: Optional[int] = None
    amount: Optional[Sum] = None


@dataclass(frozen=True)
class Labelled:
    """A sentence and what its numbers are, each as ``Figures`` writes it ("+20", "12", "1200.00 INR") or empty."""

    sentence: str
    quantity: str = ""
    instalments: str = ""
    amount: str = ""


def labelled_sentences(folder: Path = LABELLED) -> List[Labelled]:
    """The sentences of ``<language>.csv`` in ``folder``, for each language that has a file.

    Raises ValueError that names the file and the line of a row that cannot be used.
    """
    return [row for language in LANGUAGES for row in _rows(folder / f"{language}.csv")]


def _rows(path: Path) -> List[Labelled]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != list(_COLUMNS):
            raise ValueError(f"{path.name}: the first line must be {','.join(_COLUMNS)}")
        found = []
        for row in reader:
            for name, form in _COLUMNS.items():
                if None in row or not form.fullmatch(row[name] or ""):
                    raise ValueError(f"{path.name}, line {reader.line_num}: {name} cannot be {row[name]!r}")
            found.append(Labelled(**{name: row[name] or "" for name in _COLUMNS}))
    return found


class FigureReader:
    """What reads the figures of a text; one model serves every language. Without ``meaning`` the words decide alone."""

    def __init__(self, model: FigureModel, meaning: Optional[FigureMeaning] = None) -> None:
        self._model = model
        self._meaning = meaning

    @classmethod
    def learn(cls, labelled: Sequence[Labelled], encoder: str = NONE, cache: Optional[Path] = None) -> "FigureReader":
        """``encoder`` is one of ``encoders``, ``cache`` the folder in which its vectors are kept.

        Raises ValueError when some kind of figure, or some sense of a quantity, has no example.
        """
        sentences = [Sentence(row.sentence, items_of(row.sentence)) for row in labelled]
        roles = [_roles(sentence, row) for sentence, row in zip(sentences, labelled)]
        senses = [row.quantity[:1] if row.quantity[:1] in SENSES else "" for row in labelled]
        numbers = LabelledNumbers.of(sentences, roles, senses, _mistyped(sentences, labelled))
        model = FigureModel.fit(numbers, np.arange(len(numbers.role)))
        return cls(model, FigureMeaning.fit(numbers, sentences, encoder, cache) if encoder != NONE else None)

    def read(self, text: str) -> Figures:
        """The quantity, the instalments and the amount in ``text``: of each kind one, or None.

        Where several numbers are surely quantities, none is. A text that is nothing but a count is that count.
        """
        if len(text) > LONGEST or text.startswith("/"):
            return Figures()
        items = items_of(text)
        sentence = Sentence(text, items)
        if len(items) == 1 and items[0].currency is None or len(sentence.numbers) > MOST_NUMBERS:
            return Figures(_alone(text, items))
        found = self._judged(sentence) if sentence.numbers else Figures()
        return Figures(_alone(text, items)) if found == Figures() else found

    def _judged(self, sentence: Sentence) -> Figures:
        numbers = [sentence.items[place] for place in sentence.numbers]
        roles, senses = self._model.judge(sentence)
        if self._meaning is not None:
            roles, senses = self._meaning.judge(sentence, roles, senses)
        roles = np.where(_possible(sentence), roles, 0.0)
        return Figures(_quantity(numbers, roles, senses), _instalments(numbers, roles), _amount(numbers, roles))

    def save(self, folder: Path) -> None:
        self._model.save(folder)
        if self._meaning is not None:
            self._meaning.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Optional["FigureReader"]:
        """None where none was kept."""
        return cls(FigureModel.load(folder), FigureMeaning.load(folder)) if FigureModel.is_in(folder) else None


def _mistyped(sentences: Sequence[Sentence], labelled: Sequence[Labelled]) -> Dict[int, Sentence]:
    """Mistyped copies by their sentence's place; where the slip is in a number, there is none."""
    texts = [mistyped(row.sentence) for row in labelled]
    copies = [Sentence(text, items_of(text)) for text in texts]
    return {
        place: copy
        for place, (sentence, copy) in enumerate(zip(sentences, copies))
        if _values(copy) == _values(sentence)
    }


def _values(sentence: Sentence) -> List[Fraction]:
    return [sentence.items[place].value for place in sentence.numbers]


# --- what a label says of the numbers ---------------------------------------------------------------------------------


def _roles(sentence: Sentence, row: Labelled) -> List[str]:
    """The role of each number, by the labels' values; empty where two numbers could as well have it."""
    values = {
        name: Fraction(label.split()[0].lstrip("+-="))
        for name, label in (("quantity", row.quantity), ("instalments", row.instalments), ("amount", row.amount))
        if label
    }
    fitting = [
        {name for name, value in values.items() if sentence.items[place].value == value} for place in sentence.numbers
    ]
    return [
        "none" if not names else next(iter(names)) if len(names) == 1 and _alone_in(names, fitting) else ""
        for names in fitting
    ]


def _alone_in(names: "set[str]", fitting: "Sequence[set[str]]") -> bool:
    return sum(bool(names & others) for others in fitting) == 1


# --- from probabilities to figures ------------------------------------------------------------------------------------


def _alone(text: str, items: Sequence[Item]) -> Optional[Said]:
    """The count in a text that is nothing else, as the stock form reads it."""
    if len(items) == 1 and items[0].kind == "number" and items[0].value.denominator == 1 and not items[0].weak:
        return Said(int(items[0].value), items[0].sign)
    quantity = read_quantity(text) if is_only_a_count(text) else None
    if quantity and quantity.number and not any(item.kind == "number" for item in items):
        return None  # "mere ko de do": give it to me
    return Said(quantity.number, {Sense.ADD: "+", Sense.TAKE: "-"}.get(quantity.sense, "")) if quantity else None


def _possible(sentence: Sentence) -> np.ndarray:
    """A row per number, a column per role: a sum of money is an amount, and where there is one nothing else is.

    What is followed by "pieces" is none.
    """
    numbers = [sentence.items[place] for place in sentence.numbers]
    after = [*sentence.items[1:], Item("break")]
    counted = [after[place].text in PIECES for place in sentence.numbers]
    found = np.ones((len(numbers), len(ROLES)), dtype=bool)
    sums = np.array([item.currency is not None for item in numbers])
    for row, item in enumerate(numbers):
        whole = item.value.denominator == 1
        found[row, _QUANTITY] = whole and item.value <= _GREATEST
        found[row, _INSTALMENTS] = whole and 1 <= item.value <= MOST_INSTALMENTS and not item.sign
        found[row, _AMOUNT] = not item.nothing and not counted[row]
    if sums.any():
        found[:, _AMOUNT] = sums
        found[sums] = np.arange(len(ROLES)) == _AMOUNT
    return found


def _likeliest(roles: np.ndarray, role: int) -> Optional[int]:
    """The number whose likeliest role is ``role``, the surest of several; None where there is none."""
    having = np.flatnonzero(roles.argmax(axis=1) == role)
    return int(having[roles[having, role].argmax()]) if len(having) else None


def _quantity(numbers: Sequence[Item], roles: np.ndarray, senses: np.ndarray) -> Optional[Said]:
    place = _likeliest(roles, _QUANTITY)
    if place is None:
        return None
    sure = {item.value for item, role in zip(numbers, roles) if role[_QUANTITY] >= _SURELY and not item.nothing}
    if len(sure) > 1:
        return None
    item = numbers[place]
    sense = item.sign or ("=" if item.value == 0 else SENSES[int(senses[place].argmax())])
    return Said(int(item.value), sense)


def _instalments(numbers: Sequence[Item], roles: np.ndarray) -> Optional[int]:
    place = _likeliest(roles, _INSTALMENTS)
    return None if place is None else int(numbers[place].value)


def _amount(numbers: Sequence[Item], roles: np.ndarray) -> Optional[Sum]:
    place = _likeliest(roles, _AMOUNT)
    if place is None:
        return None
    value = Decimal(numbers[place].value.numerator) / Decimal(numbers[place].value.denominator)
    return Sum(value.quantize(Decimal("0.01")), numbers[place].currency or "")
