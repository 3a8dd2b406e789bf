"""Fetches the files that people send, beside the sender, which has the access token."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import Callable

from mostrador.gateways.whatsapp.client import CloudApi
from mostrador.gateways.whatsapp.errors import Action
from mostrador.gateways.whatsapp.media import MediaFailed
from mostrador.shop.clock import Clock
from mostrador.shop.sending import back_off
from mostrador.storage.engine import is_unavailable
from mostrador.storage.media import MediaStore, WaitingFile

log = logging.getLogger(__name__)

_AT_ONCE = 4
_LONGEST_PAUSE = timedelta(hours=6).total_seconds()
_MOST_TRIES = 30  # the provider keeps a file for seven days
_AGAIN = frozenset({Action.RETRY, Action.SLOW_NUMBER, Action.SLOW_PAIR, Action.LATER, Action.ACCOUNT})


class MediaFetcher:
    """Works off the queue of waiting files into ``folder``; a file is named by its SHA-256, never by a person."""

    def __init__(self, store: MediaStore, api: CloudApi, folder: Path, clock: Clock) -> None:
        self._store = store
        self._api = api
        self._folder = folder
        self._clock = clock

    async def run(self, leading: Callable[[], bool], woken: asyncio.Event, idle: float = 30.0) -> None:
        """Fetch until cancelled, while ``leading``; ``woken`` tells that files may have come."""
        while True:
            woken.clear()
            try:
                busy = leading() and await self._some()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                busy = False
            if not busy:
                try:
                    await asyncio.wait_for(woken.wait(), idle)
                except asyncio.TimeoutError:
                    pass

    async def _some(self) -> bool:
        waiting = await asyncio.to_thread(self._store.due, self._clock.now(), _AT_ONCE)
        await asyncio.gather(*(self._fetch(file) for file in waiting))
        return bool(waiting)

    async def _fetch(self, file: WaitingFile) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._folder / f"{hashlib.sha256(file.media_id.encode()).hexdigest()}.part"
        try:
            got = await self._api.fetch_media(file.media_id, file.business_number, draft)
        except MediaFailed as failed:
            draft.unlink(missing_ok=True)
            await self._give_up_or_wait(file, failed)
            return
        draft.replace(self._folder / got.sha256)
        path = f"{self._folder.name}/{got.sha256}"
        now = self._clock.now()
        await asyncio.to_thread(self._store.kept, file.media_id, got.mime_type, got.sha256, got.size, path, now)

    async def _give_up_or_wait(self, file: WaitingFile, failed: MediaFailed) -> None:
        now = self._clock.now()
        again = failed.verdict.action in _AGAIN and file.tries + 1 < _MOST_TRIES
        at = now + back_off(file.tries + 1, base=5.0, cap=_LONGEST_PAUSE) if again else None
        log.info("A file was not fetched: %s", failed.verdict.title)
        await asyncio.to_thread(self._store.failed, file.media_id, failed.verdict.title, at, now)
