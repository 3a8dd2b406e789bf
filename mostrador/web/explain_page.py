"""GET /explain/<id>: why the bot answered as it did, for operators.

Shows what people wrote, so it is closed unless whoever asks has MOSTRADOR_OPERATOR_TOKEN (HTTP Basic with any name, or
Bearer), or a demo is looked at from the machine it runs on.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from html import escape
from typing import List, Mapping, Optional
from urllib.parse import urlsplit

from sanic.response import HTTPResponse, html, text

from mostrador.bootstrap import Services
from mostrador.shop.explanation import Explanation, Section, headline, sections
from mostrador.storage.engine import is_unavailable
from mostrador.storage.explained import Explanations

LONGEST_ID = 512
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans Devanagari", sans-serif; }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; opacity: .75; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-top: 1px solid #8884; }
th { font-weight: 600; width: 15rem; overflow-wrap: anywhere; }
td { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { display: block; width: auto; } td { border-top: 0; padding-bottom: .6rem; } }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class ExplainPage:
    """The page and its door."""

    def __init__(self, services: Services) -> None:
        self._config = services.settings
        self._known = Explanations(services.engine)

    def refusal(self, peer: str, headers: Mapping[str, str]) -> Optional[HTTPResponse]:
        """Why the page is not shown to ``peer`` (the address of the connection itself), or None."""
        token = self._config.operator_token.get_secret_value()
        if token and _carries(headers.get("authorization", ""), token):
            return None
        if self._config.demo and _is_loopback(peer) and _is_direct(headers):
            return None
        if token:
            challenge = {"WWW-Authenticate": 'Basic realm="Mostrador", charset="UTF-8"'}
            return text("This page is for operators.", 401, {**_HEADERS, **challenge})
        return text("This page is closed: MOSTRADOR_OPERATOR_TOKEN is not set.", 403, _HEADERS)

    def answer(self, any_id: str) -> HTTPResponse:
        """The page about a turn or message; 404 for an id that nobody knows."""
        try:
            found = self._known.of(any_id) if 0 < len(any_id) <= LONGEST_ID and any_id.isprintable() else None
        except Exception as error:
            if not is_unavailable(error):
                raise
            return text("The database does not answer; try again.", 503, _HEADERS)
        if found is None:
            return html(_page("No turn or message has this id", []), 404, _HEADERS)
        return html(page(found), 200, _HEADERS)


def page(it: Explanation) -> str:
    """The explanation as an HTML document; everything in it is escaped."""
    words = headline(it)
    return _page(words[:1].upper() + words[1:], sections(it, everything=True))


def _page(title: str, parts: List[Section]) -> str:
    body = "".join(
        f"<h2>{escape(part.title)}</h2><table>"
        + "".join(
            f'<tr><th scope="row">{escape(label)}</th><td dir="auto">{escape(words)}</td></tr>'
            for label, words in part.lines
        )
        + "</table>"
        for part in parts
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Why did it say that</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )


def _carries(authorization: str, token: str) -> bool:
    scheme, _, value = authorization.partition(" ")
    given = value.strip()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return False
    elif scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.encode(), token.encode())


def _is_loopback(peer: str) -> bool:
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def _is_direct(headers: Mapping[str, str]) -> bool:
    """Neither through a proxy, behind which everybody comes from loopback, nor under a name that leads here (DNS)."""
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    return host == "localhost" or _is_loopback(host)
