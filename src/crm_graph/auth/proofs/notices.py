"""Mails that tell people what was changed about their sign-in, so that they notice what they did not do."""

import datetime as dt
import enum
from uuid import UUID

from crm_graph.auth.visitor import Visitor
from crm_graph.db.session import Transaction
from crm_graph.mail.outbox import Mail, post


class Notice(enum.Enum):
    """What happened: the mail's subject."""

    PASSWORD_CHANGED = "Your password was changed"  # noqa: S105 - a sentence
    APP_ON = "Signing in now asks for a code of your app"
    APP_OFF = "Signing in no longer asks for a code of your app"
    CODES_RENEWED = "You have new recovery codes"
    CODE_USED = "A recovery code was used to sign in"
    PASSKEY_ADDED = "A passkey was added to your account"
    PASSKEY_REMOVED = "A passkey was removed from your account"
    CODES_GUESSED = "Somebody who knows your password tries codes"


_ADDRESSEE = """
SELECT u.name, u.email, o.name AS organization FROM users u JOIN organizations o ON o.id = u.organization_id
 WHERE u.organization_id = $1 AND u.id = $2 AND u.email IS NOT NULL"""
_REMEDIES = {
    Notice.CODES_GUESSED: "The codes were wrong, so they are not in. If this was not you, change your password now:",
}
_REMEDY = "If this was you, there is nothing to do. If it was not, set a new password and look through your account:"


async def tell(
    tx: Transaction, organization_id: UUID, user_id: UUID, notice: Notice, visitor: Visitor | None, detail: str = ""
) -> None:
    """Mail it to the user in this transaction; nobody without an address is told. `visitor` is `None` for operators."""
    connection = await tx.raw()
    who = await connection.fetchrow(_ADDRESSEE, organization_id, user_id)
    if who is None:
        return
    where = f"from {visitor.browser} ({visitor.address})" if visitor else "by the operator of the server"
    link = f"\n\n    {visitor.site}/sign-in/forgotten" if visitor else ""
    body = (
        f"Hello {who['name']},\n\n{notice.value}, at {who['organization']}{detail and f': {detail}'}.\n"
        f"It happened on {dt.datetime.now(dt.UTC):%d %b %Y at %H:%M} UTC, {where}.\n\n"
        f"{_REMEDIES.get(notice, _REMEDY)}{link}\n"
    )
    await post(connection, organization_id, Mail(who["email"], notice.value, body))
