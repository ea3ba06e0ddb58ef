"""`/access`: who sees what, role by role and field by field; why somebody sees something; what callers were refused."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from crm_graph.auth import callers
from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.callers import Caller
from crm_graph.auth.oauth.review import reviews
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.rendering import environment
from crm_graph.auth.rights import Right
from crm_graph.auth.sign_in.page import HEADERS, STYLE_URL, redirect, refusal
from crm_graph.db.ids import encode
from crm_graph.db.session import Database
from crm_graph.entity import REGISTRY, Entity
from crm_graph.errors import CrmError, FieldAccessDenied
from crm_graph.plan.access.fields import classified
from crm_graph.plan.policies.effective import AccessAction, AccessOutcome, Cell, of_entity
from crm_graph.plan.signatures import Ask, Id
from crm_graph.resolvers.access import AccessExplanation, access_denials, explain_access

PATH: Final = "/access"
_STYLE: Final = files("crm_graph.pages").joinpath("static/access.css").read_bytes()
_READS: Final = {
    AccessOutcome.YES: "value",
    AccessOutcome.MASKED: "masked",
    AccessOutcome.BY_ROW: "by row",
    AccessOutcome.NO: "–",
}
_WRITES: Final = {AccessOutcome.YES: "writes", AccessOutcome.BY_ROW: "writes by row"}
_RECORDS: Final = {AccessOutcome.YES: "all", AccessOutcome.BY_ROW: "by row", AccessOutcome.NO: "–"}

_templates: Final = environment("crm_graph.pages")
_templates.globals.update(
    base_url=STYLE_URL,
    style_url=f"{PATH}.css?v={hashlib.sha256(_STYLE).hexdigest()[:12]}",
    reads=_READS,
    writes=_WRITES,
    records=_RECORDS,
)


@dataclass(frozen=True, slots=True)
class _Role:
    label: str
    rows: list[str]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    description: str
    level: str
    mask: str
    cells: list[tuple[Cell, Cell | None]]
    """For each role what it reads, and what it writes where the field is written at all."""


@dataclass(frozen=True, slots=True)
class _Table:
    """What the roles may do with an entity's records, by action, and with its fields."""

    records: dict[str, list[Cell]]
    fields: list[_Field]


class AccessPage:
    """The page, for people with the right `policy:read` who are signed in."""

    def __init__(self, authenticator: Authenticator, database: Database) -> None:
        self._authenticator, self._database = authenticator, database

    def routes(self) -> list[Route]:
        """`/access` and its style sheet."""
        return [Route(PATH, self.show, methods=["GET"]), Route(f"{PATH}.css", _style_sheet, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """GET /access."""
        caller = await self._authenticator.session(request.scope)
        if caller is None:
            return redirect(f"/sign-in?next={PATH}")
        try:
            if Right.POLICY_READ not in caller.actor.policy.rights:
                raise _NotForYou("This page is for people who may read the access policy.")
            return await self._page(request, caller)
        except CrmError as error:
            return refusal(error)

    async def _page(self, request: Request, caller: Caller) -> Response:
        actor, given = caller.actor, request.query_params
        entity = REGISTRY.get(given.get("entity", ""), REGISTRY["Customer"])
        asked = {name: given.get(name, "").strip() for name in ("node", "field", "user")}
        async with self._database.transaction(actor.organization_id, actor.user_id, "access_page") as tx:
            ask = Ask(tx, actor)
            policy = await in_force(await tx.raw(), actor.organization_id)
            explanation, fault = await _explained(ask, asked) if asked["node"] else (None, "")
            denials = await access_denials(ask, first=25)
        html = _templates.get_template("access.html").render(
            organization=caller.organization_name,
            name=caller.name,
            version=policy.version,
            reviews_apps=reviews(actor),
            entity=entity.__name__,
            entities=list(REGISTRY),
            roles=_roles(policy, entity),
            table=_table(policy, entity),
            asked=asked,
            explanation=explanation,
            fault=fault,
            denials=denials,
        )
        return HTMLResponse(html, headers=dict(HEADERS))


class _NotForYou(FieldAccessDenied):
    status = 403


async def _explained(ask: Ask, asked: Mapping[str, str]) -> tuple[AccessExplanation | None, str]:
    """The explanation asked for, or what is wrong with the question."""
    try:
        user = await _user(ask, asked["user"])
        found = await explain_access(ask, Id(asked["node"]), asked["field"], user)
    except CrmError as error:
        return None, error.message
    return found, "" if found else "There is no such record, as far as you see."


async def _user(ask: Ask, text: str) -> Id | None:
    if "@" not in text:
        return Id(text) if text else None
    found = await callers.by_email(await ask.tx.raw(), ask.actor.organization_id, text)
    return Id(encode("usr", found[0].user_id)) if found else Id(text)


def _roles(policy: AccessPolicy, entity: type[Entity]) -> list[_Role]:
    return [
        _Role(role.label, [f"{grant.rule.value}: {grant.read.name}" for grant in role.grants.get(entity.__name__, ())])
        for role in policy.roles.values()
    ]


def _table(policy: AccessPolicy, entity: type[Entity]) -> _Table:
    by_role = [{c.key: c for c in of_entity(entity, policy.resolve(frozenset({name})))} for name in policy.roles]
    name = entity.__name__
    records = {key[2].value: [cells[key] for cells in by_role] for key in by_role[0] if key[1] is None}
    fields = [
        _Field(
            spec.graphql,
            spec.description,
            spec.read.level.name,
            spec.read.mask.name if spec.read.mask else "",
            [
                (cells[name, spec.graphql, AccessAction.READ], cells.get((name, spec.graphql, AccessAction.WRITE)))
                for cells in by_role
            ],
        )
        for spec in classified(entity, policy.classification).values()
        if spec.read is not None
    ]
    return _Table(records, fields)


async def _style_sheet(_request: Request) -> Response:
    headers = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}
    return Response(_STYLE, media_type="text/css", headers=headers)
