"""What a feed must look like."""

from __future__ import annotations

from typing import Any

import pytest

from mostrador.shop.feed import (
    COMMON,
    DAYS,
    LOSS,
    PROBLEMS_SHOWN,
    PRODUCT,
    SCORE,
    STOCK,
    STYLE,
    SUPPLIER,
    VARIATION,
    FeedRefused,
    Problem,
    Problems,
    count_fault,
    layout_of,
    snake_case,
)
from mostrador.shop.recommendations import RecommendationKind

OOS, LOW = RecommendationKind.OUT_OF_STOCK, RecommendationKind.LOW_STOCK
HEADERS = [column.name for column in COMMON]


@pytest.mark.parametrize(
    "header",
    ["supplier_id", "supplierId", "SupplierID", "SUPPLIER_ID", "Supplier Id", "supplier-id", "\ufeffsupplier_id"],
)
def test_a_header_is_known_however_it_is_spelled(header: str) -> None:
    assert snake_case(header) == "supplier_id"
    assert layout_of([header, *HEADERS[1:], "estimatedOrderLoss"]).names[SUPPLIER] == header


def test_vpid_is_the_style() -> None:
    headers = ["VPID" if header == STYLE.name else header for header in HEADERS]
    assert layout_of([*headers, "estimated_order_loss"]).names[STYLE] == "VPID"


def test_the_columns_tell_the_kind() -> None:
    assert layout_of([*HEADERS, "estimated_order_loss"]).kind is OOS
    assert layout_of([*HEADERS, "current_stock", "days_on_hand"]).kind is LOW


def test_columns_that_fit_both_need_a_word_and_the_others_are_ignored() -> None:
    both = [*HEADERS, "current_stock", "days_on_hand", "estimated_order_loss", "brand"]
    with pytest.raises(FeedRefused, match="--kind"):
        layout_of(both)
    layout = layout_of(both, OOS)
    assert layout.kind is OOS
    assert layout.ignored == ("brand", "current_stock", "days_on_hand")


def test_every_missing_column_is_named() -> None:
    with pytest.raises(FeedRefused) as refused:
        layout_of(["supplier_id", "product_id", "current_stock"])
    told = str(refused.value)
    for name in ("style_id", "variation_name", "catalog_id", "catalog_name", "sorting_score", "days_on_hand"):
        assert f"The column {name} is missing." in told


def test_one_column_named_twice_is_refused() -> None:
    with pytest.raises(FeedRefused, match="Two columns mean supplier_id"):
        layout_of([*HEADERS, "supplierId", "estimated_order_loss"])


def test_what_is_no_feed_is_said_to_be_none() -> None:
    with pytest.raises(FeedRefused, match="neither feed"):
        layout_of(["name", "phone"])


@pytest.mark.parametrize(
    "column, value, fault",
    [
        (SUPPLIER, 12, ""),
        (SUPPLIER, " 12 ", ""),
        (SCORE, 3.0, ""),
        (SUPPLIER, None, "is empty"),
        (SUPPLIER, "", "is not a whole number ('')"),
        (PRODUCT, "12,5", "is not a whole number ('12,5')"),
        (PRODUCT, "0x1F", "is not a whole number ('0x1F')"),
        (PRODUCT, "1e3", "is not a whole number ('1e3')"),
        (PRODUCT, 2.5, "is not a whole number ('2.5')"),
        (PRODUCT, float("nan"), "is not a whole number ('nan')"),
        (SUPPLIER, "0", "is less than 1 (0)"),
        (STOCK, -3, "is negative (-3)"),
        (SCORE, 2**31, "is greater than 2147483647 (2147483648)"),
        (STOCK, None, "is empty"),
        (DAYS, None, ""),
        (LOSS, None, ""),
        (STYLE, "", "is empty"),
        (VARIATION, "", ""),
        (VARIATION, None, "is empty"),
        (STYLE, 5, "is not text ('5')"),
        (STYLE, "x" * 301, "is longer than 300 characters (301)"),
        (STYLE, "a\nb", "holds a line break or another control character ('a\\nb')"),
    ],
)
def test_a_cell_is_judged_in_words(column: Any, value: Any, fault: str) -> None:
    assert column.fault(value) == fault


def test_a_problem_says_where_it_is() -> None:
    assert str(Problem("style_id is empty.", 7)) == "Row 7: style_id is empty."
    assert str(Problem("style_id is empty.", 7, part="part-1")) == "Row 7 of part-1: style_id is empty."
    assert str(Problem("The file is empty.")) == "The file is empty."


def test_only_the_first_problems_are_kept() -> None:
    problems = Problems()
    for row in range(100):
        problems.add(Problem("x", row))
    assert problems.full
    assert len(problems.found) == PROBLEMS_SHOWN == 20


@pytest.mark.parametrize(
    "rows, before, taken",
    [
        (10, None, True),
        (0, None, False),
        (0, 10, False),
        (5, 10, True),
        (4, 10, False),
        (20, 10, True),
        (21, 10, False),
    ],
)
def test_a_dump_of_half_or_double_the_rows_is_just_taken(rows: int, before: Any, taken: bool) -> None:
    assert (count_fault(rows, before) == "") is taken
