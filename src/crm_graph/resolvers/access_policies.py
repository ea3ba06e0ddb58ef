"""The access policy of the organisation: reading it, changing it, going back to a version."""

from typing import Annotated

from crm_graph.auth import policy_versions
from crm_graph.auth.access_policy import access_policy as policy_of
from crm_graph.auth.policy_loading import in_force
from crm_graph.auth.policy_versions import Version
from crm_graph.auth.rights import Right
from crm_graph.db import ids
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.resolvers.access_view import AccessPolicy, PolicyVersion, shown

MOST_VERSIONS = 100


@query(right=Right.POLICY_READ)
async def access_policy(
    ask: Ask, version: Annotated[int | None, "Which version; the one in force if it is left out."] = None
) -> AccessPolicy | None:
    """The access policy in force, or a version of it; null if there is no such version."""
    connection, organization_id = await ask.tx.raw(), ask.actor.organization_id
    if version is None:
        policy = await in_force(connection, organization_id)
        return shown(policy, _version(await policy_versions.newest(connection, organization_id)))
    found = await policy_versions.document_of(connection, organization_id, version)
    if found is None:
        return None
    at, document = found
    return shown(policy_of(document, version=at.version), _version(at))


@query(right=Right.POLICY_READ)
async def access_policies(
    ask: Ask,
    first: Annotated[int, f"How many, at most {MOST_VERSIONS}."] = 20,
    before: Annotated[int | None, "Only versions below this one."] = None,
) -> list[PolicyVersion]:
    """The versions of the access policy, newest first, without the shipped one."""
    most = min(max(first, 0), MOST_VERSIONS)
    found = await policy_versions.history(await ask.tx.raw(), ask.actor.organization_id, most, before)
    return [_version(one) for one in found]


def _version(at: Version) -> PolicyVersion:
    by = None if at.created_by is None else Id(ids.encode("usr", at.created_by))
    return PolicyVersion(at.version, at.note, by, at.created_at)
