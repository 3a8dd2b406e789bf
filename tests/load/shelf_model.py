"""What must become of a seller's stock, worked out from the seller's own messages alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Union

GREATEST = 1_000_000
ANSWERS = 3  # that cannot be used, then the form ends


@dataclass(frozen=True)
class Choose:
    """A tap on "Update stock" of one variation."""

    item: int


@dataclass(frozen=True)
class Number:
    """A number of pieces: ``sense`` is set, add or take."""

    count: int
    sense: str = "set"


@dataclass(frozen=True)
class Undo:
    """Take back what the message ``of`` changed; None: the one change that still stands, of several one is chosen."""

    of: Optional[str] = None


@dataclass(frozen=True)
class Leave:
    """Something that closes an open form: cancel, the menu."""


@dataclass(frozen=True)
class Talk:
    """Anything else: it is answered and changes nothing."""


Act = Union[Choose, Number, Undo, Leave, Talk]


@dataclass
class Made:
    """A change that a message made."""

    message: str
    item: int
    before: int
    after: int
    undone: bool = False


@dataclass
class ShelfModel:
    """Feed it a seller's messages in the order of their time stamps; ``updates`` counts the log rows they leave."""

    stock: Dict[int, int]
    form: Optional[int] = None
    kept: Optional[Number] = None  # a number told before its item
    useless: int = 0
    made: List[Made] = field(default_factory=list)
    updates: int = 0

    def hear(self, message: str, act: Act, asked_for_item: bool = False) -> bool:
        """Whether the message changes stock; ``asked_for_item``: it was answered by asking which item is meant."""
        if isinstance(act, Choose):
            self.form, self.useless = act.item, 0
            number, self.kept = self.kept, None
            return number is not None and self._answer(message, number)
        if isinstance(act, Leave):
            self.form = self.kept = None
        elif isinstance(act, Number) and self.form is not None:
            return self._answer(message, act)
        elif isinstance(act, Number) and asked_for_item:
            self.kept = act
        elif isinstance(act, Undo):
            return self._undo(act)
        return False

    def _answer(self, message: str, act: Number) -> bool:
        assert self.form is not None
        item, before = self.form, self.stock[self.form]
        after = {"set": act.count, "add": before + act.count, "take": before - act.count}[act.sense]
        if not 0 <= after <= GREATEST:
            self.useless += 1
            if self.useless == ANSWERS:
                self.form = None
            return False
        self.form = None
        self.stock[item] = after
        self.made.append(Made(message, item, before, after))
        self.updates += 1
        return True

    def _undo(self, act: Undo) -> bool:
        standing = [change for change in self.made if not change.undone]
        if act.of is not None:
            standing = [change for change in standing if change.message == act.of]
        if len(standing) != 1:
            return False
        change = standing[-1]
        change.undone = True
        back = change.before - change.after
        self.stock[change.item] = max(0, self.stock[change.item] + back)
        self.updates += 1
        return True
