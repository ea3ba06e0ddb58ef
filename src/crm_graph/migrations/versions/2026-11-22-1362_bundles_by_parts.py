"""Price lists that say what a bundle costs by its parts."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = '202611221362'
down_revision = '202611221361'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint('ck_price_lists_kind', 'price_lists', type_='check')
    op.create_check_constraint('ck_price_lists_kind', 'price_lists', "kind IN ('ABSOLUTE', 'PERCENT', 'PARTS')")
    execute_script(functions_sql("crm_graph.schema", "price_lists.sql"))


def downgrade() -> None:
    op.execute("DELETE FROM price_lists WHERE kind = 'PARTS'")
    op.drop_constraint('ck_price_lists_kind', 'price_lists', type_='check')
    op.create_check_constraint('ck_price_lists_kind', 'price_lists', "kind IN ('ABSOLUTE', 'PERCENT')")
