"""The first tables."""
from alembic import op

from mostrador.storage.tables import INVENTORY_CHANGE_VIEW, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.execute(INVENTORY_CHANGE_VIEW)


def downgrade() -> None:
    op.execute("drop view inventory_change")
    metadata.drop_all(op.get_bind())
