"""The Rasa process: Rasa's own HTTP interface on loopback, and the dispatcher beside it on the same loop.

``python -m mostrador.channels.rasa_server``. Plain ``rasa run`` works too: the WhatsApp channel in credentials.yml
attaches the dispatcher to Rasa's application.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Optional

from sanic import Sanic
from sanic.response import HTTPResponse, json

from mostrador.channels.lean_rasa import leave_out_tensorflow, needs_tensorflow
from mostrador.channels.loading import ModelWatch, first_model, load_beside, load_first
from mostrador.channels.serving import attach, hand_over, note_requests
from mostrador.operations.models import ModelStore, UntrustedModel
from mostrador.settings import ROOT, SettingsError, settings


def make_app() -> Sanic:
    """Rasa's server application with our agent, its interface closed to all who lack the token."""
    from rasa.core.run import close_resources, configure_app
    from rasa.core.utils import AvailableEndpoints

    from mostrador.channels.whatsapp import WhatsAppInput

    config = settings().require("rasa_token", "button_secret")
    app: Sanic = configure_app(
        input_channels=None,
        cors=None,
        auth_token=config.rasa_token.get_secret_value(),
        enable_api=True,
        port=config.rasa_port,
        endpoints=AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml")),
    )

    # Rasa looks here for the channel that an external event names; no webhook of it is opened.
    app.ctx.input_channels = [WhatsAppInput()]

    store = ModelStore(config.models_dir)

    async def load(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        version, app.ctx.agent = load_first(store)
        app.ctx.watch = ModelWatch(
            store,
            version,
            lambda chosen: load_beside(store, chosen, app.ctx.agent.action_endpoint),
            lambda agent: hand_over(app, agent),
        )

    async def watch(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.watching = loop.create_task(app.ctx.watch.run())

    async def stop_watching(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.watching.cancel()

    app.register_listener(load, "before_server_start")
    app.register_listener(watch, "after_server_start")
    app.register_listener(stop_watching, "before_server_stop")
    app.register_listener(close_resources, "after_server_stop")
    attach(app)
    note_requests(app)

    @app.get("/healthz")
    async def healthz(request: Any) -> HTTPResponse:
        ready = bool(getattr(app.ctx, "agent", None)) and app.ctx.agent.is_ready()
        watch = getattr(app.ctx, "watch", None)
        told = {"model": watch.serving.name, "problem": watch.problem} if watch else {}
        return json({"ready": ready, **told}, status=200 if ready else 503)

    return app


def _quiet_logs() -> None:
    """Rasa's debug lines hold what people write, and making them costs as much as a turn."""
    from rasa.utils.log_utils import configure_structlog

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("rasa").setLevel(logging.WARNING)
    configure_structlog(logging.WARNING)


def main() -> Optional[int]:
    try:
        if not needs_tensorflow(first_model(ModelStore(settings().models_dir))[1]):
            leave_out_tensorflow()
        _quiet_logs()
        app = make_app()
    except (SettingsError, UntrustedModel) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    app.run(host="127.0.0.1", port=settings().rasa_port, access_log=False)
    return None


if __name__ == "__main__":
    sys.exit(main())
