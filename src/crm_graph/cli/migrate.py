"""`crm-graph migrate`: bring a database's schema up to date; for developers, write and check migrations."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from crm_graph import migrations
from crm_graph.cli.options import DatabaseUrl, DataDir, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db import embedded

Revision = Annotated[str, typer.Option(help="Where to go: a revision, `head`, or downwards `base` or `-1`.")]
Check = Annotated[bool, typer.Option("--check", help="Only say whether models and migrations agree.")]
New = Annotated[str | None, typer.Option("--new", help="Write a migration of this name from the models.")]


def migrate(
    revision: Revision = "head",
    check: Check = False,
    new: New = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Migrate the database and say where it is now."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    with stopping():
        if check or new:
            with throw_away() as url:
                migrations.upgrade(url)
                if new:
                    print(migrations.create(url, new))
                    return
                differences = migrations.check(url)
            for difference in differences:
                print(f"not in any migration: {difference}")
            raise typer.Exit(1 if differences else 0)
        server = None if settings.migration_url or settings.database_url else embedded.start(settings.data_dir)
        try:
            url = settings.migration_url or settings.database_url or (server.url if server else "")
            downwards = revision == "base" or revision.startswith("-")
            (migrations.downgrade if downwards else migrations.upgrade)(url, revision)
            print(f"The database is at revision {migrations.current(url) or 'base'}.")
        finally:
            if server is not None:
                server.stop()


@contextmanager
def throw_away() -> Iterator[str]:
    """An empty database that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="crm-graph-") as directory:
        server = embedded.start(Path(directory), durable=False)
        try:
            yield server.url
        finally:
            server.stop()
