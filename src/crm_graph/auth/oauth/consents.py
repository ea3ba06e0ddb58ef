"""What people have agreed that apps may do in their name."""

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm_graph.auth.oauth.clients import Client
from crm_graph.auth.oauth.tables import oauth_consents
from crm_graph.auth.trail.acts import Act, note_in
from crm_graph.db.ids import uuid7


def given(session: Session, organization_id: UUID, user_id: UUID, client_id: UUID) -> frozenset[str]:
    """The scopes that a user has agreed to for an app."""
    c = oauth_consents.c
    found = session.execute(
        sa.select(c.scopes).where(
            c.organization_id == organization_id, c.user_id == user_id, c.client_id == client_id
        )
    ).scalar_one_or_none()  # fmt: skip
    return frozenset(found or ())


def give(session: Session, organization_id: UUID, user_id: UUID, app: Client, scopes: Iterable[str]) -> None:
    """Add to what the user has agreed to."""
    client_id = app.id
    every = sorted({*given(session, organization_id, user_id, client_id), *scopes})
    row = insert(oauth_consents).values(
        organization_id=organization_id, id=uuid7(), user_id=user_id, client_id=client_id, scopes=every
    )
    session.execute(
        row.on_conflict_do_update(
            index_elements=["organization_id", "user_id", "client_id"],
            set_={"scopes": row.excluded.scopes, "granted_at": sa.func.now()},
        )
    )
    note_in(session, organization_id, user_id, Act.APP_CONNECTED, app=app.name, scopes=" ".join(every))
