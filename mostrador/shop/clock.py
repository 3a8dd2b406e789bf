"""Business time. Every rule that asks "what time is it" asks a Clock, so that a test can answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol, Tuple


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


class FileClock:
    """The wall clock shifted by the number of seconds written in a file, so that one test drives many processes.

    A missing or empty file means no shift. Replace the file to change it; it is read again when it is another one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: Tuple[int, int, int] = (0, 0, 0)
        self._shift = timedelta()

    def now(self) -> datetime:
        try:
            file = os.stat(self._path)
            if (file.st_ino, file.st_mtime_ns, file.st_size) != self._read:
                self._shift = timedelta(seconds=float(self._path.read_text().strip() or 0))
                self._read = (file.st_ino, file.st_mtime_ns, file.st_size)
        except FileNotFoundError:
            self._read, self._shift = (0, 0, 0), timedelta()
        return datetime.now(timezone.utc) + self._shift


def clock_from(path: str) -> Clock:
    """The clock that the setting MOSTRADOR_CLOCK asks for: empty = the wall, else the file's shift."""
    return FileClock(Path(path)) if path else SystemClock()
