"""What is written for many rows at once takes time in proportion to them: histories, dates of shares, coverages."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221440"
down_revision = "202611221430"
branch_labels = None
depends_on = None

_SHARES = {
    "customer_shares": ("customers", "customer_id"),
    "opportunity_shares": ("opportunities", "opportunity_id"),
    "key_account_shares": ("key_accounts", "key_account_id"),
}


def upgrade() -> None:
    execute_script(functions_sql())
    for shares, (shared, key) in _SHARES.items():
        op.execute(f"SELECT crm_keep_dated('{shares}', '{shared}', '{key}')")
    op.execute("DROP FUNCTION IF EXISTS crm_share_dated()")
    execute_script(functions_sql("crm_graph.schema", "territories.sql"))


def downgrade() -> None:
    """They do the same as before."""
