"""Articles that help with a ticket, for whoever deals with it; its customer sees nothing of them."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Effect, Outcome, denied
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import delete_rows, insert_fields
from crm_graph.schema.knowledge import TicketArticle
from crm_graph.schema.tickets import Ticket

_TICKET: Final = "SELECT 1 FROM tickets WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"
_LINKED: Final = "SELECT id FROM ticket_articles WHERE organization_id = $1 AND ticket_id = $2 AND article_id = $3"


@mutation(
    TicketArticle,
    Argument("ticket_id", kinds.ID, "The ticket.", required=True, ref="Ticket"),
    Argument("article_id", kinds.ID, "The article.", required=True, ref="KnowledgeArticle"),
    needs=INTERNAL,
    creates=True,
)
async def link_article(call: Call) -> Outcome:
    """Note that an article helps with a ticket; noted before, it stays so. The customer sees nothing of it."""
    ticket, article = call.arguments["ticket_id"], call.arguments["article_id"]
    assert isinstance(ticket, UUID)
    if not await may_write(call.tx, call.actor, Ticket, ticket, INTERNAL):
        return Outcome.refused(denied())
    connection, here = await call.tx.raw(), call.actor.organization_id
    await connection.execute(_TICKET, here, ticket)
    linked = await connection.fetchval(_LINKED, here, ticket, article)
    if linked is not None:
        return Outcome(Effect.UNCHANGED, linked)
    values = {"ticket_id": ticket, "article_id": article, "linked_by_id": call.actor.user_id}
    return await insert_fields(
        call.tx, call.actor, TicketArticle.__name__, values,
        row=call.row, event="ticket.article_linked", request_id=call.request_id,
    )  # fmt: skip


@mutation(TicketArticle, needs=INTERNAL)
async def unlink_article(call: Call) -> Outcome:
    """Note that an article does not help with a ticket after all."""
    removed = await delete_rows(
        call.tx, call.actor, TicketArticle.__name__, [call.row], trusted=True, request_id=call.request_id
    )
    return removed[0]
