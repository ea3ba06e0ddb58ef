"""Finding the customer and the contact that a lead is already, among those that the caller sees, by what they see.

A key that is hidden or masked on a row matches nothing there: nobody learns by a lead what they may not read.
"""

from uuid import UUID

from crm_graph.entity import Entity
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.mutations import Call
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.contacts import Contact
from crm_graph.schema.customers import Customer, CustomerKind


async def matching_customer(call: Call, company: str | None, email: str | None, phone: str | None) -> UUID | None:
    """The organisation of this name, e-mail address or number; without a company, the person of this address or number.

    Of several the one with the best key, then the oldest. A name alone tells no person from another.
    """
    kind = CustomerKind.ORGANIZATION if company else CustomerKind.PERSON
    keys = [("email", email), ("phone", phone), *([("name", company)] if company else [])]
    return await _best(call, Customer, keys, {"kind": (kind.value, "text")})


async def matching_contact(call: Call, customer: UUID, email: str | None) -> UUID | None:
    """The contact with this address at a customer."""
    return await _best(call, Contact, [("email", email)], {"customer_id": (customer, "uuid")})


async def _best(
    call: Call,
    entity: type[Entity],
    keys: list[tuple[str, str | None]],
    fixed: dict[str, tuple[object, str]],
) -> UUID | None:
    parameters = Parameters()
    lens = open_lens(entity, call.actor.policy, parameters, "t")
    if lens is None:
        return None
    matches = [match for name, value in keys if value and (match := _match(lens, parameters, name, value)) is not None]
    columns = {name: lens.column(lens.spec(name)) for name in fixed}
    if not matches or any(column.sql is None for column in columns.values()):
        return None
    where = " AND ".join(
        f"{columns[name].sql} = {parameters.constant(value, sql)}" for name, (value, sql) in fixed.items()
    )
    rank = " ".join(f"WHEN {match} THEN {n}" for n, match in enumerate(matches))
    sql, sources = parameters.read(
        f"SELECT t.id FROM {lens.source()} WHERE {lens.where()} AND {where} AND ({' OR '.join(matches)})"
        f" ORDER BY CASE {rank} END, t.created_at, t.id LIMIT 1"
    )
    found: UUID | None = await (await call.tx.raw()).fetchval(sql, *[source((), call.actor) for source in sources])
    return found


def _match(lens: Lens, parameters: Parameters, name: str, value: str) -> str | None:
    """SQL that is true on the rows whose key the caller sees and is that of `value`; `None` where they see none."""
    spec = lens.spec(name)
    given = parameters.constant(value, "text")
    if spec.matching is not None:
        column = lens.column(spec, f"{name}_match")  # a key kept beside the value is not masked: all of it, or nothing
        return None if column.sql is None else f"{column.sql} = {spec.matching}({given})"
    column = lens.column(spec)
    if column.sql is None:
        return None
    return f"crm_match_email({column.sql}) = crm_match_email({given})"
