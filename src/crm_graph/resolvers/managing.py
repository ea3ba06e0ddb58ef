"""Suspending people, letting them in again, and giving them roles: by who has the right to manage them."""

from crm_graph import kinds
from crm_graph.auth import sessions
from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.rights import Right
from crm_graph.db.ids import encode
from crm_graph.plan.changes import Action, Change, Effect, Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.policies import people
from crm_graph.plan.policies.people import Person
from crm_graph.plan.writes.role_assignment import guarded
from crm_graph.plan.writes.write import update_fields
from crm_graph.schema.users import User, UserStatus


@mutation(User, needs=None, right=Right.PEOPLE_MANAGE)
async def suspend_user(call: Call) -> Outcome:
    """Let somebody whom you manage sign in no more; whatever they are signed in with stops within five seconds."""
    who = await _managed(call, await _policy(call))
    if isinstance(who, Outcome):
        return who
    await sessions.revoke_all(call.tx, call.actor.organization_id, who.id)
    return await _set_status(call, who, UserStatus.SUSPENDED)


@mutation(User, needs=None, right=Right.PEOPLE_MANAGE)
async def reactivate_user(call: Call) -> Outcome:
    """Let somebody whom you manage sign in again, with what they signed in with before."""
    who = await _managed(call, await _policy(call))
    return who if isinstance(who, Outcome) else await _set_status(call, who, UserStatus.ACTIVE)


@mutation(
    User,
    Argument(
        "roles", kinds.TEXTS, "All roles that the person shall have; `assignableRoles` lists them.", required=True
    ),
    needs=None,
    right=Right.PEOPLE_MANAGE,
)
async def assign_roles(call: Call) -> Outcome:
    """Give somebody whom you manage roles, and take those that are not named."""
    policy, given = await _policy(call), call.arguments["roles"]
    who = await _managed(call, policy)
    if isinstance(who, Outcome):
        return who
    assert isinstance(given, list)
    moved = {*given} ^ who.roles
    # what is no role any more can be taken, but not given
    judged = [name for name in moved if name in given or name in policy.roles]
    refused = await people.ungivable(call.actor, policy, judged, who.kind)
    if refused:
        says = f"You may not give or take {', '.join(one[:80] for one in refused)} here."
        return refusal("ROLE_NOT_ASSIGNABLE", says, "roles")
    if not moved:
        return Outcome(Effect.UNCHANGED, who.id)
    return await _write(call, who, {"roles": list(dict.fromkeys(given))}, "user.roles_assigned")


async def _policy(call: Call) -> AccessPolicy:
    """The policy in force, locked before any person is: as by all who write users and policies."""
    return await in_force(await call.tx.raw(), call.actor.organization_id, lock=True)


async def _managed(call: Call, policy: AccessPolicy) -> Person | Outcome:
    """The person, if the caller manages them; the record is one that the caller sees."""
    who = await people.person(await call.tx.raw(), call.actor.organization_id, call.row)
    return who if who is not None and people.manages(call.actor, policy, who) else Outcome.refused(denied())


async def _set_status(call: Call, who: Person, status: UserStatus) -> Outcome:
    if who.active == (status is UserStatus.ACTIVE):
        return Outcome(Effect.UNCHANGED, who.id)
    event = "user.suspended" if status is UserStatus.SUSPENDED else "user.reactivated"
    return await _write(call, who, {"status": status.value}, event)


async def _write(call: Call, who: Person, values: dict[str, object], event: str) -> Outcome:
    """The write, unless nobody could change the access policy then."""

    async def update() -> Outcome:
        return await update_fields(
            call.tx, call.actor, "User", who.id, values, event, if_match=call.if_match, request_id=call.request_id
        )

    change = Change("User", Action.UPDATE, id=encode(User.__prefix__, who.id), values=values)
    return await guarded(call.tx, call.actor, change, update, judged=True)
