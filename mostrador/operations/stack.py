"""Whole Mostradors to play with: one of one's own for a test or a benchmark, or the one that ``mostrador up`` started.

A temporary stack is brought up by the command a user types, in a var directory of its own and on free ports, so that
tests run exactly what users run.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Iterator, List, Mapping, Optional, Type

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from mostrador.bootstrap import build
from mostrador.operations.installation import Installation
from mostrador.operations.processes import Supervisor, report, tail
from mostrador.settings import ROOT, Settings
from mostrador.simulator.client import SimulatorClient
from mostrador.storage.engine import is_unavailable

_LOOK = 0.03  # seconds between two looks at a queue that somebody else empties
_QUIET = text(
    """
    select (select count(*) from inbox where status = 'new')
         + (select count(*) from outbox where status in ('queued', 'sending', 'unknown'))
    """
)


class StackUnavailable(Exception):
    """The stack did not start, or is not there; the message says why in a sentence."""


class NotQuiet(Exception):
    """Work was still going on when the time was over; the message counts it."""


class Stack:
    """A running Mostrador with the simulator in WhatsApp's place."""

    def __init__(self, settings: Settings, simulator_url: str = "") -> None:
        self.settings = settings
        self.simulator_url = simulator_url or f"http://127.0.0.1:{settings.simulator_port}"
        self.services = build(settings, pool_size=8)
        self.engine: Engine = self.services.engine
        self.simulator = self.phone()

    def phone(self) -> SimulatorClient:
        """A client of the simulator for one more thread."""
        return SimulatorClient(self.simulator_url)

    def now(self) -> datetime:
        """The business time of its processes."""
        return self.services.clock.now()

    def sql(self, query: str, **values: Any) -> List[Dict[str, Any]]:
        """The rows of one query (or the empty list of a statement, which is committed)."""
        with self.engine.begin() as connection:
            result = connection.execute(text(query), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def wait_until_quiet(self, timeout: float = 30.0) -> None:
        """Wait until every message is answered and every answer's way known; raises NotQuiet.

        A database that is away meanwhile is waited for.
        """
        deadline = time.monotonic() + timeout
        while True:
            left = self._open_work()
            if left == 0:
                return
            if time.monotonic() > deadline:
                raise NotQuiet(
                    f"{'the database is away' if left is None else f'{left} messages wait'} after {timeout:g} s"
                )
            time.sleep(_LOOK)

    def _open_work(self) -> Optional[int]:
        try:
            with self.engine.connect() as connection:
                return int(connection.execute(_QUIET).scalar_one())
        except DBAPIError as error:
            if not is_unavailable(error):
                raise
            return None

    def close(self) -> None:
        """Give up the connections to it."""
        self.engine.dispose()


class TemporaryStack(Stack):
    """A Mostrador of one's own; ``with TemporaryStack(quiet_window=0.6) as stack: …``.

    ``overrides`` are settings by name. With ``database_url`` it uses that (empty or migrated) database; else it has an
    embedded server of its own, which alone can be killed. ``demo_data`` says whether the demo's marketplace is loaded.
    ``keep`` leaves the var directory (logs) behind.
    """

    def __init__(
        self, database_url: str = "", demo_data: bool = False, keep: bool = False, **overrides: object
    ) -> None:
        self._keep = keep
        self.var = Path(tempfile.mkdtemp(prefix="mostrador-", dir="/tmp" if os.geteuid() == 0 else None))
        self._overrides = {name: str(value) for name, value in overrides.items()}
        self._demo_data = demo_data
        self._own_database = not database_url
        self._database_url = database_url
        self.env: Dict[str, str] = {}
        self.seconds_to_start = 0.0
        self._supervisor: Optional[Supervisor] = None

    def __enter__(self) -> "TemporaryStack":
        self.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bring it up and wait until every process answers; raises StackUnavailable, and then nothing is left."""
        began = time.monotonic()
        try:
            for last in (False, False, True):
                self.env = self._environment()
                done = self._command("up", "--demo")
                if done.returncode == 0:
                    break
                if last or "is taken by another program" not in done.stdout:
                    raise StackUnavailable(f"The temporary stack did not start: {_last_lines(done.stdout)}")
            with _environment(self.env):
                self.installation = Installation()
                self._supervisor = Supervisor(self.installation)
            super().__init__(self.installation.settings)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_start = time.monotonic() - began

    def stop(self) -> None:
        """Stop everything and remove its traces; harmless when it never started."""
        if hasattr(self, "engine"):
            self.close()
        if self.env:
            done = self._command("down")
            if done.returncode != 0:
                raise StackUnavailable(f"The temporary stack did not stop: {_last_lines(done.stdout)}")
        if self._own_database and not self._keep:
            note = self.var / "postgres.location"  # root's data cannot lie in var
            if note.exists():
                shutil.rmtree(note.read_text(encoding="utf-8").strip(), ignore_errors=True)
        if not self._keep:
            shutil.rmtree(self.var, ignore_errors=True)
        self.env = {}

    def processes(self) -> Dict[str, int]:
        """Process ids by name; 0 while one is being restarted."""
        assert self._supervisor is not None
        return {name: int(info["pid"]) for name, info in self._supervisor.processes().items()}

    def kill(self, name: str) -> int:
        """SIGKILL one supervised process (``postgres`` is its postmaster); the id it had. Raises StackUnavailable."""
        pid = self.processes().get(name)
        if pid is None:
            raise StackUnavailable(f"No process is called {name}; there are {', '.join(self.processes())}.")
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_healthy(self, timeout: float = 60.0) -> None:
        """Wait until every process answers again; raises StackUnavailable."""
        deadline = time.monotonic() + timeout
        while True:
            sick = [entry["name"] for entry in report(self.installation) if not entry["healthy"]]
            if not sick:
                return
            if time.monotonic() > deadline:
                raise StackUnavailable(f"Not well after {timeout:g} s: {', '.join(sick)}: {self.log(sick[0])}")
            time.sleep(0.1)

    def log(self, name: str, lines: int = 5) -> str:
        """The last lines of a process's log."""
        return tail(self.var / "log" / f"{name}.log", lines)

    def advance(self, seconds: float) -> None:
        """Move the business time of all processes, and the simulator's, forward."""
        path = Path(self.settings.clock)
        shift = float(path.read_text() or 0) + seconds if path.exists() else seconds
        draft = path.with_name("clock.draft")
        draft.write_text(f"{shift}\n", encoding="utf-8")
        draft.replace(path)
        self.simulator.configure(clock_offset=shift)

    def _command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "mostrador.cli", *arguments],
            cwd=ROOT,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _environment(self) -> Dict[str, str]:
        """This process's environment with none of Mostrador's settings but the stack's own."""
        of_settings = {Settings.variable(name) for name in Settings.__fields__}
        mine = {name: value for name, value in os.environ.items() if name not in of_settings}
        ports = [name for name in Settings.__fields__ if name.endswith("_port")]
        mine.update({Settings.variable(name): str(port) for name, port in zip(ports, free_ports(len(ports)))})
        mine.update(
            MOSTRADOR_VAR=str(self.var),
            MOSTRADOR_ENV_FILE=os.devnull,
            MOSTRADOR_CLOCK=str(self.var / "clock"),
            MOSTRADOR_DEMO_DATA="1" if self._demo_data else "0",
            MOSTRADOR_QUIET_WINDOW="0",  # who plays a conversation writes whole sentences
        )
        if self._database_url:
            mine["DATABASE_URL"] = self._database_url
        mine.update({Settings.variable(name): value for name, value in self._overrides.items()})
        return mine


class RunningStack(Stack):
    """The Mostrador that ``mostrador up --demo`` started in this folder, or the one behind a simulator's URL.

    Raises StackUnavailable when it is not running or has no simulator.
    """

    def __init__(self, settings: Settings, simulator_url: str = "") -> None:
        super().__init__(settings, simulator_url)
        try:
            self.simulator.stats()
        except OSError:
            self.close()
            raise StackUnavailable(
                f"Nothing answers at {self.simulator_url}: start it with `make run` (it needs the phone simulator)."
            ) from None


def free_ports(count: int) -> List[int]:
    """So many different TCP ports of loopback that nobody listens on now."""
    held = []
    try:
        for _ in range(count):
            probe = socket.socket()
            held.append(probe)
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in held]
    finally:
        for probe in held:
            probe.close()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """This process's environment replaced for a moment: an Installation reads it, and adds to it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _last_lines(output: str) -> str:
    return " | ".join(line for line in output.strip().splitlines()[-6:]) or "it said nothing."
