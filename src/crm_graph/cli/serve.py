"""`crm-graph serve`: the HTTP server, with its embedded database unless told of another."""

import asyncio
import socket
from typing import Annotated

import typer
import uvicorn
import uvloop

from crm_graph.cli.options import DatabaseUrl, DataDir, databases, say, settings_from
from crm_graph.cli.signals import ignore, stopping
from crm_graph.db.connection import check_roles
from crm_graph.db.roles import Role
from crm_graph.db.session import Database
from crm_graph.jobs import due
from crm_graph.settings import Settings

Host = Annotated[str | None, typer.Option(help="Address to listen on [CRM_GRAPH_HOST, 127.0.0.1].")]
Port = Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one [CRM_GRAPH_PORT, 8000].")]
Demo = Annotated[bool, typer.Option("--demo", help="Load the demo organisation where it is missing, and serve it.")]
Check = Annotated[bool, typer.Option("--check", help="Check the running server as a caller would, then end.")]


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    demo: Demo = False,
    check: Check = False,
) -> None:
    """Serve GraphQL until SIGINT or SIGTERM."""
    settings = settings_from(host=host, port=port, data_dir=data_dir, database_url=database_url, demo=demo or None)
    with stopping():
        try:
            listening = _listen(settings)
            settings = settings.model_copy(update={"port": listening.getsockname()[1]})
            say("Starting the database …")
            with listening, databases(settings) as urls:
                _must_be_fit(urls.application, settings)
                if settings.demo:
                    from crm_graph import demo as demo_organisation

                    demo_organisation.ensure(urls.application, settings.data_dir, urls.owner, say)
                failures = uvloop.run(_serve(settings, urls.application, listening, check=check))
                ignore()
        finally:
            ignore()
    raise typer.Exit(1 if failures else 0)


def _must_be_fit(url: str, settings: Settings) -> None:
    """End with one line where the database is not at the revision this release needs, or the roles are not as they
    should be."""
    from crm_graph import migrations

    at, needed = migrations.current(url), migrations.head()
    if at != needed:
        raise migrations.MigrationFailed(
            f"the database is at revision {at or 'none'}, this release needs {needed}: run `crm-graph migrate`"
        )
    asyncio.run(
        check_roles(url, [role for role in Role if role is not Role.READER or settings.read_isolation == "off"])
    )


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything slow happens, so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        print(f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. Choose another by --port.")
        raise typer.Exit(1) from None
    return listening


async def _serve(settings: Settings, url: str, listening: socket.socket, *, check: bool) -> list[str]:
    """Serve until a signal; with `check`, until the checks are through: gives what failed."""
    from crm_graph.app import create_app

    config = uvicorn.Config(
        create_app(settings, url),
        http="httptools",
        loop="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        if running.done():
            await running
            return ["the server did not start"]
        await asyncio.sleep(0.01)
    name = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{name}:{listening.getsockname()[1]}"
    print(f"crm-graph serves {address}/graphql (explorer at {address}/)", flush=True)
    if settings.demo:
        from crm_graph import demo as demo_organisation

        print(demo_organisation.who_to_be(settings.data_dir, address), flush=True)
    stop = asyncio.Event()
    worker = asyncio.create_task(_do_due(url, stop, settings.pages())) if settings.demo else None
    failures: list[str] = []
    if check:
        from crm_graph.demo.check import run_checks

        try:
            failures = await asyncio.to_thread(run_checks, address, url, settings.data_dir)
        finally:
            server.should_exit = True
        for failure in failures:
            print(f"FAILED: {failure}", flush=True)
    await running
    stop.set()
    if worker is not None:
        await worker
    return failures


async def _do_due(url: str, stop: asyncio.Event, pages: str) -> None:
    """What falls due in the demo organisation, which has no worker beside it."""
    database = Database(url, 2, pages=pages)
    try:
        await due.do(database, stop)
    finally:
        await database.dispose()
