"""The caller who has proven to be a customer otherwise than by signing in: by a link, or by mail."""

from dataclasses import replace
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.default_policy import CUSTOMER_ROLE
from crm_graph.auth.policy.loading import in_force


async def customer_actor(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, customer: UUID, channel: str
) -> Actor:
    """Who calls for `actor`'s organisation as a customer of it may by its policy; no user."""
    policy, roles = await in_force(connection, actor.organization_id), (CUSTOMER_ROLE,)
    return replace(
        actor,
        kind=ActorKind.CUSTOMER,
        policy=policy.resolve(frozenset(roles)),
        customer_id=customer,
        roles=roles,
        channel=channel,
    )
