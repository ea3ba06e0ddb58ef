"""The access policy of the organisation: reading it, changing it, going back to a version."""

import asyncio
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from crm_graph.auth import access_policy as policies
from crm_graph.auth.policy import document as policy_document
from crm_graph.auth.policy import versions as policy_versions
from crm_graph.auth.policy.changes import edited
from crm_graph.auth.policy.loading import in_force
from crm_graph.auth.policy.versions import Version, active_holders
from crm_graph.auth.rights import Right
from crm_graph.errors import EtagMismatch
from crm_graph.plan.actions import action
from crm_graph.plan.changes import Effect, Outcome, UserError, invalid, refusal
from crm_graph.plan.policies.effective import matrix
from crm_graph.plan.policies.judge import Judgement, judge
from crm_graph.plan.policies.store import store
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask
from crm_graph.resolvers.access_input import AccessPolicyChanges
from crm_graph.resolvers.access_preview import AccessCell, PolicyPreview, TouchedRole, cells, preview
from crm_graph.resolvers.access_view import AccessPolicy, PolicyVersion, shown
from crm_graph.resolvers.people import NOT_SEEN, people

MOST_CELLS = 5_000
LONGEST_NOTE = 1_000
MOST_VERSIONS = 100


@query(right=Right.POLICY_READ)
async def access_policy(
    ask: Ask, version: Annotated[int | None, "Which version; the one in force if it is left out."] = None
) -> AccessPolicy | None:
    """The access policy in force, or a version of it; null if there is no such version."""
    connection, organization_id = await ask.tx.raw(), ask.actor.organization_id
    policy = await in_force(connection, organization_id)
    if version is None:
        at = await policy_versions.newest(connection, organization_id)
    else:
        found = await _stored(ask, version, policy)
        if found is None:
            return None
        at, policy = found
    return shown(policy, *await _versions(ask, [at]))


@query(right=Right.POLICY_READ)
async def access_policies(
    ask: Ask,
    first: Annotated[int, f"How many, at most {MOST_VERSIONS}."] = 20,
    before: Annotated[int | None, "Only versions below this one."] = None,
) -> list[PolicyVersion]:
    """The versions of the access policy, newest first, without the shipped one."""
    most = min(max(first, 0), MOST_VERSIONS)
    found = await policy_versions.history(await ask.tx.raw(), ask.actor.organization_id, most, before)
    return await _versions(ask, found)


async def _versions(ask: Ask, found: Sequence[Version]) -> list[PolicyVersion]:
    by = await people(ask, (one.created_by for one in found))
    return [PolicyVersion(v.version, v.note, by.get(v.created_by, NOT_SEEN).id, v.created_at) for v in found]


@query(right=Right.POLICY_READ)
async def access_matrix(
    ask: Ask,
    roles: Annotated[list[str] | None, "These roles; all if it is left out."] = None,
    entities: Annotated[list[str] | None, "These entities; all if it is left out."] = None,
    version: Annotated[int | None, "Which version; the one in force if it is left out."] = None,
) -> list[AccessCell] | None:
    """What each role may do with each field and entity, by the policy in force or a version of it."""
    policy = await in_force(await ask.tx.raw(), ask.actor.organization_id)
    if version is not None:
        found = await _stored(ask, version, policy)
        if found is None:
            return None
        _, policy = found
    wanted = None if entities is None else frozenset(entities)
    names = [name for name in policy.roles if roles is None or name in roles]
    by_role = await asyncio.to_thread(lambda: [(n, matrix(policy.resolve(frozenset({n})))) for n in names])
    return [cell for name, of_role in by_role for cell in cells(name, of_role, wanted)]


