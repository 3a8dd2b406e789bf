"""The first tables, as they were on the day they were first released."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "recommendation_event rejection recommendation recommendation_snapshot sale inventory_product_inventory_log_v2 "
    "inventory_product_inventory variation media_file manual_task delivery_report outbox effect tracker_event turn "
    "inbox conversation consent contact_role contact_alias contact"
).split()


def upgrade() -> None:
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.execute("drop view inventory_change")
    for table in TABLES:
        op.execute(f"drop table {table}")
