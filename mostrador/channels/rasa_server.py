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
from mostrador.channels.serving import attach
from mostrador.settings import ROOT, SettingsError, settings


def make_app() -> Sanic:
    """Rasa's server application with our agent, its interface closed to all who lack the token."""
    from rasa.core.run import close_resources, configure_app
    from rasa.core.utils import AvailableEndpoints

    from mostrador.channels.whatsapp import WhatsAppInput
    from mostrador.operations.training import trusted_model

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

    async def load(app: Sanic, loop: asyncio.AbstractEventLoop) -> None:
        app.ctx.agent = _load_agent(str(trusted_model(config.models_dir)))

    app.register_listener(load, "before_server_start")
    app.register_listener(close_resources, "after_server_stop")
    attach(app)

    @app.get("/healthz")
    async def healthz(request: Any) -> HTTPResponse:
        ready = bool(getattr(app.ctx, "agent", None)) and app.ctx.agent.is_ready()
        return json({"ready": ready}, status=200 if ready else 503)

    return app


def _load_agent(model: str) -> Any:
    from rasa.core.agent import Agent

    from mostrador.channels.engine import ActionServer
    from mostrador.channels.lean_rasa import checked_domain
    from mostrador.channels.lock_store import ConversationLockStore
    from mostrador.channels.tracker_store import MostradorTrackerStore

    with checked_domain():
        return Agent.load(
            model,
            tracker_store=MostradorTrackerStore(),
            lock_store=ConversationLockStore(),
            action_endpoint=ActionServer(f"http://127.0.0.1:{settings().actions_port}/webhook"),
        )


def _quiet_logs() -> None:
    """Rasa's debug lines hold what people write, and making them costs as much as a turn."""
    from rasa.utils.log_utils import configure_structlog

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("rasa").setLevel(logging.WARNING)
    configure_structlog(logging.WARNING)


def main() -> Optional[int]:
    from mostrador.operations.training import trusted_model

    if not needs_tensorflow(trusted_model(settings().models_dir)):
        leave_out_tensorflow()
    _quiet_logs()
    try:
        app = make_app()
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    app.run(host="127.0.0.1", port=settings().rasa_port, access_log=False)
    return None


if __name__ == "__main__":
    sys.exit(main())