@query(right=Right.POLICY_READ)
async def preview_policy(
    ask: Ask,
    changes: Annotated[AccessPolicyChanges | None, "Changes to the policy in force."] = None,
    version: Annotated[int | None, "Instead of changes: what going back to this version would come to."] = None,
    first: Annotated[int, f"How many cells to show, at most {MOST_CELLS}."] = 500,
) -> PolicyPreview:
    """What a change of the access policy would come to, before anything is saved. Gives changes or a version."""
    connection = await ask.tx.raw()
    before = await in_force(connection, ask.actor.organization_id)
    after = await _after(ask, before, changes, version)
    if isinstance(after, UserError):
        return preview(before.version, Judgement((after,), (), (), ()), [], 0)
    judged = await judge(connection, ask.actor, before, after)
    have = await active_holders(connection, ask.actor.organization_id, judged.touched)
    users = [TouchedRole(role, have.get(role, 0)) for role in judged.touched]
    return preview(before.version, judged, users, min(max(first, 0), MOST_CELLS))


async def show_policy(ask: Ask, row: UUID) -> AccessPolicy | None:
    """The version with this id."""
    connection = await ask.tx.raw()
    version = await policy_versions.number_of(connection, ask.actor.organization_id, row)
    return None if version is None else await access_policy(ask, version)


@action(shows=show_policy, right=Right.POLICY_WRITE)
async def update_access_policy(
    ask: Ask,
    changes: Annotated[AccessPolicyChanges, "What is to change; `previewPolicy` says what it would come to."],
    note: Annotated[str | None, "Why, for those who read the history."] = None,
    if_version: Annotated[int | None, "The version that was changed: refused if another one is in force."] = None,
) -> Outcome:
    """Change the access policy of the organisation. It is in force for everybody within five seconds."""
    return await _replace(ask, changes, None, note, if_version)


@action(shows=show_policy, right=Right.POLICY_WRITE)
async def rollback_access_policy(
    ask: Ask,
    version: Annotated[int, "The version to go back to; 0 is the shipped policy."],
    note: Annotated[str | None, "Why, for those who read the history."] = None,
    if_version: Annotated[int | None, "Refused if another version than this one is in force."] = None,
) -> Outcome:
    """Go back to a version of the access policy: it is in force again, as a new version."""
    return await _replace(ask, None, version, note, if_version)


async def _replace(
    ask: Ask, changes: AccessPolicyChanges | None, version: int | None, note: str | None, if_version: int | None
) -> Outcome:
    connection = await ask.tx.raw()
    before = await in_force(connection, ask.actor.organization_id, lock=True)
    if if_version is not None and if_version != before.version:
        message = f"Version {before.version} is in force by now."
        return refusal(EtagMismatch.code, message, "ifVersion")
    if note is not None and (len(note) > LONGEST_NOTE or not note.isprintable()):
        return Outcome.refused(invalid(f"A note has at most {LONGEST_NOTE} printable characters.", "note"))
    after = await _after(ask, before, changes, version)
    if isinstance(after, UserError):
        return Outcome.refused(after)
    judged = await judge(connection, ask.actor, before, after)
    if judged.errors:
        return Outcome.refused(*judged.errors)
    return Outcome(Effect.UPDATED, await store(ask, before, after, note or "", judged.touched))


async def _after(
    ask: Ask, before: policies.AccessPolicy, changes: AccessPolicyChanges | None, version: int | None
) -> policies.AccessPolicy | UserError:
    """The policy as it would be."""
    if (changes is None) == (version is None):
        return invalid("Either changes or a version are needed.", "changes")
    if changes is not None:
        document = edited(before.document, changes.edits())
        unreadable = tuple(policy_document.broken(document))
        read, faults = policy_document.parse(document.to_json())
        problems = (*unreadable, *faults)
        return policies.of_document(read, before.classification.custom, before.version + 1, problems)
    assert version is not None
    found = await _stored(ask, version, before)
    if found is None:
        return invalid("There is no such version.", "version")
    _, then = found
    return policies.of_document(then.document, before.classification.custom, before.version + 1, then.problems)


async def _stored(ask: Ask, version: int, now: policies.AccessPolicy) -> tuple[Version, policies.AccessPolicy] | None:
    """A version of the policy, with the fields that the organisation has `now`."""
    found = await policy_versions.document_of(await ask.tx.raw(), ask.actor.organization_id, version)
    if found is None:
        return None
    at, document = found
    return at, policies.access_policy(document, now.classification.custom, at.version)
