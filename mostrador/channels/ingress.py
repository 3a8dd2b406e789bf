"""The webhook of the WhatsApp Cloud API: checked, stored, answered. ``python -m mostrador.channels.ingress`` serves it.

Imports nothing of Rasa, so that the process is small and starts at once.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional, Protocol, Tuple

from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, text

from mostrador.channels.signature import is_genuine
from mostrador.channels.whatsapp_inbound import WrongShape, parse
from mostrador.settings import Settings, SettingsError, settings
from mostrador.shop.clock import Clock
from mostrador.shop.received import Batch
from mostrador.storage.engine import is_unavailable

log = logging.getLogger(__name__)

PREFIX = "/webhooks/whatsapp"
_TOGETHER = 200  # items stored in one transaction at most; a webhook with more is stored by itself
_LARGE = 100_000  # bytes; reading these would hold up everybody else
_CONNECTIONS = 3  # storing, announcing, health


class Store(Protocol):
    def receive(self, batch: Batch) -> int: ...

    def check(self) -> None: ...


def required(config: Settings) -> Settings:
    """``config``, once it has all that the webhook needs. Raises SettingsError naming what is missing."""
    return config.require("whatsapp_app_secret", "whatsapp_verify_token", "whatsapp_phone_number_ids")


def webhook_blueprint(
    store: Store, config: Settings, clock: Clock, kind: Callable[..., Blueprint] = Blueprint
) -> Blueprint:
    """Routes GET and POST /webhook, to be mounted at /webhooks/whatsapp; ``kind`` makes the blueprint.

    GET is Meta's handshake. POST answers 200 once everything readable is stored; 413, 401 and 400 for what is too
    large, not signed by Meta or no WhatsApp webhook; 503, so that Meta sends it again, while the database is away.
    """
    blueprint = kind("whatsapp_webhook")
    door = Door(store, config, clock)

    @blueprint.get("/webhook")
    async def handshake(request: Request) -> HTTPResponse:
        token = config.whatsapp_verify_token.get_secret_value()
        given = request.args.get("hub.verify_token", "")
        known = bool(token) and hmac.compare_digest(given.encode(errors="replace"), token.encode())
        if request.args.get("hub.mode") != "subscribe" or not known:
            return _refused(403, "a handshake with a wrong token")
        return text(request.args.get("hub.challenge", "")[:1000])

    @blueprint.post("/webhook", stream=True)
    async def webhook(request: Request) -> HTTPResponse:
        raw = await _body(request, config.webhook_max_bytes)
        if raw is None:
            return _refused(413, "a body that is too large")
        signatures = request.headers.getall("x-hub-signature-256", [])
        if len(signatures) != 1 or not is_genuine(raw, signatures[0], config.app_secrets):
            return _refused(401, "a body that Meta did not sign")
        return await door.take(raw)

    @blueprint.listener("after_server_stop")
    async def close(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        door.close()

    return blueprint


async def _body(request: Request, most: int) -> Optional[bytes]:
    """The raw body, or None as soon as it is longer than ``most`` bytes."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        return None
    parts, size = [], 0
    while True:
        part = await request.stream.read()
        if part is None:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > most:
            return None


def _refused(status: int, what: str) -> HTTPResponse:
    log.warning("Refused with %d: %s", status, what)
    return empty(status)


class Door:
    """Stores genuine bodies; those that come while others are being stored are stored together, with one commit."""

    def __init__(self, store: Store, config: Settings, clock: Clock) -> None:
        self._store = store
        self._numbers = frozenset(config.whatsapp_phone_number_ids)
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._waiting: "List[Tuple[Batch, asyncio.Future[int]]]" = []
        self._storing: "Optional[asyncio.Task[None]]" = None

    async def take(self, raw: bytes) -> HTTPResponse:
        """Answer one body once it is stored, or refused."""
        try:
            if len(raw) > _LARGE:
                batch = await asyncio.get_running_loop().run_in_executor(None, self._read, raw)
            else:
                batch = self._read(raw)
        except WrongShape as wrong:
            return _refused(400, str(wrong))
        except (ValueError, RecursionError):
            return _refused(400, "a body that is not JSON")
        for problem in batch.problems:
            log.warning("Left out of a webhook: %s", problem)
        stored: "asyncio.Future[int]" = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, stored))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.ensure_future(self._store_waiting())
        status = await stored
        return _refused(503, "the database is away; Meta sends it again") if status == 503 else empty(status)

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    def _read(self, raw: bytes) -> Batch:
        return parse(json.loads(raw), self._numbers, self._clock.now())

    async def _store_waiting(self) -> None:
        while self._waiting:
            now = self._next()
            statuses = await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, [b for b, _ in now])
            for (_, stored), status in zip(now, statuses):
                if not stored.done():  # its caller may have gone
                    stored.set_result(status)

    def _next(self) -> "List[Tuple[Batch, asyncio.Future[int]]]":
        """Those that may be stored together: what says who somebody is goes alone, so that its place is kept."""
        count, size = 0, 0
        for batch, _ in self._waiting:
            if count and (batch.about_people or size + len(batch) > _TOGETHER):
                break
            count, size = count + 1, size + len(batch)
            if batch.about_people:
                break
        chosen, self._waiting = self._waiting[:count], self._waiting[count:]
        return chosen

    def _keep(self, batches: List[Batch]) -> List[int]:
        """The status for each; when they cannot be stored together, each is judged by itself."""
        if len(batches) > 1:
            try:
                self._store.receive(Batch.together(batches))
                return [200] * len(batches)
            except Exception as error:
                if is_unavailable(error):
                    return [503] * len(batches)
        return [self._keep_one(batch) for batch in batches]

    def _keep_one(self, batch: Batch) -> int:
        try:
            stored = self._store.receive(batch)
        except Exception as error:  # its text may quote what people wrote, so only its kind is logged
            if is_unavailable(error):
                return 503
            code = getattr(getattr(error, "orig", None), "pgcode", None) or "no code"
            log.error("A webhook could not be stored: %s, %s", type(error).__name__, code)
            return 500
        log.debug("Stored %d of %d items", stored, len(batch))
        return 200


def make_app(store: Store, config: Settings, clock: Clock) -> Sanic:
    """The ingress as an application: the webhook and /healthz. Raises SettingsError when a setting is missing."""
    app = Sanic("mostrador_ingress", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = config.webhook_max_bytes + 1
    app.config.RESPONSE_TIMEOUT = 30
    app.config.FALLBACK_ERROR_FORMAT = "text"
    app.blueprint(webhook_blueprint(store, required(config), clock), url_prefix=PREFIX)

    @app.get("/healthz")
    async def healthz(request: Request) -> HTTPResponse:
        try:
            await asyncio.get_running_loop().run_in_executor(None, store.check)
        except Exception as error:
            return _refused(503, f"not healthy: {type(error).__name__}")
        return text("ok")

    return app


def main() -> None:
    from mostrador.bootstrap import build
    from mostrador.storage.inbox import InboxStore

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = required(settings())
        made = build(config, pool_size=_CONNECTIONS)
        app = make_app(InboxStore(made.engine, made.clock), config, made.clock)
    except SettingsError as wrong:
        raise SystemExit(str(wrong)) from None
    app.run(host=config.bind_host, port=config.ingress_port, access_log=False, motd=False)


if __name__ == "__main__":
    main()
