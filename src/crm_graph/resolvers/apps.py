"""Apps: asked for by those who have the right, decided about by reviewers. Until then an app works nowhere."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import orjson

from crm_graph.auth.oauth import registration, review
from crm_graph.auth.oauth.clients import key
from crm_graph.auth.oauth.partner_reach import ScopeBeyondPartner
from crm_graph.auth.oauth.redirects import RedirectUriInvalid
from crm_graph.auth.oauth.registration import Application
from crm_graph.auth.oauth.review import Reviewed, reviews
from crm_graph.auth.oauth.traces import By
from crm_graph.auth.rights import Right
from crm_graph.auth.scopes import ScopeInvalid
from crm_graph.db.ids import decode_as
from crm_graph.entity import REGISTRY
from crm_graph.errors import JSON, CrmError, PageSizeInvalid, ReferenceNotFound, ValueInvalid
from crm_graph.plan.access.visibility import sees
from crm_graph.plan.actions import action
from crm_graph.plan.changes import Effect, Outcome, UserError, denied, invalid, refusal
from crm_graph.plan.queries import query
from crm_graph.plan.reads.paging import MAX_SIZE
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.writes.refusals import NOT_FOUND
from crm_graph.resolvers.app_user import service_user
from crm_graph.resolvers.app_view import App, AppGrantType, AppProof, AppStatus, apps_of

MOST_WAITING: Final = 20
LONGEST_KEYS: Final = 20_000
_FIELDS: Final = {
    RedirectUriInvalid.code: "redirectUris",
    ScopeInvalid.code: "scopes",
    ScopeBeyondPartner.code: "scopes",
}
_WAITING: Final = (
    "SELECT count(*) FROM oauth_clients WHERE organization_id = $1 AND requested_by = $2 AND status = 'PENDING'"
)
_AppId = Annotated[Id, "The app's client id."]
_Note = Annotated[str | None, "What to tell those whose app it is."]


@query(right=Right.APPS_REGISTER)
async def apps(
    ask: Ask,
    status: Annotated[AppStatus | None, "Only those that have come so far."] = None,
    first: Annotated[int, f"How many, the newest first; at most {MAX_SIZE}."] = 50,
) -> list[App]:
    """Apps that you have to do with: those of your partner, or that you asked for; all if you review them."""
    if not 0 <= first <= MAX_SIZE:
        raise PageSizeInvalid(f"`first` is a number from 0 to {MAX_SIZE}.")
    return await apps_of(ask, status=None if status is None else status.name, most=first)


async def show_app(ask: Ask, row: UUID) -> App | None:
    """The app of this id, as the caller has to do with it."""
    return next(iter(await apps_of(ask, row=row)), None)


@action(shows=show_app, right=Right.APPS_REGISTER, once="secret")
async def register_app(
    ask: Ask,
    name: Annotated[str, "What people see it called."],
    scopes: Annotated[list[str], "What it wants to ask for: `openid`, `customers:read:internal`."],
    grant_types: Annotated[list[AppGrantType], "How it comes by its tokens."],
    purpose: Annotated[str, "What it is for, as the consent page says it: `to show your orders`."] = "",
    proof: Annotated[AppProof, "How it proves who it is."] = AppProof.SECRET,
    redirect_uris: Annotated[list[str] | None, "Where people are sent back to, exactly."] = None,
    post_logout_redirect_uris: Annotated[list[str] | None, "Where people are sent after signing out."] = None,
    public_keys: Annotated[str | None, "Its public keys where its proof is KEYS: a JSON Web Key Set."] = None,
    partner_id: Annotated[Id | None, "Whose app it is; your partner's without being said, if you have one."] = None,
) -> Outcome:
    """Ask for an app. It works once a reviewer has approved it. Its secret is told in this answer alone."""
    actor, connection = ask.actor, await ask.tx.raw()
    own, device = (one in grant_types for one in (AppGrantType.CLIENT_CREDENTIALS, AppGrantType.DEVICE_CODE))
    if own == (bool(redirect_uris) or device):
        message = "An app either has redirect URIs or is for devices, or acts on its own."
        return Outcome.refused(invalid(message, "redirectUris"))
    partner = await _partner(ask, partner_id)
    if isinstance(partner, UserError):
        return Outcome.refused(partner)
    if await connection.fetchval(_WAITING, actor.organization_id, actor.user_id) >= MOST_WAITING:
        message = f"{MOST_WAITING} apps that you asked for wait for review."
        return refusal("TOO_MANY_APPS", message)
    try:
        wanted = Application(
            name=name,
            purpose=purpose,
            auth_method=proof.value,
            scopes=scopes,
            redirect_uris=redirect_uris or (),
            post_logout_redirect_uris=post_logout_redirect_uris or (),
            jwks=None if public_keys is None else _keys(public_keys),
            status=AppStatus.PENDING.name,
            device=device,
            grant_types=[one.value for one in grant_types],
            partner_id=partner,
            requested_by=actor.user_id,
        )
        by = By.of(actor, ask.request_id)
        client_id, secret = await registration.create(ask.tx, actor.organization_id, wanted, by)
    except CrmError as error:
        return _refused(error)
    return Outcome(Effect.CREATED, key(client_id), once=secret)


@action(shows=show_app, right=Right.APPS_REVIEW)
async def approve_app(
    ask: Ask,
    id: _AppId,  # noqa: A002 - its name in GraphQL
    roles: Annotated[list[str] | None, "Roles of the service user made for an app that acts on its own."] = None,
    note: _Note = None,
) -> Outcome:
    """Let an app work that waits for review, or that was suspended."""
    app = await _reviewed(ask, id)
    if isinstance(app, Outcome):
        return app
    user_id = None
    if app.own and app.user_id is None and app.status == AppStatus.PENDING.name:
        made = await service_user(ask, app, roles or ())
        if made.errors:
            return made
        user_id = made.id
    elif roles is not None:
        return Outcome.refused(invalid("Only an app that acts on its own, and has no user yet, has roles.", "roles"))
    return await _become(ask, app, AppStatus.ACTIVE, (AppStatus.PENDING, AppStatus.SUSPENDED), note, user_id)


@action(shows=show_app, right=Right.APPS_REVIEW)
async def reject_app(ask: Ask, id: _AppId, note: _Note = None) -> Outcome:  # noqa: A002
    """Turn down an app that waits for review."""
    app = await _reviewed(ask, id)
    return app if isinstance(app, Outcome) else await _become(ask, app, AppStatus.REJECTED, (AppStatus.PENDING,), note)


@action(shows=show_app, right=Right.APPS_REVIEW)
async def suspend_app(ask: Ask, id: _AppId, note: _Note = None) -> Outcome:  # noqa: A002
    """Stop an app and every token that it has, at once."""
    app = await _reviewed(ask, id)
    return app if isinstance(app, Outcome) else await _become(ask, app, AppStatus.SUSPENDED, (AppStatus.ACTIVE,), note)


@action(shows=show_app, right=Right.APPS_REGISTER, once="secret")
async def rotate_app_secret(
    ask: Ask,
    id: _AppId,  # noqa: A002 - its name in GraphQL
    overlap_hours: Annotated[int, "For how long the old secret goes on working; at most 720."] = 24,
) -> Outcome:
    """Give an app of yours, or any that you review, a new secret. It is told in this answer alone."""
    app = await _own(ask, id)
    if isinstance(app, Outcome):
        return app
    if not 0 <= overlap_hours <= review.LONGEST_OVERLAP // dt.timedelta(hours=1):
        return Outcome.refused(invalid("The old secret works for 0 to 720 hours more.", "overlapHours"))
    try:
        overlap, by = dt.timedelta(hours=overlap_hours), By.of(ask.actor, ask.request_id)
        secret = await review.rotate(ask.tx, ask.actor.organization_id, app, overlap, by)
    except CrmError as error:
        return _refused(error)
    return Outcome(Effect.UPDATED, app.id, once=secret)


async def _own(ask: Ask, client_id: Id) -> Reviewed | Outcome:
    """The app, locked, if the caller has to do with it; else it is as one that never was."""
    row = key(client_id)
    if row is None or await show_app(ask, row) is None:
        return Outcome.refused(NOT_FOUND)
    return await review.locked(ask.tx, ask.actor.organization_id, client_id)


async def _reviewed(ask: Ask, client_id: Id) -> Reviewed | Outcome:
    """The app, locked, for who decides about it."""
    if not reviews(ask.actor):
        return Outcome.refused(denied())
    return await _own(ask, client_id)


async def _become(
    ask: Ask,
    app: Reviewed,
    status: AppStatus,
    among: Sequence[AppStatus],
    note: str | None,
    user_id: UUID | None = None,
) -> Outcome:
    names, by = [one.name for one in among], By.of(ask.actor, ask.request_id)
    try:
        await review.set_status(
            ask.tx, ask.actor.organization_id, app, status.name, by, among=names, note=note, user_id=user_id
        )
    except CrmError as error:
        return _refused(error)
    return Outcome(Effect.UPDATED, app.id)


async def _partner(ask: Ask, given: Id | None) -> UUID | UserError | None:
    """Whose app it is to be: who works for a partner asks for that one's alone."""
    unknown = UserError(ReferenceNotFound.code, "partnerId names no record that you can see.", ("partnerId",))
    if given is None:
        return ask.actor.partner_id
    entity = REGISTRY["Partner"]
    row = decode_as(entity.__prefix__, given)
    if row is None or ask.actor.partner_id not in (None, row):
        return unknown
    if ask.actor.partner_id is None and not await sees(ask.tx, ask.actor, entity, row):
        return unknown
    return row


def _keys(text: str) -> dict[str, JSON]:
    try:
        found: JSON = orjson.loads(text) if len(text) <= LONGEST_KEYS else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValueInvalid('The keys are no JSON Web Key Set, {"keys": […]}.')
    return found


def _refused(error: CrmError) -> Outcome:
    field = _FIELDS.get(error.code)
    return Outcome.refused(UserError(error.code, str(error), (field,) if field else ()))
