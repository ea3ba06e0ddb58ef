"""Looking as somebody else leaves an audit entry."""

from alembic import op

revision = "202611220910"
down_revision = "202611220545"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("ck_audit_entries_action", "audit_entries")
    op.create_check_constraint(
        "ck_audit_entries_action", "audit_entries", "action IN ('create', 'update', 'delete', 'view_as')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM audit_entries WHERE action = 'view_as'")
    op.drop_constraint("ck_audit_entries_action", "audit_entries")
    op.create_check_constraint("ck_audit_entries_action", "audit_entries", "action IN ('create', 'update', 'delete')")
