"""What is said on a ticket: to the customer, by them, or among ourselves.

`say` is for whoever has made sure who speaks: the mutations here, mail, macros. It needs a `Call` whose `row` is the
ticket; its arguments are not looked at.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import ActorKind
from crm_graph.declaration import choice_kind
from crm_graph.plan.changes import Effect, Outcome, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed, told
from crm_graph.resolvers.tickets.complaints import answered_values
from crm_graph.resolvers.tickets.resolution import UNRESOLVED, clear_confirmation, put_resolved
from crm_graph.resolvers.tickets.sides import side_of, speaks
from crm_graph.resolvers.tickets.states import STAFF, Facts, locked, put, standing, unanswered
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketNextState
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import MessageSide, Ticket, TicketMessage

LONGEST: Final = kinds.MAX_TEXT
BODY: Final = Argument("body", kinds.STRING, "The text.", required=True)
_CHANNEL: Final = Argument("channel", choice_kind(Channel), "Channel it came through, or goes out by.")
_BACK: Final = (TicketStatus.WAITING, TicketStatus.ON_HOLD, TicketStatus.RESOLVED)
"""States out of which a customer's message brings a ticket."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something to be said; `public` unless it is a note among ourselves. `channel` `None`: the ticket's own."""

    body: str
    side: MessageSide = MessageSide.STAFF
    public: bool = True
    channel: Channel | None = None
    author_id: UUID | None = None


async def say(call: Call, said: Said, then: TicketNextState | None = None) -> Outcome:
    """Keep a message, and let the ticket stand as it follows: `then`, where we speak and say so.

    A customer's message opens a ticket that waited, or that we held to be resolved. Refused as TICKET_CLOSED,
    TICKET_MERGED, COMPLAINT_UNANSWERED; a refused outcome has left nothing where the caller refuses too.
    """
    facts = await locked(call)
    unfit = wrong_body(said.body) or (standing(facts) if said.public else None)
    if unfit is not None:
        return unfit
    if not said.public:
        return await _note(call, facts, said)
    return await (_answer(call, facts, said, then) if said.side is MessageSide.STAFF else _ask(call, facts, said))


def wrong_body(body: str) -> Outcome | None:
    """What is wrong with a text."""
    if 1 <= len(body.strip()) <= LONGEST:
        return None
    return Outcome.refused(invalid(f"A message has 1 to {LONGEST} characters.", "body"))


async def insert(call: Call, ticket: UUID, said: Said, channel: Channel, event: str) -> Outcome:
    """Keep a message, and nothing else."""
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    values = {
        "ticket_id": ticket,
        "public": said.public,
        "side": said.side.value,
        "channel": (said.channel or channel).value,
        "body": said.body.strip(),
        "author_id": said.author_id,
        "sent_at": now,
    }
    return await insert_fields(
        call.tx, call.actor, TicketMessage.__name__, values, event=event, request_id=call.request_id
    )


async def _ask(call: Call, facts: Facts, said: Said) -> Outcome:
    """The customer, or their partner, writes again."""
    back = TicketStatus.OPEN if facts.status in _BACK else None
    values: dict[str, object] = {"last_customer_message_at": facts.now}
    if facts.status is TicketStatus.RESOLVED:
        values |= {"reopen_count": facts.reopen_count + 1, **UNRESOLVED}
        await clear_confirmation(call)
    written = await put(call, facts, "ticket.asked", values, back)
    return written if written.is_refused else await _kept(call, facts, said, What.ASKED, "ticket_message.asked")


async def _answer(call: Call, facts: Facts, said: Said, then: TicketNextState | None) -> Outcome:
    """We write to the customer. Who answers a ticket that nobody had taken has taken it."""
    values: dict[str, object] = {"last_answer_at": facts.now, **await answered_values(call, facts, said.author_id)}
    if facts.first_answered_at is None:
        values["first_answered_at"] = facts.now
    if facts.assignee_id is None and call.actor.kind is ActorKind.STAFF:
        values["assignee_id"] = said.author_id
    to = TicketStatus(then.value) if then else TicketStatus.OPEN if facts.status is TicketStatus.NEW else None
    resolved, event = to is TicketStatus.RESOLVED, "ticket.answered"
    if resolved and "answered_by_management_at" not in values and (unfit := unanswered(facts)):
        return unfit
    written = await (put_resolved(call, facts, event, values) if resolved else put(call, facts, event, values, to))
    if written.is_refused:
        return written
    kept = await _kept(call, facts, said, What.ANSWERED, "ticket_message.answered")
    return await told(call, kept, What.RESOLVED) if resolved else kept


async def _note(call: Call, facts: Facts, said: Said) -> Outcome:
    """A note leaves the ticket as it is: no stamp of it tells that one was written."""
    if facts.status is TicketStatus.MERGED:
        return refusal("TICKET_MERGED", "It goes on as another ticket: see `mergedInto`.")
    return await _kept(call, facts, said, What.NOTED, "ticket_message.noted")


async def _kept(call: Call, facts: Facts, said: Said, what: What, event: str) -> Outcome:
    made = await insert(call, facts.id, said, facts.channel, event)
    if made.is_refused:
        return made
    await ticket_changed(call.tx, call.actor, TicketChange(facts.id, what, made.id))
    return Outcome(Effect.UPDATED, facts.id)


@mutation(
    Ticket,
    BODY,
    _CHANNEL,
    Argument("then", choice_kind(TicketNextState), "For staff: how it stands then; left out, a new one is OPEN."),
    needs=None,
    offered=speaks,
)
async def answer_ticket(call: Call) -> Outcome:
    """Write on a ticket what all who see it read: as its customer, as the partner that opened it, or as staff."""
    facts = await locked(call)
    side = await side_of(call, facts.customer_id, facts.partner_id)
    if side is None:
        return Outcome.refused(denied())
    then, channel = call.arguments.get("then"), call.arguments.get("channel")
    if then is not None and side is not MessageSide.STAFF:
        return refusal("WRITE_ACCESS_DENIED", "Only staff say how a ticket stands.", "then")
    own = Channel.PARTNER if side is MessageSide.PARTNER else Channel(str(channel)) if channel else None
    said = Said(str(call.arguments["body"]), side, channel=own, author_id=call.actor.user_id)
    return await say(call, said, TicketNextState(str(then)) if then else None)


@mutation(Ticket, BODY, needs=STAFF)
async def note_on_ticket(call: Call) -> Outcome:
    """Write a note among ourselves: no customer and no partner ever reads it, or learns that it was written."""
    said = Said(str(call.arguments["body"]), public=False, author_id=call.actor.user_id)
    return await say(call, said)
