"""Every table of Mostrador, in the order in which a message meets them.

Instants are ``timestamptz``; queues carry ``due_at``, ``claim`` and ``lease_until`` and are claimed with
FOR UPDATE SKIP LOCKED. Business time is written by the caller's Clock, never by the server.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata = MetaData()
Instant = TIMESTAMP(timezone=True)

# --- people -----------------------------------------------------------------------------------------------------------

contact = Table(
    "contact",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", String(8)),  # chosen or detected; empty until known
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("created_at", Instant, nullable=False),
)

contact_alias = Table(  # the ids under which the outside knows a contact
    "contact_alias",
    metadata,
    Column("kind", String(8), nullable=False),  # wa_id | bsuid | e164
    Column("value", Text, nullable=False),
    Column("contact_id", ForeignKey("contact.id"), nullable=False, index=True),
    Column("raw", Text, nullable=False, server_default=""),  # e164: the digits as first written
    PrimaryKeyConstraint("kind", "value"),
)

contact_role = Table(
    "contact_role",
    metadata,
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("role", String(16), nullable=False),  # seller | customer | executive | administrator
    Column("supplier_id", Integer, nullable=False, server_default="0"),  # 0 where the role has none
    PrimaryKeyConstraint("contact_id", "role", "supplier_id"),
)
Index("contact_role_supplier", contact_role.c.supplier_id)

consent = Table(  # append-only; the newest row of a contact and topic counts
    "consent",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("topic", String(32), nullable=False),  # all | restock | nudges | …
    Column("granted", Boolean, nullable=False),
    Column("source", Text, nullable=False),  # chat | import | provider | interakt
    Column("effect_key", Text, unique=True),
    Column("at", Instant, nullable=False),
)
Index("consent_newest", consent.c.contact_id, consent.c.topic, consent.c.id)

contact_preference = Table(  # hours in which a contact wants to be written to first, in their own time zone
    "contact_preference",
    metadata,
    Column("contact_id", ForeignKey("contact.id"), primary_key=True),
    Column("notify_from", SmallInteger, nullable=False),  # minutes since midnight
    Column("notify_until", SmallInteger, nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("notify_from between 0 and 1439 and notify_until between 1 and 1440"),
)

# --- conversations ----------------------------------------------------------------------------------------------------

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(40), primary_key=True),  # opaque; Rasa's sender_id
    Column("contact_id", ForeignKey("contact.id"), nullable=False),
    Column("business_number", Text, nullable=False),  # the provider's phone_number_id
    Column("owner", String(8), nullable=False, server_default="bot"),  # bot | queued | human
    Column("owner_name", Text, nullable=False, server_default=""),
    Column("owner_since", Instant),
    Column("last_human_at", Instant),  # the person's newest own time stamp: session and 24-hour window
    Column("session_last_at", Instant),  # own time stamp of the last message that was answered
    Column("session_turns", Integer, nullable=False, server_default="0"),
    Column("open_form", String(64), nullable=False, server_default=""),  # the form that waits for an answer
    Column("pair_paid_until", Instant),  # GCRA: the pair limit is spent up to here
    Column("blocked_until", Instant),  # hold this recipient (131056)
    Column("tracker_seq", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("contact_id", "business_number"),
    CheckConstraint("owner in ('bot', 'queued', 'human')"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("provider_id", Text, nullable=False, unique=True),
    Column("conversation_id", ForeignKey("conversation.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("message", JSONB, nullable=False),  # text, reply_id, reply_to, media and the provider's payload
    Column("status", String(8), nullable=False, server_default="new"),  # new | done | kept (no turn)
    Column("turn_id", Text),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("waits", SmallInteger, nullable=False, server_default="0"),  # put off by an outage
    Column("due_at", Instant, nullable=False),
    Column("error", Text),
    Column("closed_at", Instant),
)
Index("inbox_open", inbox.c.conversation_id, inbox.c.sent_at, inbox.c.id, postgresql_where=inbox.c.status == "new")
Index("inbox_due", inbox.c.due_at, postgresql_where=inbox.c.status == "new")
Index("inbox_recent", inbox.c.received_at)

turn = Table(
    "turn",
    metadata,
    Column("id", Text, primary_key=True),  # the provider id of its first message
    Column("conversation_id", ForeignKey("conversation.id"), nullable=False),
    Column("members", JSONB, nullable=False),  # provider ids, in the person's order
    Column("outcome", String(12), nullable=False),  # answered | apologised
    Column("intent", Text),
    Column("confidence", Float),
    Column("explain", JSONB),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
)
Index("turn_of_conversation", turn.c.conversation_id, turn.c.ended_at)
Index("turn_begun", turn.c.begun_at, postgresql_using="brin")

nlu_review = (
    Table(  # what people said of a turn of the view nlu_turn, which tells what was understood and what followed
        "nlu_review",
        metadata,
        Column("turn_id", ForeignKey("turn.id"), primary_key=True),
        Column("verdict", String(10), nullable=False),  # labelled | dismissed
        Column("label", Text),  # the intent it should have had
        Column("language", String(8), nullable=False),
        Column("sentence", Text, nullable=False),  # as it went into the training files; empty when dismissed
        Column("file", Text, nullable=False, server_default=""),
        Column("reviewer", Text, nullable=False),
        Column("at", Instant, nullable=False),
        CheckConstraint("verdict in ('labelled', 'dismissed') and (verdict = 'labelled') = (label is not null)"),
    )
)

tracker_event = Table(
    "tracker_event",
    metadata,
    Column("conversation_id", String(255), nullable=False),  # also rasa shell's free sender ids
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("event", JSONB, nullable=False),
    PrimaryKeyConstraint("conversation_id", "seq"),
)
Index(
    "tracker_session_start",
    tracker_event.c.conversation_id,
    tracker_event.c.seq,
    postgresql_where=tracker_event.c.type == "session_started",
)

effect = Table(  # what a use case has done for a turn; inserted first in the effect's own transaction
    "effect",
    metadata,
    Column("key", Text, primary_key=True),  # turn id | use case | target
    Column("outcome", JSONB),
    Column("at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id"), nullable=False),
    Column("dedup_key", Text, nullable=False, unique=True),  # turn id and part, or notification and part
    Column("turn_id", Text),
    Column("part", SmallInteger, nullable=False, server_default="0"),
    Column("speaker", String(8), nullable=False),  # bot | human | system
    Column("urgency", SmallInteger, nullable=False),  # 0 reply, 1 notification, 2 campaign
    Column("topic", String(32), nullable=False, server_default=""),  # consent topic; empty for replies
    Column("say", JSONB, nullable=False),
    Column("slice", SmallInteger, nullable=False, server_default="0"),  # which of the messages that ``say`` becomes
    Column("status", String(10), nullable=False, server_default="queued"),
    # queued → sending → accepted → sent → delivered → read; failed, dropped (never sent on purpose), unknown, held
    Column("provider_id", Text, unique=True),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("resends", SmallInteger, nullable=False, server_default="0"),  # after an unknown outcome
    Column("due_at", Instant, nullable=False),
    Column("claim", Text),
    Column("lease_until", Instant),
    Column("error_code", Integer),
    Column("error", Text),
    Column("judged", Boolean, nullable=False, server_default=text("false")),  # what follows from its failure was done
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("status_at", Instant),
)
Index(
    "outbox_open",
    outbox.c.conversation_id,
    outbox.c.urgency,
    outbox.c.id,
    postgresql_where=outbox.c.status.in_(("queued", "sending", "unknown")),
)
Index("outbox_due", outbox.c.due_at, postgresql_where=outbox.c.status.in_(("queued", "sending", "unknown")))
Index("outbox_turn", outbox.c.turn_id)
Index("outbox_accepted", outbox.c.conversation_id, outbox.c.sent_at, postgresql_where=outbox.c.status == "accepted")
Index(
    "outbox_unjudged",
    outbox.c.id,
    postgresql_where=(outbox.c.status == "failed") & (outbox.c.judged == false()),
)

delivery_report = Table(  # every status webhook once; some come before our send has its answer
    "delivery_report",
    metadata,
    Column("provider_id", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("outbox_id", BigInteger),
    Column("error_code", Integer),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("provider_id", "status"),
)

manual_task = Table(
    "manual_task",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("conversation_id", ForeignKey("conversation.id")),
    Column("kind", String(24), nullable=False),  # handover | failed_turn | failed_send | account
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("dedup_key", Text, unique=True),
    Column("status", String(8), nullable=False, server_default="open"),  # open | taken | done
    Column("taken_by", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
)

media_file = Table(  # a file that a person sent, fetched from the provider while it still has it
    "media_file",
    metadata,
    Column("media_id", Text, primary_key=True),
    Column("inbox_provider_id", Text, nullable=False),
    Column("business_number", Text, nullable=False),
    Column("status", String(8), nullable=False, server_default="new"),  # new | kept | refused
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("due_at", Instant, nullable=False),
    Column("mime_type", Text, nullable=False, server_default=""),
    Column("sha256", String(64)),
    Column("size", BigInteger),
    Column("path", Text),  # below the var directory
    Column("error", Text),
    Column("at", Instant, nullable=False),
)
Index("media_file_due", media_file.c.due_at, postgresql_where=media_file.c.status == "new")

# --- goods ------------------------------------------------------------------------------------------------------------

variation = Table(  # a SKU: what a supplier restocks
    "variation",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("supplier_id", Integer, nullable=False),
    Column("product_id", Integer, nullable=False),
    Column("style_id", Text, nullable=False),  # the feed's style id / VPID
    Column("variation_name", Text, nullable=False),
    Column("catalog_id", Integer, nullable=False),
    Column("catalog_name", Text, nullable=False),
    Column("picture", Text, nullable=False, server_default=""),  # path below the public URL, or a URL
    Column("withdrawn", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("supplier_id", "product_id", "style_id", "variation_name"),
)
Index("variation_product", variation.c.supplier_id, variation.c.product_id)

inventory = Table(  # the inventory service's own table, when it is ours
    "inventory_product_inventory",
    metadata,
    Column("variation_id", ForeignKey("variation.id"), primary_key=True),
    Column("quantity", Integer, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", Text, nullable=False),  # the source of the last change
    CheckConstraint("quantity >= 0"),
)

inventory_log = Table(  # every change of stock; stock = sum of delta
    "inventory_product_inventory_log_v2",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("variation_id", ForeignKey("variation.id"), nullable=False),
    Column("supplier_id", Integer, nullable=False),
    Column("product_id", Integer, nullable=False),
    Column("style_id", Text, nullable=False),
    Column("variation_name", Text, nullable=False),
    Column("quantity_before", Integer, nullable=False),
    Column("delta", Integer, nullable=False),
    Column("quantity_after", Integer, nullable=False),
    Column("source", Text, nullable=False),  # Whatsapp_chatbot for every change made by chat
    Column("contact_id", BigInteger),
    Column("effect_key", Text, unique=True),
    Column("undoes", BigInteger, unique=True),  # the log row that this one takes back
    Column("at", Instant, nullable=False),
    CheckConstraint("quantity_before + delta = quantity_after"),
)
Index("inventory_log_of_variation", inventory_log.c.variation_id, inventory_log.c.id)
Index("inventory_log_of_contact", inventory_log.c.contact_id, inventory_log.c.id)

sale = Table(  # one line of an order, enough to compute what sells
    "sale",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("variation_id", ForeignKey("variation.id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("sold_at", Instant, nullable=False),
)
Index("sale_of_variation", sale.c.variation_id, sale.c.sold_at)

# --- recommendations --------------------------------------------------------------------------------------------------

recommendation_snapshot = Table(
    "recommendation_snapshot",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("kind", String(12), nullable=False),  # out_of_stock | low_stock
    Column("source_key", Text, nullable=False),  # what was loaded: path or bucket key, ETag and size
    Column("state", String(8), nullable=False),  # staged | current | old | failed | dropped
    Column("row_count", BigInteger, nullable=False, server_default="0"),
    Column("report", JSONB),
    Column("created_at", Instant, nullable=False),
    Column("published_at", Instant),
    Column("retired_at", Instant),
)
Index(
    "one_current_snapshot",
    recommendation_snapshot.c.kind,
    unique=True,
    postgresql_where=recommendation_snapshot.c.state == "current",
)

recommendation = Table(
    "recommendation",
    metadata,
    Column("snapshot_id", BigInteger, nullable=False),
    Column("supplier_id", Integer, nullable=False),
    Column("product_id", Integer, nullable=False),
    Column("style_id", Text, nullable=False),
    Column("variation_name", Text, nullable=False),
    Column("catalog_id", Integer, nullable=False),
    Column("catalog_name", Text, nullable=False),
    Column("sorting_score", Integer, nullable=False),
    Column("current_stock", Integer),  # low stock
    Column("days_on_hand", Integer),  # low stock
    Column("estimated_order_loss", Integer),  # out of stock
    Column("row_no", BigInteger, nullable=False),
    postgresql_partition_by="LIST (snapshot_id)",
)

rejection = Table(
    "rejection",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("variation_id", ForeignKey("variation.id"), nullable=False),
    Column("supplier_id", Integer, nullable=False),
    Column("contact_id", BigInteger),
    Column("reason", Text, nullable=False),  # not_made | no_material | … | other
    Column("words", Text, nullable=False, server_default=""),  # the person's own, when there are any
    Column("details", JSONB, nullable=False, server_default="{}"),  # the SKU as it was: keys, names, stock, list
    Column("effect_key", Text, unique=True),
    Column("at", Instant, nullable=False),
    Column("lifted_at", Instant),  # taken back; empty while in force
)
Index(
    "rejection_in_force",
    rejection.c.variation_id,
    unique=True,
    postgresql_where=rejection.c.lifted_at.is_(None),
)

recommendation_mute = Table(  # not now: a SKU or a whole catalogue of a supplier, for a time
    "recommendation_mute",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("supplier_id", Integer, nullable=False),
    Column("variation_id", ForeignKey("variation.id")),
    Column("catalog_id", Integer),
    Column("contact_id", BigInteger),
    Column("until", Instant),  # empty = until the person says so
    Column("effect_key", Text, unique=True),
    Column("at", Instant, nullable=False),
    Column("lifted_at", Instant),
    CheckConstraint("(variation_id is null) <> (catalog_id is null)"),
)
Index(
    "recommendation_mute_in_force",
    recommendation_mute.c.supplier_id,
    postgresql_where=recommendation_mute.c.lifted_at.is_(None),
)

recommendation_event = Table(  # adoption is measured from these
    "recommendation_event",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("variation_id", ForeignKey("variation.id"), nullable=False),
    Column("supplier_id", Integer, nullable=False),
    Column("snapshot_id", BigInteger),
    Column("kind", String(12), nullable=False),
    Column("event", String(16), nullable=False),  # shown | updated | undone | rejected | muted | restored
    Column("effect_key", Text),
    Column("at", Instant, nullable=False),
    UniqueConstraint("effect_key", "variation_id", "event"),
)
