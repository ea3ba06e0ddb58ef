"""The passkeys that a user has: listed, named, removed."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.proofs.tables import passkeys
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.session import Transaction
from crm_graph.errors import ValueInvalid

LONGEST_NAME: Final = 60
_c = passkeys.c


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it. Times are UTC."""

    id: UUID
    name: str
    rp_id: str
    backed_up: bool
    created_at: dt.datetime
    last_used_at: dt.datetime | None


def checked_name(name: str) -> str:
    """What its owner calls a passkey; raises ValueInvalid."""
    text = name.strip()
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise ValueInvalid(f"A passkey needs a name of at most {LONGEST_NAME} printable characters.")
    return text


async def live(tx: Transaction, organization_id: UUID, user_id: UUID) -> list[Passkey]:
    """The user's passkeys, the newest first."""
    rows = await (await tx.session.connection()).execute(
        sa.select(_c.id, _c.name, _c.rp_id, _c.backed_up, _c.created_at, _c.last_used_at)
        .where(*_of(organization_id, user_id))
        .order_by(_c.created_at.desc(), _c.id.desc())
    )
    return [Passkey(*row) for row in rows]


async def credential_ids(tx: Transaction, organization_id: UUID, user_id: UUID, rp_id: str) -> list[bytes]:
    """The authenticators' names of the user's passkeys at this host."""
    rows = await (await tx.session.connection()).execute(
        sa.select(_c.credential_id).where(*_of(organization_id, user_id), _c.rp_id == rp_id)
    )
    return [bytes(row.credential_id) for row in rows]


async def rename(tx: Transaction, organization_id: UUID, user_id: UUID, id_: UUID, name: str) -> bool:
    """Call it otherwise; False when there is none. Raises ValueInvalid."""
    statement = sa.update(passkeys).where(*_of(organization_id, user_id), _c.id == id_)
    return (await (await tx.session.connection()).execute(statement.values(name=checked_name(name)))).rowcount > 0


async def remove(tx: Transaction, organization_id: UUID, user_id: UUID, id_: UUID) -> str | None:
    """Forget it and say how it was called; `None` when there is none."""
    gone = sa.delete(passkeys).where(*_of(organization_id, user_id), _c.id == id_).returning(_c.name)
    name: str | None = (await (await tx.session.connection()).execute(gone)).scalar()
    if name is not None:
        await note(tx, organization_id, user_id, Act.PASSKEY_REMOVED, name=name)
    return name


def _of(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return _c.organization_id == organization_id, _c.user_id == user_id
