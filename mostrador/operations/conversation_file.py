"""Conversations written in YAML: read and checked here, played by ``mostrador converse`` (format: docs/testing.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

LANGUAGES = ("en", "es", "hi")
_MEDIA = ("image", "video", "audio", "document", "sticker")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_REST = ("...", "…")


class WrongConversation(Exception):
    """A file is no conversation; the message names file and line and says what is wrong there."""


@dataclass(frozen=True)
class Place:
    """Where in which file something is written; lines count from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Ware:
    """One variation on a seller's shelf. ``lost`` puts it into the sold-out feed, ``days`` into the low-stock feed."""

    key: str
    name: str
    variation: str = ""
    product: str = ""  # wares of the same product are variations of each other; empty = a product of its own
    stock: int = 0
    lost: Optional[int] = None
    days: Optional[int] = None


SHELF = (
    Ware("kurta-m", "Rayon Kurta", "Blue, M", product="kurta", stock=0, lost=42),
    Ware("kurta-l", "Rayon Kurta", "Blue, L", product="kurta", stock=12),
    Ware("saree", "Banarasi Saree", "Red", stock=0, lost=31),
    Ware("dupatta", "Phulkari Dupatta", "Yellow", stock=0, lost=25),
    Ware("juttis", "Punjabi Juttis", "38", stock=0, lost=12),
    Ware("lamp", "Brass Lamp", "Small", stock=3, days=2),
    Ware("cushion", "Cushion Cover", "Green", stock=5, days=4),
)
"""What a made-up seller has when the conversation does not say: four wares sold out, two running low."""


@dataclass(frozen=True)
class Person:
    """Who writes. ``existing`` names somebody of the demo; everybody else is made up for the conversation."""

    place: Place
    existing: str = ""
    phone: str = ""
    name: str = "Asha"
    seller: bool = True
    supplier: Optional[int] = None
    shelf: Tuple[Ware, ...] = SHELF


@dataclass(frozen=True)
class Step:
    place: Place


@dataclass(frozen=True)
class Write(Step):
    """The person sends something: ``spec`` is the simulator's, ``target`` says what it refers to.

    ``target`` is ``last_said`` (our newest message) or ``last_written`` (the person's own) and fills ``message_id``.
    """

    spec: Mapping[str, Any]
    file: Optional[Path] = None
    target: str = ""
    duplicate: bool = False


@dataclass(frozen=True)
class Tap(Step):
    """The person presses a button by title or index (from 1), of one message when ``message`` or ``source`` say so."""

    title: str = ""
    index: int = 0
    message: int = 0  # of the messages of the bot step, from 1
    source: str = ""  # the ``as:`` of an earlier bot step
    duplicate: bool = False


@dataclass(frozen=True)
class Reply:
    """What one message of ours must be; an empty or None field may be anything."""

    place: Place
    response: str = ""
    text: str = ""
    pattern: Optional["re.Pattern[str]"] = None
    buttons: Optional[Tuple[str, ...]] = None
    more_buttons: bool = False
    image: Optional[bool] = None
    template: str = ""


@dataclass(frozen=True)
class Bot(Step):
    """All that is said since the last look, in order; ``anything`` accepts whatever it was (at least one message)."""

    replies: Tuple[Reply, ...] = ()
    name: str = ""
    anything: bool = False


@dataclass(frozen=True)
class Nothing(Step):
    """The bot stays silent for so many seconds after everything is done."""

    seconds: float


@dataclass(frozen=True)
class Wait(Step):
    """So much time passes for the person before the next message."""

    seconds: float


@dataclass(frozen=True)
class Handover(Step):
    """A human ``take``s the conversation, ``reply``s in it or ``release``s it."""

    verb: str
    name: str = ""
    text: str = ""


@dataclass(frozen=True)
class Notify(Step):
    """The shop speaks first about a topic that needs consent."""

    topic: str
    text: str


@dataclass(frozen=True)
class Fact:
    """One thing that must hold in the database; ``wanted`` is what the YAML says."""

    place: Place
    kind: str
    wanted: Mapping[str, Any]


