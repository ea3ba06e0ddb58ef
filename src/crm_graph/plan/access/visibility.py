"""Whether one record exists for a caller: asked by mutations before they act on it or refer to it."""

from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.entity import Entity
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters


async def sees(tx: Transaction, actor: Actor, entity: type[Entity], row: UUID) -> bool:
    """True when the record exists and the caller's lens shows it."""
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return False
    wanted = parameters.constant(row, "uuid")
    exists = f"SELECT EXISTS (SELECT 1 FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted})"
    sql, sources = parameters.read(exists)
    return bool(await (await tx.raw()).fetchval(sql, *[source((), actor) for source in sources]))
