"""``mostrador export``: a recorded talk as a conversation that ``mostrador converse`` plays (docs/testing.md)."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import click
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from mostrador.bootstrap import services
from mostrador.gateways.whatsapp.render import Unsendable, render
from mostrador.operations.conversation_file import seconds_of
from mostrador.shop.messages import Kind
from mostrador.shop.recording import Answered, Good, Recording, Spoken, Written
from mostrador.storage.engine import is_unavailable
from mostrador.storage.explained import Explanations
from mostrador.storage.recorded import recording

PAUSE_TOLD = 240.0  # seconds; a shorter pause between two messages changes nothing
MADE_UP_NAMES = ("Asha", "Rao", "Devi")
MADE_UP_OPERATOR = "Ana"
_SOMEWHERE = [12.9716, 77.5946]
_SOMEBODY = "+910000000001"
_UNSAID = ("dropped", "held")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_NUMBER = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){7,}")
_WORD = re.compile(r"\w+")

Step = Dict[str, Any]


class Disguise:
    """Puts made-up names, numbers and addresses in place of a person's, always the same ones.

    ``private`` are the names and numbers that are known; any other run of eight digits or more is taken for a number.
    """

    def __init__(self, private: Sequence[str]) -> None:
        words = [word for known in private for word in _WORD.findall(known) if not word.isdigit() and len(word) > 2]
        self._words = {word.casefold(): MADE_UP_NAMES[n % 3] for n, word in enumerate(dict.fromkeys(words))}

    def __call__(self, words: str) -> str:
        words = _EMAIL.sub("somebody@example.com", words)
        words = _NUMBER.sub(lambda found: _made_up_number(found.group()), words)
        return _WORD.sub(lambda found: self._words.get(found.group().casefold(), found.group()), words)


def _made_up_number(written: str) -> str:
    """As long as the real one and written the same way, so that it is understood as the same kind of thing."""
    digits = iter("9" + "10" * len(written))
    return "".join(next(digits) if c.isdigit() else c for c in written)


@dataclass
class _Step:
    """One step on its way into the file; ``rows`` are our messages of a ``bot`` step, ``note`` a comment before it."""

    content: Step
    rows: List[Spoken] = field(default_factory=list)
    note: str = ""


class Exporter:
    """Writes one recording down as steps."""

    def __init__(self, recorded: Recording, as_is: bool = False) -> None:
        self._recorded = recorded
        self._as_is = as_is
        self._disguise = Disguise(recorded.private)
        self._steps: List[_Step] = []
        self._owner = "bot"
        self._spoke_at: Optional[datetime] = None
        self._keys = _keys(recorded.goods)
        self._operator = recorded.owner_name if as_is and recorded.owner_name else MADE_UP_OPERATOR

    def document(self) -> CommentedMap:
        """The conversation; raises click.ClickException when nothing was said."""
        recorded = self._recorded
        if not recorded.written:
            raise click.ClickException("Nothing was written in this time.")
        self._play()
        day = recorded.written[0].sent_at.astimezone(timezone.utc)
        whole = CommentedMap()
        whole["conversation"] = f"Recorded on {day:%d %b %Y} at {day:%H:%M} UTC, {len(recorded.written)} messages"
        whole["contact"] = _flow({"name": self._plain(recorded.name) or MADE_UP_NAMES[0]})
        if not recorded.seller:
            whole["contact"]["role"] = "stranger"
        elif self._language_before():
            whole["language"] = self._language_before()
        if recorded.seller:
            whole["shelf"] = _shelf(recorded.goods, self._keys)
        whole["steps"] = self._written_steps()
        return whole

    def _plain(self, words: str) -> str:
        return words if self._as_is else self._disguise(words)

    def _language_before(self) -> str:
        if not self._recorded.turns:
            return self._recorded.language
        return str((self._recorded.turns[0].noted.get("language") or {}).get("before") or "")

    # --- what happened, in its order

    def _play(self) -> None:
        recorded = self._recorded
        by_id = {message.provider_id: message for message in recorded.written}
        in_turns = {member for turn in recorded.turns for member in turn.members}
        moments: List[Tuple[datetime, int, Union[Answered, Written, Spoken]]] = []
        moments += [(t.begun_at, 1, t) for t in recorded.turns if all(m in by_id for m in t.members)]
        moments += [(m.received_at, 0, m) for m in recorded.written if m.provider_id not in in_turns]
        moments += [(s.created_at, 2, s) for s in recorded.spoken if not s.turn_id]
        for _, _, what in sorted(moments, key=lambda moment: moment[:2]):
            if isinstance(what, Answered):
                self._turn(what, [by_id[member] for member in what.members])
            elif isinstance(what, Written):
                self._unanswered(what)
            else:
                self._unasked(what)
        self._end()

    def _turn(self, turn: Answered, members: Sequence[Written]) -> None:
        if self._owner == "human":
            self._release()
        self._pause(members)
        self._steps.append(self._act(members))
        said = [row for row in self._recorded.spoken if row.turn_id == turn.id and row.status not in _UNSAID]
        if turn.outcome != "answered":
            note = "this message failed and the person got an apology; played again it may go well"
            self._steps.append(_Step({"bot": "anything"}, said, note))
        elif said:
            self._say(said)
        else:
            self._steps.append(_Step({"nothing": "300ms"}))
        self._owner = "queued" if turn.asked_for_human else "bot"

    def _unanswered(self, message: Written) -> None:
        """Left to a human, or of a kind that is only kept."""
        silent = message.kind in (Kind.REACTION.value, Kind.EDIT.value, Kind.REVOKE.value, Kind.SYSTEM.value)
        if not silent and self._owner == "bot":
            self._take()
        self._pause([message])
        step = self._act([message])
        if step.content:
            self._steps += [step, _Step({"nothing": "300ms"})]

    def _unasked(self, row: Spoken) -> None:
        gone = row.status in _UNSAID
        if row.kind == "notification":
            self._long_silence(row.created_at)
            words = self._plain(row.say.text)
            self._steps.append(_Step({"notify": _flow({"topic": row.topic, "text": words})}))
            self._steps.append(
                _Step({"nothing": "1s"} if gone else {"bot": _flow({"text": words})}, [] if gone else [row])
            )
        elif row.speaker == "human":
            if self._owner != "human":
                self._take()
            if not gone:
                self._steps.append(_Step({"handover": _flow({"reply": self._plain(row.say.text)})}))
        elif "|outage" not in row.key and not gone:  # a word about an outage, which will not come again
            if self._steps and self._steps[-1].content == {"nothing": "300ms"}:
                self._steps.pop()
            self._say([row])

    def _end(self) -> None:
        owner = self._recorded.owner
        if owner != "queued" and self._owner != owner:
            if self._owner != "human":
                self._take()
            if owner == "bot":
                self._release()
        self._steps.append(_Step({"database": _flow(self._facts())}))

    def _facts(self) -> Step:
        recorded = self._recorded
        facts: Step = {"owner": recorded.owner, "form": "open" if recorded.form_open else "closed"}
        if recorded.language:
            facts["language"] = recorded.language
        if recorded.consent:
            facts["consent"] = dict(recorded.consent)
        sessions = [turn.noted.get("session") for turn in recorded.turns]
        if sessions and sessions[0] == "new":
            facts["sessions"] = sessions.count("new")
        if recorded.seller:
            facts.update(self._facts_of_the_shelf())
        return facts

    def _facts_of_the_shelf(self) -> Step:
        log = [line for line in self._recorded.log if line.good in self._keys]
        foreign = {good.id for good in self._recorded.goods if good.foreign}
        after = {self._keys[line.good]: line.after for line in log if line.good not in foreign}
        facts: Step = {"stock": after} if after else {}
        facts["log"] = {"count": len(log)}
        if log and log[-1].good not in foreign:
            last = log[-1]
            facts["log"]["last"] = {
                "before": last.before,
                "delta": last.delta,
                "after": last.after,
                "source": last.source,
            }
        return facts

    # --- single steps

    def _take(self) -> None:
        self._steps.append(_Step({"handover": _flow({"take": self._operator})}))
        self._owner = "human"

    def _release(self) -> None:
        self._steps.append(_Step({"handover": _flow({"release": self._operator})}))
        self._owner = "bot"

    def _pause(self, members: Sequence[Written]) -> None:
        before, self._spoke_at = self._spoke_at, max(message.sent_at for message in members)
        silence = (members[0].sent_at - before).total_seconds() if before else 0.0
        if silence >= PAUSE_TOLD:
            self._steps.append(_Step({"wait": duration(silence)}))

    def _long_silence(self, until: datetime) -> None:
        """Before we speak by ourselves: only hours matter, because of the 24 of the window."""
        if self._spoke_at is not None and until - self._spoke_at >= timedelta(hours=1):
            self._steps.append(_Step({"wait": duration((until - self._spoke_at).total_seconds())}))
            self._spoke_at = until

    def _act(self, members: Sequence[Written]) -> _Step:
        first = members[0]
        if first.kind == Kind.TAP.value:
            return self._tap(first)
        if first.kind == Kind.TEXT.value:
            words = "\n".join(self._plain(message.text) for message in members if message.text)
            note = f"written as {len(members)} messages" if len(members) > 1 else ""
            if words:
                return _Step({"user": words}, note=note)
        return self._send(first)

    def _tap(self, tapped: Written) -> _Step:
        bots = [step for step in self._steps if step.rows]
        source = next((s for s in bots if any(row.provider_id == tapped.reply_to for row in s.rows)), None)
        if source is None or not tapped.reply_to:
            return self._foreign_tap(tapped)
        place = next(n for n, row in enumerate(source.rows) if row.provider_id == tapped.reply_to)
        if tapped.text not in titles(source.rows[place]):
            return self._foreign_tap(tapped)
        with_it = [row for step in bots for row in step.rows if tapped.text in titles(row)]
        if with_it[-1] is source.rows[place]:
            return _Step({"tap": tapped.text})
        chosen: Step = {"title": tapped.text, "message": place + 1}
        if source is not bots[-1]:
            name = source.content.setdefault("as", f"said-{bots.index(source) + 1}")
            chosen = {"title": tapped.text, "from": name, "message": place + 1}
        return _Step({"tap": _flow(chosen)})

    def _foreign_tap(self, tapped: Written) -> _Step:
        """A button that nobody offered in this recording: somebody else's template, forged, or from before it."""
        note = "a button that was not offered in this recording; it is read as its words"
        button = tapped.payload.get("button")
        if isinstance(button, Mapping):
            shown = {"text": tapped.text or "?", "payload": self._plain(str(button.get("payload") or "?"))}
            return _Step({"send": _flow({"button": shown})}, note=note)
        interactive = {"type": "button_reply", "button_reply": {"id": "unknown", "title": tapped.text}}
        return _Step({"send": _flow({"raw": {"type": "interactive", "interactive": interactive}})}, note=note)

    def _send(self, message: Written) -> _Step:
        kind, payload = message.kind, message.payload
        words = self._plain(message.text)
        if kind in ("image", "video", "audio", "document", "sticker"):
            return _Step({"send": _flow({kind: True, **({"caption": words} if words else {})})})
        if kind == "location":
            return _Step({"send": _flow({"location": self._position(payload)})})
        if kind == "contacts":
            return _Step({"send": _flow({"contact": _SOMEBODY})})
        if kind == "order":
            items = (payload.get("order") or {}).get("product_items") or []
            return _Step({"send": _flow({"order": [str(i.get("product_retailer_id") or "?") for i in items] or ["?"]})})
        if kind in ("reaction", "edit", "revoke"):
            return self._about_another(message, words)
        if kind == "unsupported":
            named = str((payload.get("unsupported") or {}).get("type") or "poll")
            return _Step({"send": _flow({"unsupported": named})})
        if kind == "system":
            return _Step({})
        return _Step({"send": _flow({"raw": self._raw(kind, payload)})})

    @staticmethod
    def _about_another(message: Written, words: str) -> _Step:
        if message.kind == "revoke":
            return _Step({"send": _flow({"revoke": True})})
        if message.kind == "edit":
            body = ((message.payload.get("edit") or {}).get("message") or {}).get("text") or {}
            return _Step({"send": _flow({"edit": words or "…"})} if words or body else {})
        return _Step({"send": _flow({"reaction": message.text})} if message.text else {})

    def _position(self, payload: Mapping[str, Any]) -> List[float]:
        place = payload.get("location") or {}
        if self._as_is and {"latitude", "longitude"} <= set(place):
            return [float(place["latitude"]), float(place["longitude"])]
        return list(_SOMEWHERE)

    def _raw(self, kind: str, payload: Mapping[str, Any]) -> Step:
        """The message object without what says who and when; disguised, without its content."""
        if self._as_is:
            return {name: part for name, part in payload.items() if name not in ("from", "id", "timestamp", "context")}
        if kind == Kind.FLOW.value:
            reply = {"name": "flow", "body": "Sent", "response_json": "{}"}
            return {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": reply}}
        if kind == Kind.TEXT.value:
            return {"type": "text", "text": {"body": " "}}
        named = str(payload.get("type") or "unknown")
        return {"type": named, named: {}}

    def _say(self, rows: Sequence[Spoken]) -> None:
        replies = [self._reply(row) for row in rows]
        self._steps.append(_Step({"bot": replies[0] if len(replies) == 1 else _seq(replies)}, list(rows)))

    def _reply(self, row: Spoken) -> Any:
        response = row.say.response.split()[0] if row.say.response else ""
        shown = titles(row)
        wanted: Step = {"response": response} if response else {}
        if not response:
            line = next((line for line in self._plain(row.say.text).split("\n") if line.strip()), "")
            wanted = {"text": line[:80].strip()} if line else {}
        if row.say.template:
            wanted["template"] = row.say.template.name
        if shown:
            wanted["buttons"] = shown
        return response if set(wanted) == {"response"} else _flow(wanted)

    def _written_steps(self) -> CommentedSeq:
        steps = CommentedSeq()
        for step in self._steps:
            if not step.content:
                continue
            steps.append(CommentedMap(step.content))
            if step.note:
                steps.yaml_set_comment_before_after_key(len(steps) - 1, before=step.note, indent=2)
        return steps


def titles(row: Spoken) -> List[str]:
    """The titles of the buttons of one message, as the phone shows them."""
    try:
        body = render(row.say)[row.slice]
    except (Unsendable, IndexError):
        return []
    action = (body.get("interactive") or {}).get("action") or {}
    replies = [str(button["reply"]["title"]) for button in action.get("buttons") or ()]
    return replies or [str(line["title"]) for section in action.get("sections") or () for line in section["rows"]]


def duration(seconds: float) -> str:
    """``8m1s``, ``25h``: the way a ``wait`` is written."""
    rest, words = int(seconds), ""
    for letter, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        words += f"{number}{letter}" if number else ""
    return words or "0s"


def _keys(goods: Sequence[Good]) -> Dict[int, str]:
    """A key for each ware that a fact can name: words of its name, all different."""
    keys: Dict[int, str] = {}
    for number, good in enumerate(goods, start=1):
        plain = unicodedata.normalize("NFKD", f"{good.name} {good.variation}").encode("ascii", "ignore").decode()
        key = "-".join(re.findall(r"[a-z0-9]+", plain.lower()))[:40].strip("-")
        if not key or not key[0].isalpha() or key in keys.values():
            key = f"{key}-{number}" if key and key[0].isalpha() else f"ware-{number}"
        keys[good.id] = key
    return keys


def _shelf(goods: Sequence[Good], keys: Mapping[int, str]) -> Any:
    products = [good.product_id for good in goods]
    shelf = CommentedMap()
    for good in goods:
        ware: Step = {"name": good.name or "?"}
        if good.variation:
            ware["variation"] = good.variation
        if products.count(good.product_id) > 1:
            ware["product"] = f"product-{products.index(good.product_id) + 1}"
        ware["stock"] = good.stock
        ware.update({name: v for name, v in (("lost", good.lost), ("days", good.days)) if v is not None})
        shelf[keys[good.id]] = _flow(ware)
    return shelf if goods else CommentedSeq()


def _flow(value: Any) -> Any:
    """As one line of YAML."""
    if isinstance(value, Mapping):
        made: Any = CommentedMap((key, _flow(item)) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        made = CommentedSeq(_flow(item) for item in value)
    else:
        return value
    made.fa.set_flow_style()
    return made


def _seq(items: Sequence[Any]) -> CommentedSeq:
    plain = all(isinstance(item, str) for item in items)
    return _flow(list(items)) if plain else CommentedSeq(items)


def written(document: CommentedMap) -> str:
    """The YAML of a conversation."""
    yaml: Any = YAML()
    yaml.width = 118
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def since_when(given: str, now: datetime) -> datetime:
    """``3d`` or ``90m`` ago, or an ISO instant (UTC unless it says otherwise); raises click.BadParameter."""
    ago = seconds_of(given)
    if ago is not None:
        return now - timedelta(seconds=ago)
    try:
        at = datetime.fromisoformat(given.replace("Z", "+00:00"))
    except ValueError:
        raise click.BadParameter("say how long ago (2h, 3d) or an instant (2026-11-22T06:00)") from None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


@click.command()
@click.argument("talk", metavar="PHONE|CONVERSATION")
@click.option("--since", metavar="TIME", help="From then on: 2h or 3d ago, or 2026-11-22T06:00. Else the last session.")
@click.option("--as-is", is_flag=True, help="With the person's own name, words and numbers.")
def export(talk: str, since: Optional[str], as_is: bool) -> None:
    """Write a recorded talk as a conversation that `mostrador converse` plays.

    Names, numbers and places are replaced by made-up ones. Best begun where nothing was open: buttons from before the
    recording are not in it.
    """
    made = services()
    try:
        conversation_id = Explanations(made.engine).conversation(talk)
        if conversation_id is None:
            raise click.ClickException(f"Nobody has the number “{talk}”, and no single conversation begins so.")
        start = since_when(since, made.clock.now()) if since else None
        click.echo(written(Exporter(recording(made.engine, conversation_id, start), as_is).document()), nl=False)
    except Exception as error:
        if not is_unavailable(error):
            raise
        raise click.ClickException("The database does not answer: is Mostrador up (`mostrador status`)?") from None
