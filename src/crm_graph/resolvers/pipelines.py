"""Which pipeline sales begin in, and where it begins."""

from dataclasses import dataclass
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL
from crm_graph.db.session import Transaction
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.schema.pipelines import Pipeline

_OTHERS = """SELECT id, is_default FROM pipelines WHERE organization_id = $1 ORDER BY id FOR NO KEY UPDATE"""
_FIRST = """SELECT s.pipeline_id, s.id AS stage_id, s.probability FROM stages s
 JOIN pipelines p ON p.organization_id = s.organization_id AND p.id = s.pipeline_id
 WHERE s.organization_id = $1 AND s.outcome = 'OPEN' AND ($2::uuid IS NULL OR p.id = $2)
 ORDER BY p.is_default NULLS LAST, p.created_at, p.id, s.position, s.id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a sale begins."""

    pipeline_id: UUID
    stage_id: UUID
    probability: int


@mutation(Pipeline, needs=CONFIDENTIAL)
async def make_pipeline_default(call: Call) -> Outcome:
    """Make this the pipeline that leads and partners' sales begin in; the one that was so before is it no longer."""
    connection = await call.tx.raw()
    for row in await connection.fetch(_OTHERS, call.actor.organization_id):
        if row["is_default"] and row["id"] != call.row:
            outcome = await _set(call, row["id"], None)
            if outcome.is_refused:
                return outcome
    return await _set(call, call.row, True)


async def _set(call: Call, row: UUID, value: bool | None) -> Outcome:
    return await update_fields(
        call.tx,
        call.actor,
        "Pipeline",
        row,
        {"is_default": value},
        "pipeline.default_changed",
        needs=CONFIDENTIAL,
        if_match=call.if_match if row == call.row else None,
        request_id=call.request_id,
    )


async def beginning(tx: Transaction, organization_id: UUID, pipeline: UUID | None = None) -> Beginning | None:
    """The first stage of a pipeline, else of the default one, else of the oldest; `None` where there is none."""
    found = await (await tx.raw()).fetchrow(_FIRST, organization_id, pipeline)
    return Beginning(**dict(found)) if found else None
