"""Rasa's agent, prepared for exactly-once turns: what it does wrong for a shop is put right here and nowhere else."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Collection, Dict, List, Mapping, Optional, Text, Tuple

import aiohttp
from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.exceptions import ModelNotFound
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

from mostrador.channels.current_turn import CurrentTurn, TurnAborted, current_turn
from mostrador.channels.explain import explained
from mostrador.channels.rasa_speed import DirectRunner, make_faster
from mostrador.shop.messages import Button, Say

log = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds that a refused connection to the action server is retried within one turn
_PAUSE = 0.2
_TRACKERS_KEPT = 2_000
_UNREACHABLE = (aiohttp.ClientConnectionError, asyncio.TimeoutError)


def _unreachable(error: BaseException) -> TurnAborted:
    return TurnAborted(f"the action server cannot be reached: {type(error).__name__}", outage=True)


class ActionServer(EndpointConfig):
    """The action server over connections that are kept open.

    A refused or broken connection is retried for five seconds, then the turn is aborted as an outage. While one turn
    waits so, others are aborted at once: they are put off, and their places serve talks that need no action. Actions
    are safe to repeat: their effects are keyed by the turn. An answer of 5xx aborts the turn as the turn's own fault.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url=url, enable_selective_domain=True)  # the whole domain is most of a request
        self._session: Optional[aiohttp.ClientSession] = None
        self._one_waits = False

    async def request(
        self,
        method: Text = "post",
        subpath: Optional[Text] = None,
        content_type: Optional[Text] = "application/json",
        compress: bool = False,
        **kwargs: Any,
    ) -> Optional[Any]:
        try:
            return await self._ask(kwargs["json"])
        except _UNREACHABLE as error:
            if self._one_waits:
                raise _unreachable(error) from error
        self._one_waits = True
        try:
            return await self._ask_again(kwargs["json"])
        finally:
            self._one_waits = False

    async def _ask_again(self, body: Mapping[str, Any]) -> Any:
        deadline = asyncio.get_running_loop().time() + _PATIENCE
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                return await self._ask(body)
            except _UNREACHABLE as error:
                if asyncio.get_running_loop().time() + _PAUSE > deadline:
                    raise _unreachable(error) from error

    async def _ask(self, body: Mapping[str, Any]) -> Any:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30, connect=2))
        assert self.url is not None
        async with self._session.post(self.url, json=body) as answer:
            if answer.status == 400:  # rasa_sdk's ActionExecutionRejection: a form that lets the turn pass
                raise ClientResponseError(answer.status, answer.reason or "", await answer.text())
            if answer.status >= 300:
                raise TurnAborted(f"the action server answered {answer.status}", outage=False)
            return await answer.json()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def prepare(agent: Agent, action_url: str) -> Agent:
    """Make a loaded agent fit for dispatched turns; call it again after every model swap.

    The fail-safe tracker store goes, because it answers a blank conversation when the database blinks; the action
    endpoint retries and aborts; and Rasa's inner loops are made faster (``rasa_speed``).
    """
    store = agent.tracker_store
    while isinstance(store, FailSafeTrackerStore):
        store = store._tracker_store
    agent.tracker_store = store
    if not isinstance(agent.action_endpoint, ActionServer):
        agent.action_endpoint = ActionServer(action_url)
    if agent.processor is not None:
        agent.processor.tracker_store = store
        agent.processor.action_endpoint = agent.action_endpoint
        if isinstance(agent.processor.graph_runner, DaskGraphRunner):
            agent.processor.graph_runner = DirectRunner(agent.processor.graph_runner)
    make_faster()
    return agent


@dataclass(frozen=True)
class Spoken:
    """What a turn of the engine came to: events to store, where the dialogue stands, what was understood."""

    events: List[Dict[str, Any]]
    open_form: str
    language: str
    intent: Optional[str]
    confidence: Optional[float]
    explain: Dict[str, Any]


