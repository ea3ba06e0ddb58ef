"""Full-text search: a vector for each searched field, and one index a table over all of them."""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611220915"
down_revision = "202611220910"
branch_labels = None
depends_on = None

SEARCHED = {
    "contacts": "name:A job_title:C email:B phone:B",
    "customers": "name:A industry:C email:B phone:B website:C city:C tax_number:B risk_note:D notes:D",
    "key_accounts": "strategy:B",
    "opportunities": "name:A loss_reason:D next_step:C",
    "orders": "number:A",
    "partners": "name:A tier:C email:B",
    "products": "name:A sku:A series:B description:D",
    "proposals": "number:A title:A terms:D",
    "teams": "name:A",
    "ticket_messages": "body:B",
    "tickets": "number:A subject:A",
    "users": "name:A email:B job_title:C region:C",
}


def upgrade() -> None:
    execute_script(functions_sql())
    for table, fields in SEARCHED.items():
        weights = dict(field.split(":") for field in fields.split())
        columns = ", ".join(  # one statement a table: each would write the table anew
            f"ADD COLUMN {name}_search tsvector GENERATED ALWAYS AS (crm_vector({name}, '{weight}')) STORED"
            for name, weight in weights.items()
        )
        op.execute(f"ALTER TABLE {table} {columns}")
        everything = "array_to_tsvector(ARRAY[organization_id::text])"
        for name in weights:
            everything = f"({everything} || {name}_search)"
        op.execute(f"CREATE INDEX ix_{table}_search ON {table} USING gin ({everything})")


def downgrade() -> None:
    for table, fields in SEARCHED.items():
        op.execute(f"DROP INDEX ix_{table}_search")
        names = [field.split(":")[0] for field in fields.split()]
        op.execute(f"ALTER TABLE {table} {', '.join(f'DROP COLUMN {name}_search' for name in names)}")
    for signature in (
        "crm_highlight(text, text, tsquery)",
        "crm_escape(text)",
        "crm_query_whole(text)",
        "crm_query_any(text)",
        "crm_query(text)",
        "crm_vector(text, text)",
        "crm_words(text)",
    ):
        op.execute(f"DROP FUNCTION IF EXISTS {signature}")
