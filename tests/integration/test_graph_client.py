"""The client against the stand-in for the Graph API, over real HTTP."""

import asyncio
import hashlib
import logging
import socket

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from mostrador.gateways.whatsapp.client import CloudApi, NotOnStagingList, SendFailed
from mostrador.gateways.whatsapp.errors import Action
from mostrador.gateways.whatsapp.media import MediaFailed, MediaRules
from mostrador.gateways.whatsapp.render import render
from mostrador.settings import read_settings
from mostrador.shop.messages import Button, Say, Sender
from mostrador.simulator.client import SimulatorClient
from mostrador.simulator.server import Simulator

NUMBER, ANA, TOKEN = "106540352242922", Sender("5491122334455", "AR.1234"), "a secret access token"
TEXT = {"type": "text", "text": {"body": "hola"}}

pytestmark = pytest.mark.asyncio


class Meta:
    """A running stand-in and a client of it."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.clients = []

    def client(self, **settings):
        known = {
            "graph_base_url": self.simulator.url,
            "whatsapp_access_token": TOKEN,
            "send_timeout": 1.0,
            "demo": True,
            **settings,
        }
        self.clients.append(CloudApi(read_settings(**known)))
        return self.clients[-1]

    def fault(self, **order):
        self.simulator.network.faults.order(order)

    def sent(self):
        return [entry for entry in self.simulator.network.journal.since(0) if entry["event"] == "out"]

    def file(self, data=b"a picture", mime_type="image/png"):
        return self.simulator.network.upload(data, mime_type, "p.png").id


@pytest_asyncio.fixture()
async def meta():
    simulator = Simulator(access_token=TOKEN, phone_number_ids=(NUMBER,), statuses=False)
    await simulator.start()
    made = Meta(simulator)
    yield made
    for client in made.clients:
        await client.close()
    await simulator.stop()


async def test_a_message_goes_to_the_phone_when_it_is_known_and_else_to_the_user_id(meta):
    api = meta.client()
    (body,) = render(Say(text="¿Seguro?", buttons=(Button("Sí", "abc.yes"),)))
    first = await api.send(NUMBER, ANA, body, opaque="17")
    second = await api.send(NUMBER, Sender(bsuid="AR.1234"), TEXT, opaque="18")
    assert first.provider_id and first.provider_id != second.provider_id
    to_phone, to_user = (entry["message"] for entry in meta.sent())
    assert (to_phone["to"], to_phone["biz_opaque_callback_data"]) == ("+5491122334455", "17")
    assert "recipient" not in to_phone
    assert (to_user["recipient"], "to" in to_user) == ("AR.1234", False)
    assert to_phone["interactive"] == body["interactive"]


@pytest.mark.parametrize(
    "fault, action, code",
    [
        ({"kind": "429"}, Action.SLOW_NUMBER, 4),
        ({"kind": "400:130429"}, Action.SLOW_NUMBER, 130429),
        ({"kind": "400:131056"}, Action.SLOW_PAIR, 131056),
        ({"kind": "400:131047"}, Action.WINDOW_CLOSED, 131047),
        ({"kind": "500"}, Action.RETRY, 131000),
        ({"kind": "html502"}, Action.UNKNOWN_OUTCOME, None),
        ({"kind": "disconnect"}, Action.UNKNOWN_OUTCOME, None),
        ({"kind": "drop_after_accept"}, Action.UNKNOWN_OUTCOME, None),
        ({"kind": "wrong_json"}, Action.UNKNOWN_OUTCOME, None),
        ({"kind": "timeout", "seconds": 3}, Action.UNKNOWN_OUTCOME, None),
    ],
)
async def test_every_way_to_fail_has_its_verdict_and_the_next_send_works(meta, fault, action, code):
    api = meta.client(send_timeout=0.4)
    meta.fault(next=1, **fault)
    with pytest.raises(SendFailed) as failed:
        await api.send(NUMBER, ANA, TEXT, opaque="1")
    assert (failed.value.verdict.action, failed.value.verdict.code) == (action, code)
    assert (await api.send(NUMBER, ANA, TEXT, opaque="1")).provider_id


async def test_what_never_left_may_be_sent_again(meta):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        api = meta.client(graph_base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(SendFailed) as failed:
            await api.send(NUMBER, ANA, TEXT, opaque="1")
    assert failed.value.verdict.action is Action.RETRY


async def test_a_wrong_token_is_the_accounts_trouble_and_is_never_logged(meta, caplog):
    caplog.set_level(logging.DEBUG)
    api = meta.client(whatsapp_access_token="a wrong secret token")
    with pytest.raises(SendFailed) as failed:
        await api.send(NUMBER, ANA, TEXT, opaque="1")
    assert failed.value.verdict.action is Action.ACCOUNT
    assert "secret token" not in caplog.text + repr(failed.value) + repr(failed.value.verdict)


@pytest.mark.parametrize("listed", ["5491122334455", "541122334455"])
async def test_a_staging_set_up_writes_to_listed_numbers_in_any_of_their_forms(meta, listed):
    api = meta.client(send_only_to=("+" + listed,))
    assert await api.send(NUMBER, ANA, TEXT, opaque="1")
    for other in (Sender("5491100000000", "AR.1234"), Sender(bsuid="AR.1234"), Sender()):
        with pytest.raises(NotOnStagingList):
            await api.send(NUMBER, other, TEXT, opaque="1")
    assert len(meta.sent()) == 1


async def test_a_recipient_without_any_id_is_a_defect(meta):
    with pytest.raises(SendFailed) as failed:
        await meta.client().send(NUMBER, Sender(), TEXT, opaque="1")
    assert failed.value.verdict.action is Action.DEFECT


async def test_a_read_mark_with_typing_is_taken_and_its_failure_is_no_other_error(meta):
    api = meta.client()
    phone = SimulatorClient(meta.simulator.url)
    said = await asyncio.to_thread(phone.say, ANA.wa_id, "hola")
    await api.mark_read(NUMBER, said["id"])
    meta.fault(next=1, kind="500", on="read")
    with pytest.raises(SendFailed):
        await api.mark_read(NUMBER, said["id"], typing=False)
    with pytest.raises(SendFailed):
        await api.mark_read(NUMBER, "wamid.unknown")


async def test_a_file_is_left_with_the_provider_and_fetched_back_whole(meta, tmp_path):
    api, data = meta.client(), b"%PDF" + bytes(200_000)
    media_id = await api.upload_media(NUMBER, data, "application/pdf", "año.pdf")
    got = await api.fetch_media(media_id, NUMBER, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == data
    assert (got.size, got.mime_type, got.sha256) == (len(data), "application/pdf", hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    "trick, words",
    [
        ("wrong_sha", "not the one"),
        ("too_large", "larger"),
        ("foreign_host", "https|host"),
        ("redirect", "host"),
        ("expired", "gone"),
    ],
)
async def test_a_file_that_is_not_what_it_should_be_is_refused_and_leaves_nothing(meta, tmp_path, trick, words):
    api, media_id = meta.client(), meta.file()
    meta.fault(media=trick)
    with pytest.raises(MediaFailed, match=words) as failed:
        await api.fetch_media(media_id, NUMBER, tmp_path / "f")
    assert failed.value.verdict.action is Action.DEFECT
    assert list(tmp_path.iterdir()) == []


async def test_a_file_unknown_to_the_provider_is_refused(meta, tmp_path):
    with pytest.raises(MediaFailed):
        await meta.client().fetch_media("../no/such?file", NUMBER, tmp_path / "f")


async def test_a_file_that_grows_beyond_the_limit_while_it_comes_is_refused(tmp_path):
    async def describe(request):
        return web.json_response({"url": f"{url}/file", "mime_type": "image/png", "sha256": "", "file_size": 10})

    async def file(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(64):
            await answer.write(bytes(4096))
        return answer

    app = web.Application()
    app.add_routes([web.get("/v26.0/{media}", describe), web.get("/file", file)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    api = CloudApi(read_settings(graph_base_url=url, whatsapp_access_token=TOKEN, demo=True, media_max_bytes=100_000))
    try:
        with pytest.raises(MediaFailed, match="larger"):
            await api.fetch_media("1", NUMBER, tmp_path / "f")
        assert list(tmp_path.iterdir()) == []
    finally:
        await api.close()
        await runner.cleanup()


@pytest.mark.parametrize(
    "address",
    [
        "http://lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com.evil.example/x",
        "https://evil.example/lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com@evil.example/x",
        "https://user:pass@lookaside.fbsbx.com/x",
        "https://lookaside.fbsbx.com:8443/x",
        "http://127.0.0.1/x",
        "http://localhost:5432/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "//lookaside.fbsbx.com/x",
        "",
        "https://",
        "https://[",
    ],
)
async def test_files_are_fetched_by_https_from_the_providers_hosts_alone(address):
    rules = MediaRules(("lookaside.fbsbx.com",), 100)
    with pytest.raises(MediaFailed):
        rules.checked(address)
    assert rules.checked("https://LOOKASIDE.fbsbx.com/x?y=1").host == "lookaside.fbsbx.com"


async def test_one_connection_serves_many_messages(meta):
    opened = []
    api = meta.client()
    session = api._open()
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(lambda *_: asyncio.sleep(0, opened.append(1)))
    trace.freeze()
    session._trace_configs.append(trace)
    for number in range(20):
        await api.send(NUMBER, Sender(f"54911{number:08}"), TEXT, opaque=str(number))
    assert len(opened) == 1
