"""Moving an opportunity through its pipeline, to its end. Every move is recorded as a `StageChange`."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.stage_conditions import unmet
from crm_graph.schema.opportunities import Opportunity, OpportunityStatus

_CURRENT = """SELECT o.status, o.stage_id, o.pipeline_id,
 coalesce(o.entered_stage_at, o.created_at) AS entered_stage_at, now() AS now
 FROM opportunities o WHERE o.organization_id = $1 AND o.id = $2 FOR NO KEY UPDATE"""
_STAGE = "SELECT id, pipeline_id, outcome, probability FROM stages WHERE organization_id = $1 AND id = $2"
_FINAL = """SELECT id, pipeline_id, outcome, probability FROM stages
 WHERE organization_id = $1 AND pipeline_id = $2 AND outcome = $3 ORDER BY position, id LIMIT 1"""
_REASON = "SELECT name, active FROM loss_reasons WHERE organization_id = $1 AND id = $2"

_ENTERS = Argument("stage_id", kinds.ID, "The stage it enters.", required=True, ref="Stage")
_NOTE = Argument("note", kinds.STRING, "Why, for the stage history.")


@dataclass(frozen=True, slots=True)
class _Opportunity:
    status: str
    stage_id: UUID | None
    pipeline_id: UUID | None
    entered_stage_at: dt.datetime
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class _Stage:
    id: UUID
    pipeline_id: UUID
    outcome: str
    probability: int


@mutation(Opportunity, _ENTERS, _NOTE, needs=INTERNAL)
async def move_opportunity_stage(call: Call) -> Outcome:
    """Move an opportunity to another stage of its pipeline; its status and probability follow the stage.

    What the stages between ask for (`Stage.exitFields`) must be filled in.
    """
    current, stage = await _current(call), await _stage(call)
    if current.pipeline_id not in (None, stage.pipeline_id):
        return refusal(
            "STAGE_OF_OTHER_PIPELINE",
            "This stage belongs to another pipeline: use changeOpportunityPipeline.",
            "stageId",
        )
    if stage.outcome != OpportunityStatus.OPEN.value:
        return _closing()
    if current.stage_id == stage.id and current.status == stage.outcome:
        return await _update(call, {"stage_id": stage.id}, "opportunity.stage_moved")  # changes nothing, heeds ifMatch
    missing = await unmet(call, current.stage_id, stage.pipeline_id, before=stage.id)
    if missing:
        return Outcome.refused(*missing)
    return await _enter(call, current, stage, stage.outcome, {}, "opportunity.stage_moved")


@mutation(Opportunity, _ENTERS, _NOTE, needs=INTERNAL)
async def change_opportunity_pipeline(call: Call) -> Outcome:
    """Move an open opportunity to a stage of another pipeline; what that one's earlier stages ask for must be there."""
    current, stage = await _current(call), await _stage(call)
    if current.status != OpportunityStatus.OPEN.value:
        return refusal("OPPORTUNITY_CLOSED", "The opportunity is already won or lost.")
    if current.pipeline_id == stage.pipeline_id:
        return refusal("VALUE_INVALID", "It is in this pipeline: use moveOpportunityStage.", "stageId")
    if stage.outcome != OpportunityStatus.OPEN.value:
        return _closing()
    missing = await unmet(call, None, stage.pipeline_id, before=stage.id)
    if missing:
        return Outcome.refused(*missing)
    return await _enter(call, current, stage, stage.outcome, {}, "opportunity.pipeline_changed")


@mutation(
    Opportunity,
    Argument("closed_on", kinds.DATE, "When it was won; today if it is left out."),
    _NOTE,
    needs=INTERNAL,
)
async def win_opportunity(call: Call) -> Outcome:
    """Close an open opportunity as won; it enters its pipeline's winning stage.

    What the stages up to there ask for (`Stage.exitFields`) must be filled in.
    """
    current = await _current(call)
    if current.status == OpportunityStatus.OPEN.value and current.pipeline_id is not None:
        missing = await unmet(call, current.stage_id, current.pipeline_id, before=None)
        if missing:
            return Outcome.refused(*missing)
    return await _close(call, OpportunityStatus.WON, {}, "opportunity.won")


