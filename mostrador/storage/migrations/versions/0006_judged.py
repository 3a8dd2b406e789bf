"""What follows from a failed send is done once. Databases made between two states of 0001 have this already."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table outbox add column if not exists judged boolean not null default false")
    op.execute("create index if not exists outbox_unjudged on outbox (id) where status = 'failed' and judged = false")
    op.execute(
        "create index if not exists outbox_accepted on outbox (conversation_id, sent_at) where status = 'accepted'"
    )


def downgrade() -> None:
    op.execute("drop index outbox_accepted")
    op.execute("drop index outbox_unjudged")
    op.execute("alter table outbox drop column judged")
