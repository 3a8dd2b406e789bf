"""The control face: what people on the phone page, tests and load drivers call. JSON in, JSON out."""

from __future__ import annotations

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any, Awaitable, Callable, Dict, FrozenSet, List, Optional

import aiohttp
from aiohttp import web

from .config import WrongConfig
from .faults import WrongFault
from .graph import plain_name
from .inbound import WrongSpec
from .journal import Entry
from .network import Network
from .people import UnknownContact
from .views import WrongTemplate
from .webhooks import Update, sign

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
PAGE_FILES = {
    "/": "index.html",
    **{f"/{file.name}": file.name for file in sorted(PAGE.iterdir()) if file.suffix in (".css", ".js", ".svg")},
}
SHOWN_INLINE = {"image/png", "image/jpeg", "image/webp", "image/gif", "audio/ogg", "audio/mpeg", "audio/mp4",
                "audio/aac", "audio/amr", "video/mp4", "video/3gpp"}  # fmt: skip
WRONG = (WrongSpec, WrongFault, WrongConfig, WrongTemplate, UnknownContact)
MOST_WAIT = 60.0
HEARTBEAT = 15.0
MOST_ENTRIES = 5000
REPLAY_SECONDS = 120.0  # a step may wait for an answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(Exception):
    """The request itself cannot be read; the message says why."""


