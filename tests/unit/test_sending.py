"""The rules by which a queued message may leave."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict

import pytest

from mostrador.shop.messages import Say, Template
from mostrador.shop.sending import Draft, Leaves, Stays, Throughput, back_off, may_leave, pair_back_off

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
OFFER = Template("restock", "en", ("kurta",))


def draft(**changes: Any) -> Draft:
    usual: Dict[str, Any] = {
        "say": Say(text="hello"),
        "speaker": "bot",
        "created_at": NOON,
        "owner": "bot",
        "owner_since": None,
        "last_human_at": NOON - timedelta(hours=1),
        "number": "+5491122334455",
    }
    return Draft(**{**usual, **changes})


def test_an_answer_inside_the_window_leaves_as_it_is() -> None:
    assert may_leave(draft(), NOON, ()) == Leaves(as_template=False)


@pytest.mark.parametrize(("silence", "leaves"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24), False)])
def test_the_window_is_open_for_less_than_24_hours(silence: timedelta, leaves: bool) -> None:
    fate = may_leave(draft(last_human_at=NOON - silence), NOON, ())
    assert isinstance(fate, Leaves) is leaves


def test_outside_the_window_the_template_stands_in() -> None:
    fate = may_leave(draft(say=Say(text="hello", template=OFFER), last_human_at=None), NOON, ())
    assert fate == Leaves(as_template=True)


def test_a_message_that_no_template_stands_for_goes_to_people() -> None:
    fate = may_leave(draft(last_human_at=None), NOON, ())
    assert isinstance(fate, Stays) and fate.for_people


def test_a_staging_set_up_writes_to_its_listed_numbers_only() -> None:
    assert isinstance(may_leave(draft(), NOON, ("+5491100000000",)), Stays)
    assert isinstance(may_leave(draft(), NOON, ("+5491122334455",)), Leaves)
    assert isinstance(may_leave(draft(number=""), NOON, ("+5491122334455",)), Stays)


def test_only_bot_rows_older_than_the_takeover_are_dropped() -> None:
    taken = {"owner": "human", "owner_since": NOON}
    assert isinstance(may_leave(draft(created_at=NOON - timedelta(seconds=1), **taken), NOON, ()), Stays)
    assert isinstance(may_leave(draft(speaker="human", **taken), NOON, ()), Leaves)


def test_nothing_but_answers_leaves_without_consent() -> None:
    assert isinstance(may_leave(draft(consented=False), NOON, ()), Stays)
    assert isinstance(may_leave(draft(consented=None), NOON, ()), Leaves)


def test_no_moving_second_carries_more_than_the_number_allows() -> None:
    pace, now, sent = Throughput(80, reserve=0), NOON, []
    for step in range(3_000):
        now = NOON + timedelta(milliseconds=step)
        if pace.free(now, came_in=20):
            pace.begin()
            pace.end(now)
            sent.append(now)
    for start in sent:
        assert sum(1 for instant in sent if start <= instant < start + timedelta(seconds=1)) <= 60
    assert len(sent) >= 170


def test_a_number_told_to_slow_down_is_silent_until_then() -> None:
    pace = Throughput(80)
    pace.close_until(NOON + timedelta(seconds=2))
    assert pace.free(NOON + timedelta(seconds=1), 0) == 0
    assert pace.free(NOON + timedelta(seconds=2), 0) > 0


def test_waits_grow_and_end() -> None:
    assert [back_off(n).total_seconds() for n in (1, 2, 3, 40)] == [1, 2, 4, 300]
    assert [pair_back_off(n).total_seconds() for n in (1, 2, 3)] == [1, 4, 16]


def test_a_message_counts_as_long_as_it_may_still_arrive() -> None:
    pace = Throughput(2, reserve=0)
    pace.begin()
    pace.begin()
    assert pace.free(NOON + timedelta(seconds=5), 0) == 0
    pace.end(NOON + timedelta(seconds=5))
    assert pace.free(NOON + timedelta(seconds=5.9), 0) == 0
    assert pace.free(NOON + timedelta(seconds=6), 0) == 1
