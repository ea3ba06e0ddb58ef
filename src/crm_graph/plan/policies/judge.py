"""Whether an access policy may replace another: what forbids it, and what whoever decides should know."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from crm_graph.auth.access_policy import AccessPolicy, Role
from crm_graph.auth.actor import Actor
from crm_graph.auth.default_policy import ADMINISTRATOR, CUSTOMER_ROLE, PARTNER_ROLES
from crm_graph.auth.policy import Policy
from crm_graph.auth.policy.versions import holders, outsiders
from crm_graph.auth.rights import Right
from crm_graph.errors import CrmError
from crm_graph.plan.changes import UserError, invalid
from crm_graph.plan.policies import check
from crm_graph.plan.policies.effective import CellChange, changes

OUTSIDE = (*PARTNER_ROLES, CUSTOMER_ROLE, "storefront")
"""Shipped roles of people who are not staff."""
WIDENS_OUTSIDE, WIDENS_RIGHTS = "WIDENS_OUTSIDE", "WIDENS_RIGHTS"


class LockOut(CrmError):
    """After the change nobody who may sign in could change the access policy."""

    code = "LOCK_OUT"


class OwnClearance(CrmError):
    """The change would raise the clearance of whoever makes it."""

    code = "OWN_CLEARANCE"


class RoleInUse(CrmError):
    """Users still have the role."""

    code = "ROLE_IN_USE"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to know before the change is made."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What would come of a change: nothing, if there are `errors`."""

    errors: tuple[UserError, ...]
    warnings: tuple[Warned, ...]
    changes: tuple[CellChange, ...]
    touched: tuple[str, ...]
    """The roles for which something changes, even if only their name."""


async def judge(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, before: AccessPolicy, after: AccessPolicy
) -> Judgement:
    """Judge a new policy. Reads the declarations and who has which roles."""
    found = check.problems(after)
    if found:
        said = (invalid(f"{p.message[:1].upper()}{p.message[1:]}.", "changes", *p.path) for p in found)
        return Judgement(tuple(said), (), (), ())
    organization_id = actor.organization_id
    names = [*dict.fromkeys([*before.roles, *after.roles])]
    cells, raises = await asyncio.to_thread(_compared, names, actor, before, after)
    cells_of = {c.role for c in cells}
    touched = tuple(n for n in names if n in cells_of or _differs(before.roles.get(n), after.roles.get(n)))
    errors: list[UserError] = []
    deciders = [name for name, role in after.roles.items() if Right.POLICY_WRITE in role.rights]
    if not await holders(connection, organization_id, deciders, active=True):
        errors.append(UserError(LockOut.code, "Nobody who may sign in could change the access policy any more."))
    gone = [name for name in before.roles if name not in after.roles]
    for name in gone:
        count = await holders(connection, organization_id, [name], active=False)
        if count:
            errors.append(UserError(RoleInUse.code, f"{count} users have the role {name}.", ("changes", "roles", name)))
    if raises:
        errors.append(UserError(OwnClearance.code, "This would raise your own clearance: an administrator may do it."))
    outside = {*OUTSIDE, *await outsiders(connection, organization_id)}
    outside |= {name for name, role in after.roles.items() if role.extends in OUTSIDE}
    return Judgement(tuple(errors), tuple(_warnings(before, after, cells, outside)), tuple(cells), touched)


def _compared(
    names: Sequence[str], actor: Actor, before: AccessPolicy, after: AccessPolicy
) -> tuple[list[CellChange], bool]:
    """All that changes for each role, and whether the caller would have more."""
    cells = [c for name in names for c in changes(name, _of(before, name), _of(after, name))]
    return cells, raises_own(actor, before, after)


def raises_own(actor: Actor, before: AccessPolicy, after: AccessPolicy) -> bool:
    """Whether the change gives the caller more than they had, or anybody a right that the caller has not.

    Administrators may do that.
    """
    if ADMINISTRATOR in actor.roles:
        return False
    roles = frozenset(actor.roles)
    old, new = before.resolve(roles), after.resolve(roles)
    given = {
        right
        for name, role in after.roles.items()
        for right in role.rights - (before.roles[name].rights if name in before.roles else frozenset())
    }
    if not given <= actor.policy.rights:
        return True
    return not new.rights <= old.rights or any(c.widens for c in changes("", old, new))


def _of(policy: AccessPolicy, role: str) -> Policy:
    return policy.resolve(frozenset({role}))


def _differs(before: Role | None, after: Role | None) -> bool:
    if before is None or after is None:
        return before is not after
    return (before.label, before.description, before.rights) != (after.label, after.description, after.rights)


def _warnings(
    before: AccessPolicy, after: AccessPolicy, cells: Sequence[CellChange], outside: set[str]
) -> list[Warned]:
    found = []
    for role in sorted({c.role for c in cells if c.widens and c.role in outside}):
        count = sum(c.widens for c in cells if c.role == role)
        found.append(
            Warned(WIDENS_OUTSIDE, f"{role} is a role of people who are not staff: {count} cells are widened.")
        )
    for name, now in after.roles.items():
        old = before.roles[name].rights if name in before.roles else frozenset()
        added = ", ".join(sorted(right.value for right in now.rights - old))
        if added:
            found.append(Warned(WIDENS_RIGHTS, f"{name} gets the rights {added}."))
    return found
