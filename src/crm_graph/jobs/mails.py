"""Delivering outgoing mail: each is locked while it is handed over, so that of several workers one sends it.

Which organisations have mail that is due is read across them; each mail is sent with its organisation bound.
"""

import asyncio
import logging
from collections import deque
from typing import Final
from uuid import UUID

import aiosmtplib
import asyncpg

from crm_graph.db.connection import CONNECT_SECONDS, connect
from crm_graph.db.roles import ORGANIZATION, Role
from crm_graph.errors import ServiceUnavailable
from crm_graph.jobs.waiting import LATER, pause
from crm_graph.mail.outbox import Mail, header_id
from crm_graph.mail.smtp import Smtp, lasting, send

logger = logging.getLogger("crm_graph.jobs")

PAUSE_SECONDS: Final = 2.0
MOST_ATTEMPTS: Final = 10

_WAITS: Final = "sent_at IS NULL AND failed_at IS NULL AND due_at <= now()"
_ORGANIZATIONS: Final = (
    f"SELECT organization_id FROM outgoing_mails WHERE {_WAITS} GROUP BY organization_id ORDER BY min(due_at)"
)
_BIND: Final = f"SELECT set_config('{ORGANIZATION}', $1, true)"
_DUE: Final = f"""
SELECT id, recipient, subject, body, sender, reply_to, answers, automatic, attempts FROM outgoing_mails WHERE {_WAITS}
 ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
_ONE: Final = "WHERE organization_id = $1 AND id = $2"
_SENT: Final = (
    f"UPDATE outgoing_mails SET sent_at = now(), body = NULL, reply_to = NULL, attempts = attempts + 1 {_ONE}"
)
_FAILED: Final = (
    f"UPDATE outgoing_mails SET failed_at = now(), body = NULL, reply_to = NULL, attempts = attempts + 1,"
    f" last_error = $3 {_ONE}"
)
_LATER: Final = f"UPDATE outgoing_mails SET due_at = {LATER}, attempts = attempts + 1, last_error = $3 {_ONE}"


async def deliver_once(url: str, smtp: Smtp, stop: asyncio.Event | None = None) -> int:
    """Send all that is due, or what goes out before `stop` is set; gives how many went out.

    Raises what asyncpg raises, ServiceUnavailable.
    """
    settings = {"application_name": "crm-graph mail"}
    finder = await connect(url, Role.READER, **settings)
    try:
        waiting = deque(row["organization_id"] for row in await finder.fetch(_ORGANIZATIONS))
    finally:
        await finder.close(timeout=CONNECT_SECONDS)
    if not waiting:
        return 0
    connection = await connect(url, Role.RUNTIME, **settings)
    try:
        return await _deliver(connection, smtp, waiting, stop)
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def deliver(url: str, smtp: Smtp, stop: asyncio.Event) -> None:
    """Send what is due until `stop` is set; a mail that is being handed over is finished first.

    A database that does not answer is tried again every few seconds.
    """
    while not stop.is_set():
        try:
            await deliver_once(url, smtp, stop)
        except (ServiceUnavailable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("mail: the database does not answer (%s); trying again", type(error).__name__)
        await pause(stop, PAUSE_SECONDS)


async def _deliver(
    connection: "asyncpg.Connection[asyncpg.Record]", smtp: Smtp, waiting: deque[UUID], stop: asyncio.Event | None
) -> int:
    """Organisations take turns, a mail each, so that none waits for all of another's."""
    sent = 0
    while waiting and not (stop is not None and stop.is_set()):
        organization = waiting.popleft()
        went_out = await _next(connection, smtp, organization)
        if went_out is not None:
            sent += went_out
            waiting.append(organization)
    return sent


async def _next(connection: "asyncpg.Connection[asyncpg.Record]", smtp: Smtp, organization: UUID) -> bool | None:
    """Hand over one mail of the organisation; whether it went out, `None` where none is due."""
    async with connection.transaction():
        await connection.execute(_BIND, str(organization))
        mail = await connection.fetchrow(_DUE)
        if mail is None:
            return None
        key = organization, mail["id"]
        try:
            await send(smtp, header_id(mail["id"]), _mail(mail))
        except (OSError, TimeoutError, aiosmtplib.SMTPException, ValueError) as error:
            given_up = lasting(error) or mail["attempts"] + 1 >= MOST_ATTEMPTS
            await connection.execute(_FAILED if given_up else _LATER, *key, _said(error))
            logger.warning("mail %s: %s; %s", key[1], _said(error), "given up" if given_up else "trying again")
            return False
        await connection.execute(_SENT, *key)
        return True


def _mail(row: asyncpg.Record) -> Mail:
    answers = tuple((row["answers"] or "").split())
    return Mail(
        row["recipient"], row["subject"], row["body"], row["sender"], row["reply_to"], answers, row["automatic"]
    )


def _said(error: Exception) -> str:
    """What kind of failure it was; what a server says may quote the mail, so its text is left out."""
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return f"{type(error).__name__} {code}".strip()
