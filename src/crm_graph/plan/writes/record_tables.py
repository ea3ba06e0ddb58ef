"""What every write leaves beside its row: an audit entry, an event to deliver, and the answers to repeated requests."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

from crm_graph.auth.trail.acts import ACTS

_STAMP = sa.TIMESTAMP(timezone=True)
_ACTIONS = ", ".join(f"'{action}'" for action in ("create", "update", "delete", "view_as", *ACTS))


def _table(name: str, *columns: sa.Column[object] | sa.Constraint | sa.Index) -> sa.Table:
    return sa.Table(
        name,
        SQLModel.metadata,
        sa.Column("organization_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        *columns,
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=f"fk_{name}_organization"),
    )


audit_entries = _table(
    "audit_entries",
    sa.Column("at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("row_id", sa.Uuid, nullable=False),
    sa.Column("changes", JSONB, nullable=False),
    sa.CheckConstraint(f"action IN ({_ACTIONS})", name="ck_audit_entries_action"),
    sa.Index("ix_audit_entries_row", "organization_id", "row_id", sa.text("at DESC")),
)
"""Who wrote what: `changes` maps a column to `[before, after]`. Read at today's level of each field."""

outbox_events = _table(
    "outbox_events",
    sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("occurred_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("row_id", sa.Uuid, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    sa.Index("uq_outbox_events_sequence", "sequence", unique=True),
)
"""What happened: `payload` holds ids and names of changed fields; values are read through the recipient's lens."""

idempotency_keys = _table(
    "idempotency_keys",
    sa.Column("caller_id", sa.Uuid, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("input_hash", sa.LargeBinary, nullable=False),
    sa.Column("row_id", sa.Uuid),
    sa.Column("effect", sa.Text),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Index("uq_idempotency_keys_key", "organization_id", "caller_id", "key", unique=True),
    sa.Index("ix_idempotency_keys_created_at", "created_at"),
)
"""The outcome of a request by its caller's key; what it answered is read anew, so nothing of it is kept."""

change_codes = _table(
    "change_codes",
    sa.Column("code_hash", sa.LargeBinary, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.ForeignKeyConstraint(
        ["organization_id", "id"],
        ["change_requests.organization_id", "change_requests.id"],
        name="fk_change_codes_id",
        ondelete="CASCADE",
    ),
)
"""The code that a change (of the same id) waits for, as a hash. Apart from it, so that neither history nor audit
has it."""