class Engine:
    """Runs one turn of the dialogue with one model; knows neither the queue nor the wire.

    Another model is another engine: trackers are remembered with the slots of the model that made them.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._trackers: "OrderedDict[str, Tuple[int, DialogueStateTracker]]" = OrderedDict()

    @property
    def ready(self) -> bool:
        return self._agent.is_ready()

    @property
    def model_id(self) -> str:
        return self._agent.model_id or ""

    @property
    def intents(self) -> Collection[str]:
        """The names of all intents of the model's domain."""
        return self._agent.domain.intents if self._agent.domain is not None else ()

    def understand(self, text: str) -> Dict[str, Any]:
        """Parse free text (CPU work: call it off the event loop)."""
        processor = self._agent.processor
        if processor is None:
            raise ModelNotFound("no model is loaded")
        nobody = DialogueStateTracker.from_events("", [])
        return processor._parse_message_with_graph(UserMessage(text), nobody)

    async def run(self, turn: CurrentTurn, message: UserMessage, output: OutputChannel) -> Spoken:
        """Handle ``message`` inside ``turn``. Raises TurnAborted, or whatever broke; then nothing was stored."""
        message.output_channel = output
        token = current_turn.set(turn)
        try:
            await self._agent.handle_message(message)
        finally:
            current_turn.reset(token)
        tracker = turn.tracker
        if tracker is None:
            raise TurnAborted("the agent was not ready", outage=True)
        return _spoken(tracker, turn)

    def slots(self, turn: CurrentTurn) -> Dict[str, Any]:
        """What the slots held when the conversation's last turn ended."""
        domain = self._agent.domain
        if turn.known is None and turn.stored and domain is not None:
            turn.known = DialogueStateTracker.from_dict(turn.conversation_id, turn.stored, domain.slots)
        return dict(turn.known.current_slot_values()) if turn.known is not None else {}

    def take(self, conversation_id: str) -> "Optional[Tuple[int, DialogueStateTracker]]":
        """The tracker remembered for a conversation and the stored event it ends at; ours alone until kept again."""
        return self._trackers.pop(conversation_id, None)

    def keep(self, conversation_id: str, seq: int, tracker: Optional[DialogueStateTracker]) -> None:
        """Remember the tracker as committed up to event ``seq``, so that the next turn need not read it."""
        if tracker is None:
            return
        self._trackers[conversation_id] = (seq, tracker)
        if len(self._trackers) > _TRACKERS_KEPT:
            self._trackers.popitem(last=False)

    def say(self, response: str, language: str, **values: str) -> Say:
        """A response of the domain in a language, English where it lacks it; for what is said without a dialogue."""
        domain = self._agent.domain
        variations = domain.responses.get(response, []) if domain else []
        chosen = _in_language(variations, language) or _in_language(variations, "") or {}
        text = chosen.get("text", "")
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        buttons = tuple(Button(b["title"], b["payload"]) for b in chosen.get("buttons", ()))
        return Say(text=text, buttons=buttons, response=response)


def _in_language(variations: List[Dict[str, Any]], language: str) -> Optional[Dict[str, Any]]:
    for variation in variations:
        conditions = {c.get("name"): c.get("value") for c in variation.get("condition", [])}
        if conditions.get("language", "") == language:
            return variation
    return None


def _spoken(tracker: DialogueStateTracker, turn: CurrentTurn) -> Spoken:
    if tracker.latest_action_name != ACTION_LISTEN_NAME:  # Rasa gave up after ten actions; saved, it would stay mute
        raise TurnAborted("the dialogue does not come to an end", outage=False)
    language = tracker.get_slot("language") if "language" in tracker.slots else None
    latest = tracker.latest_message
    parse = latest.parse_data if latest and latest.parse_data else {}
    intent = parse.get("intent") or {}
    return Spoken(
        events=turn.added,
        open_form=tracker.active_loop_name or "",
        language=language or "",
        intent=intent.get("name"),
        confidence=intent.get("confidence"),
        explain=explained(turn, tracker, parse),
    )
