"""Business time. Every rule that asks "what time is it" asks a Clock, so that a test can answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware and in UTC."""


class SystemClock:
    """The clock on the wall."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)


@dataclass
class SetClock:
    """A clock that stands still until a test moves it."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def advance(self, **duration: float) -> None:
        self.instant += timedelta(**duration)


@dataclass(frozen=True)
class FileClock:
    """The wall clock shifted by the number of seconds written in a file, so that one test drives many processes.

    A missing or empty file means no shift.
    """

    path: Path

    def now(self) -> datetime:
        try:
            shift = float(self.path.read_text().strip() or 0)
        except FileNotFoundError:
            shift = 0.0
        return datetime.now(timezone.utc) + timedelta(seconds=shift)


def clock_from(path: str) -> Clock:
    """The clock that the setting MOSTRADOR_CLOCK asks for: empty = the wall, else the file's shift."""
    return FileClock(Path(path)) if path else SystemClock()
