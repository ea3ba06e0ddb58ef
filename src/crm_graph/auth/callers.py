"""What a token or a host name stands for, each loaded by one statement."""

from dataclasses import dataclass
from typing import Final, TypedDict
from uuid import UUID

import orjson

from crm_graph.auth import policy
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.scopes import Scopes
from crm_graph.db.lanes import Lane, Lanes

# A user of another organisation's team or an inactive one does not come through the joins, so the token is as unknown.
_CALLER: Final = """
WITH RECURSIVE caller AS (
    SELECT u.organization_id, u.id, u.name, u.email, u.roles, u.team_id, u.partner_id, u.customer_id,
           t.id AS credential_id, {scopes} AS scopes, extract(epoch FROM t.expires_at - now()) AS seconds,
           coalesce(t.last_used_at < now() - interval '1 minute', true) AS unnoted
      FROM {table} t JOIN users u ON u.organization_id = t.organization_id AND u.id = t.user_id
     WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > now() AND u.status = 'ACTIVE'
), team AS (
    SELECT t.organization_id, t.id
      FROM caller c JOIN teams t ON t.organization_id = c.organization_id AND t.id = c.team_id
    UNION
    SELECT t.organization_id, t.id
      FROM team above JOIN teams t ON t.organization_id = above.organization_id AND t.parent_id = above.id
)
SELECT json_build_object(
    'organization', o.id, 'organization_name', o.name, 'currency', o.currency,
    'user', c.id, 'name', c.name, 'email', c.email, 'roles', c.roles, 'partner', c.partner_id,
    'customer', c.customer_id, 'teams', (SELECT coalesce(json_agg(id ORDER BY id), '[]'::json) FROM team),
    'credential', c.credential_id, 'scopes', c.scopes, 'seconds', c.seconds, 'unnoted', c.unnoted)
  FROM caller c JOIN organizations o ON o.organization_id = c.organization_id AND o.id = c.organization_id
"""
_SESSION: Final = _CALLER.format(table="sessions", scopes="NULL::text[]")
_KEY: Final = _CALLER.format(table="api_keys", scopes="t.scopes")

_HOST: Final = """
SELECT json_agg(json_build_object('id', o.id, 'name', o.name, 'currency', o.currency))
  FROM organizations o WHERE EXISTS (SELECT FROM unnest(o.hosts) AS host WHERE crm_host(host) = $1)
"""


class _Token(TypedDict):
    organization: str
    organization_name: str
    currency: str
    user: str
    name: str
    email: str | None
    roles: list[str]
    partner: str | None
    customer: str | None
    teams: list[str]
    credential: str
    scopes: list[str] | None
    seconds: float
    unnoted: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a token: the actor, and what their own pages show. Good until `deadline` (monotonic seconds)."""

    actor: Actor
    user_id: UUID
    name: str
    email: str | None
    organization_name: str
    credential_id: UUID
    """The session or API key by which they call."""
    deadline: float


@dataclass(frozen=True, slots=True)
class Storefront:
    """Nobody in particular, at an organisation's host. Good until `deadline` (monotonic seconds)."""

    actor: Actor
    organization_id: UUID
    organization_name: str
    deadline: float


async def by_token(lanes: Lanes, digest: bytes, *, is_key: bool, now: float, ttl: float) -> tuple[Caller, bool] | None:
    """Whose token this is, and whether its use is to be noted; `None` if unknown, expired, revoked or suspended."""
    found = await lanes.fetch(Lane.GENERIC, _KEY if is_key else _SESSION, (digest,))
    if found is None:
        return None
    token: _Token = orjson.loads(found)
    caller = Caller(
        _actor(token),
        UUID(token["user"]),
        token["name"],
        token["email"],
        token["organization_name"],
        UUID(token["credential"]),
        now + min(ttl, token["seconds"]),
    )
    return caller, token["unnoted"]


async def by_host(lanes: Lanes, host: str, *, now: float, ttl: float) -> Storefront | None:
    """The organisation that a host name selects; `None` unless there is exactly one."""
    found = await lanes.fetch(Lane.GENERIC, _HOST, (host,))
    organizations: list[dict[str, str]] = orjson.loads(found) if found else []
    if len(organizations) != 1:
        return None
    only = organizations[0]
    roles = ("storefront",)
    actor = Actor(
        organization_id=UUID(only["id"]),
        kind=ActorKind.STOREFRONT,
        policy=policy.resolve(frozenset(roles)),
        currency=only["currency"],
        roles=roles,
    )
    return Storefront(actor, actor.organization_id, only["name"], now + ttl)


def _actor(token: _Token) -> Actor:
    kind = ActorKind.PARTNER if token["partner"] else ActorKind.CUSTOMER if token["customer"] else ActorKind.STAFF
    scopes = None if token["scopes"] is None else Scopes(frozenset(token["scopes"]))
    return Actor(
        organization_id=UUID(token["organization"]),
        kind=kind,
        policy=policy.resolve(frozenset(token["roles"]), scopes),
        currency=token["currency"],
        user_id=UUID(token["user"]),
        team_ids=tuple(map(UUID, token["teams"])),
        partner_id=_uuid(token["partner"]),
        customer_id=_uuid(token["customer"]),
        roles=tuple(token["roles"]),
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
