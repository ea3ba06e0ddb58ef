"""How satisfied a customer is with what became of their ticket (CSAT): said once, by a link or signed in."""

from typing import Final

from crm_graph import kinds
from crm_graph.plan.changes import Outcome, UserError, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.tickets.sides import as_customer
from crm_graph.resolvers.tickets.states import locked
from crm_graph.schema.feedback import TicketRating
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import Ticket

SCORES: Final = range(1, 6)
LONGEST: Final = 4000
_RATING: Final = """
SELECT id, score FROM ticket_ratings WHERE organization_id = $1 AND ticket_id = $2 FOR NO KEY UPDATE"""


def too_long() -> UserError:
    return invalid(f"A comment has at most {LONGEST} characters.", "comment")


async def rate(call: Call, score: int, comment: str | None) -> Outcome:
    """Keep the score for the call's ticket, with who dealt with it. Who rates was made sure of before."""
    if score not in SCORES:
        return Outcome.refused(invalid("A score is from 1 to 5.", "score"))
    if len(comment or "") > LONGEST:
        return Outcome.refused(too_long())
    facts = await locked(call)
    if facts.status not in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        return refusal("STATE_REFUSED", f"It is {facts.status}: a ticket is rated once it is resolved.")
    rating = await (await call.tx.raw()).fetchrow(_RATING, call.actor.organization_id, facts.id)
    if rating is not None and rating["score"] is not None:
        return refusal("RATED_ALREADY", "This ticket was rated already.")
    values = {
        "score": score,
        "comment": (comment or "").strip() or None,
        "rated_at": facts.now,
        "agent_id": facts.assignee_id,
        "team_id": facts.team_id,
    }
    name = TicketRating.__name__
    if rating is None:
        values["ticket_id"] = facts.id
        return await insert_fields(call.tx, call.actor, name, values, event="ticket.rated", request_id=call.request_id)
    return await update_fields(
        call.tx, call.actor, name, rating["id"], values, "ticket.rated", request_id=call.request_id
    )


@mutation(
    Ticket,
    Argument("score", kinds.INT, "How satisfied you are, from 1 (not at all) to 5 (very).", required=True),
    Argument("comment", kinds.STRING, "What you want to say besides."),
    needs=None,
    offered=as_customer,
)
async def rate_ticket(call: Call) -> Outcome:
    """Say how satisfied you are with what became of your ticket; once."""
    customer = call.actor.customer_id
    own = customer is not None and as_customer(call.actor.policy)
    if not own or (await locked(call)).customer_id != customer:
        return Outcome.refused(denied())
    score, comment = call.arguments["score"], call.arguments.get("comment")
    assert isinstance(score, int)
    rated = await rate(call, score, None if comment is None else str(comment))
    return rated if rated.is_refused else Outcome(rated.effect, call.row)
