"""The one module that reads the environment.

A value that is missing or wrong stops the process at start with a sentence that names the variable.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Tuple

from pydantic import BaseSettings, Field, SecretStr, ValidationError, validator

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = Path(os.environ.get("MOSTRADOR_ENV_FILE") or ROOT / ".env")  # a temporary stack must not see the shop's own


class SettingsError(Exception):
    """The configuration cannot be used; the message names each variable and what is wrong with it."""


class Settings(BaseSettings):
    """Everything that differs between two installations, in one immutable object.

    Durations are seconds. Secrets are ``SecretStr`` so that no log line can carry them.
    """

    # --- where things are
    database_url: str = Field("", env="DATABASE_URL")  # empty = the embedded server under var/
    var_dir: Path = Field(ROOT / "var", env="MOSTRADOR_VAR")
    env_file: Path = Field(ENV_FILE, env="MOSTRADOR_ENV_FILE")
    demo: bool = Field(False, env="MOSTRADOR_DEMO")
    demo_data: bool = Field(True, env="MOSTRADOR_DEMO_DATA")  # without it a demo starts with an empty shop
    bind_host: str = Field("127.0.0.1", env="MOSTRADOR_HOST")
    ingress_port: int = Field(8080, env="MOSTRADOR_INGRESS_PORT")
    web_port: int = Field(8081, env="MOSTRADOR_WEB_PORT")
    simulator_port: int = Field(8090, env="MOSTRADOR_SIMULATOR_PORT")
    replay_port: int = Field(8091, env="MOSTRADOR_REPLAY_PORT")
    rasa_port: int = Field(5005, env="MOSTRADOR_RASA_PORT")
    actions_port: int = Field(5055, env="MOSTRADOR_ACTIONS_PORT")
    public_url: str = Field("", env="MOSTRADOR_PUBLIC_URL")  # where Meta can fetch pictures; empty = the web process
    models_dir: Path = Field(ROOT / "models", env="MOSTRADOR_MODELS")

    # --- secrets
    rasa_token: SecretStr = Field(SecretStr(""), env="MOSTRADOR_RASA_TOKEN")
    button_secret: SecretStr = Field(SecretStr(""), env="MOSTRADOR_BUTTON_SECRET")
    stock_api_secret: SecretStr = Field(SecretStr(""), env="MOSTRADOR_STOCK_API_SECRET")
    operator_token: SecretStr = Field(SecretStr(""), env="MOSTRADOR_OPERATOR_TOKEN")

    # --- WhatsApp Cloud API
    whatsapp_app_secret: SecretStr = Field(SecretStr(""), env="WHATSAPP_APP_SECRET")
    whatsapp_app_secret_previous: SecretStr = Field(SecretStr(""), env="WHATSAPP_APP_SECRET_PREVIOUS")
    whatsapp_verify_token: SecretStr = Field(SecretStr(""), env="WHATSAPP_VERIFY_TOKEN")
    whatsapp_access_token: SecretStr = Field(SecretStr(""), env="WHATSAPP_ACCESS_TOKEN")
    whatsapp_phone_number_ids: Tuple[str, ...] = Field((), env="WHATSAPP_PHONE_NUMBER_IDS")
    graph_base_url: str = Field("https://graph.facebook.com", env="WHATSAPP_GRAPH_URL")
    graph_version: str = Field("v26.0", env="WHATSAPP_GRAPH_VERSION")
    media_hosts: Tuple[str, ...] = Field(("lookaside.fbsbx.com",), env="WHATSAPP_MEDIA_HOSTS")
    media_max_bytes: int = Field(16 * 1024 * 1024, env="WHATSAPP_MEDIA_MAX_BYTES")
    webhook_max_bytes: int = 3 * 1024 * 1024
    send_only_to: Tuple[str, ...] = Field((), env="SEND_ONLY_TO")  # E.164; empty = everybody

    # --- conversation
    session_minutes: float = Field(8.0, env="MOSTRADOR_SESSION_MINUTES", gt=0)
    session_turns: int = Field(20, env="MOSTRADOR_SESSION_TURNS", ge=2)
    quiet_window: float = Field(1.2, env="MOSTRADOR_QUIET_WINDOW", ge=0, le=1.2)  # burst merge of free text
    quiet_windows: Dict[str, float] = Field({}, env="MOSTRADOR_QUIET_WINDOWS")  # the same inside forms, by form
    quiet_window_cap: float = Field(4.0, env="MOSTRADOR_QUIET_WINDOW_CAP", ge=0, le=4.0)
    reorder_hold: float = Field(0.0, env="MOSTRADOR_REORDER_HOLD", ge=0, le=5.0)
    max_tries: int = Field(3, env="MOSTRADOR_MAX_TRIES", ge=1)
    patience: float = Field(30.0, env="MOSTRADOR_PATIENCE", gt=0)  # an outage longer than this is told to the person
    late_after: float = Field(120.0, env="MOSTRADOR_LATE_AFTER", gt=0)
    messages_per_turn: int = 4
    turns_at_once: int = Field(8, env="MOSTRADOR_TURNS_AT_ONCE", ge=1)
    cards_per_page: int = Field(3, env="MOSTRADOR_CARDS_PER_PAGE", ge=1, le=3)
    pause_days: Tuple[int, int] = Field((7, 30), env="MOSTRADOR_PAUSE_DAYS")  # offered to who wants to wait
    low_stock_days: int = Field(14, env="MOSTRADOR_LOW_STOCK_DAYS", ge=1)

    sudden_above: int = Field(
        500, env="MOSTRADOR_SUDDEN_ABOVE", ge=0
    )  # pieces; a new stock up to here is never asked back
    sudden_times: int = Field(10, env="MOSTRADOR_SUDDEN_TIMES", ge=1)  # of what was usual; above it is asked back once

    # --- sending
    number_per_second: int = Field(80, env="MOSTRADOR_NUMBER_PER_SECOND", ge=1)
    pair_seconds: float = Field(6.0, env="MOSTRADOR_PAIR_SECONDS", gt=0)
    pair_burst: int = Field(45, env="MOSTRADOR_PAIR_BURST", ge=1)
    send_timeout: float = Field(10.0, env="MOSTRADOR_SEND_TIMEOUT", gt=0)
    unknown_after: float = Field(120.0, env="MOSTRADOR_UNKNOWN_AFTER", gt=0)
    send_lease: float = Field(30.0, env="MOSTRADOR_SEND_LEASE", gt=0)
    order_wait: float = Field(1.0, env="MOSTRADOR_ORDER_WAIT", ge=0)  # wait for a status before the contact's next

    # --- inventory and feed
    inventory_url: str = Field("", env="MOSTRADOR_INVENTORY_URL")  # empty = own tables
    inventory_secret: SecretStr = Field(SecretStr(""), env="MOSTRADOR_INVENTORY_SECRET")
    clock: str = Field("", env="MOSTRADOR_CLOCK")  # path of a file holding an ISO instant or offset; tests only

    class Config:
        env_file = str(ENV_FILE)
        case_sensitive = True
        allow_mutation = False
        allow_population_by_field_name = True

        @classmethod
        def parse_env_var(cls, field_name: str, raw_val: str) -> Any:
            if field_name in {"whatsapp_phone_number_ids", "media_hosts", "send_only_to", "pause_days"}:
                return tuple(part.strip() for part in raw_val.split(",") if part.strip())
            if field_name == "quiet_windows":
                pairs = (part.partition("=") for part in raw_val.split(",") if part.strip())
                return {name.strip(): seconds.strip() for name, _, seconds in pairs}
            return cls.json_loads(raw_val)

    @validator("send_only_to")
    def _numbers_are_e164(cls, value: Tuple[str, ...]) -> Tuple[str, ...]:
        for number in value:
            if not (number.startswith("+") and number[1:].isdigit()):
                raise ValueError(f"{number!r} is not a number like +5491122334455")
        return value

    @validator("pause_days")
    def _pauses_rise(cls, value: Tuple[int, int]) -> Tuple[int, int]:
        if not 2 <= value[0] < value[1] <= 365:
            raise ValueError("two numbers of days from 2 to 365 are needed, the smaller first")
        return value

    @validator("quiet_windows")
    def _windows_are_short(cls, value: Dict[str, float]) -> Dict[str, float]:
        for form, seconds in value.items():
            if not 0 <= seconds <= 1.2:
                raise ValueError(f"{form!r} waits between 0 and 1.2 seconds")
        return value

    @validator("operator_token")
    def _token_cannot_be_guessed(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and len(value.get_secret_value()) < 16:
            raise ValueError("it has fewer than 16 characters, which can be guessed")
        return value

    @property
    def app_secrets(self) -> Tuple[bytes, ...]:
        """The webhook secrets that are valid now, newest first; never empty once ``require`` passed."""
        both = (self.whatsapp_app_secret, self.whatsapp_app_secret_previous)
        return tuple(s.get_secret_value().encode() for s in both if s.get_secret_value())

    def require(self, *names: str) -> "Settings":
        """Return self when every named setting has a value; raise SettingsError naming those that have none."""
        missing = []
        for name in names:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if not value:
                missing.append(self.variable(name))
        if missing:
            raise SettingsError("Please set " + ", ".join(missing) + " (see docs/operating.md).")
        return self

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable that fills the setting ``name``."""
        return str(cls.__fields__[name].field_info.extra.get("env", name)) if name in cls.__fields__ else name


def read_settings(**overrides: Any) -> Settings:
    """Read the environment afresh; raises SettingsError with one line per wrong variable."""
    try:
        return Settings(**overrides)
    except ValidationError as wrong:
        lines = [f"{Settings.variable(str(e['loc'][0]))}: {e['msg']}" for e in wrong.errors()]
        raise SettingsError("; ".join(lines)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings()
