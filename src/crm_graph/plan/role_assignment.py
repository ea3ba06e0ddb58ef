"""Who gives people roles: checked when users are written, beyond the levels of the fields.

Roles are given and taken by those who may write the access policy; only roles that exist, and none with rights that
the giver has not. Nobody but an administrator changes their own. Whoever writes, one remains who may write the policy.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.actor import Actor
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.policy_loading import in_force
from crm_graph.auth.policy_versions import holders
from crm_graph.auth.rights import Right
from crm_graph.db.ids import decode
from crm_graph.db.session import Transaction
from crm_graph.errors import IdInvalid, WriteAccessDenied
from crm_graph.plan.changes import Action, Change, Effect, Outcome, UserError, invalid
from crm_graph.plan.policy_judge import LockOut

_ROLES = "roles"


def decides_who_decides(change: Change) -> bool:
    """Whether a change may alter who may write the access policy, or gives roles."""
    if change.entity != "User":
        return False
    return change.action is Action.DELETE or bool({_ROLES, "status"} & change.values.keys())


async def guarded(tx: Transaction, actor: Actor, change: Change, write: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """The write, unless it gives roles that may not be given, or locks everybody out: then it is taken back."""
    connection = await tx.raw()
    policy = await in_force(connection, actor.organization_id, lock=True)
    refused = await _refused(connection, actor, change, policy)
    if refused:
        return Outcome.refused(*refused)
    deciders = [name for name, role in policy.roles.items() if Right.POLICY_WRITE in role.rights]
    before = await holders(connection, actor.organization_id, deciders, active=True)
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        outcome = await write()
        left = await holders(connection, actor.organization_id, deciders, active=True)
    except BaseException:
        await savepoint.rollback()
        raise
    if before and not left and outcome.effect is not Effect.REFUSED:
        await savepoint.rollback()
        path = next(((name,) for name in (_ROLES, "status") if name in change.values), ())
        return Outcome.refused(UserError(LockOut.code, "Nobody else could change the access policy then.", path))
    await savepoint.commit()
    return outcome


async def unassignable(tx: Transaction, actor: Actor, change: Change) -> Outcome | None:
    """Why a row of an import gives roles that may not be given."""
    if change.entity != "User" or _ROLES not in change.values:
        return None
    connection = await tx.raw()
    refused = await _refused(connection, actor, change, await in_force(connection, actor.organization_id))
    return Outcome.refused(*refused) if refused else None


async def _refused(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, change: Change, policy: AccessPolicy
) -> list[UserError]:
    given = change.values.get(_ROLES)
    if _ROLES not in change.values or not isinstance(given, list):
        return []  # what is no list is refused as a value
    if Right.POLICY_WRITE not in actor.policy.rights:
        return [UserError(WriteAccessDenied.code, "You may not write roles here.", (_ROLES,))]
    unknown = sorted({str(name)[:80] for name in given if name not in policy.roles})
    if unknown:
        return [invalid(f"There is no role {', '.join(unknown)}.", _ROLES)]
    known = await _known(connection, actor.organization_id, change)
    own = known is not None and known[0] == actor.user_id
    if own and ADMINISTRATOR not in actor.roles and {*given} != {*(known[1] if known else ())}:
        return [UserError(WriteAccessDenied.code, "Only an administrator changes their own roles.", (_ROLES,))]
    added = {*given} - {*(known[1] if known else ())}
    beyond = sorted(name for name in added if not policy.roles[name].rights <= actor.policy.rights)
    if beyond and ADMINISTRATOR not in actor.roles:
        says = f"{', '.join(beyond)}: it has rights that you have not."
        return [UserError(WriteAccessDenied.code, says, (_ROLES,))]
    return []


async def _known(
    connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, change: Change
) -> tuple[UUID, list[str]] | None:
    """The user that a change is about, with their roles; `None` for a new one."""
    row: UUID | None = None
    source = external = None
    if change.id is not None:
        try:
            row = decode(change.id)[1]
        except IdInvalid:
            return None
    elif change.key is not None:
        source, external = change.key.source, change.key.external_id
    found = await connection.fetchrow(
        "SELECT id, roles FROM users WHERE organization_id = $1 AND (id = $2 OR (source = $3 AND external_id = $4))",
        organization_id,
        row,
        source,
        external,
    )
    return None if found is None else (found["id"], found["roles"])
