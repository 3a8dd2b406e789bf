"""``mostrador shell``: ``rasa shell`` as a demo contact, with the database and an action server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click
import yaml

from mostrador.operations.installation import Installation
from mostrador.operations.processes import CannotRun, Program, busy_port, healthy, programs, tail
from mostrador.settings import ROOT


def _actions(installation: Installation) -> Program:
    return next(program for program in programs(installation) if program.name == "actions")


def _own_action_server(program: Program, log: Path, closing: ExitStack) -> None:
    """Run the action server until the shell ends; raises CannotRun when it does not answer in time."""
    if busy_port(program):
        raise CannotRun(f"Port {program.port} (actions) is taken by another program: set MOSTRADOR_ACTIONS_PORT.")
    log.parent.mkdir(parents=True, exist_ok=True)
    output = closing.enter_context(open(log, "wb"))
    child = subprocess.Popen(
        list(program.command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=ROOT, start_new_session=True
    )
    closing.callback(_end, child)
    deadline = time.monotonic() + 60
    while not healthy(program):
        if child.poll() is not None or time.monotonic() > deadline:
            raise CannotRun(f"The action server did not start: {tail(log)}")
        time.sleep(0.1)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()


def _endpoints(installation: Installation) -> Path:
    """endpoints.yml with the port that this installation's action server has."""
    endpoints = yaml.safe_load((ROOT / "endpoints.yml").read_text(encoding="utf-8"))
    endpoints["action_endpoint"]["url"] = f"http://127.0.0.1:{installation.settings.actions_port}/webhook"
    path = installation.var / "shell-endpoints.yml"
    path.write_text(yaml.safe_dump(endpoints), encoding="utf-8")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chat(installation: Installation, role: str) -> int:
    """Run ``rasa shell`` as the demo contact with ``role`` and return its exit status; raises CannotRun."""
    from mostrador.operations.demo import conversation_for, load
    from mostrador.operations.training import TrainingFailed, ensure_model, trusted_model
    from mostrador.storage.migrate import upgrade

    with ExitStack() as closing:
        server = installation.postgres
        if server is not None and not server.is_ready():
            server.start()
            closing.callback(server.stop)
        if server is not None:
            server.ensure_database()
        upgrade(installation.settings.database_url)
        load(installation.settings)
        try:
            ensure_model()
        except TrainingFailed as why:
            raise CannotRun(str(why)) from None
        actions = _actions(installation)
        if not healthy(actions):
            _own_action_server(actions, installation.var / "log" / "shell-actions.log", closing)
        model = trusted_model(installation.settings.models_dir)
        command = [sys.executable, "-m", "mostrador.operations.rasa_shell", "--model", str(model)]
        command += ["--endpoints", str(_endpoints(installation)), "--conversation-id", conversation_for(role)]
        command += ["--port", str(_free_port()), "--interface", "127.0.0.1"]  # a running Rasa has the usual port
        rasa = subprocess.Popen(command, cwd=ROOT)
        closing.callback(_end, rasa)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the chat, which ends, and then we tidy up
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        return rasa.wait()


@click.command()
@click.option("--as", "role", type=click.Choice(["supplier", "customer"]), default="supplier", show_default=True)
def shell(role: str) -> None:
    """Chat in this terminal as a demo contact."""
    try:
        sys.exit(chat(Installation(demo=True), role))
    except CannotRun as why:
        raise click.ClickException(str(why)) from None
