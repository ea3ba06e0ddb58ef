"""A mask that says only that there is a value; what a partner earns.

The history gets its column as the table does: its trigger copies the columns both have.
"""

import sqlalchemy as sa
from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221030"
down_revision = "202611221020"
branch_labels = None
depends_on = None

MASKED = (("contacts", "name", "crm_mask_initials"), ("customers", "tax_number", "crm_mask_exists"))


def upgrade() -> None:
    execute_script(functions_sql())
    for table in ("partners", "partners_history"):
        op.add_column(table, sa.Column("commission_rate", sa.Numeric(), nullable=True))
    order = [sa.literal_column("commission_rate DESC NULLS LAST"), sa.literal_column("id DESC")]
    op.create_index("ix_partners_commission_rate", "partners", ["organization_id", *order], postgresql_include=["owner_id"])
    for table, field, mask in MASKED:
        op.create_index(
            f"ix_{table}_{field}_mask", table, ["organization_id", sa.literal_column(f"{mask}({field})"), "id"]
        )
    op.create_check_constraint("ck_partners_commission", "partners", "commission_rate BETWEEN 0 AND 100")


def downgrade() -> None:
    for table, field, _ in MASKED:
        op.drop_index(f"ix_{table}_{field}_mask", table_name=table)
    op.drop_index("ix_partners_commission_rate", table_name="partners")
    op.drop_constraint("ck_partners_commission", "partners")
    for table in ("partners", "partners_history"):
        op.drop_column(table, "commission_rate")
    op.execute("DROP FUNCTION IF EXISTS crm_mask_exists(text)")
