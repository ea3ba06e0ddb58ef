"""Who one is to this API, and what one may do besides reading and writing records."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from crm_graph.auth.rights import Right
from crm_graph.db.ids import encode
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id


@dataclass(frozen=True, slots=True)
class Viewer:
    """A caller of this API."""

    user_id: Annotated[Id | None, "The user who calls; null for a storefront."]
    organization_id: Annotated[Id, "The organisation that is asked."]
    kind: Annotated[str, "Which sort of caller: staff, partner, customer, app or storefront."]
    roles: Annotated[list[str], "Roles of the access policy that the caller has."]
    rights: Annotated[list[Right], "What the caller may do besides reading and writing records."]
    customer_id: Annotated[Id | None, "The customer whom the caller is."]
    partner_id: Annotated[Id | None, "The partner whom the caller works for."]
    policy_key: Annotated[str, "Equal for callers with equal grants: for caches of what they may see."]
    viewing_as: Annotated[Id | None, "The user whom the caller looks as (`X-View-As`)."]


@query()
async def viewer(ask: Ask) -> Viewer:
    """Who you are to this API."""
    actor = ask.actor
    return Viewer(
        _id("usr", actor.user_id),
        Id(encode("org", actor.organization_id)),
        actor.kind.value,
        list(actor.roles),
        sorted(actor.policy.rights),
        _id("cus", actor.customer_id),
        _id("par", actor.partner_id),
        actor.policy.key,
        _id("usr", actor.seen_as.user_id if actor.seen_as else None),
    )


def _id(prefix: str, row: UUID | None) -> Id | None:
    return Id(encode(prefix, row)) if row is not None else None
