"""The stand-in for WhatsApp speaks Meta's wire format in both directions, and fails only when told to."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
import requests
from simulator_business import (
    NUMBER,
    OTHER_NUMBER,
    SECRET,
    TOKEN,
    VERIFY,
    Business,
    buttons,
    listing,
    signature,
)

from mostrador.simulator.client import NothingCame, SimulatorRefused
from mostrador.simulator.media import picture
from mostrador.simulator.server import SimulatorThread

ANA = "+5491122334455"
DIGITS = "5491122334455"


def simulator(business: Business, **changes: Any) -> SimulatorThread:
    settings: Dict[str, Any] = {
        "app_secret": SECRET,
        "access_token": TOKEN,
        "verify_token": VERIFY,
        "phone_number_ids": (NUMBER, OTHER_NUMBER),
        "callback_url": business.url + "/webhook",
        "retry_delays": (0.02, 0.04),
        "sent_delay": 0.0,
        "delivered_delay": 0.02,
        "seed": 7,
    }
    return SimulatorThread(**{**settings, **changes})


@pytest.fixture()
def business() -> Iterator[Business]:
    it = Business()
    yield it
    it.close()


@pytest.fixture()
def sim(business: Business) -> Iterator[SimulatorThread]:
    with simulator(business) as running:
        business.graph = running.url
        yield running


def error_of(answer: requests.Response) -> int:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert error["error_data"]["messaging_product"] == "whatsapp"
    return int(error["code"])


# --- webhooks


def test_the_handshake_is_the_one_meta_does(sim: SimulatorThread) -> None:
    assert sim.client.handshake()["ok"]
    refused = sim.client.handshake(token="another")
    assert (refused["ok"], refused["http"]) == (False, 403)


def test_a_webhook_is_signed_over_its_raw_bytes(sim: SimulatorThread, business: Business) -> None:
    sim.client.say(ANA, "¿Qué hay? नमस्ते", wait=True)
    headers, body = business.posts[0]
    assert headers["x-hub-signature-256"] == signature(body)
    assert body.isascii()  # Meta escapes what is not ASCII; the signature is over the escaped bytes


def test_a_text_arrives_in_metas_envelope(sim: SimulatorThread, business: Business) -> None:
    sim.client.put_contact(phone=ANA, name="Ana")
    sent = sim.client.say(ANA, "hola", timestamp=1795000000, wait=True)
    body = json.loads(business.posts[0][1])
    assert body["object"] == "whatsapp_business_account"
    assert body["entry"][0]["changes"][0]["field"] == "messages"
    value = body["entry"][0]["changes"][0]["value"]
    user_id = value["contacts"][0]["user_id"]
    assert value["metadata"] == {"display_phone_number": "15552242922", "phone_number_id": NUMBER}
    assert value["contacts"] == [{"profile": {"name": "Ana"}, "wa_id": DIGITS, "user_id": user_id}]
    assert value["messages"] == [
        {
            "from": DIGITS,
            "from_user_id": user_id,
            "id": sent["id"],
            "timestamp": "1795000000",
            "type": "text",
            "text": {"body": "hola"},
        }
    ]


KINDS = [
    ({"type": "image", "caption": "front"}, "image"),
    ({"type": "video"}, "video"),
    ({"type": "audio"}, "audio"),
    ({"type": "document", "filename": "../a.pdf"}, "document"),
    ({"type": "sticker"}, "sticker"),
    ({"type": "location", "latitude": -34.6, "longitude": -58.4, "name": "Obelisco"}, "location"),
    ({"type": "contacts", "phone": "+5491100000000", "contact_name": "Luz Díaz"}, "contacts"),
    ({"type": "reaction", "message_id": "wamid.x", "emoji": "👍"}, "reaction"),
    ({"type": "reaction", "message_id": "wamid.x"}, "reaction"),
    ({"type": "order", "items": [{"product_retailer_id": "A1", "quantity": 2, "item_price": 5.5}]}, "order"),
    ({"type": "button", "text": "Stop", "payload": "/opt_out"}, "button"),
    ({"type": "flow", "response": [1, 2]}, "interactive"),
    ({"type": "broken_interactive"}, "interactive"),
    ({"type": "unsupported", "unsupported_type": "poll"}, "unsupported"),
    ({"type": "system", "system_type": "user_changed_user_id", "user_id": "US.2"}, "system"),
    ({"type": "edit", "message_id": "wamid.x", "text": "better"}, "edit"),
    ({"type": "revoke", "message_id": "wamid.x"}, "revoke"),
    ({"type": "raw", "message": {"type": "hologram", "hologram": {}}}, "hologram"),
]


@pytest.mark.parametrize(("spec", "kind"), KINDS, ids=[f"{i}-{k}" for i, (_, k) in enumerate(KINDS)])
def test_every_inbound_kind_can_be_sent(sim: SimulatorThread, business: Business, spec: Any, kind: str) -> None:
    spec = dict(spec)
    sim.client.send(ANA, spec.pop("type"), wait=True, **spec)
    (message,) = business.messages()
    assert message["type"] == kind
    assert message["id"].startswith("wamid.")


def test_errors_without_a_message_and_other_fields_can_be_sent(sim: SimulatorThread, business: Business) -> None:
    sim.client.send(ANA, "errors", wait=True)
    sim.client.send(ANA, "field", field="account_update", value={"event": "DISABLED_UPDATE"}, wait=True)
    assert business.values()[0]["errors"][0]["code"] == 131052
    assert json.loads(business.posts[1][1])["entry"][0]["changes"][0]["field"] == "account_update"


def test_a_person_without_a_phone_is_known_by_user_id_only(sim: SimulatorThread, business: Business) -> None:
    sim.client.say("IN.13491208655302741918", "namaste", wait=True)
    value = business.values()[0]
    assert "from" not in value["messages"][0]
    assert "wa_id" not in value["contacts"][0]
    assert value["messages"][0]["from_user_id"] == "IN.13491208655302741918"
    answer = business.send({"recipient": "IN.13491208655302741918", "type": "text", "text": {"body": "hi"}})
    assert answer.json()["contacts"] == [{"input": "IN.13491208655302741918", "user_id": "IN.13491208655302741918"}]
    status = business.until(business.statuses)[0]
    assert "recipient_id" not in status
    assert status["recipient_user_id"] == "IN.13491208655302741918"


def test_a_hidden_phone_can_be_written_to_but_is_not_told(sim: SimulatorThread, business: Business) -> None:
    sim.client.put_contact(phone=ANA, hide_phone=True)
    sim.client.say(ANA, "hola", wait=True)
    assert "from" not in business.messages()[0]
    assert business.send({"to": ANA, "type": "text", "text": {"body": "hi"}}).status_code == 200


def test_a_failed_webhook_is_tried_again_with_the_same_bytes(sim: SimulatorThread, business: Business) -> None:
    business.answers = [503, 500]
    sim.client.say(ANA, "hola")
    business.until(lambda: len(business.posts) == 3)
    assert len({body for _, body in business.posts}) == 1
    tries = business.until(lambda: [e for e in sim.client.log(ANA, events=["webhook"]) if e["http"] == 200])
    assert tries[0]["attempt"] == 3


def test_a_copy_can_be_ordered_and_duplicates_drawn(sim: SimulatorThread, business: Business) -> None:
    sim.client.say(ANA, "one", duplicate=1)
    business.until(lambda: len(business.messages()) == 2)
    sim.client.fault(duplicate=1.0)
    sim.client.say(ANA, "two")
    business.until(lambda: len(business.messages()) == 4)
    assert len({m["id"] for m in business.messages()}) == 2


def test_messages_of_one_person_keep_their_order_until_reordering_is_asked_for(
    sim: SimulatorThread, business: Business
) -> None:
    texts = [str(i) for i in range(12)]
    for text in texts:
        sim.client.say(ANA, text)
    business.until(lambda: len(business.messages()) == 12)
    assert [m["text"]["body"] for m in business.messages()] == texts
    sim.client.fault(reorder_seconds=0.2)
    for text in texts:
        sim.client.say(ANA, text)
    business.until(lambda: len(business.messages()) == 24)
    again = [m["text"]["body"] for m in business.messages()[12:]]
    assert again != texts
    assert sorted(again) == sorted(texts)


@pytest.mark.parametrize("shape", ["changes", "value"])
def test_several_messages_travel_in_one_post(sim: SimulatorThread, business: Business, shape: str) -> None:
    sim.client.send_many(
        [
            {"contact": ANA, "type": "text", "text": "a"},
            {"contact": "+5491199999999", "type": "text", "text": "b"},
            {"contact": ANA, "type": "text", "text": "c", "business": OTHER_NUMBER},
        ],
        shape=shape,
        wait=True,
    )
    assert len(business.posts) == 1
    assert [m["text"]["body"] for m in business.messages()] == ["a", "b", "c"]
    assert len(business.values()) == (3 if shape == "changes" else 2)


def test_updates_can_be_gathered_for_a_while(business: Business) -> None:
    with simulator(business, batch_seconds=0.1) as sim:
        for text in "abc":
            sim.client.say(ANA, text)
        business.until(lambda: len(business.messages()) == 3)
        assert len(business.posts) < 3


def test_forged_webhooks_can_be_sent(sim: SimulatorThread, business: Business) -> None:
    sim.client.webhook(body={"a": "ü"}, signature="wrong")
    sim.client.webhook(raw="{not json", signature=None)
    sim.client.webhook(raw="{}", headers={"Content-Type": "text/plain"})
    (wrong, missing, right) = business.posts
    assert wrong[0]["x-hub-signature-256"] not in ("", signature(wrong[1]))
    assert "x-hub-signature-256" not in missing[0]
    assert right[0]["x-hub-signature-256"] == signature(right[1])
    assert right[0]["content-type"] == "text/plain"


# --- sending


def test_a_call_without_the_token_is_401_with_code_190(sim: SimulatorThread, business: Business) -> None:
    answer = business.send({"to": ANA, "type": "text", "text": {"body": "x"}}, token="another")
    assert (answer.status_code, error_of(answer)) == (401, 190)


def test_an_accepted_message_is_answered_and_followed_by_statuses(sim: SimulatorThread, business: Business) -> None:
    answer = business.send({"to": ANA, "type": "text", "text": {"body": "hi"}, "biz_opaque_callback_data": "outbox-7"})
    body = answer.json()
    wamid = body["messages"][0]["id"]
    assert body == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": ANA, "wa_id": DIGITS}],
        "messages": [{"id": wamid, "message_status": "accepted"}],
    }
    business.until(lambda: len(business.statuses()) == 2)
    assert [s["status"] for s in business.statuses()] == ["sent", "delivered"]
    assert all(s["biz_opaque_callback_data"] == "outbox-7" and s["id"] == wamid for s in business.statuses())
    assert all(s["recipient_id"] == DIGITS for s in business.statuses())
    assert [("pricing" in s) for s in business.statuses()] == [True, False]
    assert sim.client.read(ANA) == 1
    assert sim.client.read(ANA) == 0
    business.until(lambda: [s for s in business.statuses() if s["status"] == "read"])


def test_read_can_come_by_itself_and_statuses_out_of_order(sim: SimulatorThread, business: Business) -> None:
    sim.client.configure(read_delay=0.01)
    sim.client.fault(status_reorder=True)
    business.send({"to": ANA, "type": "text", "text": {"body": "hi"}})
    business.until(lambda: len(business.statuses()) == 3)
    assert [s["status"] for s in business.statuses()] == ["delivered", "sent", "read"]


def test_a_switched_off_phone_gets_its_messages_later(sim: SimulatorThread, business: Business) -> None:
    sim.client.put_contact(phone=ANA, offline=True)
    business.send({"to": ANA, "type": "text", "text": {"body": "hi"}})
    business.until(business.statuses)
    time.sleep(0.06)
    assert [s["status"] for s in business.statuses()] == ["sent"]
    sim.client.put_contact(phone=ANA, offline=False)
    business.until(lambda: [s["status"] for s in business.statuses()] == ["sent", "delivered"])


def test_a_reaction_is_only_ever_sent(sim: SimulatorThread, business: Business) -> None:
    business.send({"to": ANA, "type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}})
    business.until(business.statuses)
    time.sleep(0.06)
    assert [s["status"] for s in business.statuses()] == ["sent"]


ROWS = [{"id": f"r{i}", "title": f"Row {i}", "description": "d"} for i in range(10)]
GOOD: Dict[str, Dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "x" * 4096, "preview_url": True}},
    "typeless text": {"text": {"body": "x"}},
    "buttons": buttons(ANA, "x" * 20, "b", "c"),
    "list": listing(ANA, [{"title": "A", "rows": ROWS[:5]}, {"title": "B", "rows": ROWS[5:]}]),
    "cta": {
        "type": "interactive",
        "interactive": {
            "type": "cta_url",
            "body": {"text": "Look"},
            "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}},
        },
    },
    "location request": {
        "type": "interactive",
        "interactive": {
            "type": "location_request_message",
            "body": {"text": "Where?"},
            "action": {"name": "send_location"},
        },
    },
    "template": {
        "type": "template",
        "template": {
            "name": "order_shipped",
            "language": {"code": "es_AR"},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://example.com/a.png"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]},
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "p"}],
                },
            ],
        },
    },
    "document": {"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": "a.pdf"}},
    "audio": {"type": "audio", "audio": {"link": "https://example.com/a.ogg"}},
    "location": {"type": "location", "location": {"latitude": "-34.6", "longitude": "-58.4"}},
}


@pytest.mark.parametrize("name", list(GOOD))
def test_what_meta_takes_is_taken(business: Business, name: str) -> None:
    with simulator(business, fetch_links=False, statuses=False) as sim:
        business.graph = sim.url
        answer = business.send({"to": ANA, **GOOD[name]})
        assert answer.status_code == 200, answer.text


def _with(payload: Dict[str, Any], **parts: Any) -> Dict[str, Any]:
    copy = json.loads(json.dumps(payload))
    copy["interactive"].update(parts)
    return dict(copy)


BAD = [
    ("no recipient", {"type": "text", "text": {"body": "x"}, "to": ""}, 131008),
    ("a recipient that is no number", {"to": "Ana", "type": "text", "text": {"body": "x"}}, 131009),
    ("an unknown type", {"type": "hologram", "hologram": {}}, 131051),
    ("no body", {"type": "text", "text": {}}, 131008),
    ("a long text", {"type": "text", "text": {"body": "x" * 4097}}, 100),
    ("four buttons", buttons(ANA, "a", "b", "c", "d"), 131009),
    ("no button", buttons(ANA), 131009),
    ("a long title", buttons(ANA, "x" * 21), 131009),
    ("equal titles", buttons(ANA, "a", "a"), 131009),
    ("buttons without text", buttons(ANA, "a", text=""), 131008),
    ("a long body with buttons", buttons(ANA, "a", text="x" * 1025), 131009),
    ("a long footer", _with(buttons(ANA, "a"), footer={"text": "x" * 61}), 131009),
    ("a list with a picture", _with(listing(ANA, [{"rows": ROWS}]), header={"type": "image", "image": {}}), 131009),
    ("eleven rows", listing(ANA, [{"rows": [*ROWS, {"id": "z", "title": "z"}]}]), 131009),
    ("equal row ids", listing(ANA, [{"rows": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]}]), 131009),
    ("a long row title", listing(ANA, [{"rows": [{"id": "a", "title": "x" * 25}]}]), 131009),
    ("a long row text", listing(ANA, [{"rows": [{"id": "a", "title": "A", "description": "x" * 73}]}]), 131009),
    ("sections without titles", listing(ANA, [{"rows": ROWS[:1]}, {"rows": ROWS[1:2]}]), 131008),
    ("a long list button", listing(ANA, [{"rows": ROWS}], button="x" * 21), 131009),
    ("id and link", {"type": "image", "image": {"id": "1", "link": "https://example.com/a.png"}}, 100),
    ("a file link", {"type": "image", "image": {"link": "file:///etc/passwd"}}, 100),
    ("an unknown media id", {"type": "image", "image": {"id": "123"}}, 100),
    ("a long caption", {"type": "image", "image": {"link": "https://a.example/", "caption": "x" * 1025}}, 131009),
    ("a long opaque", {"type": "text", "text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 100),
    ("a template without language", {"type": "template", "template": {"name": "a"}}, 131008),
    (
        "a line break in a variable",
        {
            "type": "template",
            "template": {
                "name": "a",
                "language": {"code": "es"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "a\nb"}]}],
            },
        },
        132018,
    ),
]


@pytest.mark.parametrize(("payload", "code"), [(p, c) for _, p, c in BAD], ids=[name for name, _, _ in BAD])
def test_what_meta_refuses_is_refused(sim: SimulatorThread, business: Business, payload: Any, code: int) -> None:
    answer = business.send({"to": ANA, **payload})
    assert (answer.status_code, error_of(answer)) == (400, code)
    assert sim.client.log(ANA, events=["out"]) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"'])
def test_a_body_that_is_no_object_is_refused(sim: SimulatorThread, body: bytes) -> None:
    answer = requests.post(
        f"{sim.url}/v26.0/{NUMBER}/messages", data=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5
    )
    assert (answer.status_code, error_of(answer)) == (400, 100)


def test_an_unknown_business_number_is_refused(sim: SimulatorThread, business: Business) -> None:
    answer = business.send({"to": ANA, "text": {"body": "x"}}, number="1")
    assert (answer.status_code, error_of(answer)) == (400, 100)


def test_read_mark_and_typing_need_a_message_that_came(sim: SimulatorThread, business: Business) -> None:
    first = sim.client.say(ANA, "a", wait=True)
    second = sim.client.say(ANA, "b", wait=True)
    answer = business.send({"status": "read", "message_id": second["id"], "typing_indicator": {"type": "text"}})
    assert answer.json() == {"success": True}
    (mark,) = sim.client.log(ANA, events=["read_mark"])
    assert mark["typing"] is True
    assert first["n"] < mark["n"]
    assert error_of(business.send({"status": "read", "message_id": "wamid.never"})) == 131009


# --- templates


def test_a_registered_template_is_shown_with_its_words(sim: SimulatorThread, business: Business) -> None:
    sim.client.put_template(
        name="restock",
        language="es",
        body="Hola {{1}}, faltan {{2}}.",
        footer="Mostrador",
        buttons=["Ver", {"type": "url", "text": "Web", "url": "https://shop.example/{{1}}"}],
    )
    payload = {
        "to": ANA,
        "type": "template",
        "template": {
            "name": "restock",
            "language": {"code": "es"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "3"}]},
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "tok-1"}],
                },
                {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "x9"}]},
            ],
        },
    }
    assert business.send(payload).status_code == 200
    (out,) = sim.client.log(ANA, events=["out"])
    assert out["view"]["text"] == "Hola Ana, faltan 3."
    assert out["view"]["buttons"][1]["url"] == "https://shop.example/x9"
    sim.client.tap(ANA, "Ver", wait=True)
    assert business.messages()[-1]["button"] == {"payload": "tok-1", "text": "Ver"}
    payload["template"]["components"].pop(0)
    assert error_of(business.send(payload)) == 132000


def test_an_unregistered_template_can_be_refused(sim: SimulatorThread, business: Business) -> None:
    payload = {"to": ANA, "type": "template", "template": {"name": "nope", "language": {"code": "es"}}}
    assert business.send(payload).status_code == 200
    sim.client.configure(strict_templates=True)
    answer = business.send(payload)
    assert (answer.status_code, error_of(answer)) == (404, 132001)


# --- taps


def test_a_tap_finds_its_button_by_title_id_or_index(sim: SimulatorThread, business: Business) -> None:
    old = business.send(buttons(ANA, "Yes", "No")).json()["messages"][0]["id"]
    new = business.send(listing(ANA, [{"title": "S", "rows": ROWS}])).json()["messages"][0]["id"]
    sim.client.tap(ANA, "row 3", wait=True)
    sim.client.tap(ANA, id="b1", wait=True)
    sim.client.tap(ANA, index=2, wait=True)
    sim.client.tap(ANA, index=2, message_id=old, wait=True)
    replies = [(m["context"]["id"], m["interactive"]) for m in business.messages()]
    row = {"id": "r3", "title": "Row 3", "description": "d"}
    assert replies[0] == (new, {"type": "list_reply", "list_reply": row})
    assert replies[1] == (old, {"type": "button_reply", "button_reply": {"id": "b1", "title": "No"}})
    assert replies[2][1]["list_reply"]["id"] == "r1"
    assert replies[3][1]["button_reply"]["id"] == "b1"
    with pytest.raises(SimulatorRefused, match="offered"):
        sim.client.tap(ANA, "Perhaps")
    with pytest.raises(SimulatorRefused):
        sim.client.tap("+5491100000001", index=1)


def test_each_number_has_its_own_chat(sim: SimulatorThread, business: Business) -> None:
    business.send(buttons(ANA, "Yes"), number=OTHER_NUMBER)
    with pytest.raises(SimulatorRefused):
        sim.client.tap(ANA, "Yes")
    sim.client.tap(ANA, "Yes", business=OTHER_NUMBER, wait=True)
    assert business.values()[-1]["metadata"]["phone_number_id"] == OTHER_NUMBER


# --- media


def test_media_travels_in_two_steps_with_the_token(sim: SimulatorThread, business: Business) -> None:
    data = picture(8, 8)
    sim.client.send(ANA, "image", data=base64.b64encode(data).decode(), mime_type="image/png", wait=True)
    image = business.messages()[0]["image"]
    told = business.get(f"/v26.0/{image['id']}").json()
    assert told["sha256"] == image["sha256"] == hashlib.sha256(data).hexdigest()
    assert (told["file_size"], told["mime_type"]) == (len(data), "image/png")
    assert business.get(told["url"]).content == data
    assert business.get(told["url"], token="another").status_code == 401
    assert business.get(told["url"].replace("hash=", "hash=0")).status_code == 404
    sim.client.configure(clock_offset=301.0)
    assert business.get(told["url"]).status_code == 404


MEDIA_FAULTS = ["expired", "gone", "wrong_sha", "too_large", "foreign_host", "redirect"]


@pytest.mark.parametrize("fault", MEDIA_FAULTS)
def test_media_can_go_wrong(sim: SimulatorThread, business: Business, fault: str) -> None:
    sim.client.send(ANA, "image", wait=True)
    image = business.messages()[0]["image"]
    sim.client.fault(media=fault)
    told = business.get(f"/v26.0/{image['id']}")
    if fault == "gone":
        assert (told.status_code, error_of(told)) == (400, 100)
    elif fault == "foreign_host":
        assert told.json()["url"].startswith("https://media.example.net/")
    elif fault == "wrong_sha":
        assert told.json()["sha256"] != image["sha256"]
    elif fault == "too_large":
        assert told.json()["file_size"] > 10**9
    else:
        assert business.get(told.json()["url"]).status_code == {"expired": 404, "redirect": 302}[fault]


def test_an_upload_can_be_sent_and_a_wrong_one_is_refused(sim: SimulatorThread, business: Business) -> None:
    media_id = business.upload(picture(8, 8), "image/png").json()["id"]
    assert business.send({"to": ANA, "type": "image", "image": {"id": media_id}}).status_code == 200
    shown = requests.get(f"{sim.url}/_sim/media/{media_id}", timeout=5)
    assert shown.headers["Content-Type"] == "image/png"
    assert error_of(business.upload(b"<svg/>", "image/svg+xml")) == 131053
    assert error_of(business.upload(b"x" * (5 * 1024 * 1024 + 1), "image/png")) == 131053


def test_a_picture_sent_by_link_is_fetched_and_a_dead_link_fails(sim: SimulatorThread, business: Business) -> None:
    business.files["/a.png"] = ("image/png", picture(8, 8))
    business.send({"to": ANA, "type": "image", "image": {"link": business.url + "/a.png"}})
    business.until(lambda: len(business.statuses()) == 2)
    (out,) = sim.client.log(ANA, events=["out"])
    shown = requests.get(f"{sim.url}/_sim/media/{out['view']['media']['id']}", timeout=5)
    assert shown.content == picture(8, 8)
    business.send({"to": ANA, "type": "image", "image": {"link": business.url + "/none.png"}})
    failed = business.until(lambda: [s for s in business.statuses() if s["status"] == "failed"])
    assert failed[0]["errors"][0]["code"] == 131053


def test_a_document_that_a_browser_could_run_is_only_downloaded(sim: SimulatorThread) -> None:
    kept = requests.post(
        f"{sim.url}/_sim/media", data=b"<script>1</script>", headers={"Content-Type": "text/html"}, timeout=5
    ).json()
    shown = requests.get(f"{sim.url}/_sim/media/{kept['media_id']}", timeout=5)
    assert shown.headers["Content-Type"] == "application/octet-stream"
    assert shown.headers["Content-Disposition"] == "attachment"


# --- faults


def text_to_ana() -> Dict[str, Any]:
    return {"to": ANA, "type": "text", "text": {"body": "hi"}}


@pytest.mark.parametrize(
    ("kind", "http", "code"),
    [
        ("429", 429, 4),
        ("400:130429", 400, 130429),
        ("400:131056", 400, 131056),
        ("400:131047", 400, 131047),
        ("500:3", 500, 3),
        ("500", 500, 131000),
    ],
)
def test_the_next_calls_get_the_error_that_was_ordered(
    sim: SimulatorThread, business: Business, kind: str, http: int, code: int
) -> None:
    sim.client.fault(next=2, kind=kind)
    answers = [business.send(text_to_ana()) for _ in range(3)]
    assert [a.status_code for a in answers] == [http, http, 200]
    assert error_of(answers[0]) == code
    assert len(sim.client.log(ANA, events=["out"])) == 1


def test_a_502_is_html(sim: SimulatorThread, business: Business) -> None:
    sim.client.fault(next=1, kind="html502")
    answer = business.send(text_to_ana())
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (502, "text/html")


@pytest.mark.parametrize(
    ("kind", "accepted"),
    [("timeout", 0), ("disconnect", 0), ("drop_after_accept", 1), ("hang_after_accept", 1)],
)
def test_an_answer_can_stay_away_before_or_after_acceptance(
    sim: SimulatorThread, business: Business, kind: str, accepted: int
) -> None:
    sim.client.fault(next=1, kind=kind, seconds=1.0)
    with pytest.raises(requests.RequestException):
        business.send({**text_to_ana(), "biz_opaque_callback_data": "o-1"}, timeout=0.3)
    assert len(sim.client.log(ANA, events=["out"])) == accepted
    if accepted:
        business.until(lambda: len(business.statuses()) == 2)
        assert business.statuses()[0]["biz_opaque_callback_data"] == "o-1"
    business.send({**text_to_ana(), "biz_opaque_callback_data": "o-1"})
    assert sim.client.stats()["sent_twice"] == accepted


def test_a_status_can_overtake_the_answer(sim: SimulatorThread, business: Business) -> None:
    sim.client.fault(next=1, kind="late_answer", seconds=0.2)
    answer = business.send(text_to_ana())
    assert [s["id"] for s in business.statuses()] == [answer.json()["messages"][0]["id"]] * 2


def test_an_accepted_message_can_fail_later(sim: SimulatorThread, business: Business) -> None:
    sim.client.fault(next=1, kind="status:131026")
    assert business.send(text_to_ana()).status_code == 200
    (failed,) = business.until(business.statuses)
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131026)


def test_a_fault_can_be_aimed_drawn_and_cleared(sim: SimulatorThread, business: Business) -> None:
    sim.client.say(ANA, "hola")
    sim.client.fault(kind="500", probability=1.0, contact=DIGITS)
    assert business.send(text_to_ana()).status_code == 500
    assert business.send({**text_to_ana(), "to": "+5491100000009"}).status_code == 200
    sim.client.clear_faults()
    assert business.send(text_to_ana()).status_code == 200


@pytest.mark.parametrize(
    "order",
    [{}, {"kind": "fire"}, {"kind": "400:x"}, {"kind": "500", "next": 0}, {"duplicate": 2}, {"dupliate": 1},
     {"media": "x"}, {"kind": "200:5"}],
)  # fmt: skip
def test_a_wrong_fault_is_refused_whole(sim: SimulatorThread, order: Dict[str, Any]) -> None:
    before = sim.client.call("GET", "faults")
    with pytest.raises(SimulatorRefused):
        sim.client.call("POST", "faults", order)
    assert sim.client.call("GET", "faults") == before


# --- limits


def test_the_24_hour_window_can_be_enforced_at_once_or_later(sim: SimulatorThread, business: Business) -> None:
    sim.client.configure(enforce_window="answer")
    assert error_of(business.send(text_to_ana())) == 131047
    template = {"to": ANA, "type": "template", "template": {"name": "a", "language": {"code": "es"}}}
    assert business.send(template).status_code == 200
    sim.client.say(ANA, "hola", wait=True)
    assert business.send(text_to_ana()).status_code == 200
    sim.client.configure(enforce_window="status", clock_offset=25 * 3600.0)
    assert business.send(text_to_ana()).status_code == 200
    failed = business.until(lambda: [s for s in business.statuses() if s["status"] == "failed"])
    assert failed[0]["errors"][0]["code"] == 131047


def test_pair_and_number_limits_come_as_http_400(sim: SimulatorThread, business: Business) -> None:
    sim.client.configure(enforce_limits=True, pair_burst=3)
    answers = [business.send(text_to_ana()) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 400]
    assert error_of(answers[3]) == 131056
    sim.client.configure(number_per_second=3)
    assert error_of(business.send({**text_to_ana(), "to": "+5491100000009"})) == 130429


def test_the_counters_tell_the_most_in_any_second(sim: SimulatorThread, business: Business) -> None:
    for _ in range(5):
        business.send(text_to_ana())
    sim.client.say(ANA, "hola", wait=True)
    stats = sim.client.stats()
    number = stats["numbers"][NUMBER]
    assert (number["in"], number["out"], number["max_out_per_second"], number["max_per_second"]) == (1, 5, 5, 6)
    assert stats["max_to_one_person_in_6_seconds"] == 5
    business.until(lambda: sim.client.stats()["webhooks"]["answered_200"] == 11)
    assert sim.client.stats()["webhooks"]["p99_ms"] > 0


# --- log, contacts, restart


def test_the_log_can_be_waited_for(sim: SimulatorThread, business: Business) -> None:
    sent = sim.client.say(ANA, "hola", wait=True)
    with pytest.raises(NothingCame):
        sim.client.replies(ANA, sent["n"], within=0.1)
    business.send(text_to_ana())
    (reply,) = sim.client.replies(ANA, sent["n"])
    assert reply["view"]["text"] == "hi"
    assert sim.client.log("+5491100000009", since=0, wait=0.05, events=["out"]) == []


def test_a_restart_shows_the_history_again(business: Business, tmp_path: Path) -> None:
    with simulator(business, log_dir=tmp_path) as sim:
        business.graph = sim.url
        sim.client.put_contact(phone=ANA, name="Ana", role="supplier")
        sim.client.send(ANA, "image", wait=True)
        business.send(buttons(ANA, "Yes"))
        last = sim.client.log()[-1]["n"]
    with open(tmp_path / "log.jsonl", "a", encoding="utf-8") as file:
        file.write('{"n": 99, "torn')
    with simulator(business, log_dir=tmp_path) as sim:
        assert sim.client.contacts()[0]["role"] == "supplier"
        sim.client.tap(ANA, "Yes", wait=True)
        image = business.messages()[0]["image"]["id"]
        assert requests.get(f"{sim.url}/_sim/media/{image}", timeout=5).status_code == 200
        assert sim.client.log(since=last)[0]["n"] > last
        sim.client.reset()
        assert sim.client.log(ANA, events=["in", "out"]) == []
        assert sim.client.contacts()[0]["name"] == "Ana"


def test_events_stream_and_resume_after_the_last_one_seen(sim: SimulatorThread) -> None:
    first = sim.client.say(ANA, "one", wait=True)
    sim.client.say(ANA, "two", wait=True)
    with requests.get(
        f"{sim.url}/_sim/events", headers={"Last-Event-ID": str(first["n"])}, stream=True, timeout=5
    ) as stream:
        data = [line for line in _lines(stream, 6) if line.startswith("data:")]
    assert all(json.loads(line[5:])["n"] > first["n"] for line in data)
    assert any("two" in line for line in data)


def _lines(stream: requests.Response, events: int) -> Iterator[str]:
    for seen, line in enumerate(stream.iter_lines(decode_unicode=True)):
        yield line
        if seen >= events:
            return


def test_wrong_requests_are_told_why(sim: SimulatorThread) -> None:
    for path, body in [
        (f"contacts/{ANA}/send", {"type": "hologram"}),
        (f"contacts/{ANA}/send", {"type": "text"}),
        (f"contacts/{ANA}/send", {"type": "image", "data": "%%"}),
        (f"contacts/{ANA}/send", {"type": "text", "text": "x", "business": "1"}),
        ("contacts/12/send", {"type": "text", "text": "x"}),
        ("contacts", {"name": "nobody"}),
        ("templates", {"name": "a"}),
        ("config", {"app_secret": 5}),
        ("config", {"nothing": 5}),
    ]:
        with pytest.raises(SimulatorRefused, match="4[0-9][0-9]: "):
            sim.client.call("POST", path, body)


def test_another_sites_page_cannot_drive_the_phone(sim: SimulatorThread) -> None:
    answer = requests.post(f"{sim.url}/_sim/reset", headers={"Sec-Fetch-Site": "cross-site"}, timeout=5)
    assert answer.status_code == 403


def test_the_page_is_served_with_a_strict_policy(sim: SimulatorThread) -> None:
    for path in ("/", "/phone.js", "/phone.css", "/icon.svg"):
        answer = requests.get(sim.url + path, timeout=5)
        assert answer.status_code == 200
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


# --- what the page needs


def test_exchanges_are_kept_byte_for_byte_both_ways(sim: SimulatorThread, business: Business) -> None:
    said = sim.client.say(ANA, "hola", wait=True)
    sent = business.send({"to": DIGITS, "type": "text", "text": {"body": "¿qué tal?"}}).json()["messages"][0]["id"]
    posted = sim.client.call("GET", "wire", id=said["id"])["exchanges"]
    assert [(e["direction"], e["about"], e["http"], e["contacts"]) for e in posted] == [
        ("webhook", "message text", 200, [DIGITS])
    ]
    assert posted[0]["body"] == json.loads(business.posts[0][1])
    assert posted[0]["headers"]["X-Hub-Signature-256"] == signature(business.posts[0][1])
    business.until(lambda: [s for s in business.statuses() if s["status"] == "delivered"])
    told = business.until(lambda: sim.client.call("GET", "wire", id=sent)["exchanges"][2:]) and sim.client.call(
        "GET", "wire", id=sent
    )
    call, *statuses = told["exchanges"]
    assert (call["direction"], call["about"], call["http"]) == ("call", "send text", 200)
    assert call["body"]["text"] == {"body": "¿qué tal?"} and call["answer"]["messages"][0]["id"] == sent
    assert [status["about"] for status in statuses] == ["status sent", "status delivered"]
    assert TOKEN not in json.dumps(told)
    assert sim.client.call("GET", "wire", since=told["last"])["exchanges"] == []
    assert sim.client.call("GET", "wire", contact="5491100000001")["exchanges"] == []


def test_calls_that_get_no_answer_and_files_are_kept_too(sim: SimulatorThread, business: Business) -> None:
    sim.client.fault(kind="disconnect")
    with pytest.raises(requests.ConnectionError):
        business.send({"to": DIGITS, "type": "text", "text": {"body": "x"}})
    business.upload(b"\x89PNG" + bytes(60), "image/png")
    business.send({"to": DIGITS, "type": "text", "text": {"body": "x"}}, token="wrong")
    cut, upload, refused = sim.client.call("GET", "wire")["exchanges"]
    assert (cut["http"], cut["error"]) == (0, "no answer, as ordered")
    assert (upload["about"], upload["body"]) == ("upload a file", "(64 bytes of image/png)")
    assert (refused["http"], refused["answer"]["error"]["code"]) == (401, 190)


def test_exchanges_can_be_waited_for(sim: SimulatorThread) -> None:
    began = time.monotonic()
    assert sim.client.call("GET", "wire", wait=0.2)["exchanges"] == []
    assert time.monotonic() - began >= 0.2
    sim.client.say(ANA, "hola", delay=0.2)
    assert len(sim.client.call("GET", "wire", wait=10)["exchanges"]) == 1


def test_webhooks_can_be_delayed(sim: SimulatorThread, business: Business) -> None:
    sim.client.fault(delay_seconds=0.3)
    began = time.monotonic()
    sim.client.say(ANA, "hola", wait=True)
    assert time.monotonic() - began >= 0.3


def test_one_order_can_be_taken_back(sim: SimulatorThread) -> None:
    sim.client.fault(kind="500", next=5)
    first, second = sim.client.fault(kind="429", next=5)["orders"]
    assert sim.client.call("DELETE", f"faults/{first['number']}")["orders"] == [second]
    with pytest.raises(SimulatorRefused, match="no order"):
        sim.client.call("DELETE", f"faults/{first['number']}")
    assert [e["faults"]["orders"] for e in sim.client.log(events=["faults"])][-1] == [second]


def test_a_reply_tells_who_wrote_what_it_quotes(sim: SimulatorThread, business: Business) -> None:
    own = sim.client.say(ANA, "one", wait=True)["id"]
    theirs = business.send({"to": DIGITS, "type": "text", "text": {"body": "two"}}).json()["messages"][0]["id"]
    sim.client.say(ANA, "three", reply_to=own, wait=True)
    sim.client.say(ANA, "four", reply_to=theirs, wait=True)
    assert [m.get("context") for m in business.messages()] == [
        None,
        {"from": DIGITS, "id": own},
        {"from": "15552242922", "id": theirs},
    ]


def test_replays_are_passed_on_to_whoever_plays_them(sim: SimulatorThread, business: Business) -> None:
    with pytest.raises(SimulatorRefused, match="404: Nobody"):
        sim.client.call("GET", "replay/conversations")
    sim.client.configure(replay_url="http://127.0.0.1:1")
    with pytest.raises(SimulatorRefused, match="503"):
        sim.client.call("POST", "replay/runs", {"file": "a.yml"})
    business.files["/conversations"] = ("application/json", b'{"files": []}')
    sim.client.configure(replay_url=business.url)
    assert sim.client.call("GET", "replay/conversations") == {"files": []}
