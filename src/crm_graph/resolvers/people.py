"""Who did something, and for whom they work, as a caller sees them: through the lens, like any other record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.parameters import Parameters

OF_STAFF: Final = "u.partner_id IS NULL AND u.customer_id IS NULL"
"""SQL of whether a user `u` is one of us."""
MAILED: Final = "u.status = 'ACTIVE' AND u.email IS NOT NULL"
"""SQL of whether a user `u` can be told something by mail."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A user's, partner's or customer's global id and name; nothing of one whom the caller does not see."""

    id: Id | None = None
    name: str | None = None


NOT_SEEN = Somebody()


async def people(ask: Ask, users: Iterable[UUID | None]) -> Mapping[UUID | None, Somebody]:
    """Those of these users whom the caller sees."""
    return await _seen(ask, REGISTRY["User"], users)


async def partners(ask: Ask, rows: Iterable[UUID | None]) -> Mapping[UUID | None, Somebody]:
    """Those of these partners whom the caller sees."""
    return await _seen(ask, REGISTRY["Partner"], rows)


async def customers(ask: Ask, rows: Iterable[UUID | None]) -> Mapping[UUID | None, Somebody]:
    """Those of these customers whom the caller sees."""
    return await _seen(ask, REGISTRY["Customer"], rows)


async def _seen(ask: Ask, entity: type[Entity], rows: Iterable[UUID | None]) -> Mapping[UUID | None, Somebody]:
    wanted, parameters = {row for row in rows if row is not None}, Parameters()
    lens = open_lens(entity, ask.actor.policy, parameters, "t")
    if lens is None or not wanted:
        return {}
    name = lens.column(lens.spec("name")).sql or "NULL::text"
    given = parameters.constant(list(wanted), "uuid[]")
    sql, sources = parameters.read(
        f"SELECT t.id, {name} AS name FROM {lens.source()} WHERE {lens.where()} AND t.id = ANY({given})"
    )
    found = await (await ask.tx.raw()).fetch(sql, *[source((), ask.actor) for source in sources])
    return {row["id"]: Somebody(Id(encode(entity.__prefix__, row["id"])), row["name"]) for row in found}
