"""What belongs to one installation beside its settings: the demo's made-up secrets, and in which mode it runs."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Dict, Mapping, Optional

from dotenv import dotenv_values

from mostrador.operations.embedded_postgres import EmbeddedPostgres, default_home
from mostrador.settings import ENV_FILE, Settings, read_settings

DEMO_SECRETS = (
    "MOSTRADOR_RASA_TOKEN",
    "MOSTRADOR_BUTTON_SECRET",
    "MOSTRADOR_STOCK_API_SECRET",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "WHATSAPP_ACCESS_TOKEN",
)
DEMO_NUMBER_ID = "106540352242922"

QUIET: Mapping[str, str] = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "PYTHONWARNINGS": "ignore::DeprecationWarning,ignore::PendingDeprecationWarning,ignore::FutureWarning",
    "PYTHONUNBUFFERED": "1",
    "SANIC_HOST": "127.0.0.1",
    "SANIC_ACCESS_LOG": "false",  # a line per call costs more than some calls
}
"""Variables of other programs that are the same in every process of ours."""


class Installation:
    """The settings of this folder, completed by the demo's values when it runs as a demo.

    ``demo=None`` means: as it was brought up last. Making one exports what the settings lacked to the environment of
    this process, so that whatever it starts or imports sees the same installation.
    """

    def __init__(self, demo: Optional[bool] = None) -> None:
        plain = read_settings()
        self.var: Path = plain.var_dir.absolute()
        self.state_file = self.var / "mode.json"
        self.embedded = not plain.database_url
        self.demo = bool(self._remembered() if demo is None else demo) or plain.demo
        self._add(QUIET)
        if self.demo:
            self._add(self._demo_values(plain))
        self.postgres = EmbeddedPostgres(default_home(self.var)) if self.embedded else None
        if self.postgres is not None:
            self._add({"DATABASE_URL": self.postgres.url()})
        self.settings: Settings = read_settings()

    @property
    def is_real(self) -> bool:
        """Whether messages would go to real people: the Graph API in the settings is not on this machine."""
        return not self.settings.graph_base_url.startswith(("http://127.0.0.1:", "http://localhost:"))

    def remember(self) -> None:
        """Note the mode for the commands that come after ``up``."""
        self.var.mkdir(parents=True, exist_ok=True)
        self.state_file.write_text(json.dumps({"demo": self.demo}) + "\n", encoding="utf-8")

    def _remembered(self) -> bool:
        try:
            return bool(json.loads(self.state_file.read_text(encoding="utf-8"))["demo"])
        except (OSError, ValueError, KeyError):
            return False

    def _demo_values(self, plain: Settings) -> Dict[str, str]:
        """What the demo needs and nobody configured: secrets made once, and the simulator in Meta's place."""
        kept = self.var / "demo.env"
        if not kept.exists():
            self.var.mkdir(parents=True, exist_ok=True)
            draft = kept.with_name(f"demo.env.{os.getpid()}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.writelines(f"{name}={secrets.token_urlsafe(32)}\n" for name in DEMO_SECRETS)
            draft.rename(kept)
        values = {name: value for name, value in dotenv_values(kept).items() if value}
        return {
            **values,
            "MOSTRADOR_DEMO": "1",
            "WHATSAPP_PHONE_NUMBER_IDS": DEMO_NUMBER_ID,
            **({} if plain.whatsapp_access_token.get_secret_value() else self._simulator(plain)),
            "WHATSAPP_MEDIA_HOSTS": "127.0.0.1",
        }

    @staticmethod
    def _simulator(plain: Settings) -> Dict[str, str]:
        return {"WHATSAPP_GRAPH_URL": f"http://127.0.0.1:{plain.simulator_port}"}

    @staticmethod
    def _add(values: Mapping[str, str]) -> None:
        configured = dotenv_values(ENV_FILE)
        for name, value in values.items():
            if not os.environ.get(name) and not configured.get(name):
                os.environ[name] = value
