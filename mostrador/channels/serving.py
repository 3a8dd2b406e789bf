"""A dispatcher beside Rasa's HTTP server, on the same loop and for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from sanic import Sanic

from mostrador.settings import settings

if TYPE_CHECKING:
    from mostrador.channels.dispatcher import Dispatcher

log = logging.getLogger(__name__)


def attach(app: Sanic) -> None:
    """Prepare the application's agent when the server starts and run a dispatcher until it stops."""

    async def begin(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.dispatcher_task = loop.create_task(_dispatch_for_ever(app))

    async def end(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.dispatcher_task.cancel()
        endpoint = getattr(getattr(app.ctx, "agent", None), "action_endpoint", None)
        if hasattr(endpoint, "close"):
            await endpoint.close()

    app.register_listener(begin, "after_server_start")
    app.register_listener(end, "before_server_stop")


async def _dispatch_for_ever(app: Sanic) -> None:
    """A dispatcher that fails is a defect; it is logged and begun anew, because messages wait."""
    while True:
        try:
            await _dispatcher(app.ctx.agent).run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("The dispatcher stopped and is begun anew")
            await asyncio.sleep(1)


def _dispatcher(agent: Any) -> "Dispatcher":
    from mostrador.bootstrap import build, database_url
    from mostrador.channels.dispatcher import Dispatcher, turn_store
    from mostrador.channels.engine import Engine, prepare
    from mostrador.gateways.whatsapp.render import render
    from mostrador.storage.engine import INBOX, Listener

    config = settings()
    made = build(config, pool_size=config.turns_at_once + 2)
    prepare(agent, f"http://127.0.0.1:{config.actions_port}/webhook")
    return Dispatcher(
        Engine(agent),
        turn_store(made.engine, config),
        config,
        made.clock,
        intents=lambda: agent.domain.intents,
        messages_of=lambda say: len(render(say)),
        listener=Listener(database_url(config), [INBOX]),
    )
