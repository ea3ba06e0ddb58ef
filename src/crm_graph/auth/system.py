"""The caller of work that nobody asks for: what falls due is done by the organisation itself."""

from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.classification import Classification
from crm_graph.auth.default_policy import ADMINISTRATOR, RIGHTS, ROLES
from crm_graph.auth.policy import Policy, resolved
from crm_graph.auth.policy.loading import in_force


def everything(classification: Classification) -> Policy:
    """What an administrator as shipped sees and may, whatever an organisation has made of that role."""
    return resolved(ROLES, frozenset({ADMINISTRATOR}), None, classification, RIGHTS)


async def system_actor(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, channel: str) -> Actor:
    """An actor who sees all fields and rows of the organisation, whatever it has made of its roles; no user."""
    currency = await connection.fetchval(
        "SELECT currency FROM organizations WHERE organization_id = $1", organization_id
    )
    classification = (await in_force(connection, organization_id)).classification
    return Actor(organization_id, ActorKind.SYSTEM, everything(classification), currency, channel=channel)
