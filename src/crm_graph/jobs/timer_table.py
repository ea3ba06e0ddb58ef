"""What falls due, and when."""

import sqlalchemy as sa
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)

timers = sa.Table(
    "timers",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("row_id", sa.Uuid, primary_key=True),
    sa.Column("due_at", _STAMP, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed_at", _STAMP),
    sa.Column("last_error", sa.Text),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_timers_organization"),
    sa.Index("ix_timers_due", "due_at", postgresql_where=sa.text("failed_at IS NULL")),
)
"""A moment each at which something is to be done about a row; gone when it was done, kept when it was given up."""
