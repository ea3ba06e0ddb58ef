"""What a policy comes to on one record: which grants reach it, and what shows of a field."""

from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.cli.access_report import table
from crm_graph.entity import Entity
from crm_graph.plan.policies.explain import explain, reaches
from crm_graph.specs import FieldSpec


async def on_row(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, entity: type[Entity], spec: FieldSpec, row: UUID
) -> str:
    """What each grant gives on one record, and what shows there of the field, through the same lens as any read."""
    reached = await reaches(connection, actor, entity, row, actor.policy.on(entity.__name__))
    lines = [("rule", "reaches it", "read", "write")]
    lines += [(r.rule.value, "no" if r.read is None else "yes", _level(r.read), _level(r.write)) for r in reached]
    found = await explain(connection, actor, entity, spec, row)
    if found is None:
        return f"{table(lines)}\n\nSo the record does not exist for the caller."
    said = "nothing (null)" if found.text is None else repr(found.text)
    clearance = f"So the clearance on it is {_level(found.clearance)}"
    return f"{table(lines)}\n\n{clearance}, and {entity.__name__}.{spec.graphql} shows {said}."


def _level(value: Level | None) -> str:
    return "–" if value is None else value.name
