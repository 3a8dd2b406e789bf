"""Stand-in for a company's inventory service: keeps stock by natural key and can be told to fail.

Speaks the interface that gateways/inventory_rest.py describes: POST /levels and POST /changes, signed with
``X-Mostrador-Signature: t=<unix>,v1=<HMAC-SHA256 of t.body>``, changes once per Idempotency-Key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Deque, Dict, List, Optional, Tuple, Type

Key = Tuple[int, int, str, str]
GREATEST = 1_000_000


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request: answered ``status``, ``seconds`` late, or (status 0) not at all.

    ``after_apply`` makes the change first, so that the caller cannot tell whether it happened.
    """

    status: int = 0
    seconds: float = 0.0
    after_apply: bool = False
    body: bytes = b""


class InventoryStandIn:
    """``with InventoryStandIn(secret) as service:`` serves on a free loopback port, ``service.url``."""

    def __init__(self, secret: str, port: int = 0) -> None:
        self.stock: Dict[Key, int] = {}
        self.applied: List[Dict[str, Any]] = []  # every change that had an effect
        self.requests = 0
        self._secret = secret.encode()
        self._answers: Dict[str, Tuple[int, Dict[str, Any]]] = {}
        self._faults: Deque[Fault] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, *faults: Fault) -> None:
        """Spoil the next requests, one fault each, in order."""
        self._faults.extend(faults)

    def __enter__(self) -> "InventoryStandIn":
        self._thread.start()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    # --- what the service does

    def _answer(self, path: str, body: bytes, signature: str, key: str) -> Tuple[int, Dict[str, Any]]:
        if not self._signed(body, signature):
            return 401, {"error": "signature"}
        try:
            asked = json.loads(body)
            if path == "/levels":
                return 200, {"levels": [self._level(row) for row in asked["variations"] if _key(row) in self.stock]}
            if path == "/changes" and key:
                with self._lock:
                    if key not in self._answers:
                        self._answers[key] = self._change(asked)
                    return self._answers[key]
        except (ValueError, KeyError, TypeError):
            return 400, {"error": "shape"}
        return 400, {"error": "path or key"}

    def _signed(self, body: bytes, signature: str) -> bool:
        parts = dict(part.split("=", 1) for part in signature.split(",") if "=" in part)
        at = parts.get("t", "")
        expected = hmac.new(self._secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        fresh = at.isdigit() and abs(time.time() - int(at)) <= 300
        return fresh and hmac.compare_digest(expected, parts.get("v1", ""))

    def _level(self, row: Dict[str, Any]) -> Dict[str, Any]:
        return {**row, "quantity": self.stock[_key(row)]}

    def _change(self, asked: Dict[str, Any]) -> Tuple[int, Dict[str, Any]]:
        key = _key(asked)
        if key not in self.stock:
            return 404, {"error": "unknown variation"}
        before = self.stock[key]
        after = int(asked["quantity"]) if "quantity" in asked else before + int(asked["delta"])
        if not 0 <= after <= GREATEST:
            return 409, {"error": "not a stock"}
        self.stock[key] = after
        self.applied.append(asked)
        return 200, {"before": before, "after": after}

    # --- the wire

    def _handler(self) -> Type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service.requests += 1
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = service._faults.popleft() if service._faults else None
                status, content = 0, dict[str, Any]()
                if fault is None or fault.after_apply:
                    signature = self.headers.get("X-Mostrador-Signature", "")
                    key = self.headers.get("Idempotency-Key", "")
                    status, content = service._answer(self.path, body, signature, key)
                answer = json.dumps(content).encode()
                if fault is not None:
                    time.sleep(fault.seconds)
                    status, answer = fault.status, fault.body
                if status == 0:
                    self.close_connection = True  # the line goes dead
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:
                    self.close_connection = True  # the caller did not wait

            def log_message(self, format: str, *args: Any) -> None:
                return None

        return Handler


def _key(row: Dict[str, Any]) -> Key:
    return row["supplier_id"], row["product_id"], row["style_id"], row["variation_name"]
