"""What a token, a user or a host name stands for, each loaded by one statement."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypedDict
from uuid import UUID

import asyncpg
import orjson

from crm_graph.auth import delegations
from crm_graph.auth.actor import KEY_AGAIN, SESSION_AGAIN, TOKEN_AGAIN, Actor, ActorKind
from crm_graph.auth.oauth import partner_reach, redirects, scope
from crm_graph.auth.oauth.access_token import AccessToken
from crm_graph.auth.policy.loading import AccessPolicies, Fetch
from crm_graph.auth.scopes import Scopes
from crm_graph.db.lanes import Lane, Lanes

# `users` and more about each of them; at most one in an organisation.
_CALLER: Final = """
WITH RECURSIVE caller AS (
    SELECT u.organization_id, u.id, u.name, u.email, u.status, u.roles, u.team_id, u.partner_id, u.customer_id, {more}
), team AS (
    SELECT t.organization_id, t.id
      FROM caller c JOIN teams t ON t.organization_id = c.organization_id AND t.id = c.team_id
    UNION
    SELECT t.organization_id, t.id
      FROM team above JOIN teams t ON t.organization_id = above.organization_id AND t.parent_id = above.id
)
SELECT json_build_object(
    'organization', o.id, 'organization_name', o.name, 'currency', o.currency,
    'user', c.id, 'name', c.name, 'email', c.email, 'status', c.status, 'roles', c.roles, 'partner', c.partner_id,
    'customer', c.customer_id, 'scopes', c.scopes, 'acts_for', {acts_for},
    'revision', (SELECT r.revision FROM access_revisions r WHERE r.organization_id = o.id), 'teams',
    (SELECT coalesce(json_agg(t.id ORDER BY t.id), '[]'::json) FROM team t WHERE t.organization_id = c.organization_id)
    {facts})
  FROM caller c JOIN organizations o ON o.organization_id = c.organization_id AND o.id = c.organization_id
""".replace("{acts_for}", delegations.ACTS_FOR.format(caller="c").strip())
# A user of another organisation's team or an inactive one does not come through the joins, so the token is as unknown.
_BEARER: Final = """t.id AS credential_id, {scopes} AS scopes,
           extract(epoch FROM t.expires_at - now()) AS seconds,
           coalesce(t.last_used_at < now() - interval '1 minute', true) AS unnoted
      FROM {table} t JOIN users u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > now() AND u.status = 'ACTIVE'"""
_FACTS: Final = ", 'credential', c.credential_id, 'seconds', c.seconds, 'unnoted', c.unnoted"
_SESSION: Final = _CALLER.format(more=_BEARER.format(table="sessions", scopes="NULL::text[]"), facts=_FACTS)
_KEY: Final = _CALLER.format(more=_BEARER.format(table="api_keys", scopes="t.scopes"), facts=_FACTS)
_FAMILY: Final = _CALLER.format(
    more="""t.id AS credential_id, k.scopes AS scopes, t.own AS own,
           CASE WHEN t.own AND u.partner_id IS NOT NULL THEN ARRAY({bound}) END AS bound,
           extract(epoch FROM least(t.expires_at, s.expires_at) - now()) AS seconds,
           coalesce(t.last_used_at < now() - interval '1 minute', true) AS unnoted
      FROM oauth_families t
      JOIN oauth_clients k ON k.organization_id = t.organization_id AND k.id = t.client_id AND k.status = 'ACTIVE'
      JOIN users u ON u.organization_id = t.organization_id AND u.id = t.user_id AND u.status = 'ACTIVE'
      LEFT JOIN sessions s ON s.organization_id = t.organization_id AND s.id = t.session_id
     WHERE t.organization_id = $1 AND t.id = $2 AND t.user_id = $3 AND t.client_id = $4
       AND t.revoked_at IS NULL AND t.expires_at > now() AND (k.partner_id IS NULL OR k.partner_id = u.partner_id)
       AND (t.session_id IS NULL OR (s.revoked_at IS NULL AND s.expires_at > now()))""".format(
        bound=partner_reach.PARTNER_ROLES.format(organization="u.organization_id", partner="u.partner_id")
    ),
    facts=_FACTS + ", 'own', c.own, 'bound', c.bound",
)
_USERS: Final = """NULL::text[] AS scopes FROM users u
     WHERE ($1::uuid IS NULL OR u.organization_id = $1) AND {whose}"""
_BY_USER: Final = _CALLER.format(more=_USERS.format(whose="u.id = $2"), facts="") + " ORDER BY c.id"
_BY_EMAIL: Final = (
    _CALLER.format(more=_USERS.format(whose="u.email_match = crm_match_email($2)"), facts="") + " ORDER BY c.id"
)

_HOST: Final = """
SELECT json_agg(json_build_object('id', o.id, 'name', o.name, 'currency', o.currency, 'sign_up', o.customer_sign_up,
    'revision', (SELECT r.revision FROM access_revisions r WHERE r.organization_id = o.id), 'providers',
    (SELECT coalesce(json_agg(json_build_array(p.name, p.label) ORDER BY p.label, p.name), '[]'::json)
       FROM identity_providers p WHERE p.organization_id = o.id AND p.enabled), 'redirects',
    (SELECT coalesce(json_agg(DISTINCT uri), '[]'::json) FROM oauth_clients k, unnest(k.redirect_uris) AS uri
      WHERE k.organization_id = o.id AND k.status = 'ACTIVE')))
  FROM organizations o WHERE EXISTS (SELECT FROM unnest(o.hosts) AS host WHERE crm_host(host) = $1)
