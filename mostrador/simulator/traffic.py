"""Counts what passed, and how much of it in any moving second, so that tests can prove a rate was kept."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any, Deque, Dict, List, Tuple


class Sliding:
    """The number of events in the last ``span`` seconds and the greatest such number ever seen."""

    __slots__ = ("span", "times", "total", "most")

    def __init__(self, span: float) -> None:
        self.span = span
        self.times: Deque[float] = deque()
        self.total = 0
        self.most = 0

    def now(self, at: float) -> int:
        while self.times and self.times[0] <= at - self.span:
            self.times.popleft()
        return len(self.times)

    def add(self, at: float) -> None:
        self.now(at)
        self.times.append(at)
        self.total += 1
        self.most = max(self.most, len(self.times))


class Pair:
    """The platform's limit for one business number and one person: a bucket of ``burst`` refilled each ``seconds``."""

    __slots__ = ("level", "at")

    def __init__(self, burst: int) -> None:
        self.level = float(burst)
        self.at = time.monotonic()

    def take(self, burst: int, seconds: float) -> bool:
        now = time.monotonic()
        self.level = min(float(burst), self.level + (now - self.at) / seconds)
        self.at = now
        if self.level < 1.0:
            return False
        self.level -= 1.0
        return True


class Traffic:
    """All counters of a run."""

    def __init__(self) -> None:
        self.began = time.time()
        self.into: Dict[str, Sliding] = {}  # business number → messages from people
        self.out: Dict[str, Sliding] = {}
        self.both: Dict[str, Sliding] = {}
        self.to_person: Dict[Tuple[str, str], Sliding] = {}  # moving six seconds
        self.pairs: Dict[Tuple[str, str], Pair] = {}
        self.refused: Counter[str] = Counter()  # "http:code" → calls
        self.faults: Counter[str] = Counter()
        self.opaque: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.webhooks: Counter[str] = Counter()
        self.latencies: Deque[float] = deque(maxlen=20_000)  # seconds until a webhook was answered 200

    def came_in(self, business: str) -> None:
        at = time.monotonic()
        self.into.setdefault(business, Sliding(1.0)).add(at)
        self.both.setdefault(business, Sliding(1.0)).add(at)

    def went_out(self, business: str, contact: str, opaque: Any) -> None:
        at = time.monotonic()
        self.out.setdefault(business, Sliding(1.0)).add(at)
        self.both.setdefault(business, Sliding(1.0)).add(at)
        self.to_person.setdefault((business, contact), Sliding(6.0)).add(at)
        if opaque:
            self.opaque[str(opaque)] += 1

    def in_this_second(self, business: str) -> int:
        counter = self.both.get(business)
        return counter.now(time.monotonic()) if counter else 0

    def shown(self) -> Dict[str, Any]:
        """The counters as JSON values; ``max_…_per_second`` is over any moving second."""
        numbers: Dict[str, Any] = {}
        for business in sorted(set(self.both)):
            into, out = self.into.get(business), self.out.get(business)
            numbers[business] = {
                "in": into.total if into else 0,
                "out": out.total if out else 0,
                "max_in_per_second": into.most if into else 0,
                "max_out_per_second": out.most if out else 0,
                "max_per_second": self.both[business].most,
            }
        times = sorted(self.latencies)
        return {
            "began": self.began,
            "numbers": numbers,
            "max_to_one_person_in_6_seconds": max((s.most for s in self.to_person.values()), default=0),
            "sent_twice": sum(n - 1 for n in self.opaque.values()),
            "refused": dict(self.refused),
            "faults": dict(self.faults),
            "statuses": dict(self.statuses),
            "webhooks": {**dict(self.webhooks), **_percentiles(times)},
        }


def _percentiles(times: List[float]) -> Dict[str, Any]:
    if not times:
        return {"p50_ms": None, "p95_ms": None, "p99_ms": None, "max_ms": None}

    def at(share: float) -> float:
        return round(1000 * times[min(len(times) - 1, int(share * len(times)))], 1)

    return {"p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99), "max_ms": round(1000 * times[-1], 1)}
