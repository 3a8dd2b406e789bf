"""The one process that speaks: takes rows from the outbox to the provider and notes how each one ended.

``python -m mostrador.channels.sender``. Several may run; one holds the lead and the others stand by.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Set

import uvloop

from mostrador.channels.buttons import seal
from mostrador.channels.media_fetcher import MediaFetcher
from mostrador.gateways.whatsapp.client import CloudApi, SendFailed
from mostrador.gateways.whatsapp.errors import Action, Verdict, of_code
from mostrador.gateways.whatsapp.render import render
from mostrador.settings import Settings, SettingsError, settings
from mostrador.shop.clock import Clock
from mostrador.shop.messages import Say, Sender
from mostrador.shop.phones import canonical
from mostrador.shop.sending import Draft, Ending, Leaves, Stays, Throughput, back_off, may_leave, pair_back_off
from mostrador.storage.engine import INBOX, OUTBOX, Listener, is_unavailable
from mostrador.storage.media import MediaStore
from mostrador.storage.outbox import Claimed
from mostrador.storage.sending import Ended, FailedReport, OutboxStore

log = logging.getLogger(__name__)

_SWEEP = timedelta(seconds=1)
_LOOK_AGAIN = 0.25  # seconds, while the database is away
_IDLE = 5.0  # seconds; the net under rows of a sender that died, else announcements and due times wake us
_SOONEST = 0.05  # seconds; what is due and could not be claimed waits for a place, a lock or a number's second
_PULSE = 0.04  # seconds between two claims at least: what comes meanwhile is claimed together
_AT_ONCE = 40
_MOST_TRIES = 8
_STOPPED_MARKETING = 131050  # the one refusal that is the person's own word
_ACCOUNT_PAUSE = timedelta(seconds=60)


def after_failure(verdict: Verdict, tries: int, now: datetime) -> Ending:
    """What a provider's refusal means for the row; permanent ones are never tried again."""
    note: Dict[str, Any] = {"error_code": verdict.code, "error": verdict.title}
    action = verdict.action
    if action is Action.UNKNOWN_OUTCOME:
        return Ending("unknown", due_at=now, **note)
    if action in (Action.RETRY, Action.SLOW_NUMBER) and tries < _MOST_TRIES:
        return Ending("queued", due_at=now + back_off(tries), slow_number=action is Action.SLOW_NUMBER, **note)
    if action is Action.SLOW_PAIR and tries < _MOST_TRIES:
        until = now + pair_back_off(tries)
        return Ending("queued", due_at=until, block_until=until, **note)
    if action is Action.ACCOUNT:
        return Ending("queued", due_at=now + _ACCOUNT_PAUSE, task="account", slow_number=True, **note)
    if action is Action.STOP_CONTACT:
        return Ending("failed", withdraw_consent=verdict.code == _STOPPED_MARKETING, **note)
    return Ending("failed", task="failed_send", **note)


def after_report(report: FailedReport, now: datetime) -> Ending:
    """What a status of "failed" means for a message that had been accepted; it goes once more at the most."""
    verdict = of_code(report.code)
    passing = verdict.action in (Action.RETRY, Action.SLOW_NUMBER, Action.SLOW_PAIR)
    if report.resends == 0 and (passing or (verdict.action is Action.WINDOW_CLOSED and report.has_template)):
        return Ending("queued", due_at=now + back_off(1))
    if verdict.action in (Action.RETRY, Action.SLOW_NUMBER, Action.SLOW_PAIR, Action.WINDOW_CLOSED, Action.LATER):
        return Ending("failed", task="failed_send", error_code=verdict.code, error=verdict.title)
    return after_failure(verdict, _MOST_TRIES, now)


