"""`crm-graph worker`: does the chores of `crm_graph.jobs` in the foreground."""

import asyncio
import signal
from typing import Annotated

import asyncpg
import typer

from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import SIGNALS, ignore, stopping
from crm_graph.errors import ServiceUnavailable
from crm_graph.jobs import worker as jobs

Once = Annotated[bool, typer.Option("--once", help="Do every chore now, say what was done, and end.")]


def worker(once: Once = False, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Remove what has expired (idempotency keys, ended sessions) until SIGINT or SIGTERM."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping():
        try:
            with database(settings) as url:
                if once:
                    for name, removed in asyncio.run(_once(url)).items():
                        print(f"{name}: removed {removed}")
                else:
                    print("The worker is running. End it with Ctrl-C or SIGTERM.", flush=True)
                    asyncio.run(_until_signalled(url))
                ignore()
        finally:
            ignore()


async def _once(url: str) -> dict[str, int]:
    try:
        return await jobs.run_once(url)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        raise ServiceUnavailable("the database has no tables yet: run `crm-graph migrate` first.") from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise ServiceUnavailable(f"the database cannot be reached: {error}") from error


async def _until_signalled(url: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        await jobs.run(url, stop)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
