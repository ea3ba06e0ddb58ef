"""Candidates for a company's name come from the index alone."""

from alembic import op

revision = "202611221430"
down_revision = "202611221414"
branch_labels = None
depends_on = None

_COVERED = ["id", "name", "kind"]


def upgrade() -> None:
    op.drop_index("ix_customers_name_letters", table_name="customers")
    op.drop_index("ix_customers_name_initials", table_name="customers")
    letters, initials = ["organization_id", "name_letters"], ["organization_id", "name_initials", "name_letters"]
    op.create_index("ix_customers_name_letters", "customers", letters, unique=False, postgresql_include=_COVERED)
    op.create_index("ix_customers_name_initials", "customers", initials, unique=False, postgresql_include=_COVERED)


def downgrade() -> None:
    op.drop_index("ix_customers_name_initials", table_name="customers")
    op.drop_index("ix_customers_name_letters", table_name="customers")
    op.create_index("ix_customers_name_initials", "customers", ["organization_id", "name_initials"], unique=False)
    op.create_index("ix_customers_name_letters", "customers", ["organization_id", "name_letters"], unique=False)
