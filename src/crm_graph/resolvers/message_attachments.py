"""Files that come with messages on tickets: of whoever wrote the message, or writes on the ticket, on the day."""

from dataclasses import replace
from typing import Final

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Outcome, denied, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.resolvers.files.uploads import takes_files, upload_link
from crm_graph.resolvers.tickets.sides import side_of, speaks
from crm_graph.resolvers.tickets.states import locked, standing
from crm_graph.schema.attachments import MessageAttachment
from crm_graph.schema.tickets import TicketMessage

_MESSAGE: Final = """
SELECT ticket_id, author_id, sent_at > now() - interval '1 day' AS fresh FROM ticket_messages
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


@mutation(
    TicketMessage,
    Argument("name", kinds.STRING, "Name of the file, for who downloads it.", required=True),
    needs=None,
    offered=speaks,
    once="uploadUrl",
)
async def add_message_attachment(call: Call) -> Outcome:
    """Begin to attach a file to a message that you wrote, or write on: POST its bytes to `uploadUrl` in ten minutes."""
    return await _opens(call) or await upload_link(call, MessageAttachment, {})


async def _opens(call: Call) -> Outcome | None:
    message = await (await call.tx.raw()).fetchrow(_MESSAGE, call.actor.organization_id, call.row)
    assert message is not None, "the message was seen in this transaction"
    on = replace(call, row=message["ticket_id"])
    facts = await locked(on)
    mine = call.actor.user_id is not None and message["author_id"] == call.actor.user_id
    if await side_of(on, facts.customer_id, facts.partner_id) is None or not (
        mine or await may_write(call.tx, call.actor, TicketMessage, call.row, INTERNAL)
    ):
        return Outcome.refused(denied())
    ended = standing(facts)
    if ended is not None:
        return ended
    if not message["fresh"]:
        return refusal("STATE_REFUSED", "Files come with a message on the day it is sent: write another one.")
    return None


takes_files(MessageAttachment, TicketMessage, "message_id", _opens)
