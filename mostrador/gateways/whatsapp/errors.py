"""What to do about each error of the Cloud API: one table, decided by code alone.

Codes: Meta's reference "error codes", Graph v26; titles and subcodes come and go there, and throttling comes as
HTTP 400. The same error may come in an answer, in a status webhook, or in both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Mapping, Optional, Union


class Action(Enum):
    """What the sender does next."""

    RETRY = "retry"  # surely not sent: back off, then again
    UNKNOWN_OUTCOME = "unknown_outcome"  # perhaps sent: wait for a status before sending again
    SLOW_NUMBER = "slow_number"  # slow the whole business number down
    SLOW_PAIR = "slow_pair"  # hold this recipient only
    LATER = "later"  # not before a day, or drop it; tell operations
    WINDOW_CLOSED = "window_closed"  # only a template reaches this person now
    STOP_CONTACT = "stop_contact"  # this person cannot or will not get it
    TEMPLATE_STOPPED = "template_stopped"  # paused or disabled: use another
    DEFECT = "defect"  # our request is wrong: never again in this form
    ACCOUNT = "account"  # nothing can be sent until a person repairs the account


@dataclass(frozen=True)
class Verdict:
    """What an error means. ``code`` is Meta's; None when there was no answer of theirs."""

    action: Action
    code: Optional[int] = None
    title: str = ""


_CODES = {
    Action.SLOW_NUMBER: (4, 80007, 130429),
    Action.SLOW_PAIR: (131056,),
    Action.RETRY: (1, 2, 131000, 131016, 131057, 133004),
    Action.LATER: (131048, 131049, 131064, 133016),
    Action.WINDOW_CLOSED: (470, 131047),
    Action.STOP_CONTACT: (130472, 131021, 131026, 131030, 131050, 131062),
    Action.DEFECT: (
        *(33, 100, 131008, 131009, 131051, 131052, 131053, 131055, 132000, 132001, 132005, 132007, 132012, 132018),
        *(132068, 132069, 135000),
    ),
    Action.TEMPLATE_STOPPED: (132015, 132016),
    Action.ACCOUNT: (
        *(0, 3, 10, 190, *range(200, 300), 368, 130497, 131005, 131031, 131037, 131042, 131045, 133010, 134011),
    ),
}
_ACTION_OF = {code: action for action, codes in _CODES.items() for code in codes}


def of_code(code: int, title: str = "") -> Verdict:
    """The verdict on a code, as it also comes in a status webhook; a code that is not in the table is a defect."""
    return Verdict(_ACTION_OF.get(code, Action.DEFECT), code, title)


def classify(http_status: int, body: Union[bytes, str, Mapping[str, Any], None]) -> Verdict:
    """The verdict on an answer that is not a success. ``body`` may be anything, an HTML page included.

    The code decides. Without one: 429 slows the number, 503 was not taken on, any other 5xx may have been carried out,
    401 and 403 are the account's, the rest is a defect.
    """
    error = _error(body)
    code = error.get("code")
    title = str(error.get("message") or error.get("title") or "")[:200]
    if isinstance(code, int) and not isinstance(code, bool):
        known = _ACTION_OF.get(code)
        if known is not None:
            return Verdict(known, code, title)
    else:
        code = None
    return Verdict(_by_status(http_status, known_code=code is not None), code, title or f"HTTP {http_status}")


def _by_status(status: int, known_code: bool) -> Action:
    if status == 429:
        return Action.SLOW_NUMBER
    if status == 503 or (status >= 500 and known_code):  # an error in Meta's own words: it was not carried out
        return Action.RETRY
    if status >= 500 or status == 408 or 200 <= status < 300:
        return Action.UNKNOWN_OUTCOME
    if status in (401, 403):
        return Action.ACCOUNT
    return Action.DEFECT


def _error(body: Union[bytes, str, Mapping[str, Any], None]) -> Mapping[str, Any]:
    if isinstance(body, (bytes, str)):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return {}
    error = body.get("error") if isinstance(body, Mapping) else None
    return error if isinstance(error, Mapping) else {}
