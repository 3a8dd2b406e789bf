"""Names, hours and topics as people choose them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional

import pytest
from fakes import NOON, FakeUnitOfWork

from mostrador.shop.contacts import Contact, opt_out
from mostrador.shop.errors import UnusableName
from mostrador.shop.phones import zone_of
from mostrador.shop.preferences import (
    ANY_TIME,
    Hours,
    choose_hours,
    choose_topic,
    clean_name,
    may_begin_at,
    preferences_of,
    rename,
)


@pytest.fixture()
def uow() -> FakeUnitOfWork:
    uow = FakeUnitOfWork()
    uow.contacts.contacts[1] = Contact(1, "Asha", "en", "Asia/Kolkata")
    return uow


ASHA = Contact(1, "Asha", "en", "Asia/Kolkata")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("  Asha   Rao ", "Asha Rao"),
        ("मीरा जोशी", "मीरा जोशी"),
        ("José María O’Neill", "José María O’Neill"),
        ("🌸 Meera 🌸", "Meera"),
        ("Jose\u0301", "José"),
        ("J. R. Singh", "J. R. Singh"),
        ("Ana\nLópez", "Ana López"),
    ],
)
def test_a_name_is_kept_as_letters_in_one_line(written: str, name: str) -> None:
    assert clean_name(written) == name


@pytest.mark.parametrize(
    "written", ["", "A", "😀", "12345", "Asha 2", "http://x.y/z", "a@b", "x" * 41, "ab" * 2048, "...", "\u200d\u200d"]
)
def test_what_is_no_name_is_refused(written: str) -> None:
    with pytest.raises(UnusableName):
        clean_name(written)


@pytest.mark.parametrize(
    ("hours", "utc", "opens"),
    [
        (Hours(540, 1080), "03:29", "03:30"),  # 8:59 in Kolkata
        (Hours(540, 1080), "03:30", None),
        (Hours(540, 1080), "12:29", None),
        (Hours(540, 1080), "12:30", "next 03:30"),
        (Hours(1320, 360), "17:00", None),  # overnight: 22:30
        (Hours(1320, 360), "02:00", "16:30"),
        (ANY_TIME, "22:00", None),
        (Hours(600, 600), "22:00", None),
    ],
)
def test_notices_wait_for_the_hours_of_the_persons_own_day(hours: Hours, utc: str, opens: Optional[str]) -> None:
    def at(clock: str, day: int = 22) -> datetime:
        return datetime(2026, 11, day, int(clock[:2]), int(clock[3:]), tzinfo=timezone.utc)

    now = at(utc)
    expected = now if opens is None else at(opens[-5:], 23 if opens.startswith("next") else 22)
    assert may_begin_at(hours, "Asia/Kolkata", now) == expected


def test_preferences_are_kept_and_shown(uow: FakeUnitOfWork) -> None:
    assert preferences_of(uow, ASHA).hours == ANY_TIME
    assert rename(uow, ASHA, "Meera 🌸") == "Meera"
    choose_hours(uow, ASHA, Hours(540, 1080), NOON)
    choose_topic(uow, ASHA, "nudges", True, "t1", NOON)
    now = preferences_of(uow, ASHA)
    assert (uow.contacts.contacts[1].name, now.hours) == ("Meera", Hours(540, 1080))
    assert now.topics == {"restock": False, "nudges": True}


def test_a_topic_can_be_wanted_again_after_everything_was_stopped(uow: FakeUnitOfWork) -> None:
    opt_out(uow, 1, "t1", NOON)
    choose_topic(uow, ASHA, "restock", True, "t2", NOON)
    assert preferences_of(uow, ASHA).topics == {"restock": True, "nudges": False}


@pytest.mark.parametrize(
    ("number", "zone"), [("+919876543210", "Asia/Calcutta"), ("+5491122334455", "America/Buenos_Aires"), ("x", "")]
)
def test_a_telephone_number_tells_its_time_zone(number: str, zone: str) -> None:
    assert zone_of(number) == zone
