"""What its addressee does with a proposal: looks at it, accepts it, declines it.

`mark_viewed`, `accept` and `decline` are for whoever has made sure that it is the addressee, or was told by them: the
mutations here, and pages. They need a `Call` whose `row` is the proposal; its arguments are not looked at. A refused
outcome has left nothing.
"""

from dataclasses import replace
from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.policy import Policy
from crm_graph.declaration import choice_kind
from crm_graph.plan.changes import Effect, Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.savepoint import unless_refused
from crm_graph.resolvers.acting import for_themselves, for_us
from crm_graph.resolvers.proposals.ordering import order_from
from crm_graph.resolvers.proposals.states import Facts, leads_to, locked, moved
from crm_graph.resolvers.proposals.winning import win
from crm_graph.schema.proposals import AcceptanceWay, Proposal, ProposalStatus

_RECORDED: Final = (AcceptanceWay.IN_WRITING, AcceptanceWay.PHONE, AcceptanceWay.IN_PERSON)
_NAME: Final = "SELECT name FROM users WHERE organization_id = $1 AND id = $2"
_LONGEST: Final = 200


async def mark_viewed(call: Call) -> Outcome:
    """Note that the addressee looks at a proposal; nothing is done where that is known, or it was answered."""
    facts = await locked(call)
    if facts.status is not ProposalStatus.SENT:
        return Outcome(Effect.UNCHANGED, call.row)
    return await moved(call, ProposalStatus.VIEWED, "proposal.viewed", {"viewed_at": facts.now})


async def accept(call: Call, name: str, way: AcceptanceWay) -> Outcome:
    """Accept a proposal: its order is made, and its opportunity won. Of one that was accepted already, nothing is done.

    Refused as PROPOSAL_EXPIRED, or as STATE_REFUSED where it was not sent or was answered otherwise.
    """
    return await unless_refused(await call.tx.raw(), lambda: _accept(call, name, way))


async def _accept(call: Call, name: str, way: AcceptanceWay) -> Outcome:
    facts = await locked(call)
    if facts.status is ProposalStatus.ACCEPTED:
        return Outcome(Effect.UNCHANGED, call.row)
    if late := _out_of_time(facts, ProposalStatus.ACCEPTED):
        return late
    values = {"decided_at": facts.now, "decided_by": name, "accepted_by_way": way.value}
    accepted = await moved(call, ProposalStatus.ACCEPTED, "proposal.accepted", values)
    if accepted.is_refused:
        return accepted
    return await order_from(call, facts, way) or await win(call, facts) or accepted


async def decline(call: Call, name: str, reason: str) -> Outcome:
    """Decline a proposal. Of one that was declined already, nothing is done."""
    facts = await locked(call)
    if facts.status is ProposalStatus.DECLINED:
        return Outcome(Effect.UNCHANGED, call.row)
    if late := _out_of_time(facts, ProposalStatus.DECLINED):
        return late
    values = {"decided_at": facts.now, "decided_by": name, "decline_reason": reason}
    return await moved(call, ProposalStatus.DECLINED, "proposal.declined", values)


def _own(policy: Policy) -> bool:
    """Whether a caller answers proposals that are addressed to them."""
    return for_themselves(policy, Proposal)


def _answers(policy: Policy) -> bool:
    """Whether they answer any, or record what others have answered."""
    return _own(policy) or for_us(policy, Proposal)


@mutation(Proposal, needs=None, offered=_own)
async def view_proposal(call: Call) -> Outcome:
    """Say that you, its addressee, have opened a proposal."""
    return await mark_viewed(call) if await _addressed(call) else Outcome.refused(denied())


@mutation(
    Proposal,
    Argument("name", kinds.STRING, "Who accepts. Of a customer who is signed in: their own name, if it is left out."),
    Argument("way", choice_kind(AcceptanceWay), "How we were told; for staff, who record it."),
    needs=None,
    offered=_answers,
)
async def accept_proposal(call: Call) -> Outcome:
    """Accept a proposal addressed to you; or record that its addressee has, with their name and how. It is ordered."""
    by = await _answerer(call)
    if isinstance(by, Outcome):
        return by
    name, addressed = by
    if addressed:
        return await accept(call, name, AcceptanceWay.SIGNED_IN)
    way = call.arguments.get("way")
    if way not in _RECORDED:
        return refusal("VALUE_INVALID", f"How it was accepted is one of {', '.join(_RECORDED)}.", "way")
    return await accept(call, name, AcceptanceWay(str(way)))


@mutation(
    Proposal,
    Argument("reason", kinds.STRING, "Why.", required=True),
    Argument("name", kinds.STRING, "Who declines. Of a customer who is signed in: their own name, if it is left out."),
    needs=None,
    offered=_answers,
)
async def decline_proposal(call: Call) -> Outcome:
    """Decline a proposal addressed to you; or record that its addressee has."""
    by = await _answerer(call)
    if isinstance(by, Outcome):
        return by
    reason = str(call.arguments["reason"]).strip()
    if not reason:
        return refusal("VALUE_INVALID", "The reason cannot be blank.", "reason")
    return await decline(replace(call, arguments={}), by[0], reason)


async def _answerer(call: Call) -> tuple[str, bool] | Outcome:
    """Whose answer it is, and whether they give it themselves; or why the caller may not give one."""
    addressed = await _addressed(call)
    if not addressed and not await may_write(call.tx, call.actor, Proposal, call.row, INTERNAL):
        return Outcome.refused(denied())
    name = str(call.arguments.get("name") or "").strip()
    if not name and addressed:
        name = await (await call.tx.raw()).fetchval(_NAME, call.actor.organization_id, call.actor.user_id) or ""
    if not name or len(name) > _LONGEST:
        return refusal("VALUE_INVALID", f"A name of at most {_LONGEST} characters is needed.", "name")
    return name, addressed


async def _addressed(call: Call) -> bool:
    """Whether the caller is the customer whom it was sent to."""
    customer = call.actor.customer_id
    return customer is not None and _own(call.actor.policy) and (await locked(call)).addressee_id == customer


def _out_of_time(facts: Facts, to: ProposalStatus) -> Outcome | None:
    if leads_to(facts, to) and not facts.in_time:
        return refusal("PROPOSAL_EXPIRED", "The proposal is no longer valid.")
    return None
