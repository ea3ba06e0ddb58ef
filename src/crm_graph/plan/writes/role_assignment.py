"""Who gives people roles: checked when users are written, beyond the levels of the fields.

Roles are given and taken by those who may write the access policy; only roles that exist, and none with rights that
the giver has not. Nobody but an administrator changes their own. Whoever writes, one remains who may write the policy.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.actor import Actor
from crm_graph.auth.default_policy import ADMINISTRATOR
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.policy.versions import holders
from crm_graph.auth.rights import Right
from crm_graph.db.ids import decode
from crm_graph.db.session import Transaction
from crm_graph.errors import IdInvalid, WriteAccessDenied
from crm_graph.plan.changes import Action, Change, ExternalKey, Outcome, UserError, invalid
from crm_graph.plan.policies.judge import LockOut

_ROLES = "roles"


def decides_who_decides(change: Change) -> bool:
    """Whether a change may alter who may write the access policy, or gives roles."""
    if change.entity != "User":
        return False
    return change.action is Action.DELETE or bool({_ROLES, "status"} & change.values.keys())


@dataclass(frozen=True, slots=True)
class _Known:
    """A user that a change is about, as they are. `decides`: they may sign in and write the access policy."""

    id: UUID
    roles: frozenset[str]
    decides: bool


async def guarded(
    tx: Transaction, actor: Actor, change: Change, write: Callable[[], Awaitable[Outcome]], *, judged: bool = False
) -> Outcome:
    """The write, unless it gives roles that may not be given, or locks everybody out: then it is taken back.

    `judged`: whether these roles may be given has been looked at (`plan/people.py`).
    """

    async def act(refused: Mapping[int, Outcome]) -> list[Outcome]:
        return [refused[0] if refused else await write()]

    return (await guarded_rows(tx, actor, [change], act, judged=judged))[0]


async def guarded_rows(
    tx: Transaction,
    actor: Actor,
    changes: Sequence[Change],
    write: Callable[[Mapping[int, Outcome]], Awaitable[list[Outcome]]],
    *,
    restoring: bool = False,
    judged: bool = False,
) -> list[Outcome]:
    """Many changes at once: `write` is told which of them, by position, are refused and stay out.

    If all together lock everybody out, they are made without those of the people who are in charge. When `restoring`,
    the values are whole records: roles that stay as they are count as not given.
    """
    if not any(map(decides_who_decides, changes)):
        return await write({})
    connection = await tx.raw()
    policy = await in_force(connection, actor.organization_id, lock=True)
    deciders = [name for name, role in policy.roles.items() if Right.POLICY_WRITE in role.rights]
    known = await _known(connection, actor.organization_id, changes, deciders)
    pairs = [] if judged else zip(changes, known, strict=True)
    found = (_refused(actor, one, policy, who, restoring) for one, who in pairs)
    refused = {n: Outcome.refused(*errors) for n, errors in enumerate(found) if errors}
    before = await holders(connection, actor.organization_id, deciders, active=True)
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        outcomes = await write(refused)
        left = await holders(connection, actor.organization_id, deciders, active=True)
    except BaseException:
        await savepoint.rollback()
        raise
    if left or not before:
        await savepoint.commit()
        return outcomes
    await savepoint.rollback()
    in_charge = {
        n: _locked_out(one)
        for n, (one, who) in enumerate(zip(changes, known, strict=True))
        if who is not None and who.decides and decides_who_decides(one)
    }
    return await write({**in_charge, **refused})


def _locked_out(change: Change) -> Outcome:
    path = next(((name,) for name in (_ROLES, "status") if name in change.values), ())
    return Outcome.refused(UserError(LockOut.code, "Nobody else could change the access policy then.", path))


def _refused(
    actor: Actor, change: Change, policy: AccessPolicy, known: _Known | None, restoring: bool
) -> list[UserError]:
    given, has = change.values.get(_ROLES), known.roles if known else frozenset()
    if not isinstance(given, list) or (restoring and known and {*given} == has):
        return []  # what is no list is refused as a value
    if Right.POLICY_WRITE not in actor.policy.rights:
        return [UserError(WriteAccessDenied.code, "You may not write roles here.", (_ROLES,))]
    unknown = sorted({str(name)[:80] for name in given if name not in policy.roles})
    if unknown:
        return [invalid(f"There is no role {', '.join(unknown)}.", _ROLES)]
    if known and known.id == actor.user_id and ADMINISTRATOR not in actor.roles and {*given} != has:
        return [UserError(WriteAccessDenied.code, "Only an administrator changes their own roles.", (_ROLES,))]
    # neither given nor taken: who decides more than the caller is for those who decide as much
    moved = ({*given} ^ has) & policy.roles.keys()
    beyond = sorted(name for name in moved if not policy.roles[name].rights <= actor.policy.rights)
    if beyond and ADMINISTRATOR not in actor.roles:
        says = f"{', '.join(beyond)}: it has rights that you have not."
        return [UserError(WriteAccessDenied.code, says, (_ROLES,))]
    return []


async def _known(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    changes: Sequence[Change],
    deciders: Sequence[str],
) -> list[_Known | None]:
    """The user that each change is about; `None` for a new one."""
    names = [_name(change) for change in changes]
    rows = [name for name in names if isinstance(name, UUID)]
    keys = [name for name in names if isinstance(name, ExternalKey)]
    found: dict[UUID | ExternalKey | None, _Known] = {}
    for row in await connection.fetch(
        "SELECT id, source, external_id, roles, status = 'ACTIVE' AND roles && $5::text[] AS decides FROM users"
        " WHERE organization_id = $1 AND (id = ANY($2::uuid[])"
        " OR (source, external_id) IN (SELECT * FROM unnest($3::text[], $4::text[])))",
        organization_id,
        rows,
        [key.source for key in keys],
        [key.external_id for key in keys],
        deciders,
    ):
        one = _Known(row["id"], frozenset(row["roles"]), row["decides"])
        found[row["id"]] = one
        found[ExternalKey(row["source"], row["external_id"])] = one
    return [found.get(name) for name in names]


def _name(change: Change) -> UUID | ExternalKey | None:
    if change.id is None:
        return change.key
    try:
        return decode(change.id)[1]
    except IdInvalid:
        return None
