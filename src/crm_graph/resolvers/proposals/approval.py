"""Approval of a proposal's discounts by somebody whose authority covers them."""

from dataclasses import replace
from decimal import Decimal

from crm_graph.plan.changes import Outcome, UserError
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields
from crm_graph.resolvers.authority import Action, Asked, Request, decide_or_ask, on_decision, withdraw_requests
from crm_graph.resolvers.proposals.amounts import discount_percent, read_lines
from crm_graph.resolvers.proposals.states import Facts, locked, moved
from crm_graph.schema.proposals import Proposal, ProposalStatus

_ABOUT = Proposal.__name__
_PLACES = Decimal("0.01")


async def ask(call: Call, facts: Facts) -> Outcome:
    """Have the discounts of a proposal IN_APPROVAL approved: by the caller's own authority, or somebody is asked."""
    # to two decimals: rounding lines to cents makes a discount of 10 percent one of 10.0003
    percent = discount_percent(facts, await read_lines(call)).quantize(_PLACES)
    if percent:
        note = str(call.arguments.get("note") or "").strip() or None
        decided = await decide_or_ask(
            call,
            Action.DISCOUNT,
            percent,
            facts.currency,
            about=(_ABOUT, call.row),
            note=note,
            customer=facts.customer_id,
        )
        match decided:
            case UserError():
                return Outcome.refused(decided)
            case Asked():
                values = {"approval_request_id": decided.request}
                return await update_fields(
                    call.tx, call.actor, _ABOUT, call.row, values, "proposal.updated", request_id=call.request_id
                )
    return await moved(replace(call, if_match=None), ProposalStatus.APPROVED, "proposal.approved")


@on_decision(Action.DISCOUNT, about=_ABOUT)
async def decided(call: Call, request: Request, approved: bool) -> Outcome | None:
    """It is approved, or a draft again."""
    if request.gone:
        return None
    about = replace(call, row=request.row, arguments={}, if_match=None)
    if (await locked(about)).status is not ProposalStatus.IN_APPROVAL:
        return None
    if approved:
        return await moved(about, ProposalStatus.APPROVED, "proposal.approved")
    return await moved(about, ProposalStatus.DRAFT, "proposal.returned")


async def forget(call: Call) -> None:
    """Have nobody asked any more."""
    await withdraw_requests(call, _ABOUT, call.row)
