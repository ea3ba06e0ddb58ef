"""Delivering outgoing mail: each is locked while it is handed over, so that of several workers one sends it."""

import asyncio
import logging
import smtplib
from typing import Final

import asyncpg

from crm_graph.db.connection import CONNECT_SECONDS
from crm_graph.mail.smtp import Smtp, lasting, send

logger = logging.getLogger("crm_graph.jobs")

PAUSE_SECONDS: Final = 2.0
MOST_ATTEMPTS: Final = 10

_DUE: Final = """
SELECT organization_id, id, recipient, subject, body, attempts FROM outgoing_mails
 WHERE sent_at IS NULL AND failed_at IS NULL AND due_at <= now()
 ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
_ONE: Final = "WHERE organization_id = $1 AND id = $2"
_SENT: Final = f"UPDATE outgoing_mails SET sent_at = now(), body = NULL, attempts = attempts + 1 {_ONE}"
_FAILED: Final = (
    f"UPDATE outgoing_mails SET failed_at = now(), body = NULL, attempts = attempts + 1, last_error = $3 {_ONE}"
)
# after 1, 2, 4 … minutes, at most 6 hours
_LATER: Final = (
    "UPDATE outgoing_mails SET due_at = now() + least(interval '6 hours', interval '1 minute' * (2 ^ attempts)),"
    f" attempts = attempts + 1, last_error = $3 {_ONE}"
)


async def deliver_once(url: str, smtp: Smtp) -> int:
    """Send all that is due; gives how many went out. Raises what asyncpg raises."""
    connection = await asyncpg.connect(
        url, timeout=CONNECT_SECONDS, server_settings={"application_name": "crm-graph mail"}
    )
    try:
        return await _deliver(connection, smtp)
    finally:
        await connection.close(timeout=CONNECT_SECONDS)


async def deliver(url: str, smtp: Smtp, stop: asyncio.Event) -> None:
    """Send what is due until `stop` is set. A database that does not answer is tried again every few seconds."""
    while not stop.is_set():
        try:
            await deliver_once(url, smtp)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("mail: the database does not answer (%s); trying again", type(error).__name__)
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                await stop.wait()
        except TimeoutError:
            pass


async def _deliver(connection: "asyncpg.Connection[asyncpg.Record]", smtp: Smtp) -> int:
    sent = 0
    while True:
        async with connection.transaction():
            mail = await connection.fetchrow(_DUE)
            if mail is None:
                return sent
            key = mail["organization_id"], mail["id"]
            try:
                await asyncio.to_thread(send, smtp, mail["id"].hex, mail["recipient"], mail["subject"], mail["body"])
            except (OSError, smtplib.SMTPException, ValueError) as error:
                given_up = lasting(error) or mail["attempts"] + 1 >= MOST_ATTEMPTS
                await connection.execute(_FAILED if given_up else _LATER, *key, _said(error))
                logger.warning("mail %s: %s; %s", key[1], _said(error), "given up" if given_up else "trying again")
            else:
                await connection.execute(_SENT, *key)
                sent += 1


def _said(error: Exception) -> str:
    """What kind of failure it was; what a server says may quote the mail, so its text is left out."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()
