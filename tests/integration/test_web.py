"""The web process over real HTTP: pictures for phones, and stock that was changed elsewhere."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, Iterator, List

import httpx
import pytest
from sqlalchemy import select, text

from mostrador.gateways.request_signature import HEADER, sign
from mostrador.shop.inventory import Sku
from mostrador.storage import tables
from mostrador.storage.engine import connect
from mostrador.storage.unit_of_work import SqlUnitOfWork

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "stock-secret"


class Web:
    """``python -m mostrador.web`` on a free port with a database and a var directory of its own."""

    def __init__(self, database_url: str, var: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.log = var / "web.log"
        var.mkdir(parents=True, exist_ok=True)
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("MOSTRADOR_", "DATABASE_", "WHATSAPP_"))}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mostrador.web"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={
                    **plain,
                    "DATABASE_URL": database_url,
                    "MOSTRADOR_VAR": str(var),
                    "MOSTRADOR_WEB_PORT": str(port),
                    "MOSTRADOR_STOCK_API_SECRET": SECRET,
                    **environment,
                },
            )
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def wait(self) -> "Web":
        deadline = time.monotonic() + 30
        while True:
            try:
                assert self.client.get("/healthz").status_code == 200
                return self
            except httpx.TransportError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def stop(self) -> None:
        self.client.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def post(self, content: Any, secret: str = SECRET, at: "float | None" = None, **headers: str) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        signature = sign(secret.encode(), body, time.time() if at is None else at)
        return self.client.post("/v1/stock", content=body, headers={HEADER: signature, **headers})


@pytest.fixture(scope="module")
def web(postgres: Any, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    connection = postgres.connect()
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE test_web TEMPLATE "{_template}"')
    web = Web(postgres.url("test_web"), tmp_path_factory.mktemp("web") / "var").wait()
    web.database_url = postgres.url("test_web")  # type: ignore[attr-defined]
    yield web
    web.stop()
    with connection.cursor() as cursor:
        cursor.execute("DROP DATABASE test_web WITH (FORCE)")
    connection.close()


@pytest.fixture()
def variation(web: Web) -> Iterator[Dict[str, Any]]:
    """A variation nobody else uses, as its natural key; its stock and log start empty."""
    engine = connect(web.database_url, 1)  # type: ignore[attr-defined]
    with SqlUnitOfWork(engine) as uow:
        made = uow.variations.ensure(Sku(7, int(time.monotonic_ns() // 1000 % 10**9) + 1, "S1", "Red"), 1, "Lamp")
        uow.commit()
    engine.dispose()
    sku = made.sku
    yield {
        "supplier_id": sku.supplier_id,
        "product_id": sku.product_id,
        "style_id": sku.style_id,
        "variation_name": sku.variation_name,
        "source": "till-1",
    }


def log_of(web: Web, product_id: int) -> List[Any]:
    engine = connect(web.database_url, 1)  # type: ignore[attr-defined]
    log = tables.inventory_log.c
    try:
        with engine.connect() as connection:
            rows = select(log.delta, log.quantity_after, log.source).where(log.product_id == product_id)
            return [tuple(row) for row in connection.execute(rows.order_by(log.id))]
    finally:
        engine.dispose()


# --- pictures


@pytest.fixture(scope="module")
def pictures(web: Web) -> Path:
    folder = web.log.parent / "pictures"
    folder.mkdir()
    (folder / "lamp-red.jpg").write_bytes(b"\xff\xd8picture")
    (folder / "notes.txt").write_text("not for phones")
    (folder / "outside.jpg").symlink_to(web.log)
    (web.log.parent / "secret.jpg").write_bytes(b"secret")
    return folder


def test_a_picture_is_served_to_be_kept(web: Web, pictures: Path) -> None:
    answer = web.client.get("/pictures/lamp-red.jpg")
    assert (answer.status_code, answer.content) == (200, b"\xff\xd8picture")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "max-age=" in answer.headers["cache-control"]
    again = web.client.get("/pictures/lamp-red.jpg", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = web.client.head("/pictures/lamp-red.jpg")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "9")


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/nothing.jpg",
        "/pictures/notes.txt",
        "/pictures/outside.jpg",
        "/pictures/../secret.jpg",
        "/pictures/..%2fsecret.jpg",
        "/pictures/%2e%2e%2fsecret.jpg",
        "/pictures/%2e%2e/secret.jpg",
        "/pictures/..%5csecret.jpg",
        "/pictures//etc/passwd",
        "/pictures/lamp-red.jpg%00.jpg",
        "/pictures/.jpg",
        "/pictures/",
    ],
)
def test_nothing_but_pictures_leaves_the_folder(web: Web, pictures: Path, path: str) -> None:
    with socket.create_connection(("127.0.0.1", int(web.url.rsplit(":", 1)[1])), timeout=10) as raw:  # path as it is
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := raw.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"secret" not in answer.split(b"\r\n\r\n", 1)[1].replace(path.encode(), b"")


# --- stock


def test_stock_is_set_and_changed_with_its_own_source(web: Web, variation: Dict[str, Any]) -> None:
    answer = web.post(
        {
            "changes": [
                {**variation, "change_id": "a1", "quantity": 10},
                {**variation, "change_id": "a2", "delta": -3, "source": "orders"},
            ]
        }
    )
    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {"change_id": "a1", "status": "applied", "before": 0, "after": 10},
        {"change_id": "a2", "status": "applied", "before": 10, "after": 7},
    ]
    assert log_of(web, variation["product_id"]) == [(10, 10, "till-1"), (-3, 7, "orders")]


def test_the_same_change_again_is_answered_alike_and_counts_once(web: Web, variation: Dict[str, Any]) -> None:
    change = {"changes": [{**variation, "change_id": "b1", "delta": 4}]}
    with ThreadPoolExecutor(4) as pool:
        answers = {json.dumps(answer.json()) for answer in pool.map(lambda _: web.post(change), range(8))}
    assert len(answers) == 1
    assert log_of(web, variation["product_id"]) == [(4, 4, "till-1")]


def test_a_bad_change_harms_no_other(web: Web, variation: Dict[str, Any]) -> None:
    answer = web.post(
        {
            "changes": [
                {**variation, "change_id": "c1", "delta": -1},
                "nonsense",
                {**variation, "change_id": "c3", "quantity": "7"},
                {**variation, "change_id": "c4", "product_id": 999_999_999, "quantity": 1},
                {**variation, "change_id": "c5", "quantity": 1, "source": "Whatsapp_chatbot"},
                {**variation, "change_id": "c6", "style_id": "\ud800", "quantity": 1},
                {**variation, "change_id": "c7", "quantity": 5},
            ]
        }
    )
    results = answer.json()["results"]
    assert [result["change_id"] for result in results] == ["c1", None, "c3", "c4", "c5", "c6", "c7"]
    assert [result.get("error") for result in results[:5]] == [
        "implausible",
        "unreadable",
        "unreadable",
        "unknown",
        "unreadable",
    ]
    assert results[5]["status"] == "refused"
    assert (results[6]["status"], results[6]["after"]) == ("applied", 5)


def test_many_changes_are_taken_at_once_but_not_more_than_a_thousand(web: Web, variation: Dict[str, Any]) -> None:
    changes = [{**variation, "change_id": f"d{n}", "delta": 1} for n in range(1001)]
    assert web.post({"changes": changes}).status_code == 400
    answer = web.post({"changes": changes[:200]})
    assert answer.json()["results"][-1]["after"] == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "v1=00",
        "t=1,v1=" + "0" * 64,
        "t=" + "9" * 40 + ",v1=" + "0" * 64,
        "sha256=" + "0" * 64,
    ],
)
def test_what_is_not_signed_is_refused(web: Web, variation: Dict[str, Any], header: "str | None") -> None:
    body = json.dumps({"changes": [{**variation, "change_id": "e1", "quantity": 1}]}).encode()
    headers = {} if header is None else {HEADER: header}
    assert web.client.post("/v1/stock", content=body, headers=headers).status_code == 401
    assert log_of(web, variation["product_id"]) == []


def test_a_signature_counts_for_its_secret_its_body_and_five_minutes(web: Web, variation: Dict[str, Any]) -> None:
    content = {"changes": [{**variation, "change_id": "f1", "quantity": 1}]}
    assert web.post(content, secret="another").status_code == 401
    assert web.post(content, at=time.time() - 310).status_code == 401
    assert web.post(content, at=time.time() + 310).status_code == 401
    good = sign(SECRET.encode(), b'{"changes": []}', time.time())
    assert web.client.post("/v1/stock", json=content, headers={HEADER: good}).status_code == 401
    assert log_of(web, variation["product_id"]) == []
    assert web.post(content, at=time.time() - 290).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"changes": {}}', b'{"changes": []}', b"\xff\xfe", b"[" * 100_000]
)
def test_a_signed_body_of_another_shape_is_refused(web: Web, body: bytes) -> None:
    answer = web.post(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "shape")


def test_a_body_above_a_megabyte_is_refused(web: Web) -> None:
    try:
        assert web.post(b" " * (1 << 20) + b"{}").status_code == 413
    except httpx.TransportError:
        pass  # the server need not read on to refuse
    assert web.client.get("/healthz").status_code == 200


def test_without_a_secret_the_entry_is_closed(database_url: str, tmp_path: Path) -> None:
    web = Web(database_url, tmp_path / "var", MOSTRADOR_STOCK_API_SECRET="")
    try:
        answer = web.wait().post({"changes": []}, secret="")
        assert answer.status_code == 503
        assert "MOSTRADOR_STOCK_API_SECRET" in answer.json()["message"]
    finally:
        web.stop()


def test_while_the_database_is_away_the_caller_is_told_to_come_again(
    postgres: Any, database_url: str, tmp_path: Path
) -> None:
    change = {"change_id": "g1", "supplier_id": 7, "product_id": 1, "style_id": "S", "variation_name": "Red"}
    content = {"changes": [{**change, "quantity": 4, "source": "till"}]}
    name = database_url.split("@/")[1].split("?")[0]
    engine = connect(database_url, 1)
    with SqlUnitOfWork(engine) as uow:
        uow.variations.ensure(Sku(7, 1, "S", "Red"), 1, "Lamp")
        uow.commit()
    engine.dispose()
    web = Web(database_url, tmp_path / "var")
    administrator = postgres.connect()
    try:
        web.wait()
        with administrator.cursor() as cursor:
            cursor.execute(f'alter database "{name}" with allow_connections false')
            cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        answer = web.post(content)
        assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
        assert web.client.get("/healthz").status_code == 200
        with administrator.cursor() as cursor:
            cursor.execute(f'alter database "{name}" with allow_connections true')
        assert web.post(content).json()["results"][0]["after"] == 4
    finally:
        administrator.close()
        web.stop()


def test_stock_that_another_service_keeps_is_not_changed_here(database_url: str, tmp_path: Path) -> None:
    web = Web(database_url, tmp_path / "var", MOSTRADOR_INVENTORY_URL="http://127.0.0.1:1")
    try:
        assert web.wait().post({"changes": [{}]}).status_code == 409
    finally:
        web.stop()


def test_no_personal_data_is_in_the_log(web: Web) -> None:
    assert "till-1" not in web.log.read_text()
    assert "Traceback" not in web.log.read_text()


def test_the_view_of_the_older_name_shows_foreign_changes(web: Web, variation: Dict[str, Any]) -> None:
    web.post({"changes": [{**variation, "change_id": "h1", "quantity": 2}]})
    engine = connect(web.database_url, 1)  # type: ignore[attr-defined]
    try:
        with engine.connect() as connection:
            query = text("select new_quantity, source from inventory_change where product_id = :p")
            assert connection.execute(query, {"p": variation["product_id"]}).all() == [(2, "till-1")]
    finally:
        engine.dispose()
