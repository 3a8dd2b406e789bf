CREATE TABLE contact (
    id BIGSERIAL NOT NULL,
    name TEXT DEFAULT '' NOT NULL,
    language VARCHAR(8),
    time_zone TEXT DEFAULT 'UTC' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE tracker_event (
    conversation_id VARCHAR(255) NOT NULL,
    seq BIGINT NOT NULL,
    type TEXT NOT NULL,
    event JSONB NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);

CREATE INDEX tracker_session_start ON tracker_event (conversation_id, seq) WHERE type = 'session_started';

CREATE TABLE effect (
    key TEXT NOT NULL,
    outcome JSONB,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (key)
);

CREATE TABLE delivery_report (
    provider_id TEXT NOT NULL,
    status VARCHAR(10) NOT NULL,
    outbox_id BIGINT,
    error_code INTEGER,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (provider_id, status)
);

CREATE TABLE media_file (
    media_id TEXT NOT NULL,
    inbox_provider_id TEXT NOT NULL,
    business_number TEXT NOT NULL,
    status VARCHAR(8) DEFAULT 'new' NOT NULL,
    tries SMALLINT DEFAULT '0' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    mime_type TEXT DEFAULT '' NOT NULL,
    sha256 VARCHAR(64),
    size BIGINT,
    path TEXT,
    error TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (media_id)
);

CREATE INDEX media_file_due ON media_file (due_at) WHERE status = 'new';

CREATE TABLE variation (
    id BIGSERIAL NOT NULL,
    supplier_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    style_id TEXT NOT NULL,
    variation_name TEXT NOT NULL,
    catalog_id INTEGER NOT NULL,
    catalog_name TEXT NOT NULL,
    picture TEXT DEFAULT '' NOT NULL,
    withdrawn BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (supplier_id, product_id, style_id, variation_name)
);

CREATE INDEX variation_product ON variation (supplier_id, product_id);

CREATE TABLE recommendation_snapshot (
    id BIGSERIAL NOT NULL,
    kind VARCHAR(12) NOT NULL,
    source_key TEXT NOT NULL,
    state VARCHAR(8) NOT NULL,
    row_count BIGINT DEFAULT '0' NOT NULL,
    report JSONB,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    retired_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX one_current_snapshot ON recommendation_snapshot (kind) WHERE state = 'current';

CREATE TABLE recommendation (
    snapshot_id BIGINT NOT NULL,
    supplier_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    style_id TEXT NOT NULL,
    variation_name TEXT NOT NULL,
    catalog_id INTEGER NOT NULL,
    catalog_name TEXT NOT NULL,
    sorting_score INTEGER NOT NULL,
    current_stock INTEGER,
    days_on_hand INTEGER,
    estimated_order_loss INTEGER,
    row_no BIGINT NOT NULL
)
 PARTITION BY LIST (snapshot_id);

CREATE TABLE contact_alias (
    kind VARCHAR(8) NOT NULL,
    value TEXT NOT NULL,
    contact_id BIGINT NOT NULL,
    raw TEXT DEFAULT '' NOT NULL,
    PRIMARY KEY (kind, value),
    FOREIGN KEY(contact_id) REFERENCES contact (id)
);

CREATE INDEX ix_contact_alias_contact_id ON contact_alias (contact_id);

CREATE TABLE contact_role (
    contact_id BIGINT NOT NULL,
    role VARCHAR(16) NOT NULL,
    supplier_id INTEGER DEFAULT '0' NOT NULL,
    PRIMARY KEY (contact_id, role, supplier_id),
    FOREIGN KEY(contact_id) REFERENCES contact (id)
);

CREATE INDEX contact_role_supplier ON contact_role (supplier_id);

CREATE TABLE consent (
    id BIGSERIAL NOT NULL,
    contact_id BIGINT NOT NULL,
    topic VARCHAR(32) NOT NULL,
    granted BOOLEAN NOT NULL,
    source TEXT NOT NULL,
    effect_key TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(contact_id) REFERENCES contact (id),
    UNIQUE (effect_key)
);

CREATE INDEX consent_newest ON consent (contact_id, topic, id);

CREATE TABLE conversation (
    id VARCHAR(40) NOT NULL,
    contact_id BIGINT NOT NULL,
    business_number TEXT NOT NULL,
    owner VARCHAR(8) DEFAULT 'bot' NOT NULL,
    owner_name TEXT DEFAULT '' NOT NULL,
    owner_since TIMESTAMP WITH TIME ZONE,
    last_human_at TIMESTAMP WITH TIME ZONE,
    session_last_at TIMESTAMP WITH TIME ZONE,
    session_turns INTEGER DEFAULT '0' NOT NULL,
    form_open BOOLEAN DEFAULT false NOT NULL,
    pair_paid_until TIMESTAMP WITH TIME ZONE,
    blocked_until TIMESTAMP WITH TIME ZONE,
    tracker_seq BIGINT DEFAULT '0' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (contact_id, business_number),
    CHECK (owner in ('bot', 'queued', 'human')),
    FOREIGN KEY(contact_id) REFERENCES contact (id)
);

CREATE TABLE inventory_product_inventory (
    variation_id BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (variation_id),
    CHECK (quantity >= 0),
    FOREIGN KEY(variation_id) REFERENCES variation (id)
);

CREATE TABLE inventory_product_inventory_log_v2 (
    id BIGSERIAL NOT NULL,
    variation_id BIGINT NOT NULL,
    supplier_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    style_id TEXT NOT NULL,
    variation_name TEXT NOT NULL,
    quantity_before INTEGER NOT NULL,
    delta INTEGER NOT NULL,
    quantity_after INTEGER NOT NULL,
    source TEXT NOT NULL,
    contact_id BIGINT,
    effect_key TEXT,
    undoes BIGINT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    CHECK (quantity_before + delta = quantity_after),
    FOREIGN KEY(variation_id) REFERENCES variation (id),
    UNIQUE (effect_key),
    UNIQUE (undoes)
);

CREATE INDEX inventory_log_of_variation ON inventory_product_inventory_log_v2 (variation_id, id);

CREATE INDEX inventory_log_of_contact ON inventory_product_inventory_log_v2 (contact_id, id);

CREATE TABLE sale (
    id BIGSERIAL NOT NULL,
    variation_id BIGINT NOT NULL,
    quantity INTEGER NOT NULL,
    sold_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(variation_id) REFERENCES variation (id)
);

CREATE INDEX sale_of_variation ON sale (variation_id, sold_at);

CREATE TABLE rejection (
    id BIGSERIAL NOT NULL,
    variation_id BIGINT NOT NULL,
    supplier_id INTEGER NOT NULL,
    contact_id BIGINT,
    reason TEXT NOT NULL,
    effect_key TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(variation_id) REFERENCES variation (id),
    UNIQUE (effect_key)
);

CREATE INDEX rejection_of_variation ON rejection (variation_id);

CREATE TABLE recommendation_event (
    id BIGSERIAL NOT NULL,
    variation_id BIGINT NOT NULL,
    supplier_id INTEGER NOT NULL,
    snapshot_id BIGINT,
    kind VARCHAR(12) NOT NULL,
    event VARCHAR(16) NOT NULL,
    effect_key TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (effect_key, variation_id, event),
    FOREIGN KEY(variation_id) REFERENCES variation (id)
);

CREATE TABLE inbox (
    id BIGSERIAL NOT NULL,
    provider_id TEXT NOT NULL,
    conversation_id VARCHAR(40) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    message JSONB NOT NULL,
    status VARCHAR(8) DEFAULT 'new' NOT NULL,
    turn_id TEXT,
    tries SMALLINT DEFAULT '0' NOT NULL,
    waits SMALLINT DEFAULT '0' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    error TEXT,
    closed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (provider_id),
    FOREIGN KEY(conversation_id) REFERENCES conversation (id)
);

CREATE INDEX inbox_recent ON inbox (received_at);

CREATE INDEX inbox_open ON inbox (conversation_id, sent_at, id) WHERE status = 'new';

CREATE INDEX inbox_due ON inbox (due_at) WHERE status = 'new';

CREATE TABLE turn (
    id TEXT NOT NULL,
    conversation_id VARCHAR(40) NOT NULL,
    members JSONB NOT NULL,
    outcome VARCHAR(12) NOT NULL,
    intent TEXT,
    confidence FLOAT,
    explain JSONB,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES conversation (id)
);

CREATE INDEX turn_of_conversation ON turn (conversation_id, ended_at);

CREATE TABLE outbox (
    id BIGSERIAL NOT NULL,
    conversation_id VARCHAR(40) NOT NULL,
    dedup_key TEXT NOT NULL,
    turn_id TEXT,
    part SMALLINT DEFAULT '0' NOT NULL,
    speaker VARCHAR(8) NOT NULL,
    urgency SMALLINT NOT NULL,
    topic VARCHAR(32) DEFAULT '' NOT NULL,
    say JSONB NOT NULL,
    slice SMALLINT DEFAULT '0' NOT NULL,
    status VARCHAR(10) DEFAULT 'queued' NOT NULL,
    provider_id TEXT,
    attempts SMALLINT DEFAULT '0' NOT NULL,
    resends SMALLINT DEFAULT '0' NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    claim TEXT,
    lease_until TIMESTAMP WITH TIME ZONE,
    error_code INTEGER,
    error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    status_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES conversation (id),
    UNIQUE (dedup_key),
    UNIQUE (provider_id)
);

CREATE INDEX outbox_open ON outbox (conversation_id, urgency, id) WHERE status IN ('queued', 'sending', 'unknown');

CREATE INDEX outbox_due ON outbox (due_at) WHERE status IN ('queued', 'sending', 'unknown');

CREATE INDEX outbox_turn ON outbox (turn_id);

CREATE TABLE manual_task (
    id BIGSERIAL NOT NULL,
    conversation_id VARCHAR(40),
    kind VARCHAR(24) NOT NULL,
    details JSONB DEFAULT '{}' NOT NULL,
    dedup_key TEXT,
    status VARCHAR(8) DEFAULT 'open' NOT NULL,
    taken_by TEXT DEFAULT '' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY(conversation_id) REFERENCES conversation (id),
    UNIQUE (dedup_key)
);

create view inventory_change as
select id, supplier_id, product_id, style_id, variation_name, quantity_before as old_quantity,
       quantity_after as new_quantity, source, at as created_at
from inventory_product_inventory_log_v2;
