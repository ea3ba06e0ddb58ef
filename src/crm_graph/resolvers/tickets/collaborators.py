"""Who helps with a ticket beside its assignee."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import delete_rows, insert_fields
from crm_graph.resolvers.tickets.states import STAFF, locked, standing
from crm_graph.resolvers.tickets.taking import is_person
from crm_graph.schema.tickets import Ticket, TicketCollaborator

_USER: Final = Argument("user_id", kinds.ID, "Who.", required=True, ref="User")
_KNOWN: Final = "SELECT id FROM ticket_collaborators WHERE organization_id = $1 AND ticket_id = $2 AND user_id = $3"


@mutation(Ticket, _USER, needs=STAFF)
async def add_collaborator(call: Call) -> Outcome:
    """Ask somebody of the staff to help with a ticket. They see of it what they saw before."""
    facts, user = await locked(call), _user(call)
    ended = standing(facts)
    if ended is not None:
        return ended
    if not await is_person(call, user):
        return refusal("VALUE_INVALID", "Only people of the staff who may sign in help with tickets.", "userId")
    if await _known(call, user) is not None:
        return Outcome(Effect.UNCHANGED, call.row)
    values = {"ticket_id": call.row, "user_id": user, "added_by_id": call.actor.user_id}
    made = await insert_fields(
        call.tx, call.actor, TicketCollaborator.__name__, values, event="ticket.helped", request_id=call.request_id
    )
    return made if made.is_refused else Outcome(Effect.UPDATED, call.row)


@mutation(Ticket, _USER, needs=STAFF)
async def remove_collaborator(call: Call) -> Outcome:
    """Let somebody help with a ticket no longer."""
    await locked(call)
    known = await _known(call, _user(call))
    if known is None:
        return Outcome(Effect.UNCHANGED, call.row)
    name = TicketCollaborator.__name__
    (gone,) = await delete_rows(call.tx, call.actor, name, [known], trusted=True, request_id=call.request_id)
    return gone if gone.is_refused else Outcome(Effect.UPDATED, call.row)


async def _known(call: Call, user: UUID) -> UUID | None:
    found: UUID | None = await (await call.tx.raw()).fetchval(_KNOWN, call.actor.organization_id, call.row, user)
    return found


def _user(call: Call) -> UUID:
    user = call.arguments["user_id"]
    assert isinstance(user, UUID)
    return user
