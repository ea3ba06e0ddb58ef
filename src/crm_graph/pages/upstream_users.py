"""Who somebody is here whom an OpenID provider has let in, and which roles their groups give them.

A provider speaks for our own people alone, by its own subject; by a verified address once, to be known from then on.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth import callers
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.callers import Storefront
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.upstream.providers import Provider
from crm_graph.db.ids import encode, uuid7
from crm_graph.db.session import Transaction
from crm_graph.errors import JSON, CrmError
from crm_graph.plan.changes import Action, Change, Outcome
from crm_graph.plan.policies import people
from crm_graph.plan.writes.role_assignment import guarded
from crm_graph.plan.writes.write import insert_fields, update_fields

logger = logging.getLogger("crm_graph.pages.upstream")

CHANNEL: Final = "upstream"
LONGEST_NAME: Final = 100
MOST_GROUPS: Final = 1_000

_KNOWN: Final = """
UPDATE upstream_identities i SET last_used_at = now() FROM users u
 WHERE i.organization_id = $1 AND i.provider_id = $2 AND i.subject = $3
   AND u.organization_id = i.organization_id AND u.id = i.user_id
RETURNING u.id, u.status, u.roles"""
_BY_EMAIL: Final = """
SELECT u.id, u.status, u.roles, u.partner_id, u.customer_id,
       EXISTS (SELECT FROM credentials c WHERE c.organization_id = u.organization_id AND c.user_id = u.id)
       OR EXISTS (SELECT FROM passkeys p WHERE p.organization_id = u.organization_id AND p.user_id = u.id)
       OR EXISTS (SELECT FROM upstream_identities i WHERE i.organization_id = u.organization_id AND i.user_id = u.id)
       AS theirs
  FROM users u WHERE u.organization_id = $1 AND u.email_match = crm_match_email($2)
 ORDER BY u.email = $2 DESC, u.created_at, u.id LIMIT 1"""
_LINK: Final = """
INSERT INTO upstream_identities (organization_id, id, provider_id, subject, user_id) VALUES ($1, $2, $3, $4, $5)"""


class UpstreamUserRefused(CrmError):
    """The provider says who somebody is, but they may not come in here by it."""

    code = "UPSTREAM_USER_REFUSED"
    status = 403


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of a person. `email` only if it says that it is verified."""

    subject: str
    email: str | None
    name: str
    groups: frozenset[str]

    @classmethod
    def of(cls, found: dict[str, JSON], groups_claim: str | None) -> "Claims":
        """From the claims of a verified id_token."""
        email = found.get("email") if found.get("email_verified") is True else None
        try:
            address = str(kinds.EMAIL.parse(email)) if email is not None else None
        except ValueError:
            address = None
        said = found.get("name") or found.get("preferred_username") or address
        name = "".join(filter(str.isprintable, str(said or "")))[:LONGEST_NAME].strip()
        given = found.get(groups_claim) if groups_claim else None
        groups = given if isinstance(given, list) else [given]
        texts = frozenset(one for one in groups[:MOST_GROUPS] if isinstance(one, str))
        return cls(str(found["sub"]), address, name or "?", texts)


async def user_of(tx: Transaction, here: Storefront, provider: Provider, claims: Claims) -> UUID:
    """The user, with the roles that their groups give them now. Raises UpstreamUserRefused."""
    connection, organization_id = await tx.raw(), here.organization_id
    # two first sign-ins at once: the second finds what the first made
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"upstream {organization_id}")
    decider = await _decider(tx, here, provider)
    known = await connection.fetchrow(_KNOWN, organization_id, provider.id, claims.subject)
    if known is None:
        user, roles = await _first(tx, here, provider, claims, decider)
        await connection.execute(_LINK, organization_id, uuid7(), provider.id, claims.subject, user)
    elif known["status"] != "ACTIVE":
        raise UpstreamUserRefused("Your account here is suspended.")
    else:
        user, roles = known["id"], frozenset(known["roles"])
    if provider.group_roles and user != provider.decided_by:
        given = frozenset(role for group in claims.groups for role in provider.group_roles.get(group, ()))
        await _set_roles(tx, decider, user, roles, (roles - provider.governed) | given)
    return user


async def _first(
    tx: Transaction, here: Storefront, provider: Provider, claims: Claims, decider: Actor
) -> tuple[UUID, frozenset[str]]:
    """Whom the address stands for, or somebody new, and their roles."""
    if claims.email is None:
        raise UpstreamUserRefused("The other side does not say that your e-mail address is verified.")
    domain = claims.email.rpartition("@")[2].casefold()
    if provider.domains and domain not in provider.domains:
        raise UpstreamUserRefused("Addresses like yours do not sign in this way.")
    found = await (await tx.raw()).fetchrow(_BY_EMAIL, here.organization_id, claims.email)
    if found is None:
        return await _made(tx, here, provider, claims, decider)
    if found["partner_id"] is not None or found["customer_id"] is not None or found["status"] != "ACTIVE":
        raise UpstreamUserRefused("Your account here does not sign in this way.")
    if found["theirs"] and not provider.links_passwords:
        raise UpstreamUserRefused("You have an account here already. Sign in to it as you do, or ask an administrator.")
    return found["id"], frozenset(found["roles"])


async def _made(
    tx: Transaction, here: Storefront, provider: Provider, claims: Claims, decider: Actor
) -> tuple[UUID, frozenset[str]]:
    if not provider.creates_users:
        raise UpstreamUserRefused("You have no account here. Ask an administrator for one.")
    roles = await _givable(tx, decider, provider.roles)
    values = {"name": claims.name, "email": claims.email, "roles": sorted(roles)}
    made = await insert_fields(tx, decider, "User", values, event="user.joined")
    if made.id is None:
        raise UpstreamUserRefused("Your account could not be made. Ask an administrator.")
    logger.info("user %s of organisation %s came in by %s", made.id, here.organization_id, provider.name)
    return made.id, roles


async def _decider(tx: Transaction, here: Storefront, provider: Provider) -> Actor:
    """Who said what the provider gives: whatever it gives, it gives as they might; nothing once they may not."""
    found = await callers.by_user(await tx.raw(), here.organization_id, provider.decided_by)
    if found and found[0].status == "ACTIVE":
        return replace(found[0].actor, channel=CHANNEL)
    return replace(here.actor, kind=ActorKind.STAFF, channel=CHANNEL)


async def _givable(tx: Transaction, decider: Actor, roles: Iterable[str]) -> frozenset[str]:
    """Those of the roles that who decided about the provider may still give."""
    wanted = frozenset(roles)
    policy = await in_force(await tx.raw(), decider.organization_id, lock=True)
    refused = await people.ungivable(decider, policy, wanted, ActorKind.STAFF)
    if refused:
        logger.warning("roles that whoever decided about a provider may not give are left out: %s", refused)
    return wanted - {*refused}


async def _set_roles(
    tx: Transaction, decider: Actor, user: UUID, before: frozenset[str], wanted: frozenset[str]
) -> None:
    """Give and take roles; nothing where nobody could change the access policy then."""
    after = (before & wanted) | await _givable(tx, decider, wanted - before)
    if after == before:
        return
    values: dict[str, object] = {"roles": sorted(after)}

    async def update() -> Outcome:
        return await update_fields(tx, decider, "User", user, values, "user.roles_assigned")

    change = Change("User", Action.UPDATE, id=encode("usr", user), values=values)
    done = await guarded(tx, decider, change, update, judged=True)
    if done.is_refused:
        logger.warning("the roles of user %s stay: %s", user, [error.code for error in done.errors])
