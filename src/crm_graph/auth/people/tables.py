"""What people come in by. Links and codes are here only as hashes; of both, most are never used."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=f"fk_{table}_{column}",
        ondelete="CASCADE",
    )


invitations = sa.Table(
    "invitations",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text()), nullable=False),
    sa.Column("partner_id", sa.Uuid),
    sa.Column("invited_by", sa.Uuid, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="PENDING"),
    sa.Column("user_id", sa.Uuid),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", _STAMP, nullable=False),
    sa.Column("ended_at", _STAMP),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_invitations_organization"),
    _reference("invitations", "partner_id", "partners"),
    _reference("invitations", "invited_by", "users"),
    _reference("invitations", "user_id", "users"),
    sa.CheckConstraint("state IN ('PENDING', 'ACCEPTED', 'WITHDRAWN', 'REPLACED')", name="ck_invitations_state"),
    sa.Index("uq_invitations_token_hash", "organization_id", "token_hash", unique=True),
    sa.Index("ix_invitations_partner_id", "organization_id", "partner_id", "created_at"),
    sa.Index("ix_invitations_invited_by", "organization_id", "invited_by", "created_at"),
    sa.Index("ix_invitations_user_id", "organization_id", "user_id"),
    sa.Index("ix_invitations_email", "organization_id", sa.text("crm_match_email(email)"), "created_at"),
)
"""Somebody who may come in, once, by the link that was mailed to them. `name` is what the form proposes."""

sign_in_codes = sa.Table(
    "sign_in_codes",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("browser_hash", sa.LargeBinary, nullable=False),
    sa.Column("code_hash", sa.LargeBinary),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("name", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("user_id", sa.Uuid),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", _STAMP, nullable=False),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_sign_in_codes_organization"),
    _reference("sign_in_codes", "user_id", "users"),
    _reference("sign_in_codes", "customer_id", "customers"),
    sa.CheckConstraint("purpose IN ('SIGN_IN', 'SIGN_UP', 'LINK')", name="ck_sign_in_codes_purpose"),
    sa.Index("ix_sign_in_codes_email", "organization_id", sa.text("crm_match_email(email)"), "created_at"),
    sa.Index("ix_sign_in_codes_expires_at", "expires_at"),
    sa.Index("ix_sign_in_codes_user_id", "organization_id", "user_id"),
    sa.Index("ix_sign_in_codes_customer_id", "organization_id", "customer_id"),
)
"""A code that was mailed, for one browser. Without `code_hash` no code is right: the mail said something else.

`name` and `password_hash` are what somebody asked for who signs up; `user_id` and `customer_id` whom a link joins.
"""
