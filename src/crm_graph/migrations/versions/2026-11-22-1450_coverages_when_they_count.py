"""Coverages are counted anew for what counts alone, and deleted behind the lock."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221450"
down_revision = "202611221420"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(functions_sql())
    op.execute("DROP TRIGGER IF EXISTS crm_cover ON territories")
    execute_script(functions_sql("crm_graph.schema", "territories.sql"))


def downgrade() -> None:
    """The rest does the same as before."""
    op.execute("DROP FUNCTION crm_cover_lock() CASCADE")
