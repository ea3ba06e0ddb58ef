"""Full-text search of custom fields: a vector for each text slot, and the tables' search indexes over them too."""

import sqlalchemy as sa
from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221070"
down_revision = "202611221120"
branch_labels = None
depends_on = None

SEARCHED = {
    "contacts": "name job_title email phone",
    "customers": "name industry email phone website city tax_number risk_note notes",
    "key_accounts": "strategy",
    "opportunities": "name loss_reason next_step",
    "orders": "number",
    "partners": "name tier email",
    "products": "name sku series description",
    "tickets": "number subject",
}
SLOTS = [f"custom_text_{number}" for number in range(1, 11)]


def upgrade() -> None:
    execute_script(functions_sql())
    for table in ("custom_fields", "custom_fields_history"):
        op.add_column(table, sa.Column("searchable", sa.Boolean(), nullable=False, server_default=sa.false()))
    # the default stays: the release before, still running, knows nothing of the column
    for table, fields in SEARCHED.items():
        op.execute(f"DROP INDEX ix_{table}_search")
        columns = ", ".join(  # one statement a table: each would write the table anew
            f"ADD COLUMN {slot}_search tsvector GENERATED ALWAYS AS (crm_slot_vector({slot})) STORED" for slot in SLOTS
        )
        op.execute(f"ALTER TABLE {table} {columns}")
        everything = _shipped(fields)
        for slot in SLOTS:
            everything = f"({everything} || COALESCE({slot}_search, ''::tsvector))"
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin ({everything})")


def _shipped(fields: str) -> str:
    found = "array_to_tsvector(ARRAY[organization_id::text])"
    for name in fields.split():
        found = f"({found} || {name}_search)"
    return found


def downgrade() -> None:
    for table, fields in SEARCHED.items():
        op.execute(f"DROP INDEX ix_{table}_search")
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP COLUMN {slot}_search' for slot in SLOTS)}")
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin ({_shipped(fields)})")
    for table in ("custom_fields", "custom_fields_history"):
        op.drop_column(table, "searchable")
    op.execute("DROP FUNCTION IF EXISTS crm_slot_vector(text)")
