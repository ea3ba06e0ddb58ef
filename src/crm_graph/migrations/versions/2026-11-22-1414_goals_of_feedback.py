"""What customers say of us as metrics of goals."""

from alembic import op

revision = '202611221414'
down_revision = '202611221413'
branch_labels = None
depends_on = None

BEFORE = "'REVENUE', 'MARGIN', 'ORDERS', 'OPPORTUNITIES_WON', 'WON_AMOUNT', 'TICKETS', 'PRODUCT_MIX'"
TABLES = ("goals", "goal_snapshots")


def upgrade() -> None:
    for table in TABLES:
        op.drop_constraint(f"ck_{table}_metric", table)
        op.create_check_constraint(f"ck_{table}_metric", table, f"metric IN ({BEFORE}, 'CSAT', 'NPS')")


def downgrade() -> None:
    op.execute("DELETE FROM goal_snapshots WHERE metric IN ('CSAT', 'NPS')")
    op.execute("DELETE FROM goals WHERE metric IN ('CSAT', 'NPS')")
    for table in TABLES:
        op.drop_constraint(f"ck_{table}_metric", table)
        op.create_check_constraint(f"ck_{table}_metric", table, f"metric IN ({BEFORE})")
