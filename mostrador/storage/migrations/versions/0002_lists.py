"""Rejections that can be taken back and hold the SKU as it was, muted recommendations, people's own preferences."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = (
    "alter table rejection add column words text not null default '', add column details jsonb not null default '{}',"
    " add column lifted_at timestamptz",
    # Of several rejections of one variation the first stays in force.
    "update rejection r set lifted_at = r.at where exists"
    " (select from rejection e where e.variation_id = r.variation_id and e.id < r.id)",
    "drop index rejection_of_variation",
    "create unique index rejection_in_force on rejection (variation_id) where lifted_at is null",
    """
    create table recommendation_mute (
        id bigserial not null primary key,
        supplier_id integer not null,
        variation_id bigint references variation (id),
        catalog_id integer,
        contact_id bigint,
        until timestamptz,
        effect_key text unique,
        at timestamptz not null,
        lifted_at timestamptz,
        check ((variation_id is null) <> (catalog_id is null))
    )
    """,
    "create index recommendation_mute_in_force on recommendation_mute (supplier_id) where lifted_at is null",
    """
    create table contact_preference (
        contact_id bigint not null primary key references contact (id),
        notify_from smallint not null,
        notify_until smallint not null,
        at timestamptz not null,
        check (notify_from between 0 and 1439 and notify_until between 1 and 1440)
    )
    """,
)
DOWN = (
    "drop table contact_preference",
    "drop table recommendation_mute",
    "drop index rejection_in_force",
    "create index rejection_of_variation on rejection (variation_id)",
    "alter table rejection drop column words, drop column details, drop column lifted_at",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
