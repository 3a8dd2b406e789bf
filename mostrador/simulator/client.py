"""A small synchronous client of the control API, for tests, load drivers and `mostrador converse`."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, List, Optional
from urllib.parse import quote

import requests

Entry = Dict[str, Any]


class SimulatorRefused(Exception):
    """The control API did not do what was asked; the message is its reason."""


class NothingCame(Exception):
    """The awaited log entry did not come in time."""


class SimulatorClient:
    """Talks to one simulator; safe to use from one thread at a time."""

    def __init__(self, url: str, timeout: float = 70.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # loopback never goes through a proxy

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Dict[str, Any]:
        """One call of ``/_sim/<path>``; raises SimulatorRefused for anything but 200."""
        answer = self._session.request(
            method, f"{self.url}/_sim/{path}", json=body, params=params, timeout=self._timeout
        )
        if answer.status_code != 200:
            try:
                reason = answer.json().get("error", answer.text)
            except ValueError:
                reason = answer.text
            raise SimulatorRefused(f"{answer.status_code}: {reason}")
        found: Dict[str, Any] = answer.json()
        return found

    def send(self, contact: str, type: str = "text", **spec: Any) -> Dict[str, Any]:
        """Let a person send something; returns ``{id, contact, n, webhook?}`` (``n``: log number just after it)."""
        return self.call("POST", f"contacts/{quote(contact, safe='')}/send", {"type": type, **spec})

    def say(self, contact: str, text: str, **spec: Any) -> Dict[str, Any]:
        return self.send(contact, "text", text=text, **spec)

    def tap(self, contact: str, title: Optional[str] = None, **spec: Any) -> Dict[str, Any]:
        """Press a button or row by ``title``, ``id`` or ``index`` (from 1), optionally of one ``message_id``."""
        return self.send(contact, "tap", **({"title": title} if title is not None else {}), **spec)

    def send_file(self, contact: str, type: str, data: bytes, mime_type: str, **spec: Any) -> Dict[str, Any]:
        answer = self._session.post(
            f"{self.url}/_sim/media", data=data, headers={"Content-Type": mime_type}, timeout=self._timeout
        )
        answer.raise_for_status()
        return self.send(contact, type, media_id=answer.json()["media_id"], **spec)

    def send_many(self, messages: List[Dict[str, Any]], **options: Any) -> Dict[str, Any]:
        return self.call("POST", "send", {"messages": messages, **options})

    def read(self, contact: str, ids: Optional[List[str]] = None) -> int:
        body = {} if ids is None else {"ids": ids}
        return int(self.call("POST", f"contacts/{quote(contact, safe='')}/read", body)["read"])

    def buttons(self, contact: str) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = self.call("GET", f"contacts/{quote(contact, safe='')}/buttons")["buttons"]
        return found

    def log(
        self,
        contact: Optional[str] = None,
        since: int = 0,
        wait: float = 0.0,
        events: Iterable[str] = (),
        limit: int = 1000,
    ) -> List[Entry]:
        params: Dict[str, Any] = {"since": since, "wait": wait, "limit": limit}
        if contact is not None:
            params["contact"] = contact
        if events:
            params["events"] = ",".join(events)
        entries: List[Entry] = self.call("GET", "log", **params)["entries"]
        return entries

    def await_entry(
        self,
        contact: Optional[str],
        events: Iterable[str],
        since: int = 0,
        within: float = 10.0,
        that: Callable[[Entry], bool] = lambda entry: True,
    ) -> Entry:
        """The first entry after ``since`` of these events for which ``that`` holds; raises NothingCame."""
        deadline, events = time.monotonic() + within, list(events)
        while True:
            left = deadline - time.monotonic()
            for entry in self.log(contact, since, wait=max(0.0, min(left, 30.0)), events=events):
                if that(entry):
                    return entry
                since = entry["n"]
            if left <= 0:
                raise NothingCame(f"no {'/'.join(events)} within {within:g} s")

    def replies(
        self, contact: str, since: int, count: int = 1, within: float = 10.0, quiet: float = 0.0
    ) -> List[Entry]:
        """At least ``count`` messages to the person after ``since``, plus those of ``quiet`` more seconds."""
        found: List[Entry] = []
        deadline = time.monotonic() + within
        while len(found) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NothingCame(f"{len(found)} of {count} replies within {within:g} s")
            new = self.log(contact, since, wait=min(left, 30.0), events=["out"])
            found += new
            since = new[-1]["n"] if new else since
        end = time.monotonic() + quiet
        while quiet and time.monotonic() < end:
            new = self.log(contact, since, wait=max(0.0, end - time.monotonic()), events=["out"])
            found += new
            since = new[-1]["n"] if new else since
        return found

    def contacts(self) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = self.call("GET", "contacts")["contacts"]
        return found

    def put_contact(self, **contact: Any) -> Dict[str, Any]:
        found: Dict[str, Any] = self.call("POST", "contacts", contact)["contacts"][0]
        return found

    def put_template(self, **template: Any) -> None:
        self.call("POST", "templates", template)

    def fault(self, **order: Any) -> Dict[str, Any]:
        return self.call("POST", "faults", order)

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def configure(self, **values: Any) -> Dict[str, Any]:
        return self.call("POST", "config", values)

    def webhook(self, **spec: Any) -> Dict[str, Any]:
        return self.call("POST", "webhook", spec)

    def handshake(self, **spec: Any) -> Dict[str, Any]:
        return self.call("POST", "handshake", spec)

    def stats(self) -> Dict[str, Any]:
        return self.call("GET", "stats")

    def reset(self, **what: bool) -> int:
        """Forget everything but contacts and templates; returns the log number to count from."""
        return int(self.call("POST", "reset", what)["last"])