"""
_AGAIN: Final = (SESSION_AGAIN, KEY_AGAIN)
HOME_OF_TOKEN: Final = "SELECT to_json(crm_organization_of_token($1))"  # noqa: S105 - SQL
HOME_OF_HOST: Final = "SELECT to_json(crm_organization_of_host($1))"


class _Organization(TypedDict):
    id: str
    name: str
    currency: str
    sign_up: bool
    providers: list[tuple[str, str]]
    redirects: list[str]
    revision: str | None


class _User(TypedDict):
    organization: str
    organization_name: str
    currency: str
    user: str
    name: str
    email: str | None
    status: str
    roles: list[str]
    partner: str | None
    customer: str | None
    teams: list[str]
    scopes: list[str] | None
    acts_for: list[list[str]]
    revision: str | None


class _Token(_User):
    credential: str
    seconds: float
    unnoted: bool


class _Family(_Token):
    own: bool
    bound: list[str] | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token: the actor, and what their own pages show. Good until `deadline` (monotonic seconds)."""

    actor: Actor
    user_id: UUID
    name: str
    email: str | None
    organization_name: str
    credential_id: UUID
    """The session, API key or family of tokens by which they call."""
    deadline: float
    granted: frozenset[str] = frozenset()
    """The scopes of an access token, those of OpenID among them."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user, who may be suspended, and the actor they are with all that their roles grant."""

    actor: Actor
    user_id: UUID
    name: str
    status: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class Storefront:
    """Nobody in particular, at an organisation's host. Good until `deadline` (monotonic seconds)."""

    actor: Actor
    organization_id: UUID
    organization_name: str
    deadline: float
    sign_up: bool = False
    """Whether shoppers become customers by themselves."""
    providers: tuple[tuple[str, str], ...] = ()
    """Name and label of the OpenID providers by which people may sign in."""
    origins: frozenset[str] = frozenset()
    """Origins of the apps that work here: whose pages may ask the API."""


async def by_token(
    lanes: Lanes, policies: AccessPolicies, digest: bytes, *, is_key: bool, now: float, ttl: float
) -> tuple[Caller, bool] | None:
    """Whose token this is, and whether its use is to be noted; `None` if unknown, expired, revoked or suspended."""
    organization = await _found(lanes, HOME_OF_TOKEN, digest)
    found = await lanes.fetch(Lane.GENERIC, _KEY if is_key else _SESSION, (digest,), organization)
    if found is None:
        return None
    token: _Token = orjson.loads(found)
    caller = Caller(
        await _actor(token, policies, _asking(lanes, token["organization"]), _AGAIN[is_key] + digest),
        UUID(token["user"]),
        token["name"],
        token["email"],
        token["organization_name"],
        UUID(token["credential"]),
        now + min(ttl, token["seconds"]),
    )
    return caller, token["unnoted"]


