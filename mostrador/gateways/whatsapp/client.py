"""Calls to Meta's Graph API: messages, read marks, files.

Wire format: Meta's reference "messages", "typing indicators" and "media", Graph v26.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import quote

import aiohttp
from yarl import URL

from mostrador.gateways.whatsapp.errors import Action, Verdict, classify
from mostrador.gateways.whatsapp.media import FetchedFile, MediaFailed, MediaRules, download, is_loopback, refused
from mostrador.settings import Settings
from mostrador.shop.messages import Sender
from mostrador.shop.phones import canonical

_CONNECTIONS = 60
_IDLE = 15.0  # seconds until an unused connection is closed: by us, so that none is found closed by the other side
_FILE_SECONDS = 120.0


class SendFailed(Exception):
    """A call did not succeed; the verdict says what to do next."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"{verdict.action.value} {verdict.code or ''}".strip())
        self.verdict = verdict


class NotOnStagingList(SendFailed):
    """SEND_ONLY_TO names the numbers that may be written to, and the recipient is none of them. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(Verdict(Action.DEFECT, None, "not in SEND_ONLY_TO"))


@dataclass(frozen=True)
class Sent:
    """The provider took the message on; whether it arrives is told by status webhooks."""

    provider_id: str


class CloudApi:
    """One client for all business numbers, to be used and closed in one event loop. Never logs what it sends."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._base = URL(f"{config.graph_base_url.rstrip('/')}/{config.graph_version}/")
        self._only_to = frozenset(canonical(number) for number in config.send_only_to)
        self._rules = MediaRules(config.media_hosts, config.media_max_bytes, loopback=config.demo)
        self._session: Optional[aiohttp.ClientSession] = None

    async def send(self, business_number: str, recipient: Sender, body: Mapping[str, Any], opaque: str) -> Sent:
        """Send one rendered message to the recipient's phone, or to the user id when the phone is unknown.

        ``opaque`` comes back with every status of this message. Raises SendFailed: RETRY when the request surely did
        not go out, UNKNOWN_OUTCOME when it may have; NotOnStagingList.
        """
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **self._address(recipient),
            **body,
            "biz_opaque_callback_data": opaque,
        }
        answer = await self._post(f"{quote(business_number, safe='')}/messages", json=message)
        try:
            provider_id = answer["messages"][0]["id"]
        except (KeyError, IndexError, TypeError):
            provider_id = None
        if not isinstance(provider_id, str) or not provider_id:
            raise SendFailed(Verdict(Action.UNKNOWN_OUTCOME, None, "an answer without message id"))
        return Sent(provider_id)

    async def mark_read(self, business_number: str, message_id: str, typing: bool = True) -> None:
        """Show the person that the message and those before it were read, and with ``typing`` that we are writing.

        "Typing…" lasts until we answer, at most 25 seconds. Raises SendFailed.
        """
        mark: Dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
        if typing:
            mark["typing_indicator"] = {"type": "text"}
        await self._post(f"{quote(business_number, safe='')}/messages", json=mark)

    async def upload_media(self, business_number: str, data: bytes, mime_type: str, filename: str) -> str:
        """Leave a file with the provider; returns its id, good for 30 days. Raises SendFailed."""
        form = aiohttp.FormData()
        form.add_field("messaging_product", "whatsapp")
        form.add_field("type", mime_type)
        form.add_field("file", data, content_type=mime_type, filename=filename)
        answer = await self._post(f"{quote(business_number, safe='')}/media", seconds=_FILE_SECONDS, data=form)
        media_id = answer.get("id")
        if not isinstance(media_id, str) or not media_id:
            raise SendFailed(Verdict(Action.UNKNOWN_OUTCOME, None, "an answer without media id"))
        return media_id

    async def fetch_media(self, media_id: str, business_number: str, target: Path) -> FetchedFile:
        """Write a file that a person sent to ``target``, checked for host, size and SHA-256. Raises MediaFailed.

        Its URL lives five minutes; once expired, it is asked for once more.
        """
        try:
            for _ in range(2):
                described = await self._describe(media_id, business_number)
                session, timeout = self._open(), aiohttp.ClientTimeout(total=_FILE_SECONDS)
                file = await asyncio.wait_for(download(session, described, target, self._rules), timeout.total)
                if file is not None:
                    return file
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise MediaFailed(Verdict(Action.RETRY, None, type(error).__name__)) from None
        raise refused("the file is gone")

    async def close(self) -> None:
        """Close every connection; the next call opens new ones."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _address(self, recipient: Sender) -> Dict[str, str]:
        if self._only_to and (not recipient.wa_id or canonical(recipient.wa_id) not in self._only_to):
            raise NotOnStagingList
        if recipient.wa_id:
            return {"to": "+" + recipient.wa_id.lstrip("+")}
        if recipient.bsuid:
            return {"recipient": recipient.bsuid}
        raise SendFailed(Verdict(Action.DEFECT, None, "a recipient without phone and user id"))

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_note_written)  # type: ignore[arg-type]  # aiohttp annotates it wrongly
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_IDLE),
                headers={"Authorization": f"Bearer {self._config.whatsapp_access_token.get_secret_value()}"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=not is_loopback(self._base.host or ""),
                trace_configs=[trace],
            )
        return self._session

    async def _post(self, path: str, seconds: Optional[float] = None, **content: Any) -> Mapping[str, Any]:
        """POST and return the answer's object. Raises SendFailed."""
        status, raw = await self._call("POST", path, seconds or self._config.send_timeout, **content)
        if status == 200:
            try:
                answer = json.loads(raw)
                if isinstance(answer, dict) and "error" not in answer:
                    return answer
            except ValueError:
                pass
        raise SendFailed(classify(status, raw))

    async def _call(self, method: str, path: str, seconds: float, **content: Any) -> Tuple[int, bytes]:
        written = SimpleNamespace(yes=False)
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._open().request(
                method, self._base.join(URL(path)), timeout=timeout, trace_request_ctx=written, **content
            ) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            action = Action.UNKNOWN_OUTCOME if written.yes else Action.RETRY
            raise SendFailed(Verdict(action, None, type(error).__name__)) from None

    async def _describe(self, media_id: str, business_number: str) -> Mapping[str, Any]:
        path = f"{quote(media_id, safe='')}?phone_number_id={quote(business_number, safe='')}"
        try:
            status, raw = await self._call("GET", path, self._config.send_timeout)
        except SendFailed as failed:
            raise MediaFailed(Verdict(Action.RETRY, None, failed.verdict.title)) from None
        if status != 200:
            raise MediaFailed(classify(status, raw))
        try:
            described = json.loads(raw)
        except ValueError:
            described = None
        if not isinstance(described, dict):
            raise MediaFailed(Verdict(Action.RETRY, None, "an answer that is not JSON"))
        return described


async def _note_written(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    """From here on the other side may have the request."""
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.yes = True
