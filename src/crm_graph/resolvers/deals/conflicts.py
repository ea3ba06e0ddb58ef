"""Settling what a registration collides with."""

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import update_fields
from crm_graph.schema.deals import ChannelConflict


@mutation(
    ChannelConflict,
    Argument("resolution", kinds.STRING, "How it is settled, and why.", required=True),
    needs=INTERNAL,
)
async def resolve_channel_conflict(call: Call) -> Outcome:
    """Settle a conflict between channels, once; neither side is told."""
    resolution = str(call.arguments["resolution"]).strip()
    if not resolution:
        return Outcome.refused(invalid("The resolution cannot be blank.", "resolution"))
    found = await (await call.tx.raw()).fetchrow(
        "SELECT resolved_at, now() AS now FROM channel_conflicts WHERE organization_id = $1 AND id = $2"
        " FOR NO KEY UPDATE",
        call.actor.organization_id,
        call.row,
    )
    assert found is not None, "the conflict was seen in this transaction"
    if found["resolved_at"] is not None:
        return refusal("STATE_REFUSED", "It is settled already.")
    values = {"resolution": resolution, "resolved_at": found["now"], "resolved_by_id": call.actor.user_id}
    return await update_fields(
        call.tx,
        call.actor,
        "ChannelConflict",
        call.row,
        values,
        "channel_conflict.resolved",
        needs=INTERNAL,
        if_match=call.if_match,
        request_id=call.request_id,
    )
