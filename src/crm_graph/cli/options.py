"""Options that several commands share, and the database they name."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from crm_graph.db import embedded
from crm_graph.migrations import upgrade
from crm_graph.settings import Settings

logger = logging.getLogger("crm_graph.cli")

DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded server and the secret live [CRM_GRAPH_DATA_DIR, .crm-graph].")
]
DatabaseUrl = Annotated[
    str | None, typer.Option(help="PostgreSQL ≥ 16 to use instead of the embedded one [CRM_GRAPH_DATABASE_URL].")
]


def settings_from(**given: object) -> Settings:
    """Settings from the environment, with what was given on the command line in their place; sets up logging."""
    try:
        settings = Settings.model_validate(
            {**Settings().model_dump(), **{name: value for name, value in given.items() if value is not None}}
        )
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(map(str, problem["loc"])).upper()
            print(f"CRM_GRAPH_{name}: {problem['msg']}")
        raise typer.Exit(2) from None
    try:  # only those that are given: nothing is made by a command that needs none
        _ = settings.secret and settings.secret_bytes(), settings.sealing_keys and settings.sealing_key_texts()
    except ValueError as error:
        print(error)
        raise typer.Exit(2) from None
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("alembic", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return settings


def say(what: str) -> None:
    """What takes a while, for whoever waits; what was asked for goes to standard output."""
    print(what, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Urls:
    """Two ways into one database: as the application, and as who migrates it and owns its tables."""

    application: str
    owner: str


@contextmanager
def databases(settings: Settings) -> Iterator[Urls]:
    """The URLs of the settings as they are, else of an embedded server, started and migrated, then left."""
    if settings.database_url is not None:
        yield Urls(settings.database_url, settings.migration_url or settings.database_url)
        return
    server = embedded.start(settings.data_dir)
    try:
        upgrade(server.url)
        yield Urls(server.application_url, server.url)
    finally:
        server.stop()


@contextmanager
def database(settings: Settings, *, may_make: bool = False) -> Iterator[str]:
    """The URL that the application uses, as `databases` has it; an embedded server is made only if it may be."""
    if not may_make and settings.database_url is None and not embedded.holds_data(settings.data_dir):
        print(
            f"There is no database in {settings.data_dir}: say where by --data-dir, or make one by `crm-graph serve`."
        )
        raise typer.Exit(1)
    with databases(settings) as urls:
        yield urls.application
