"""Custom fields: their definitions, and the slots that hold their values."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611221010"
down_revision = "202611221000"
branch_labels = None
depends_on = None

TABLES = ('contacts', 'customers', 'key_accounts', 'opportunities', 'orders', 'partners', 'products', 'tickets')
FAMILIES = (('text', 10, 'text'), ('number', 10, 'numeric'), ('date', 5, 'date'), ('time', 5, 'timestamptz'), ('flag', 5, 'boolean'))
SLOTS = [(f'custom_{name}_{number}', sql) for name, count, sql in FAMILIES for number in range(1, count + 1)]


def upgrade() -> None:
    op.create_table('custom_fields_history',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('entity', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('slot', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('read_level', sa.Text(), nullable=False),
    sa.Column('write_level', sa.Text(), nullable=False),
    sa.Column('filterable', sa.Boolean(), nullable=False),
    sa.Column('sortable', sa.Boolean(), nullable=False),
    sa.Column('choices', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('archived_at', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('name_fold', sa.Text(collation='C'), nullable=True),
    sa.Column('history_from', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_to', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('history_actor_id', sa.Uuid(), nullable=True),
    sa.Column('history_channel', sa.Text(), nullable=True),
    sa.Column('history_deleted', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.PrimaryKeyConstraint('organization_id', 'id', 'history_from')
    )
    op.create_table('custom_fields',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('updated_at', sa.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('source', sa.Text(), nullable=True),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('entity', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('slot', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('read_level', sa.Text(), nullable=False),
    sa.Column('write_level', sa.Text(), nullable=False),
    sa.Column('filterable', sa.Boolean(), nullable=False),
    sa.Column('sortable', sa.Boolean(), nullable=False),
    sa.Column('choices', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('archived_at', sa.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('name_fold', sa.Text(collation='C'), sa.Computed('left(crm_fold(name), 500)', persisted=True), nullable=True),
    sa.CheckConstraint("entity IN ('CUSTOMER', 'CONTACT', 'OPPORTUNITY', 'ORDER', 'TICKET', 'PRODUCT', 'PARTNER', 'KEY_ACCOUNT')", name='ck_custom_fields_entity'),
    sa.CheckConstraint("kind IN ('STRING', 'CHOICE', 'EMAIL_ADDRESS', 'PHONE_NUMBER', 'URL', 'INT', 'DECIMAL', 'DATE', 'DATE_TIME', 'BOOLEAN')", name='ck_custom_fields_kind'),
    sa.CheckConstraint("read_level IN ('PUBLIC', 'PARTNER', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED')", name='ck_custom_fields_read_level'),
    sa.CheckConstraint("write_level IN ('PUBLIC', 'PARTNER', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED')", name='ck_custom_fields_write_level'),
    sa.CheckConstraint('(source IS NULL) = (external_id IS NULL)', name='ck_custom_fields_external_id'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_custom_fields_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('ix_custom_fields_archived_at', 'custom_fields', ['organization_id', 'archived_at', 'id'], unique=False)
    op.create_index('ix_custom_fields_created_at', 'custom_fields', ['organization_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_custom_fields_entity', 'custom_fields', ['organization_id', 'entity', 'id'], unique=False)
    op.create_index('ix_custom_fields_kind', 'custom_fields', ['organization_id', 'kind', 'id'], unique=False)
    op.create_index('ix_custom_fields_name', 'custom_fields', ['organization_id', 'name_fold', 'id'], unique=False)
    op.create_index('ix_custom_fields_read_level', 'custom_fields', ['organization_id', 'read_level', 'id'], unique=False)
    op.create_index('ix_custom_fields_updated_at', 'custom_fields', ['organization_id', 'updated_at', 'id'], unique=False)
    op.create_index('ix_custom_fields_write_level', 'custom_fields', ['organization_id', 'write_level', 'id'], unique=False)
    op.create_index('uq_custom_fields_external_id', 'custom_fields', ['organization_id', 'source', 'external_id'], unique=True)
    op.create_index('uq_custom_fields_name', 'custom_fields', ['organization_id', 'entity', 'name'], unique=True, postgresql_where=sa.text('archived_at IS NULL'))
    op.create_index('uq_custom_fields_slot', 'custom_fields', ['organization_id', 'entity', 'slot'], unique=True)
    op.execute("SELECT crm_keep_history('custom_fields')")
    op.execute('CREATE TRIGGER crm_access_changed AFTER INSERT OR UPDATE OR DELETE ON custom_fields'
               ' FOR EACH ROW EXECUTE FUNCTION crm_access_changed()')
    op.execute('CREATE TRIGGER crm_access_changed_truncate AFTER TRUNCATE ON custom_fields'
               ' FOR EACH STATEMENT EXECUTE FUNCTION crm_access_changed()')
    for table in TABLES:
        added = ', '.join(f'ADD COLUMN {slot} {sql}' for slot, sql in SLOTS)
        op.execute(f'ALTER TABLE {table} {added}')
        op.execute(f'ALTER TABLE {table}_history {added}')
        for slot, sql in SLOTS:
            led = sa.text(f'left(crm_fold({slot}) COLLATE "C", 500)') if sql == 'text' else slot
            op.create_index(f'ix_{table}_{slot}', table, ['organization_id', led, 'id'], unique=False,
                            postgresql_where=sa.text(f'{slot} IS NOT NULL'))


def downgrade() -> None:
    dropped = ', '.join(f'DROP COLUMN {slot}' for slot, _ in SLOTS)
    for table in TABLES:
        op.execute(f'ALTER TABLE {table} {dropped}')
        op.execute(f'ALTER TABLE {table}_history {dropped}')
    op.drop_table('custom_fields')
    op.drop_table('custom_fields_history')
