"""The supervisor keeps processes alive, and they see only what they may."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from mostrador.operations import processes
from mostrador.operations.installation import Installation
from mostrador.operations.processes import CannotRun, Program, Supervisor, busy_port, healthy

SERVER = """
import http.server, json, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture()
def installation(tmp_path: Path) -> Iterator[Installation]:
    before = dict(os.environ)
    for name in before:
        if name.startswith(("MOSTRADOR_", "WHATSAPP_")):
            del os.environ[name]
    os.environ["MOSTRADOR_VAR"] = str(tmp_path / "var")
    os.environ["DATABASE_URL"] = "postgresql+psycopg2://nobody@/nothing?host=/nowhere"
    os.environ["OPERATORS_OWN_SECRET"] = "not for us"
    yield Installation(demo=True)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture()
def supervised(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[List[Program]], Supervisor]]:
    started = []

    def start(programs: List[Program]) -> Supervisor:
        monkeypatch.setattr(processes, "programs", lambda _: programs)
        supervisor = Supervisor(installation)
        supervisor.start()
        started.append(supervisor)
        for program in programs:
            supervisor.start_program(program.name)
        return supervisor

    yield start
    for supervisor in started:
        if supervisor.is_running():
            supervisor.stop()


def _server(name: str) -> Program:
    port = _free_port()
    command = (sys.executable, "-c", f"exec({SERVER!r})", str(port))
    return Program(name, command, "127.0.0.1", port, "web_port", f"http://127.0.0.1:{port}/healthz")


def _environment_of(program: Program) -> Dict[str, Any]:
    import urllib.request

    with urllib.request.urlopen(program.health, timeout=5) as answer:
        return dict(json.load(answer))


def test_a_killed_process_comes_back(supervised: Callable[[List[Program]], Supervisor]) -> None:
    web = _server("web")
    supervisor = supervised([web])
    assert _within(10, lambda: healthy(web))
    first = supervisor.processes()["web"]["pid"]
    os.kill(first, signal.SIGKILL)
    assert _within(10, lambda: healthy(web) and supervisor.processes()["web"]["pid"] not in (0, first))


def test_a_process_that_cannot_start_is_tried_again_without_end(
    supervised: Callable[[List[Program]], Supervisor], tmp_path: Path
) -> None:
    tries = tmp_path / "tries"
    hopeless = Program("web", (sys.executable, "-c", f"open({str(tries)!r}, 'a').write('x'); raise SystemExit(3)"))
    supervisor = supervised([hopeless])
    assert _within(20, lambda: tries.exists() and len(tries.read_text()) >= 4)
    assert supervisor.processes()["web"]["statename"] in ("BACKOFF", "STARTING")


def test_a_killed_supervisor_takes_its_processes_along_and_starts_anew(
    supervised: Callable[[List[Program]], Supervisor],
) -> None:
    web = _server("web")
    supervisor = supervised([web])
    assert _within(10, lambda: healthy(web))
    os.kill(int((supervisor.directory / "supervisord.pid").read_text()), signal.SIGKILL)
    assert _within(10, lambda: not healthy(web) and not busy_port(web))
    supervisor.start()
    supervisor.start_program("web")
    assert _within(10, lambda: healthy(web))


def test_stopping_stops_everything(supervised: Callable[[List[Program]], Supervisor]) -> None:
    web, sender = _server("web"), _server("sender")
    supervisor = supervised([web, sender])
    assert _within(10, lambda: healthy(web) and healthy(sender))
    supervisor.stop()
    assert not supervisor.is_running()
    assert not busy_port(web) and not busy_port(sender)


def test_each_process_sees_only_the_secrets_it_needs(supervised: Callable[[List[Program]], Supervisor]) -> None:
    web, sender = _server("web"), _server("sender")
    supervisor = supervised([web, sender])
    assert _within(10, lambda: healthy(web) and healthy(sender))
    seen_by_web, seen_by_sender = _environment_of(web), _environment_of(sender)
    assert seen_by_sender["WHATSAPP_ACCESS_TOKEN"]
    assert not seen_by_sender["WHATSAPP_APP_SECRET"]
    assert not seen_by_web["WHATSAPP_ACCESS_TOKEN"]
    assert seen_by_web["RASA_TELEMETRY_ENABLED"] == "false"
    assert "OPERATORS_OWN_SECRET" not in seen_by_web
    assert os.environ["WHATSAPP_ACCESS_TOKEN"] not in (supervisor.directory / "supervisord.conf").read_text()


def test_every_secret_says_who_may_see_it() -> None:
    assert set(processes.secret_settings()) == set(processes.SECRET_OF)


def test_a_busy_port_is_named_with_its_variable(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        taken = Program("web", ("x",), "127.0.0.1", port, "web_port")
        with pytest.raises(CannotRun, match=rf"Port {port} \(web\) is taken .* MOSTRADOR_WEB_PORT"):
            processes._refuse_busy_ports([taken])


def test_the_demos_secrets_are_made_once_and_closed_to_others(installation: Installation) -> None:
    kept = installation.var / "demo.env"
    before = kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert Installation(demo=True).settings.button_secret == installation.settings.button_secret
    assert kept.read_text() == before


def test_later_commands_remember_the_mode(installation: Installation) -> None:
    installation.remember()
    assert Installation().demo


def test_a_folder_configured_for_real_people_is_not_filled_with_demo_goods(installation: Installation) -> None:
    os.environ["WHATSAPP_ACCESS_TOKEN"] = "a real one"
    del os.environ["WHATSAPP_GRAPH_URL"]
    with pytest.raises(CannotRun, match="configured for a real WhatsApp number"):
        processes.bring_up(Installation(demo=True))
