"""`crm-graph import`: bring in data from older systems, list such imports, and take one back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer.core import TyperGroup

from crm_graph.cli.options import DatabaseUrl, DataDir, database, settings_from
from crm_graph.cli.signals import stopping
from crm_graph.db.ids import decode, encode, uuid7
from crm_graph.db.session import Database
from crm_graph.errors import IdInvalid
from crm_graph.imports import journal
from crm_graph.imports.files import size
from crm_graph.imports.lines import Line
from crm_graph.imports.mapping import TableMapping, load
from crm_graph.imports.organizations import importing_actor, missing_organization
from crm_graph.imports.report import writing
from crm_graph.imports.run import Result
from crm_graph.imports.run import run as run_import
from crm_graph.imports.undo import ImportRunUnknown, Undone
from crm_graph.imports.undo import undo as undo_import
from crm_graph.kinds import CURRENCY

PREFIX = "imp"
_MOST_KEPT = 20
_STATEMENT_SECONDS = 600.0
"""A statement here writes thousands of records."""
T = TypeVar("T")


class _FilesOrCommand(TyperGroup):
    """`import FILE…` is `import run FILE…`; only `undo` and `list` are something else."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


imports = typer.Typer(
    cls=_FilesOrCommand,
    help="Import CSV and JSON Lines: `crm-graph import --mapping FILE FILE…`; see `crm-graph import run --help`.",
    no_args_is_help=True,
    add_completion=False,
)

Organization = Annotated[
    str | None, typer.Option(help="Name, host or id of the organisation, where there are several.")
]
AsEmail = Annotated[
    str | None, typer.Option("--as", metavar="EMAIL", help="Write as this user, with their rights only.")
]


@imports.command()
def run(
    files: Annotated[
        list[Path], typer.Argument(help="CSV files, or JSON Lines called *.jsonl.", exists=True, dir_okay=False)
    ],
    mapping: Annotated[Path, typer.Option(help="The mapping file, TOML.", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report all that would happen and write nothing.")] = False,
    allow_refused: Annotated[
        bool, typer.Option("--allow-refused", help="Exit with 0 although records were refused.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes, JSON Lines [<data-dir>/imports/<run>.jsonl].")
    ] = None,
    organization: Organization = None,
    new: Annotated[
        str | None, typer.Option("--new-organization", help="Import into this one, made if it is missing.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Currency of a new organisation.")] = "EUR",
    email: AsEmail = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Import files by a mapping. Running it again changes only what has changed in the files."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    found = load(mapping)
    found.assign(files)
    if new is not None:
        _refuse_currency(currency)
    run_id = uuid7()
    path = report or settings.data_dir / "imports" / f"{'dry-run' if dry_run else encode(PREFIX, run_id)}.jsonl"
    console = Console()
    place = database(settings, may_make=new is not None)
    with stopping(), place as url, writing(path) as told, _progress(console) as progress:
        total = sum(size(paths) for _, paths in found.assign(files))
        bar = progress.add_task("importing", total=total)

        def tell(table: TableMapping, lines: Sequence[Line]) -> None:
            told.add(table, lines)
            progress.update(bar, description=table.entity.__name__, advance=len(lines) if table.file else 0)

        async def work(db: Database) -> Result:
            missing = await missing_organization(db, new, currency) if new is not None else None
            actor = missing.actor if missing else await importing_actor(db, new or organization, email)
            return await run_import(db, actor, found, files, tell, dry=dry_run, new=missing, run_id=run_id)

        result = asyncio.run(_with(url, work))
        progress.update(bar, completed=total)
    told.show(console, result)
    console.print(f"Report: {path}", soft_wrap=True)
    if not dry_run:
        console.print(f"Take it back with: crm-graph import undo {encode(PREFIX, result.run)}", soft_wrap=True)
    if result.total["refused"] and not allow_refused:
        raise typer.Exit(3)


@imports.command()
def undo(
    run: Annotated[str, typer.Argument(help="The import, as `crm-graph import list` shows it.")],
    organization: Organization = None,
    email: AsEmail = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take an import back: remove what it made, restore what it changed, keep what someone has worked on since."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)
    try:
        prefix, wanted = decode(run)
    except IdInvalid:
        prefix = ""
    if prefix != PREFIX:
        raise ImportRunUnknown(f"{run[:80]!r} is not the id of an import.")

    async def work(db: Database) -> Undone:
        return await undo_import(db, await importing_actor(db, organization, email), wanted)

    with stopping(), database(settings) as url:
        undone = asyncio.run(_with(url, work))
    counts = undone.counts
    print(
        f"{counts['removed']:,} removed, {counts['restored']:,} restored, {counts['kept']:,} kept,"
        f" {counts['gone']:,} gone before."
    )
    for row, why in undone.kept[:_MOST_KEPT]:
        print(f"  {row}: {why}")
    if len(undone.kept) > _MOST_KEPT:
        print(f"  … and {len(undone.kept) - _MOST_KEPT:,} more")
    raise typer.Exit(3 if counts["kept"] else 0)


@imports.command("list")
def list_(organization: Organization = None, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List the latest imports, newest first."""
    settings = settings_from(data_dir=data_dir, database_url=database_url)

    async def work(db: Database) -> list[journal.Run]:
        actor = await importing_actor(db, organization, None)
        async with db.transaction(actor.organization_id, None, actor.channel) as tx:
            return await journal.runs(tx, actor)

    with stopping(), database(settings) as url:
        found = asyncio.run(_with(url, work))
    for one in found:
        status = "UNFINISHED" if one.status == "STARTED" else one.status
        counts = ", ".join(
            f"{one.counts.get(effect, 0):,} {effect}" for effect in ("created", "updated", "unchanged", "refused")
        )
        print(f"{encode(PREFIX, one.id)}  {one.started_at:%Y-%m-%d %H:%M}  {status:10}  {one.source}: {counts}")


async def _with(url: str, work: Callable[[Database], Awaitable[T]]) -> T:
    db = Database(url, 2, statement_seconds=_STATEMENT_SECONDS)
    try:
        return await work(db)
    finally:
        await db.dispose()


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _refuse_currency(currency: str) -> None:
    try:
        CURRENCY.parse(currency)
    except ValueError as error:
        raise typer.BadParameter(f"{error}", param_hint="--currency") from None
