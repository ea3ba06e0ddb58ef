"""Work that falls due at a moment."""

import sqlalchemy as sa
from alembic import op

revision = "202611221200"
down_revision = "202611221140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "kind", "row_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_timers_organization"),
    )
    op.create_index("ix_timers_due", "timers", ["due_at"], postgresql_where=sa.text("failed_at IS NULL"))


def downgrade() -> None:
    op.drop_table("timers")
