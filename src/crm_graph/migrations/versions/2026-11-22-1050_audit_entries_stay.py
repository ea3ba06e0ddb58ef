"""Audit entries are only added: the application's role neither changes nor removes them.

Before, those of changes that people asked for lose the values: they are emptied a month after the change ended.
"""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221050"
down_revision = "202611221100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE audit_entries SET changes = changes - '{row_id,before_value,after_value}'::text[]"
        " WHERE entity = 'ChangeRequest'"
    )
    execute_script(functions_sql())
    op.execute("SELECT crm_isolate('audit_entries')")


def downgrade() -> None:
    op.execute("GRANT UPDATE, DELETE ON audit_entries TO crm_graph_runtime")
