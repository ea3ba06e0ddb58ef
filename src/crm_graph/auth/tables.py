"""What proves who calls: passwords, browser sessions, API keys; and what organisations say of their access policy.

Secrets are here only as hashes.
A token carries no organisation, so its hash is unique over all of them and is looked up alone.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel


def stamp(name: str, *, nullable: bool = False, now: bool = False) -> "sa.Column[object]":
    """A moment; with `now` the one of the insert."""
    return sa.Column(
        name, sa.TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None
    )


def owned_by_user(name: str, *columns: "sa.Column[object] | sa.Index") -> sa.Table:
    """A table whose rows go with their user."""
    return sa.Table(
        name,
        SQLModel.metadata,
        sa.Column("organization_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["users.organization_id", "users.id"],
            name=f"fk_{name}_user_id",
            ondelete="CASCADE",
        ),
    )


credentials = owned_by_user(
    "credentials",
    sa.Column("hash", sa.Text, nullable=False),
    stamp("changed_at", now=True),
    sa.Index("uq_credentials_user_id", "organization_id", "user_id", unique=True),
)
"""One password a user; `hash` is argon2's own encoding with its parameters."""

sessions = owned_by_user(
    "sessions",
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    stamp("created_at", now=True),
    stamp("expires_at"),
    stamp("last_used_at", now=True),
    stamp("revoked_at", nullable=True),
    stamp("authenticated_at", now=True),
    sa.Column("methods", ARRAY(sa.Text()), nullable=False, server_default="{}"),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Index("uq_sessions_token_hash", "token_hash", unique=True),
    sa.Index("ix_sessions_user_id", "organization_id", "user_id", "expires_at"),
)
"""One sign-in from one browser. `authenticated_at`: when its user last proved who they are, by `methods` (RFC 8176)."""

api_keys = owned_by_user(
    "api_keys",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("prefix", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text())),
    stamp("created_at", now=True),
    stamp("expires_at"),
    stamp("last_used_at", nullable=True),
    stamp("revoked_at", nullable=True),
    sa.Index("uq_api_keys_token_hash", "token_hash", unique=True),
    sa.Index("ix_api_keys_user_id", "organization_id", "user_id", "expires_at"),
)
"""A token for programs; `scopes` narrow what its user may do, NULL does not."""

access_denials = sa.Table(
    "access_denials",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    stamp("minute"),
    sa.Column("actor_id", sa.Uuid, nullable=False),
    sa.Column("coordinate", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_denials_organization"),
    sa.Index("uq_access_denials_counter", "organization_id", "minute", "actor_id", "coordinate", "code", unique=True),
)
"""How often a caller was refused a coordinate within a minute (auth/denials.py)."""

sign_in_failures = owned_by_user(
    "sign_in_failures",
    stamp("hour"),
    sa.Column("times", sa.Integer, nullable=False),
    stamp("last_at"),
    sa.Index("uq_sign_in_failures_counter", "organization_id", "user_id", "hour", unique=True),
)
"""How often signing in as a user failed within an hour (auth/trail/failures.py)."""

access_policies = sa.Table(
    "access_policies",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created_by", sa.Uuid),
    stamp("created_at", now=True),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_policies_organization"),
    sa.CheckConstraint("version > 0", name="ck_access_policies_version"),
    sa.Index("uq_access_policies_version", "organization_id", "version", unique=True),
)
"""Every version of each organisation's policy document; the highest one holds. Without one it is the shipped policy."""

access_revisions = sa.Table(
    "access_revisions",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.Uuid, nullable=False),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_access_revisions_organization"),
)
"""Changes with everything that decides what the callers of an organisation may do: see crm_access_changed."""

attempts = sa.Table(
    "attempts",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    stamp("full_at"),
    prefixes=["UNLOGGED"],
)
"""Buckets of attempts (auth/throttle): when each will be full again."""
