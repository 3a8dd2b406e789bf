"""Loads models into a Rasa process: the first one at its start, later ones beside it while it goes on serving."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any, Awaitable, Callable, Optional, Tuple

from mostrador.channels.lean_rasa import checked_domain, is_left_out, needs_tensorflow
from mostrador.operations.models import ModelStore, UntrustedModel, Version
from mostrador.settings import settings

log = logging.getLogger(__name__)

_LOOK = 1.0  # seconds between two looks at which model was chosen
_AGAIN = 30.0  # seconds until a model that did not load is tried once more: its file may have been on its way


class NotServable(Exception):
    """A model cannot be served by this process; the message says why in a sentence."""


def load_agent(model: Path, action_endpoint: Any = None) -> Any:
    """An agent with the model, our stores and (by default a new) connection to the action server."""
    from rasa.core.agent import Agent

    from mostrador.channels.engine import ActionServer
    from mostrador.channels.lock_store import ConversationLockStore
    from mostrador.channels.tracker_store import MostradorTrackerStore

    with checked_domain():
        return Agent.load(
            str(model),
            tracker_store=MostradorTrackerStore(),
            lock_store=ConversationLockStore(),
            action_endpoint=action_endpoint or ActionServer(f"http://127.0.0.1:{settings().actions_port}/webhook"),
        )


def load_beside(store: ModelStore, version: Version, action_endpoint: Any) -> Any:
    """An agent that is ready to serve: loaded, prepared, and asked once. Raises NotServable.

    CPU work of seconds: call it off the event loop.
    """
    from mostrador.channels.engine import Engine, prepare

    try:
        path = store.path(version)
        if is_left_out() and needs_tensorflow(path):
            raise NotServable("it uses TensorFlow, for which Rasa has to be started anew")
        agent = load_agent(path, action_endpoint)
        prepare(agent, action_endpoint.url)
        Engine(agent).understand("ok")
    except UntrustedModel as why:
        raise NotServable(str(why)) from why
    except NotServable:
        raise
    except Exception as why:
        log.exception("Model %s could not be loaded", version.name)
        raise NotServable(f"it cannot be loaded ({type(why).__name__})") from why
    if not agent.is_ready():
        raise NotServable("it was loaded but is not ready")
    return agent


def first_model(store: ModelStore) -> Tuple[Version, Path]:
    """The model to start with: the chosen one or, where that is not whole, the one before. Raises UntrustedModel."""
    chosen = store.serving()
    try:
        return chosen, store.path(chosen)
    except UntrustedModel as why:
        before = store.before()
        if before is None:
            raise
        log.error("%s The one before serves instead", why)
        return before, store.path(before)


def load_first(store: ModelStore) -> Tuple[Version, Any]:
    """The first model of this process, loaded; where it does not load, the one before. Raises what loading raises."""
    version, path = first_model(store)
    try:
        return version, load_agent(path)
    except Exception:
        before = store.before()
        if before is None or before.model == version.model:
            raise
        log.exception("Model %s could not be loaded; %s serves instead", version.name, before.name)
        return before, load_agent(store.path(before))


class ModelWatch:
    """Notices that another model was chosen, loads it beside the serving one, and hands it over.

    ``hand_over`` gets the agent on the event loop and puts it in the place of the old one. A model that cannot be
    served changes nothing but ``problem``.
    """

    def __init__(
        self,
        store: ModelStore,
        serving: Version,
        load: Callable[[Version], Any],
        hand_over: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._store = store
        self._load = load
        self._hand_over = hand_over
        self._refused: Optional[str] = None
        self._again_at = 0.0
        self.serving = serving
        self.problem = ""

    async def run(self) -> None:
        """Look for ever, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self.look()
            except Exception:  # the watch must not end: nobody would hear of the next promotion
                log.exception("The choice of model could not be looked at")

    async def look(self) -> None:
        """Serve what was chosen, if it is not served already."""
        try:
            chosen = await asyncio.to_thread(self._store.serving)
        except UntrustedModel as why:
            self.problem = str(why)
            return
        if chosen.model == self.serving.model:
            self.serving, self.problem, self._refused = chosen, "", None
        elif chosen.model != self._refused or time.monotonic() >= self._again_at:
            await self._swap(chosen)

    async def _swap(self, chosen: Version) -> None:
        began = time.monotonic()
        try:
            agent = await asyncio.to_thread(self._load, chosen)
        except NotServable as why:
            self._refused, self._again_at = chosen.model, time.monotonic() + _AGAIN
            self.problem = f"Model {chosen.name} was chosen, but {why}; {self.serving.name} goes on serving."
            log.error("%s", self.problem)
            return
        await self._hand_over(agent)
        log.info("Model %s serves in place of %s (%.1f s)", chosen.name, self.serving.name, time.monotonic() - began)
        self.serving, self.problem, self._refused = chosen, "", None
