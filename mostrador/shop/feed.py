"""What a recommendation feed must look like, whoever writes it.

Two tables, sold out and low stock, are dumped whole several times a day. A dump is taken as a whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Dict, List, Optional, Sequence, Tuple

from mostrador.shop.errors import ShopError
from mostrador.shop.recommendations import RecommendationKind

PROBLEMS_SHOWN = 20
KEPT_AFTER_REPLACEMENT = timedelta(minutes=30)  # people in the middle of a list go on reading it
GREATEST_INTEGER = 2**31 - 1
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f]")  # a line break in a name is a quotation mark that was never closed
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class FeedColumn:
    """A column of the feed; ``spellings`` are other names it may have, in snake case."""

    name: str
    number: bool
    spellings: Tuple[str, ...] = ()
    least: int = 0
    longest: int = 300  # characters
    may_be_empty_text: bool = False
    may_be_missing: bool = False  # a null in a row

    def fault(self, value: Any) -> str:
        """What is wrong with a cell, as the end of a sentence; empty when nothing is."""
        if value is None:
            return "" if self.may_be_missing else "is empty"
        return self._number_fault(value) if self.number else self._text_fault(value)

    def _number_fault(self, value: Any) -> str:
        text = str(value).strip()
        if isinstance(value, float) and value.is_integer():
            text = str(int(value))
        if not _WHOLE_NUMBER.fullmatch(text):
            return f"is not a whole number ({_short(text)})"
        number = int(text)
        if number < 0:
            return f"is negative ({number})"
        if number < self.least:
            return f"is less than {self.least} ({number})"
        if number > GREATEST_INTEGER:
            return f"is greater than {GREATEST_INTEGER} ({number})"
        return ""

    def _text_fault(self, value: Any) -> str:
        if not isinstance(value, str):
            return f"is not text ({_short(str(value))})"
        if not value and not self.may_be_empty_text:
            return "is empty"
        if len(value) > self.longest:
            return f"is longer than {self.longest} characters ({len(value)})"
        if CONTROL_CHARACTERS.search(value):
            return f"holds a line break or another control character ({_short(value)})"
        return ""


SUPPLIER = FeedColumn("supplier_id", True, ("supplier",), least=1)
PRODUCT = FeedColumn("product_id", True, ("product",), least=1)
STYLE = FeedColumn("style_id", False, ("vpid", "vp_id", "style", "styleid", "style_id_vpid", "style_id_or_vpid"))
VARIATION = FeedColumn("variation_name", False, ("variation", "variant", "variant_name"), may_be_empty_text=True)
CATALOG = FeedColumn("catalog_id", True, ("catalog", "catalogue_id"))
CATALOG_NAME = FeedColumn("catalog_name", False, ("catalogue_name",))
SCORE = FeedColumn("sorting_score", True, ("score", "sort_score"))
STOCK = FeedColumn("current_stock", True, ("stock",))
DAYS = FeedColumn("days_on_hand", True, ("doh", "day_on_hand", "days_of_hand"), may_be_missing=True)
LOSS = FeedColumn("estimated_order_loss", True, ("order_loss", "est_order_loss"), may_be_missing=True)

KEY = (SUPPLIER, PRODUCT, STYLE, VARIATION)
COMMON = (*KEY, CATALOG, CATALOG_NAME, SCORE)
OWN: Dict[RecommendationKind, Tuple[FeedColumn, ...]] = {
    RecommendationKind.OUT_OF_STOCK: (LOSS,),
    RecommendationKind.LOW_STOCK: (STOCK, DAYS),
}
_BY_SPELLING = {
    spelling: column
    for column in (*COMMON, STOCK, DAYS, LOSS)
    for spelling in (column.name, column.name.replace("_", ""), *column.spellings)
}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a dump. ``row`` is as a person counts: the header of a CSV is row 1."""

    sentence: str
    row: Optional[int] = None
    column: str = ""
    part: str = ""  # the file of a folder

    def __str__(self) -> str:
        if self.row is None:
            return self.sentence
        where = f"Row {self.row}" + (f" of {self.part}" if self.part else "")
        return f"{where}: {self.sentence}"


class FeedRefused(ShopError):
    """The dump was not taken and the feed before it stays; ``problems`` says why, at most PROBLEMS_SHOWN of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @classmethod
    def because(cls, sentence: str) -> "FeedRefused":
        return cls([Problem(sentence)])


@dataclass
class Problems:
    """The first PROBLEMS_SHOWN problems found."""

    found: List[Problem] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.found) >= PROBLEMS_SHOWN

    def add(self, problem: Problem) -> None:
        if not self.full:
            self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)


@dataclass(frozen=True)
class Layout:
    """Where each column of a dump is found: our column → the name in the dump. ``ignored`` are names we do not use."""

    kind: RecommendationKind
    names: Dict[FeedColumn, str]
    ignored: Tuple[str, ...] = ()


def snake_case(header: str) -> str:
    """``supplierId``, ``SUPPLIER ID`` and ``Supplier-ID`` all become ``supplier_id``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", header.strip().lstrip("\ufeff"))
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def layout_of(headers: Sequence[str], kind: Optional[RecommendationKind] = None) -> Layout:
    """Recognise the columns of a dump, and its kind by them unless given. Raises FeedRefused."""
    names: Dict[FeedColumn, str] = {}
    ignored: List[str] = []
    problems = Problems()
    for header in headers:
        column = _BY_SPELLING.get(snake_case(header))
        if column is None:
            ignored.append(header)
        elif column in names:
            problems.add(Problem(f"Two columns mean {column.name}: {_short(names[column])} and {_short(header)}."))
        else:
            names[column] = header
    kind = kind or _kind_of(names)
    wanted = (*COMMON, *OWN[kind])
    for column in wanted:
        if column not in names:
            problems.add(Problem(f"The column {column.name} is missing."))
    if problems:
        raise FeedRefused(problems.found)
    ignored += [name for column, name in names.items() if column not in wanted]
    return Layout(kind, {column: names[column] for column in wanted}, tuple(ignored))


def _kind_of(names: Dict[FeedColumn, str]) -> RecommendationKind:
    fitting = [kind for kind, own in OWN.items() if any(column in names for column in own)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise FeedRefused.because(
            "The columns fit both feeds: say which one it is with --kind out_of_stock or --kind low_stock."
        )
    raise FeedRefused.because(
        "This is neither feed: sold-out rows have the column estimated_order_loss, low-stock rows current_stock and "
        "days_on_hand."
    )


def count_fault(rows: int, before: Optional[int]) -> str:
    """A sentence when a dump of ``rows`` rows is implausible after one of ``before`` rows; else empty."""
    if rows == 0:
        return "The dump has no rows. Use --force if that is right."
    if before and not before / 2 <= rows <= before * 2:
        return (
            f"The dump has {rows} rows, the feed in use {before}: less than half or more than double is not taken. "
            "Use --force if that is right."
        )
    return ""


def _short(text: str) -> str:
    """A cell as it may be shown in a sentence."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
