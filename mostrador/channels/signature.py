"""Whether a webhook was really sent by Meta."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Optional, Sequence

_HEADER = re.compile(r"sha256=[0-9a-f]{64}")


def is_genuine(raw: bytes, header: Optional[str], secrets: Sequence[bytes]) -> bool:
    """Whether ``header`` (X-Hub-Signature-256) signs ``raw``, the body exactly as received, with one of ``secrets``.

    Every secret is tried, in constant time, so that two may be live while one replaces the other. No secret, an empty
    one, or a header that is not exactly ``sha256=`` and 64 lower-case hex digits is never genuine.
    """
    if header is None or _HEADER.fullmatch(header) is None:
        return False
    genuine = False
    for secret in secrets:
        if secret:
            expected = "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()
            genuine |= hmac.compare_digest(expected, header)
    return genuine
