"""Pictures, documents and voice notes held by the simulated network."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import struct
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import aiohttp

from .views import link_id

MEGABYTE = 1024 * 1024
LIMITS = {  # Meta's media page: mime types and greatest size
    "image": ({"image/jpeg", "image/png"}, 5 * MEGABYTE),
    "audio": ({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}, 16 * MEGABYTE),
    "video": ({"video/mp4", "video/3gpp"}, 16 * MEGABYTE),
    "sticker": ({"image/webp"}, 500 * 1024),
    "document": (None, 100 * MEGABYTE),
}
LINK_CACHE_SECONDS = 600.0
MEMORY_CAP = 256 * MEGABYTE


class UnfitMedia(Exception):
    """The file is of a type or size that WhatsApp does not take; the message says which."""


@dataclass
class Media:
    """One stored file."""

    id: str
    mime_type: str
    sha256: str
    size: int
    filename: Optional[str] = None

    def shown(self) -> Dict[str, Any]:
        return asdict(self)


def kind_of(mime_type: str) -> str:
    """Which message kind carries a file of this type."""
    if mime_type == "image/webp":
        return "sticker"
    head = mime_type.split("/")[0]
    return head if head in ("image", "audio", "video") else "document"


def check_size(kind: str, mime_type: str, size: int) -> None:
    """Raise UnfitMedia when the file is over Meta's limits for ``kind``."""
    types, most = LIMITS[kind]
    if types is not None and mime_type not in types:
        raise UnfitMedia(f"{mime_type} is not a type for {kind}")
    if size > most:
        raise UnfitMedia(f"{size} bytes is more than {most} for {kind}")
    if size == 0:
        raise UnfitMedia("the file is empty")


class MediaStore:
    """Files in memory, copied to a folder when there is one; the oldest leave memory above 256 MB."""

    def __init__(self, folder: Optional[Path]) -> None:
        self._folder = folder
        self._key = secrets.token_bytes(16)
        self._media: Dict[str, Media] = {}
        self._bytes: Dict[str, bytes] = {}
        self._held = 0
        self._fetched: Dict[str, Tuple[float, "asyncio.Future[Optional[str]]"]] = {}

    def add(self, data: bytes, mime_type: str, filename: Optional[str] = None, media_id: Optional[str] = None) -> Media:
        """Keep a file under a new numeric id, or under ``media_id``."""
        new_id = media_id or str(secrets.randbelow(9 * 10**15) + 10**15)
        media = Media(new_id, mime_type, hashlib.sha256(data).hexdigest(), len(data), filename)
        self._held += len(data) - len(self._bytes.get(new_id, b""))
        self._media[new_id] = media
        self._bytes[new_id] = data
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / new_id).write_bytes(data)
        while self._held > MEMORY_CAP and len(self._bytes) > 1:
            oldest = next(iter(self._bytes))
            self._held -= len(self._bytes.pop(oldest))
        return media

    def remember(self, raw: Dict[str, Any]) -> None:
        """Know a file of an earlier run again; its bytes are read from the folder when asked for."""
        media = Media(**raw)
        self._media[media.id] = media

    def get(self, media_id: str) -> Optional[Media]:
        return self._media.get(media_id)

    def read(self, media_id: str) -> Optional[bytes]:
        """The bytes, or None when they are gone."""
        if media_id not in self._media:
            return None
        data = self._bytes.get(media_id)
        if data is None and self._folder is not None:
            path = self._folder / media_id
            data = path.read_bytes() if path.is_file() else None
        return data

    def remove(self, media_id: str) -> bool:
        known = self._media.pop(media_id, None)
        self._held -= len(self._bytes.pop(media_id, b""))
        if known and self._folder is not None:
            (self._folder / media_id).unlink(missing_ok=True)
        return known is not None

    def clear(self) -> None:
        for media_id in list(self._media):
            self.remove(media_id)
        self._fetched.clear()

    def sign(self, media_id: str, expires: int) -> str:
        """The token that makes a download address valid until ``expires``."""
        return hmac.new(self._key, f"{media_id}:{expires}".encode(), "sha256").hexdigest()[:32]

    async def fetch(self, session: aiohttp.ClientSession, link: str, kind: str) -> Optional[str]:
        """Fetch a link as Meta does, at most once in ten minutes; returns why it failed, or None."""
        known = self._fetched.get(link)
        if known is not None and time.monotonic() - known[0] < LINK_CACHE_SECONDS:
            return await asyncio.shield(known[1])
        future: "asyncio.Future[Optional[str]]" = asyncio.get_running_loop().create_future()
        self._fetched[link] = (time.monotonic(), future)
        problem: Optional[str] = "the fetch was cut off"
        try:
            problem = await self._fetch(session, link, kind)
        finally:
            future.set_result(problem)
            if problem is not None:
                self._fetched.pop(link, None)
        return problem

    async def _fetch(self, session: aiohttp.ClientSession, link: str, kind: str) -> Optional[str]:
        most = LIMITS[kind][1]
        try:
            async with session.get(link, timeout=aiohttp.ClientTimeout(total=10)) as answer:
                if answer.status != 200:
                    return f"the link answered HTTP {answer.status}"
                data = await answer.content.read(most + 1)
                while len(data) <= most:
                    more = await answer.content.read(most + 1 - len(data))
                    if not more:
                        break
                    data += more
                check_size(kind, answer.content_type, len(data))
                self.add(data, answer.content_type, link.split("?")[0].rsplit("/", 1)[-1][:100], link_id(link))
        except UnfitMedia as unfit:
            return str(unfit)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError, OSError) as error:
            return f"the link could not be fetched ({type(error).__name__})"
        return None


def made_up_file(kind: str) -> Tuple[bytes, str, Optional[str]]:
    """A small valid file for a message that names none: (bytes, mime type, file name)."""
    if kind == "image":
        return picture(160, 120), "image/png", None
    if kind == "document":
        return PDF, "application/pdf", "document.pdf"
    if kind == "sticker":
        return WEBP, "image/webp", None
    if kind == "audio":
        return b"OggS\x00\x02" + bytes(60), "audio/ogg", None
    return b"\x00\x00\x00\x18ftypmp42" + bytes(60), "video/mp4", None


def picture(width: int, height: int, seed: int = 0) -> bytes:
    """A PNG with a colour gradient."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes((60 + 150 * x // width, (110 + 37 * seed) % 160 + 60 * y // height, 190 - 90 * x // width))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    )


WEBP = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
