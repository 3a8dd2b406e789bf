"""What can be told to the stand-in: secrets, business numbers, delays and how strict it is."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

SECRETS = frozenset({"app_secret", "access_token", "verify_token"})
FIXED = frozenset({"phone_number_ids", "log_dir", "public_url", "seed"})  # read once at start


class WrongConfig(Exception):
    """A configuration value has an unknown name or a wrong type; the message names it."""


@dataclass
class SimulatorConfig:
    """Settings of one simulator; durations are seconds. The default secrets are for tests on loopback."""

    app_secret: str = "simulated-app-secret"
    access_token: str = "simulated-access-token"
    verify_token: str = "simulated-verify-token"
    phone_number_ids: Tuple[str, ...] = ("106540352242922",)
    display_numbers: Dict[str, str] = field(default_factory=dict)  # phone_number_id → digits shown to people
    business_name: str = "Mostrador"
    waba_id: str = "102290129340398"
    callback_url: str = ""
    explain_url: str = ""  # where the business explains an answer, {id} = the wamid it answered; empty = nowhere
    replay_url: str = ""  # who replays conversations for the page (paths in control.py); empty = nobody
    public_url: str = ""  # base of media URLs; empty = the address the simulator listens on
    log_dir: Optional[Path] = None  # JSON lines and media are kept here; None = memory only
    seed: Optional[int] = None

    sent_delay: float = 0.02
    delivered_delay: float = 0.06  # counted from acceptance, like sent_delay
    read_delay: Optional[float] = None  # None = read when the page (or POST …/read) shows the message
    statuses: bool = True
    fetch_links: bool = True  # fetch pictures and documents sent by link, as Meta does

    webhook_timeout: float = 10.0
    retry_delays: Tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)  # the last one repeats
    retry_for: float = 7 * 86400.0
    batch_seconds: float = 0.0  # > 0: updates of this span travel in one POST
    ordered: bool = True  # a contact's messages are first tried one after the other
    handshake_at_start: bool = False

    enforce_window: str = "off"  # off | answer (HTTP 400) | status (accepted, then failed)
    enforce_limits: bool = False
    number_per_second: int = 80
    pair_seconds: float = 6.0
    pair_burst: int = 45
    strict_templates: bool = False  # an unregistered template is refused with 132001
    media_url_seconds: float = 300.0
    clock_offset: float = 0.0  # added to the wall clock, for tests of windows and expiry

    def update(self, values: Dict[str, Any]) -> None:
        """Change settings while running; raises WrongConfig and changes nothing when one of them is wrong."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in FIXED}
        checked: Dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise WrongConfig(f"{name} is not a setting that can be changed")
            old = known[name]
            if name == "read_delay":
                if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
                    raise WrongConfig("read_delay is a number of seconds or null")
            elif isinstance(old, tuple):
                if not isinstance(value, (list, tuple)) or not value:
                    raise WrongConfig(f"{name} is a list that is not empty")
                value = tuple(float(v) for v in value)
            elif isinstance(old, bool) or isinstance(value, bool):
                if not (isinstance(old, bool) and isinstance(value, bool)):
                    raise WrongConfig(f"{name} has the wrong type")
            elif isinstance(old, (int, float)):
                if not isinstance(value, (int, float)):
                    raise WrongConfig(f"{name} is a number")
            elif not isinstance(value, type(old)):
                raise WrongConfig(f"{name} has the wrong type")
            if name == "enforce_window" and value not in ("off", "answer", "status"):
                raise WrongConfig("enforce_window is off, answer or status")
            checked[name] = value
        for name, value in checked.items():
            setattr(self, name, value)

    def shown(self) -> Dict[str, Any]:
        """The settings as JSON values, without the secrets."""
        out = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in SECRETS}
        out["log_dir"] = str(self.log_dir) if self.log_dir else None
        return out

    def display_number(self, phone_number_id: str) -> str:
        """The digits people see for a business number; made up from the id unless given."""
        return self.display_numbers.get(phone_number_id) or "1555" + phone_number_id[-7:].rjust(7, "0")
