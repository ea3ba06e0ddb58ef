"""Orders with tax, payments, returns and credits.

Of orders that are PAID their total is taken as paid; of those that are shipped or delivered nothing is known.
"""

import sqlalchemy as sa
from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221271"
down_revision = "202611221280"
branch_labels = None
depends_on = None

BEFORE = "crm_round(l.quantity * l.unit_price, l.currency)"
AMOUNT = f"({BEFORE})"
TAX = f"crm_tax({AMOUNT}, l.tax_rate, l.tax_included, l.tax_given, l.currency)"
SUMS = {
    "total": f"{AMOUNT} + CASE WHEN l.tax_included THEN 0 ELSE ({TAX}) END",
    "net": f"{AMOUNT} - CASE WHEN l.tax_included THEN ({TAX}) ELSE 0 END",
    "tax": TAX,
}
CHECKS = {
    "kind": "kind IN ('PRODUCT', 'SHIPPING', 'DISCOUNT', 'FEE')",
    "product": "kind <> 'PRODUCT' OR product_id IS NOT NULL",
    "tax_rate": "tax_rate BETWEEN 0 AND 100",
}


def upgrade() -> None:
    execute_script(functions_sql())
    op.create_table(
        "credits_history",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("credited_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("credited_by_id", sa.Uuid(), nullable=True),
        sa.Column("history_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_to", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_actor_id", sa.Uuid(), nullable=True),
        sa.Column("history_channel", sa.Text(), nullable=True),
        sa.Column("history_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", "history_from"),
    )
    op.create_table(
        "return_lines_history",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("history_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_to", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_actor_id", sa.Uuid(), nullable=True),
        sa.Column("history_channel", sa.Text(), nullable=True),
        sa.Column("history_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", "history_from"),
    )
    op.create_table(
        "returns_history",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.Column("history_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_to", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("history_actor_id", sa.Uuid(), nullable=True),
        sa.Column("history_channel", sa.Text(), nullable=True),
        sa.Column("history_deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", "history_from"),
    )
    op.create_table(
        "credits",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("return_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("credited_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("credited_by_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(source IS NULL) = (external_id IS NULL)", name="ck_credits_external_id"),
        sa.CheckConstraint("amount > 0", name="ck_credits_amount"),
        sa.ForeignKeyConstraint(
            ["organization_id", "credited_by_id"],
            ["users.organization_id", "users.id"],
            name="fk_credits_credited_by_id",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "order_id"],
            ["orders.organization_id", "orders.id"],
            name="fk_credits_order_id",
            ondelete="CASCADE",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "return_id"],
            ["returns.organization_id", "returns.id"],
            name="fk_credits_return_id",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_credits_organization"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_index(
        "ix_credits_amount", "credits", ["organization_id", "amount", "id"], unique=False, postgresql_include=[]
    )
    op.create_index(
        "ix_credits_created_at", "credits", ["organization_id", "created_at", "id"], unique=False, postgresql_include=[]
    )
    op.create_index(
        "ix_credits_credited_at",
        "credits",
        ["organization_id", "credited_at", "id"],
        unique=False,
        postgresql_include=[],
    )
    op.create_index(
        "ix_credits_credited_by_id",
        "credits",
        ["organization_id", "credited_by_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_credits_currency",
        "credits",
        ["organization_id", sa.literal_column("currency DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_include=["order_id"],
    )
    op.create_index(
        "ix_credits_order_id",
        "credits",
        ["organization_id", "order_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_credits_return_id",
        "credits",
        ["organization_id", "return_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_credits_updated_at", "credits", ["organization_id", "updated_at", "id"], unique=False, postgresql_include=[]
    )
    op.create_index("uq_credits_external_id", "credits", ["organization_id", "source", "external_id"], unique=True)
    op.create_table(
        "return_lines",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("return_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.CheckConstraint("(source IS NULL) = (external_id IS NULL)", name="ck_return_lines_external_id"),
        sa.CheckConstraint("quantity > 0", name="ck_return_lines_quantity"),
        sa.ForeignKeyConstraint(
            ["organization_id", "order_line_id"],
            ["order_lines.organization_id", "order_lines.id"],
            name="fk_return_lines_order_line_id",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "return_id"],
            ["returns.organization_id", "returns.id"],
            name="fk_return_lines_return_id",
            ondelete="CASCADE",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_return_lines_organization"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_index(
        "ix_return_lines_created_at",
        "return_lines",
        ["organization_id", "created_at", "id"],
        unique=False,
        postgresql_include=[],
    )
    op.create_index(
        "ix_return_lines_order_line_id",
        "return_lines",
        ["organization_id", "order_line_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_return_lines_return_id",
        "return_lines",
        ["organization_id", "return_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_return_lines_updated_at",
        "return_lines",
        ["organization_id", "updated_at", "id"],
        unique=False,
        postgresql_include=[],
    )
    op.create_index(
        "uq_return_lines_external_id", "return_lines", ["organization_id", "source", "external_id"], unique=True
    )
    op.create_table(
        "returns",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=True),
        sa.CheckConstraint(
            "status IN ('REQUESTED', 'APPROVED', 'RECEIVED', 'CREDITED', 'REJECTED')", name="ck_returns_status"
        ),
        sa.CheckConstraint("(source IS NULL) = (external_id IS NULL)", name="ck_returns_external_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "order_id"],
            ["orders.organization_id", "orders.id"],
            name="fk_returns_order_id",
            ondelete="CASCADE",
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_returns_organization"),
        sa.PrimaryKeyConstraint("organization_id", "id"),
    )
    op.create_index(
        "ix_returns_created_at", "returns", ["organization_id", "created_at", "id"], unique=False, postgresql_include=[]
    )
    op.create_index(
        "ix_returns_order_id",
        "returns",
        ["organization_id", "order_id", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_returns_requested_at",
        "returns",
        ["organization_id", "requested_at", "id"],
        unique=False,
        postgresql_include=[],
    )
    op.create_index(
        "ix_returns_status", "returns", ["organization_id", "status", "id"], unique=False, postgresql_include=[]
    )
    op.create_index(
        "ix_returns_updated_at", "returns", ["organization_id", "updated_at", "id"], unique=False, postgresql_include=[]
    )
    op.create_index("uq_returns_external_id", "returns", ["organization_id", "source", "external_id"], unique=True)
    op.add_column("order_lines", sa.Column("kind", sa.Text(), nullable=False, server_default="PRODUCT"))
    op.alter_column("order_lines", "kind", server_default=None)
    op.add_column("order_lines", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("order_lines", sa.Column("tax_rate", sa.Numeric(), nullable=True))
    op.add_column("order_lines", sa.Column("tax_included", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("order_lines", "tax_included", server_default=None)
    op.add_column("order_lines", sa.Column("tax_given", sa.Numeric(), nullable=True))
    op.alter_column("order_lines", "product_id", existing_type=sa.UUID(), nullable=True)
    for name, sql in CHECKS.items():
        op.create_check_constraint(f"ck_order_lines_{name}", "order_lines", sql)
    op.create_index(
        "ix_order_lines_kind", "order_lines", ["organization_id", "kind", "id"], unique=False, postgresql_include=[]
    )
    op.add_column("order_lines_history", sa.Column("kind", sa.Text(), nullable=False, server_default="PRODUCT"))
    op.alter_column("order_lines_history", "kind", server_default=None)
    op.add_column("order_lines_history", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("order_lines_history", sa.Column("tax_rate", sa.Numeric(), nullable=True))
    op.add_column(
        "order_lines_history", sa.Column("tax_included", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.alter_column("order_lines_history", "tax_included", server_default=None)
    op.add_column("order_lines_history", sa.Column("tax_given", sa.Numeric(), nullable=True))
    op.alter_column("order_lines_history", "product_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("orders", sa.Column("net", sa.Numeric(), nullable=True))
    op.add_column("orders", sa.Column("tax", sa.Numeric(), nullable=True))
    op.add_column("orders", sa.Column("paid", sa.Numeric(), nullable=True))
    op.add_column("orders", sa.Column("credited", sa.Numeric(), nullable=True))
    op.add_column("orders", sa.Column("paid_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("shipped_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("delivered_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("source_updated_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders_history", sa.Column("net", sa.Numeric(), nullable=True))
    op.add_column("orders_history", sa.Column("tax", sa.Numeric(), nullable=True))
    op.add_column("orders_history", sa.Column("paid", sa.Numeric(), nullable=True))
    op.add_column("orders_history", sa.Column("credited", sa.Numeric(), nullable=True))
    op.add_column("orders_history", sa.Column("paid_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders_history", sa.Column("shipped_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders_history", sa.Column("delivered_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("orders_history", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.add_column("orders_history", sa.Column("source_updated_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute("SELECT crm_keep_history('credits')")
    op.execute("SELECT crm_keep_history('return_lines')")
    op.execute("SELECT crm_keep_history('returns')")
    op.create_foreign_key(
        "fk_credits_credited_by_id",
        "credits",
        "users",
        ["organization_id", "credited_by_id"],
        ["organization_id", "id"],
        use_alter=True,
    )
    op.create_foreign_key(
        "fk_credits_order_id",
        "credits",
        "orders",
        ["organization_id", "order_id"],
        ["organization_id", "id"],
        ondelete="CASCADE",
        use_alter=True,
    )
    op.create_foreign_key(
        "fk_credits_return_id",
        "credits",
        "returns",
        ["organization_id", "return_id"],
        ["organization_id", "id"],
        use_alter=True,
    )
    op.create_foreign_key(
        "fk_return_lines_order_line_id",
        "return_lines",
        "order_lines",
        ["organization_id", "order_line_id"],
        ["organization_id", "id"],
        use_alter=True,
    )
    op.create_foreign_key(
        "fk_return_lines_return_id",
        "return_lines",
        "returns",
        ["organization_id", "return_id"],
        ["organization_id", "id"],
        ondelete="CASCADE",
        use_alter=True,
    )
    op.create_foreign_key(
        "fk_returns_order_id",
        "returns",
        "orders",
        ["organization_id", "order_id"],
        ["organization_id", "id"],
        ondelete="CASCADE",
        use_alter=True,
    )
    sums = ", ".join(f"'{column}', '{sql}'" for column, sql in SUMS.items())
    op.execute(f"SELECT crm_keep_sums('order_lines', 'orders', 'order_id', {sums})")
    op.execute("UPDATE orders SET paid = total WHERE status = 'PAID' AND total IS NOT NULL")
    op.execute("SELECT crm_keep_sums('credits', 'orders', 'order_id', 'credited', 'l.amount')")
    op.execute("SELECT crm_keep_sums('return_lines', 'returns', 'return_id', 'amount', 'l.amount')")


def downgrade() -> None:
    op.execute(f"SELECT crm_keep_sums('order_lines', 'orders', 'order_id', 'total', '{BEFORE}')")
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER crm_sums_orders_{event} ON credits")
        op.execute(f"DROP TRIGGER crm_sums_returns_{event} ON return_lines")
    op.execute("DROP TRIGGER crm_sum_stays_credits ON orders")
    op.execute("DROP TRIGGER crm_sum_stays_return_lines ON returns")
    op.execute("DELETE FROM order_lines WHERE product_id IS NULL")
    op.execute("DELETE FROM order_lines_history WHERE product_id IS NULL")
    op.drop_constraint("fk_returns_order_id", "returns", type_="foreignkey")
    op.drop_constraint("fk_return_lines_return_id", "return_lines", type_="foreignkey")
    op.drop_constraint("fk_return_lines_order_line_id", "return_lines", type_="foreignkey")
    op.drop_constraint("fk_credits_return_id", "credits", type_="foreignkey")
    op.drop_constraint("fk_credits_order_id", "credits", type_="foreignkey")
    op.drop_constraint("fk_credits_credited_by_id", "credits", type_="foreignkey")
    op.drop_column("orders_history", "source_updated_at")
    op.drop_column("orders_history", "cancel_reason")
    op.drop_column("orders_history", "delivered_at")
    op.drop_column("orders_history", "shipped_at")
    op.drop_column("orders_history", "paid_at")
    op.drop_column("orders_history", "credited")
    op.drop_column("orders_history", "paid")
    op.drop_column("orders_history", "tax")
    op.drop_column("orders_history", "net")
    op.drop_column("orders", "source_updated_at")
    op.drop_column("orders", "cancel_reason")
    op.drop_column("orders", "delivered_at")
    op.drop_column("orders", "shipped_at")
    op.drop_column("orders", "paid_at")
    op.drop_column("orders", "credited")
    op.drop_column("orders", "paid")
    op.drop_column("orders", "tax")
    op.drop_column("orders", "net")
    op.alter_column("order_lines_history", "product_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("order_lines_history", "tax_given")
    op.drop_column("order_lines_history", "tax_included")
    op.drop_column("order_lines_history", "tax_rate")
    op.drop_column("order_lines_history", "title")
    op.drop_column("order_lines_history", "kind")
    op.drop_index("ix_order_lines_kind", table_name="order_lines", postgresql_include=[])
    op.alter_column("order_lines", "product_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("order_lines", "tax_given")
    op.drop_column("order_lines", "tax_included")
    op.drop_column("order_lines", "tax_rate")
    op.drop_column("order_lines", "title")
    op.drop_column("order_lines", "kind")
    op.drop_index("uq_returns_external_id", table_name="returns")
    op.drop_index("ix_returns_updated_at", table_name="returns", postgresql_include=[])
    op.drop_index("ix_returns_status", table_name="returns", postgresql_include=[])
    op.drop_index("ix_returns_requested_at", table_name="returns", postgresql_include=[])
    op.drop_index("ix_returns_order_id", table_name="returns")
    op.drop_index("ix_returns_created_at", table_name="returns", postgresql_include=[])
    op.drop_table("returns")
    op.drop_index("uq_return_lines_external_id", table_name="return_lines")
    op.drop_index("ix_return_lines_updated_at", table_name="return_lines", postgresql_include=[])
    op.drop_index("ix_return_lines_return_id", table_name="return_lines")
    op.drop_index("ix_return_lines_order_line_id", table_name="return_lines")
    op.drop_index("ix_return_lines_created_at", table_name="return_lines", postgresql_include=[])
    op.drop_table("return_lines")
    op.drop_index("uq_credits_external_id", table_name="credits")
    op.drop_index("ix_credits_updated_at", table_name="credits", postgresql_include=[])
    op.drop_index("ix_credits_return_id", table_name="credits")
    op.drop_index("ix_credits_order_id", table_name="credits")
    op.drop_index("ix_credits_currency", table_name="credits", postgresql_include=["order_id"])
    op.drop_index("ix_credits_credited_by_id", table_name="credits")
    op.drop_index("ix_credits_credited_at", table_name="credits", postgresql_include=[])
    op.drop_index("ix_credits_created_at", table_name="credits", postgresql_include=[])
    op.drop_index("ix_credits_amount", table_name="credits", postgresql_include=[])
    op.drop_table("credits")
    op.drop_table("returns_history")
    op.drop_table("return_lines_history")
    op.drop_table("credits_history")
