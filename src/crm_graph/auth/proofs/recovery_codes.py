"""Recovery codes: ten on paper for who has lost the app, each good once, kept only as hashes.

A code has 79 random bits, so a plain hash is enough, and guessing one is hopeless.
"""

import hashlib
import secrets
import unicodedata
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.proofs.tables import recovery_codes
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

HOW_MANY: Final = 10
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that is read as another or as a digit."""
_LENGTH: Final = 16
_c = recovery_codes.c


async def renew(tx: Transaction, organization_id: UUID, user_id: UUID) -> list[str]:
    """Make new codes in place of all older ones and return them; they exist nowhere else."""
    await remove(tx, organization_id, user_id)
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(HOW_MANY)]
    await (await tx.session.connection()).execute(
        sa.insert(recovery_codes),
        [
            {
                "organization_id": organization_id,
                "id": uuid7(),
                "user_id": user_id,
                "code_hash": _hash(user_id, code),
            }
            for code in codes
        ],
    )
    await note(tx, organization_id, user_id, Act.RECOVERY_CODES_MADE, codes=HOW_MANY)
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


async def use(tx: Transaction, organization_id: UUID, user_id: UUID, code: str) -> bool:
    """Whether this is one of the codes, not used yet; it is used then. How it is written does not matter."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", code[:100]).casefold() if sign.isalnum())
    statement = (
        sa.update(recovery_codes)
        .where(*_of(organization_id, user_id), _c.code_hash == _hash(user_id, plain), _c.used_at.is_(None))
        .values(used_at=sa.func.now())
    )
    return (await (await tx.session.connection()).execute(statement)).rowcount > 0


async def left(tx: Transaction, organization_id: UUID, user_id: UUID) -> int:
    """How many are not used yet."""
    found = await (await tx.session.connection()).execute(
        sa.select(sa.func.count()).where(*_of(organization_id, user_id), _c.used_at.is_(None))
    )
    return int(found.scalar_one())


async def remove(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Forget all of them."""
    await (await tx.session.connection()).execute(sa.delete(recovery_codes).where(*_of(organization_id, user_id)))


def _hash(user_id: UUID, plain: str) -> bytes:
    return hashlib.sha256(user_id.bytes + plain.encode()).digest()


def _of(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return _c.organization_id == organization_id, _c.user_id == user_id
