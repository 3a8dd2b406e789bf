"""The webhook over real HTTP, as Meta calls it."""

import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from mostrador.settings import ROOT
from mostrador.storage.engine import connect

SECRET, OLD_SECRET, TOKEN, NUMBER = b"app secret", b"older secret", "verify me", "106540352242922"
PATH = "/webhooks/whatsapp/webhook"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(database_url, **more):
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "WHATSAPP_APP_SECRET": SECRET.decode(),
        "WHATSAPP_APP_SECRET_PREVIOUS": OLD_SECRET.decode(),
        "WHATSAPP_VERIFY_TOKEN": TOKEN,
        "WHATSAPP_PHONE_NUMBER_IDS": NUMBER,
        **more,
    }


@pytest.fixture()
def ingress(database_url, tmp_path):
    """A running ingress process; its base URL, and its log as a function."""
    port = free_port()
    log = (tmp_path / "ingress.log").open("w+b")
    env = environment(database_url, MOSTRADOR_INGRESS_PORT=str(port))
    process = subprocess.Popen(
        [sys.executable, "-m", "mostrador.channels.ingress"], env=env, cwd=tmp_path, stdout=log, stderr=log
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                if httpx.get(base + "/healthz").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, (tmp_path / "ingress.log").read_text()
            time.sleep(0.1)
        yield base, lambda: (tmp_path / "ingress.log").read_text()
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def text_message(n=1, who="5491122334455", words="hola"):
    return {
        "from": who,
        "id": f"wamid.{n}",
        "timestamp": str(1_795_000_000 + n),
        "type": "text",
        "text": {"body": words},
    }


def body(*messages):
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1555", "phone_number_id": NUMBER},
        "contacts": [{"wa_id": m["from"], "profile": {"name": "Ana María"}} for m in messages],
        "messages": list(messages),
    }
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }


def sign(raw, secret=SECRET):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret, raw, hashlib.sha256).hexdigest()}


def post(base, content, headers=None):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.post(base + PATH, content=raw, headers=sign(raw) if headers is None else headers).status_code


def stored(database_url, query="select count(*) from inbox"):
    engine = connect(database_url, 1)
    try:
        with engine.connect() as connection:
            return connection.execute(text(query)).scalar()
    finally:
        engine.dispose()


def test_the_handshake_answers_the_challenge_only_to_the_right_token(ingress):
    base, _ = ingress

    def shake(token, mode="subscribe"):
        query = {"hub.mode": mode, "hub.verify_token": token, "hub.challenge": "1158201444"}
        return httpx.get(base + PATH, params=query)

    assert (shake(TOKEN).status_code, shake(TOKEN).text) == (200, "1158201444")
    assert shake("wrong").status_code == shake("").status_code == shake("é").status_code == 403
    assert shake(TOKEN, "unsubscribe").status_code == httpx.get(base + PATH).status_code == 403


def test_what_is_genuine_is_stored_and_everything_else_is_refused_without_a_trace(ingress, database_url):
    base, log = ingress
    good = json.dumps(body(text_message(words="año \u20ac ñandú"))).encode()
    as_sent = json.dumps(body(text_message(2, words="año")), ensure_ascii=False).encode()
    assert post(base, good, headers={}) == 401
    assert post(base, good, sign(good, b"guessed")) == 401
    assert post(base, good + b" ", sign(good)) == 401
    twice = [("X-Hub-Signature-256", sign(good)["X-Hub-Signature-256"])] * 2
    assert post(base, good, twice) == 401
    assert post(base, good[:-20]) == 400
    assert post(base, b"[" * 200_000) == 400
    assert post(base, b"") == 400
    assert post(base, b"\xff\xfe") == 400
    for wrong in ([], {"object": "page", "entry": []}, {"object": "whatsapp_business_account", "entry": {}}):
        assert post(base, wrong) == 400
    assert stored(database_url) == 0
    assert post(base, good) == 200
    assert post(base, as_sent, sign(as_sent, OLD_SECRET)) == 200
    assert post(base, good) == 200
    assert stored(database_url) == 2
    assert httpx.post(base + "/webhooks/whatsapp", content=b"").status_code in (404, 405)
    for personal in ("Ana", "ñandú", "5491122334455", SECRET.decode(), OLD_SECRET.decode(), TOKEN):
        assert personal not in log()


def test_a_body_over_three_megabytes_is_refused_with_and_without_a_stated_length(ingress, database_url):
    base, _ = ingress
    large = json.dumps(body(text_message(words="x" * (3 * 1024 * 1024)))).encode()
    assert post(base, large) == 413

    def pieces():
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    try:
        status = httpx.post(base + PATH, content=pieces(), headers=sign(large)).status_code
    except httpx.TransportError:  # the door may shut while we still push
        status = 413
    assert status == 413
    assert stored(database_url) == 0
    assert httpx.get(base + "/healthz").status_code == 200


def test_a_full_batch_in_two_processes_worth_of_copies_is_stored_once(ingress, database_url):
    base, _ = ingress
    messages = [text_message(n, who=f"54911{n % 40:08}") for n in range(1000)]
    batch = body(*messages[:300], {"id": "wamid.broken"} | {"from": "x"}, *messages[300:])
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: post(base, batch), range(4)))
    assert answers == [200] * 4
    assert stored(database_url) == 1000


def test_while_the_database_is_away_meta_is_asked_to_come_again(tmp_path, new_database, request):
    url = new_database(request.getfixturevalue("_template"))
    away = url.rsplit("/", 1)[0] + "/there_is_no_such_database" if "?" not in url else None
    if away is None:
        head, _, query = url.partition("?")
        away = head.rsplit("/", 1)[0] + "/there_is_no_such_database?" + query
    port = free_port()
    env = environment(away, MOSTRADOR_INGRESS_PORT=str(port))
    process = subprocess.Popen([sys.executable, "-m", "mostrador.channels.ingress"], env=env, cwd=tmp_path)
    base = f"http://127.0.0.1:{port}"
    try:
        health = 0
        for _ in range(100):
            try:
                health = httpx.get(base + "/healthz", timeout=10).status_code
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert health == 503
        raw = json.dumps(body(text_message())).encode()
        assert httpx.post(base + PATH, content=raw, headers=sign(raw), timeout=10).status_code == 503
    finally:
        process.terminate()
        process.wait(20)


def test_when_the_database_is_back_the_same_process_stores_again(ingress, database_url, _administrator):
    base, log = ingress
    name = make_url(database_url).database
    assert post(base, body(text_message(1))) == 200
    with _administrator.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        cursor.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        assert post(base, body(text_message(2, words="me quedan diez"))) == 503
        assert httpx.get(base + "/healthz").status_code == 503
        cursor.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
    assert stored(database_url) == 1
    assert post(base, body(text_message(2, words="me quedan diez"))) == 200
    assert stored(database_url) == 2
    for personal in ("Ana", "me quedan", "5491122334455"):
        assert personal not in log()


@pytest.mark.parametrize("missing", ["WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "WHATSAPP_PHONE_NUMBER_IDS"])
def test_without_a_secret_it_refuses_to_start_with_one_sentence(tmp_path, missing):
    env = environment("postgresql://nowhere/x", **{missing: ""})
    done = subprocess.run(
        [sys.executable, "-m", "mostrador.channels.ingress"], env=env, cwd=tmp_path, capture_output=True, timeout=30
    )
    assert done.returncode == 1
    assert missing in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
