"""The OpenID providers by which people of an organisation may sign in, and whom each of their subjects is here."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import SQLModel

_STAMP = sa.TIMESTAMP(timezone=True)

identity_providers = sa.Table(
    "identity_providers",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("client_secret", sa.LargeBinary),
    sa.Column("scopes", ARRAY(sa.Text()), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("creates_users", sa.Boolean, nullable=False),
    sa.Column("links_passwords", sa.Boolean, nullable=False),
    sa.Column("domains", ARRAY(sa.Text()), nullable=False),
    sa.Column("roles", ARRAY(sa.Text()), nullable=False),
    sa.Column("groups_claim", sa.Text),
    sa.Column("group_roles", JSONB, nullable=False),
    sa.Column("decided_by", sa.Uuid, nullable=False),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_identity_providers_organization"),
    sa.ForeignKeyConstraint(
        ["organization_id", "decided_by"],
        ["users.organization_id", "users.id"],
        name="fk_identity_providers_decided_by",
    ),
    sa.Index("uq_identity_providers_name", "organization_id", "name", unique=True),
    sa.Index("ix_identity_providers_decided_by", "organization_id", "decided_by"),
)
"""`client_secret` is sealed. `decided_by` said which roles it gives: it gives none that this person might not."""

upstream_identities = sa.Table(
    "upstream_identities",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("provider_id", sa.Uuid, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("user_id", sa.Uuid, nullable=False),
    sa.Column("created_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.Column("last_used_at", _STAMP, nullable=False, server_default=sa.func.now()),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_upstream_identities_organization"),
    sa.ForeignKeyConstraint(
        ["organization_id", "provider_id"],
        ["identity_providers.organization_id", "identity_providers.id"],
        name="fk_upstream_identities_provider_id",
        ondelete="CASCADE",
    ),
    sa.ForeignKeyConstraint(
        ["organization_id", "user_id"],
        ["users.organization_id", "users.id"],
        name="fk_upstream_identities_user_id",
        ondelete="CASCADE",
    ),
    sa.Index("uq_upstream_identities_subject", "organization_id", "provider_id", "subject", unique=True),
    sa.Index("ix_upstream_identities_user_id", "organization_id", "user_id"),
)
"""Who a provider's `subject` is: by it alone somebody is known again, never by their address."""
