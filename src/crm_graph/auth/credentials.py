"""Which password belongs to which e-mail address of an organisation."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from crm_graph.auth import sessions
from crm_graph.auth.oauth import families
from crm_graph.auth.proofs import password_resets, pending
from crm_graph.auth.tables import credentials
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.db.session import Transaction

# By the matching key, as people write capitals as they like; the address as it is stored wins over its variants.
_FIND: Final = """
SELECT json_build_object('user', u.id, 'hash', c.hash)
  FROM users u LEFT JOIN credentials c ON c.organization_id = u.organization_id AND c.user_id = u.id
 WHERE u.organization_id = $1 AND u.email_match = crm_match_email($2) AND u.status = 'ACTIVE'
 ORDER BY u.email = $2 DESC, c.hash IS NULL, u.created_at, u.id
 LIMIT 1
"""
_FORGOT: Final = """
SELECT u.id, u.email
  FROM users u LEFT JOIN credentials c ON c.organization_id = u.organization_id AND c.user_id = u.id
 WHERE u.organization_id = $1 AND u.email_match = crm_match_email($2) AND u.status = 'ACTIVE'
 ORDER BY u.email = $2 DESC, c.hash IS NULL, u.created_at, u.id
 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Credential:
    """The password that was kept for a user who may sign in."""

    user_id: UUID
    hash: str


async def find(lanes: Lanes, organization_id: UUID, email: str) -> Credential | None:
    """The password of whoever signs in with this address; `None`: nobody may, for whatever reason."""
    found = await lanes.fetch(Lane.GENERIC, _FIND, (organization_id, email), organization_id)
    values = orjson.loads(found) if found else {"hash": None}
    return Credential(UUID(values["user"]), values["hash"]) if values["hash"] else None


async def store(tx: Transaction, organization_id: UUID, user_id: UUID, encoded: str, *, by: UUID | None = None) -> None:
    """Set a user's password (already hashed) and end what the old one began: sessions, apps, sign-ins, reset links.

    `by`: who does it, where the transaction was opened for nobody.
    """
    connection = await tx.session.connection()
    row = insert(credentials).values(organization_id=organization_id, id=uuid7(), user_id=user_id, hash=encoded)
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["organization_id", "user_id"], set_={"hash": encoded, "changed_at": sa.func.now()}
        )
    )
    await sessions.revoke_all(tx, organization_id, user_id)
    await families.revoke_all(tx, organization_id, user_id)
    await pending.end_all(tx, organization_id, user_id)
    await password_resets.end_all(tx, organization_id, user_id)
    await note(tx, organization_id, user_id, Act.PASSWORD_SET, by=by)


async def hash_of(tx: Transaction, organization_id: UUID, user_id: UUID) -> str | None:
    """The hash of a user's password; `None`: they have none."""
    c = credentials.c
    found = await (await tx.session.connection()).execute(
        sa.select(c.hash).where(c.organization_id == organization_id, c.user_id == user_id)
    )
    return found.scalar()


async def who_forgot(tx: Transaction, organization_id: UUID, email: str) -> tuple[UUID, str] | None:
    """Who may set a password by a link, and the address on file, which alone it is mailed to; found as by `find`."""
    row = await (await tx.raw()).fetchrow(_FORGOT, organization_id, email)
    return None if row is None else (row["id"], row["email"])


async def upgrade(tx: Transaction, organization_id: UUID, credential: Credential, encoded: str) -> None:
    """Replace the hash by a stronger one of the same password, unless the password was changed meanwhile."""
    c = credentials.c
    connection = await tx.session.connection()
    await connection.execute(
        sa.update(credentials)
        .where(c.organization_id == organization_id, c.user_id == credential.user_id, c.hash == credential.hash)
        .values(hash=encoded)
    )
