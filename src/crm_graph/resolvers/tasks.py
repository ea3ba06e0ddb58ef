"""What becomes of a task."""

from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.schema.tasks import Task

_TASK = """SELECT t.done_at, t.opportunity_id, o.partner_id, now() AS now FROM tasks t
  LEFT JOIN opportunities o ON o.organization_id = t.organization_id AND o.id = t.opportunity_id
 WHERE t.organization_id = $1 AND t.id = $2 FOR NO KEY UPDATE OF t"""


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
    if call.actor.partner_id not in (None, found["partner_id"]):
        return outcome  # another partner that sees this sale is not told that there is one more
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
