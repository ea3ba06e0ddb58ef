"""What the authorization server keeps. Secrets, codes and tokens are here only as hashes, private keys only sealed."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel


def _stamp(name: str, *, nullable: bool = False, now: bool = False) -> "sa.Column[object]":
    return sa.Column(
        name, sa.TIMESTAMP(timezone=True), nullable=nullable, server_default=sa.func.now() if now else None
    )


def _table(name: str, *columns: "sa.Column[object] | sa.Constraint | sa.Index") -> sa.Table:
    return sa.Table(
        name,
        SQLModel.metadata,
        sa.Column("organization_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        *columns,
    )


def _of(name: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    """A reference within the organisation; what it is of takes the row with it."""
    return sa.ForeignKeyConstraint(
        ["organization_id", column],
        [f"{target}.organization_id", f"{target}.id"],
        name=f"fk_{name}_{column}",
        ondelete="CASCADE",
    )


oauth_clients = _table(
    "oauth_clients",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("auth_method", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary),
    sa.Column("old_secret_hash", sa.LargeBinary),
    _stamp("old_secret_until", nullable=True),
    sa.Column("jwks", JSONB),
    sa.Column("redirect_uris", ARRAY(sa.Text()), nullable=False),
    sa.Column("post_logout_redirect_uris", ARRAY(sa.Text()), nullable=False),
    sa.Column("grant_types", ARRAY(sa.Text()), nullable=False),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    sa.Column("user_id", sa.Uuid),
    sa.Column("partner_id", sa.Uuid),
    sa.Column("requested_by", sa.Uuid),
    sa.Column("review_note", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    _stamp("created_at", now=True),
    _of("oauth_clients", "user_id", "users"),
    _of("oauth_clients", "partner_id", "partners"),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_oauth_clients_organization"),
    sa.CheckConstraint(
        "auth_method IN ('none', 'client_secret_basic', 'private_key_jwt')", name="ck_oauth_clients_auth_method"
    ),
    sa.CheckConstraint("status IN ('PENDING', 'ACTIVE', 'SUSPENDED', 'REJECTED')", name="ck_oauth_clients_status"),
    sa.CheckConstraint(
        "(secret_hash IS NOT NULL) = (auth_method = 'client_secret_basic')"
        " AND (jwks IS NOT NULL) = (auth_method = 'private_key_jwt')",
        name="ck_oauth_clients_proof",
    ),
    sa.CheckConstraint(
        "(user_id IS NULL OR 'client_credentials' = ANY (grant_types))"
        " AND (user_id IS NOT NULL OR status IN ('PENDING', 'REJECTED')"
        " OR NOT 'client_credentials' = ANY (grant_types))"
        " AND NOT (auth_method = 'none' AND 'client_credentials' = ANY (grant_types))",
        name="ck_oauth_clients_user",
    ),
)
"""An app. `user_id` is the service user that it is when it acts on its own, made when the app is approved; only ACTIVE
ones work. `partner_id`: whose app it is, where it is not ours. `requested_by`: a user, who may be gone by now."""

oauth_consents = _table(
    "oauth_consents",
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Uuid, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    _stamp("granted_at", now=True),
    _of("oauth_consents", "user_id", "users"),
    _of("oauth_consents", "client_id", "oauth_clients"),
    sa.Index("uq_oauth_consents_user_id", "organization_id", "user_id", "client_id", unique=True),
)
"""What a user has agreed that an app may do in their name."""

oauth_families = _table(
    "oauth_families",
    sa.Column("client_id", sa.Uuid, nullable=False),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("session_id", sa.Uuid),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    sa.Column("own", sa.Boolean, nullable=False),
    _stamp("created_at", now=True),
    _stamp("expires_at"),
    _stamp("last_used_at", nullable=True),
    _stamp("revoked_at", nullable=True),
    _of("oauth_families", "user_id", "users"),
    _of("oauth_families", "client_id", "oauth_clients"),
    sa.Index("ix_oauth_families_user_id", "organization_id", "user_id", "expires_at"),
    sa.Index("ix_oauth_families_client_id", "organization_id", "client_id"),
)
"""All tokens that come of one authorization; they work, and end, together. `session_id`: they end with that session
too; NULL for those that outlive it. `own`: the app acts on its own, as its service user."""

oauth_codes = _table(
    "oauth_codes",
    sa.Column("code_hash", sa.LargeBinary, nullable=False),
    sa.Column("client_id", sa.Uuid, nullable=False),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("session_id", sa.Uuid, nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    sa.Column("code_challenge", sa.Text, nullable=False),
    sa.Column("nonce", sa.Text),
    _stamp("auth_time"),
    sa.Column("methods", ARRAY(sa.Text()), nullable=False, server_default="{}"),
    _stamp("expires_at"),
    sa.Column("family_id", sa.Uuid),
    _of("oauth_codes", "user_id", "users"),
    _of("oauth_codes", "client_id", "oauth_clients"),
    _of("oauth_codes", "family_id", "oauth_families"),
    sa.Index("uq_oauth_codes_code_hash", "organization_id", "code_hash", unique=True),
    sa.Index("ix_oauth_codes_expires_at", "expires_at"),
)
"""Authorization codes. `family_id` is there once it was used, so that a second use ends what the first one gave."""

oauth_device_codes = _table(
    "oauth_device_codes",
    sa.Column("device_code_hash", sa.LargeBinary, nullable=False),
    sa.Column("user_code_hash", sa.LargeBinary, nullable=False),
    sa.Column("client_id", sa.Uuid, nullable=False),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    _stamp("created_at", now=True),
    _stamp("expires_at"),
    sa.Column("interval_seconds", sa.Integer, nullable=False),
    _stamp("polled_at", nullable=True),
    sa.Column("approved", sa.Boolean),
    sa.Column("user_id", sa.Uuid),
    sa.Column("session_id", sa.Uuid),
    _stamp("auth_time", nullable=True),
    sa.Column("methods", ARRAY(sa.Text()), nullable=False, server_default="{}"),
    sa.Column("family_id", sa.Uuid),
    _of("oauth_device_codes", "client_id", "oauth_clients"),
    _of("oauth_device_codes", "user_id", "users"),
    _of("oauth_device_codes", "family_id", "oauth_families"),
    sa.CheckConstraint(
        "(approved IS NOT NULL) = (user_id IS NOT NULL AND session_id IS NOT NULL AND auth_time IS NOT NULL)"
        " AND (family_id IS NULL OR approved)",
        name="ck_oauth_device_codes_decided",
    ),
    sa.Index("uq_oauth_device_codes_device_code_hash", "organization_id", "device_code_hash", unique=True),
    sa.Index("uq_oauth_device_codes_user_code_hash", "organization_id", "user_code_hash", unique=True),
    sa.Index("ix_oauth_device_codes_expires_at", "expires_at"),
)
"""Devices that wait for a person. `approved` is the answer, NULL until then; `family_id` is there once it was used."""

oauth_refresh_tokens = _table(
    "oauth_refresh_tokens",
    sa.Column("family_id", sa.Uuid, nullable=False),
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    _stamp("created_at", now=True),
    _stamp("expires_at"),
    _stamp("used_at", nullable=True),
    sa.Column("successor_salt", sa.LargeBinary),
    sa.Column("successor_id", sa.Uuid),
    _of("oauth_refresh_tokens", "family_id", "oauth_families"),
    sa.Index("uq_oauth_refresh_tokens_token_hash", "organization_id", "token_hash", unique=True),
    sa.Index("ix_oauth_refresh_tokens_family_id", "organization_id", "family_id"),
    sa.Index("ix_oauth_refresh_tokens_expires_at", "expires_at"),
)
"""Refresh tokens, each used once: `used_at` and its successor are then there (refresh_token.py)."""

oauth_assertions = _table(
    "oauth_assertions",
    sa.Column("client_id", sa.Uuid, nullable=False),
    sa.Column("jti_hash", sa.LargeBinary, nullable=False),
    _stamp("expires_at"),
    _of("oauth_assertions", "client_id", "oauth_clients"),
    sa.Index("uq_oauth_assertions_jti_hash", "organization_id", "client_id", "jti_hash", unique=True),
    sa.Index("ix_oauth_assertions_expires_at", "expires_at"),
)
"""Assertions by which apps have proved who they are: each counts once, until it expires."""

oauth_keys = _table(
    "oauth_keys",
    sa.Column("kid", sa.Text, nullable=False),
    sa.Column("public_jwk", JSONB, nullable=False),
    sa.Column("private_key", sa.LargeBinary, nullable=False),
    _stamp("created_at", now=True),
    _stamp("signs_from"),
    _stamp("signs_until", nullable=True),
    _stamp("published_until", nullable=True),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_oauth_keys_organization"),
    sa.Index("uq_oauth_keys_kid", "organization_id", "kid", unique=True),
)
"""Keys that sign an organisation's tokens; the private part is sealed (auth/sealing.py)."""
