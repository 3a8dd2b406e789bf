"""The door of the pages for operators, which show what people wrote.

Closed unless whoever asks has MOSTRADOR_OPERATOR_TOKEN (HTTP Basic with any name, or Bearer), or a demo is looked at
from the machine it runs on. What changes something must come from our own page as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from typing import Dict, Mapping, Optional
from urllib.parse import urlsplit

from sanic.response import HTTPResponse, text

from mostrador.settings import Settings

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans Devanagari", sans-serif; }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; opacity: .75; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-top: 1px solid #8884; }
th { font-weight: 600; width: 15rem; overflow-wrap: anywhere; }
td { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) { th, td { display: block; width: auto; } td { border-top: 0; padding-bottom: .6rem; } }
"""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def page_headers(style: str, script: str = "") -> Dict[str, str]:
    """Headers of a page that may run and show nothing but this style and script, and is kept by nobody."""
    scripts = f"; script-src {_hash(script)}; connect-src 'self'; form-action 'self'" if script else ""
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src {_hash(style)}{scripts}; base-uri 'none'; "
        "frame-ancestors 'none'",
        "Referrer-Policy": "same-origin" if script else "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


HEADERS = page_headers(STYLE)


class OperatorDoor:
    """Who may look, and which change is really theirs."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self.form_token = secrets.token_urlsafe(24)
        """What a form of ours carries; a page of an earlier process has to be loaded anew."""

    def refusal(self, peer: str, headers: Mapping[str, str]) -> Optional[HTTPResponse]:
        """Why the page is not shown to ``peer`` (the address of the connection itself), or None."""
        token = self._config.operator_token.get_secret_value()
        if token and _carries(headers.get("authorization", ""), token):
            return None
        if self._config.demo and _is_loopback(peer) and _is_direct(headers):
            return None
        if token:
            challenge = {"WWW-Authenticate": 'Basic realm="Mostrador", charset="UTF-8"'}
            return text("This page is for operators.", 401, {**HEADERS, **challenge})
        return text("This page is closed: MOSTRADOR_OPERATOR_TOKEN is not set.", 403, HEADERS)

    def foreign(self, headers: Mapping[str, str], form_token: str) -> Optional[HTTPResponse]:
        """Why a change is not taken although the browser knows the token, or None: it must come from our own page.

        Browsers send credentials along with a form of any site, but neither its origin nor our form's token.
        """
        origin = headers.get("origin", "")
        if not _same_origin(origin, headers.get("host", "")):
            return text("Changes are only taken from this server's own page.", 403, HEADERS)
        if not hmac.compare_digest(form_token.encode(), self.form_token.encode()):
            return text("This page is from before a restart: load it again.", 403, HEADERS)
        return None


def reviewer_of(headers: Mapping[str, str]) -> str:
    """The name that a browser gave along with the token; empty where it gave none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0] if scheme.lower() == "basic" else ""
    except ValueError:
        return ""


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


def _same_origin(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


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
