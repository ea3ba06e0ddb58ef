"""What people prove themselves by, beside the password. Secrets are hashed, or sealed where they are read again."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import SQLModel

from crm_graph.auth.tables import owned_by_user, stamp

totp_keys = owned_by_user(
    "totp_keys",
    sa.Column("sealed_key", sa.LargeBinary, nullable=False),
    stamp("created_at", now=True),
    stamp("confirmed_at", nullable=True),
    sa.Column("last_counter", sa.BigInteger),
    stamp("guesses_full_at", nullable=True),
    sa.Index("uq_totp_keys_user_id", "organization_id", "user_id", unique=True),
)
"""The authenticator app of a user; it counts once it is confirmed. No code of `last_counter` or before is taken.

`guesses_full_at` is when all guesses that unknown browsers may make are given back (proofs/totp.py).
"""

recovery_codes = owned_by_user(
    "recovery_codes",
    sa.Column("code_hash", sa.LargeBinary, nullable=False),
    stamp("created_at", now=True),
    stamp("used_at", nullable=True),
    sa.Index("uq_recovery_codes_code_hash", "organization_id", "user_id", "code_hash", unique=True),
)
"""Codes on paper, each good once, for who has lost the app."""

passkeys = owned_by_user(
    "passkeys",
    sa.Column("credential_id", sa.LargeBinary, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("rp_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("backed_up", sa.Boolean, nullable=False),
    stamp("created_at", now=True),
    stamp("last_used_at", nullable=True),
    sa.Index("uq_passkeys_credential_id", "organization_id", "credential_id", unique=True),
    sa.Index("ix_passkeys_user_id", "organization_id", "user_id"),
)
"""A user's passkeys. `rp_id` is the host at which one was made and alone works."""

password_resets = owned_by_user(
    "password_resets",
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    stamp("created_at", now=True),
    stamp("expires_at"),
    stamp("used_at", nullable=True),
    sa.Index("uq_password_resets_token_hash", "organization_id", "token_hash", unique=True),
    sa.Index("ix_password_resets_user_id", "organization_id", "user_id", "created_at"),
)
"""Links that were mailed to who has forgotten the password."""

pending_sign_ins = owned_by_user(
    "pending_sign_ins",
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("methods", ARRAY(sa.Text()), nullable=False),
    sa.Column("following", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    stamp("created_at", now=True),
    stamp("expires_at"),
    sa.Index("uq_pending_sign_ins_token_hash", "organization_id", "token_hash", unique=True),
    sa.Index("ix_pending_sign_ins_user_id", "organization_id", "user_id"),
)
"""Sign-ins whose first step was right and whose second one is awaited, each in one browser."""

spent_challenges = sa.Table(
    "spent_challenges",
    SQLModel.metadata,
    sa.Column("organization_id", sa.Uuid, primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("challenge_hash", sa.LargeBinary, nullable=False),
    stamp("expires_at"),
    sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_spent_challenges_organization"),
    sa.Index("uq_spent_challenges_challenge_hash", "organization_id", "challenge_hash", unique=True),
)
"""Challenges that a passkey has answered, for as long as they would still be good (proofs/challenges.py)."""
