"""What is done about how people sign in is on record, and how often signing in failed is counted."""

import sqlalchemy as sa
from alembic import op

revision = "202611221230"
down_revision = "202611221280"
branch_labels = None
depends_on = None

BEFORE = ("create", "update", "delete", "view_as")
ACTS = (
    "sign_in", "sign_in_failed", "sign_out", "session_revoked", "password_set", "second_step_on", "second_step_off",
    "recovery_codes_made", "recovery_code_used", "passkey_added", "passkey_removed", "app_connected",
    "app_disconnected", "api_key_made", "api_key_revoked",
)  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _actions(*BEFORE, *ACTS)
    op.create_table(
        "sign_in_failures",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hour", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], ["users.organization_id", "users.id"],
            name="fk_sign_in_failures_user_id", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )  # fmt: skip
    op.create_index(
        "uq_sign_in_failures_counter", "sign_in_failures", ["organization_id", "user_id", "hour"], unique=True
    )


def downgrade() -> None:
    op.drop_table("sign_in_failures")
    op.execute(f"DELETE FROM audit_entries WHERE action IN ({_quoted(ACTS)})")
    _actions(*BEFORE)


def _actions(*names: str) -> None:
    op.drop_constraint("ck_audit_entries_action", "audit_entries")
    op.create_check_constraint("ck_audit_entries_action", "audit_entries", f"action IN ({_quoted(names)})")


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
