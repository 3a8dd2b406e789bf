"""Why did it say that: everything known of one turn, and how it is told to whoever asks.

``Explanation`` holds facts as they were stored; ``sections`` puts them into words, for a terminal and a page alike.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

ANSWERED, APOLOGISED = "answered", "apologised"
OPEN, LEFT, UNASKED = "open", "left", "unasked"  # not answered yet; left to people or silent; said by ourselves
NOTHING = "–"
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Heard:
    """One message of the person. ``status`` is the inbox's: new, done, kept."""

    provider_id: str
    kind: str
    text: str
    sent_at: datetime
    received_at: datetime
    status: str
    tries: int = 0
    waits: int = 0
    error: str = ""


@dataclass(frozen=True)
class SaidRow:
    """One row of the outbox. ``reports`` are the provider's: sent, delivered, read, failed → when."""

    id: int
    response: str
    text: str
    buttons: Tuple[str, ...]
    speaker: str
    status: str
    created_at: datetime
    topic: str = ""
    sent_at: Optional[datetime] = None
    attempts: int = 0
    resends: int = 0
    error: str = ""
    reports: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class EffectDone:
    """What a use case did once for this turn. ``outcome`` is None where the effect keeps its own record."""

    use_case: str
    target: str
    at: datetime
    outcome: Optional[Mapping[str, Any]] = None


@dataclass(frozen=True)
class StockLogged:
    """A row of the inventory log that this turn wrote."""

    id: int
    title: str
    before: int
    delta: int
    after: int
    source: str
    at: datetime
    undoes: Optional[int] = None


