"""Whose ticket it is that came by mail from somebody nobody knew: by an answer that proves it, or by our word."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.resolvers.mails.senders import is_unknown, new_customer, owners_of
from crm_graph.resolvers.mails.sending import release
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.states import STAFF, locked, put, standing
from crm_graph.schema.tickets import Ticket

_UNVERIFIED: Final = "SELECT unverified_sender FROM tickets WHERE organization_id = $1 AND id = $2"
_PROVE: Final = """
UPDATE ticket_mails SET proven = TRUE WHERE organization_id = $1 AND ticket_id = $2 AND address = $3 AND NOT outgoing"""


@mutation(
    Ticket,
    Argument("customer_id", kinds.ID, "Whose ticket it is.", required=True, ref="Customer"),
    needs=STAFF,
)
async def identify_sender(call: Call) -> Outcome:
    """Say whose ticket it is that came by mail from a sender whom nobody knew; answers go to the address on file.

    The address that the mail claimed is not taken for theirs: whoever it belongs to proves that by an answer.
    """
    facts, connection = await locked(call), await call.tx.raw()
    ended = standing(facts)
    if ended is not None:
        return ended
    claimed = await connection.fetchval(_UNVERIFIED, call.actor.organization_id, call.row)
    if claimed is None and not await is_unknown(connection, call.actor.organization_id, facts.customer_id):
        return refusal("STATE_REFUSED", "It is known whose ticket it is.")
    customer = call.arguments["customer_id"]
    assert isinstance(customer, UUID)
    values = {"customer_id": customer, "unverified_sender": None}
    done = await put(call, facts, "ticket.sender_identified", values, needs=STAFF)
    return done if done.is_refused else await _goes_on(call.tx, call.actor, call.row)


async def prove(tx: Transaction, actor: Actor, ticket: UUID, address: str, name: str) -> None:
    """The sender of a ticket has proven that the address is theirs: it is their ticket from now on."""
    connection = await tx.raw()
    call = Call(tx, actor, ticket, {})
    facts = await locked(call)
    owners = await owners_of(connection, actor.organization_id, address)
    values: dict[str, object] = {"unverified_sender": None}
    if await is_unknown(connection, actor.organization_id, facts.customer_id):
        customer = await new_customer(tx, actor, address, name) if owners.nobody else owners.only
        values |= {"customer_id": customer} if customer is not None else {}
    done = await put(call, facts, "ticket.sender_identified", values)
    assert not done.is_refused, done.errors
    await connection.execute(_PROVE, actor.organization_id, ticket, address)
    await _goes_on(tx, actor, ticket)


async def _goes_on(tx: Transaction, actor: Actor, ticket: UUID) -> Outcome:
    await ticket_changed(tx, actor, TicketChange(ticket, What.MOVED))
    await release(tx, actor, ticket)
    return Outcome(Effect.UPDATED, ticket)
