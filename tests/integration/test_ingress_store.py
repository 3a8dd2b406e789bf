"""What one webhook leaves in the database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from mostrador.shop.clock import SetClock
from mostrador.shop.messages import Delivery, DeliveryReport, IdentityChange, InboundMessage, Kind, Say, Sender
from mostrador.shop.received import Batch, MarketingPreference
from mostrador.storage import outbox
from mostrador.storage.contacts import SqlContacts
from mostrador.storage.engine import INBOX, Listener, connect
from mostrador.storage.inbox import InboxStore

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
NUMBER = "106540352242922"
ANA, ANA_ID = "5491122334455", "AR.1111111111"


@pytest.fixture()
def engine(database_url):
    made = connect(database_url, pool_size=8)
    yield made
    made.dispose()


@pytest.fixture()
def store(engine):
    return InboxStore(engine, SetClock(NOW))


def message(provider_id="wamid.1", wa_id=ANA, bsuid=ANA_ID, kind=Kind.TEXT, seconds=0, number=NUMBER, **more):
    sent_at = NOW + timedelta(seconds=seconds)
    sender = Sender(wa_id, bsuid, "Ana")
    return InboundMessage(provider_id, number, kind, sent_at, sender, **{"text": "hola", "payload": {"a": 1}, **more})


def receive(store, *messages):
    return store.receive(Batch(messages=list(messages)))


def rows(engine, query, **values):
    with engine.connect() as connection:
        return connection.execute(text(query), values).all()


def one(engine, query, **values):
    return rows(engine, query, **values)[0][0]


def test_a_message_makes_a_contact_a_conversation_and_an_open_inbox_row(engine, store):
    assert receive(store, message(reply_id="x.y", reply_to="wamid.0")) == 1
    (row,) = rows(
        engine, "select i.*, c.last_human_at, c.owner from inbox i join conversation c on c.id = conversation_id"
    )
    assert (row.status, row.kind, row.sent_at, row.received_at, row.due_at) == ("new", "text", NOW, NOW, NOW)
    assert row.message == {"text": "hola", "reply_id": "x.y", "reply_to": "wamid.0", "payload": {"a": 1}}
    assert (row.last_human_at, row.owner, len(row.conversation_id)) == (NOW, "bot", 32)
    aliases = {(r.kind, r.value) for r in rows(engine, "select * from contact_alias")}
    assert aliases == {("wa_id", ANA), ("bsuid", ANA_ID), ("e164", "+" + ANA)}
    assert one(engine, "select name from contact") == "Ana"


def test_the_same_message_again_and_regrouped_is_stored_once(engine, store):
    assert receive(store, message("wamid.1")) == 1
    assert receive(store, message("wamid.2"), message("wamid.1"), message("wamid.1")) == 1
    assert one(engine, "select count(*) from inbox") == 2


def test_a_message_wakes_the_dispatcher_with_its_conversation_and_a_silent_one_does_not(engine, store, database_url):
    listener = Listener(database_url, [INBOX])
    listener.wait(0)
    receive(store, message("wamid.1"), message("wamid.2"))
    assert listener.wait(2) == [one(engine, "select id from conversation")]
    receive(store, message("wamid.3", kind=Kind.REACTION), message("wamid.1"))
    assert listener.wait(0.1) == []
    listener.close()


@pytest.mark.parametrize("kind", [Kind.REACTION, Kind.SYSTEM, Kind.EDIT, Kind.REVOKE])
def test_silent_kinds_are_kept_without_a_turn(engine, store, kind):
    receive(store, message(kind=kind))
    assert one(engine, "select status from inbox") == "kept"


def test_the_window_counts_from_the_newest_own_time_stamp_also_of_a_reaction(engine, store):
    receive(store, message("wamid.1", seconds=-10))
    receive(store, message("wamid.2", seconds=-60))
    assert one(engine, "select last_human_at from conversation") == NOW - timedelta(seconds=10)
    receive(store, message("wamid.3", seconds=-5, kind=Kind.REACTION), message("wamid.4", kind=Kind.SYSTEM))
    assert one(engine, "select last_human_at from conversation") == NOW - timedelta(seconds=5)


def test_each_business_number_has_its_own_conversation_with_the_same_contact(engine, store):
    receive(store, message("wamid.1"), message("wamid.2", number="2"))
    assert one(engine, "select count(*) from contact") == 1
    assert one(engine, "select count(*) from conversation") == 2


def test_a_person_stays_the_same_when_the_phone_goes_missing_and_comes_back(engine, store):
    receive(store, message("wamid.1"))
    receive(store, message("wamid.2", wa_id=""))
    receive(store, message("wamid.3", bsuid=""))
    assert one(engine, "select count(*) from contact") == 1
    assert one(engine, "select count(distinct conversation_id) from inbox") == 1


def test_an_imported_number_is_recognised_in_any_of_its_forms(engine, store):
    with engine.begin() as connection:
        person = SqlContacts(connection).identify(Sender(wa_id="5215512345678"), NOW)
        SqlContacts(connection)._give_up(person, "wa_id")
        connection.execute(text("delete from contact_alias where kind <> 'e164'"))
    receive(store, message(wa_id="525512345678", bsuid="MX.1"))
    assert one(engine, "select contact_id from conversation") == person


def test_two_contacts_that_prove_to_be_one_become_the_older_and_lose_nothing(engine, store):
    receive(store, message("wamid.1", bsuid=""))
    receive(store, message("wamid.2", wa_id=""))
    assert one(engine, "select count(distinct conversation_id) from inbox") == 2
    with engine.begin() as connection:
        younger = one(engine, "select max(id) from contact")
        SqlContacts(connection).record_consent(younger, "all", False, "chat", "k", NOW)
        connection.execute(text("insert into contact_role values (:id, 'seller', 7)"), {"id": younger})
    receive(store, message("wamid.3"))
    assert one(engine, "select count(distinct contact_id) from contact_alias") == 1
    older = one(engine, "select min(id) from contact")
    assert one(engine, "select contact_id from contact_role") == older
    assert one(engine, "select contact_id from consent") == older
    assert one(engine, "select count(distinct conversation_id) from inbox where status = 'new'") == 1


def test_a_conversation_that_only_the_younger_had_goes_on_under_the_older(engine, store):
    with engine.begin() as connection:
        older = SqlContacts(connection).identify(Sender(wa_id=ANA), NOW)
    receive(store, message("wamid.1", wa_id=""))
    receive(store, message("wamid.2"))
    (talk,) = rows(engine, "select id, contact_id from conversation")
    assert talk.contact_id == older
    assert one(engine, "select count(*) from inbox where conversation_id = :id", id=talk.id) == 2


def test_a_number_that_moved_to_another_person_moves_without_the_account(engine, store):
    receive(store, message("wamid.1"))
    receive(store, message("wamid.2", wa_id="5491100000000", bsuid="AR.2"))
    receive(store, message("wamid.3", wa_id=ANA, bsuid="AR.2"))
    owners = {
        r.value: r.contact_id for r in rows(engine, "select * from contact_alias where kind in ('wa_id', 'bsuid')")
    }
    assert owners[ANA] == owners["AR.2"] != owners[ANA_ID]


def changed(store, old, new):
    store.receive(Batch(identity_changes=[IdentityChange(NUMBER, old, new)]))


def test_a_changed_number_keeps_the_conversation_and_the_old_number_is_sent_to_no_more(engine, store):
    receive(store, message("wamid.1"))
    changed(store, Sender(ANA), Sender("5491199999999", "AR.2222"))
    receive(store, message("wamid.2", wa_id="5491199999999", bsuid="AR.2222"))
    assert one(engine, "select count(*) from conversation") == 1
    live = {(r.kind, r.value) for r in rows(engine, "select * from contact_alias where kind in ('wa_id', 'e164')")}
    assert live == {("wa_id", "5491199999999"), ("e164", "+5491199999999")}


def test_a_late_message_from_the_old_number_is_still_theirs_but_its_next_owner_is_somebody_else(engine, store):
    receive(store, message("wamid.1"))
    changed(store, Sender(ANA, ANA_ID), Sender("5491199999999", "AR.2222"))
    receive(store, message("wamid.2"))
    receive(store, message("wamid.3", bsuid=""))
    assert one(engine, "select count(*) from contact") == 1
    assert one(engine, "select value from contact_alias where kind = 'wa_id'") == "5491199999999"
    receive(store, message("wamid.4", bsuid="AR.3333"))
    assert one(engine, "select count(*) from contact") == 2


def test_a_new_user_id_without_phone_ends_the_old_phone(engine, store):
    receive(store, message("wamid.1"))
    changed(store, Sender("", ANA_ID), Sender("", "AR.2222"))
    assert rows(engine, "select 1 from contact_alias where kind in ('wa_id', 'e164')") == []
    receive(store, message("wamid.2", wa_id="", bsuid="AR.2222"))
    assert one(engine, "select count(*) from conversation") == 1


def test_a_change_that_comes_after_the_first_message_under_the_new_id_joins_the_two(engine, store):
    receive(store, message("wamid.1"))
    receive(store, message("wamid.2", wa_id="5491199999999", bsuid="AR.2222"))
    assert one(engine, "select count(*) from contact") == 2
    changed(store, Sender(ANA, ANA_ID), Sender("5491199999999", "AR.2222"))
    changed(store, Sender(ANA, ANA_ID), Sender("5491199999999", "AR.2222"))
    receive(store, message("wamid.3", wa_id="5491199999999", bsuid="AR.2222"))
    assert one(engine, "select count(distinct conversation_id) from inbox where status = 'new'") == 1
    assert one(engine, "select value from contact_alias where kind = 'wa_id'") == "5491199999999"


def test_a_change_of_an_unknown_person_changes_nothing(engine, store):
    changed(store, Sender("", "AR.77777"), Sender("", "AR.88888"))
    assert rows(engine, "select 1 from contact") == []


def preference(granted, minutes=0):
    return Batch(preferences=[MarketingPreference(NUMBER, Sender(ANA), granted, NOW + timedelta(minutes=minutes))])


def has_consent(engine):
    with engine.connect() as connection:
        return SqlContacts(connection).has_consent(one(engine, "select id from contact"), "restock")


def test_stopping_marketing_at_the_provider_withdraws_consent_and_resuming_gives_it_back(engine, store):
    receive(store, message())
    with engine.begin() as connection:
        person = one(engine, "select id from contact")
        SqlContacts(connection).record_consent(person, "restock", True, "import", None, NOW - timedelta(days=9))
    assert has_consent(engine)
    store.receive(preference(False))
    store.receive(preference(False))
    assert not has_consent(engine)
    assert one(engine, "select count(*) from consent where source = 'provider'") == 1
    store.receive(preference(True, minutes=1))
    assert has_consent(engine)


def test_resuming_at_the_provider_does_not_undo_what_was_said_in_chat(engine, store):
    receive(store, message())
    with engine.begin() as connection:
        person = one(engine, "select id from contact")
        SqlContacts(connection).record_consent(person, "all", False, "chat", None, NOW)
    store.receive(preference(True, minutes=1))
    assert not has_consent(engine)


@pytest.fixture()
def sent(engine, store):
    """An outbox row that was given to the provider; returns its id."""

    def make(status="accepted", provider_id="wamid.O"):
        receive(store, message())
        with engine.begin() as connection:
            talk = one(engine, "select id from conversation")
            outbox.add(connection, talk, [(Say(text="x"), 1)], "bot", 0, f"k{provider_id}{status}", NOW)
            return connection.execute(
                text("update outbox set status = :s, provider_id = :p, claim = 'c', lease_until = :at returning id"),
                {"s": status, "p": provider_id, "at": NOW},
            ).scalar_one()

    return make


def report(status, provider_id="wamid.O", row_id=None, code=None):
    return DeliveryReport(provider_id, status, NOW, NUMBER, str(row_id or ""), code, "Undeliverable" if code else "")


def state(engine):
    return rows(engine, "select status, provider_id, claim, error_code, error from outbox")[0]


@pytest.mark.parametrize(
    "order",
    [
        [Delivery.SENT, Delivery.DELIVERED, Delivery.READ],
        [Delivery.READ, Delivery.DELIVERED, Delivery.SENT],
        [Delivery.FAILED, Delivery.DELIVERED, Delivery.READ],
        [Delivery.READ, Delivery.FAILED],
        [Delivery.PLAYED, Delivery.SENT],
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_statuses_only_rise_whatever_their_order(engine, store, sent, order, together):
    sent()
    reports = [report(s, code=131026 if s is Delivery.FAILED else None) for s in order]
    for batch in [reports] if together else [[r] for r in reports]:
        assert store.receive(Batch(reports=batch)) == len(batch)
    assert state(engine)[:2] == ("read", "wamid.O")
    assert one(engine, "select count(*) from delivery_report") == len(order)
    assert store.receive(Batch(reports=reports)) == 0


def test_delivered_beats_failed_in_both_orders_and_failed_keeps_its_reason(engine, store, sent):
    sent()
    store.receive(Batch(reports=[report(Delivery.FAILED, code=131026)]))
    assert state(engine)[3:] == (131026, "Undeliverable")
    store.receive(Batch(reports=[report(Delivery.DELIVERED)]))
    store.receive(Batch(reports=[report(Delivery.FAILED, code=131026)]))
    assert state(engine) == ("delivered", "wamid.O", None, None, None)


@pytest.mark.parametrize("status", ["sending", "unknown", "queued"])
def test_a_report_settles_a_send_whose_answer_never_came(engine, store, sent, status):
    row_id = sent(status, provider_id=None)
    store.receive(Batch(reports=[report(Delivery.SENT, "wamid.NEW", row_id)]))
    assert state(engine)[:3] == ("sent", "wamid.NEW", None)


def test_a_late_report_of_an_earlier_send_of_the_same_row_does_not_touch_the_newer(engine, store, sent):
    row_id = sent("accepted", "wamid.SECOND")
    store.receive(Batch(reports=[report(Delivery.FAILED, "wamid.FIRST", row_id, 131000)]))
    assert state(engine)[:2] == ("accepted", "wamid.SECOND")


def test_a_report_of_a_message_that_is_not_ours_is_kept_and_changes_nothing(engine, store, sent):
    sent()
    assert store.receive(Batch(reports=[report(Delivery.READ, "wamid.FOREIGN", 999_999_999_999)])) == 1
    assert state(engine)[0] == "accepted"


def test_overlapping_batches_in_many_threads_lose_and_double_nothing(engine, store):
    people = [(f"54911000000{n:02}", f"AR.90{n:02}") for n in range(6)]
    everything = [
        message(f"wamid.{p}.{n}", wa_id=wa_id, bsuid=bsuid if n % 2 else "", seconds=n)
        for p, (wa_id, bsuid) in enumerate(people)
        for n in range(6)
    ]

    def shuffled(seed):
        part = everything[seed % 5 :: 2] + everything[:: seed % 3 + 1]
        return part[::-1] if seed % 2 else part

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda seed: receive(store, *shuffled(seed)), range(24)))
        receive(store, *everything)
    assert one(engine, "select count(*) from inbox") == 36
    assert one(engine, "select count(*) from contact") == 6
    assert one(engine, "select count(*) from conversation") == 6


def test_one_item_that_the_database_refuses_does_not_keep_the_others_out(engine, store):
    refused = replace(message("wamid.bad"), payload={"k": "\x00"})
    with pytest.raises(Exception, match="unsupported Unicode"):
        receive(store, message("wamid.1"), refused, message("wamid.2"))
    assert {r.provider_id for r in rows(engine, "select provider_id from inbox")} == {"wamid.1", "wamid.2"}
