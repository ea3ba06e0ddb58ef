"""Audit entries are only added: the application's role neither changes nor removes them."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221050"
down_revision = "202611221040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(functions_sql())
    op.execute("SELECT crm_isolate('audit_entries')")


def downgrade() -> None:
    op.execute("GRANT UPDATE, DELETE ON audit_entries TO crm_graph_runtime")
