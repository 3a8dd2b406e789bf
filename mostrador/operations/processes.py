"""``mostrador up | down | status``: all processes, supervised.

supervisord restarts each process whatever its exit, for ever. It is controlled through a unix socket in a directory
closed to others. Every process sees only the variables it is meant to see.
"""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
import xmlrpc.client
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Sequence, Tuple

import click
from pydantic import SecretStr

from mostrador.operations.embedded_postgres import PostgresUnavailable, private_directory, socket_directory
from mostrador.operations.installation import QUIET, Installation
from mostrador.settings import ROOT, Settings

STARTED_WITHIN = 240.0  # seconds until every process must have answered
SECRET_OF: Mapping[str, Tuple[str, ...]] = {
    "rasa_token": ("rasa", "scheduler"),
    "button_secret": ("ingress", "rasa", "actions", "sender", "scheduler"),
    "stock_api_secret": ("web", "ingress"),
    "operator_token": ("web",),
    "whatsapp_app_secret": ("ingress", "simulator"),
    "whatsapp_app_secret_previous": ("ingress",),
    "whatsapp_verify_token": ("ingress", "simulator"),
    "whatsapp_access_token": ("ingress", "rasa", "sender", "simulator"),
    "inventory_secret": ("rasa", "actions", "scheduler", "web"),
}
"""Which processes are given which secret; the others see it empty."""
NEEDED = (
    "rasa_token",
    "button_secret",
    "whatsapp_app_secret",
    "whatsapp_verify_token",
    "whatsapp_access_token",
    "whatsapp_phone_number_ids",
)
INHERITED = (
    "PATH HOME USER LOGNAME LANG LANGUAGE TZ TMPDIR LD_LIBRARY_PATH SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE "
    "HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy"
).split()


YIELDING = frozenset({"rasa", "actions", "web", "simulator", "scheduler"})
"""Processes that let others go first: under load the provider's webhooks and what is ready to be sent must not wait."""


class CannotRun(Exception):
    """Mostrador cannot be brought up or reached; the message is one sentence for the person at the keyboard."""


@dataclass(frozen=True)
class Program:
    """One supervised process. ``health`` is the URL that answers 200 when it works; empty = being alive is enough."""

    name: str
    command: Sequence[str]
    host: str = ""
    port: int = 0
    port_setting: str = ""
    health: str = ""
    stop_signal: str = "TERM"
    patience: int = 15  # seconds to stop in


def programs(installation: Installation) -> List[Program]:
    """The processes of this installation, in the order in which they start."""
    config = installation.settings
    found = []
    if installation.postgres is not None:
        command = installation.postgres.command(die_with_parent=True)
        found.append(Program("postgres", command, stop_signal="INT", patience=60))

    def program(name: str, module: str, *arguments: str, host: str = "127.0.0.1", path: str = "/healthz") -> None:
        setting = f"{name}_port"
        port = int(getattr(config, setting, 0))
        health = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}{path}" if port else ""
        command = (sys.executable, "-m", module, *arguments)
        if name in YIELDING:
            command = ("nice", "-n", "10", *command)
        found.append(Program(name, command, host, port, setting, health))

    program("rasa", "mostrador.channels.rasa_server")
    program("actions", "rasa_sdk", "--actions", "actions", "-p", str(config.actions_port), path="/health")
    program("ingress", "mostrador.channels.ingress", host=config.bind_host)
    program("sender", "mostrador.channels.sender")
    program("web", "mostrador.web", host=config.bind_host)
    if installation.demo:
        program("simulator", "mostrador.simulator", host=config.bind_host, path="/")
    program("scheduler", "scheduler")
    return found


