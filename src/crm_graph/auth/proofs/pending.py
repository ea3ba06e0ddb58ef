"""Sign-ins whose first step was right: kept until the second one, for minutes, in one browser."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth import tokens
from crm_graph.auth.proofs.tables import pending_sign_ins
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

LIVES: Final = dt.timedelta(minutes=10)
MOST_ATTEMPTS: Final = 5
"""Codes that may be tried after one right password."""

_c = pending_sign_ins.c


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that waits for its second step; `attempts` counts those made, this one included."""

    id: UUID
    user_id: UUID
    methods: tuple[str, ...]
    following: str
    attempts: int


async def create(tx: Transaction, organization_id: UUID, user_id: UUID, methods: Sequence[str], following: str) -> str:
    """Keep it and return the token, which the browser gets and nobody else."""
    token = tokens.pending_token()
    await (await tx.session.connection()).execute(
        sa.insert(pending_sign_ins).values(
            organization_id=organization_id,
            id=uuid7(),
            user_id=user_id,
            token_hash=tokens.digest(token.encode()),
            methods=list(methods),
            following=following,
            expires_at=sa.func.now() + LIVES,
        )
    )
    return token


async def find(tx: Transaction, organization_id: UUID, token: str) -> Pending | None:
    """The sign-in of this token, if its time and its attempts are not over."""
    row = (
        await (await tx.session.connection()).execute(sa.select(*_SHOWN).where(*_good(organization_id, token)))
    ).first()
    return None if row is None else Pending(row.id, row.user_id, tuple(row.methods), row.following, row.attempts)


async def attempt(tx: Transaction, organization_id: UUID, token: str) -> Pending | None:
    """Count an attempt, before it is judged; attempts at the same moment wait for one another. `None` as in `find`."""
    statement = (
        sa.update(pending_sign_ins)
        .where(*_good(organization_id, token))
        .values(attempts=_c.attempts + 1)
        .returning(*_SHOWN)
    )
    row = (await (await tx.session.connection()).execute(statement)).first()
    return None if row is None else Pending(row.id, row.user_id, tuple(row.methods), row.following, row.attempts)


async def end(tx: Transaction, organization_id: UUID, pending_id: UUID) -> bool:
    """It is answered: its token works no more. False when it was answered already."""
    gone = sa.delete(pending_sign_ins).where(_c.organization_id == organization_id, _c.id == pending_id)
    return (await (await tx.session.connection()).execute(gone)).rowcount > 0


async def end_all(tx: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """What was begun with a password or an app that is no more leads nowhere."""
    gone = sa.delete(pending_sign_ins).where(_c.organization_id == organization_id, _c.user_id == user_id)
    await (await tx.session.connection()).execute(gone)


_SHOWN = (_c.id, _c.user_id, _c.methods, _c.following, _c.attempts)


def _good(organization_id: UUID, token: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _c.organization_id == organization_id,
        _c.token_hash == tokens.digest(token.encode()),
        _c.expires_at > sa.func.now(),
        _c.attempts < MOST_ATTEMPTS,
    )
