"""Attempts are counted by all processes together."""

import sqlalchemy as sa
from alembic import op

revision = "202611221231"
down_revision = "202611221230"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "key"),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("attempts")