class Control:
    """Handlers of ``/_sim/…`` and of the page."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.closing = asyncio.Event()

    def routes(self) -> List[web.RouteDef]:
        guard = self._guarded
        routes = [
            web.post("/_sim/contacts/{contact}/send", guard(self.send)),
            web.post("/_sim/contacts/{contact}/read", guard(self.read)),
            web.get("/_sim/contacts/{contact}/buttons", guard(self.buttons)),
            web.get("/_sim/contacts", guard(self.contacts)),
            web.post("/_sim/contacts", guard(self.put_contacts)),
            web.post("/_sim/send", guard(self.send_many)),
            web.post("/_sim/webhook", guard(self.webhook)),
            web.post("/_sim/handshake", guard(self.handshake)),
            web.get("/_sim/log", guard(self.log)),
            web.get("/_sim/events", guard(self.events)),
            web.get("/_sim/wire", guard(self.wire)),
            web.get("/_sim/stats", guard(self.stats)),
            web.post("/_sim/reset", guard(self.reset)),
            web.get("/_sim/faults", guard(self.get_faults)),
            web.post("/_sim/faults", guard(self.post_faults)),
            web.delete("/_sim/faults", guard(self.delete_faults)),
            web.delete(r"/_sim/faults/{number:\d+}", guard(self.delete_fault)),
            web.get("/_sim/config", guard(self.get_config)),
            web.post("/_sim/config", guard(self.post_config)),
            web.get("/_sim/templates", guard(self.get_templates)),
            web.post("/_sim/templates", guard(self.post_templates)),
            web.post("/_sim/media", guard(self.post_media)),
            web.get("/_sim/media/{media}", guard(self.get_media)),
            web.route("*", "/_sim/replay/{path:.*}", guard(self.replay)),
        ]
        routes.append(web.get("/healthz", self.health))
        return routes + [web.get(path, self.page) for path in PAGE_FILES]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            # Another site's page in the same browser must not drive the phone.
            if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
                return web.json_response({"error": "requests from other sites are refused"}, status=403)
            try:
                return await handler(request)
            except WRONG as wrong:
                return web.json_response({"error": str(wrong)}, status=422)
            except BadRequest as wrong:
                return web.json_response({"error": str(wrong)}, status=400)

        return guarded

    # --- people

    async def send(self, request: web.Request) -> web.StreamResponse:
        """One message; ``wait`` true answers after the webhook was answered, with its HTTP status."""
        spec = await _object(request)
        contact = self.network.contact(request.match_info["contact"])
        message_id, update = self.network.write(contact, spec)
        number = self.network.journal.last  # replies are numbered above it
        waits = bool(spec.get("wait"))
        if waits:
            update.done = asyncio.get_running_loop().create_future()
        copies = 1 + _whole(spec, "duplicate", most=20)
        self.network.courier.tell(update, copies, _seconds(spec, "delay"))
        answer: Dict[str, Any] = {"id": message_id, "contact": contact.key, "n": number}
        if waits and update.done is not None:
            answer["webhook"] = await update.done
        return web.json_response(answer)

    async def send_many(self, request: web.Request) -> web.StreamResponse:
        """Several messages in one POST: ``{"messages": [{"contact": …, …}], "shape": "changes"|"value"|"single"}``."""
        body = await _object(request)
        specs = body.get("messages")
        if not isinstance(specs, list) or not specs or not all(isinstance(s, dict) and s.get("contact") for s in specs):
            raise BadRequest("messages is a list of messages, each with its contact")
        shape = body.get("shape", "changes")
        if shape not in ("changes", "value", "single"):
            raise BadRequest("shape is changes, value or single")
        written = [self.network.write(self.network.contact(str(s["contact"])), s) for s in specs]
        updates = [update for _, update in written]
        if shape == "single":
            for update in updates:
                self.network.courier.tell(update)
        else:
            if shape == "value":
                updates = _merged(updates)
            updates[0].done = asyncio.get_running_loop().create_future() if body.get("wait") else None
            for copy in range(1 + _whole(body, "duplicate", most=20)):
                self.network.courier.post(updates, copy=copy)
        answer: Dict[str, Any] = {"ids": [message_id for message_id, _ in written]}
        if updates[0].done is not None:
            answer["webhook"] = await updates[0].done
        return web.json_response(answer)

    async def read(self, request: web.Request) -> web.StreamResponse:
        body = await _object(request)
        contact = self.network.contact(request.match_info["contact"])
        ids = body.get("ids")
        count = self.network.read_by_person(contact, body.get("business"), list(ids) if ids is not None else None)
        return web.json_response({"read": count})

    async def buttons(self, request: web.Request) -> web.StreamResponse:
        contact = self.network.contact(request.match_info["contact"])
        business = request.query.get("business") or contact.business or self.network.config.phone_number_ids[0]
        found = self.network.buttons_of(contact, business, request.query.get("message_id"))
        return web.json_response({"buttons": found})

    async def contacts(self, request: web.Request) -> web.StreamResponse:
        network = self.network
        numbers = [
            {"id": number, "display": network.config.display_number(number), "name": network.config.business_name}
            for number in network.config.phone_number_ids
        ]
        people = [network.summary(contact) for contact in network.people.all()]
        return web.json_response({"contacts": people, "numbers": numbers, "last": network.journal.last})

    async def put_contacts(self, request: web.Request) -> web.StreamResponse:
        body = await _json(request)
        rows = body if isinstance(body, list) else [body]
        if not all(isinstance(row, dict) for row in rows):
            raise BadRequest("a contact or a list of contacts")
        made = [self.network.add_contact(row).shown() for row in rows]
        return web.json_response({"contacts": made})

    # --- looking

    async def log(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        since, limit = _query_number(query, "since", 0), _query_number(query, "limit", 1000)
        wait = min(_query_number(query, "wait", 0), MOST_WAIT)
        events: Optional[FrozenSet[str]] = None
        if query.get("events"):
            events = frozenset(query["events"].split(","))
        journal = self.network.journal
        contact = None
        if query.get("contact"):
            contact = self.network.contact(query["contact"]).key
        limit_whole = max(1, min(int(limit), MOST_ENTRIES))
        if query.get("newest"):
            entries = journal.since(int(since), contact, events, limit_whole, newest=True)
        else:
            entries = await journal.wait(int(since), contact, events, limit_whole, wait)
        return web.json_response({"entries": entries, "last": entries[-1]["n"] if entries else int(since)})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: every log entry as ``data``, its number as ``id``; resumes after Last-Event-ID."""
        journal = self.network.journal
        begin = request.headers.get("Last-Event-ID") or request.query.get("since") or str(journal.last)
        since = int(begin) if begin.isdigit() else journal.last
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        queue = journal.subscribe()
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            if since > journal.last:  # a log that was deleted meanwhile: the page starts over
                await response.write(b"event: reset\ndata: {}\n\n")
                since = journal.last
            missed = journal.since(since, limit=MOST_ENTRIES)
            if missed:
                await response.write(b"".join(_event(entry) for entry in missed))
                since = missed[-1]["n"]
            while not self.closing.is_set():
                try:
                    entry = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except asyncio.TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                chunk = []
                while entry is not None:
                    if entry["n"] > since:
                        chunk.append(_event(entry))
                    if queue.empty():
                        break
                    entry = queue.get_nowait()
                if chunk:
                    await response.write(b"".join(chunk))
                if entry is None:  # cut off or closing
                    break
        except (ConnectionResetError, asyncio.CancelledError):
            pass
        finally:
            journal.unsubscribe(queue)
        return response

    async def wire(self, request: web.Request) -> web.StreamResponse:
        """The newest HTTP exchanges above ``since``, of one ``contact`` or that mention one message ``id``.

        ``wait`` seconds for the first one; see Exchange.shown for the shape.
        """
        query, wire = request.query, self.network.wire
        since = int(_query_number(query, "since", 0))
        limit = max(1, min(int(_query_number(query, "limit", 200)), 1000))
        contact = self.network.contact(query["contact"]).key if query.get("contact") else ""
        await wire.wait(since, min(_query_number(query, "wait", 0), MOST_WAIT))
        found = wire.since(since, contact, query.get("id", ""), limit)
        return web.json_response({"exchanges": [exchange.shown() for exchange in found], "last": wire.last})

    async def stats(self, request: web.Request) -> web.StreamResponse:
        shown = self.network.traffic.shown()
        shown["webhooks"]["pending"] = self.network.courier.pending
        shown["last"] = self.network.journal.last
        return web.json_response(shown)

    # --- telling it what to do

    async def reset(self, request: web.Request) -> web.StreamResponse:
        body = await _object(request)
        self.network.reset(contacts=bool(body.get("contacts")), templates=bool(body.get("templates")))
        return web.json_response({"ok": True, "last": self.network.journal.last})

    async def get_faults(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.network.faults.shown())

    async def post_faults(self, request: web.Request) -> web.StreamResponse:
        body = await _json(request)
        for order in body if isinstance(body, list) else [body]:
            self.network.faults.order(order)
        return self._faults()

    async def delete_faults(self, request: web.Request) -> web.StreamResponse:
        self.network.faults.clear()
        return self._faults()

    async def delete_fault(self, request: web.Request) -> web.StreamResponse:
        self.network.faults.take_back(int(request.match_info["number"]))
        return self._faults()

    def _faults(self) -> web.StreamResponse:
        shown = self.network.faults.shown()
        self.network.journal.add("faults", None, faults=shown)  # so that every open page knows
        return web.json_response(shown)

    async def get_config(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.network.config.shown())

    async def post_config(self, request: web.Request) -> web.StreamResponse:
        self.network.config.update(await _object(request))
        return web.json_response(self.network.config.shown())

    async def get_templates(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"templates": list(self.network.templates.values())})

    async def post_templates(self, request: web.Request) -> web.StreamResponse:
        body = await _json(request)
        rows = body if isinstance(body, list) else [body]
        return web.json_response({"templates": [self.network.add_template(row) for row in rows]})

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        """POST any body once and tell the answer: ``{"body": object | "raw": text, "signature"?, "headers"?}``.

        ``signature`` absent = the right one; null = none; ``"wrong"`` = one made with another secret; else as it is.
        """
        spec = await _object(request)
        if "raw" in spec:
            body = str(spec["raw"]).encode()
        else:
            body = json.dumps(spec.get("body"), separators=(",", ":")).encode()
        signature = spec.get("signature", sign(self.network.config.app_secret, body))
        if signature == "wrong":
            signature = sign("another secret", body)
        headers = spec.get("headers") or {}
        if not isinstance(headers, dict):
            raise BadRequest("headers is an object")
        answered = await self.network.courier.send_raw(body, signature, {str(k): str(v) for k, v in headers.items()})
        self.network.journal.add("webhook", None, kind="raw", ids=[], attempt=1, copy=0, **answered)
        return web.json_response(answered)

    async def handshake(self, request: web.Request) -> web.StreamResponse:
        """Do Meta's GET handshake with the callback: ``{"token"?}`` → ``{ok, http, body}``."""
        body = await _object(request)
        return web.json_response(await self.shake_hands(body.get("token")))

    async def shake_hands(self, token: Optional[str] = None) -> Dict[str, Any]:
        config, challenge = self.network.config, str(secrets.randbelow(10**10))
        query = {
            "hub.mode": "subscribe",
            "hub.verify_token": config.verify_token if token is None else token,
            "hub.challenge": challenge,
        }
        try:
            async with self.network.courier.session.get(
                config.callback_url, params=query, timeout=aiohttp.ClientTimeout(total=config.webhook_timeout)
            ) as answer:
                text = (await answer.text(errors="replace"))[:500]
                result = {"ok": answer.status == 200 and text == challenge, "http": answer.status, "body": text}
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as problem:
            result = {"ok": False, "http": 0, "body": type(problem).__name__}
        self.network.journal.add("handshake", None, ok=result["ok"], http=result["http"])
        return result

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """Pass a call on to whoever replays conversations for the page, and its answer back.

        What the page expects there: ``GET conversations``, ``POST runs``, ``POST runs/<id>/next``,
        ``DELETE runs/<id>``, all JSON; a refusal is ``{"error": sentence}``.
        """
        base = self.network.config.replay_url
        if not base:
            return web.json_response({"error": "Nobody replays conversations here."}, status=404)
        body = await request.read()
        try:
            async with self.network.courier.session.request(
                request.method,
                f"{base.rstrip('/')}/{request.match_info['path']}",
                data=body or None,
                headers={"Content-Type": "application/json"} if body else {},
                timeout=aiohttp.ClientTimeout(total=REPLAY_SECONDS),
                allow_redirects=False,
            ) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
            return web.json_response({"error": "The process that replays conversations does not answer."}, status=503)

    # --- files

    async def post_media(self, request: web.Request) -> web.StreamResponse:
        """Keep the raw body (type from Content-Type, name from ``?filename=``) as a file on the phone."""
        data = await request.read()
        if not data:
            raise BadRequest("the body is the file")
        media = self.network.add_media(data, request.content_type, plain_name(request.query.get("filename")))
        return web.json_response({"media_id": media.id, **media.shown()})

    async def get_media(self, request: web.Request) -> web.StreamResponse:
        """A file for the page; anything a browser could run comes as a download."""
        media_id = request.match_info["media"]
        media, data = self.network.media.get(media_id), self.network.media.read(media_id)
        if media is None or data is None:
            return web.json_response({"error": "no such file"}, status=404)
        mime_type = media.mime_type.split(";")[0]
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=3600",
        }
        if mime_type not in SHOWN_INLINE or request.query.get("download"):
            mime_type = mime_type if mime_type in SHOWN_INLINE | {"application/pdf"} else "application/octet-stream"
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=data, content_type=mime_type, headers=headers)

    async def health(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True})

    async def page(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / PAGE_FILES[request.path], headers=PAGE_HEADERS)


