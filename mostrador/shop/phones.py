"""Telephone numbers: one canonical form to recognise a person by, whatever form the number came in."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException

_ARGENTINA, _MEXICO, _BRAZIL = 54, 52, 55


@lru_cache(maxsize=4096)
def canonical(number: str, region: str = "") -> str:
    """The E.164 form under which a number is recognised, or "" when it cannot be a number.

    ``number`` is a wa_id (digits with country code), an international number, or with ``region`` (two letters) a
    national one. Mobile numbers have several forms in three countries; theirs is the one with Argentina's 9 and
    Brazil's ninth digit, and without Mexico's old 1. It is a key to match by: send to the wa_id when it is known.
    """
    digits = re.sub(r"[^0-9+]", "", number)
    if not digits.strip("+"):
        return ""
    if not region and not digits.startswith("+"):
        digits = "+" + digits
    try:
        parsed = phonenumbers.parse(digits, region or None)
    except NumberParseException:
        return ""
    country, national = parsed.country_code, phonenumbers.national_significant_number(parsed)
    if country == _ARGENTINA and len(national) == 10 and not national.startswith("9"):
        national = "9" + national
    elif country == _MEXICO and len(national) == 11 and national.startswith("1"):
        national = national[1:]
    elif country == _BRAZIL and len(national) == 10 and national[2] in "6789":
        national = national[:2] + "9" + national[2:]
    if not 4 <= len(national) or len(f"{country}{national}") > 15:
        return ""
    return f"+{country}{national}"


@lru_cache(maxsize=4096)
def zone_of(number: str) -> str:
    """The IANA name of the time zone that a number (E.164) belongs to; "" when none is known, or several are."""
    from phonenumbers import timezone  # its tables are big, and most processes never ask

    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(number))
    except NumberParseException:
        return ""
    return str(zones[0]) if len(zones) == 1 and zones[0] != timezone.UNKNOWN_TIMEZONE else ""
