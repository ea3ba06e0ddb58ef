"""Lines of proposals keep what their product was called."""

import sqlalchemy as sa
from alembic import op

revision = '202611221364'
down_revision = '202611221363'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('proposal_lines', sa.Column('product_name', sa.Text(), nullable=True))
    op.add_column('proposal_lines', sa.Column('product_sku', sa.Text(), nullable=True))
    op.add_column('proposal_lines_history', sa.Column('product_name', sa.Text(), nullable=True))
    op.add_column('proposal_lines_history', sa.Column('product_sku', sa.Text(), nullable=True))
    op.execute(
        "UPDATE proposal_lines l SET product_name = p.name, product_sku = p.sku FROM products p"
        " WHERE p.organization_id = l.organization_id AND p.id = l.product_id"
    )


def downgrade() -> None:
    op.drop_column('proposal_lines_history', 'product_sku')
    op.drop_column('proposal_lines_history', 'product_name')
    op.drop_column('proposal_lines', 'product_sku')
    op.drop_column('proposal_lines', 'product_name')
