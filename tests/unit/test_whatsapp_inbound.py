import copy
import json
from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mostrador.channels.whatsapp_inbound import WrongShape, parse
from mostrador.shop.messages import Delivery, Kind, Sender
from mostrador.shop.received import Batch

NUMBER, OTHER_NUMBER = "106540352242922", "106540352242923"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
SENT = datetime(2026, 11, 22, 11, 59, 30, tzinfo=timezone.utc)
STAMP = str(int(SENT.timestamp()))
WA_ID, BSUID = "16505551234", "US.13491208655302741918"
CONTACT = {"profile": {"name": "Pablo"}, "wa_id": WA_ID, "user_id": BSUID}


def message(kind="text", **content):
    content = content or {"text": {"body": "hola"}}
    base = {"from": WA_ID, "from_user_id": BSUID, "id": "wamid.A1=", "timestamp": STAMP, "type": kind}
    return {**base, **content}


def value(number=NUMBER, contacts=(CONTACT,), **content):
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
        **({"contacts": list(contacts)} if contacts else {}),
        **content,
    }


def body(*values, field="messages"):
    changes = [{"field": field, "value": v} for v in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": changes}]}


def read(*values, field="messages") -> Batch:
    return parse(body(*values, field=field), {NUMBER}, NOW)


def one(raw, **more):
    batch = read(value(messages=[raw], **more))
    assert len(batch.messages) == 1
    return batch.messages[0]


def test_a_text_is_read_with_its_sender_time_and_number():
    got = one(message())
    assert (got.kind, got.text, got.sent_at, got.business_number) == (Kind.TEXT, "hola", SENT, NUMBER)
    assert got.sender == Sender(WA_ID, BSUID, "Pablo")
    assert got.provider_id == "wamid.A1="


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker"])
def test_every_kind_of_file_is_read(kind):
    part = {"id": "555", "mime_type": "x/y", "sha256": "abc=", "caption": "/restart", "filename": "../a.pdf"}
    got = one(message(kind, **{kind: part}))
    assert got.kind.value == kind
    assert got.text == "/restart"
    assert (got.media.media_id, got.media.mime_type, got.media.sha256) == ("555", "x/y", "abc=")


@pytest.mark.parametrize(
    "raw, reply_id, text",
    [
        (
            message(
                "interactive",
                context={"from": "1", "id": "wamid.Q"},
                interactive={"type": "button_reply", "button_reply": {"id": "abc.x", "title": "Yes"}},
            ),
            "abc.x",
            "Yes",
        ),
        (
            message(
                "interactive",
                interactive={"type": "list_reply", "list_reply": {"id": "r1", "title": "Red", "description": "d"}},
            ),
            "r1",
            "Red",
        ),
        (message("button", button={"payload": "P", "text": "Stop"}), "P", "Stop"),
    ],
)
def test_taps_are_read_with_and_without_context(raw, reply_id, text):
    got = one(raw)
    assert (got.kind, got.reply_id, got.text) == (Kind.TAP, reply_id, text)
    assert got.reply_to == raw.get("context", {}).get("id", "")


@pytest.mark.parametrize("response", ['{"a": 1}', "[1, 2]", '{"broken', "", None])
def test_a_flow_answer_is_kept_whatever_its_json(response):
    reply = {"name": "flow", "body": "Sent", "response_json": response}
    got = one(message("interactive", interactive={"type": "nfm_reply", "nfm_reply": reply}))
    assert got.kind is Kind.FLOW
    assert got.payload["interactive"]["nfm_reply"]["response_json"] == response


def test_an_interactive_message_without_its_object_is_kept():
    error = {"code": 131000, "title": "Something went wrong"}
    batch = read(value(messages=[message("interactive", context={"id": "wamid.Q"})], errors=[error]))
    assert batch.messages[0].kind is Kind.OTHER
    assert any("131000" in problem for problem in batch.problems)


@pytest.mark.parametrize("reaction", [{"emoji": "👍"}, {"emoji": ""}, {}])
def test_a_reaction_is_read_with_and_without_emoji(reaction):
    got = one(message("reaction", reaction={"message_id": "wamid.Q", **reaction}))
    assert (got.kind, got.reply_to, got.text) == (Kind.REACTION, "wamid.Q", reaction.get("emoji", ""))


def test_orders_places_contacts_edits_and_revokes_are_read():
    order = {"catalog_id": "1", "text": "please", "product_items": [{"product_retailer_id": "S", "quantity": 1}]}
    assert one(message("order", order=order)).text == "please"
    assert one(message("location", location={"latitude": 1.5, "longitude": -2})).kind is Kind.LOCATION
    assert one(message("contacts", contacts=[{"phones": [{"phone": "+1"}]}])).kind is Kind.CONTACTS
    assert one(message("edit", edit={"original_message_id": "wamid.O"})).reply_to == "wamid.O"
    assert one(message("revoke", revoke={"original_message_id": "wamid.O"})).kind is Kind.REVOKE
    assert one(message("unsupported", errors=[{"code": 131051}])).kind is Kind.UNSUPPORTED
    assert one(message("hologram", hologram={})).kind is Kind.OTHER


def test_a_person_without_phone_is_known_by_user_id():
    raw = message()
    del raw["from"]
    got = one(raw, contacts=[{"profile": {"name": "P", "username": "p"}, "user_id": BSUID}])
    assert got.sender == Sender("", BSUID, "P")


def test_missing_contacts_and_missing_profile_do_no_harm():
    assert one(message(), contacts=()).sender == Sender(WA_ID, BSUID)
    assert one(message(), contacts=[{"wa_id": WA_ID}]).sender == Sender(WA_ID, BSUID)


def test_names_are_never_mixed_up_between_two_people():
    second = {"profile": {"name": "Ana"}, "wa_id": "16505559999", "user_id": "US.2"}
    mine, hers = message(), message(id="wamid.B", text={"body": "x"})
    hers.update({"from": "16505559999", "id": "wamid.B"})
    del hers["from_user_id"]
    batch = read(value(messages=[mine, hers], contacts=[second, CONTACT]))
    assert [m.sender.profile_name for m in batch.messages] == ["Pablo", "Ana"]
    assert batch.messages[1].sender.bsuid == "US.2"


def test_everything_of_a_batch_is_read_though_one_item_is_broken():
    good = [message(), {**message(), "id": "wamid.B"}]
    statuses = [
        {"id": "wamid.O1", "status": "sent", "timestamp": STAMP, "biz_opaque_callback_data": "17"},
        "not an object",
        {"id": "wamid.O2", "status": "failed", "timestamp": STAMP, "errors": [{"code": 131026, "title": "T"}]},
        {"id": "wamid.O3", "status": "warmed", "timestamp": STAMP},
    ]
    batch = read(
        value(messages=[good[0], {"id": None, "type": 3}, good[1]]),
        value(statuses=statuses),
        value(OTHER_NUMBER, messages=[{**message(), "id": "wamid.C"}]),
    )
    assert [m.provider_id for m in batch.messages] == ["wamid.A1=", "wamid.B"]
    assert [(r.provider_id, r.status, r.outbox_id, r.error_code) for r in batch.reports] == [
        ("wamid.O1", Delivery.SENT, "17", None),
        ("wamid.O2", Delivery.FAILED, "", 131026),
    ]
    assert len(batch.problems) == 3


def test_two_business_numbers_of_ours_are_told_apart():
    values = value(messages=[message()]), value(OTHER_NUMBER, messages=[{**message(), "id": "wamid.C"}])
    batch = parse(body(*values), {NUMBER, OTHER_NUMBER}, NOW)
    assert [m.business_number for m in batch.messages] == [NUMBER, OTHER_NUMBER]


@pytest.mark.parametrize(
    "raw",
    [
        {**message(), "timestamp": "soon"},
        {**message(), "timestamp": None},
        {**message(), "timestamp": "1700000000000"},
        {**message(), "type": None},
        {**message(), "text": "hola"},
        {**message(), "text": {"body": 7}},
        message("image", image={"mime_type": "image/png"}),
        message("location", location={"latitude": "x"}),
        message("contacts", contacts={}),
    ],
)
def test_a_malformed_message_with_id_and_sender_is_kept_as_other(raw):
    batch = read(value(messages=[raw]))
    assert batch.messages[0].sender.wa_id == WA_ID
    assert batch.messages[0].kind in (Kind.OTHER, Kind(raw["type"]) if isinstance(raw["type"], str) else Kind.OTHER)
    assert batch.problems


@pytest.mark.parametrize("id_", [None, 5, "", "x" * 600, "wamid\n"])
def test_a_message_without_usable_id_is_a_problem(id_):
    batch = read(value(messages=[{**message(), "id": id_}]))
    assert not batch.messages and batch.problems


def test_problems_name_no_person():
    raw = {**message(), "timestamp": "soon"}
    batch = read(value(messages=[raw, {**message(), "id": ""}]), value("1", messages=[message()]))
    for problem in batch.problems:
        assert WA_ID not in problem and "Pablo" not in problem and "hola" not in problem


def test_what_the_database_cannot_hold_is_left_out():
    raw = message(text={"body": "a\x00b\ud800"}, extra=[float("nan"), float("inf"), {"\x00k": "\udfff"}])
    got = one(raw)
    assert got.text == "ab?"
    json.dumps(got.payload, allow_nan=False).encode()
    assert "\\u0000" not in json.dumps(got.payload)


def test_a_changed_number_is_a_change_of_identity():
    system = {"type": "user_changed_number", "body": "User A changed from 1 to 2", "wa_id": "16505550000"}
    raw = message("system", system=system)
    del raw["from_user_id"]
    batch = read(value(messages=[raw], contacts=()))
    assert batch.messages[0].kind is Kind.SYSTEM
    assert [(c.old, c.new) for c in batch.identity_changes] == [(Sender(WA_ID), Sender("16505550000"))]


@pytest.mark.parametrize("told", [{"from_user_id": BSUID}, {"previous": BSUID}, {}])
def test_a_changed_user_id_is_a_change_of_identity(told):
    system = {"type": "user_changed_user_id", "user_id": "US.NEW", "body": f"User A changed from {BSUID} to US.NEW"}
    raw = message("system", system=system)
    raw["from_user_id"] = told.get("from_user_id", "US.NEW")
    if "previous" in told:
        system["previous_user_id"] = told["previous"]
    del raw["from"]
    change = read(value(messages=[raw], contacts=())).identity_changes[0]
    assert (change.old.bsuid, change.new.bsuid) == (BSUID, "US.NEW")


def test_the_field_user_id_update_is_a_change_of_identity():
    update = {"wa_id": WA_ID, "user_id": {"previous": BSUID, "current": "US.NEW"}, "timestamp": STAMP}
    change = read(value(user_id_update=[update]), field="user_id_update").identity_changes[0]
    assert (change.old, change.new) == (Sender("", BSUID), Sender(WA_ID, "US.NEW"))


@pytest.mark.parametrize("word, granted", [("stop", False), ("resume", True)])
def test_marketing_preferences_are_read(word, granted):
    preference = {"wa_id": WA_ID, "category": "marketing_messages", "value": word, "timestamp": int(STAMP)}
    got = read(value(user_preferences=[preference]), field="user_preferences").preferences[0]
    assert (got.granted, got.sender.wa_id, got.at) == (granted, WA_ID, SENT)


def test_other_fields_are_left_alone():
    assert len(read({"event": "x"}, field="account_update")) == 0
    assert read({"event": "x"}, field="account_update").problems == []


@pytest.mark.parametrize(
    "wrong", [None, [], "x", 5, {}, {"object": "page", "entry": []}, {"object": "whatsapp_business_account"}]
)
def test_a_body_that_is_no_whatsapp_webhook_is_refused(wrong):
    with pytest.raises(WrongShape):
        parse(wrong, {NUMBER}, NOW)


REAL = [
    body(value(messages=[message(), message("image", image={"id": "5", "sha256": "x", "mime_type": "y"})])),
    body(value(messages=[message("interactive", interactive={"button_reply": {"id": "1", "title": "t"}})])),
    body(value(messages=[message("location", location={"latitude": 1, "longitude": 2})])),
    body(value(messages=[message("system", system={"type": "user_changed_number", "wa_id": "16505550000"})])),
    body(value(messages=[message("order", order={"product_items": [{"quantity": 1}]})])),
    body(value(statuses=[{"id": "w", "status": "failed", "timestamp": STAMP, "errors": [{"code": 1}]}])),
    body(value(user_id_update=[{"user_id": {"previous": BSUID, "current": "US.N"}}]), field="user_id_update"),
    body(value(user_preferences=[{"value": "stop", "timestamp": 1}]), field="user_preferences"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("\ud800\x00"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(node, path=()):
    yield path
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(child, (*path, key))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_mutation_of_a_real_webhook_raises_anything_but_wrong_shape(data):
    mutated = copy.deepcopy(data.draw(st.sampled_from(REAL)))
    for _ in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from([p for p in places(mutated) if p] or [()]))
        if not path:
            break
        parent = mutated
        for step in path[:-1]:
            parent = parent[step]
        if data.draw(st.booleans()):
            parent[path[-1]] = data.draw(ANYTHING)
        elif isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent.append(copy.deepcopy(parent[path[-1]]))
    try:
        batch = parse(mutated, {NUMBER}, NOW)
    except WrongShape:
        return
    for got in batch.messages:
        json.dumps(got.payload, allow_nan=False).encode()
        assert got.provider_id and (got.sender.wa_id or got.sender.bsuid)
        "".join((got.text, got.reply_id, got.reply_to, got.provider_id)).encode()


def test_a_body_nested_beyond_reason_is_read_without_its_depths():
    deep = {}
    for _ in range(500):
        deep = {"x": deep}
    got = one(message(text={"body": "hola"}, deep=deep))
    assert got.text == "hola"
    assert len(json.dumps(got.payload)) < 2000
