"""What is to be sent."""

import sqlalchemy as sa
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)

outgoing_mails = sa.Table(
    "outgoing_mails",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("due_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", _STAMP),
    sa.Column("failed_at", _STAMP),
    sa.Column("last_error", sa.Text),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_outgoing_mails_organization"),
    sa.Index("ix_outgoing_mails_due", "due_at", postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL")),
    sa.Index("ix_outgoing_mails_created_at", "created_at"),
)
"""A mail each; the text goes when it was sent or given up, as it may hold a code."""