class Supervisor:
    """The supervisord of one installation: its files below ``var/supervisor`` and its control socket."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.directory = installation.var / "supervisor"
        self.logs = installation.var / "log"
        self.socket = socket_directory(self.directory, "control.sock.1234567") / "control.sock"
        self.pid_file = self.directory / "supervisord.pid"

    def is_running(self) -> bool:
        """Whether the supervisor answers on its socket."""
        try:
            return bool(self._call("getState")["statecode"] is not None)
        except CannotRun:
            return False

    def start(self) -> None:
        """Start supervisord, detached, with none of the programs running; raises CannotRun."""
        import pwd

        me = pwd.getpwuid(os.geteuid())
        self.logs.mkdir(parents=True, exist_ok=True)
        self.logs.chmod(0o700)
        for directory in (self.directory, self.socket.parent):
            private_directory(directory, me)
        configuration = self.directory / "supervisord.conf"
        configuration.write_text(self.configuration(me.pw_name), encoding="utf-8")
        with open(self.logs / "supervisord.out", "wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "mostrador.operations.supervisor", "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=_environment(self.installation.settings),
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while not self.is_running():
            if child.poll() is not None or time.monotonic() > deadline:
                raise CannotRun(f"The supervisor did not start: {tail(self.logs / 'supervisord.out')}")
            time.sleep(0.05)

    def configuration(self, user: str) -> str:
        """supervisord's configuration file; it holds no secret."""
        lines = [
            "[supervisord]",
            f"user={user}",
            "nodaemon=true",
            "silent=true",
            f"pidfile={_escaped(self.pid_file)}",
            f"logfile={_escaped(self.logs / 'supervisord.log')}",
            "logfile_maxbytes=5MB",
            "logfile_backups=2",
            "minprocs=1",
            "",
            "[unix_http_server]",
            f"file={_escaped(self.socket)}",
            "chmod=0700",
            "",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for rank, program in enumerate(programs(self.installation), start=1):
            hidden = [Settings.variable(name) for name, users in SECRET_OF.items() if program.name not in users]
            lines += [
                "",
                f"[program:{program.name}]",
                f"command={_escaped(shlex.join(program.command))}",
                f"directory={_escaped(ROOT)}",
                f"environment={','.join(f'{name}=' + chr(34) * 2 for name in hidden)}",
                f"priority={rank}",
                "autostart=false",
                "autorestart=true",
                "startsecs=3",  # one that dies sooner is started again after a pause, not at once
                "startretries=1000000",
                f"stopsignal={program.stop_signal}",
                f"stopwaitsecs={program.patience}",
                "redirect_stderr=true",
                f"stdout_logfile={_escaped(self.logs / (program.name + '.log'))}",
                "stdout_logfile_maxbytes=10MB",
                "stdout_logfile_backups=3",
            ]
        return "\n".join(lines) + "\n"

    def processes(self) -> Dict[str, Dict[str, Any]]:
        """supervisord's word on each program, by name: ``statename``, ``pid`` (0 when not running), ``description``."""
        return {str(info["name"]): info for info in self._call("getAllProcessInfo")}

    def start_program(self, name: str) -> None:
        """Start one program unless it is started already; does not wait for it."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise CannotRun(f"{name} cannot be started: {fault.faultString}.") from None

    def stop(self, timeout: float = 120.0) -> None:
        """Stop all programs in reverse order, then supervisord; raises CannotRun if it takes too long."""
        pid = int(self._call("getPID"))
        self._call("shutdown")
        deadline = time.monotonic() + timeout
        while _alive(pid):
            if time.monotonic() > deadline:
                raise CannotRun(f"The supervisor (process {pid}) has not stopped in {timeout:.0f} s.")
            time.sleep(0.05)

    def _call(self, method: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, xmlrpc.client.ProtocolError) as why:
            raise CannotRun(f"The supervisor does not answer ({why}).") from None
        finally:
            transport.close()


def healthy(program: Program, timeout: float = 2.0) -> bool:
    """Whether ``program``, which has a health URL, answers it with 200."""
    try:
        with urllib.request.urlopen(program.health, timeout=timeout) as answer:  # noqa: S310 - a URL of ours
            return bool(answer.status == 200)
    except (OSError, ValueError):  # HTTPError and URLError are OSErrors
        return False


def _works(program: Program, state: str) -> bool:
    """Whether it answers, or for a program that cannot be asked: whether it has stayed alive."""
    return state in ("STARTING", "RUNNING") and healthy(program) if program.health else state == "RUNNING"


def busy_port(program: Program) -> bool:
    """Whether somebody else already listens where ``program`` is to listen."""
    family = socket.AF_INET6 if ":" in program.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((program.host, program.port))
        except OSError:
            return True
    return False


def bring_up(installation: Installation, wait: bool = True) -> None:
    """Bring everything up and, with ``wait``, until every process answers; raises CannotRun."""
    started = time.monotonic()
    supervisor = Supervisor(installation)
    supervisor.directory.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(supervisor.directory / "lock"):
        wanted = programs(installation)
        if supervisor.is_running():
            state = supervisor.processes()
            if set(state) != {program.name for program in wanted}:
                raise CannotRun("Mostrador runs in another mode (demo or not): stop it first with `mostrador down`.")
            if all(_works(p, str(state[p.name]["statename"])) for p in wanted):
                click.echo("Mostrador is running already.")
                _say_where(installation)
                return
        else:
            if installation.demo and installation.is_real:
                raise CannotRun(
                    "This folder is configured for a real WhatsApp number, and the demo would put made-up goods into "
                    "its database. Use `mostrador up`; for a demo, point MOSTRADOR_ENV_FILE at another settings file."
                )
            installation.settings.require(*NEEDED)
            _refuse_busy_ports(wanted)
            supervisor.start()
        installation.remember()
        _prepare_database(installation, supervisor)
        _prepare_model()
        names = [program.name for program in wanted if program.name != "postgres"]
        click.echo(f"Starting {', '.join(names)}.")
        for name in names:
            supervisor.start_program(name)
        if wait:
            _wait_until_healthy(supervisor, wanted)
            click.echo(f"Ready after {time.monotonic() - started:.1f} s.")
        _say_where(installation)


def _refuse_busy_ports(wanted: Sequence[Program]) -> None:
    for program in wanted:
        if program.port and busy_port(program):
            variable = Settings.variable(program.port_setting)
            raise CannotRun(
                f"Port {program.port} ({program.name}) is taken by another program: free it, or set {variable}."
            )


def _prepare_database(installation: Installation, supervisor: Supervisor) -> None:
    """Start the embedded server if it is ours, apply migrations, load the demo's data."""
    from sqlalchemy.exc import SQLAlchemyError

    from mostrador.storage.migrate import upgrade

    server = installation.postgres
    try:
        if server is not None:
            server.ensure_initialised()
            supervisor.start_program("postgres")
            deadline = time.monotonic() + 90
            while not server.is_ready():
                if time.monotonic() > deadline:
                    raise CannotRun(f"PostgreSQL did not start: {tail(supervisor.logs / 'postgres.log')}")
                time.sleep(0.05)
            server.ensure_database()
        upgrade(installation.settings.database_url)
    except PostgresUnavailable as why:
        raise CannotRun(str(why)) from None
    except SQLAlchemyError as why:
        raise CannotRun(f"The database does not take our tables: {_first_line(why)}") from None
    click.echo("The database is up to date.")
    if installation.demo and installation.settings.demo_data:
        from mostrador.operations.demo import load

        load(installation.settings)


def _prepare_model() -> None:
    from mostrador.operations.training import TrainingFailed, ensure_model

    try:
        ensure_model()
    except TrainingFailed as why:
        raise CannotRun(str(why)) from None


def _wait_until_healthy(supervisor: Supervisor, wanted: Sequence[Program]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    waiting = list(wanted)
    while waiting:
        state = supervisor.processes()
        waiting = [p for p in waiting if not _works(p, str(state[p.name]["statename"]))]
        if waiting and time.monotonic() > deadline:
            first = waiting[0].name
            raise CannotRun(
                f"Not ready after {STARTED_WITHIN:.0f} s: {', '.join(p.name for p in waiting)}. "
                f"The end of {supervisor.logs / (first + '.log')}: {tail(supervisor.logs / (first + '.log'))}"
            )
        if waiting:
            time.sleep(0.1)


def _say_where(installation: Installation) -> None:
    config = installation.settings
    host = "127.0.0.1" if config.bind_host == "0.0.0.0" else config.bind_host
    if installation.demo:
        click.echo(f"Phone: http://{host}:{config.simulator_port}/")
    click.echo(f"Pictures and stock entry: http://{host}:{config.web_port}/")
    click.echo("It goes on in the background; `make stop` (or `mostrador down`) ends it.")


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _environment(config: Settings) -> Dict[str, str]:
    """What the processes inherit: the settings, the system's basics, AWS's own variables; nothing else of the shell."""
    names = {Settings.variable(name) for name in Settings.__fields__} | set(INHERITED) | set(QUIET)
    return {
        name: value for name, value in os.environ.items() if name in names or name.startswith(("LC_", "AWS_", "XDG_"))
    }


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]


def tail(path: Path, lines: int = 5) -> str:
    """The last lines of a log file in one line, or that there is none."""
    try:
        return " | ".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) or "(empty)"
    except OSError:
        return "(no log)"