@mutation(
    Opportunity,
    Argument("reason", kinds.STRING, "Why it was lost, in words; needed where `lossReasonId` is left out."),
    Argument("loss_reason_id", kinds.ID, "Why it was lost, of the organisation's reasons.", ref="LossReason"),
    Argument("competitor_id", kinds.ID, "Who has the sale instead.", ref="Competitor"),
    Argument("closed_on", kinds.DATE, "When it was lost; today if it is left out."),
    _NOTE,
    needs=INTERNAL,
)
async def lose_opportunity(call: Call) -> Outcome:
    """Close an open opportunity as lost, with the reason; it enters its pipeline's losing stage."""
    reason, known = str(call.arguments.get("reason", "")).strip(), call.arguments.get("loss_reason_id")
    if known is not None:
        found = await (await call.tx.raw()).fetchrow(_REASON, call.actor.organization_id, known)
        assert found is not None, "the reason was seen in this transaction"
        if not found["active"]:
            return refusal("VALUE_INVALID", "This reason is no longer given.", "lossReasonId")
        reason = reason or found["name"]
    if not reason:
        return refusal("VALUE_INVALID", "A reason is needed, and it cannot be blank.", "reason")
    values: dict[str, object] = {"loss_reason": reason, "lost_because_id": known}
    if "competitor_id" in call.arguments:
        values["competitor_id"] = call.arguments["competitor_id"]
    return await _close(call, OpportunityStatus.LOST, values, "opportunity.lost")


async def close_as_won(call: Call) -> Outcome | None:
    """Win the opportunity of a call because its proposal was accepted, whoever calls; nothing where it was closed.

    Gives the refusal if there is one.
    """
    if (await _current(call)).status != OpportunityStatus.OPEN.value:
        return None
    closed = await _close(call, OpportunityStatus.WON, {}, "opportunity.won", needs=None)
    return closed if closed.is_refused else None


async def _close(
    call: Call,
    status: OpportunityStatus,
    values: dict[str, object],
    event: str,
    needs: Level | None = INTERNAL,
) -> Outcome:
    current = await _current(call)
    if current.status != OpportunityStatus.OPEN.value:
        return refusal("OPPORTUNITY_CLOSED", "The opportunity is already won or lost.")
    connection = await call.tx.raw()
    found = await connection.fetchrow(_FINAL, call.actor.organization_id, current.pipeline_id, status.value)
    stage = _Stage(**dict(found)) if found else None
    closed_on = call.arguments.get("closed_on") or current.now.date()
    return await _enter(call, current, stage, status.value, {**values, "close_on": closed_on}, event, needs)


async def _enter(
    call: Call,
    current: _Opportunity,
    stage: _Stage | None,
    status: str,
    values: dict[str, object],
    event: str,
    needs: Level | None = INTERNAL,
) -> Outcome:
    """Put the opportunity into a stage, if there is one, and note the move; the database notes when it entered."""
    set_to = {**values, "status": status}
    if stage is not None:
        set_to |= {"stage_id": stage.id, "pipeline_id": stage.pipeline_id, "probability": stage.probability}
    if status != OpportunityStatus.LOST.value:
        set_to |= {"loss_reason": None, "lost_because_id": None}
    outcome = await _update(call, set_to, event, needs)
    if outcome.is_refused or stage is None or stage.id == current.stage_id:
        return outcome
    moved: dict[str, object] = {
        "opportunity_id": call.row,
        "from_stage_id": current.stage_id,
        "to_stage_id": stage.id,
        "changed_at": current.now,
        "changed_by_id": call.actor.user_id,
        "note": call.arguments.get("note"),
        "entered_at": current.entered_stage_at,
    }
    noted = await insert_fields(call.tx, call.actor, "StageChange", moved, request_id=call.request_id)
    return noted if noted.is_refused else outcome


async def _update(call: Call, values: dict[str, object], event: str, needs: Level | None = INTERNAL) -> Outcome:
    return await update_fields(
        call.tx,
        call.actor,
        "Opportunity",
        call.row,
        values,
        event,
        needs=needs,
        if_match=call.if_match,
        request_id=call.request_id,
    )


async def _current(call: Call) -> _Opportunity:
    found = await (await call.tx.raw()).fetchrow(_CURRENT, call.actor.organization_id, call.row)
    assert found is not None, "the opportunity was seen in this transaction"
    return _Opportunity(**dict(found))


async def _stage(call: Call) -> _Stage:
    found = await (await call.tx.raw()).fetchrow(_STAGE, call.actor.organization_id, call.arguments["stage_id"])
    assert found is not None, "the stage was seen in this transaction"
    return _Stage(**dict(found))


def _closing() -> Outcome:
    return refusal(
        "STAGE_CLOSES_OPPORTUNITY", "This stage is won or lost: use winOpportunity or loseOpportunity.", "stageId"
    )
