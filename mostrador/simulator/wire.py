"""The newest HTTP exchanges with the business, byte for byte: webhooks posted and Graph API calls received."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Deque, Dict, List, Optional, Set, Tuple

KEPT = 1000  # exchanges; the journal has the messages of all
MOST_BYTES = 64 * 1024  # of a body


@dataclass
class Exchange:
    """One request and its answer; ``http`` 0 = no answer, ``at`` unix seconds, ``contacts`` whom it is about."""

    direction: str  # webhook (to the business) | call (from it)
    method: str
    url: str
    headers: Dict[str, str]
    request: bytes
    http: int
    answer: bytes
    ms: float
    contacts: Tuple[str, ...] = ()
    attempt: int = 1
    copy: int = 0
    error: str = ""
    n: int = 0
    at: float = field(default_factory=time.time)

    def shown(self) -> Dict[str, Any]:
        """As JSON values; bodies that are JSON are parsed, others are text."""
        body = readable(self.request)
        return {
            "n": self.n,
            "at": round(self.at, 3),
            "direction": self.direction,
            "about": about(body) if self.direction == "webhook" else called(self.method, self.url, body),
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "body": body,
            "http": self.http,
            "answer": readable(self.answer),
            "ms": self.ms,
            "contacts": list(self.contacts),
            "attempt": self.attempt,
            "copy": self.copy,
            "error": self.error,
        }


class Wire:
    """A ring of exchanges, numbered from 1, that can be waited for."""

    def __init__(self) -> None:
        self.last = 0
        self._exchanges: Deque[Exchange] = deque(maxlen=KEPT)
        self._waiting: Set["asyncio.Future[None]"] = set()

    def add(self, exchange: Exchange) -> None:
        """Keep it and wake whoever waits."""
        self.last += 1
        exchange.n = self.last
        self._exchanges.append(exchange)
        self._wake()

    def since(self, number: int, contact: str = "", mentions: str = "", limit: int = 200) -> List[Exchange]:
        """The newest ``limit`` exchanges numbered above ``number``, oldest first.

        ``mentions`` is a wamid that occurs in the request or the answer.
        """
        needle = mentions.encode()
        found: List[Exchange] = []
        for exchange in reversed(self._exchanges):
            if exchange.n <= number or len(found) >= limit:
                break
            if contact and contact not in exchange.contacts:
                continue
            if needle in exchange.request or needle in exchange.answer:
                found.append(exchange)
        return found[::-1]

    async def wait(self, number: int, seconds: float) -> None:
        """Return when there is an exchange numbered above ``number``, or after ``seconds``."""
        if self.last > number or seconds <= 0:
            return
        future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except asyncio.TimeoutError:
            return
        finally:
            self._waiting.discard(future)

    def forget(self) -> None:
        """Drop every exchange; numbering goes on."""
        self._exchanges.clear()

    def close(self) -> None:
        """Release whoever waits."""
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


def readable(body: bytes) -> Any:
    """The JSON value, or the text of what is none; the empty body is None."""
    if not body:
        return None
    try:
        return json.loads(body[:MOST_BYTES])
    except ValueError:
        text = body[:MOST_BYTES].decode("utf-8", "replace")
        return text if len(body) <= MOST_BYTES else f"{text} … ({len(body)} bytes)"


def about(body: Any) -> str:
    """A webhook in a few words: ``message text``, ``status delivered``, several joined by commas."""
    words: List[str] = []
    try:
        for entry in body["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                words += [f"message {message['type']}" for message in value.get("messages", [])]
                words += [f"status {status['status']}" for status in value.get("statuses", [])]
                words += ["errors"] if "errors" in value else []
                words += [str(change["field"])] if change["field"] != "messages" else []
    except (KeyError, TypeError, AttributeError):
        return "not Meta's shape"
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "") if words else "nothing"


def called(method: str, url: str, body: Any) -> str:
    """A call of the Graph API in a few words: ``send text``, ``read mark``, ``upload``, ``describe media``."""
    part: Optional[str] = url.rsplit("/", 1)[-1] if "/" in url else None
    if part == "messages":
        if isinstance(body, dict) and "status" in body:
            return "read mark" + (" and typing" if body.get("typing_indicator") else "")
        kind = body.get("type", "text") if isinstance(body, dict) else "?"
        return f"send {kind}"
    if part == "media":
        return "upload a file"
    return {"GET": "ask for a file", "DELETE": "delete a file"}.get(method, "call")
