"""No circles of teams. Those that are there already stay until a team of them is moved."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221040"
down_revision = "202611221030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(functions_sql("crm_graph.auth"))


def downgrade() -> None:
    op.execute("DROP FUNCTION crm_refuse_team_circle() CASCADE")
