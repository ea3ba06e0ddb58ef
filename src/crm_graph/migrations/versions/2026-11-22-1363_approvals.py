"""Approvals for leaving a stage, and for raising a credit limit."""

import sqlalchemy as sa
from alembic import op

revision = '202611221363'
down_revision = '202611221362'
branch_labels = None
depends_on = None

_ACTIONS = "'FEE_WAIVER', 'CREDIT', 'REFUND', 'DISCOUNT', 'LIMIT_RAISE'"


def _allow(actions: str) -> None:
    for table in ('authority_limits', 'approval_requests', 'authority_uses'):
        op.drop_constraint(f'ck_{table}_action', table, type_='check')
        op.create_check_constraint(f'ck_{table}_action', table, f'action IN ({actions})')


def upgrade() -> None:
    op.create_index('ix_authority_uses_row_id', 'authority_uses', ['organization_id', 'row_id'], unique=False)
    op.add_column('customers', sa.Column('limit_request_id', sa.Uuid(), nullable=True))
    op.create_index('ix_customers_limit_request_id', 'customers', ['organization_id', 'limit_request_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_foreign_key('fk_customers_limit_request_id', 'customers', 'approval_requests', ['organization_id', 'limit_request_id'], ['organization_id', 'id'], use_alter=True)
    op.add_column('customers_history', sa.Column('limit_request_id', sa.Uuid(), nullable=True))
    op.add_column('opportunities', sa.Column('approval_request_id', sa.Uuid(), nullable=True))
    op.create_index('ix_opportunities_approval_request_id', 'opportunities', ['organization_id', 'approval_request_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_foreign_key('fk_opportunities_approval_request_id', 'opportunities', 'approval_requests', ['organization_id', 'approval_request_id'], ['organization_id', 'id'], use_alter=True)
    op.add_column('opportunities_history', sa.Column('approval_request_id', sa.Uuid(), nullable=True))
    op.add_column('stages', sa.Column('exit_approval', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('stages', 'exit_approval', server_default=None)
    op.add_column('stages_history', sa.Column('exit_approval', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column('stages_history', 'exit_approval', server_default=None)
    _allow(f"{_ACTIONS}, 'STAGE_EXIT'")


def downgrade() -> None:
    op.execute("DELETE FROM authority_uses WHERE action = 'STAGE_EXIT'")
    op.execute("UPDATE opportunities SET approval_request_id = NULL WHERE approval_request_id IS NOT NULL")
    op.execute("DELETE FROM approval_requests WHERE action = 'STAGE_EXIT'")
    op.execute("DELETE FROM authority_limits WHERE action = 'STAGE_EXIT'")
    _allow(_ACTIONS)
    op.drop_column('stages_history', 'exit_approval')
    op.drop_column('stages', 'exit_approval')
    op.drop_column('opportunities_history', 'approval_request_id')
    op.drop_constraint('fk_opportunities_approval_request_id', 'opportunities', type_='foreignkey')
    op.drop_index('ix_opportunities_approval_request_id', table_name='opportunities')
    op.drop_column('opportunities', 'approval_request_id')
    op.drop_column('customers_history', 'limit_request_id')
    op.drop_constraint('fk_customers_limit_request_id', 'customers', type_='foreignkey')
    op.drop_index('ix_customers_limit_request_id', table_name='customers')
    op.drop_column('customers', 'limit_request_id')
    op.drop_index('ix_authority_uses_row_id', table_name='authority_uses')
