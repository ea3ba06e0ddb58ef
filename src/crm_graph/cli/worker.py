"""`crm-graph worker`: does the chores of `crm_graph.jobs` in the foreground."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
import typer

from crm_graph import resolvers, schema
from crm_graph.auth.sealing import Sealer
from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import SIGNALS, ignore, stopping
from crm_graph.db.session import Database
from crm_graph.errors import ServiceUnavailable
from crm_graph.jobs import due, fetching, mails
from crm_graph.jobs import worker as jobs
from crm_graph.jobs.chores import CHORES
from crm_graph.mail.smtp import Smtp
from crm_graph.settings import Settings

DECLARED = (schema, resolvers)
"""Imported for the timers that they declare."""
Once = Annotated[bool, typer.Option("--once", help="Do every chore now, say what was done, and end.")]


def worker(once: Once = False, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Do what falls due, fetch and send mail, remove what has outlived its use, until SIGINT or SIGTERM."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    smtp = mail_server(settings)
    with stopping():
        try:
            with database(settings) as url:
                if once:
                    done, fetched, timers, sent = asyncio.run(_once(url, settings, smtp))
                    for chore in CHORES:
                        print(f"{chore.table}: {chore.done} {done[chore.table]}")
                    print(f"mail: fetched {fetched}")
                    print(f"timers: done {timers}")
                    print(f"mail: sent {sent}" if smtp else "mail: waits, as CRM_GRAPH_SMTP_URL is not set")
                else:
                    print("The worker is running. End it with Ctrl-C or SIGTERM.", flush=True)
                    asyncio.run(_until_signalled(url, settings, smtp))
                ignore()
        finally:
            ignore()


def mail_server(settings: Settings) -> Smtp | None:
    """Where mail is handed over; `None` if that is not set. Raises typer.BadParameter where it is no such URL."""
    if settings.smtp_url is None:
        return None
    try:
        return Smtp.of(settings.smtp_url.get_secret_value(), settings.mail_from)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="CRM_GRAPH_SMTP_URL") from None


async def _once(url: str, settings: Settings, smtp: Smtp | None) -> tuple[dict[str, int], int, int, int]:
    sealer = Sealer(settings.sealing_key_texts())
    try:
        async with _database(url, settings.pages()) as connections:
            chores, fetched = (
                await jobs.run_once(url),
                await fetching.fetch_once(connections, sealer, settings.max_mail_bytes),
            )
            timers = await due.do_once(connections)
        return chores, fetched, timers, await mails.deliver_once(url, smtp) if smtp else 0
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        raise ServiceUnavailable("the database has no tables yet: run `crm-graph migrate` first.") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ServiceUnavailable(f"the database cannot be reached: {error}") from error


async def _until_signalled(url: str, settings: Settings, smtp: Smtp | None) -> None:
    sealer = Sealer(settings.sealing_key_texts())
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        async with _database(url, settings.pages()) as connections:
            sending = [mails.deliver(url, smtp, stop)] if smtp else []
            fetched = fetching.run(connections, sealer, settings.max_mail_bytes, stop)
            await asyncio.gather(jobs.run(url, stop), due.do(connections, stop), fetched, *sending)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


@contextlib.asynccontextmanager
async def _database(url: str, pages: str) -> AsyncIterator[Database]:
    connections = Database(url, 2, pages=pages)
    try:
        yield connections
    finally:
        await connections.dispose()
