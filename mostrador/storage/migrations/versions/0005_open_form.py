"""A conversation keeps which form waits for an answer: how long free text waits for more of it depends on that."""

from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table conversation add column open_form varchar(64) not null default ''")
    op.execute("update conversation set open_form = 'stock_update_form' where form_open")  # the only form until then
    op.execute("alter table conversation drop column form_open")


def downgrade() -> None:
    op.execute("alter table conversation add column form_open boolean not null default false")
    op.execute("update conversation set form_open = open_form <> ''")
    op.execute("alter table conversation drop column open_form")
