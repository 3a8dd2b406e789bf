"""How requests about stock are signed, those that come in and those that go out.

Header ``X-Mostrador-Signature: t=<unix seconds>,v1=<hex>`` where v1 is HMAC-SHA256 of ``<t>.<body>`` under the secret
both sides share.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Optional

HEADER = "X-Mostrador-Signature"
TOLERANCE = 300  # seconds either way: clocks differ, and a recorded request soon ages
_FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, at: float) -> str:
    """The header's value for ``body`` sent at ``at`` (unix seconds)."""
    return f"t={int(at)},v1={_digest(secret, body, int(at))}"


def is_genuine(secret: bytes, body: bytes, header: Optional[str], now: float) -> bool:
    """Whether ``header`` signs ``body`` under ``secret`` and is not older or newer than TOLERANCE.

    Compared in constant time. An empty secret signs nothing.
    """
    found = _FORM.fullmatch(header or "")
    if found is None or not secret:
        return False
    at = int(found.group(1))
    fits = hmac.compare_digest(_digest(secret, body, at), found.group(2))
    return fits and abs(now - at) <= TOLERANCE


def _digest(secret: bytes, body: bytes, at: int) -> str:
    return hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
