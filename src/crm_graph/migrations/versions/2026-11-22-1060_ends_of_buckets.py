"""What a bound says of amounts that show as the ends of their ranges."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221060"
down_revision = "202611221040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(functions_sql())


def downgrade() -> None:
    op.execute("DROP FUNCTION crm_bucket_end(numeric, boolean)")
