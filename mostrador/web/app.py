"""The web process: product pictures for phones, the door for stock that was changed elsewhere, pages for operators."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional
from urllib.parse import unquote

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty, text
from sanic.response import json as json_response

from mostrador.bootstrap import Services
from mostrador.gateways.request_signature import HEADER, is_genuine
from mostrador.shop.errors import Gone, ImplausibleQuantity, InventoryUnavailable
from mostrador.shop.stock_intake import ForeignChange, UnreadableChange, take_in
from mostrador.storage.engine import is_unavailable
from mostrador.web.explain_page import ExplainPage
from mostrador.web.operators import OperatorDoor, reviewer_of
from mostrador.web.review_page import ReviewPage

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 20
MOST_CHANGES = 1_000
THREADS = 4
PICTURE_AGE = 7 * 86_400  # seconds a picture may be kept by whoever fetched it
_PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(jpg|jpeg|png)")
_TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}


class DatabaseAway(Exception):
    """Nothing more can be done now; what was done before stays done."""


def make_app(services: Services) -> Sanic:
    """The web process: /healthz, /pictures/<name>, POST /v1/stock, and for operators /explain/<id> and /review."""
    app = Sanic("mostrador_web", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = MOST_BYTES
    app.config.FALLBACK_ERROR_FORMAT = "json"
    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="web")
    pictures = _Pictures(services.settings.var_dir / "pictures")
    door = _StockDoor(services)
    operators = OperatorDoor(services.settings)
    why = ExplainPage(services)
    reviews = ReviewPage(services, operators)

    async def aside(work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *args))

    def not_for(request: Request) -> Optional[HTTPResponse]:
        return operators.refusal(request.conn_info.client_ip if request.conn_info else "", request.headers)

    @app.get("/healthz")
    async def healthz(request: Request) -> HTTPResponse:
        return text("ok")

    @app.route("/pictures/<name:str>", methods=["GET", "HEAD"])
    async def picture(request: Request, name: str) -> HTTPResponse:
        return await aside(pictures.answer, name, request.headers.get("if-none-match", ""))

    @app.post("/v1/stock")
    async def stock(request: Request) -> HTTPResponse:
        refusal = door.refusal(request.body, request.headers.getall(HEADER, []))
        return refusal or await aside(door.answer, request.body)

    @app.get("/explain/<any_id:path>")  # ids may hold slashes
    async def explain(request: Request, any_id: str) -> HTTPResponse:
        return not_for(request) or await aside(why.answer, unquote(any_id))

    @app.get("/review")
    async def review(request: Request) -> HTTPResponse:
        return not_for(request) or await aside(reviews.answer)

    @app.post("/review")
    async def decide(request: Request) -> HTTPResponse:
        refusal = not_for(request) or operators.foreign(request.headers, request.form.get("token") or "")
        as_json = "application/json" in request.headers.get("accept", "")
        return refusal or await aside(reviews.decide, dict(request.form), reviewer_of(request.headers), as_json)

    @app.listener("after_server_stop")
    async def close(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        threads.shutdown(wait=True)

    return app


class _Pictures:
    """Files of one folder, by plain names only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, name: str, known_etag: str) -> HTTPResponse:
        found = _PICTURE.fullmatch(name)
        path = self._folder / name
        try:
            if found is None or path.is_symlink():
                return empty(404)
            content, stat = path.read_bytes(), path.stat()
        except OSError:
            return empty(404)
        etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        headers = {
            "Cache-Control": f"public, max-age={PICTURE_AGE}",
            "ETag": etag,
            "Last-Modified": formatdate(stat.st_mtime, usegmt=True),
            "X-Content-Type-Options": "nosniff",
        }
        if known_etag == etag:
            return empty(304, headers)
        return HTTPResponse(content, 200, headers, _TYPES[found.group(1)])


class _StockDoor:
    """POST /v1/stock: ``{"changes": [{change_id, supplier_id, product_id, style_id, variation_name, quantity | delta,
    source}, …]}``, signed as gateways.request_signature says.

    Answers ``{"results": [{change_id, status, before, after} | {change_id, status: "refused", error, message}, …]}``
    in the order of the changes. Each is applied by itself and once; after a 503 the whole request may be sent again.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def refusal(self, body: bytes, signatures: List[str]) -> Optional[HTTPResponse]:
        """Why the body is not even read, or None."""
        config = self._services.settings
        secret = config.stock_api_secret.get_secret_value().encode()
        if not secret:
            return _error(503, "not_configured", "This entry is closed: MOSTRADOR_STOCK_API_SECRET is not set.")
        if len(signatures) != 1 or not is_genuine(secret, body, signatures[0], time.time()):
            log.warning("Refused a stock change that nobody known signed")
            return _error(401, "signature", f"The header {HEADER} does not sign this body, or its time is not now.")
        if config.inventory_url:
            return _error(409, "kept_elsewhere", "Stock is kept by an inventory service: send changes there.")
        return None

    def answer(self, body: bytes) -> HTTPResponse:
        try:
            changes = json.loads(body)["changes"]
        except (ValueError, KeyError, TypeError, RecursionError):
            changes = None
        if not isinstance(changes, list) or not 1 <= len(changes) <= MOST_CHANGES:
            return _error(400, "shape", f'The body is {{"changes": […]}} with 1 to {MOST_CHANGES} changes.')
        results: List[Dict[str, Any]] = []
        try:
            for raw in changes:
                results.append({"change_id": _name_of(raw), **self._apply(raw)})
        except DatabaseAway:
            return _error(503, "unavailable", "The database does not answer; send the same request again.")
        return json_response({"results": results})

    def _apply(self, raw: Any) -> Dict[str, Any]:
        services = self._services
        try:
            change = take_in(services.uow(), services.inventory, ForeignChange.read(raw), services.clock.now())
        except UnreadableChange as wrong:
            return _refused("unreadable", str(wrong))
        except Gone:
            return _refused("unknown", "No such variation is known here.")
        except ImplausibleQuantity:
            return _refused("implausible", "The stock would be below zero or beyond belief.")
        except InventoryUnavailable:
            raise DatabaseAway() from None
        except Exception as error:
            if is_unavailable(error):
                raise DatabaseAway() from None
            code = getattr(getattr(error, "orig", None), "pgcode", None) or "no code"
            log.error("A stock change failed: %s, %s", type(error).__name__, code)
            return _refused("failed", "This change could not be applied.")
        return {"status": "applied", "before": change.before, "after": change.after}


def _name_of(raw: Any) -> Optional[str]:
    name = raw.get("change_id") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


def _refused(error: str, message: str) -> Dict[str, Any]:
    return {"status": "refused", "error": error, "message": message}


def _error(status: int, error: str, message: str) -> HTTPResponse:
    return json_response({"error": error, "message": message}, status)
