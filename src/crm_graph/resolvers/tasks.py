"""What becomes of a task."""

from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.schema.tasks import Task

_TASK = """SELECT done_at, opportunity_id, now() AS now FROM tasks
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


@mutation(Task, needs=INTERNAL)
async def complete_task(call: Call) -> Outcome:
    """Say that a task is done; the opportunity it is about has had an activity. One that is done stays as it is."""
    found = await (await call.tx.raw()).fetchrow(_TASK, call.actor.organization_id, call.row)
    assert found is not None, "the task was seen in this transaction"
    done: dict[str, object] = {"done_at": found["done_at"] or found["now"]}
    outcome = await update_fields(
        call.tx,
        call.actor,
        "Task",
        call.row,
        done,
        "task.completed",
        needs=INTERNAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )
    if outcome.effect is not Effect.UPDATED or found["opportunity_id"] is None:
        return outcome
    # whoever may complete the task moves this clock, though they may not write the opportunity
    noted = await update_fields(
        call.tx,
        call.actor,
        "Opportunity",
        found["opportunity_id"],
        {"last_activity_at": found["now"]},
        "opportunity.activity_noted",
        request_id=call.request_id,
    )
    return noted if noted.is_refused else outcome
