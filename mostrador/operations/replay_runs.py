"""Conversations under replay: one phone each, one step at a time, told as JSON values."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

from sqlalchemy.exc import SQLAlchemyError

from mostrador.operations.conversation_file import (
    AnyStep,
    Conversation,
    Database,
    WrongConversation,
    find_files,
    parse,
    read,
)
from mostrador.operations.conversation_people import make_seats
from mostrador.operations.converse import Player, moves_the_clock
from mostrador.operations.stack import RunningStack, Stack, StackUnavailable
from mostrador.settings import Settings

MOST_RUNS = 20
"""Replays that are remembered; the oldest is forgotten for a new one."""
AT_THE_END = "At the end: nothing more was said, all of it arrived, stock = sum of its log"
_UPLOADED = Path("uploaded.yml")


class CannotReplay(Exception):
    """What was asked cannot be done; the message is a sentence for the person at the page, ``http`` the status."""

    def __init__(self, reason: str, http: int = 422) -> None:
        super().__init__(reason)
        self.http = http


@dataclass
class Run:
    """One conversation on its way; ``told`` counts the lines of the transcript that the page has."""

    id: str
    conversation: Conversation
    player: Player
    steps: Iterator[int]
    done: int = 0
    told: int = 0
    over: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Replays:
    """All replays of one running Mostrador; safe to use from several threads."""

    def __init__(self, settings: Settings, folder: Path, stack: Optional[Stack] = None) -> None:
        self._settings = settings
        self._folder = folder
        self._stack = stack
        self._runs: Dict[str, Run] = {}
        self._lock = threading.Lock()

    def conversations(self) -> Dict[str, Any]:
        """``{"files": [{"file", "conversations": [{"index", "title", "steps", "why_not"?}], "error"?}]}``.

        ``why_not`` says in a sentence why it cannot be played here, ``error`` why the file cannot be read.
        """
        files: List[Dict[str, Any]] = []
        for path in self._files():
            shown: Dict[str, Any] = {"file": str(path.relative_to(self._folder)), "conversations": []}
            try:
                shown["conversations"] = [_listed(*numbered) for numbered in enumerate(read(path))]
            except WrongConversation as wrong:
                shown["error"] = self._short(wrong)
            files.append(shown)
        return {"files": files}

    def begin(self, order: Mapping[str, Any]) -> Dict[str, Any]:
        """Make a conversation ready to play: ``{"file"} | {"yaml"}`` and ``"index"`` (0 = the first of its file).

        → ``{"id", "title", "contact", "name", "steps": [{"line", "yaml"}, …]}`` where ``contact`` is the phone that
        plays, and the last step is the look at the end. Raises CannotReplay.
        """
        text, conversations = self._read(order)
        index = order.get("index", 0)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(conversations):
            raise CannotReplay(f"There are {len(conversations)} conversations in the file.")
        conversation = conversations[index]
        reason = _why_not(conversation)
        if reason:
            raise CannotReplay(reason)
        following = conversations[index + 1].place.line if index + 1 < len(conversations) else None
        try:
            with self._lock:
                stack = self._running()
                seat = make_seats(stack.engine, stack.settings, [conversation], stack.now())[0]
                player = Player(stack, conversation, seat)
                stack.simulator.put_contact(phone=seat.phone, name=seat.name)
                run = Run(secrets.token_hex(8), conversation, player, player.steps())
                self._runs[run.id] = run
                for old in list(self._runs)[:-MOST_RUNS]:
                    del self._runs[old]
        except WrongConversation as wrong:
            raise CannotReplay(self._short(wrong)) from None
        except StackUnavailable as why:
            raise CannotReplay(str(why), 503) from None
        except SQLAlchemyError as why:
            raise CannotReplay(f"The database does not take part: {type(why).__name__}.", 503) from None
        steps = sources(text, conversation.steps, following)
        steps.append({"line": conversation.place.line, "yaml": AT_THE_END})
        return {
            "id": run.id,
            "title": conversation.title,
            "contact": seat.phone,
            "name": seat.name,
            "steps": steps,
        }

    def next(self, run_id: str) -> Dict[str, Any]:
        """Play one step → ``{"step": 0…, "ok", "happened": [lines], "expected"?, "got"?, "line"?, "over"}``."""
        run = self._run(run_id)
        if not run.lock.acquire(blocking=False):
            raise CannotReplay("The step before is still being played.", 409)
        try:
            if run.over:
                raise CannotReplay("It was played to its end.", 409)
            number = run.done
            run.done = next(run.steps, number)
            played = run.player.played
            ok = played.problem is None
            run.over = not ok or run.done > len(run.conversation.steps)
            happened = [line.strip() for line in played.transcript[run.told :]]
            run.told = len(played.transcript)
            answer: Dict[str, Any] = {"step": number, "ok": ok, "happened": happened, "over": run.over}
            if played.problem is not None:
                answer.update(expected=played.problem.expected, got=played.problem.got, line=played.problem.place.line)
            return answer
        finally:
            run.lock.release()

    def end(self, run_id: str) -> Dict[str, Any]:
        """Forget a replay; what it did stays."""
        self._run(run_id)
        self._runs.pop(run_id, None)
        return {"ok": True}

    def _run(self, run_id: str) -> Run:
        run = self._runs.get(run_id)
        if run is None:
            raise CannotReplay("This replay is gone: begin it anew.", 404)
        return run

    def _running(self) -> Stack:
        if self._stack is None:
            self._stack = RunningStack(self._settings)
        return self._stack

    def _files(self) -> List[Path]:
        try:
            return find_files([self._folder])
        except WrongConversation:
            return []

    def _read(self, order: Mapping[str, Any]) -> "tuple[str, List[Conversation]]":
        try:
            if isinstance(order.get("yaml"), str):
                conversations = parse(order["yaml"], _UPLOADED, own=False)
                for conversation in conversations:
                    _refuse_what_only_own_files_may(conversation)
                return order["yaml"], conversations
            for path in self._files():
                if str(path.relative_to(self._folder)) == order.get("file"):
                    return path.read_text(encoding="utf-8"), read(path)
        except WrongConversation as wrong:
            raise CannotReplay(self._short(wrong)) from None
        raise CannotReplay("There is no such file.", 404)

    def _short(self, wrong: WrongConversation) -> str:
        return str(wrong).replace(f"{self._folder}/", "")


def _refuse_what_only_own_files_may(conversation: Conversation) -> None:
    """A file from anywhere must not bring SQL of its own."""
    for step in conversation.steps:
        for fact in step.facts if isinstance(step, Database) else ():
            if fact.kind == "query":
                raise WrongConversation(f"{fact.place}: queries are only run from files in tests/conversations")


def _listed(index: int, conversation: Conversation) -> Dict[str, Any]:
    shown: Dict[str, Any] = {"index": index, "title": conversation.title, "steps": len(conversation.steps)}
    reason = _why_not(conversation)
    if reason:
        shown["why_not"] = reason
    return shown


def _why_not(conversation: Conversation) -> str:
    if moves_the_clock(conversation):
        return "Hours pass in it, and the clock of a running shop stays: play it with `mostrador converse`."
    return ""


def sources(text: str, steps: Sequence[AnyStep], following: Optional[int] = None) -> List[Dict[str, Any]]:
    """Each step as it is written: ``{"line", "yaml"}``, without its indent and the comments after it.

    ``following`` is the line on which the next conversation of the file begins.
    """
    lines = text.splitlines()
    begins = [_dash(lines, step.place.line) for step in steps]
    last = len(lines) + 1 if following is None else following
    shown = []
    for begin, end in zip(begins, [*begins[1:], last]):
        own = list(takewhile(lambda line: line.rstrip() != "---", lines[begin - 1 : end - 1]))
        while len(own) > 1 and (not own[-1].strip() or own[-1].lstrip()[0] == "#"):
            own.pop()
        indent = len(own[0]) - len(own[0].lstrip()) + 2 if own[0].lstrip().startswith("- ") else 0
        shown.append({"line": begin, "yaml": "\n".join([own[0].lstrip()[2:], *(line[indent:] for line in own[1:])])})
    return shown


def _dash(lines: Sequence[str], line: int) -> int:
    """The line with the dash of the step in which ``line`` is."""
    while line > 1 and not lines[line - 1].lstrip().startswith("-"):
        line -= 1
    return line