@dataclass(frozen=True)
class Database(Step):
    facts: Tuple[Fact, ...]


AnyStep = Union[Write, Tap, Bot, Nothing, Wait, Handover, Notify, Database]


@dataclass(frozen=True)
class Conversation:
    place: Place
    title: str
    person: Person
    language: str
    steps: Tuple[AnyStep, ...]

    @property
    def waits(self) -> float:
        """Seconds that pass in it altogether."""
        return sum(step.seconds for step in self.steps if isinstance(step, Wait))


def find_files(paths: Sequence[Path]) -> List[Path]:
    """The YAML files that ``paths`` name, folders searched; raises WrongConversation for a path without any."""
    found: List[Path] = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.suffix in (".yml", ".yaml")) if path.is_dir() else [path]
        if not inside or not all(p.is_file() for p in inside):
            raise WrongConversation(f"{path}: there is no conversation here")
        found += [p for p in inside if p not in found]
    return found


def read(file: Path) -> List[Conversation]:
    """The conversations of one file, one per YAML document; raises WrongConversation."""
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as wrong:
        raise WrongConversation(f"{Place(file, 1)}: {str(wrong).strip()}") from None
    return parse(text, file)


def parse(text: str, file: Path, own: bool = True) -> List[Conversation]:
    """As ``read``, of a text that is, or may become, the content of ``file``.

    A text that is not our ``own`` may name no files of this machine, and is not told which there are.
    """
    try:
        documents = list(YAML(typ="rt", pure=True).load_all(text))
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise WrongConversation(f"{Place(file, line)}: {wrong.problem or 'this is no YAML'}") from None
    except YAMLError as wrong:
        reason = str(wrong).strip().split("\n", 1)[0]
        raise WrongConversation(f"{Place(file, 1)}: {reason}") from None
    found = [_Reader(file, own).conversation(document) for document in documents if document is not None]
    if not found:
        raise WrongConversation(f"{Place(file, 1)}: there is no conversation here")
    return found


