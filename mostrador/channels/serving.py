"""A dispatcher beside Rasa's HTTP server, on the same loop and for as long as the server runs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse

from mostrador.settings import settings

if TYPE_CHECKING:
    from mostrador.channels.dispatcher import Dispatcher

log = logging.getLogger(__name__)

_REQUEST_ENDS_WITHIN = 5.0  # seconds; then it is taken for gone


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


async def hand_over(app: Sanic, agent: Any) -> None:
    """Let ``agent``, prepared, answer from now on: the dispatcher's turns that begin now, and requests over HTTP.

    A request that is under way reads the application's agent more than once; it is waited for, but not for ever.
    """
    from mostrador.channels.engine import Engine

    if app.ctx.requests:
        try:
            await asyncio.wait_for(app.ctx.nobody_asks.wait(), _REQUEST_ENDS_WITHIN)
        except asyncio.TimeoutError:
            log.warning("Requests over HTTP do not end; the model is changed under them")
    app.ctx.agent = agent
    if getattr(app.ctx, "dispatcher", None) is not None:
        app.ctx.dispatcher.use(Engine(agent))


def note_requests(app: Sanic) -> None:
    """Keep in ``app.ctx.requests`` those under way; one whose client went away is forgotten with its object."""
    app.ctx.requests, app.ctx.nobody_asks = WeakSet(), asyncio.Event()

    @app.middleware("request")
    async def begins(request: Request) -> None:
        app.ctx.requests.add(request)
        app.ctx.nobody_asks.clear()

    @app.middleware("response")
    async def ends(request: Request, response: HTTPResponse) -> None:
        app.ctx.requests.discard(request)
        if not app.ctx.requests:
            app.ctx.nobody_asks.set()


async def _dispatch_for_ever(app: Sanic) -> None:
    """A dispatcher that fails is a defect; it is logged and begun anew, because messages wait."""
    while True:
        try:
            app.ctx.dispatcher = _dispatcher(app.ctx.agent)
            await app.ctx.dispatcher.run()
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
        messages_of=lambda say: len(render(say)),
        listener=Listener(database_url(config), [INBOX]),
    )
