"""The first system tables."""

from alembic import op

from fieldstone.db.system import SYSTEM

revision = "0001"
down_revision = None


def upgrade() -> None:
    SYSTEM.create_all(op.get_bind())
