"""Takes messages from the inbox to the engine and its answers to the outbox, one turn of a conversation at a time."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

from rasa.core.channels.channel import UserMessage

from mostrador.channels.current_turn import CurrentTurn, TurnAborted
from mostrador.channels.engine import Engine, Spoken
from mostrador.channels.interpret import Reading, read
from mostrador.channels.output import TurnOutput
from mostrador.nlu.expected import as_expected
from mostrador.nlu.session_start import session_events
from mostrador.settings import Settings
from mostrador.shop.clock import Clock
from mostrador.shop.conversations import BOT, QUEUED
from mostrador.shop.messages import Say
from mostrador.storage.engine import Listener, is_unavailable
from mostrador.storage.turns import Begun, BurstRule, NotYet, Result, SessionRule, TurnStore

log = logging.getLogger(__name__)

_LOOK_AGAIN = 5.0  # seconds; the net under messages whose announcement went to a process that died
_STILL_WAITING = 600  # seconds between two reminders that a human is on the way


class NoReply(Exception):
    """The engine ended a turn without a word; silence is never an answer."""


@dataclass(frozen=True)
class Counted:
    """How many provider messages a Say becomes; the sender makes the same count when it renders it."""

    messages_of: Callable[[Say], int]

    def __call__(self, says: Iterable[Say]) -> List[Tuple[Say, int]]:
        return [(say, self.messages_of(say)) for say in says]


def turn_store(engine: Any, settings: Settings) -> TurnStore:
    """The queue with the session and burst rules of these settings."""
    return TurnStore(
        engine,
        SessionRule(timedelta(minutes=settings.session_minutes), settings.session_turns),
        BurstRule(
            timedelta(seconds=settings.quiet_window),
            timedelta(seconds=settings.quiet_window_cap),
            timedelta(seconds=settings.reorder_hold),
            {form: timedelta(seconds=seconds) for form, seconds in settings.quiet_windows.items()},
        ),
    )


class Dispatcher:
    """Serves every conversation that has unanswered messages; several dispatchers may share one database."""

    def __init__(
        self,
        engine: Engine,
        store: TurnStore,
        settings: Settings,
        clock: Clock,
        messages_of: Callable[[Say], int],
        listener: Listener,
    ) -> None:
        self._engine = engine
        self._store = store
        self._settings = settings
        self._clock = clock
        self._counted = Counted(messages_of)
        self._listener = listener
        self._secret = settings.button_secret.get_secret_value().encode()
        self._database = ThreadPoolExecutor(settings.turns_at_once + 1, thread_name_prefix="turns")
        self._ears = ThreadPoolExecutor(1, thread_name_prefix="ears")
        self._nlu = ThreadPoolExecutor(1, thread_name_prefix="nlu")
        self._places = asyncio.Semaphore(settings.turns_at_once)
        self._serving: Dict[str, "asyncio.Task[None]"] = {}
        self._again: Set[str] = set()
        self._timers: Dict[str, asyncio.TimerHandle] = {}

    def use(self, engine: Engine) -> None:
        """Let the turns that begin from now on be answered by ``engine``; those under way end with theirs."""
        self._engine = engine

    async def run(self) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                heard = await loop.run_in_executor(self._ears, self._listener.wait, _LOOK_AGAIN)
                await self._hear(heard)
        finally:
            for timer in self._timers.values():
                timer.cancel()
            for task in self._serving.values():
                task.cancel()
            self._listener.close()

    async def _hear(self, heard: Optional[List[str]]) -> None:
        if heard:
            self.wake(heard)
            return
        try:
            self.wake(await self._in_database(self._store.conversations_waiting))
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("The database is away; messages wait")

    def wake(self, conversation_ids: Iterable[str]) -> None:
        """Look at these conversations now, or as soon as their running turn has ended."""
        for conversation_id in conversation_ids:
            self._again.add(conversation_id)
            if conversation_id not in self._serving:
                self._serving[conversation_id] = asyncio.ensure_future(self._serve(conversation_id))

    async def _serve(self, conversation_id: str) -> None:
        try:
            while conversation_id in self._again:
                self._again.discard(conversation_id)
                async with self._places:
                    step = await self._one(conversation_id)
                if isinstance(step, NotYet):
                    self._wake_at(conversation_id, (step.at - self._clock.now()).total_seconds())
                elif step:
                    self._again.add(conversation_id)
        except Exception as error:
            if not is_unavailable(error):
                log.exception("A conversation could not be served")
            self._wake_at(conversation_id, 0.5)
        finally:
            del self._serving[conversation_id]
            if conversation_id in self._again:
                self.wake([conversation_id])

    def _wake_at(self, conversation_id: str, seconds: float) -> None:
        earlier = self._timers.pop(conversation_id, None)
        if earlier is not None:
            earlier.cancel()

        def ring() -> None:
            self._timers.pop(conversation_id, None)
            self.wake([conversation_id])

        self._timers[conversation_id] = asyncio.get_running_loop().call_later(max(0.005, seconds), ring)

    async def _in_database(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._database, partial(call, *args, **kwargs))

    async def _one(self, conversation_id: str) -> Any:
        """One turn. True when another message waits already, NotYet when the next must wait, else false."""
        engine = self._engine  # for the whole turn, whatever is promoted meanwhile
        if not engine.ready:
            return NotYet(self._clock.now() + timedelta(seconds=0.5))
        seq, tracker = engine.take(conversation_id) or (-1, None)
        begun = await self._in_database(self._store.begin, conversation_id, self._clock.now(), seq)
        if not isinstance(begun, Begun):
            engine.keep(conversation_id, seq, tracker)
            return begun
        reading = read(begun.members, conversation_id, self._secret, engine.intents)
        if begun.owner != BOT and not (begun.owner == QUEUED and reading.tapped):
            await self._leave_to_people(begun, engine)
            return begun.more
        turn = CurrentTurn(conversation_id, begun.events)
        turn.known = tracker if begun.tracker_seq == seq else None
        if begun.new_session:
            slots = engine.slots(turn)
            slots["language"] = begun.language or slots.get("language")
            turn.opening = session_events(slots, begun.open_form, begun.after_silence)
        return await self._answer(begun, reading, turn, engine)

    async def _leave_to_people(self, begun: Begun, engine: Engine) -> None:
        says: List[Tuple[Say, int]] = []
        now = self._clock.now()
        if begun.owner == QUEUED:
            says = self._counted([engine.say("utter_waiting_for_human", begun.language)])
        key = f"{begun.conversation_id}|waiting|{int(now.timestamp()) // _STILL_WAITING}"
        await self._in_database(self._store.keep_for_people, begun, says, key, now)

    async def _answer(self, begun: Begun, reading: Reading, turn: CurrentTurn, engine: Engine) -> Any:
        begun_at = self._clock.now()
        output = TurnOutput(self._settings.messages_per_turn)
        try:
            spoken = await self._speak(begun, reading, turn, output, engine)
        except TurnAborted as aborted:
            return await self._put_off(begun, engine, aborted.reason, outage=aborted.outage)
        except asyncio.CancelledError:
            self._store.drop(begun)
            raise
        except Exception as error:
            log.exception("A turn failed")
            return await self._put_off(begun, engine, type(error).__name__, outage=is_unavailable(error))
        result = Result(
            outcome="answered",
            events=spoken.events,
            says=self._counted(self._finished(begun, engine, output.says, spoken.language)),
            open_form=spoken.open_form,
            language=spoken.language,
            intent=spoken.intent,
            confidence=spoken.confidence,
            explain={**spoken.explain, "model": engine.model_id},
            back_to_bot=begun.owner == QUEUED,
        )
        await self._in_database(self._store.finish, begun, result, begun_at, self._clock.now())
        engine.keep(begun.conversation_id, begun.tracker_seq + len(spoken.events), turn.tracker)
        return begun.more  # what came since then is announced

    def _finished(self, begun: Begun, engine: Engine, says: List[Say], language: str) -> List[Say]:
        """With a word in the person's language on the button that opens a list, wherever a response names none.

        After an outage the answer begins with a word about it; the person has waited for longer than usual.
        """
        language = language or begun.language
        label = engine.say("utter_list_label", language).text
        says = [replace(say, list_label=say.list_label or label) if say.buttons else say for say in says]
        waited = (self._clock.now() - begun.members[0].sent_at).total_seconds()
        if waited <= self._settings.late_after:
            return says
        sorry = engine.say("utter_late_answer", language).text
        return [replace(says[0], text="\n\n".join(filter(None, (sorry, says[0].text)))), *says[1:]]

    async def _speak(
        self, begun: Begun, reading: Reading, turn: CurrentTurn, output: TurnOutput, engine: Engine
    ) -> Spoken:
        parse = reading.parse
        if parse is None:
            loop = asyncio.get_running_loop()
            parse = await loop.run_in_executor(self._nlu, engine.understand, reading.text)
            parse = as_expected(parse, reading.text, begun.open_form)
        first = begun.members[0]
        message = UserMessage(
            reading.text,
            sender_id=begun.conversation_id,
            parse_data=parse,
            input_channel=TurnOutput.name(),
            message_id=first.provider_id,
            metadata={"turn_id": begun.turn_id, "sent_at": first.sent_at.isoformat()},
        )
        spoken = await engine.run(turn, message, output)
        if not output.says:
            raise NoReply(spoken.intent or "")
        return spoken

    async def _put_off(self, begun: Begun, engine: Engine, reason: str, outage: bool) -> Any:
        now = self._clock.now()
        if not outage and begun.tries >= self._settings.max_tries:
            await self._apologise(begun, engine, reason)
            return begun.more
        says: List[Tuple[Say, int]] = []
        if outage and (now - begun.members[0].received_at).total_seconds() > self._settings.patience:
            says = self._counted([engine.say("utter_wait_outage", begun.language)])
        steps = begun.waits if outage else begun.tries - 1
        until = now + timedelta(seconds=min(5.0, 0.5 * 2 ** min(steps, 10)))
        await self._in_database(self._store.put_off, begun, until, reason, counts=not outage, says=says, now=now)
        return NotYet(until)

    async def _apologise(self, begun: Begun, engine: Engine, reason: str) -> None:
        now = self._clock.now()
        reference = f"{begun.members[0].id:x}"
        result = Result(
            outcome="apologised",
            events=[],
            says=self._counted([engine.say("utter_technical_problem", begun.language, ref=reference)]),
            task={"kind": "failed_turn", "turn": begun.turn_id, "reason": reason, "reference": reference},
            speaker="system",
        )
        await self._in_database(self._store.finish, begun, result, now, now)
