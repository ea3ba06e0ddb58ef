"""Asking: the customer of a ticket that was resolved gets a mail with a link, each time; an earlier link ends."""

from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.session import Transaction
from crm_graph.documents.language import language
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.feedback.links import PATH, WORKS
from crm_graph.resolvers.mails.correspondence import addressee, goes
from crm_graph.resolvers.secret_links import new_link, revoke
from crm_graph.resolvers.tickets.changed import TicketChange, Turn, What, on_ticket_change
from crm_graph.schema.feedback import TicketRating

_TICKET: Final = """
SELECT t.number, t.subject, t.language, c.locale, o.name AS organization, o.hosts, r.id AS rating, now() AS now
  FROM tickets t JOIN customers c ON c.organization_id = t.organization_id AND c.id = t.customer_id
       JOIN organizations o ON o.organization_id = t.organization_id
       LEFT JOIN ticket_ratings r ON r.organization_id = t.organization_id AND r.ticket_id = t.id
 WHERE t.organization_id = $1 AND t.id = $2"""


@on_ticket_change(Turn.QUESTIONS)
async def ask_when_resolved(tx: Transaction, actor: Actor, change: TicketChange) -> None:
    """Ask the customer of a ticket whether it is resolved, and how satisfied they are."""
    if change.what is not What.RESOLVED:
        return
    connection = await tx.raw()
    ticket = await connection.fetchrow(_TICKET, actor.organization_id, change.ticket)
    to = await addressee(connection, actor.organization_id, change.ticket)
    if ticket is None or to is None:
        return
    url, kept = new_link(tx, ticket["hosts"], PATH)
    values = {
        "recipient": to,
        "expires_at": ticket["now"] + WORKS,
        "revoked_at": None,
        "token_hash": kept,
    }
    await _keep(tx, actor, ticket["rating"], change.ticket, values)
    words = language(ticket["language"], ticket["locale"]).words
    said = words["feedback_mail"].format(
        number=ticket["number"], subject=ticket["subject"], organization=ticket["organization"], url=url
    )
    subject = words["feedback_subject"].format(number=ticket["number"], subject=ticket["subject"])
    organization, whom = actor.organization_id, ticket["organization"]
    await goes(connection, organization, change.ticket, to, subject, said, name=whom, automatic=True)


async def _keep(tx: Transaction, actor: Actor, rating: UUID | None, ticket: UUID, values: dict[str, object]) -> None:
    name, event = TicketRating.__name__, "ticket.asked_for_rating"
    if rating is None:
        await insert_fields(tx, actor, name, {"ticket_id": ticket, **values}, event=event)
    else:
        await update_fields(tx, actor, name, rating, values, event)


@mutation(TicketRating, needs=INTERNAL)
async def revoke_rating_link(call: Call) -> Outcome:
    """Take back the link that was mailed to the customer of a ticket: from now on it leads nowhere."""
    return await revoke(call, TicketRating, "ticket.rating_link_revoked")
