"""Browser sessions: begun by signing in, ended by signing out, by time, or from the account page."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth import tokens
from crm_graph.auth.tables import sessions
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

KEPT_AFTER_EXPIRY: Final = dt.timedelta(days=30)
LONGEST_USER_AGENT: Final = 300


@dataclass(frozen=True, slots=True)
class Proved:
    """When the user of a session last proved who they are, and by which methods (RFC 8176). UTC."""

    at: dt.datetime
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A live session, as its owner sees it. Times are UTC."""

    id: UUID
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime
    user_agent: str
    address: str


async def create(
    tx: Transaction,
    organization_id: UUID,
    user_id: UUID,
    *,
    hours: int,
    user_agent: str,
    address: str,
    methods: Sequence[str] = (),
) -> str:
    """Begin a session and return its token, which exists nowhere else; what expired long ago is cleared away."""
    connection = await tx.session.connection()
    now = sa.func.now()
    await connection.execute(
        sa.delete(sessions).where(*_of(organization_id, user_id), sessions.c.expires_at < now - KEPT_AFTER_EXPIRY)
    )
    token = tokens.session_token()
    await connection.execute(
        sa.insert(sessions).values(
            organization_id=organization_id,
            id=uuid7(),
            user_id=user_id,
            token_hash=tokens.digest(token.encode()),
            expires_at=now + dt.timedelta(hours=hours),
            user_agent="".join(filter(str.isprintable, user_agent))[:LONGEST_USER_AGENT],
            address=address,
            methods=list(methods),
        )
    )
    return token


async def proved(tx: Transaction, organization_id: UUID, session_id: UUID) -> Proved | None:
    """When and how the user of a session last proved who they are; `None` when it has ended."""
    c = sessions.c
    row = (
        await (await tx.session.connection()).execute(
            sa.select(c.authenticated_at, c.methods).where(
                c.organization_id == organization_id, c.id == session_id, *_working()
            )
        )
    ).first()
    return None if row is None else Proved(row.authenticated_at, tuple(row.methods))


async def prove_again(tx: Transaction, organization_id: UUID, session_id: UUID, methods: Sequence[str]) -> None:
    """The user of this session has just proved again who they are, by these methods beside the earlier ones."""
    c = sessions.c
    known = await proved(tx, organization_id, session_id)
    together = list(dict.fromkeys((*(known.methods if known else ()), *methods)))
    await (await tx.session.connection()).execute(
        sa.update(sessions)
        .where(c.organization_id == organization_id, c.id == session_id)
        .values(authenticated_at=sa.func.now(), methods=together)
    )


async def live(tx: Transaction, organization_id: UUID, user_id: UUID) -> list[Session]:
    """The user's sessions that still work, the one used last first."""
    c = sessions.c
    rows = await (await tx.session.connection()).execute(
        sa.select(c.id, c.created_at, c.expires_at, c.last_used_at, c.user_agent, c.address)
        .where(*_of(organization_id, user_id), *_working())
        .order_by(c.last_used_at.desc(), c.id.desc())
    )
    return [Session(*row) for row in rows]


async def revoke(tx: Transaction, organization_id: UUID, user_id: UUID, session_id: UUID) -> bool:
    """End one session of the user; False when there is no such one that works."""
    return await _revoke(tx, *_of(organization_id, user_id), sessions.c.id == session_id) > 0


async def revoke_token(tx: Transaction, organization_id: UUID, token: str) -> bool:
    """End the session of this token; False when it has ended already."""
    found = sessions.c.token_hash == tokens.digest(token.encode())
    return await _revoke(tx, sessions.c.organization_id == organization_id, found) > 0


async def revoke_others(tx: Transaction, organization_id: UUID, user_id: UUID, session_id: UUID) -> int:
    """End every session of the user but this one; returns how many worked until now."""
    return await _revoke(tx, *_of(organization_id, user_id), sessions.c.id != session_id)


async def revoke_all(tx: Transaction, organization_id: UUID, user_id: UUID) -> int:
    """End every session of the user; returns how many worked until now."""
    return await _revoke(tx, *_of(organization_id, user_id))


def _of(organization_id: UUID, user_id: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return sessions.c.organization_id == organization_id, sessions.c.user_id == user_id


def _working() -> tuple[sa.ColumnElement[bool], ...]:
    return sessions.c.revoked_at.is_(None), sessions.c.expires_at > sa.func.now()


async def _revoke(tx: Transaction, *which: sa.ColumnElement[bool]) -> int:
    statement = sa.update(sessions).where(*which, *_working()).values(revoked_at=sa.func.now())
    return (await (await tx.session.connection()).execute(statement)).rowcount
