"""``python -m mostrador.operations.replay``: replays YAML conversations, step by step, for the phone page of a demo.

Only the simulator calls it, on loopback (paths: ``Control.replay``). A browser is refused, so that no web site can make
it play anything. What plays is imported when it is first needed: until then the process costs next to nothing.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

from mostrador.settings import ROOT, SettingsError, settings

if TYPE_CHECKING:
    from mostrador.operations.replay_runs import Replays

log = logging.getLogger(__name__)

MOST_BYTES = 512 * 1024
Answer = Tuple[int, Dict[str, Any]]


class ReplayServer(ThreadingHTTPServer):
    """The HTTP face of Replays; ``make`` is called once, at the first request that needs it."""

    daemon_threads = True

    def __init__(self, port: int, make: "Callable[[], Replays]") -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._make = make
        self._made: "Optional[Replays]" = None
        self._lock = threading.Lock()

    def replays(self) -> "Replays":
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ReplayServer

    def do_GET(self) -> None:
        self._reply(*self._answer("GET", {}))

    def do_DELETE(self) -> None:
        self._reply(*self._answer("DELETE", {}))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            return self._reply(413, {"error": f"A conversation has at most {MOST_BYTES // 1024} KB."})
        try:
            order = json.loads(self.rfile.read(int(length)) or b"{}")
        except ValueError:
            return self._reply(400, {"error": "The request is not JSON."})
        if not isinstance(order, dict):
            return self._reply(400, {"error": "The request is a JSON object."})
        return self._reply(*self._answer("POST", order))

    def _answer(self, method: str, order: Dict[str, Any]) -> Answer:
        path = self.path.strip("/").split("/")
        if self._is_a_browser():
            return 403, {"error": "Only the phone simulator may ask."}
        if (method, path) == ("GET", ["healthz"]):
            return 200, {"ok": True}
        from mostrador.operations.replay_runs import CannotReplay

        try:
            replays = self.server.replays()
            if (method, path) == ("GET", ["conversations"]):
                return 200, replays.conversations()
            if (method, path) == ("POST", ["runs"]):
                return 200, replays.begin(order)
            if method == "POST" and len(path) == 3 and (path[0], path[2]) == ("runs", "next"):
                return 200, replays.next(path[1])
            if method == "DELETE" and len(path) == 2 and path[0] == "runs":
                return 200, replays.end(path[1])
        except CannotReplay as why:
            return why.http, {"error": str(why)}
        except Exception:
            log.exception("A replay failed")
            return 500, {"error": "The replay failed; its log tells why."}
        return 404, {"error": "There is nothing here."}

    def _is_a_browser(self) -> bool:
        """Browsers send Sec-Fetch-Site to loopback; a site whose name was bent to loopback shows in Host."""
        name = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        return "Sec-Fetch-Site" in self.headers or name not in ("127.0.0.1", "localhost")

    def _reply(self, status: int, body: Dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Requests are not worth a line each."""


def _replays() -> "Replays":
    from mostrador.operations.replay_runs import Replays

    return Replays(settings(), ROOT / "tests" / "conversations")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        server = ReplayServer(settings().replay_port, _replays)
    except SettingsError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    except OSError as wrong:
        sys.stderr.write(f"Nothing can be replayed: {wrong.strerror}.\n")
        return 1
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
