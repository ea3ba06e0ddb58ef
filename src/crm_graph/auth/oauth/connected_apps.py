"""/account/apps: what a person has let apps do, and the end of it."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from crm_graph.auth import cookies
from crm_graph.auth.authentication import is_secure
from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth import clients
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.clients import PREFIX
from crm_graph.auth.oauth.party import Party
from crm_graph.auth.oauth.tables import oauth_clients, oauth_consents, oauth_families
from crm_graph.auth.sign_in_form import FIELD, FormForged, FormTokens, read, session_token
from crm_graph.auth.sign_in_page import page, redirect, set_cookie
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

    def __init__(self, party: Party, forms: FormTokens) -> None:
        self._party = party
        self._forms = forms

    async def show(self, request: Request) -> Response:
        """GET /account/apps."""
        caller = await self._party.authenticator.session(request.scope)
        if caller is None:
            return _sign_in_first(request)
        cookie = session_token(request)
        if cookie is None:
            raise FormForged("There are two session cookies; one of them is not ours.")
        async with self._party.database.transaction(caller.actor.organization_id, caller.user_id, "account") as tx:
            apps = await connected(tx, caller.actor.organization_id, caller.user_id)
        token = self._forms.token(cookie)
        return page("connected_apps.html", caller=caller, apps=apps, form_field=FIELD, form_token=token)

    async def end(self, request: Request) -> Response:
        """POST /account/apps: end what one app may do, at once."""
        form = await read(request)
        caller = await self._party.authenticator.session(request.scope)
        if caller is None:
            return _sign_in_first(request)
        self._forms.check(form, session_token(request))
        await self._disconnect(caller, clients.key(form.get("id", "")) or UUID(int=0))
        return redirect(PATH)

    async def _disconnect(self, caller: Caller, client_id: UUID) -> None:
        organization_id = caller.actor.organization_id
        async with self._party.database.transaction(organization_id, caller.user_id, "account") as tx:
            connection = await tx.session.connection()
            f, c = oauth_families.c, oauth_consents.c
            await connection.execute(
                sa.update(oauth_families)
                .where(
                    f.organization_id == organization_id,
                    f.user_id == caller.user_id,
                    f.client_id == client_id,
                    f.revoked_at.is_(None),
                )
                .values(revoked_at=sa.func.now())
            )
            await connection.execute(
                sa.delete(oauth_consents).where(
                    c.organization_id == organization_id, c.user_id == caller.user_id, c.client_id == client_id
                )
            )
        self._party.authenticator.forget(organization_id, caller.user_id)


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


def _sign_in_first(request: Request) -> Response:
    response = redirect(f"/sign-in?next={PATH}")
    if session_token(request) is not None:
        set_cookie(response, cookies.SESSION, "", secure=is_secure(request.scope), seconds=0)
    return response
