"""Further versions of a proposal: a row each, so that those before stay as they were."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, insert_rows, update_fields
from crm_graph.resolvers.proposals.amounts import Line, read_lines
from crm_graph.resolvers.proposals.attachments import copy_attachments
from crm_graph.resolvers.proposals.sending import withdraw
from crm_graph.resolvers.proposals.states import Facts, leads_to, locked
from crm_graph.schema.proposals import Proposal, ProposalLine, ProposalStatus

_KEPT: Final = (
    "title", "opportunity_id", "customer_id", "language", "currency", "discount_percent", "valid_until",
    "introduction", "terms", "closing", "owner_id",
)  # fmt: skip
_ROW: Final = f"""
SELECT {", ".join(f"p.{name}" for name in _KEPT)}, r.number AS first_number
  FROM proposals p JOIN proposals r ON r.organization_id = p.organization_id AND r.id = coalesce(p.root_id, p.id)
 WHERE p.organization_id = $1 AND p.id = $2"""


@mutation(
    Proposal,
    Argument("number", kinds.STRING, "Number of the new version; that of the first with its revision, if left out."),
    needs=INTERNAL,
)
async def revise_proposal(call: Call) -> Outcome:
    """Begin the next version of a proposal, as a draft. The one before is still read; it is withdrawn if it is open."""
    facts = await locked(call)
    if not facts.current:
        return refusal("STATE_REFUSED", "There is a later version of it: revise that one.")
    if facts.status is ProposalStatus.ACCEPTED:
        return refusal("STATE_REFUSED", "It is ACCEPTED and was ordered: write another proposal.")
    lines = await read_lines(call)
    row = await (await call.tx.raw()).fetchrow(_ROW, call.actor.organization_id, call.row)
    assert row is not None
    superseded = await _supersede(call, facts)
    if superseded.is_refused:
        return superseded
    revision = facts.revision + 1
    values = {
        **{name: row[name] for name in _KEPT},
        "number": str(call.arguments.get("number") or f"{row['first_number']}/{revision}").strip(),
        "root_id": facts.root_id or facts.id,
        "revision": revision,
    }
    made = await insert_fields(call.tx, call.actor, Proposal.__name__, values, request_id=call.request_id)
    if made.is_refused:
        return made
    assert made.id is not None
    copied = [_copied(line, made.id, facts) for line in lines]
    written = await insert_rows(call.tx, call.actor, ProposalLine.__name__, copied, request_id=call.request_id)
    refused = next((Outcome.refused(*one.errors) for one in written if one.is_refused), None)
    return refused or await copy_attachments(call, made.id) or made


async def _supersede(call: Call, facts: Facts) -> Outcome:
    if leads_to(facts, ProposalStatus.WITHDRAWN):
        return await withdraw(call, current=False)
    return await update_fields(
        call.tx,
        call.actor,
        Proposal.__name__,
        call.row,
        {"current": False},
        "proposal.updated",
        if_match=call.if_match,
        request_id=call.request_id,
    )


def _copied(line: Line, proposal: UUID, facts: Facts) -> dict[str, object]:
    return {
        "proposal_id": proposal,
        "product_id": line.product_id,
        "product_name": line.product_name,
        "product_sku": line.product_sku,
        "position": line.position,
        "quantity": line.quantity,
        "currency": facts.currency,
        "list_price": line.list_price,
        "unit_price": line.unit_price,
        "discount_percent": line.discount_percent,
        "unit_cost": line.unit_cost,
        "origin": line.origin or line.id,
    }
