"""Who manages whom: with the right `people:manage`, the people of one's own partner; all, for who works for none.

What is given to somebody, and what is taken, the giver has themselves: every right, and (unless they may write the
access policy, which decides about all) every sight.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.access_policy import AccessPolicy, Role
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.default_policy import CUSTOMER_ROLE, PARTNER_ROLES
from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.plan.policies.effective import changes
from crm_graph.plan.policies.judge import OUTSIDE

_OF: Final = {ActorKind.PARTNER: PARTNER_ROLES, ActorKind.CUSTOMER: (CUSTOMER_ROLE,)}
_READ: Final = """
SELECT id, roles, status, partner_id, customer_id FROM users WHERE organization_id = $1 AND id = $2
   FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class Person:
    """A user as others decide about them."""

    id: UUID
    roles: frozenset[str]
    active: bool
    partner_id: UUID | None
    customer_id: UUID | None

    @property
    def kind(self) -> ActorKind:
        return kind_of(self.partner_id, self.customer_id)


def kind_of(partner_id: UUID | None, customer_id: UUID | None = None) -> ActorKind:
    """Which sort of person works for this partner, or is this customer."""
    return ActorKind.PARTNER if partner_id else ActorKind.CUSTOMER if customer_id else ActorKind.STAFF


async def person(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, row: UUID) -> Person | None:
    """The user, locked until the transaction ends."""
    found = await connection.fetchrow(_READ, organization_id, row)
    if found is None:
        return None
    active = found["status"] == "ACTIVE"
    return Person(found["id"], frozenset(found["roles"]), active, found["partner_id"], found["customer_id"])


def reaches(actor: Actor, partner_id: UUID | None) -> bool:
    """Whether the caller manages people of this partner (`None`: those of no partner) at all."""
    if Right.PEOPLE_MANAGE not in actor.policy.rights or actor.user_id is None or actor.customer_id is not None:
        return False
    return actor.partner_id is None or actor.partner_id == partner_id


def manages(actor: Actor, policy: AccessPolicy, who: Person) -> bool:
    """Whether the caller may suspend this person or give them roles: never themselves, nor who has more rights."""
    if not reaches(actor, who.partner_id) or who.id == actor.user_id:
        return False
    return _rights(policy, who.roles) <= actor.policy.rights


def fitting(policy: AccessPolicy, kind: ActorKind) -> list[str]:
    """The roles that such people may have: those shipped for them, and those that extend one of these."""
    return [name for name, role in policy.roles.items() if _fits(role, kind)]


async def ungivable(actor: Actor, policy: AccessPolicy, roles: Iterable[str], kind: ActorKind) -> list[str]:
    """Which of these roles the caller may not give to such people, sorted; also those that do not exist."""
    wanted = sorted(set(roles))
    if kind is ActorKind.STAFF and Right.POLICY_WRITE not in actor.policy.rights:
        return wanted
    refused = [name for name in wanted if not _givable(actor, policy, name, kind)]
    if Right.POLICY_WRITE in actor.policy.rights or len(refused) == len(wanted):
        return refused
    judged = {name: policy.resolve(frozenset({name})) for name in wanted if name not in refused}
    wider = await asyncio.to_thread(lambda: [name for name, one in judged.items() if _wider(actor.policy, one)])
    return sorted([*refused, *wider])


def _givable(actor: Actor, policy: AccessPolicy, name: str, kind: ActorKind) -> bool:
    role = policy.roles.get(name)
    return role is not None and _fits(role, kind) and role.rights <= actor.policy.rights


def _fits(role: Role, kind: ActorKind) -> bool:
    like = role.extends or role.name
    return like in _OF[kind] if kind in _OF else like not in OUTSIDE


def _rights(policy: AccessPolicy, roles: Iterable[str]) -> frozenset[Right]:
    return frozenset(right for name in roles if name in policy.roles for right in policy.roles[name].rights)


def _wider(own: Policy, other: Policy) -> bool:
    return any(cell.widens for cell in changes("", own, other))
