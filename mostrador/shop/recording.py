"""A talk as it was recorded: what was heard, done and said from some moment on, and how things stood when it began."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Mapping, Optional, Tuple

from mostrador.shop.messages import Say


@dataclass(frozen=True)
class Written:
    """One message of the person. ``payload`` is the provider's message object, whole."""

    provider_id: str
    kind: str
    text: str
    sent_at: datetime
    received_at: datetime
    status: str  # new | done | kept
    turn_id: str
    reply_to: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Spoken:
    """One message of ours. ``slice`` counts the messages that one Say became; ``kind`` is reply or notification."""

    provider_id: str
    say: Say
    slice: int
    speaker: str
    status: str
    turn_id: str
    kind: str
    topic: str
    key: str
    created_at: datetime


@dataclass(frozen=True)
class Answered:
    """One turn. ``noted`` is what it kept of itself; ``asked_for_human`` whether it queued the conversation."""

    id: str
    members: Tuple[str, ...]
    outcome: str
    begun_at: datetime
    noted: Mapping[str, Any]
    asked_for_human: bool


@dataclass(frozen=True)
class Good:
    """A variation of the person's. ``stock`` is what it was at the beginning.

    ``lost`` and ``days`` are the feed's figures where it was on the sold-out or low-stock list, in the order of the
    list; ``foreign`` says that somebody else changed its stock meanwhile.
    """

    id: int
    product_id: int
    name: str
    variation: str
    stock: int
    lost: Optional[int] = None
    days: Optional[int] = None
    touched: bool = False
    foreign: bool = False


@dataclass(frozen=True)
class LogLine:
    """A change of stock by this person."""

    good: int
    before: int
    delta: int
    after: int
    source: str


@dataclass(frozen=True)
class Recording:
    """Everything of one conversation since ``since``. ``private`` are names, numbers and ids that tell who it was."""

    since: datetime
    seller: bool
    name: str
    private: Tuple[str, ...]
    owner: str
    owner_name: str
    form_open: bool
    language: str
    written: Tuple[Written, ...]
    spoken: Tuple[Spoken, ...]
    turns: Tuple[Answered, ...]
    goods: Tuple[Good, ...] = ()
    log: Tuple[LogLine, ...] = ()
    consent: Mapping[str, bool] = field(default_factory=dict)
