"""/account/apps: what a person has let apps do, and the end of it."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth.account.visit import Visits
from crm_graph.auth.oauth import clients, families
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import PREFIX
from crm_graph.auth.oauth.tables import oauth_clients, oauth_consents, oauth_families
from crm_graph.auth.sign_in.page import redirect
from crm_graph.auth.trail.acts import Act, note
from crm_graph.db.ids import encode
from crm_graph.db.session import Transaction

PATH = "/account/apps"


@dataclass(frozen=True, slots=True)
class Connected:
    """An app that a person has agreed to. Times are UTC."""

    client_id: str
    name: str
    purpose: str
    words: tuple[str, ...]
    granted_at: dt.datetime
    last_used_at: dt.datetime | None


class ConnectedApps:
    """What a signed-in person may do about their own apps."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    async def show(self, request: Request) -> Response:
        """GET /account/apps."""
        visit = await self._visits.seen(request)
        async with self._visits.transaction(visit) as tx:
            apps = await connected(tx, *visit.mine)
        return self._visits.page(visit, "connected_apps.html", apps=apps)

    async def end(self, request: Request) -> Response:
        """POST /account/apps: end what one app may do, at once."""
        visit = await self._visits.posted(request)
        client_id = clients.key(visit.form.get("id", "")) or UUID(int=0)
        c, k = oauth_consents.c, oauth_clients.c
        organization_id, user_id = visit.mine
        async with self._visits.transaction(visit) as tx:
            await families.revoke_all(tx, organization_id, user_id, client_id)
            name = sa.select(k.name).where(k.organization_id == c.organization_id, k.id == c.client_id)
            ended = await (await tx.session.connection()).execute(
                sa.delete(oauth_consents)
                .where(c.organization_id == organization_id, c.user_id == user_id, c.client_id == client_id)
                .returning(name.scalar_subquery())
            )
            app = ended.scalar()
            if app is not None:
                await note(tx, organization_id, user_id, Act.APP_DISCONNECTED, app=app)
        self._visits.forget(visit)
        return redirect(PATH)


async def connected(tx: Transaction, organization_id: UUID, user_id: UUID) -> list[Connected]:
    """The apps that a user has agreed to, by name."""
    k, c, f = oauth_clients.c, oauth_consents.c, oauth_families.c
    used = (
        sa.select(sa.func.max(sa.func.coalesce(f.last_used_at, f.created_at)))
        .where(f.organization_id == c.organization_id, f.user_id == c.user_id, f.client_id == c.client_id)
        .scalar_subquery()
    )
    rows = await (await tx.session.connection()).execute(
        sa.select(k.id, k.name, k.purpose, c.scopes, c.granted_at, used.label("last_used_at"))
        .join(oauth_clients, sa.and_(k.organization_id == c.organization_id, k.id == c.client_id))
        .where(c.organization_id == organization_id, c.user_id == user_id)
        .order_by(k.name, k.id)
    )
    return [
        Connected(
            encode(PREFIX, row.id),
            row.name,
            row.purpose,
            tuple(scope_names.words(one) for one in row.scopes),
            row.granted_at,
            row.last_used_at,
        )
        for row in rows
    ]
