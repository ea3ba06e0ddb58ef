"""What is to be sent, what came in, and by which mailbox."""

import sqlalchemy as sa
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)

outgoing_mails = sa.Table(
    "outgoing_mails",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("sender", sa.Text),
    sa.Column("reply_to", sa.Text),
    sa.Column("answers", sa.Text),
    sa.Column("automatic", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("due_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", _STAMP),
    sa.Column("failed_at", _STAMP),
    sa.Column("last_error", sa.Text),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_outgoing_mails_organization"),
    sa.Index("ix_outgoing_mails_due", "due_at", postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL")),
    sa.Index("ix_outgoing_mails_created_at", "created_at"),
)
"""A mail each; text and reply address go when it was sent or given up, as they may hold a code."""

mailboxes = sa.Table(
    "mailboxes",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("host", sa.Text),
    sa.Column("port", sa.Integer),
    sa.Column("username", sa.Text),
    sa.Column("folder", sa.Text, nullable=False, server_default="INBOX"),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("trusted_server", sa.Text),
    sa.Column("unknown_customer_id", sa.Uuid),
    sa.Column("uid_validity", sa.BigInteger),
    sa.Column("last_uid", sa.BigInteger),
    sa.Column("due_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("last_error", sa.Text),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_mailboxes_organization"),
    sa.Index("uq_mailboxes_address", "organization_id", "address", unique=True),
)
"""Where mail comes in: with `host` we fetch it from an IMAP server, without it is posted to us.

`secret` is sealed: the server's password, or the key by which what is posted is signed. `trusted_server` finds out who
sent a mail (its name in Authentication-Results). `unknown_customer_id` has the tickets of senders nobody knows.
"""

incoming_mails = sa.Table(
    "incoming_mails",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("mailbox_id", sa.Uuid, nullable=False),
    sa.Column("identity", sa.LargeBinary, nullable=False),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("sender", sa.Text),
    sa.Column("done_at", _STAMP),
    sa.Column("became", sa.Text),
    sa.Column("ticket_id", sa.Uuid),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_incoming_mails_organization"),
    sa.ForeignKeyConstraint(
        ["organization_id", "mailbox_id"],
        ["mailboxes.organization_id", "mailboxes.id"],
        name="fk_incoming_mails_mailbox_id",
        ondelete="CASCADE",
    ),
    sa.Index("uq_incoming_mails_identity", "organization_id", "identity", unique=True),
    sa.Index("ix_incoming_mails_mailbox_id", "organization_id", "mailbox_id"),
    sa.Index("ix_incoming_mails_sender", "organization_id", "sender", "done_at"),
    sa.Index("ix_incoming_mails_created_at", "created_at"),
)
"""A mail that came in, once, whichever way and however often; `became` says what was made of it."""

ticket_mails = sa.Table(
    "ticket_mails",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("ticket_id", sa.Uuid, nullable=False),
    sa.Column("mailbox_id", sa.Uuid),
    sa.Column("message_id", sa.Uuid),
    sa.Column("outgoing", sa.Boolean, nullable=False),
    sa.Column("automatic", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("proven", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("header_id", sa.Text),
    sa.Column("token_hash", sa.LargeBinary),
    sa.Column("sent_at", _STAMP),
    sa.Column("bounced_at", _STAMP),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_ticket_mails_organization"),
    sa.ForeignKeyConstraint(
        ["organization_id", "ticket_id"],
        ["tickets.organization_id", "tickets.id"],
        name="fk_ticket_mails_ticket_id",
        ondelete="CASCADE",
    ),
    sa.Index("uq_ticket_mails_token_hash", "organization_id", "token_hash", unique=True),
    sa.Index("ix_ticket_mails_ticket_id", "organization_id", "ticket_id", "created_at"),
    sa.Index("ix_ticket_mails_header_id", "organization_id", "header_id"),
    sa.Index("ix_ticket_mails_address", "organization_id", "address", "created_at"),
)
"""Mails of tickets, both ways: an answer is known by their Message-ID (`header_id`) or their reply address's secret.

`proven`: the sender was who they said. An outgoing one without `sent_at` waits until its addressee is.
"""
