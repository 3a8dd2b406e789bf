"""The business side in the simulator's own tests: takes webhooks as a server would and calls the Graph API."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, List, Optional, Tuple
from urllib.parse import parse_qs, urlsplit

import requests

NUMBER = "106540352242922"
OTHER_NUMBER = "106540352242923"
SECRET = "a secret of the test"
TOKEN = "a token of the test"
VERIFY = "a verify token of the test"

Hook = Callable[["Business", Dict[str, Any]], None]


class Business:
    """A callback server on a free port; ``answers`` scripts the next HTTP statuses, 200 after that."""

    def __init__(self, on_value: Optional[Hook] = None) -> None:
        self.posts: List[Tuple[Dict[str, str], bytes]] = []
        self.answers: List[int] = []
        self.on_value = on_value
        self.files: Dict[str, Tuple[str, bytes]] = {}
        self.graph = ""
        self._session = requests.Session()
        self._session.trust_env = False
        self._lock = threading.Lock()
        business = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with business._lock:
                    business.posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    status = business.answers.pop(0) if business.answers else 200
                self._answer(status, b"", "text/plain")
                if status == 200 and business.on_value is not None:
                    for value in values_of(body):
                        business.on_value(business, value)

            def do_GET(self) -> None:
                path = urlsplit(self.path)
                query = parse_qs(path.query)
                if path.path in business.files:
                    mime_type, data = business.files[path.path]
                    self._answer(200, data, mime_type)
                elif query.get("hub.verify_token") == [VERIFY]:
                    self._answer(200, query["hub.challenge"][0].encode(), "text/plain")
                else:
                    self._answer(403, b"no", "text/plain")

            def _answer(self, status: int, data: bytes, mime_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", mime_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send(self, payload: Dict[str, Any], number: str = NUMBER, token: str = TOKEN, **kw: Any) -> requests.Response:
        """POST a message to the Graph API; ``messaging_product`` is added."""
        return self._session.post(
            f"{self.graph}/v26.0/{number}/messages",
            json={"messaging_product": "whatsapp", **payload},
            headers={"Authorization": f"Bearer {token}"},
            timeout=kw.pop("timeout", 5),
            **kw,
        )

    def get(self, path: str, token: str = TOKEN) -> requests.Response:
        url = path if path.startswith("http") else f"{self.graph}{path}"
        return self._session.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=5, allow_redirects=False)

    def upload(self, data: bytes, mime_type: str, name: str = "a.bin") -> requests.Response:
        return self._session.post(
            f"{self.graph}/v26.0/{NUMBER}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": (name, data, mime_type)},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
        )

    def values(self) -> List[Dict[str, Any]]:
        with self._lock:
            bodies = [body for _, body in self.posts]
        return [value for body in bodies for value in values_of(body)]

    def messages(self) -> List[Dict[str, Any]]:
        return [m for value in self.values() for m in value.get("messages", [])]

    def statuses(self) -> List[Dict[str, Any]]:
        return [s for value in self.values() for s in value.get("statuses", [])]

    def until(self, holds: Callable[[], Any], within: float = 20.0) -> Any:
        """What ``holds`` gives once it is true; fails the test after ``within`` seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("it did not come true in time")


def values_of(body: bytes) -> List[Dict[str, Any]]:
    return [change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"]]


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def buttons(to: str, *titles: str, text: str = "Choose") -> Dict[str, Any]:
    replies = [{"type": "reply", "reply": {"id": f"b{i}", "title": t}} for i, t in enumerate(titles)]
    return {
        "to": to,
        "type": "interactive",
        "interactive": {"type": "button", "body": {"text": text}, "action": {"buttons": replies}},
    }


def listing(to: str, sections: List[Dict[str, Any]], text: str = "Choose", button: str = "See all") -> Dict[str, Any]:
    return {
        "to": to,
        "type": "interactive",
        "interactive": {"type": "list", "body": {"text": text}, "action": {"button": button, "sections": sections}},
    }
