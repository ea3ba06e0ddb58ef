"""Answers that are ready: their text is said, and the ticket goes where they say, in one transaction."""

from dataclasses import replace
from typing import Final

from crm_graph import kinds
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.tickets.changed import What, told
from crm_graph.resolvers.tickets.messages import Said, say
from crm_graph.resolvers.tickets.resolution import put_resolved
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, put, standing, unanswered
from crm_graph.resolvers.tickets.taking import to_queue
from crm_graph.schema.ticket_queues import TicketNextState
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import Ticket

_MACRO: Final = """
SELECT m.body, m.public, m.becomes, m.queue_id, m.tags, m.active, c.name AS customer
  FROM ticket_macros m JOIN customers c ON c.organization_id = $1 AND c.id = $3
 WHERE m.organization_id = $1 AND m.id = $2"""


@mutation(Ticket, Argument("macro_id", kinds.ID, "Which.", required=True, ref="TicketMacro"), needs=STAFF)
async def apply_macro(call: Call) -> Outcome:
    """Say what a macro says, to the customer or among ourselves as it has it, and do with the ticket what it does."""
    facts = await locked(call)
    macro = await (await call.tx.raw()).fetchrow(
        _MACRO, call.actor.organization_id, call.arguments["macro_id"], facts.customer_id
    )
    assert macro is not None, "the macro was seen in this transaction"
    if not macro["active"]:
        return refusal("STATE_REFUSED", "The macro is not in use any more.", "macroId")
    ended = standing(facts)
    if ended is not None:
        return ended
    tags = [*facts.tags, *(tag for tag in macro["tags"] if tag not in facts.tags)]
    done = await put(call, facts, "ticket.macro_applied", {"tags": tags})
    if done.is_refused:
        return done
    call = replace(call, if_match=None)
    then = TicketNextState(macro["becomes"]) if macro["becomes"] else None
    if macro["queue_id"] is not None:
        done = await to_queue(call, facts, macro["queue_id"])
    if not done.is_refused and macro["body"]:
        body = _filled(macro["body"], customer=macro["customer"], number=facts.number, subject=facts.subject)
        public = bool(macro["public"])
        said = Said(body, public=public, author_id=call.actor.user_id)
        done = await say(call, said, then if public else None)
        then = None if public else then
    if not done.is_refused and then is not None:
        done = await _become(call, await locked(call), then)
    return done if done.is_refused else Outcome(Effect.UPDATED, facts.id)


async def _become(call: Call, facts: Facts, then: TicketNextState) -> Outcome:
    to = TicketStatus(then.value)
    if to is TicketStatus.RESOLVED:
        return unanswered(facts) or await told(call, await put_resolved(call, facts, "ticket.moved"), What.RESOLVED)
    return await told(call, await put(call, facts, "ticket.moved", {"status": to.value}, to), What.MOVED)


def _filled(text: str, **facts: str) -> str:
    """The text with what it leaves open; what it names that is not known stays as it is."""
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", value)
    return text
