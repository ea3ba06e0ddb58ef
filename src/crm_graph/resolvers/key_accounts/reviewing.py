"""Reviewing a plan: what was said, and its goals as they stand at that moment, kept for good."""

from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.entity import REGISTRY
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, insert_rows
from crm_graph.schema.account_plans import KeyAccountPlan
from crm_graph.schema.goals import Goal
from crm_graph.schema.plan_reviews import GoalSnapshot, PlanReview
from crm_graph.specs import TODAY, expanded

_SPECS: Final = REGISTRY[Goal.__name__].__specs__
_GOALS: Final = f"""
SELECT g.id AS goal_id, g.title, g.metric, g.currency, g.target, ({expanded(_SPECS, "actual", "g", "$1")}) AS actual,
       ({expanded(_SPECS, "expected", "g", "$1")}) AS expected, {expanded(_SPECS, "status", "g", "$1")} AS status
  FROM goals g WHERE g.organization_id = $1 AND g.plan_id = $2 ORDER BY g.created_at, g.id"""


@mutation(
    KeyAccountPlan,
    Argument("summary", kinds.STRING, "How the plan is judged.", required=True),
    Argument("decisions", kinds.STRING, "What was decided."),
    needs=INTERNAL,
)
async def review_key_account_plan(call: Call) -> Outcome:
    """Put a review of a plan on record, with each of its goals as it stands now; neither changes any more."""
    summary = str(call.arguments["summary"]).strip()
    if not summary:
        return refusal("VALUE_INVALID", "A summary is needed, and it cannot be blank.", "summary")
    connection = await call.tx.raw()
    review: dict[str, object] = {
        "plan_id": call.row,
        "held_on": await connection.fetchval(f"SELECT {TODAY}"),
        "summary": summary,
        "decisions": call.arguments.get("decisions"),
        "held_by_id": call.actor.user_id,
    }
    made = await insert_fields(
        call.tx, call.actor, PlanReview.__name__, review, event="key_account_plan.reviewed", request_id=call.request_id
    )
    if made.is_refused:
        return made
    goals = await connection.fetch(_GOALS, call.actor.organization_id, call.row)
    rows = [{**dict(goal), "review_id": made.id} for goal in goals]
    kept = await insert_rows(call.tx, call.actor, GoalSnapshot.__name__, rows, request_id=call.request_id)
    refused = next((one for one in kept if one.is_refused), None)
    return refused or Outcome(Effect.UPDATED, call.row)
