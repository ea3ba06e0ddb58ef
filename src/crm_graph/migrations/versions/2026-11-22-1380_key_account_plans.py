"""Key accounts: criteria and scores, plans with goals, key people; no circles of customers."""

from typing import Final

import sqlalchemy as sa
import sqlmodel
from alembic import op

from sqlalchemy.dialects import postgresql

from crm_graph.migrations.script import execute_script, functions_sql

revision = '202611221380'
down_revision = '202611221365'
branch_labels = None
depends_on = None

CHECKS: Final = {
    "key_accounts": {
        "strategic_fit": "strategic_fit BETWEEN 0 AND 100",
        "reference_count": "reference_count >= 0",
        "wallet": "wallet > 0",
        "coverage_target": "coverage_target BETWEEN 0 AND 100",
    },
    "organizations": {"tiers": "coalesce(key_tier_from, 50) BETWEEN 0 AND coalesce(strategic_tier_from, 75)"},
}

def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table('goal_snapshots_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('review_id', sa.Uuid(), nullable=False),
    sa.Column('goal_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('metric', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('target', sa.Numeric(), nullable=False),
    sa.Column('expected', sa.Numeric(), nullable=True),
    sa.Column('actual', sa.Numeric(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('goals_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('metric', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('target', sa.Numeric(), nullable=False),
    sa.Column('baseline', sa.Numeric(), nullable=True),
    sa.Column('tolerance_percent', sa.Integer(), nullable=False),
    sa.Column('red_since', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('key_account_criteria_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('weight', sa.Integer(), nullable=False),
    sa.Column('none_at', sa.Numeric(), nullable=False),
    sa.Column('full_at', sa.Numeric(), nullable=False),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('key_account_plans_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('strategy', sa.Text(), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('key_account_score_parts_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('weight', sa.Integer(), nullable=False),
    sa.Column('none_at', sa.Numeric(), nullable=False),
    sa.Column('full_at', sa.Numeric(), nullable=False),
    sa.Column('value', sa.Numeric(), nullable=True),
    sa.Column('points', sa.Numeric(), nullable=True),
    sa.Column('contribution', sa.Numeric(), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('key_account_tier_changes_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('from_tier', sa.Text(), nullable=False),
    sa.Column('to_tier', sa.Text(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Uuid(), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('key_people_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('influence', sa.Text(), nullable=False),
    sa.Column('attitude', sa.Text(), nullable=True),
    sa.Column('relationship_owner_id', sa.Uuid(), nullable=True),
    sa.Column('last_contact_on', sa.Date(), nullable=True),
    sa.Column('silent_after_days', sa.Integer(), nullable=False),
    sa.Column('silent_since', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('plan_focuses_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('institution_id', sa.Uuid(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('plan_reviews_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('decisions', sa.Text(), nullable=True),
    sa.Column('held_by_id', sa.Uuid(), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('tactics_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('goal_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('goal_snapshots',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('review_id', sa.Uuid(), nullable=False),
    sa.Column('goal_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('metric', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('target', sa.Numeric(), nullable=False),
    sa.Column('expected', sa.Numeric(), nullable=True),
    sa.Column('actual', sa.Numeric(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.CheckConstraint("metric IN ('REVENUE', 'MARGIN', 'ORDERS', 'OPPORTUNITIES_WON', 'WON_AMOUNT', 'TICKETS', 'PRODUCT_MIX')", name='ck_goal_snapshots_metric'),
    sa.CheckConstraint("status IN ('GREEN', 'AMBER', 'RED')", name='ck_goal_snapshots_status'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_goal_snapshots_external_id'),
    sa.ForeignKeyConstraint(['organization_id', 'goal_id'], ['goals.organization_id', 'goals.id'], name='fk_goal_snapshots_goal_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'review_id'], ['plan_reviews.organization_id', 'plan_reviews.id'], name='fk_goal_snapshots_review_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_goal_snapshots_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_goal_snapshots_created_at', 'goal_snapshots', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goal_snapshots_goal_id', 'goal_snapshots', ['organization_id', 'goal_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_goal_snapshots_metric', 'goal_snapshots', ['organization_id', 'metric', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goal_snapshots_review_id', 'goal_snapshots', ['organization_id', 'review_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_goal_snapshots_status', 'goal_snapshots', ['organization_id', 'status', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goal_snapshots_updated_at', 'goal_snapshots', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_goal_snapshots_external_id', 'goal_snapshots', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('goals',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('metric', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('target', sa.Numeric(), nullable=False),
    sa.Column('baseline', sa.Numeric(), nullable=True),
    sa.Column('tolerance_percent', sa.Integer(), nullable=False),
    sa.Column('red_since', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(title), 500)', persisted=True), nullable=True),
    sa.Column('title_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(title, 'A')", persisted=True), nullable=True),
    sa.CheckConstraint("metric IN ('REVENUE', 'MARGIN', 'ORDERS', 'OPPORTUNITIES_WON', 'WON_AMOUNT', 'TICKETS', 'PRODUCT_MIX')", name='ck_goals_metric'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_goals_external_id'),
    sa.CheckConstraint('tolerance_percent BETWEEN 0 AND 100', name='ck_goals_tolerance_percent'),
    sa.ForeignKeyConstraint(['organization_id', 'plan_id'], ['key_account_plans.organization_id', 'key_account_plans.id'], name='fk_goals_plan_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_goals_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_goals_created_at', 'goals', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goals_metric', 'goals', ['organization_id', 'metric', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goals_plan_id', 'goals', ['organization_id', 'plan_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_goals_red_since', 'goals', ['organization_id', 'red_since', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goals_search', 'goals', [sa.literal_column('(array_to_tsvector(ARRAY[organization_id::text]) || title_search)')], unique=False, postgresql_using='gin')
    op.create_index('ix_goals_title', 'goals', ['organization_id', 'title_fold', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_goals_updated_at', 'goals', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_goals_external_id', 'goals', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('key_account_criteria',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('weight', sa.Integer(), nullable=False),
    sa.Column('none_at', sa.Numeric(), nullable=False),
    sa.Column('full_at', sa.Numeric(), nullable=False),
    sa.CheckConstraint("measure IN ('REVENUE', 'REVENUE_GROWTH', 'MARGIN', 'SHARE_OF_WALLET', 'STRATEGIC_FIT', 'REFERENCES')", name='ck_key_account_criteria_measure'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_key_account_criteria_external_id'),
    sa.CheckConstraint('none_at <> full_at', name='ck_key_account_criteria_scale'),
    sa.CheckConstraint('weight BETWEEN 1 AND 100', name='ck_key_account_criteria_weight'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_key_account_criteria_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_key_account_criteria_created_at', 'key_account_criteria', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_criteria_measure', 'key_account_criteria', ['organization_id', 'measure', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_criteria_updated_at', 'key_account_criteria', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_key_account_criteria_external_id', 'key_account_criteria', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_index('uq_key_account_criteria_measure', 'key_account_criteria', ['organization_id', 'measure'], unique=True)
    op.create_table('key_account_plans',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('strategy', sa.Text(), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(title), 500)', persisted=True), nullable=True),
    sa.Column('title_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(title, 'A')", persisted=True), nullable=True),
    sa.Column('strategy_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(strategy, 'B')", persisted=True), nullable=True),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_key_account_plans_external_id'),
    sa.CheckConstraint('starts_on <= ends_on', name='ck_key_account_plans_days'),
    sa.ForeignKeyConstraint(['organization_id', 'key_account_id'], ['key_accounts.organization_id', 'key_accounts.id'], name='fk_key_account_plans_key_account_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_key_account_plans_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_key_account_plans_created_at', 'key_account_plans', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_plans_ends_on', 'key_account_plans', ['organization_id', 'ends_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_plans_key_account_id', 'key_account_plans', ['organization_id', 'key_account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_account_plans_search', 'key_account_plans', [sa.literal_column('((array_to_tsvector(ARRAY[organization_id::text]) || title_search) || strategy_search)')], unique=False, postgresql_using='gin')
    op.create_index('ix_key_account_plans_starts_on', 'key_account_plans', ['organization_id', 'starts_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_plans_title', 'key_account_plans', ['organization_id', 'title_fold', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_plans_updated_at', 'key_account_plans', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_key_account_plans_external_id', 'key_account_plans', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('key_account_score_parts',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('measure', sa.Text(), nullable=False),
    sa.Column('weight', sa.Integer(), nullable=False),
    sa.Column('none_at', sa.Numeric(), nullable=False),
    sa.Column('full_at', sa.Numeric(), nullable=False),
    sa.Column('value', sa.Numeric(), nullable=True),
    sa.Column('points', sa.Numeric(), nullable=True),
    sa.Column('contribution', sa.Numeric(), nullable=True),
    sa.CheckConstraint("measure IN ('REVENUE', 'REVENUE_GROWTH', 'MARGIN', 'SHARE_OF_WALLET', 'STRATEGIC_FIT', 'REFERENCES')", name='ck_key_account_score_parts_measure'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_key_account_score_parts_external_id'),
    sa.ForeignKeyConstraint(['organization_id', 'key_account_id'], ['key_accounts.organization_id', 'key_accounts.id'], name='fk_key_account_score_parts_key_account_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_key_account_score_parts_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_key_account_score_parts_created_at', 'key_account_score_parts', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_score_parts_key_account_id', 'key_account_score_parts', ['organization_id', 'key_account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_account_score_parts_measure', 'key_account_score_parts', ['organization_id', 'measure', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_score_parts_updated_at', 'key_account_score_parts', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_key_account_score_parts_external_id', 'key_account_score_parts', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_index('uq_key_account_score_parts_measure', 'key_account_score_parts', ['organization_id', 'key_account_id', 'measure'], unique=True)
    op.create_table('key_account_tier_changes',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('from_tier', sa.Text(), nullable=False),
    sa.Column('to_tier', sa.Text(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("cause IN ('SCORE', 'OVERRIDE', 'OVERRIDE_ENDED')", name='ck_key_account_tier_changes_cause'),
    sa.CheckConstraint("from_tier IN ('STRATEGIC', 'KEY', 'GROWTH')", name='ck_key_account_tier_changes_from_tier'),
    sa.CheckConstraint("to_tier IN ('STRATEGIC', 'KEY', 'GROWTH')", name='ck_key_account_tier_changes_to_tier'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_key_account_tier_changes_external_id'),
    sa.ForeignKeyConstraint(['organization_id', 'changed_by_id'], ['users.organization_id', 'users.id'], name='fk_key_account_tier_changes_changed_by_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'key_account_id'], ['key_accounts.organization_id', 'key_accounts.id'], name='fk_key_account_tier_changes_key_account_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_key_account_tier_changes_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_key_account_tier_changes_cause', 'key_account_tier_changes', ['organization_id', 'cause', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_tier_changes_changed_at', 'key_account_tier_changes', ['organization_id', 'changed_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_tier_changes_changed_by_id', 'key_account_tier_changes', ['organization_id', 'changed_by_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_account_tier_changes_created_at', 'key_account_tier_changes', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_tier_changes_key_account_id', 'key_account_tier_changes', ['organization_id', 'key_account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_account_tier_changes_to_tier', 'key_account_tier_changes', ['organization_id', 'to_tier', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_account_tier_changes_updated_at', 'key_account_tier_changes', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_key_account_tier_changes_external_id', 'key_account_tier_changes', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('key_people',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('key_account_id', sa.Uuid(), nullable=False),
    sa.Column('contact_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('influence', sa.Text(), nullable=False),
    sa.Column('attitude', sa.Text(), nullable=True),
    sa.Column('relationship_owner_id', sa.Uuid(), nullable=True),
    sa.Column('last_contact_on', sa.Date(), nullable=True),
    sa.Column('silent_after_days', sa.Integer(), nullable=False),
    sa.Column('silent_since', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("attitude IN ('SUPPORTER', 'NEUTRAL', 'OPPONENT')", name='ck_key_people_attitude'),
    sa.CheckConstraint("influence IN ('HIGH', 'MEDIUM', 'LOW')", name='ck_key_people_influence'),
    sa.CheckConstraint("role IN ('DECIDER', 'INFLUENCER', 'BUYER', 'USER', 'GATEKEEPER')", name='ck_key_people_role'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_key_people_external_id'),
    sa.CheckConstraint('silent_after_days BETWEEN 1 AND 3650', name='ck_key_people_silent_after_days'),
    sa.ForeignKeyConstraint(['organization_id', 'contact_id'], ['contacts.organization_id', 'contacts.id'], name='fk_key_people_contact_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'key_account_id'], ['key_accounts.organization_id', 'key_accounts.id'], name='fk_key_people_key_account_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'relationship_owner_id'], ['users.organization_id', 'users.id'], name='fk_key_people_relationship_owner_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_key_people_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_key_people_attitude', 'key_people', ['organization_id', 'attitude', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_contact_id', 'key_people', ['organization_id', 'contact_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_people_created_at', 'key_people', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_influence', 'key_people', ['organization_id', 'influence', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_key_account_id', 'key_people', ['organization_id', 'key_account_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_people_last_contact_on', 'key_people', ['organization_id', 'last_contact_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_relationship_owner_id', 'key_people', ['organization_id', 'relationship_owner_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_key_people_role', 'key_people', ['organization_id', 'role', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_silent_since', 'key_people', ['organization_id', 'silent_since', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_people_updated_at', 'key_people', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_key_people_contact_id', 'key_people', ['organization_id', 'key_account_id', 'contact_id'], unique=True)
    op.create_index('uq_key_people_external_id', 'key_people', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('plan_focuses',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('institution_id', sa.Uuid(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_plan_focuses_external_id'),
    sa.CheckConstraint('num_nonnulls(product_id, institution_id) = 1', name='ck_plan_focuses_one'),
    sa.ForeignKeyConstraint(['organization_id', 'institution_id'], ['customers.organization_id', 'customers.id'], name='fk_plan_focuses_institution_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'plan_id'], ['key_account_plans.organization_id', 'key_account_plans.id'], name='fk_plan_focuses_plan_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'product_id'], ['products.organization_id', 'products.id'], name='fk_plan_focuses_product_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_plan_focuses_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_plan_focuses_created_at', 'plan_focuses', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_plan_focuses_institution_id', 'plan_focuses', ['organization_id', 'institution_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_plan_focuses_plan_id', 'plan_focuses', ['organization_id', 'plan_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_plan_focuses_product_id', 'plan_focuses', ['organization_id', 'product_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_plan_focuses_updated_at', 'plan_focuses', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_plan_focuses_external_id', 'plan_focuses', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_index('uq_plan_focuses_institution_id', 'plan_focuses', ['organization_id', 'plan_id', 'institution_id'], unique=True)
    op.create_index('uq_plan_focuses_product_id', 'plan_focuses', ['organization_id', 'plan_id', 'product_id'], unique=True)
    op.create_table('plan_reviews',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('held_on', sa.Date(), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('decisions', sa.Text(), nullable=True),
    sa.Column('held_by_id', sa.Uuid(), nullable=True),
    sa.Column('summary_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(summary, 'B')", persisted=True), nullable=True),
    sa.Column('decisions_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(decisions, 'C')", persisted=True), nullable=True),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_plan_reviews_external_id'),
    sa.ForeignKeyConstraint(['organization_id', 'held_by_id'], ['users.organization_id', 'users.id'], name='fk_plan_reviews_held_by_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'plan_id'], ['key_account_plans.organization_id', 'key_account_plans.id'], name='fk_plan_reviews_plan_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_plan_reviews_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_plan_reviews_created_at', 'plan_reviews', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_plan_reviews_held_by_id', 'plan_reviews', ['organization_id', 'held_by_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_plan_reviews_held_on', 'plan_reviews', ['organization_id', 'held_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_plan_reviews_plan_id', 'plan_reviews', ['organization_id', 'plan_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_plan_reviews_search', 'plan_reviews', [sa.literal_column('((array_to_tsvector(ARRAY[organization_id::text]) || summary_search) || decisions_search)')], unique=False, postgresql_using='gin')
    op.create_index('ix_plan_reviews_updated_at', 'plan_reviews', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_plan_reviews_external_id', 'plan_reviews', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_table('tactics',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('plan_id', sa.Uuid(), nullable=False),
    sa.Column('goal_id', sa.Uuid(), nullable=True),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('notes', sa.Text(), nullable=True),
    sa.Column('title_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(title), 500)', persisted=True), nullable=True),
    sa.Column('title_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(title, 'A')", persisted=True), nullable=True),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_tactics_external_id'),
    sa.ForeignKeyConstraint(['organization_id', 'goal_id'], ['goals.organization_id', 'goals.id'], name='fk_tactics_goal_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'owner_id'], ['users.organization_id', 'users.id'], name='fk_tactics_owner_id', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id', 'plan_id'], ['key_account_plans.organization_id', 'key_account_plans.id'], name='fk_tactics_plan_id', ondelete='CASCADE', use_alter=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_tactics_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_tactics_created_at', 'tactics', ['organization_id', 'created_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_tactics_done_on', 'tactics', ['organization_id', 'done_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_tactics_due_on', 'tactics', ['organization_id', 'due_on', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_tactics_goal_id', 'tactics', ['organization_id', 'goal_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_tactics_owner_id', 'tactics', ['organization_id', 'owner_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_tactics_plan_id', 'tactics', ['organization_id', 'plan_id', sa.literal_column('created_at DESC'), sa.literal_column('id DESC')], unique=False)
    op.create_index('ix_tactics_search', 'tactics', [sa.literal_column('(array_to_tsvector(ARRAY[organization_id::text]) || title_search)')], unique=False, postgresql_using='gin')
    op.create_index('ix_tactics_title', 'tactics', ['organization_id', 'title_fold', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_tactics_updated_at', 'tactics', ['organization_id', 'updated_at', 'id'], unique=False, postgresql_include=[])
    op.create_index('uq_tactics_external_id', 'tactics', ['organization_id', 'source', 'external_id'], unique=True)
    op.add_column('key_accounts', sa.Column('tier_reason', sa.Text(), nullable=True))
    op.add_column('key_accounts', sa.Column('tier_held_until', sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('key_accounts', sa.Column('currency', sa.Text(), nullable=False, server_default="EUR"))
    op.alter_column('key_accounts', 'currency', server_default=None)
    op.add_column('key_accounts', sa.Column('wallet', sa.Numeric(), nullable=True))
    op.add_column('key_accounts', sa.Column('strategic_fit', sa.Integer(), nullable=True))
    op.add_column('key_accounts', sa.Column('reference_count', sa.Integer(), nullable=True))
    op.add_column('key_accounts', sa.Column('coverage_target', sa.Integer(), nullable=False, server_default="70"))
    op.alter_column('key_accounts', 'coverage_target', server_default=None)
    op.add_column('key_accounts', sa.Column('coverage_thin_since', sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index('ix_key_accounts_coverage_thin_since', 'key_accounts', ['organization_id', 'coverage_thin_since', 'id'], unique=False, postgresql_include=[])
    op.create_index('ix_key_accounts_tier_held_until', 'key_accounts', ['organization_id', 'tier_held_until', 'id'], unique=False, postgresql_include=[])
    op.add_column('key_accounts_history', sa.Column('tier_reason', sa.Text(), nullable=True))
    op.add_column('key_accounts_history', sa.Column('tier_held_until', sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('key_accounts_history', sa.Column('currency', sa.Text(), nullable=False, server_default="EUR"))
    op.alter_column('key_accounts_history', 'currency', server_default=None)
    op.add_column('key_accounts_history', sa.Column('wallet', sa.Numeric(), nullable=True))
    op.add_column('key_accounts_history', sa.Column('strategic_fit', sa.Integer(), nullable=True))
    op.add_column('key_accounts_history', sa.Column('reference_count', sa.Integer(), nullable=True))
    op.add_column('key_accounts_history', sa.Column('coverage_target', sa.Integer(), nullable=False, server_default="70"))
    op.alter_column('key_accounts_history', 'coverage_target', server_default=None)
    op.add_column('key_accounts_history', sa.Column('coverage_thin_since', sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('organizations', sa.Column('strategic_tier_from', sa.Integer(), nullable=True))
    op.add_column('organizations', sa.Column('key_tier_from', sa.Integer(), nullable=True))
    op.add_column('organizations_history', sa.Column('strategic_tier_from', sa.Integer(), nullable=True))
    op.add_column('organizations_history', sa.Column('key_tier_from', sa.Integer(), nullable=True))
    op.execute("SELECT crm_keep_history('goal_snapshots')")
    op.execute("SELECT crm_keep_history('goals')")
    op.execute("SELECT crm_keep_history('key_account_criteria')")
    op.execute("SELECT crm_keep_history('key_account_plans')")
    op.execute("SELECT crm_keep_history('key_account_score_parts')")
    op.execute("SELECT crm_keep_history('key_account_tier_changes')")
    op.execute("SELECT crm_keep_history('key_people')")
    op.execute("SELECT crm_keep_history('plan_focuses')")
    op.execute("SELECT crm_keep_history('plan_reviews')")
    op.execute("SELECT crm_keep_history('tactics')")
    op.create_foreign_key('fk_goal_snapshots_goal_id', 'goal_snapshots', 'goals', ['organization_id', 'goal_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_goal_snapshots_review_id', 'goal_snapshots', 'plan_reviews', ['organization_id', 'review_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_goals_plan_id', 'goals', 'key_account_plans', ['organization_id', 'plan_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_account_plans_key_account_id', 'key_account_plans', 'key_accounts', ['organization_id', 'key_account_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_account_score_parts_key_account_id', 'key_account_score_parts', 'key_accounts', ['organization_id', 'key_account_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_account_tier_changes_changed_by_id', 'key_account_tier_changes', 'users', ['organization_id', 'changed_by_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_key_account_tier_changes_key_account_id', 'key_account_tier_changes', 'key_accounts', ['organization_id', 'key_account_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_people_contact_id', 'key_people', 'contacts', ['organization_id', 'contact_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_people_key_account_id', 'key_people', 'key_accounts', ['organization_id', 'key_account_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_key_people_relationship_owner_id', 'key_people', 'users', ['organization_id', 'relationship_owner_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_plan_focuses_institution_id', 'plan_focuses', 'customers', ['organization_id', 'institution_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_plan_focuses_plan_id', 'plan_focuses', 'key_account_plans', ['organization_id', 'plan_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_plan_focuses_product_id', 'plan_focuses', 'products', ['organization_id', 'product_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_plan_reviews_held_by_id', 'plan_reviews', 'users', ['organization_id', 'held_by_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_plan_reviews_plan_id', 'plan_reviews', 'key_account_plans', ['organization_id', 'plan_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_tactics_goal_id', 'tactics', 'goals', ['organization_id', 'goal_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.create_foreign_key('fk_tactics_owner_id', 'tactics', 'users', ['organization_id', 'owner_id'], ['organization_id', 'id'], use_alter=True)
    op.create_foreign_key('fk_tactics_plan_id', 'tactics', 'key_account_plans', ['organization_id', 'plan_id'], ['organization_id', 'id'], ondelete='CASCADE', use_alter=True)
    op.execute(
        "UPDATE key_accounts k SET currency = c.currency FROM customers c"
        " WHERE c.organization_id = k.organization_id AND c.id = k.customer_id AND c.currency <> k.currency"
    )
    for table, checks in CHECKS.items():
        for name, sql in checks.items():
            op.create_check_constraint(f"ck_{table}_{name}", table, sql)
    execute_script(functions_sql("crm_graph.schema", "customers.sql"))
    execute_script(functions_sql("crm_graph.schema", "key_accounts.sql"))


def downgrade() -> None:
    for table, checks in CHECKS.items():
        for name in checks:
            op.drop_constraint(f"ck_{table}_{name}", table)
    op.drop_constraint('fk_tactics_plan_id', 'tactics', type_='foreignkey')
    op.drop_constraint('fk_tactics_owner_id', 'tactics', type_='foreignkey')
    op.drop_constraint('fk_tactics_goal_id', 'tactics', type_='foreignkey')
    op.drop_constraint('fk_plan_reviews_plan_id', 'plan_reviews', type_='foreignkey')
    op.drop_constraint('fk_plan_reviews_held_by_id', 'plan_reviews', type_='foreignkey')
    op.drop_constraint('fk_plan_focuses_product_id', 'plan_focuses', type_='foreignkey')
    op.drop_constraint('fk_plan_focuses_plan_id', 'plan_focuses', type_='foreignkey')
    op.drop_constraint('fk_plan_focuses_institution_id', 'plan_focuses', type_='foreignkey')
    op.drop_constraint('fk_key_people_relationship_owner_id', 'key_people', type_='foreignkey')
    op.drop_constraint('fk_key_people_key_account_id', 'key_people', type_='foreignkey')
    op.drop_constraint('fk_key_people_contact_id', 'key_people', type_='foreignkey')
    op.drop_constraint('fk_key_account_tier_changes_key_account_id', 'key_account_tier_changes', type_='foreignkey')
    op.drop_constraint('fk_key_account_tier_changes_changed_by_id', 'key_account_tier_changes', type_='foreignkey')
    op.drop_constraint('fk_key_account_score_parts_key_account_id', 'key_account_score_parts', type_='foreignkey')
    op.drop_constraint('fk_key_account_plans_key_account_id', 'key_account_plans', type_='foreignkey')
    op.drop_constraint('fk_goals_plan_id', 'goals', type_='foreignkey')
    op.drop_constraint('fk_goal_snapshots_review_id', 'goal_snapshots', type_='foreignkey')
    op.drop_constraint('fk_goal_snapshots_goal_id', 'goal_snapshots', type_='foreignkey')
    op.drop_column('organizations_history', 'key_tier_from')
    op.drop_column('organizations_history', 'strategic_tier_from')
    op.drop_column('organizations', 'key_tier_from')
    op.drop_column('organizations', 'strategic_tier_from')
    op.drop_column('key_accounts_history', 'coverage_thin_since')
    op.drop_column('key_accounts_history', 'coverage_target')
    op.drop_column('key_accounts_history', 'reference_count')
    op.drop_column('key_accounts_history', 'strategic_fit')
    op.drop_column('key_accounts_history', 'wallet')
    op.drop_column('key_accounts_history', 'currency')
    op.drop_column('key_accounts_history', 'tier_held_until')
    op.drop_column('key_accounts_history', 'tier_reason')
    op.drop_index('ix_key_accounts_tier_held_until', table_name='key_accounts', postgresql_include=[])
    op.drop_index('ix_key_accounts_coverage_thin_since', table_name='key_accounts', postgresql_include=[])
    op.drop_column('key_accounts', 'coverage_thin_since')
    op.drop_column('key_accounts', 'coverage_target')
    op.drop_column('key_accounts', 'reference_count')
    op.drop_column('key_accounts', 'strategic_fit')
    op.drop_column('key_accounts', 'wallet')
    op.drop_column('key_accounts', 'currency')
    op.drop_column('key_accounts', 'tier_held_until')
    op.drop_column('key_accounts', 'tier_reason')
    op.drop_index('uq_tactics_external_id', table_name='tactics')
    op.drop_index('ix_tactics_updated_at', table_name='tactics', postgresql_include=[])
    op.drop_index('ix_tactics_title', table_name='tactics', postgresql_include=[])
    op.drop_index('ix_tactics_search', table_name='tactics', postgresql_using='gin')
    op.drop_index('ix_tactics_plan_id', table_name='tactics')
    op.drop_index('ix_tactics_owner_id', table_name='tactics')
    op.drop_index('ix_tactics_goal_id', table_name='tactics')
    op.drop_index('ix_tactics_due_on', table_name='tactics', postgresql_include=[])
    op.drop_index('ix_tactics_done_on', table_name='tactics', postgresql_include=[])
    op.drop_index('ix_tactics_created_at', table_name='tactics', postgresql_include=[])
    op.drop_table('tactics')
    op.drop_index('uq_plan_reviews_external_id', table_name='plan_reviews')
    op.drop_index('ix_plan_reviews_updated_at', table_name='plan_reviews', postgresql_include=[])
    op.drop_index('ix_plan_reviews_search', table_name='plan_reviews', postgresql_using='gin')
    op.drop_index('ix_plan_reviews_plan_id', table_name='plan_reviews')
    op.drop_index('ix_plan_reviews_held_on', table_name='plan_reviews', postgresql_include=[])
    op.drop_index('ix_plan_reviews_held_by_id', table_name='plan_reviews')
    op.drop_index('ix_plan_reviews_created_at', table_name='plan_reviews', postgresql_include=[])
    op.drop_table('plan_reviews')
    op.drop_index('uq_plan_focuses_product_id', table_name='plan_focuses')
    op.drop_index('uq_plan_focuses_institution_id', table_name='plan_focuses')
    op.drop_index('uq_plan_focuses_external_id', table_name='plan_focuses')
    op.drop_index('ix_plan_focuses_updated_at', table_name='plan_focuses', postgresql_include=[])
    op.drop_index('ix_plan_focuses_product_id', table_name='plan_focuses')
    op.drop_index('ix_plan_focuses_plan_id', table_name='plan_focuses')
    op.drop_index('ix_plan_focuses_institution_id', table_name='plan_focuses')
    op.drop_index('ix_plan_focuses_created_at', table_name='plan_focuses', postgresql_include=[])
    op.drop_table('plan_focuses')
    op.drop_index('uq_key_people_external_id', table_name='key_people')
    op.drop_index('uq_key_people_contact_id', table_name='key_people')
    op.drop_index('ix_key_people_updated_at', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_silent_since', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_role', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_relationship_owner_id', table_name='key_people')
    op.drop_index('ix_key_people_last_contact_on', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_key_account_id', table_name='key_people')
    op.drop_index('ix_key_people_influence', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_created_at', table_name='key_people', postgresql_include=[])
    op.drop_index('ix_key_people_contact_id', table_name='key_people')
    op.drop_index('ix_key_people_attitude', table_name='key_people', postgresql_include=[])
    op.drop_table('key_people')
    op.drop_index('uq_key_account_tier_changes_external_id', table_name='key_account_tier_changes')
    op.drop_index('ix_key_account_tier_changes_updated_at', table_name='key_account_tier_changes', postgresql_include=[])
    op.drop_index('ix_key_account_tier_changes_to_tier', table_name='key_account_tier_changes', postgresql_include=[])
    op.drop_index('ix_key_account_tier_changes_key_account_id', table_name='key_account_tier_changes')
    op.drop_index('ix_key_account_tier_changes_created_at', table_name='key_account_tier_changes', postgresql_include=[])
    op.drop_index('ix_key_account_tier_changes_changed_by_id', table_name='key_account_tier_changes')
    op.drop_index('ix_key_account_tier_changes_changed_at', table_name='key_account_tier_changes', postgresql_include=[])
    op.drop_index('ix_key_account_tier_changes_cause', table_name='key_account_tier_changes', postgresql_include=[])
    op.drop_table('key_account_tier_changes')
    op.drop_index('uq_key_account_score_parts_measure', table_name='key_account_score_parts')
    op.drop_index('uq_key_account_score_parts_external_id', table_name='key_account_score_parts')
    op.drop_index('ix_key_account_score_parts_updated_at', table_name='key_account_score_parts', postgresql_include=[])
    op.drop_index('ix_key_account_score_parts_measure', table_name='key_account_score_parts', postgresql_include=[])
    op.drop_index('ix_key_account_score_parts_key_account_id', table_name='key_account_score_parts')
    op.drop_index('ix_key_account_score_parts_created_at', table_name='key_account_score_parts', postgresql_include=[])
    op.drop_table('key_account_score_parts')
    op.drop_index('uq_key_account_plans_external_id', table_name='key_account_plans')
    op.drop_index('ix_key_account_plans_updated_at', table_name='key_account_plans', postgresql_include=[])
    op.drop_index('ix_key_account_plans_title', table_name='key_account_plans', postgresql_include=[])
    op.drop_index('ix_key_account_plans_starts_on', table_name='key_account_plans', postgresql_include=[])
    op.drop_index('ix_key_account_plans_search', table_name='key_account_plans', postgresql_using='gin')
    op.drop_index('ix_key_account_plans_key_account_id', table_name='key_account_plans')
    op.drop_index('ix_key_account_plans_ends_on', table_name='key_account_plans', postgresql_include=[])
    op.drop_index('ix_key_account_plans_created_at', table_name='key_account_plans', postgresql_include=[])
    op.drop_table('key_account_plans')
    op.drop_index('uq_key_account_criteria_measure', table_name='key_account_criteria')
    op.drop_index('uq_key_account_criteria_external_id', table_name='key_account_criteria')
    op.drop_index('ix_key_account_criteria_updated_at', table_name='key_account_criteria', postgresql_include=[])
    op.drop_index('ix_key_account_criteria_measure', table_name='key_account_criteria', postgresql_include=[])
    op.drop_index('ix_key_account_criteria_created_at', table_name='key_account_criteria', postgresql_include=[])
    op.drop_table('key_account_criteria')
    op.drop_index('uq_goals_external_id', table_name='goals')
    op.drop_index('ix_goals_updated_at', table_name='goals', postgresql_include=[])
    op.drop_index('ix_goals_title', table_name='goals', postgresql_include=[])
    op.drop_index('ix_goals_search', table_name='goals', postgresql_using='gin')
    op.drop_index('ix_goals_red_since', table_name='goals', postgresql_include=[])
    op.drop_index('ix_goals_plan_id', table_name='goals')
    op.drop_index('ix_goals_metric', table_name='goals', postgresql_include=[])
    op.drop_index('ix_goals_created_at', table_name='goals', postgresql_include=[])
    op.drop_table('goals')
    op.drop_index('uq_goal_snapshots_external_id', table_name='goal_snapshots')
    op.drop_index('ix_goal_snapshots_updated_at', table_name='goal_snapshots', postgresql_include=[])
    op.drop_index('ix_goal_snapshots_status', table_name='goal_snapshots', postgresql_include=[])
    op.drop_index('ix_goal_snapshots_review_id', table_name='goal_snapshots')
    op.drop_index('ix_goal_snapshots_metric', table_name='goal_snapshots', postgresql_include=[])
    op.drop_index('ix_goal_snapshots_goal_id', table_name='goal_snapshots')
    op.drop_index('ix_goal_snapshots_created_at', table_name='goal_snapshots', postgresql_include=[])
    op.drop_table('goal_snapshots')
    op.drop_table('tactics_history')
    op.drop_table('plan_reviews_history')
    op.drop_table('plan_focuses_history')
    op.drop_table('key_people_history')
    op.drop_table('key_account_tier_changes_history')
    op.drop_table('key_account_score_parts_history')
    op.drop_table('key_account_plans_history')
    op.drop_table('key_account_criteria_history')
    op.drop_table('goals_history')
    op.drop_table('goal_snapshots_history')
    for name in ("refuse_plan_overlap()", "refuse_customer_circle()", "goal_status(numeric, numeric, integer, boolean)"):
        op.execute(f"DROP FUNCTION crm_{name} CASCADE")
