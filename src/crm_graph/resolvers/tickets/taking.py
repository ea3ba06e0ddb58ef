"""Who deals with a ticket, in which queue, and how soon."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.declaration import choice_kind
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.authority.nearest import PERSON
from crm_graph.resolvers.tickets.changed import What, told
from crm_graph.resolvers.tickets.priority import priority_of
from crm_graph.resolvers.tickets.routing import give, queue_of, value_of
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, put, standing
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import Ticket, TicketGrade
from crm_graph.schema.users import User

_PERSON: Final = f"SELECT EXISTS (SELECT FROM users u WHERE u.organization_id = $1 AND u.id = $2 AND {PERSON})"


@mutation(Ticket, needs=STAFF)
async def take_ticket(call: Call) -> Outcome:
    """Take a ticket that nobody deals with. Of two who do so at once, one has it; the other is told who that is."""
    facts, user = await locked(call), call.actor.user_id
    ended = standing(facts)
    if ended is not None:
        return ended
    if user is None or not await is_person(call, user):
        return refusal("VALUE_INVALID", "Only people take tickets.")
    if facts.assignee_id is not None and facts.assignee_id != user:
        return refusal("TICKET_TAKEN", f"{await _name(call, facts.assignee_id) or 'Somebody'} has taken it.")
    if facts.assignee_id == user:
        return Outcome(Effect.UNCHANGED, call.row)
    return await _hand(call, facts, "ticket.taken", {"assignee_id": user}, taken=True)


@mutation(Ticket, Argument("user_id", kinds.ID, "Who is to deal with it.", required=True, ref="User"), needs=STAFF)
async def assign_ticket(call: Call) -> Outcome:
    """Give a ticket to somebody of the staff, whoever had it before."""
    facts, user = await locked(call), call.arguments["user_id"]
    assert isinstance(user, UUID)
    if not await is_person(call, user):
        return refusal("VALUE_INVALID", "Only people of the staff who may sign in deal with tickets.", "userId")
    return standing(facts) or await _hand(call, facts, "ticket.assigned", {"assignee_id": user})


@mutation(Ticket, needs=STAFF)
async def release_ticket(call: Call) -> Outcome:
    """Leave a ticket to be taken by somebody else of its queue."""
    facts = await locked(call)
    return standing(facts) or await _hand(call, facts, "ticket.released", {"assignee_id": None})


@mutation(Ticket, Argument("queue_id", kinds.ID, "Where it goes.", required=True, ref="TicketQueue"), needs=STAFF)
async def move_ticket_to_queue(call: Call) -> Outcome:
    """Put a ticket into another queue, which gives it to one of its members, or leaves it to be taken."""
    queue = call.arguments["queue_id"]
    assert isinstance(queue, UUID)
    return await to_queue(call, await locked(call), queue)


async def to_queue(call: Call, facts: Facts, queue: UUID) -> Outcome:
    """Put the call's ticket into a queue that its caller sees."""
    organization = call.actor.organization_id
    found = await queue_of(call.tx, organization, queue)
    if not found.active:
        return refusal("STATE_REFUSED", "No tickets go into this queue any more.", "queueId")
    ended = standing(facts)
    if ended is not None:
        return ended
    if facts.queue_id == queue:
        return Outcome(Effect.UNCHANGED, call.row)
    given = await give(call.tx, organization, queue, facts.skills)
    values = {"queue_id": queue, "team_id": found.team_id, "assignee_id": given}
    return await _hand(call, facts, "ticket.queued", values)


@mutation(
    Ticket,
    Argument("impact", choice_kind(TicketGrade), "How far it reaches."),
    Argument("urgency", choice_kind(TicketGrade), "How soon it matters."),
    needs=STAFF,
)
async def prioritize_ticket(call: Call) -> Outcome:
    """Say how far a ticket reaches and how soon it matters: its priority follows, and whose it is."""
    facts = await locked(call)
    ended = standing(facts)
    if ended is not None:
        return ended
    impact = TicketGrade(str(call.arguments.get("impact") or facts.impact))
    urgency = TicketGrade(str(call.arguments.get("urgency") or facts.urgency))
    value = await value_of(call.tx, call.actor.organization_id, facts.customer_id)
    values = {
        "impact": impact.value,
        "urgency": urgency.value,
        "customer_value": value.value,
        "priority": priority_of(impact, urgency, value, facts.raised_by).value,
    }
    return await told(call, await put(call, facts, "ticket.prioritized", values), What.MOVED)


async def is_person(call: Call, user: UUID) -> bool:
    """Whether a user is one of the staff who may sign in, and no app."""
    return bool(await (await call.tx.raw()).fetchval(_PERSON, call.actor.organization_id, user))


async def _hand(call: Call, facts: Facts, event: str, values: Mapping[str, object], *, taken: bool = False) -> Outcome:
    to = TicketStatus.OPEN if taken and facts.status is TicketStatus.NEW else None
    return await told(call, await put(call, facts, event, values, to, needs=STAFF), What.MOVED)


async def _name(call: Call, user: UUID) -> str | None:
    """The name of a user, as far as the caller sees it."""
    parameters = Parameters()
    lens = open_lens(User, call.actor.policy, parameters, "t")
    shown = lens.column(lens.spec("name")).sql if lens is not None else None
    if lens is None or shown is None:
        return None
    wanted = parameters.constant(user, "uuid")
    sql, sources = parameters.read(f"SELECT {shown} FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted}")
    found: str | None = await (await call.tx.raw()).fetchval(sql, *[source((), call.actor) for source in sources])
    return found
