"""Files that people send: from where they may be fetched, how large they may be, and whether they came whole.

Wire format: Meta's reference "media", Graph v26: ``GET /{media_id}`` names a URL that is good for five minutes and
wants the access token; it must therefore never lead to a host that is not the provider's.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Mapping, Optional

import aiohttp
from yarl import URL

from mostrador.gateways.whatsapp.errors import Action, Verdict

_CHUNK = 64 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class MediaFailed(Exception):
    """A file could not be fetched; the verdict says whether another try makes sense."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.title)
        self.verdict = verdict


def refused(reason: str) -> MediaFailed:
    """A file that is never taken, for ``reason``."""
    return MediaFailed(Verdict(Action.DEFECT, None, reason))


@dataclass(frozen=True)
class FetchedFile:
    """A file as it was received; ``sha256`` is computed, in hex."""

    mime_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class MediaRules:
    """The hosts that files are fetched from, by https, and the most bytes taken; ``loopback`` adds this machine."""

    hosts: Collection[str]
    most_bytes: int
    loopback: bool = False

    def checked(self, address: str) -> URL:
        """``address`` as a URL of an allowed host; raises MediaFailed."""
        try:
            url = URL(address)
        except ValueError:
            raise refused("the file's address is no URL") from None
        host = (url.host or "").lower()
        if url.user or url.password or not host:
            raise refused("the file's address is not plain")
        if self.loopback and is_loopback(host) and url.scheme in ("http", "https"):
            return url
        if url.scheme != "https" or url.port != 443:
            raise refused("the file's address is not https")
        if host not in {h.lower() for h in self.hosts}:
            raise refused("the file lies on a host that is not allowed")
        return url


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def download(
    session: aiohttp.ClientSession, described: Mapping[str, Any], target: Path, rules: MediaRules
) -> Optional[FetchedFile]:
    """Write the file that ``described`` (Meta's answer about a media id) names to ``target``.

    None when its URL has expired. Raises MediaFailed and leaves nothing behind when the file is too large, not the one
    announced, or somewhere else than allowed.
    """
    stated = described.get("file_size")
    if isinstance(stated, int) and stated > rules.most_bytes:
        raise refused("the file is larger than allowed")
    url = rules.checked(str(described.get("url") or ""))
    for _ in range(_MOST_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as answer:
            if answer.status in _REDIRECTS:
                url = rules.checked(str(url.join(URL(answer.headers.get("Location", "")))))
                continue
            if answer.status == 404:
                return None
            if answer.status != 200:
                action = Action.RETRY if answer.status >= 500 or answer.status == 429 else Action.DEFECT
                raise MediaFailed(Verdict(action, None, f"the file's host answers {answer.status}"))
            return await _save(answer, described, target, rules)
    raise refused("the file's address leads in circles")


async def _save(
    answer: aiohttp.ClientResponse, described: Mapping[str, Any], target: Path, rules: MediaRules
) -> FetchedFile:
    if (answer.content_length or 0) > rules.most_bytes:
        raise refused("the file is larger than allowed")
    part = target.with_name(target.name + ".part")
    digest, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(part.open, "wb")
    try:
        try:
            async for chunk in answer.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > rules.most_bytes:
                    raise refused("the file is larger than allowed")
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)
        stated = str(described.get("sha256") or "")
        if stated and _digest(stated) != digest.digest():
            raise refused("the file is not the one that was announced")
        await asyncio.to_thread(part.replace, target)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    mime_type = str(described.get("mime_type") or answer.content_type)
    return FetchedFile(mime_type, digest.hexdigest(), size)


def _digest(stated: str) -> Optional[bytes]:
    """A SHA-256 in hex, as the media endpoint states it, or base64, as webhooks do."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", stated):
        return bytes.fromhex(stated)
    try:
        return base64.b64decode(stated, validate=True)
    except binascii.Error:
        return None
