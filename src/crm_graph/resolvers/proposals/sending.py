"""From a draft to a proposal in its customer's hands, and back out of them."""

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.proposals.amounts import read_lines
from crm_graph.resolvers.proposals.approval import ask, forget
from crm_graph.resolvers.proposals.links import EXPIRES, make_link
from crm_graph.resolvers.proposals.states import Facts, leads_to, locked, moved
from crm_graph.schema.proposals import Proposal, ProposalStatus


@mutation(Proposal, Argument("note", kinds.STRING, "Why, for whoever has to approve it."), needs=INTERNAL)
async def submit_proposal(call: Call) -> Outcome:
    """Finish a draft: it is approved at once where your authority covers its discounts, else somebody is asked."""
    facts = await locked(call)
    fault = await _unfinished(call, facts) if leads_to(facts, ProposalStatus.IN_APPROVAL) else None
    if fault is not None:
        return fault
    submitted = await moved(call, ProposalStatus.IN_APPROVAL, "proposal.submitted")
    return submitted if submitted.is_refused else await ask(call, facts)


@mutation(
    Proposal,
    Argument("recipient", kinds.EMAIL, "Mail a link to its page to this address; if it is left out, none is made."),
    EXPIRES,
    needs=INTERNAL,
    once="url",
)
async def send_proposal(call: Call) -> Outcome:
    """Hand an approved proposal over to its customer, who sees it from now on and may accept it.

    With `recipient`, a link to its page goes there in the same step, as by `createProposalLink`.
    """
    facts = await locked(call)
    if leads_to(facts, ProposalStatus.SENT) and not facts.in_time:
        return _too_late()
    values = {"sent_at": facts.now, "addressee_id": facts.customer_id}
    sent = await moved(call, ProposalStatus.SENT, "proposal.sent", values)
    if sent.is_refused or call.arguments.get("recipient") is None:
        return sent
    return await make_link(call, facts)


@mutation(Proposal, needs=INTERNAL)
async def withdraw_proposal(call: Call) -> Outcome:
    """Take a proposal back that was not answered yet."""
    return await withdraw(call)


async def withdraw(call: Call, **values: object) -> Outcome:
    """Take it back, with further columns; whoever calls has decided that it may be done."""
    facts = await locked(call)
    outcome = await moved(call, ProposalStatus.WITHDRAWN, "proposal.withdrawn", values)
    if not outcome.is_refused and facts.status is ProposalStatus.IN_APPROVAL:
        await forget(call)
    return outcome


async def _unfinished(call: Call, facts: Facts) -> Outcome | None:
    """What is missing of a draft."""
    lines = await read_lines(call)
    if not lines:
        return refusal("PROPOSAL_EMPTY", "The proposal has no lines.")
    if any(line.total is None for line in lines):
        return refusal("PRICE_UNKNOWN", "A line has no price.")
    return None if facts.in_time else _too_late()


def _too_late() -> Outcome:
    return refusal("PROPOSAL_EXPIRED", "The proposal's validity is over: give it another day.")