def seconds_of(text: str) -> Optional[float]:
    """The seconds in ``7m59s``, ``25h``, ``300ms`` or a plain number; None for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if not text.strip() or match is None:
        try:
            number = float(text)
        except ValueError:
            return None
        return number if 0 <= number < 1e9 else None
    days, hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds + milliseconds / 1000


class _Reader:
    """Reads one file; every error knows its line."""

    def __init__(self, file: Path, own: bool = True) -> None:
        self._file = file
        self._own = own

    # --- the smallest parts

    def _at(self, parent: Any, key: Any = None) -> Place:
        line = 0
        if isinstance(parent, (CommentedMap, CommentedSeq)):
            line = parent.lc.line or 0
            if key is not None:
                try:
                    line = (parent.lc.key(key) if isinstance(parent, CommentedMap) else parent.lc.item(key))[0]
                except (KeyError, TypeError):
                    pass
        return Place(self._file, line + 1)

    @staticmethod
    def _wrong(place: Place, reason: str) -> WrongConversation:
        return WrongConversation(f"{place}: {reason}")

    def _object(self, value: Any, place: Place, what: str) -> CommentedMap:
        if not isinstance(value, CommentedMap):
            raise self._wrong(place, f"{what} is a mapping (name: value)")
        return value

    def _known(self, value: CommentedMap, known: Sequence[str], what: str) -> None:
        for key in value:
            if key not in known:
                raise self._wrong(self._at(value, key), f"{what} knows no {key!r}; it knows {', '.join(known)}")

    def _text(self, parent: Any, key: Any, what: str) -> str:
        value = parent[key]
        if not isinstance(value, (str, int, float)) or isinstance(value, bool) or value == "":
            raise self._wrong(self._at(parent, key), f"{what} is a text")
        return str(value)

    def _whole(self, parent: Any, key: Any, what: str, least: int = 0) -> int:
        value = parent[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._wrong(self._at(parent, key), f"{what} is a whole number, at least {least}")
        return int(value)

    def _yes_or_no(self, parent: Any, key: Any, what: str) -> bool:
        value = parent[key]
        if not isinstance(value, bool):
            raise self._wrong(self._at(parent, key), f"{what} is true or false")
        return bool(value)

    def _duration(self, parent: Any, key: Any, what: str) -> float:
        seconds = seconds_of(str(parent[key])) if not isinstance(parent[key], (bool, CommentedMap)) else None
        if seconds is None:
            raise self._wrong(self._at(parent, key), f"{what} is a duration like 7m59s, 25h or 1s")
        return seconds

    # --- the whole

    def conversation(self, document: Any) -> Conversation:
        place = self._at(document)
        whole = self._object(document, place, "a conversation")
        self._known(whole, ("conversation", "language", "contact", "shelf", "steps"), "a conversation")
        for name in ("conversation", "steps"):
            if name not in whole:
                raise self._wrong(place, f"a conversation has {name!r}")
        language = ""
        if "language" in whole:
            language = self._text(whole, "language", "language")
            if language not in LANGUAGES:
                raise self._wrong(self._at(whole, "language"), f"language is one of {', '.join(LANGUAGES)}")
        steps = whole["steps"]
        if not isinstance(steps, CommentedSeq) or not steps:
            raise self._wrong(self._at(whole, "steps"), "steps is a list that is not empty")
        read_steps = tuple(self._step(steps, number) for number in range(len(steps)))
        self._sources_exist(read_steps)
        title = self._text(whole, "conversation", "the title")
        return Conversation(self._at(whole, "conversation"), title, self._person(whole), language, read_steps)

    def _person(self, whole: CommentedMap) -> Person:
        place = self._at(whole, "contact" if "contact" in whole else None)
        shelf = self._shelf(whole) if "shelf" in whole else SHELF
        contact = whole.get("contact")
        if contact is None:
            return Person(place, shelf=shelf)
        if isinstance(contact, str):
            if "shelf" in whole:
                raise self._wrong(self._at(whole, "shelf"), "somebody who exists has a shelf already")
            return Person(place, existing=contact)
        given = self._object(contact, place, "contact")
        self._known(given, ("phone", "name", "role", "supplier"), "contact")
        person = Person(place, shelf=shelf)
        if "phone" in given:
            person = replace(person, phone=self._text(given, "phone", "phone"))
        if "name" in given:
            person = replace(person, name=self._text(given, "name", "name"))
        if "supplier" in given:
            person = replace(person, supplier=self._whole(given, "supplier", "supplier", 1))
        if "role" in given:
            role = self._text(given, "role", "role")
            if role not in ("seller", "stranger"):
                raise self._wrong(self._at(given, "role"), "role is seller or stranger")
            person = replace(person, seller=role == "seller")
        return person

    def _shelf(self, whole: CommentedMap) -> Tuple[Ware, ...]:
        shelf = whole["shelf"]
        if not isinstance(shelf, (CommentedMap, CommentedSeq)) or (isinstance(shelf, CommentedSeq) and len(shelf)):
            raise self._wrong(self._at(whole, "shelf"), "shelf is a mapping from each ware's key to what it is, or []")
        wares = []
        for key in shelf:
            ware = self._object(shelf[key], self._at(shelf, key), "a ware")
            self._known(ware, ("name", "variation", "product", "stock", "lost", "days"), "a ware")
            if "name" not in ware:
                raise self._wrong(self._at(shelf, key), "a ware has a name")
            texts = {name: self._text(ware, name, name) for name in ("name", "variation", "product") if name in ware}
            numbers = {name: self._whole(ware, name, name) for name in ("stock", "lost", "days") if name in ware}
            wares.append(Ware(str(key), **texts, **numbers))  # type: ignore[arg-type]
        return tuple(wares)

    def _sources_exist(self, steps: Sequence[AnyStep]) -> None:
        known: Dict[str, int] = {}
        said = 0
        for step in steps:
            if isinstance(step, Bot):
                said = len(step.replies)
                if step.name:
                    known[step.name] = said
            if not isinstance(step, Tap):
                continue
            if step.source and step.source not in known:
                raise self._wrong(step.place, f"no bot step before this one says `as: {step.source}`")
            most = known[step.source] if step.source else said
            if step.message and most and step.message > most:
                raise self._wrong(step.place, f"there are only {most} messages to tap on")

    # --- steps

    def _step(self, steps: CommentedSeq, number: int) -> AnyStep:
        place = self._at(steps, number)
        step = self._object(steps[number], place, "a step")
        readers: Dict[str, Tuple[Callable[[CommentedMap], AnyStep], Tuple[str, ...]]] = {
            "user": (self._user, ("again",)),
            "tap": (self._tap, ("again",)),
            "send": (self._send, ("again",)),
            "bot": (self._bot, ("as",)),
            "nothing": (self._nothing, ()),
            "wait": (self._wait, ()),
            "handover": (self._handover, ()),
            "notify": (self._notify, ()),
            "database": (self._database, ()),
        }
        names = [name for name in step if name in readers]
        if len(names) != 1:
            raise self._wrong(place, f"a step has exactly one of {', '.join(readers)}")
        reader, also = readers[names[0]]
        self._known(step, (names[0], *also), f"a {names[0]} step")
        return reader(step)

    def _again(self, step: CommentedMap) -> bool:
        return "again" in step and self._yes_or_no(step, "again", "again")

    def _user(self, step: CommentedMap) -> Write:
        place, said = self._at(step, "user"), step["user"]
        if not isinstance(said, CommentedMap):
            spec = {"type": "text", "text": self._text(step, "user", "what the user writes")}
            return Write(place, spec, duplicate=self._again(step))
        self._known(said, ("text", "profile"), "user")
        if "text" not in said:
            raise self._wrong(place, "user needs text")
        spec = {"type": "text", "text": self._text(said, "text", "text")}
        if "profile" in said:
            spec["name"] = self._text(said, "profile", "profile")
        return Write(place, spec, duplicate=self._again(step))

    def _tap(self, step: CommentedMap) -> Tap:
        place, tapped = self._at(step, "tap"), step["tap"]
        duplicate = self._again(step)
        if not isinstance(tapped, CommentedMap):
            return Tap(place, title=self._text(step, "tap", "tap"), duplicate=duplicate)
        self._known(tapped, ("title", "index", "message", "from"), "tap")
        if ("title" in tapped) == ("index" in tapped):
            raise self._wrong(place, "tap needs either title or index")
        return Tap(
            place,
            title=self._text(tapped, "title", "title") if "title" in tapped else "",
            index=self._whole(tapped, "index", "index", 1) if "index" in tapped else 0,
            message=self._whole(tapped, "message", "message", 1) if "message" in tapped else 0,
            source=self._text(tapped, "from", "from") if "from" in tapped else "",
            duplicate=duplicate,
        )

    def _send(self, step: CommentedMap) -> Write:
        place = self._at(step, "send")
        sent = self._object(step["send"], place, "send")
        kinds = (*_MEDIA, "location", "contact", "order", "reaction", "button", "unsupported", "edit", "revoke", "raw")
        names = [name for name in sent if name in kinds]
        if len(names) != 1:
            raise self._wrong(place, f"send has exactly one of {', '.join(kinds)}")
        kind = names[0]
        self._known(sent, (kind, "caption") if kind in _MEDIA else (kind,), f"a sent {kind}")
        write = self._media(sent, kind) if kind in _MEDIA else self._other(sent, kind)
        return replace(write, place=place, duplicate=self._again(step))

    def _media(self, sent: CommentedMap, kind: str) -> Write:
        place, spec = self._at(sent, kind), {"type": kind}
        if "caption" in sent:
            spec["caption"] = self._text(sent, "caption", "caption")
        if sent[kind] is True:
            return Write(place, spec)  # the simulator makes up a file of the kind
        if not self._own:
            raise self._wrong(place, "an uploaded conversation cannot send files; say true instead")
        file = self._file.parent / self._text(sent, kind, f"{kind} (a file beside this one, or true)")
        if not file.is_file():
            raise self._wrong(place, f"there is no file {file.name} beside this one")
        return Write(place, spec, file=file)

    def _other(self, sent: CommentedMap, kind: str) -> Write:
        place, value = self._at(sent, kind), _plain(sent[kind])
        wrong = None
        if kind == "location":
            if isinstance(value, list) and len(value) == 2 and all(isinstance(v, (int, float)) for v in value):
                return Write(place, {"type": kind, "latitude": value[0], "longitude": value[1]})
            wrong = "[latitude, longitude]"
        elif kind == "contact":
            return Write(place, {"type": "contacts", "phone": self._text(sent, kind, "contact (a phone number)")})
        elif kind == "order":
            if isinstance(value, list) and value:
                return Write(place, {"type": kind, "items": [{"product_retailer_id": str(item)} for item in value]})
            wrong = "a list of product ids"
        elif kind == "reaction":
            return Write(place, {"type": kind, "emoji": self._text(sent, kind, "an emoji")}, target="last_said")
        elif kind == "button":
            if isinstance(value, dict) and set(value) == {"text", "payload"}:
                return Write(place, {"type": kind, **value})
            wrong = "{text: …, payload: …}"
        elif kind == "unsupported":
            return Write(place, {"type": kind, "unsupported_type": self._text(sent, kind, "a kind, such as poll")})
        elif kind == "edit":
            spec = {"type": kind, "text": self._text(sent, kind, "the new text")}
            return Write(place, spec, target="last_written")
        elif kind == "revoke":
            return Write(place, {"type": kind}, target="last_written")
        elif isinstance(value, dict):
            return Write(place, {"type": "raw", "message": value})
        raise self._wrong(place, f"{kind} is {wrong or 'the message object as it is on the wire'}")

    def _bot(self, step: CommentedMap) -> Bot:
        place, said = self._at(step, "bot"), step["bot"]
        name = self._text(step, "as", "as") if "as" in step else ""
        if said == "anything":
            return Bot(place, name=name, anything=True)
        if isinstance(said, CommentedSeq):
            if not said:
                raise self._wrong(place, "bot is a reply or a list of them; for silence say nothing: 1s")
            return Bot(place, tuple(self._reply(said, number) for number in range(len(said))), name)
        return Bot(place, (self._reply(step, "bot"),), name)

    def _reply(self, parent: Any, key: Any) -> Reply:
        place, wanted = self._at(parent, key), parent[key]
        if not isinstance(wanted, CommentedMap):
            return Reply(
                place, response=self._text(parent, key, "a reply (a response's name, or {response: …, text: …})")
            )
        self._known(wanted, ("response", "text", "buttons", "image", "template"), "a reply")
        reply = Reply(place)
        if "response" in wanted:
            reply = replace(reply, response=self._text(wanted, "response", "response"))
        if "text" in wanted:
            text = self._text(wanted, "text", "text")
            if len(text) > 1 and text.startswith("/") and text.endswith("/"):
                try:
                    reply = replace(reply, pattern=re.compile(text[1:-1], re.DOTALL))
                except re.error as wrong:
                    raise self._wrong(self._at(wanted, "text"), f"this is no regular expression: {wrong}") from None
            else:
                reply = replace(reply, text=text)
        if "buttons" in wanted:
            titles = wanted["buttons"]
            if not isinstance(titles, CommentedSeq):
                raise self._wrong(self._at(wanted, "buttons"), "buttons is a list of titles")
            listed = [self._text(titles, number, "a title") for number in range(len(titles))]
            more = bool(listed) and listed[-1] in _REST
            reply = replace(reply, buttons=tuple(listed[:-1] if more else listed), more_buttons=more)
        if "image" in wanted:
            reply = replace(reply, image=self._yes_or_no(wanted, "image", "image"))
        if "template" in wanted:
            reply = replace(reply, template=self._text(wanted, "template", "template"))
        return reply

    def _nothing(self, step: CommentedMap) -> Nothing:
        return Nothing(self._at(step, "nothing"), self._duration(step, "nothing", "nothing"))

    def _wait(self, step: CommentedMap) -> Wait:
        return Wait(self._at(step, "wait"), self._duration(step, "wait", "wait"))

    def _handover(self, step: CommentedMap) -> Handover:
        place = self._at(step, "handover")
        done = self._object(step["handover"], place, "handover")
        if len(done) != 1 or next(iter(done)) not in ("take", "reply", "release"):
            raise self._wrong(place, "handover is one of {take: NAME}, {reply: TEXT}, {release: NAME}")
        verb = str(next(iter(done)))
        value = self._text(done, verb, "a name" if verb != "reply" else "the words")
        return Handover(place, verb, text=value) if verb == "reply" else Handover(place, verb, name=value)

    def _notify(self, step: CommentedMap) -> Notify:
        place = self._at(step, "notify")
        given = self._object(step["notify"], place, "notify")
        self._known(given, ("topic", "text"), "notify")
        if set(given) != {"topic", "text"}:
            raise self._wrong(place, "notify needs topic and text")
        return Notify(place, self._text(given, "topic", "topic"), self._text(given, "text", "text"))

    # --- facts

    def _database(self, step: CommentedMap) -> Database:
        place, facts = self._at(step, "database"), step["database"]
        if isinstance(facts, CommentedSeq):
            if not facts:
                raise self._wrong(place, "database needs at least one fact")
            every = [fact for n in range(len(facts)) for fact in self._facts(facts[n], self._at(facts, n))]
        else:
            every = self._facts(facts, place)
        return Database(place, tuple(every))

    def _facts(self, value: Any, place: Place) -> List[Fact]:
        given = self._object(value, place, "a fact")
        if "query" in given:
            self._known(given, ("query", "equals"), "a query")
            if "equals" not in given:
                raise self._wrong(place, "a query needs equals")
            self._text(given, "query", "query")
            return [Fact(self._at(given, "query"), "query", _plain(given))]
        return [self._fact(given, kind) for kind in given]

    def _fact(self, given: CommentedMap, kind: Any) -> Fact:
        place, wanted = self._at(given, kind), _plain(given[kind])
        if kind not in FACTS:
            raise self._wrong(place, f"no fact is called {kind!r}; there are query, {', '.join(FACTS)}")
        shape, fits = FACTS[kind]
        if not fits(wanted):
            raise self._wrong(place, f"{kind} is {shape}")
        return Fact(place, str(kind), wanted if isinstance(wanted, dict) else {"is": wanted})


def _is_stock(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if set(value) == {"item", "is"}:
        return isinstance(value["item"], str) and isinstance(value["is"], int)
    return bool(value) and all(isinstance(number, int) for number in value.values())


def _is_log(value: Any) -> bool:
    if not isinstance(value, dict) or not value or set(value) - {"item", "last", "count"}:
        return False
    last = value.get("last", {})
    return isinstance(last, dict) and not set(last) - set(LOG_COLUMNS) and isinstance(value.get("count", 0), int)


LOG_COLUMNS = {"before": "quantity_before", "delta": "delta", "after": "quantity_after", "source": "source"}
FACTS: Dict[str, Tuple[str, Callable[[Any], bool]]] = {
    "stock": ("{item: WARE, is: N} or {WARE: N, …}", _is_stock),
    "log": ("{item: WARE, count: N, last: {before: N, delta: N, after: N, source: …}}", _is_log),
    "consent": (
        "{TOPIC: true|false|unknown}",
        lambda v: isinstance(v, dict) and bool(v) and all(isinstance(x, bool) or x == "unknown" for x in v.values()),
    ),
    "owner": ("bot, queued or human", lambda v: v in ("bot", "queued", "human")),
    "language": (f"one of {', '.join(LANGUAGES)}", lambda v: v in LANGUAGES),
    "form": ("open or closed", lambda v: v in ("open", "closed")),
    "sessions": ("a number", lambda v: isinstance(v, int) and not isinstance(v, bool)),
    "tasks": (
        "{KIND: N} of open tasks",
        lambda v: isinstance(v, dict) and bool(v) and all(isinstance(x, int) for x in v.values()),
    ),
}
"""The named facts: how each is written, and whether a value is written so."""


def _plain(value: Any) -> Any:
    """Without ruamel's own types, which neither JSON nor the database know."""
    if isinstance(value, CommentedMap):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, CommentedSeq):
        return [_plain(item) for item in value]
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return value
