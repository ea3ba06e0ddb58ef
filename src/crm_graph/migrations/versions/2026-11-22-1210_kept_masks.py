"""Masks of texts are kept beside them: made once a write, not once a row of each page."""

import sqlalchemy as sa
from alembic import op

revision = "202611221210"
down_revision = "202611221280"
branch_labels = None
depends_on = None

# table, field, mask, whether an index goes by it
MASKED = (
    ("contacts", "name", "crm_mask_initials", True),
    ("contacts", "email", "crm_mask_email", True),
    ("contacts", "phone", "crm_mask_phone", False),
    ("customers", "email", "crm_mask_email", True),
    ("customers", "phone", "crm_mask_phone", True),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in dict.fromkeys(table for table, *_ in MASKED):  # each table is written anew once
        added = ", ".join(
            f"ADD COLUMN {field}_mask text GENERATED ALWAYS AS ({mask}({field})) STORED"
            for of, field, mask, _ in MASKED
            if of == table
        )
        op.execute(f"ALTER TABLE {table} {added}")
    _index(kept=True)


def downgrade() -> None:
    _index(kept=False)
    for table, field, _, _ in MASKED:
        op.drop_column(table, f"{field}_mask")


def _index(*, kept: bool) -> None:
    for table, field, mask, indexed in MASKED:
        if indexed:
            key = f"{field}_mask" if kept else f"{mask}({field})"
            name = f"ix_{table}_{field}_mask"
            op.drop_index(name, table_name=table)
            op.create_index(name, table, ["organization_id", sa.text(key), "id"])
