"""Counters of what callers were refused."""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "202611220537"
down_revision = "202611220000"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('access_denials',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('minute', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=False),
    sa.Column('coordinate', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('times', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_access_denials_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_access_denials_counter', 'access_denials', ['organization_id', 'minute', 'actor_id', 'coordinate', 'code'], unique=True)


def downgrade() -> None:
    op.drop_index('uq_access_denials_counter', table_name='access_denials')
    op.drop_table('access_denials')