async def by_access_token(
    lanes: Lanes, policies: AccessPolicies, organization_id: UUID, token: AccessToken, *, now: float, ttl: float
) -> tuple[Caller, bool] | None:
    """Whose access token this is, once it was verified, and whether its use is to be noted; `None` if it has ended.

    It does what its scopes and those that its app still has allow both, on top of what its user may.
    """
    keys = (organization_id, token.family_id, token.user_id, token.client_id)
    found = await lanes.fetch(Lane.GENERIC, _FAMILY, keys, organization_id)
    if found is None:
        return None
    family: _Family = orjson.loads(found)
    granted = scope.within(token.scopes, family["scopes"] or ())
    if family["bound"] is not None:  # a partner's app on its own: no more than the partner's people have
        family["roles"] = [role for role in family["roles"] if role in family["bound"]]
    family["scopes"] = sorted(scope.narrowing(granted).texts)
    fetch, again = _asking(lanes, family["organization"]), TOKEN_AGAIN + orjson.dumps([organization_id, token])
    actor = await _actor(family, policies, fetch, again)
    caller = Caller(
        replace(actor, kind=ActorKind.APP, acts_for=()) if family["own"] else actor,
        UUID(family["user"]),
        family["name"],
        family["email"],
        family["organization_name"],
        UUID(family["credential"]),
        now + min(ttl, family["seconds"], token.expires_at - time.time()),
        frozenset(granted),
    )
    return caller, family["unnoted"]


async def by_user(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID | None, user_id: UUID
) -> list[Person]:
    """The user of this id; in any organisation where none is given."""
    return [await _person(row[0], connection) for row in await connection.fetch(_BY_USER, organization_id, user_id)]


async def by_email(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID | None, email: str
) -> list[Person]:
    """The user with this address; where no organisation is given, those of all organisations."""
    return [await _person(row[0], connection) for row in await connection.fetch(_BY_EMAIL, organization_id, email)]


async def by_host(lanes: Lanes, policies: AccessPolicies, host: str, *, now: float, ttl: float) -> Storefront | None:
    """The organisation that a host name selects; `None` unless there is exactly one."""
    found = await lanes.fetch(Lane.GENERIC, _HOST, (host,), await _found(lanes, HOME_OF_HOST, host))
    organizations: list[_Organization] = orjson.loads(found) if found else []
    if len(organizations) != 1:
        return None
    only = organizations[0]
    roles = ("storefront",)
    organization_id = UUID(only["id"])
    policy = await policies.at(organization_id, only["revision"], _asking(lanes, only["id"]))
    actor = Actor(
        organization_id=organization_id,
        kind=ActorKind.STOREFRONT,
        policy=policy.resolve(frozenset(roles)),
        currency=only["currency"],
        roles=roles,
    )
    providers = tuple((name, label) for name, label in only["providers"])
    origins = frozenset(filter(None, map(redirects.origin, only["redirects"])))
    return Storefront(actor, actor.organization_id, only["name"], now + ttl, only["sign_up"], providers, origins)


async def _found(lanes: Lanes, look_up: str, by: object) -> UUID | None:
    """The organisation to bind before a look-up that does not know it, where reads are isolated."""
    found = await lanes.fetch(Lane.GENERIC, look_up, (by,)) if lanes.isolated else None
    return UUID(orjson.loads(found)) if found else None


async def _person(found: str | bytes, connection: "asyncpg.Connection[asyncpg.Record]") -> Person:
    user: _User = orjson.loads(found)

    async def fetch(sql: str, arguments: Sequence[object]) -> bytes | None:
        answer: bytes | None = await connection.fetchval(sql, *arguments)
        return answer

    return Person(
        await _actor(user, AccessPolicies(), fetch),
        UUID(user["user"]),
        user["name"],
        user["status"],
        user["organization_name"],
    )


def _asking(lanes: Lanes, organization: str) -> Fetch:
    return lambda sql, arguments: lanes.fetch(Lane.GENERIC, sql, arguments, UUID(organization))


async def _actor(user: _User, policies: AccessPolicies, fetch: Fetch, credential: bytes | None = None) -> Actor:
    kind = ActorKind.PARTNER if user["partner"] else ActorKind.CUSTOMER if user["customer"] else ActorKind.STAFF
    scopes = None if user["scopes"] is None else Scopes(frozenset(user["scopes"]))
    organization_id = UUID(user["organization"])
    policy = await policies.at(organization_id, user["revision"], fetch)
    return Actor(
        organization_id=organization_id,
        kind=kind,
        policy=policy.resolve(frozenset(user["roles"]), scopes),
        currency=user["currency"],
        user_id=UUID(user["user"]),
        team_ids=tuple(map(UUID, user["teams"])),
        partner_id=_uuid(user["partner"]),
        customer_id=_uuid(user["customer"]),
        roles=tuple(user["roles"]),
        acts_for=delegations.read(user["acts_for"]),
        credential=credential,
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
