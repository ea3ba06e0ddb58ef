"""Proposals in versions, from a draft to the order that they become; templates for them.

What was a proposal's total is now what its lines come to: there was no discount on the whole before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from crm_graph.migrations.script import execute_script, functions_sql

revision = "202611221250"
down_revision = "202611221240"
branch_labels = None
depends_on = None

STAMP = sa.TIMESTAMP(timezone=True)
COLUMNS = {
    "proposals": {
        "addressee_id": sa.Uuid(), "root_id": sa.Uuid(), "language": sa.Text(), "lines_changed_at": STAMP,
        "introduction": sa.Text(), "closing": sa.Text(), "sent_at": STAMP, "viewed_at": STAMP, "decided_at": STAMP,
        "approval_request_id": sa.Uuid(), "decided_by": sa.Text(), "accepted_by_way": sa.Text(), "decline_reason": sa.Text(),
    },
    "proposal_lines": {"list_price": sa.Numeric(), "unit_cost": sa.Numeric(), "origin": sa.Uuid()},
    "orders": {"proposal_id": sa.Uuid()},
}  # fmt: skip
GIVEN = {"revision": (sa.Integer(), "1"), "current": (sa.Boolean(), "true"), "discount_percent": (sa.Numeric(), "0")}
"""Columns that every proposal has, with what those have that are there."""
SEARCHED = {"introduction": "C", "closing": "D", "decline_reason": "D"}
WORDS = (
    "((((((array_to_tsvector(ARRAY[organization_id::text]) || number_search) || title_search) || introduction_search)"
    " || terms_search) || closing_search) || decline_reason_search)"
)
WORDS_BEFORE = "(((array_to_tsvector(ARRAY[organization_id::text]) || number_search) || title_search) || terms_search)"
CHECKS = {
    "discount_percent": "discount_percent BETWEEN 0 AND 100",
    "addressee": "addressee_id IS NULL OR addressee_id = customer_id",
    "sent": "status NOT IN ('SENT', 'VIEWED', 'ACCEPTED', 'DECLINED') OR addressee_id IS NOT NULL",
    "accepted_by_way": "accepted_by_way IN ('SIGNED_IN', 'PAGE', 'IN_WRITING', 'PHONE', 'IN_PERSON')",
}
REFERENCES = (
    ("orders", "proposal_id", "proposals"),
    ("proposals", "root_id", "proposals"),
    ("proposals", "addressee_id", "customers"),
    ("proposals", "approval_request_id", "approval_requests"),
)
SUMS = (
    "'subtotal', 'crm_round(l.quantity * l.unit_price * (100 - l.discount_percent) * 0.01, l.currency)',"
    " 'cost', 'crm_round(l.quantity * l.unit_cost, l.currency)'"
)
INDEXED = ("current", "decided_at", "sent_at")


def upgrade() -> None:
    execute_script(functions_sql())
    op.create_table('proposal_templates_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('introduction', sa.Text(), nullable=True),
    sa.Column('terms', sa.Text(), nullable=True),
    sa.Column('closing', sa.Text(), nullable=True),
    sa.Column('valid_days', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('name_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('language_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('proposal_templates',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('language', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('introduction', sa.Text(), nullable=True),
    sa.Column('terms', sa.Text(), nullable=True),
    sa.Column('closing', sa.Text(), nullable=True),
    sa.Column('valid_days', sa.Integer(), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('name_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(name), 500)', persisted=True), nullable=True),
    sa.Column('language_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(language), 500)', persisted=True), nullable=True),
    sa.Column('name_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(name, 'A')", persisted=True), nullable=True),
    sa.Column('introduction_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(introduction, 'C')", persisted=True), nullable=True),
    sa.Column('terms_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(terms, 'D')", persisted=True), nullable=True),
    sa.Column('closing_search', postgresql.TSVECTOR(), sa.Computed("crm_vector(closing, 'D')", persisted=True), nullable=True),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_proposal_templates_external_id'),
    sa.CheckConstraint('valid_days BETWEEN 1 AND 3650', name='ck_proposal_templates_valid_days'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_proposal_templates_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_proposal_templates_active', 'proposal_templates', ['organization_id', 'active', 'id'], unique=False)
    op.create_index('ix_proposal_templates_created_at', 'proposal_templates', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_proposal_templates_language', 'proposal_templates', ['organization_id', 'language_fold', 'id'], unique=False)
    op.create_index('ix_proposal_templates_name', 'proposal_templates', ['organization_id', 'name_fold', 'id'], unique=False)
    op.create_index('ix_proposal_templates_search', 'proposal_templates', [sa.literal_column('((((array_to_tsvector(ARRAY[organization_id::text]) || name_search) || introduction_search) || terms_search) || closing_search)')], unique=False, postgresql_using='gin')
    op.create_index('ix_proposal_templates_updated_at', 'proposal_templates', ['organization_id', 'updated_at', 'id'], unique=False)
    op.create_index('uq_proposal_templates_external_id', 'proposal_templates', ['organization_id', 'source', 'external_id'], unique=True)
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            for kept in (table, f"{table}_history"):
                op.add_column(kept, sa.Column(name, kind, nullable=True))
    for table in ("proposals", "proposals_history"):
        for name, (kind, default) in GIVEN.items():
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=sa.text(default)))
            op.alter_column(table, name, server_default=None)
    op.drop_index("ix_proposals_total", table_name="proposals")
    for table in ("proposals", "proposals_history"):
        op.alter_column(table, "total", new_column_name="subtotal")
    op.execute(
        "UPDATE proposals SET addressee_id = customer_id"
        " WHERE status IN ('SENT', 'VIEWED', 'ACCEPTED', 'DECLINED', 'EXPIRED')"
    )
    for name, weight in SEARCHED.items():
        vector = sa.Computed(f"crm_vector({name}, '{weight}')", persisted=True)
        op.add_column("proposals", sa.Column(f"{name}_search", postgresql.TSVECTOR(), vector))
    op.drop_index("ix_proposals_search", table_name="proposals")
    op.create_index("ix_proposals_search", "proposals", [sa.literal_column(WORDS)], postgresql_using="gin")
    for name in INDEXED:
        op.create_index(f"ix_proposals_{name}", "proposals", ["organization_id", name, "id"])
    for table, name, target in REFERENCES:
        order = [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")]
        op.create_index(f"ix_{table}_{name}", table, ["organization_id", name, *order])
        op.create_foreign_key(
            f"fk_{table}_{name}", table, target, ["organization_id", name], ["organization_id", "id"]
        )
    op.create_index("uq_orders_proposal_id", "orders", ["organization_id", "proposal_id"], unique=True)
    op.execute(f"SELECT crm_keep_sums('proposal_lines', 'proposals', 'proposal_id', {SUMS})")
    for name, condition in CHECKS.items():
        op.create_check_constraint(f"ck_proposals_{name}", "proposals", condition)
    op.execute("SELECT crm_keep_history('proposal_templates')")


def downgrade() -> None:
    for event in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER crm_sums_proposals_{event} ON proposal_lines")
    op.execute("DROP TRIGGER crm_sum_stays_proposal_lines ON proposals")
    for name in CHECKS:
        op.drop_constraint(f"ck_proposals_{name}", "proposals", type_="check")
    op.drop_index("ix_proposals_search", table_name="proposals")
    for name in SEARCHED:
        op.drop_column("proposals", f"{name}_search")
    op.create_index("ix_proposals_search", "proposals", [sa.literal_column(WORDS_BEFORE)], postgresql_using="gin")
    for table in ("proposals", "proposals_history"):
        op.alter_column(table, "subtotal", new_column_name="total")
        for name in GIVEN:
            op.drop_column(table, name)
    for table, columns in COLUMNS.items():
        for name in columns:
            for kept in (table, f"{table}_history"):
                op.drop_column(kept, name)
    order = [sa.literal_column(key) for key in ("currency DESC", "total DESC NULLS LAST", "id DESC")]
    decisive = ["owner_id", "customer_id", "opportunity_id"]
    op.create_index("ix_proposals_total", "proposals", ["organization_id", *order], postgresql_include=decisive)
    op.drop_table("proposal_templates")
    op.drop_table("proposal_templates_history")
