"""Fetching mail of all mailboxes that have an IMAP server, each once a minute, by whichever worker comes first.

They are fetched side by side, each in a thread and for at most `SECONDS`: a server that hangs holds up nobody else's.
Each mail is kept in one transaction with how far its mailbox was fetched: one that is lost on the way is fetched again,
and one that is fetched twice is known.
"""

import asyncio
import functools
import imaplib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.sealing import Sealer
from crm_graph.db.session import Database
from crm_graph.errors import CrmError
from crm_graph.jobs.incoming import keep
from crm_graph.jobs.mailboxes import Mailbox
from crm_graph.jobs.waiting import pause
from crm_graph.mail.imap import Account, Fetched, FetchFailed, Place, fetch

logger = logging.getLogger("crm_graph.jobs")

PAUSE_SECONDS: Final = 5.0
SECONDS: Final = 45.0
AT_ONCE: Final = 16
_DUE: Final = "SELECT organization_id, id FROM mailboxes WHERE host IS NOT NULL AND due_at <= now() ORDER BY due_at"
# the next fetch is put off before this one begins: a mailbox whose server hangs is not tried by all workers at once
_TAKE: Final = """
UPDATE mailboxes m SET due_at = now() + interval '1 minute'
  FROM (SELECT id FROM mailboxes WHERE organization_id = $1 AND id = $2 AND due_at <= now() FOR UPDATE SKIP LOCKED) f
 WHERE m.organization_id = $1 AND m.id = f.id
RETURNING m.*, (least(m.created_at, now()) - interval '1 day')::date AS since"""
_HAVE: Final = "UPDATE mailboxes SET uid_validity = $3, last_uid = $4 WHERE organization_id = $1 AND id = $2"
_SAID: Final = "UPDATE mailboxes SET last_error = $3 WHERE organization_id = $1 AND id = $2"


async def fetch_once(database: Database, sealer: Sealer, most_bytes: int, *, tls: bool = True) -> int:
    """Fetch every mailbox that is due; gives how many mails were new. Raises ServiceUnavailable, OperationTimedOut."""
    async with database.across_organizations() as finder:
        due = [(row["organization_id"], row["id"]) for row in await finder.fetch(_DUE)]
    free, threads = asyncio.Semaphore(AT_ONCE), ThreadPoolExecutor(AT_ONCE)

    async def one(organization: UUID, row: UUID) -> int:
        async with free:
            return await _fetch(database, sealer, organization, row, most_bytes, threads, tls=tls)

    try:
        found = await asyncio.gather(*(one(*box) for box in due), return_exceptions=True)
    finally:
        threads.shutdown(wait=False)  # one that hangs ends by the socket's own time-out
    for failed in found:
        if isinstance(failed, BaseException):
            raise failed
    return sum(new for new in found if isinstance(new, int))


async def run(database: Database, sealer: Sealer, most_bytes: int, stop: asyncio.Event) -> None:
    """Fetch what is due until `stop` is set. A database that does not answer is tried again."""
    while not stop.is_set():
        try:
            await fetch_once(database, sealer, most_bytes)
        except (CrmError, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            logger.warning("mailboxes: %s; trying again", type(error).__name__)
        await pause(stop, PAUSE_SECONDS)


async def _fetch(
    database: Database,
    sealer: Sealer,
    organization: UUID,
    row: UUID,
    most_bytes: int,
    threads: ThreadPoolExecutor,
    *,
    tls: bool,
) -> int:
    async with database.transaction(organization, None, "mail") as tx:
        found = await (await tx.raw()).fetchrow(_TAKE, organization, row)
    if found is None:
        return 0
    box, new, said = Mailbox.of(found), 0, None
    try:
        account = Account(
            box.host or "", box.port or 993, box.username or "", box.opened(sealer).decode(), box.folder, tls
        )
        place = Place(found["uid_validity"], found["last_uid"])
        mails = fetch(account, place, found["since"], most_bytes)
        next_mail = functools.partial(asyncio.get_running_loop().run_in_executor, threads, next, mails, None)
        async with asyncio.timeout(SECONDS):
            while (mail := await next_mail()) is not None:
                new += await _kept(database, box, mail)
    except (OSError, imaplib.IMAP4.error, FetchFailed, CrmError) as error:
        said = f"{type(error).__name__}: {error}"[:300] if isinstance(error, FetchFailed) else type(error).__name__
        logger.warning("mailbox %s: %s; trying again", row, said)
    async with database.transaction(organization, None, "mail") as tx:
        await (await tx.raw()).execute(_SAID, organization, row, said)
    return new


async def _kept(database: Database, box: Mailbox, mail: Fetched) -> bool:
    if mail.raw is None:
        logger.warning("mailbox %s: mail %d is too large, or gone; it is left there", box.id, mail.uid)
    async with database.transaction(box.organization_id, None, "mail") as tx:
        new = mail.raw is not None and await keep(tx, box.organization_id, box.id, mail.raw)
        await (await tx.raw()).execute(_HAVE, box.organization_id, box.id, mail.validity, mail.uid)
    return new
