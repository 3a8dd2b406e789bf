"""Starts and stops the simulator, inside an event loop or in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Type

from aiohttp import web

from .client import SimulatorClient
from .config import SimulatorConfig
from .control import Control
from .graph import GraphApi
from .network import Network

MOST_UPLOAD = 101 * 1024 * 1024
WRITE_EVERY = 0.3
START_SECONDS = 15.0


class Simulator:
    """One stand-in for Meta: Graph API, control API and phone page on one port.

    ``Simulator(app_secret=…, callback_url=…)`` takes the fields of SimulatorConfig by name.
    """

    def __init__(self, config: Optional[SimulatorConfig] = None, **changes: Any) -> None:
        self.config = replace(config or SimulatorConfig(), **changes)
        self.network = Network(self.config)
        self.url = ""
        self.port = 0
        self._runner: Optional[web.AppRunner] = None
        self._writer: Optional["asyncio.Task[None]"] = None

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen; ``port`` 0 takes a free one, found in ``self.port`` and ``self.url``."""
        await self.network.start()
        graph, self.control = GraphApi(self.network), Control(self.network)
        app = web.Application(client_max_size=MOST_UPLOAD)
        app.add_routes(self.control.routes() + graph.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]
        reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        self.url = f"http://{reachable}:{self.port}"
        graph.base_url = (self.config.public_url or self.url).rstrip("/")
        self._writer = asyncio.create_task(self._write_log())
        if self.config.handshake_at_start and self.config.callback_url:
            self.network.courier.spawn(self.control.shake_hands())

    async def stop(self) -> None:
        """Stop listening, give up what is under way, write the rest of the log. May be called twice."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        self.control.closing.set()
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        await self.network.stop()
        await runner.cleanup()

    async def _write_log(self) -> None:
        while True:
            await asyncio.sleep(WRITE_EVERY)
            self.network.journal.write()

    def load_people(self, path: Path) -> int:
        """Read contacts and templates prepared for a demo: ``{"contacts": […], "templates": […]}``."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        for row in raw.get("contacts", []):
            self.network.add_contact(row)
        for row in raw.get("templates", []):
            self.network.add_template(row)
        return len(raw.get("contacts", []))


class SimulatorThread:
    """A simulator for synchronous tests: ``with SimulatorThread(callback_url=…) as sim: sim.client.send(…)``."""

    def __init__(self, config: Optional[SimulatorConfig] = None, port: int = 0, **changes: Any) -> None:
        self.simulator = Simulator(config, **changes)
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._started = threading.Event()
        self._failure: Optional[BaseException] = None

    @property
    def url(self) -> str:
        return self.simulator.url

    @property
    def port(self) -> int:
        return self.simulator.port

    @property
    def config(self) -> SimulatorConfig:
        return self.simulator.config

    @property
    def client(self) -> SimulatorClient:
        return SimulatorClient(self.url)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self.simulator.start(self._wanted_port))
        except BaseException as failure:  # handed to the thread that waits
            self._failure = failure
            self._started.set()
            return
        self._started.set()
        self._loop.run_forever()

    def start(self) -> "SimulatorThread":
        """Start and wait until it listens; raises what the start raised."""
        self._thread.start()
        if not self._started.wait(START_SECONDS):
            raise TimeoutError("the simulator did not start")
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        if not self._loop.is_running():
            return
        asyncio.run_coroutine_threadsafe(self.simulator.stop(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self._loop.close()

    def __enter__(self) -> "SimulatorThread":
        return self.start()

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.stop()
