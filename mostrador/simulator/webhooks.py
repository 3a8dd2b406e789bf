"""Posts signed webhooks to the business, the way Meta does: retried, sometimes twice, in no promised order."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set, Tuple

import aiohttp

from .config import SimulatorConfig
from .faults import Faults
from .journal import Journal
from .traffic import Traffic
from .wire import Exchange, Wire

Value = Dict[str, Any]
MOST_UPDATES = 1000  # Meta's limit for one POST
MOST_ANSWER = 4096  # bytes of a webhook's answer that are kept to be looked at


def sign(secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256 for these raw bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(waba_id: str, values: List[Tuple[str, Value]]) -> Dict[str, Any]:
    """Meta's outer object around ``(field, value)`` pairs."""
    changes = [{"value": value, "field": name} for name, value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": waba_id, "changes": changes}]}


@dataclass
class Update:
    """One thing to tell the business. ``ids`` are the wamids inside, for the log."""

    field: str
    value: Value
    kind: str  # message | status | other
    contact: Optional[str] = None
    ids: Tuple[str, ...] = ()
    done: "Optional[asyncio.Future[Dict[str, Any]]]" = None


class Courier:
    """Carries updates to the callback address; one task per POST, none of them blocks the others."""

    def __init__(self, config: SimulatorConfig, journal: Journal, faults: Faults, traffic: Traffic, wire: Wire) -> None:
        self.config = config
        self.wire = wire
        self.journal = journal
        self.faults = faults
        self.traffic = traffic
        self.pending = 0
        self.session: aiohttp.ClientSession
        self._tasks: Set["asyncio.Task[Any]"] = set()
        self._turns: Dict[str, asyncio.Lock] = {}
        self._batch: List[Update] = []

    async def start(self) -> None:
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200), headers={"User-Agent": "facebookexternalua"}
        )

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.session.close()

    def forget(self) -> None:
        """Give up every POST under way; used by reset."""
        current = asyncio.current_task()
        for task in list(self._tasks):
            if task is not current:
                task.cancel()
        self._batch.clear()
        self._turns.clear()

    def spawn(self, work: Any) -> None:
        """Run a coroutine in the background until it ends or the courier stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell(self, update: Update, copies: int = 1, delay: float = 0.0) -> None:
        """Queue one update; ``copies`` > 1 posts it again. Returns at once."""
        if self.faults.duplicate and self.faults.random.random() < self.faults.duplicate:
            copies += 1
        if self.config.batch_seconds > 0 and not delay and update.done is None:
            if not self._batch:
                asyncio.get_running_loop().call_later(self.config.batch_seconds, self._flush)
            self._batch.extend([update] * copies)
            if len(self._batch) >= MOST_UPDATES:
                self._flush()
            return
        for copy in range(copies):
            self.post([update], delay=delay, copy=copy)

    def _flush(self) -> None:
        batch, self._batch = self._batch, []
        for start in range(0, len(batch), MOST_UPDATES):
            self.post(batch[start : start + MOST_UPDATES])

    def post(self, updates: List[Update], delay: float = 0.0, copy: int = 0) -> None:
        """Post several updates together, with retries, in the background."""
        delay += self.faults.delay_seconds
        if self.faults.reorder_seconds:
            delay += self.faults.random.random() * self.faults.reorder_seconds
        elif copy:
            delay += 0.02 * copy
        self.spawn(self._deliver(updates, delay, copy))

    async def _deliver(self, updates: List[Update], delay: float, copy: int) -> None:
        values = [(update.field, update.value) for update in updates]
        body = json.dumps(envelope(self.config.waba_id, values), separators=(",", ":")).encode()
        lone = updates[0] if len(updates) == 1 else None
        self.pending += 1
        try:
            if delay:
                await asyncio.sleep(delay)
            attempt, began = 1, time.monotonic()
            if lone is not None and lone.kind == "message" and lone.contact and self.config.ordered and not copy:
                turn = self._turns.setdefault(lone.contact, asyncio.Lock())
                async with turn:
                    answered = await self._try(body, updates, attempt, copy)
            else:
                answered = await self._try(body, updates, attempt, copy)
            for update in updates:
                if update.done is not None and not update.done.done():
                    update.done.set_result(answered)
            while answered["http"] != 200:
                pauses = self.config.retry_delays
                pause = pauses[min(attempt - 1, len(pauses) - 1)]
                if time.monotonic() - began + pause > self.config.retry_for:
                    self.traffic.webhooks["given_up"] += 1
                    self.journal.add(
                        "given_up", updates[0].contact, ids=[i for u in updates for i in u.ids], attempts=attempt
                    )
                    return
                await asyncio.sleep(pause)
                attempt += 1
                answered = await self._try(body, updates, attempt, copy)
        finally:
            self.pending -= 1

    async def _try(self, body: bytes, updates: List[Update], attempt: int, copy: int) -> Dict[str, Any]:
        contacts = tuple({update.contact: None for update in updates if update.contact})
        signature = sign(self.config.app_secret, body)
        answered = await self.send_raw(body, signature, contacts=contacts, attempt=attempt, copy=copy)
        ok = answered["http"] == 200
        self.traffic.webhooks["posts"] += 1
        self.traffic.webhooks["answered_200" if ok else "failed"] += 1
        if attempt > 1:
            self.traffic.webhooks["retries"] += 1
        if copy:
            self.traffic.webhooks["copies"] += 1
        if ok:
            self.traffic.latencies.append(answered["ms"] / 1000)
        for update in updates:
            if not ok or update.kind == "message" or attempt > 1:  # statuses that just went well would flood the log
                self.journal.add(
                    "webhook",
                    update.contact,
                    kind=update.kind,
                    ids=list(update.ids),
                    attempt=attempt,
                    copy=copy,
                    **answered,
                )
        return answered

    async def send_raw(
        self,
        body: bytes,
        signature: Optional[str],
        headers: Optional[Dict[str, str]] = None,
        contacts: Tuple[str, ...] = (),
        attempt: int = 1,
        copy: int = 0,
    ) -> Dict[str, Any]:
        """POST bytes to the callback once; returns ``{http, ms, error?}`` with http 0 when no answer came."""
        sent = {"Content-Type": "application/json"}
        if signature is not None:
            sent["X-Hub-Signature-256"] = signature
        sent.update(headers or {})
        began, said = time.perf_counter(), b""
        try:
            async with self.session.post(
                self.config.callback_url,
                data=body,
                headers=sent,
                timeout=aiohttp.ClientTimeout(total=self.config.webhook_timeout),
                allow_redirects=False,
            ) as answer:
                said = (await answer.read())[:MOST_ANSWER]
                http, error = answer.status, None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as problem:
            http, error = 0, type(problem).__name__
        took = round(1000 * (time.perf_counter() - began), 1)
        told = (http, said, took, contacts, attempt, copy, error or "")
        self.wire.add(Exchange("webhook", "POST", self.config.callback_url, sent, body, *told))
        answered: Dict[str, Any] = {"http": http, "ms": took}
        if error:
            answered["error"] = error
        return answered
