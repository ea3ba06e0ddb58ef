"""Who one is to this API, and what one may do besides reading and writing records."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.delegations import ActingRole
from crm_graph.auth.rights import Right
from crm_graph.db.ids import encode
from crm_graph.plan.access.acting import policy_acting
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.customers import Customer, CustomerKind


@dataclass(frozen=True, slots=True)
class ActsFor:
    """A customer for whom a caller may act (`X-Acting-For`)."""

    id: Annotated[Id, "The customer; what the header takes."]
    name: Annotated[str | None, "Their name, if you may see it."]
    kind: Annotated[CustomerKind | None, "Organisation or household, if you may see it."]
    role: Annotated[ActingRole, "As what you act for them."]
    may_change: Annotated[bool, "Whether you also change what people change about themselves."]


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
    acting_for: Annotated[Id | None, "The customer for whom the caller acts (`X-Acting-For`)."]
    acts_for: Annotated[list[ActsFor], "For whom the caller may act, by name."]


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
        _id("cus", actor.person_id if actor.acting_for else actor.customer_id),
        _id("par", actor.partner_id),
        actor.policy.key,
        _id("usr", actor.seen_as.user_id if actor.seen_as else None),
        _id("cus", actor.acting_for_id),
        _acts_for(actor),
    )


def _acts_for(actor: Actor) -> list[ActsFor]:
    if not actor.acts_for:
        return []
    name, kind = (_shows(actor, field) for field in ("name", "kind"))
    return [
        ActsFor(
            Id(encode("cus", one.customer_id)),
            one.name if name else None,
            CustomerKind(one.kind) if kind else None,
            one.role,
            one.speaks,
        )
        for one in actor.acts_for
    ]


def _shows(actor: Actor, field: str) -> bool:
    """Whether who acts for a customer sees a field of theirs, in full and whatever the row."""
    lens = open_lens(Customer, policy_acting(actor.policy, speaks=False), Parameters(), "t")
    spec = lens.spec(field) if lens else None
    if lens is None or spec is None or spec.read is None:
        return False
    return lens.about_oneself(spec) or spec.read.level <= lens.lowest


def _id(prefix: str, row: UUID | None) -> Id | None:
    return Id(encode(prefix, row)) if row is not None else None
