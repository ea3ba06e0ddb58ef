"""Winning the opportunity that an accepted proposal belongs to."""

from dataclasses import replace

from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.opportunities import close_as_won
from crm_graph.resolvers.proposals.states import Facts


async def win(call: Call, facts: Facts) -> Outcome | None:
    """Win it if it is still open; gives the refusal if there is one. Of one that was closed before, nothing changes."""
    if facts.opportunity_id is None:
        return None
    note = {"note": f"Proposal {facts.number} was accepted."}
    return await close_as_won(replace(call, row=facts.opportunity_id, arguments=note, if_match=None))