class OutboxSender:
    """Sends what is due, one message of a contact at a time, inside every limit of the provider."""

    def __init__(self, store: OutboxStore, api: CloudApi, config: Settings, clock: Clock, listener: Listener) -> None:
        self._store = store
        self._api = api
        self._config = config
        self._clock = clock
        self._listener = listener
        self._only_to = frozenset(canonical(number) for number in config.send_only_to)
        self._secret = config.button_secret.get_secret_value().encode()
        self._token = uuid.uuid4().hex
        self._database = ThreadPoolExecutor(6, thread_name_prefix="outbox")
        self._ears = ThreadPoolExecutor(1, thread_name_prefix="ears")
        self._woken = asyncio.Event()
        self.files_woken = asyncio.Event()
        self.leading = False
        self._flying: Set["asyncio.Task[None]"] = set()
        self._paces: Dict[str, Throughput] = {}
        self._ended: List[Ended] = []
        self._settling: "Optional[asyncio.Task[None]]" = None
        self._swept_at: Optional[datetime] = None
        self._marked: int = 0
        self._claimed_at = 0.0
        self._inbox_heard = True

    async def run(self) -> None:
        """Send until cancelled."""
        hearing = asyncio.ensure_future(self._hear())
        try:
            while True:
                await self._once()
        finally:
            hearing.cancel()
            self._listener.close()
            if self._flying:
                await asyncio.wait(self._flying, timeout=self._config.send_timeout)
            await self._in_database(self._store.give_up_lead)
            await self._api.close()

    async def _hear(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            heard = await loop.run_in_executor(self._ears, self._listener.wait, _IDLE)
            if heard is None or heard:
                if INBOX in self._listener.heard:
                    self._inbox_heard = True
                self._woken.set()

    async def _once(self) -> None:
        await asyncio.sleep(max(0.0, self._claimed_at + _PULSE - time.monotonic()))
        self._claimed_at = time.monotonic()
        self._woken.clear()
        try:
            pause = await self._send_due()
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("The database is away; nothing is sent")
            self.leading = False  # the lead fell with its connection
            pause = _LOOK_AGAIN
        if pause:
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except asyncio.TimeoutError:
                pass

    async def _send_due(self) -> float:
        """Send what may leave now; returns how long nothing else can be due, 0 when there may be more."""
        now = self._clock.now()
        if not self.leading or self._swept_at is None or now - self._swept_at >= _SWEEP:
            self.leading = await self._in_database(self._store.lead)
            if not self.leading:
                return _LOOK_AGAIN * 4
            self._swept_at = now
            await self._in_database(self._store.sweep, now)
            await self._in_database(self._store.judge_reports, now, lambda report: after_report(report, now))
        if self._inbox_heard:
            self._inbox_heard = False
            await self._mark_read()
        free = min(_AT_ONCE - len(self._flying), await self._free_places(now))
        rows: List[Claimed] = []
        if free > 0:
            rows = await self._in_database(self._store.claim, now, self._token, free)
        for row in rows:
            self._pace(row.business_number).begin()
            task = asyncio.ensure_future(self._send(row))
            self._flying.add(task)
            task.add_done_callback(self._landed)
        if rows:
            return 0.0
        next_look = await self._in_database(self._store.next_look, now)
        if next_look is None:
            return _IDLE
        return min(_IDLE, max(_SOONEST, (next_look - now).total_seconds()))

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._flying.discard(task)
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("A send ended badly: %s", type(task.exception()).__name__)

    async def _free_places(self, now: datetime) -> int:
        came_in = await self._came_in(now)
        numbers = self._config.whatsapp_phone_number_ids
        # Rows are claimed for all numbers together, so the fullest number sets the pace.
        return min(self._pace(number).free(now, came_in.get(number, 0)) for number in numbers)

    async def _came_in(self, now: datetime) -> Dict[str, int]:
        """What arrived during the last second, by number; asked for only when we send enough for it to matter."""
        numbers = self._config.whatsapp_phone_number_ids
        quarter = self._config.number_per_second // 4
        if all(self._pace(number).free(now, 0) > 3 * quarter for number in numbers):
            return dict.fromkeys(numbers, quarter)
        found: Dict[str, int] = await self._in_database(self._store.inbound_since, now - timedelta(seconds=1))
        return found

    def _pace(self, number: str) -> Throughput:
        if number not in self._paces:
            self._paces[number] = Throughput(self._config.number_per_second)
        return self._paces[number]

    async def _mark_read(self) -> None:
        """Blue ticks and "typing…" for what the bot is about to answer: a courtesy, never worth a retry."""
        came = await self._in_database(self._store.just_received, self._marked)
        self._marked = came.newest
        if came.files:
            self.files_woken.set()
        for number, provider_id in came.to_mark:
            task = asyncio.ensure_future(self._courtesy(number, provider_id))
            self._flying.add(task)
            task.add_done_callback(self._landed)

    async def _courtesy(self, number: str, provider_id: str) -> None:
        try:
            await self._api.mark_read(number, provider_id, typing=True)
        except SendFailed as refused:
            log.info("A read mark was refused: %s", refused.verdict.code)

    async def _send(self, row: Claimed) -> None:
        try:
            ending = await self._attempt(row)
        finally:
            self._pace(row.business_number).end(self._clock.now())
        if ending.slow_number and ending.due_at is not None:
            self._pace(row.business_number).close_until(ending.due_at)
        self._ended.append(Ended(row, ending, self._clock.now()))
        if self._settling is None or self._settling.done():
            self._settling = asyncio.ensure_future(self._settle())
        await asyncio.shield(self._settling)

    async def _settle(self) -> None:
        """Write how sends ended; those that end meanwhile are written together."""
        while self._ended:
            ended, self._ended = self._ended, []
            while True:
                try:
                    await self._in_database(self._store.settle, ended, self._token)
                    break
                except Exception as error:
                    if not is_unavailable(error):
                        raise
                    await asyncio.sleep(_LOOK_AGAIN)  # the rows' lease or status reports settle them otherwise

    async def _attempt(self, row: Claimed) -> Ending:
        now = self._clock.now()
        fate = may_leave(await self._draft(row), now, self._only_to)
        if isinstance(fate, Stays):
            return Ending("held" if fate.for_people else "dropped", error=fate.reason, task=_task_of(fate))
        if row.urgency > 0:
            opens = await self._in_database(self._store.may_begin_at, row.contact_id, now)
            if opens > now:
                return Ending("queued", due_at=opens)
        try:
            body = render(_sealed(_as(row.say, fate), row.conversation_id, self._secret))[row.slice]
            recipient = Sender(wa_id=row.wa_id, bsuid=row.bsuid)
            sent = await self._api.send(row.business_number, recipient, body, opaque=str(row.id))
        except SendFailed as failed:
            if failed.verdict.action is Action.WINDOW_CLOSED and row.say.template and not fate.as_template:
                return await self._attempt(replace(row, last_human_at=None))
            return after_failure(failed.verdict, row.attempts, self._clock.now())
        except (IndexError, ValueError):
            log.exception("A message cannot be put into the provider's form")
            return Ending("failed", error="cannot be rendered", task="failed_send")
        return Ending("accepted", provider_id=sent.provider_id)

    async def _draft(self, row: Claimed) -> Draft:
        consented = None
        if row.urgency > 0:
            consented = await self._in_database(self._store.has_consent, row.contact_id, row.topic)
        return Draft(
            say=row.say,
            speaker=row.speaker,
            created_at=row.created_at,
            owner=row.owner,
            owner_since=row.owner_since,
            last_human_at=row.last_human_at,
            number=row.e164 or ("+" + row.wa_id if row.wa_id else ""),
            consented=consented,
        )

    async def _in_database(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, partial(call, *args))


def _task_of(fate: Stays) -> Optional[str]:
    return "failed_send" if fate.for_people else None


def _as(say: Say, fate: Leaves) -> Say:
    return Say(template=say.template, response=say.response) if fate.as_template else replace(say, template=None)


def _sealed(say: Say, conversation_id: str, secret: bytes) -> Say:
    """The same message with ids in place of payloads, good for this conversation alone."""
    buttons = tuple(replace(b, payload=seal(b.payload, conversation_id, secret)) for b in say.buttons)
    template = say.template
    if template is not None and template.button_payloads:
        payloads = tuple(seal(p, conversation_id, secret) for p in template.button_payloads)
        template = replace(template, button_payloads=payloads)
    return replace(say, buttons=buttons, template=template)


async def _main(config: Settings) -> None:
    from mostrador.bootstrap import build, database_url

    made = build(config, pool_size=8)
    store = OutboxStore(
        made.engine,
        lease=timedelta(seconds=config.send_lease),
        unknown_after=timedelta(seconds=config.unknown_after),
        order_wait=timedelta(seconds=config.order_wait),
        pair_seconds=config.pair_seconds,
        pair_burst=config.pair_burst,
    )
    listener = Listener(database_url(config), [OUTBOX, INBOX])
    api = CloudApi(config)
    sender = OutboxSender(store, api, config, made.clock, listener)
    fetcher = MediaFetcher(MediaStore(made.engine), api, config.var_dir / "media", made.clock)
    running = asyncio.gather(sender.run(), fetcher.run(lambda: sender.leading, sender.files_woken))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        log.info("Stopped")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = settings().require("whatsapp_access_token", "whatsapp_phone_number_ids", "button_secret")
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    uvloop.install()
    asyncio.run(_main(config))
    return 0


if __name__ == "__main__":
    sys.exit(main())