@dataclass(frozen=True)
class Explanation:
    """One turn. ``noted`` is what the turn kept of itself (keys: channels.explain); ``slots`` all values afterwards."""

    turn_id: str
    conversation_id: str
    contact: str
    outcome: str
    heard: Tuple[Heard, ...] = ()
    said: Tuple[SaidRow, ...] = ()
    begun_at: Optional[datetime] = None
    ended_at: Optional[datetime] = None
    intent: str = ""
    confidence: Optional[float] = None
    noted: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, Any] = field(default_factory=dict)
    effects: Tuple[EffectDone, ...] = ()
    stock: Tuple[StockLogged, ...] = ()
    tasks: Tuple[Tuple[str, str], ...] = ()  # kind, status

    def to_json(self) -> Dict[str, Any]:
        """As JSON values; instants are ISO, in UTC."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class Section:
    """A heading and its lines: a label (may be empty) and words. Words may hold line ends and anything people wrote."""

    title: str
    lines: Tuple[Tuple[str, str], ...]


_OUTCOMES = {
    ANSWERED: "answered",
    APOLOGISED: "given up: the person got an apology, and people a task",
    OPEN: "not answered yet",
    LEFT: "without an answer of the bot: a person has the conversation, or messages of this kind are only kept",
    UNASKED: "no answer to a message",
}
_FOUND = {
    "asked": "the person asked for it",
    "tap": "by a tap",
    "words": "told from the words of this message",
    "kept": "known from before; this message says nothing else",
}
_STAGES = (("delivered", "on the phone"), ("read", "read"), ("failed", "failed"))


def headline(it: Explanation) -> str:
    """One line: what became of it and how long that took."""
    words = _OUTCOMES.get(it.outcome, it.outcome)
    if it.outcome == UNASKED and it.said:
        words += f", but said by the {it.said[0].speaker}" + (f" about {it.said[0].topic}" if it.said[0].topic else "")
    if it.begun_at and it.ended_at:
        words += f" in {_span(it.ended_at - it.begun_at)}"
    return words


def sections(it: Explanation, everything: bool = False) -> List[Section]:
    """The turn in plain words; parts that have nothing to say are left out. ``everything`` adds the unchanged slots."""
    found = [
        Section("Message", tuple(_heard(it))),
        Section("Language", tuple(_language(it))),
        Section("Understood", tuple(_understood(it))),
        Section("Slots", tuple(_slots(it, everything))),
        Section("Decided", tuple(_decided(it))),
        Section("Done", tuple(_done(it))),
        Section("Stock log", tuple(_stock(it))),
        Section("Said", tuple(_said(it))),
        Section("Times", tuple(_times(it))),
        Section("Turn", tuple(_turn(it))),
    ]
    return [section for section in found if section.lines]


def _heard(it: Explanation) -> List[Tuple[str, str]]:
    return [(message.kind, f"“{message.text}”" if message.text else "(no words)") for message in it.heard]


def _language(it: Explanation) -> List[Tuple[str, str]]:
    language = it.noted.get("language")
    if not isinstance(language, Mapping):
        return []
    spoken = language.get("is")
    if not spoken:
        return [(DEFAULT_LANGUAGE, "not known yet, so the bot speaks its first language")]
    how = _FOUND.get(str(language.get("by")), "")
    before = language.get("before")
    if before != spoken and language.get("by") != "kept":
        how += f" (before: {before or 'not known'})"
    return [(str(spoken), how)]


def _understood(it: Explanation) -> List[Tuple[str, str]]:
    if not it.intent:
        return []
    ranking = [r for r in it.noted.get("ranking") or () if isinstance(r, Mapping)]
    others = [f"{r.get('name')} {_share(r.get('confidence'))}" for r in ranking if r.get("name") != it.intent]
    certain = [] if others else ["certain: a tap or a file needs no guessing"] if it.confidence == 1.0 else []
    words = [_share(it.confidence), *certain] + ([f"next: {', '.join(others)}"] if others else [])
    lines = [(it.intent, "   ".join(words))]
    for entity in it.noted.get("entities") or ():
        by = f"   ({entity['by']})" if entity.get("by") else ""
        lines.append(("", f"{entity.get('entity')} = {_value(entity.get('value'))}{by}"))
    return lines


def _slots(it: Explanation, everything: bool) -> List[Tuple[str, str]]:
    changed = {k: v for k, v in (it.noted.get("slots") or {}).items() if isinstance(v, (list, tuple)) and len(v) == 2}
    lines = [(name, f"{_value(before)} → {_value(after)}") for name, (before, after) in changed.items()]
    if everything:
        lines += [(name, f"{_value(value)}   (as before)") for name, value in it.slots.items() if name not in changed]
    elif it.noted and not lines:
        lines = [("", "nothing changed")]
    return lines


def _decided(it: Explanation) -> List[Tuple[str, str]]:
    return [(str(a.get("name")), _reason(a)) for a in it.noted.get("actions") or () if isinstance(a, Mapping)]


def _reason(action: Mapping[str, Any]) -> str:
    policy = str(action.get("policy") or "")
    if action.get("rejected"):
        return "let the message pass: it was no answer to the form's question"
    if action.get("rule"):
        return f"rule “{action['rule']}”   ({policy})"
    if action.get("story"):
        return f"story “{action['story']}”   ({policy})"
    if action.get("form"):
        return f"the open form comes first   ({policy})"
    if action.get("name") == "action_default_fallback":
        return f"no rule or story fits   ({policy})"
    return f"({policy})" if policy else "follows from the action before"


def _done(it: Explanation) -> List[Tuple[str, str]]:
    lines = []
    for effect in it.effects:
        outcome = ", ".join(f"{k} {_value(v)}" for k, v in (effect.outcome or {}).items())
        words = "   ".join(filter(None, (f"on {effect.target}" if effect.target else "", outcome)))
        lines.append((effect.use_case, words or "done"))
    return lines + [("task for people", f"{kind} ({status})") for kind, status in it.tasks]


def _stock(it: Explanation) -> List[Tuple[str, str]]:
    return [
        (
            f"no. {row.id}",
            f"{row.title}: {row.before} → {row.after} ({row.delta:+d}), {row.source}"
            + (f", takes back no. {row.undoes}" if row.undoes else ""),
        )
        for row in it.stock
    ]


def _said(it: Explanation) -> List[Tuple[str, str]]:
    lines = []
    for row in it.said:
        words = [f"“{row.text}”" if row.text else "(no words)"]
        if row.buttons:
            words.append(f"[{' | '.join(row.buttons)}]")
        tried = f", {row.attempts} attempts" if row.attempts > 1 else ""
        again = f", sent anew {row.resends}×" if row.resends else ""
        words.append(f"{row.status}{tried}{again}" + (f": {row.error}" if row.error else ""))
        lines.append((row.response or f"by the {row.speaker}", "\n".join(words)))
    return lines


def _times(it: Explanation) -> List[Tuple[str, str]]:
    """The stages in their order. People's and providers' clocks tell whole seconds, so those are not counted from."""
    start = min((message.received_at for message in it.heard), default=None)

    def line(at: datetime, words: str) -> Tuple[str, str]:
        return _clock(at), words + (f"   +{_span(at - start)}" if start and at > start else "")

    lines = [(_second(message.sent_at), "the person sent it") for message in it.heard]
    lines += [line(message.received_at, "received") for message in it.heard]
    lines += [line(it.begun_at, "the turn began")] if it.begun_at else []
    lines += [line(it.ended_at, "the turn ended, its answer was queued")] if it.ended_at else []
    for number, row in enumerate(it.said, start=1):
        which = f"message {number}" if len(it.said) > 1 else "the message"
        lines.append(line(row.sent_at or row.created_at, f"{which} was {'sent' if row.sent_at else 'queued'}"))
        known = [f"{words} {_second(row.reports[name])}" for name, words in _STAGES if name in row.reports]
        lines += [("", ", ".join(known))] if known else []
    return lines


def _turn(it: Explanation) -> List[Tuple[str, str]]:
    lines = [("turn", it.turn_id)] if it.turn_id else []
    lines += [("conversation", f"{it.conversation_id}   {it.contact}".rstrip())]
    if it.noted.get("session"):
        lines.append(("session", "a new one began with this message" if it.noted["session"] == "new" else "went on"))
    if it.noted.get("model"):
        lines.append(("model", str(it.noted["model"])))
    if it.heard:
        first = it.heard[0]
        lines.append(("tries", f"{first.tries}, put off by outages {first.waits}×"))
        if first.error:
            lines.append(("last error", first.error))
    return lines


def _share(confidence: Any) -> str:
    return f"{float(confidence):.0%}" if isinstance(confidence, (int, float)) else NOTHING


def _value(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _clock(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%d %b %H:%M:%S.") + f"{at.microsecond // 1000:03d} UTC"


def _second(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%d %b %H:%M:%S UTC")


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value.astimezone(timezone.utc).isoformat() if isinstance(value, datetime) else value
