"""What the simulator has been told to do wrong."""

from __future__ import annotations

import itertools
import random
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Optional

SEND_KINDS = (
    "429",
    "500",
    "html502",
    "timeout",
    "disconnect",
    "drop_after_accept",
    "hang_after_accept",
    "late_answer",
    "wrong_json",
)
MEDIA_FAULTS = ("expired", "gone", "wrong_sha", "too_large", "foreign_host", "redirect")


class WrongFault(Exception):
    """The fault is unknown or badly written; the message says how."""


@dataclass
class Fault:
    """One standing order. ``left`` None = until cleared; ``code`` for the kinds ``400:<code>``, ``status:<code>``."""

    number: int  # what it is called when it is taken back
    kind: str
    left: Optional[int]
    probability: float
    contact: Optional[str]
    business: Optional[str]
    on: str  # messages | read | media | status (accepted, then failed)
    seconds: float
    code: Optional[int] = None
    http: Optional[int] = None


class Faults:
    """The list of standing orders plus the webhook-side switches, all from one seeded generator."""

    def __init__(self, seed: Optional[int] = None) -> None:
        self.random = random.Random(seed)
        self._numbers = itertools.count(1)
        self.clear()

    def clear(self) -> None:
        self._orders: List[Fault] = []
        self.duplicate = 0.0  # probability that a webhook is posted once more
        self.delay_seconds = 0.0  # each webhook waits this long
        self.reorder_seconds = 0.0  # … and a random part of this
        self.status_reorder = False  # delivered is posted before sent
        self.drop_statuses = 0.0  # probability that a status is never posted
        self.media: Optional[str] = None

    def order(self, raw: Dict[str, Any]) -> None:
        """Read one POST /_sim/faults body; raises WrongFault and changes nothing when any part of it is wrong."""
        if not isinstance(raw, dict) or not raw:
            raise WrongFault("a fault is an object")
        unknown = set(raw) - {
            "next", "kind", "probability", "contact", "business", "on", "seconds", "media_expired", "media",
            "duplicate", "delay_seconds", "reorder_seconds", "status_reorder", "drop_statuses",
        }  # fmt: skip
        if unknown:
            raise WrongFault(f"unknown: {', '.join(sorted(unknown))}")
        fault = self._read(raw) if "kind" in raw else None
        switches: Dict[str, Any] = {}
        for name in ("duplicate", "drop_statuses"):
            if name in raw:
                switches[name] = _number(raw, name, most=1.0)
        for name in ("delay_seconds", "reorder_seconds"):
            if name in raw:
                switches[name] = _number(raw, name, most=3600.0)
        if "status_reorder" in raw:
            switches["status_reorder"] = bool(raw["status_reorder"])
        if "media_expired" in raw:
            switches["media"] = "expired" if raw["media_expired"] else None
        if "media" in raw:
            if raw["media"] is not None and raw["media"] not in MEDIA_FAULTS:
                raise WrongFault(f"media is one of {', '.join(MEDIA_FAULTS)} or null")
            switches["media"] = raw["media"]
        if fault is not None:
            self._orders.append(fault)
        for name, value in switches.items():
            setattr(self, name, value)

    def _read(self, raw: Dict[str, Any]) -> Fault:
        kind = str(raw["kind"])
        base, _, code = kind.partition(":")
        number: Optional[int] = None
        http: Optional[int] = None
        if base == "status" or (base.isdigit() and code):
            if not code.isdigit():
                raise WrongFault(f"{base}: needs a numeric error code, like 400:130429 or status:131026")
            number = int(code)
            http = int(base) if base != "status" else None
            if http is not None and not 400 <= http <= 599:
                raise WrongFault("an HTTP status of 400 to 599")
            kind = "status" if base == "status" else "error"
        elif kind not in SEND_KINDS:
            raise WrongFault(f"kind is one of {', '.join(SEND_KINDS)}, <http>:<code>, status:<code>")
        left = raw.get("next", 1 if "probability" not in raw else None)
        if left is not None and (isinstance(left, bool) or not isinstance(left, int) or left < 1):
            raise WrongFault("next is a whole number above 0")
        on = raw.get("on", "messages")
        if on not in ("messages", "read", "media"):
            raise WrongFault("on is messages, read or media")
        if kind == "status":
            on = "status"
        return Fault(
            number=next(self._numbers),
            kind=kind,
            left=left,
            probability=_number(raw, "probability", most=1.0, default=1.0),
            contact=None if raw.get("contact") is None else str(raw["contact"]),
            business=None if raw.get("business") is None else str(raw["business"]),
            on=on,
            seconds=_number(
                raw, "seconds", most=600.0, default=30.0 if kind in ("timeout", "hang_after_accept") else 2.0
            ),
            code=number,
            http=http,
        )

    def take_back(self, number: int) -> None:
        """Forget one standing order; raises WrongFault when there is none of this number (any more)."""
        for fault in self._orders:
            if fault.number == number:
                self._orders.remove(fault)
                return
        raise WrongFault(f"there is no order {number}")

    def take(self, on: str, contact: Optional[str] = None, business: Optional[str] = None) -> Optional[Fault]:
        """The fault that hits this call, if any; a counted one is used up."""
        for fault in self._orders:
            if fault.on != on:
                continue
            if fault.contact is not None and fault.contact != contact:
                continue
            if fault.business is not None and fault.business != business:
                continue
            if fault.probability < 1.0 and self.random.random() >= fault.probability:
                continue
            if fault.left is not None:
                fault.left -= 1
                if fault.left == 0:
                    self._orders.remove(fault)
            return fault
        return None

    def shown(self) -> Dict[str, Any]:
        return {
            "orders": [asdict(f) for f in self._orders],
            "duplicate": self.duplicate,
            "delay_seconds": self.delay_seconds,
            "reorder_seconds": self.reorder_seconds,
            "status_reorder": self.status_reorder,
            "drop_statuses": self.drop_statuses,
            "media": self.media,
        }


def _number(raw: Dict[str, Any], name: str, most: float, default: float = 0.0) -> float:
    value = raw.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        raise WrongFault(f"{name} is a number from 0 to {most:g}")
    return float(value)