def secret_settings() -> List[str]:
    """The names of the settings that are secrets."""
    return [name for name, field in Settings.__fields__.items() if field.type_ is SecretStr]


def report(installation: Installation) -> List[Dict[str, Any]]:
    """One entry per process: ``name``, ``state``, ``pid``, ``port``, ``healthy``; raises CannotRun when all is down."""
    state = Supervisor(installation).processes()
    entries = []
    for program in programs(installation):
        info = state.get(program.name, {"statename": "UNKNOWN", "pid": 0})
        entries.append(
            {
                "name": program.name,
                "state": str(info["statename"]).lower(),
                "pid": int(info["pid"]),
                "port": program.port or None,
                "healthy": _works(program, str(info["statename"])),
            }
        )
    return entries


@click.command()
@click.option("--demo", is_flag=True, help="With demo data and the phone simulator in WhatsApp's place.")
@click.option("--wait/--no-wait", default=True, help="Wait until every process answers (the default).")
def up(demo: bool, wait: bool) -> None:
    """Bring everything up: database, model, all processes."""
    try:
        bring_up(Installation(demo), wait)
    except CannotRun as why:
        raise click.ClickException(str(why)) from None


@click.command()
def down() -> None:
    """Stop all processes, the embedded database last."""
    installation = Installation()
    supervisor = Supervisor(installation)
    was_running = supervisor.is_running()
    try:
        if was_running:
            supervisor.stop()
    except CannotRun as why:
        raise click.ClickException(str(why)) from None
    if installation.postgres is not None and installation.postgres.is_running():
        installation.postgres.stop()
        was_running = True
    click.echo("Mostrador is down." if was_running else "Mostrador was not running.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on the last line.")
def status(as_json: bool) -> None:
    """Show each process; exit 1 unless all of them work."""
    try:
        entries = report(Installation())
    except CannotRun:
        entries = []
    well = bool(entries) and all(entry["healthy"] for entry in entries)
    if as_json:
        click.echo(json.dumps({"running": bool(entries), "healthy": well, "processes": entries}))
    elif not entries:
        click.echo("Mostrador is not running.")
    else:
        for entry in entries:
            word = "answers" if entry["healthy"] else "does not answer"
            click.echo(f"{entry['name']:<10} {entry['state']:<9} {entry['pid']:>7}  {entry['port'] or '':<6} {word}")
    sys.exit(0 if well else 1)