def _event(entry: Entry) -> bytes:
    return f"id: {entry['n']}\ndata: {json.dumps(entry, separators=(',', ':'))}\n\n".encode()


def _merged(updates: List[Update]) -> List[Update]:
    """Messages of the same business number put into one value, as Meta's batches do."""
    merged: Dict[str, Update] = {}
    other: List[Update] = []
    for update in updates:
        if update.kind != "message":
            other.append(update)
            continue
        business = update.value["metadata"]["phone_number_id"]
        first = merged.get(business)
        if first is None:
            merged[business] = Update("messages", dict(update.value), "message", None, update.ids)
            continue
        for name in ("contacts", "messages"):
            if name in update.value:
                first.value[name] = list(first.value.get(name, [])) + update.value[name]
        first.ids += update.ids
    return list(merged.values()) + other


async def _json(request: web.Request) -> Any:
    body = await request.read()
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError:
        raise BadRequest("the body is not JSON") from None


async def _object(request: web.Request) -> Dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise BadRequest("the body is a JSON object")
    return body


def _whole(body: Dict[str, Any], name: str, most: int) -> int:
    value = body.get(name) or 0
    if not isinstance(value, int) or not 0 <= value <= most:  # true counts as 1
        raise BadRequest(f"{name} is a whole number from 0 to {most}")
    return int(value)


def _seconds(body: Dict[str, Any], name: str) -> float:
    value = body.get(name) or 0
    if not isinstance(value, (int, float)) or not 0 <= value <= 3600:
        raise BadRequest(f"{name} is a number of seconds")
    return float(value)


def _query_number(query: Any, name: str, default: float) -> float:
    try:
        value = float(query.get(name, default))
    except ValueError:
        raise BadRequest(f"{name} is a number") from None
    if not 0 <= value < 1e15:
        raise BadRequest(f"{name} is a number")
    return value
