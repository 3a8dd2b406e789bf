"""The ordered log of everything that passed through the simulator, in memory and as JSON lines."""

from __future__ import annotations

import asyncio
import bisect
import json
import time
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Set

Entry = Dict[str, Any]
SUBSCRIBER_BACKLOG = 5000
MOST_HISTORY = 20 * 1024 * 1024  # bytes of an earlier run that are read again


class Journal:
    """Numbered entries ``{n, at, event, contact, …}``; ``at`` is unix seconds.

    Only the newest ``keep`` entries stay in memory; the file, when there is one, has them all.
    """

    def __init__(self, path: Optional[Path] = None, keep: int = 100_000) -> None:
        self.last = 0
        self._closed = False
        self._path = path
        self._keep = keep
        self._entries: List[Entry] = []
        self._of: Dict[str, List[Entry]] = {}
        self._unwritten: List[str] = []
        self._waiting: Dict[Optional[str], Set["asyncio.Future[None]"]] = {}
        self._subscribers: Set["asyncio.Queue[Optional[Entry]]"] = set()

    def add(self, event: str, contact: Optional[str] = None, **data: Any) -> Entry:
        """Append an entry and wake whoever waits for it."""
        self.last += 1
        entry: Entry = {"n": self.last, "at": round(time.time(), 3), "event": event, "contact": contact, **data}
        self._remember(entry)
        if self._path is not None:
            self._unwritten.append(json.dumps(entry, separators=(",", ":")))
        for key in {contact, None}:
            for future in self._waiting.pop(key, ()):
                if not future.done():
                    future.set_result(None)
        for queue in list(self._subscribers):
            if queue.qsize() >= SUBSCRIBER_BACKLOG:  # a stalled reader is cut off; it comes back and reads the log
                self._subscribers.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(entry)
        return entry

    def _remember(self, entry: Entry) -> None:
        self._entries.append(entry)
        if entry["contact"] is not None:
            self._of.setdefault(entry["contact"], []).append(entry)
        if len(self._entries) > self._keep * 5 // 4:
            del self._entries[: len(self._entries) - self._keep]
            first = self._entries[0]["n"]
            for key, entries in list(self._of.items()):
                del entries[: _position(entries, first - 1)]
                if not entries:
                    del self._of[key]

    def since(
        self,
        number: int,
        contact: Optional[str] = None,
        events: Optional[FrozenSet[str]] = None,
        limit: int = 1000,
        newest: bool = False,
    ) -> List[Entry]:
        """Entries numbered above ``number``, oldest first; with ``newest`` the last ``limit`` instead of the first."""
        entries = self._entries if contact is None else self._of.get(contact, [])
        start = _position(entries, number)
        if newest:
            found: List[Entry] = []
            for position in range(len(entries) - 1, start - 1, -1):
                if events is None or entries[position]["event"] in events:
                    found.append(entries[position])
                    if len(found) >= limit:
                        break
            return found[::-1]
        found = []
        for position in range(start, len(entries)):
            if events is None or entries[position]["event"] in events:
                found.append(entries[position])
                if len(found) >= limit:
                    break
        return found

    async def wait(
        self, number: int, contact: Optional[str], events: Optional[FrozenSet[str]], limit: int, seconds: float
    ) -> List[Entry]:
        """Like ``since``, but waits up to ``seconds`` for the first entry."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.since(number, contact, events, limit)
            left = deadline - time.monotonic()
            if found or left <= 0 or self._closed:
                return found
            future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(contact, set()).add(future)
            try:
                await asyncio.wait_for(future, left)
            except asyncio.TimeoutError:
                return []
            finally:
                self._waiting.get(contact, set()).discard(future)

    def subscribe(self) -> "asyncio.Queue[Optional[Entry]]":
        """A queue that gets every later entry; None means: cut off."""
        queue: "asyncio.Queue[Optional[Entry]]" = asyncio.Queue()
        self._subscribers.add(queue)
        return queue

    def unsubscribe(self, queue: "asyncio.Queue[Optional[Entry]]") -> None:
        self._subscribers.discard(queue)

    def close(self) -> None:
        """Release every waiter and subscriber and write what is left."""
        self._closed = True
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)
        self._waiting.clear()
        for queue in self._subscribers:
            queue.put_nowait(None)
        self._subscribers.clear()
        self.write()

    def write(self) -> None:
        """Append the unwritten lines to the file; called a few times a second, never per entry."""
        if self._path is None or not self._unwritten:
            return
        lines, self._unwritten = self._unwritten, []
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def load(self) -> Iterator[Entry]:
        """Read the file of an earlier run into memory, yielding every entry; a torn last line is left out."""
        if self._path is None or not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(max(0, self._path.stat().st_size - MOST_HISTORY))  # a line cut by this is not JSON: left out
            for line in file:
                try:
                    entry = json.loads(line)
                    number = int(entry["n"])
                    entry["event"], entry["contact"]
                except (ValueError, KeyError, TypeError):
                    continue
                self.last = max(self.last, number)
                self._remember(entry)
                yield entry

    def forget(self) -> None:
        """Drop every entry, in memory and on disk; numbering goes on so that readers notice nothing twice."""
        self._entries.clear()
        self._of.clear()
        self._unwritten.clear()
        if self._path is not None and self._path.exists():
            self._path.unlink()


def _position(entries: List[Entry], number: int) -> int:
    """Index of the first entry numbered above ``number``."""
    if not entries or entries[0]["n"] > number:
        return 0
    return bisect.bisect_right(entries, number, key=lambda entry: int(entry["n"]))
