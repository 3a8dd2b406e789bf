"""The Graph API face: what the business calls. Paths and bodies as at graph.facebook.com."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional

from aiohttp import web

from .faults import Fault
from .network import Network, check_outgoing
from .rules import GraphError
from .wire import Exchange

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MOST_JSON = 1024 * 1024
VERSION = r"{version:v\d+\.\d+}"


class GraphApi:
    """Handlers over one network; ``base_url`` is known once the server listens."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.base_url = ""
        self._bearer = f"Bearer {network.config.access_token}"

    def routes(self) -> List[web.RouteDef]:
        return [
            web.post(f"/{VERSION}/{{phone}}/messages", self._guarded(self.messages)),
            web.post(f"/{VERSION}/{{phone}}/media", self._guarded(self.upload)),
            web.get(f"/{VERSION}/{{media}}", self._guarded(self.describe_media)),
            web.delete(f"/{VERSION}/{{media}}", self._guarded(self.delete_media)),
            web.get("/_media/{media}", self.download),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            response = await answered(request)
            self._note(request, response, began)
            return response

        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                if request.headers.get("Authorization") != self._bearer:
                    raise GraphError(190, "Invalid OAuth access token - Cannot parse access token")
                return await handler(request)
            except GraphError as error:
                self.network.traffic.refused[f"{error.http}:{error.code}"] += 1
                self.network.journal.add(
                    "refused", None, path=request.path, http=error.http, code=error.code, details=error.details
                )
                return web.json_response(error.body(), status=error.http)

        return guarded

    def _note(self, request: web.Request, response: web.StreamResponse, began: float) -> None:
        """Keep the exchange; handlers leave its body and whom it is about in the request, files stay out."""
        cut = request.get("cut", False)
        answer = response.body if isinstance(response, web.Response) else None
        self.network.wire.add(
            Exchange(
                direction="call",
                method=request.method,
                url=request.path_qs,
                headers={"Content-Type": request.content_type} if request.can_read_body else {},
                request=request.get("body", b""),
                http=0 if cut else response.status,
                answer=answer if isinstance(answer, bytes) else b"",
                ms=round(1000 * (time.perf_counter() - began), 1),
                contacts=(request["contact"],) if request.get("contact") else (),
                error="no answer, as ordered" if cut else "",
            )
        )

    def _phone(self, request: web.Request) -> str:
        phone = request.match_info["phone"]
        if phone not in self.network.config.phone_number_ids:
            raise GraphError(100, f"Unsupported post request. Object with ID '{phone[:40]}' does not exist")
        return phone

    async def messages(self, request: web.Request) -> web.StreamResponse:
        business = self._phone(request)
        if (request.content_length or 0) > MOST_JSON:
            raise GraphError(100, "The body is too large.")
        request["body"] = await request.read()
        try:
            payload = json.loads(request["body"])
        except ValueError:
            raise GraphError(100, "The body is not JSON.") from None
        network = self.network
        if isinstance(payload, dict) and "status" in payload:
            request["contact"] = network.writer_of(str(payload.get("message_id")))
            fault = network.faults.take("read", None, business)
            if fault is not None:
                return await self._fail(request, fault, business, None, dict)
            return web.json_response(network.read_mark(business, payload))
        message = check_outgoing(payload)
        key = network.recipient_key(message)
        request["contact"] = key
        fault = network.faults.take("messages", key, business)
        if fault is not None:
            return await self._fail(request, fault, business, key, lambda: network.accept(business, message))
        return web.json_response(network.accept(business, message))

    async def _fail(
        self,
        request: web.Request,
        fault: Fault,
        business: str,
        contact: Optional[str],
        accept: Callable[[], Dict[str, Any]],
    ) -> web.StreamResponse:
        """Answer as the fault orders; the kinds that accept first do so before they misbehave."""
        network = self.network
        network.traffic.faults[fault.kind] += 1
        network.journal.add("fault", contact, kind=fault.kind, business=business, code=fault.code)
        if fault.kind == "error":
            raise GraphError(int(fault.code or 1), "Fault ordered by the test.", fault.http)
        if fault.kind == "429":
            return web.json_response(GraphError(4, "Application request limit reached").body(), status=429)
        if fault.kind == "500":
            return web.json_response(GraphError(131000, "Something went wrong.").body(), status=500)
        if fault.kind == "html502":
            return web.Response(
                status=502, text="<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html"
            )
        if fault.kind in ("timeout", "disconnect"):
            return await self._no_answer(request, fault.seconds if fault.kind == "timeout" else 0.0)
        answer = accept()
        if fault.kind == "drop_after_accept":
            return await self._no_answer(request, 0.0)
        if fault.kind == "hang_after_accept":
            return await self._no_answer(request, fault.seconds)
        if fault.kind == "wrong_json":
            return web.Response(text=json.dumps(answer)[:-9], content_type="application/json")
        await asyncio.sleep(fault.seconds)  # late_answer: statuses overtake it
        return web.json_response(answer)

    @staticmethod
    async def _no_answer(request: web.Request, seconds: float) -> web.StreamResponse:
        """Keep the caller waiting, then cut the connection without a byte."""
        request["cut"] = True
        if seconds:
            await asyncio.sleep(seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def upload(self, request: web.Request) -> web.StreamResponse:
        business = self._phone(request)
        fault = self.network.faults.take("media", None, business)
        if fault is not None:
            return await self._fail(request, fault, business, None, dict)
        if not request.content_type.startswith("multipart/"):
            raise GraphError(100, "The body has to be multipart/form-data.")
        form = await request.post()
        if form.get("messaging_product") != "whatsapp":
            raise GraphError(100, "(#100) The parameter messaging_product is required.")
        file = form.get("file")
        if not isinstance(file, web.FileField):
            raise GraphError(100, "(#100) The parameter file is required.")
        mime_type = str(form.get("type") or file.content_type).split(";")[0].strip()
        data = file.file.read()
        request["body"] = f"({len(data)} bytes of {mime_type})".encode()
        media = self.network.upload(data, mime_type, plain_name(file.filename))
        return web.json_response({"id": media.id})

    async def describe_media(self, request: web.Request) -> web.StreamResponse:
        network = self.network
        fault = network.faults.take("media")
        if fault is not None:
            return await self._fail(request, fault, "", None, dict)
        media_id = request.match_info["media"]
        media = network.media.get(media_id)
        trick = network.faults.media
        if media is None or trick == "gone":
            raise GraphError(100, f"Unsupported get request. Object with ID '{media_id[:40]}' does not exist")
        expires = int(network.now() + network.config.media_url_seconds)
        if trick == "expired":
            expires = int(network.now()) - 1
        host = "https://media.example.net" if trick == "foreign_host" else self.base_url
        url = f"{host}/_media/{media.id}?ext={expires}&hash={network.media.sign(media.id, expires)}"
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "url": url,
                "mime_type": media.mime_type,
                "sha256": "0" * 64 if trick == "wrong_sha" else media.sha256,
                "file_size": 1024**3 if trick == "too_large" else media.size,
                "id": media.id,
            }
        )

    async def delete_media(self, request: web.Request) -> web.StreamResponse:
        if not self.network.media.remove(request.match_info["media"]):
            raise GraphError(100, "Unsupported delete request. The object does not exist")
        return web.json_response({"success": True})

    async def download(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != self._bearer:
            return web.Response(status=401, text="Unauthorized")
        network = self.network
        media_id = request.match_info["media"]
        expires = request.query.get("ext", "")
        good = expires.isdigit() and network.media.sign(media_id, int(expires)) == request.query.get("hash")
        if not good or int(expires) < network.now():
            return web.Response(status=404, text="Not Found")
        if network.faults.media == "redirect":
            raise web.HTTPFound("https://media.example.net/elsewhere")
        data = network.media.read(media_id)
        media = network.media.get(media_id)
        if data is None or media is None:
            return web.Response(status=404, text="Not Found")
        return web.Response(body=data, content_type=media.mime_type)


def plain_name(name: Optional[str]) -> Optional[str]:
    """A file name without folders and control characters."""
    return re.sub(r"[\x00-\x1f\\/]+", "_", name)[:200] if name else None
