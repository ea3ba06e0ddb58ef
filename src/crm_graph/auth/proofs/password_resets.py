"""Links by which somebody who has forgotten the password sets a new one: mailed, good once, for an hour."""

import datetime as dt
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth import tokens
from crm_graph.auth.proofs.tables import password_resets
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

LIVES: Final = dt.timedelta(hours=1)
MOST_AN_HOUR: Final = 3
"""Mails to one user; who asks more often is answered as ever and gets none."""

_c = password_resets.c


async def create(tx: Transaction, organization_id: UUID, user_id: UUID) -> str | None:
    """Keep a link and return its token, which exists nowhere else; `None` when there were enough."""
    connection = await tx.session.connection()
    # one at a time for a user, or requests at the same moment would not see each other
    await connection.execute(
        sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("crm_resets"), sa.func.hashtext(str(user_id))))
    )
    recent = await connection.execute(
        sa.select(sa.func.count()).where(
            *_of(organization_id, user_id), _c.created_at > sa.func.now() - dt.timedelta(hours=1)
        )
    )
    if recent.scalar_one() >= MOST_AN_HOUR:
        return None
    token = tokens.reset_token()
    await connection.execute(
        sa.insert(password_resets).values(
            organization_id=organization_id,
            id=uuid7(),
            user_id=user_id,
            token_hash=tokens.digest(token.encode()),
            expires_at=sa.func.now() + LIVES,
        )
    )
    return token


async def owner(tx: Transaction, organization_id: UUID, token: str) -> UUID | None:
    """Whose link this is, while it works; it is not used by looking."""
    found = await (await tx.session.connection()).execute(sa.select(_c.user_id).where(*_good(organization_id, token)))
    return found.scalar()


async def use(tx: Transaction, organization_id: UUID, token: str) -> UUID | None:
    """Use the link and say whose it was; `None` when it does not work (any more). Of two at once one works."""
    found = await (await tx.session.connection()).execute(
        sa.update(password_resets)
        .where(*_good(organization_id, token))
        .values(used_at=sa.func.now())
        .returning(_c.user_id)
    )
    user_id: UUID | None = found.scalar()
    return user_id


async def end_all(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """The password was changed: links from before do not work any more."""
    await (await tx.session.connection()).execute(
        sa.update(password_resets)
        .where(*_of(organization_id, user_id), _c.used_at.is_(None))
        .values(used_at=sa.func.now())
    )


def _good(organization_id: UUID, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _c.organization_id == organization_id,
        _c.token_hash == tokens.digest(token[: tokens.LONGEST + 1].encode(errors="replace")),
        _c.used_at.is_(None),
        _c.expires_at > sa.func.now(),
    )


def _of(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return _c.organization_id == organization_id, _c.user_id == user_id
