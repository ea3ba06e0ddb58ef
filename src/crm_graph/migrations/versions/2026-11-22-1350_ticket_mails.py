"""Mailboxes, mails that come in, and mails of tickets; tickets of senders whom nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = '202611221350'
down_revision = "202611221380"
branch_labels = None
depends_on = None

STAMP = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table('mailboxes',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', STAMP, server_default=sa.text('now()'), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('host', sa.Text(), nullable=True),
    sa.Column('port', sa.Integer(), nullable=True),
    sa.Column('username', sa.Text(), nullable=True),
    sa.Column('folder', sa.Text(), server_default='INBOX', nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('trusted_server', sa.Text(), nullable=True),
    sa.Column('unknown_customer_id', sa.Uuid(), nullable=True),
    sa.Column('uid_validity', sa.BigInteger(), nullable=True),
    sa.Column('last_uid', sa.BigInteger(), nullable=True),
    sa.Column('due_at', STAMP, server_default=sa.text('now()'), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_mailboxes_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_mailboxes_address', 'mailboxes', ['organization_id', 'address'], unique=True)
    op.create_table('incoming_mails',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', STAMP, server_default=sa.text('now()'), nullable=False),
    sa.Column('mailbox_id', sa.Uuid(), nullable=False),
    sa.Column('identity', sa.LargeBinary(), nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=True),
    sa.Column('sender', sa.Text(), nullable=True),
    sa.Column('done_at', STAMP, nullable=True),
    sa.Column('became', sa.Text(), nullable=True),
    sa.Column('ticket_id', sa.Uuid(), nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'mailbox_id'], ['mailboxes.organization_id', 'mailboxes.id'], name='fk_incoming_mails_mailbox_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_incoming_mails_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_incoming_mails_identity', 'incoming_mails', ['organization_id', 'identity'], unique=True)
    op.create_index('ix_incoming_mails_mailbox_id', 'incoming_mails', ['organization_id', 'mailbox_id'])
    op.create_index('ix_incoming_mails_sender', 'incoming_mails', ['organization_id', 'sender', 'done_at'])
    op.create_index('ix_incoming_mails_created_at', 'incoming_mails', ['created_at'])
    op.create_table('ticket_mails',
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', STAMP, server_default=sa.text('now()'), nullable=False),
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('mailbox_id', sa.Uuid(), nullable=True),
    sa.Column('message_id', sa.Uuid(), nullable=True),
    sa.Column('outgoing', sa.Boolean(), nullable=False),
    sa.Column('automatic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('proven', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('header_id', sa.Text(), nullable=True),
    sa.Column('token_hash', sa.LargeBinary(), nullable=True),
    sa.Column('sent_at', STAMP, nullable=True),
    sa.Column('bounced_at', STAMP, nullable=True),
    sa.ForeignKeyConstraint(['organization_id', 'ticket_id'], ['tickets.organization_id', 'tickets.id'], name='fk_ticket_mails_ticket_id', ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['organization_id'], ['organizations.id'], name='fk_ticket_mails_organization'),
    sa.PrimaryKeyConstraint('organization_id', 'id')
    )
    op.create_index('uq_ticket_mails_token_hash', 'ticket_mails', ['organization_id', 'token_hash'], unique=True)
    op.create_index('ix_ticket_mails_ticket_id', 'ticket_mails', ['organization_id', 'ticket_id', 'created_at'])
    op.create_index('ix_ticket_mails_header_id', 'ticket_mails', ['organization_id', 'header_id'])
    op.create_index('ix_ticket_mails_address', 'ticket_mails', ['organization_id', 'address', 'created_at'])
    op.add_column('outgoing_mails', sa.Column('sender', sa.Text(), nullable=True))
    op.add_column('outgoing_mails', sa.Column('reply_to', sa.Text(), nullable=True))
    op.add_column('outgoing_mails', sa.Column('answers', sa.Text(), nullable=True))
    op.add_column('outgoing_mails', sa.Column('automatic', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('tickets', sa.Column('unverified_sender', sa.Text(), nullable=True))
    op.create_index('ix_tickets_unverified_sender', 'tickets', ['organization_id', 'unverified_sender', 'id'], unique=False, postgresql_include=[])
    op.add_column('tickets_history', sa.Column('unverified_sender', sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column('tickets_history', 'unverified_sender')
    op.drop_index('ix_tickets_unverified_sender', table_name='tickets', postgresql_include=[])
    op.drop_column('tickets', 'unverified_sender')
    for column in ('automatic', 'answers', 'reply_to', 'sender'):
        op.drop_column('outgoing_mails', column)
    for table in ('ticket_mails', 'incoming_mails', 'mailboxes'):
        op.drop_table(table)
