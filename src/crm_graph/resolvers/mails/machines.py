"""What programs have to say about our mails: it becomes a note among ourselves, never a ticket."""

from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.db.session import Transaction
from crm_graph.mail.inbound import Bounce
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.tickets.messages import Said, say
from crm_graph.resolvers.tickets.states import locked, put

TAG: Final = "mail bounced"
_BOUNCED: Final = """
UPDATE ticket_mails SET bounced_at = now() WHERE organization_id = $1 AND id = $2 AND outgoing AND bounced_at IS NULL
RETURNING id"""


async def bounced(tx: Transaction, actor: Actor, mail: UUID, ticket: UUID, bounce: Bounce, to: str) -> None:
    """Note, once, that a mail of ours came back, and mark its ticket."""
    if await (await tx.raw()).fetchval(_BOUNCED, actor.organization_id, mail) is None:
        return
    call = Call(tx, actor, ticket, {})
    facts = await locked(call)
    tags = facts.tags if TAG in facts.tags else [*facts.tags, TAG]
    done = await put(call, facts, "ticket.mail_bounced", {"tags": tags})
    assert not done.is_refused, done.errors
    await note(tx, actor, ticket, f"Our mail to {to} came back: {bounce.said or 'no reason is given'}")


async def note(tx: Transaction, actor: Actor, ticket: UUID, text: str) -> None:
    """Write a note among ourselves."""
    done = await say(Call(tx, actor, ticket, {}), Said(text, public=False))
    assert not done.is_refused, done.errors
