"""Families: all tokens that come of one authorization. They begin, work and end together."""

import datetime as dt
import logging
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm_graph.auth.oauth.tables import oauth_clients, oauth_families
from crm_graph.auth.sessions import Proved
from crm_graph.auth.tables import sessions
from crm_graph.auth.trail.acts import Act, note_in
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction

logger = logging.getLogger("crm_graph.auth.oauth")

LONGEST: Final = dt.timedelta(days=365)
"""After that a person has to agree anew."""


def begin(
    session: Session,
    organization_id: UUID,
    client_id: UUID,
    user_id: UUID,
    scopes: Iterable[str],
    *,
    session_id: UUID | None = None,
    own: bool = False,
    lasts: dt.timedelta = LONGEST,
) -> UUID:
    """A new family; with `session_id` it ends with that session."""
    id_ = uuid7()
    session.execute(
        sa.insert(oauth_families).values(
            organization_id=organization_id,
            id=id_,
            client_id=client_id,
            user_id=user_id,
            session_id=session_id,
            scopes=list(scopes),
            own=own,
            expires_at=sa.func.now() + lasts,
        )
    )
    return id_


def revoke(session: Session, organization_id: UUID, family_id: UUID, why: str) -> bool:
    """End a family: none of its tokens works any more, at once. False when it has ended already.

    `why` is for the record, as those of people have it.
    """
    f, k = oauth_families.c, oauth_clients.c
    app = sa.select(k.name).where(k.organization_id == f.organization_id, k.id == f.client_id).scalar_subquery()
    done = session.execute(
        sa.update(oauth_families)
        .where(f.organization_id == organization_id, f.id == family_id, f.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
        .returning(f.user_id, f.own, app.label("app"))
    )
    row = done.one_or_none()
    if row is None:
        return False
    if not row.own:
        note_in(session, organization_id, row.user_id, Act.APP_DISCONNECTED, app=row.app, because=why)
    return True


async def revoke_all(tx: Transaction, organization_id: UUID, user_id: UUID, client_id: UUID | None = None) -> int:
    """End every family of the user, or those of one app, also where they outlive sessions; gives how many worked."""
    f = oauth_families.c
    done = await (await tx.session.connection()).execute(
        sa.update(oauth_families)
        .where(
            f.organization_id == organization_id,
            f.user_id == user_id,
            sa.true() if client_id is None else f.client_id == client_id,
            f.revoked_at.is_(None),
        )
        .values(revoked_at=sa.func.now())
    )
    return done.rowcount


def is_session_alive(session: Session, organization_id: UUID, user_id: UUID, session_id: UUID) -> bool:
    """Whether a browser's session still works."""
    return proved(session, organization_id, user_id, session_id) is not None


def proved(session: Session, organization_id: UUID, user_id: UUID, session_id: UUID) -> Proved | None:
    """When and how the user of a session that works last proved who they are."""
    s = sessions.c
    row = session.execute(
        sa.select(s.authenticated_at, s.methods).where(
            s.organization_id == organization_id,
            s.id == session_id,
            s.user_id == user_id,
            s.revoked_at.is_(None),
            s.expires_at > sa.func.now(),
        )
    ).one_or_none()
    return None if row is None else Proved(row.authenticated_at, tuple(row.methods))
