"""Whether one record exists for a caller: asked by mutations before they act on it or refer to it."""

from collections.abc import Mapping
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db import ids
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


async def named(tx: Transaction, actor: Actor, entity: type[Entity], id_: str) -> UUID | None:
    """The record of this kind that an id names, where the caller sees it."""
    row = ids.decode_as(entity.__prefix__, id_)
    return row if row is not None and await sees(tx, actor, entity, row) else None


async def find(tx: Transaction, actor: Actor, entity: type[Entity], key: Mapping[str, str]) -> UUID | None:
    """The record with these values in columns of text that identify it, where the caller sees it and them."""
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return None
    found = [lens.where()]
    for name, value in key.items():
        wanted = parameters.constant(value, "text")
        shown = lens.column(lens.spec(name)).sql
        found += [f"t.{name} = {wanted}", f"{shown} = {wanted}" if shown else "FALSE"]
    sql, sources = parameters.read(f"SELECT t.id FROM {lens.source()} WHERE {' AND '.join(found)}")
    row: UUID | None = await (await tx.raw()).fetchval(sql, *[source((), actor) for source in sources])
    return row
