"""What an order comes to is kept by the database: the sum of its lines. Of an order without lines it stays as given.

Lines without amounts take their order's currency; where one with amounts has another, its order keeps its total.
"""

from alembic import op

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221270"
down_revision = "202611221200"
branch_labels = None
depends_on = None

LINE = "crm_round(l.quantity * l.unit_price, l.currency)"


def upgrade() -> None:
    execute_script(functions_sql())
    op.execute(
        "UPDATE order_lines l SET currency = o.currency FROM orders o WHERE o.organization_id = l.organization_id"
        " AND o.id = l.order_id AND o.currency <> l.currency AND num_nonnulls(l.unit_price, l.unit_cost) = 0"
    )
    op.execute(f"SELECT crm_keep_sums('order_lines', 'orders', 'order_id', 'total', '{LINE}')")


def downgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER crm_sums_orders_{event} ON order_lines")
    op.execute("DROP TRIGGER crm_sum_stays_order_lines ON orders")
