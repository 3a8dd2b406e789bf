"""The turn that the running task works on, for the parts of Rasa that are called without being told."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from rasa.shared.core.trackers import DialogueStateTracker


class TurnAborted(BaseException):
    """The turn cannot go on and must leave no trace; it is tried again.

    A BaseException because Rasa swallows every Exception of an action call and saves the turn as done.
    ``outage`` says whether something is away (and the try does not count) or the turn itself is at fault.
    """

    def __init__(self, reason: str, outage: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outage = outage


@dataclass
class CurrentTurn:
    """What a dispatched turn reads its tracker from and where it leaves the new events, uncommitted.

    ``stored`` are the events since the last session start as JSON; ``opening`` those of a session that begins now.
    """

    conversation_id: str
    stored: List[Dict[str, Any]]
    opening: List[Dict[str, Any]] = field(default_factory=list)
    known: Optional["DialogueStateTracker"] = None  # the tracker of the conversation's last turn, if still true
    before: Dict[str, Any] = field(default_factory=dict)  # what the slots held when the tracker was read
    already: int = 0  # how many of the tracker's events are stored, once it was read
    tracker: Optional["DialogueStateTracker"] = None  # as saved by the turn
    added: List[Dict[str, Any]] = field(default_factory=list)


current_turn: "ContextVar[Optional[CurrentTurn]]" = ContextVar("current_turn", default=None)
