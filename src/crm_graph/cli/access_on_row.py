"""What a policy comes to on one record: which grants reach it, and what shows of a field."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.auth.policy import Policy
from crm_graph.cli.access_report import table
from crm_graph.entity import Entity, table_name
from crm_graph.plan.lens import open_lens, shown
from crm_graph.plan.parameters import Parameters
from crm_graph.plan.write_access import write_access
from crm_graph.specs import FieldSpec


async def on_row(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: UUID
) -> str:
    """What each grant gives on one record, and what shows there of the field, through the same lens as any read."""
    lines = [("rule", "reaches it", "read", "write")]
    for grant in actor.policy.on(entity.__name__):
        alone = Policy({**actor.policy.grants, entity.__name__: (grant,)}, f"{actor.policy.key}/{grant.rule}")
        parameters = Parameters()
        access = write_access(entity, alone, parameters, "t")
        found = await _ask(
            connection, actor, parameters, f"{access.read}, {access.write}", f"{table_name(entity)} t", "", row
        )
        read, write = found if found is not None else (None, None)
        lines.append((grant.rule.value, "no" if read is None else "yes", _level(read), _level(write)))
    return f"{table(lines)}\n\n{await _shown(connection, actor, entity, spec, row)}"


async def _shown(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: UUID
) -> str:
    parameters = Parameters()
    lens = open_lens(entity, actor.policy, parameters, "t")
    if lens is None:
        return _NO_ROW
    column = lens.column(spec)
    levels = lens.by_clearance(lambda at: f"'{Level(at[None]).name}'")
    value = f"({shown(column, lens)})::text" if column.sql is not None else "NULL"
    found = await _ask(connection, actor, parameters, f"{levels}, {value}", lens.source(), f" AND {lens.where()}", row)
    if found is None:
        return _NO_ROW
    said = "nothing (null)" if found[1] is None else repr(found[1])
    return f"So the clearance on it is {found[0]}, and {entity.__name__}.{spec.graphql} shows {said}."


_NO_ROW = "So the record does not exist for the caller."


async def _ask(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    parameters: Parameters,
    columns: str,
    source: str,
    where: str,
    row: UUID,
) -> Sequence[Any] | None:
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT {columns} FROM {source} WHERE t.organization_id = {parameters.organization} AND t.id = {wanted}{where}"
    )
    found = await connection.fetchrow(sql, *[source((), actor) for source in sources])
    return None if found is None else tuple(found)


def _level(value: int | None) -> str:
    return "–" if value is None else Level(value).name
