"""Takes the name out of an answer such as "my name is Asha", "me llamo Ana", "मेरा नाम आशा है"."""

from __future__ import annotations

import re

_BEFORE = re.compile(
    r"^\s*(?:(?:my name is|my name's|i am|i'm|i’m|call me|it's|it is|me llamo|mi nombre es|soy|ll[aá]mame|dime"
    r"|mera naa?m|mujhe|main|मेरा नाम|मुझे|मैं)\s+)+",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\s+(?:please|por favor|hai|hoo?n|bulao|bulaiye|kaho|है|हूँ|हूं|बुलाओ|बुलाइए|कहो|कहिए)[\s.!।]*$", re.IGNORECASE
)


def read_name(text: str) -> str:
    """``text`` without the words around the name; whether it can be one is not judged here."""
    return _AFTER.sub("", _BEFORE.sub("", text)).strip()
