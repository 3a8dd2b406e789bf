"""The rules by which a queued message may leave: ownership, consent, the 24-hour window, staging, throughput."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Collection, Deque, Optional

from mostrador.shop.conversations import BOT, HUMAN
from mostrador.shop.messages import Say

WINDOW = timedelta(hours=24)  # free-form messages are allowed this long after the person last wrote


@dataclass(frozen=True)
class Draft:
    """A queued message with all that decides whether it may leave. ``consented`` is None for an answer to a person."""

    say: Say
    speaker: str
    created_at: datetime
    owner: str
    owner_since: Optional[datetime]
    last_human_at: Optional[datetime]
    number: str
    consented: Optional[bool] = None


@dataclass(frozen=True)
class Leaves:
    """The message goes out, as itself or as the template that stands for it outside the window."""

    as_template: bool


@dataclass(frozen=True)
class Stays:
    """The message is not sent. ``for_people`` puts it on the people's list; else the reason is all there is to say."""

    reason: str
    for_people: bool = False


@dataclass(frozen=True)
class Ending:
    """How an attempt to send ended: the new state of the row and what else follows from it."""

    status: str
    due_at: Optional[datetime] = None
    provider_id: Optional[str] = None
    error_code: Optional[int] = None
    error: Optional[str] = None
    task: Optional[str] = None  # kind of the manual task to open
    block_until: Optional[datetime] = None  # hold this recipient
    withdraw_consent: bool = False
    slow_number: bool = False  # nothing of this number leaves before ``due_at``


def may_leave(draft: Draft, now: datetime, only_to: Collection[str]) -> "Leaves | Stays":
    """Decide one message. ``only_to`` are the staging numbers (E.164); empty means everybody."""
    if only_to and draft.number not in only_to:
        return Stays("not a number of the staging list")
    if draft.speaker == BOT and draft.owner == HUMAN and _before(draft.created_at, draft.owner_since):
        return Stays("a human took over")
    if draft.consented is False:
        return Stays("no consent")
    open_ = draft.last_human_at is not None and now - draft.last_human_at < WINDOW
    if open_ and draft.say.text:
        return Leaves(as_template=False)
    if draft.say.template is not None:
        return Leaves(as_template=True)
    if open_:
        return Leaves(as_template=False)
    return Stays("the 24-hour window is closed and no template stands for this message", for_people=True)


def _before(created: datetime, taken: Optional[datetime]) -> bool:
    return taken is None or created <= taken


class Throughput:
    """Keeps a business number under ``per_second`` messages, in and out together, in every moving second.

    A message reaches the provider some time between ``begin`` and ``end``, so it counts from the one until a second
    after the other. What comes in is not ours to hold back, so ``reserve`` places stay free for it.
    """

    def __init__(self, per_second: int, reserve: int = 4) -> None:
        self._most = max(1, per_second - reserve)
        self._under_way = 0
        self._ended: Deque[datetime] = deque()
        self._closed_until: Optional[datetime] = None

    def free(self, now: datetime, came_in: int) -> int:
        """How many messages may leave now, when ``came_in`` arrived during the last second."""
        if self._closed_until is not None and now < self._closed_until:
            return 0
        while self._ended and now - self._ended[0] >= timedelta(seconds=1):
            self._ended.popleft()
        return max(0, self._most - self._under_way - len(self._ended) - came_in)

    def begin(self) -> None:
        """One message is on its way to the provider."""
        self._under_way += 1

    def end(self, now: datetime) -> None:
        """The provider has answered for a message, or will not."""
        self._under_way -= 1
        self._ended.append(now)

    def close_until(self, instant: datetime) -> None:
        """The provider asked the whole number to slow down."""
        self._closed_until = max(instant, self._closed_until or instant)


def back_off(tries: int, base: float = 1.0, cap: float = 300.0) -> timedelta:
    """How long to wait after the ``tries``-th failure: base·2^(tries-1) seconds, at most ``cap``."""
    return timedelta(seconds=min(cap, base * 2 ** min(tries - 1, 16)))


def pair_back_off(tries: int) -> timedelta:
    """The wait that Meta asks for after error 131056: 4^X seconds, X = 0, 1, 2 … (at most an hour)."""
    return timedelta(seconds=min(3600, 4 ** min(max(tries - 1, 0), 6)))
