"""What a share of a row reaches: the row, and those of its parts that are named, that no other partner has, and that
are not withheld from partners."""

from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import ActorValue, Rule
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.sql.parameters import Parameters


def part_of_shared(entity: type[Entity], policy: Policy, parameters: Parameters, alias: str) -> str:
    """SQL over a part: whether it is reached where its whole is only shared. `"TRUE"`, `"FALSE"` where it is the same.

    A policy without a partner rule is no partner's, and nobody it is for has another partner.
    """
    rows = entity.__rows__
    ref = entity.__specs__[rows.parent].ref if rows.parent else None
    if ref is None or not any(g.rule is Rule.SHARED for g in policy.on(ref.entity)):
        return "TRUE"
    if entity.__name__ not in REGISTRY[ref.entity].__rows__.reaches:
        return "FALSE"
    if rows.partner is None or not any(g.rule is Rule.PARTNER for grants in policy.grants.values() for g in grants):
        return "TRUE"
    partner = f"{alias}.{rows.partner}"
    nobodys = f"{partner} IS NULL" + (f" AND NOT {rows.withheld.format(alias=alias)}" if rows.withheld else "")
    return f"({nobodys} OR {partner} = {parameters.actor(ActorValue.PARTNER)})"
