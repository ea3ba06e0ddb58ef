"""`/access/apps`: apps that were asked for, what each would see, and the decision; for who reviews apps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.account.visit import Visit, Visits
from crm_graph.auth.actor import Actor
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.oauth import redirects
from crm_graph.auth.oauth import scope as scope_names
from crm_graph.auth.oauth.review import LONGEST_NOTE, reviews
from crm_graph.auth.sign_in.form import FormTokens
from crm_graph.auth.sign_in.page import redirect, refusing
from crm_graph.db.ids import decode
from crm_graph.db.session import Database, Transaction
from crm_graph.errors import FieldAccessDenied
from crm_graph.plan.changes import Outcome, UserError, invalid
from crm_graph.plan.signatures import Ask, Id
from crm_graph.resolvers.app_view import App, AppGrantType, AppProof, AppStatus, apps_of
from crm_graph.resolvers.apps import approve_app, reject_app
from crm_graph.resolvers.invitations import AssignableRole, assignable_roles
from crm_graph.resolvers.people import NOT_SEEN, partners, people

PATH: Final = "/access/apps"
CHANNEL: Final = "apps_page"
MOST: Final = 50
LATELY: Final = 10
ROLE: Final = "role:"
"""What the names of the boxes for roles begin with."""
_WORKS: Final = {
    AppGrantType.AUTHORIZATION_CODE: "People sign in here and agree; then it acts in their name.",
    AppGrantType.REFRESH_TOKEN: "It stays connected without asking them again.",
    AppGrantType.CLIENT_CREDENTIALS: "It acts on its own, without a person, as a user with the roles that you choose.",
    AppGrantType.DEVICE_CODE: "It runs on a device without a browser; people allow it from another one.",
}
_PROVES: Final = {
    AppProof.PUBLIC: "It has no secret (a mobile app, a page): anybody can pretend to be it.",
    AppProof.SECRET: "It proves itself by a secret that its server keeps.",
    AppProof.KEYS: "It proves itself by a key of its own.",
}


class _NotForYou(FieldAccessDenied):
    status = 403


class _Refused(Exception):
    """The decision was refused: its transaction is undone."""

    def __init__(self, error: UserError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Waiting:
    """An app as a reviewer reads about it. `roles`: those it may be given, if it acts on its own."""

    app: App
    asked_by: str
    partner: str
    identity: list[str]
    records: list[tuple[str, str]]
    works: list[str]
    goes_to: list[str]
    roles: list[AssignableRole]

    @property
    def own(self) -> bool:
        return AppGrantType.CLIENT_CREDENTIALS in self.app.grant_types


class AppsPage:
    """The list and the forms, without scripts."""

    def __init__(self, authenticator: Authenticator, database: Database, secret: bytes) -> None:
        self._database = database
        self._visits = Visits(authenticator, database, FormTokens(secret), PATH)

    def routes(self) -> list[Route]:
        """GET and POST /access/apps."""
        return [
            Route(PATH, refusing(self.show), methods=["GET"]),
            Route(PATH, refusing(self.decide), methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """What waits, and what was decided lately."""
        return await self._page(await self._visits.seen(request))

    async def decide(self, request: Request) -> Response:
        """Approve or refuse one app: the mutation that the API has for it."""
        visit = await self._visits.posted(request)
        actor = _actor(visit)
        try:
            async with self._database.transaction(actor.organization_id, actor.user_id, CHANNEL) as tx:
                _done(await _decided(_ask(tx, actor), visit.form))
        except _Refused as refused:
            return await self._page(visit, refused.error.message)
        return redirect(PATH)

    async def _page(self, visit: Visit, fault: str = "") -> Response:
        actor = _actor(visit)
        async with self._database.transaction(actor.organization_id, actor.user_id, CHANNEL) as tx:
            ask = _ask(tx, actor)
            waiting = await _waiting(ask)
            lately = [app for app in await apps_of(ask, most=MOST) if app.status is not AppStatus.PENDING][:LATELY]
        return self._visits.page(
            visit,
            "apps_waiting.html",
            422 if fault else 200,
            waiting=waiting,
            lately=lately,
            proves=_PROVES,
            role_field=ROLE,
            given=visit.form,
            refused=fault,
            longest=LONGEST_NOTE,
        )


def _actor(visit: Visit) -> Actor:
    return replace(visit.caller.actor, channel=CHANNEL)


def _ask(tx: Transaction, actor: Actor) -> Ask:
    if not reviews(actor):
        raise _NotForYou("This page is for people who decide about apps.")
    return Ask(tx, actor)


def _done(outcome: Outcome) -> None:
    if outcome.errors:
        raise _Refused(outcome.errors[0])


async def _decided(ask: Ask, form: Mapping[str, str]) -> Outcome:
    client_id, note = Id(form.get("id", "")), form.get("note", "").strip() or None
    if form.get("decision") == "approve":
        roles = [name.removeprefix(ROLE) for name in form if name.startswith(ROLE)]
        return await approve_app(ask, client_id, roles or None, note)
    if note is None:
        return Outcome.refused(invalid("Say why it is refused: those whose app it is are told.", "note"))
    return await reject_app(ask, client_id, note)


async def _waiting(ask: Ask) -> list[Waiting]:
    """The apps that wait for a decision, the one that waits longest first."""
    found = (await apps_of(ask, status=AppStatus.PENDING.name, most=MOST))[::-1]
    by = await people(ask, (_row(app.requested_by) for app in found))
    of = await partners(ask, (_row(app.partner_id) for app in found))
    own = any(AppGrantType.CLIENT_CREDENTIALS in app.grant_types for app in found)
    roles = {partner: await assignable_roles(ask, partner) if own else [] for partner in (False, True)}
    return [
        Waiting(
            app,
            by.get(_row(app.requested_by), NOT_SEEN).name or "somebody whom you do not see",
            of.get(_row(app.partner_id), NOT_SEEN).name or "",
            *scope_names.told(app.scopes),
            [_WORKS[grant] for grant in app.grant_types],
            list(dict.fromkeys(map(redirects.shown, app.redirect_uris))),
            roles[app.partner_id is not None],
        )
        for app in found
    ]


def _row(id_: Id | None) -> UUID | None:
    found = None if id_ is None else decode(id_)
    return None if found is None else found[1]
