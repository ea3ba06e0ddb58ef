"""Keeping mail that comes in: once, whichever way and however often; what becomes of it falls due at once.

What it becomes is done by the timer RECEIVE, in a transaction of its own: whoever brings a mail waits for no ticket,
and a worker that dies over one leaves it whole for another.
"""

from typing import Final
from uuid import UUID

from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import set_timer
from crm_graph.mail.inbound import identity

RECEIVE: Final = "mail.receive"
_KEEP: Final = """
INSERT INTO incoming_mails (organization_id, id, mailbox_id, identity, raw) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (organization_id, identity) DO NOTHING RETURNING now()"""


async def keep(tx: Transaction, organization: UUID, mailbox: UUID, raw: bytes) -> bool:
    """Keep a mail; false where it is known already, and then nothing happens."""
    row = uuid7()
    now = await (await tx.raw()).fetchval(_KEEP, organization, row, mailbox, identity(raw), raw)
    if now is not None:
        await set_timer(tx, organization, RECEIVE, row, now)
    return now is not None
