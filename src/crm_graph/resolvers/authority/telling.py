"""A mail to whoever is asked for approval: that they are, by whom, and where it is decided; no figure, no customer."""

from typing import Final
from uuid import UUID

from crm_graph.db.ids import encode
from crm_graph.db.session import Transaction
from crm_graph.mail.outbox import Mail, post
from crm_graph.resolvers.people import MAILED
from crm_graph.schema.authority import ApprovalRequest, AuthorityAction

PATH: Final = "/approvals"
WHAT: Final = {
    AuthorityAction.FEE_WAIVER: "to waive a fee",
    AuthorityAction.CREDIT: "to give a credit",
    AuthorityAction.REFUND: "to give a refund",
    AuthorityAction.DISCOUNT: "to give a discount",
    AuthorityAction.LIMIT_RAISE: "to raise a credit limit",
    AuthorityAction.STAGE_EXIT: "to let a sale go on",
}
"""What is asked for, in words that follow on "asks"."""
_ASKED: Final = f"""
SELECT u.email, b.name AS requested_by, r.action, r.expires_at, o.hosts FROM approval_requests r
  JOIN organizations o ON o.organization_id = r.organization_id
  JOIN users u ON u.organization_id = r.organization_id AND u.id = r.asked_of_id AND {MAILED}
  JOIN users b ON b.organization_id = r.organization_id AND b.id = r.requested_by_id
 WHERE r.organization_id = $1 AND r.id = $2"""


async def tell_asked(tx: Transaction, organization_id: UUID, request: UUID) -> None:
    """Mail to the person whom a request is asked of, if they can be mailed to."""
    connection = await tx.raw()
    row = await connection.fetchrow(_ASKED, organization_id, request)
    if row is None:
        return
    here = tx.page_url(row["hosts"], f"{PATH}/{encode(ApprovalRequest.__prefix__, request)}")
    what = WHAT[AuthorityAction(row["action"])]
    body = (
        f"{row['requested_by']} asks for your approval {what}.\n\n"
        f"Decide by {row['expires_at']:%d %b %Y, %H:%M} UTC, before somebody else is asked:\n\n"
        f"    {here}\n"
    )
    await post(connection, organization_id, Mail(row["email"], "Your approval is asked for", body))
