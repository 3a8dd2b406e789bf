"""WhatsApp as Rasa sees it: the channel for plain ``rasa run``."""

from __future__ import annotations

from typing import Any, Awaitable, Callable, Dict, Optional

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic

from mostrador.channels.output import MOST_MESSAGES, NAME, TurnOutput


class WhatsAppInput(InputChannel):
    """The WhatsApp Cloud API under plain ``rasa run``.

    In credentials.yml: ``mostrador.channels.whatsapp.WhatsAppInput:``, without values; secrets and numbers come from
    the environment. The webhook stores what it receives, and a dispatcher in the same process answers it.
    """

    def __init__(self, most_messages: int = MOST_MESSAGES) -> None:
        self._most_messages = most_messages

    @classmethod
    def name(cls) -> str:
        return NAME

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "WhatsAppInput":
        from mostrador.settings import settings

        return cls(settings().messages_per_turn)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The webhook, and a dispatcher once Rasa's server runs. Raises SettingsError when a secret is missing."""
        from mostrador.bootstrap import services
        from mostrador.channels.ingress import required, webhook_blueprint
        from mostrador.channels.serving import attach
        from mostrador.storage.inbox import InboxStore

        class WithDispatcher(Blueprint):
            def register(self, app: Sanic, options: Dict[str, Any]) -> Any:
                attach(app)
                return super().register(app, options)

        made = services()
        store = InboxStore(made.engine, made.clock)
        return webhook_blueprint(store, required(made.settings), made.clock, WithDispatcher)

    def get_output_channel(self) -> Optional[OutputChannel]:
        """A channel that collects, so that whoever triggers an intent finds the messages in the answer."""
        return TurnOutput(self._most_messages)
