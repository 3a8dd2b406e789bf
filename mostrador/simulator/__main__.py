"""`python -m mostrador.simulator`: the stand-in for WhatsApp and the phone page, for demo and tests."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from mostrador.settings import Settings, SettingsError, settings

from .config import SimulatorConfig
from .people import UnknownContact
from .server import Simulator
from .views import WrongTemplate

WEBHOOK_PATH = "/webhooks/whatsapp/webhook"


def arguments(chosen: Settings) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mostrador.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=chosen.simulator_port)
    parser.add_argument("--host", default=chosen.bind_host)
    parser.add_argument("--callback", default=f"http://127.0.0.1:{chosen.ingress_port}{WEBHOOK_PATH}")
    parser.add_argument("--memory-only", action="store_true", help="keep no log on disk")
    parser.add_argument("--contacts", type=Path, help="JSON file with contacts and templates")
    parser.add_argument("--enforce-window", choices=("off", "answer", "status"), default="answer")
    parser.add_argument("--enforce-limits", action="store_true", help="refuse what is over Meta's rates")
    return parser.parse_args()


def config_from(chosen: Settings, given: argparse.Namespace) -> SimulatorConfig:
    """The simulator's configuration; raises SettingsError naming the secrets that are missing."""
    chosen.require("whatsapp_app_secret", "whatsapp_access_token", "whatsapp_verify_token", "whatsapp_phone_number_ids")
    return SimulatorConfig(
        app_secret=chosen.whatsapp_app_secret.get_secret_value(),
        access_token=chosen.whatsapp_access_token.get_secret_value(),
        verify_token=chosen.whatsapp_verify_token.get_secret_value(),
        phone_number_ids=chosen.whatsapp_phone_number_ids,
        callback_url=given.callback,
        log_dir=None if given.memory_only else chosen.var_dir / "simulator",
        enforce_window=given.enforce_window,
        enforce_limits=given.enforce_limits,
    )


async def run(config: SimulatorConfig, host: str, port: int, contacts: "Path | None") -> None:
    simulator = Simulator(config)
    await simulator.start(port, host)
    if contacts is not None:
        simulator.load_people(contacts)
    sys.stdout.write(f"phone page: {simulator.url}/\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    await simulator.stop()


def main() -> int:
    try:
        chosen = settings()
        given = arguments(chosen)
        config = config_from(chosen, given)
        contacts = given.contacts
        if contacts is None and (chosen.var_dir / "simulator" / "contacts.json").is_file():
            contacts = chosen.var_dir / "simulator" / "contacts.json"
        uvloop.install()
        asyncio.run(run(config, given.host, given.port, contacts))
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except (ValueError, UnknownContact, WrongTemplate) as wrong:
        sys.stderr.write(f"The file of contacts cannot be used: {wrong}\n")
        return 2
    except OSError as wrong:
        sys.stderr.write(f"The simulator cannot listen: {wrong.strerror}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
