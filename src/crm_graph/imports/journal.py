"""The record of imports, from which they are listed and undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from crm_graph.auth.actor import Actor
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.imports.lines import Line
from crm_graph.imports.mapping import TableMapping
from crm_graph.plan.changes import Effect

_COLUMNS = {
    "organization_id": "uuid",
    "id": "uuid",
    "run_id": "uuid",
    "entity": "text",
    "effect": "text",
    "external_id": "text",
    "row_id": "uuid",
    "version": "integer",
    "file": "text",
    "line": "integer",
    "errors": "text",
}
_NOTE = (
    f"INSERT INTO import_rows ({', '.join(_COLUMNS)})"
    f" SELECT {', '.join(_COLUMNS).replace('errors', 'errors::jsonb')}"
    f" FROM unnest({', '.join(f'${n}::{sql}[]' for n, sql in enumerate(_COLUMNS.values(), 1))})"
    f" AS noted({', '.join(_COLUMNS)})"
)
"""Arrays, as COPY does not go with row-level security."""


@dataclass(frozen=True, slots=True)
class Run:
    """An import that was begun; `counts` by effect once it was finished."""

    id: UUID
    source: str
    status: str
    started_at: datetime
    counts: Mapping[str, int]


async def begin(tx: Transaction, actor: Actor, run: UUID, source: str, files: Sequence[str]) -> None:
    await (await tx.raw()).execute(
        "INSERT INTO import_runs (organization_id, id, source, files, actor_id, status, counts)"
        " VALUES ($1, $2, $3, $4::text::jsonb, $5, 'STARTED', '{}')",
        actor.organization_id,
        run,
        source,
        orjson.dumps(files).decode(),
        actor.user_id,
    )


async def note(tx: Transaction, actor: Actor, run: UUID, table: TableMapping, lines: Sequence[Line]) -> None:
    """Keep what was written or refused, in the transaction that does it; unchanged records leave no trace."""
    rows = [
        (
            actor.organization_id,
            uuid7(),
            run,
            table.entity.__name__,
            line.effect.value,
            line.key or None,
            line.row,
            line.outcome.version,
            line.record.file,
            line.record.line,
            orjson.dumps(faults_as_json(line)).decode() if line.faults else None,
        )
        for line in lines
        if line.effect is not Effect.UNCHANGED
    ]
    if rows:
        await (await tx.raw()).execute(_NOTE, *map(list, zip(*rows, strict=True)))


def faults_as_json(line: Line) -> list[dict[str, object]]:
    """Why a record was refused, for the report."""
    return [
        {
            "code": f.code,
            "message": f.message,
            "field": f.field,
            "value": f.value,
            "candidates": [[c.value, c.score] for c in f.candidates],
        }
        for f in line.faults
    ]


async def finish(tx: Transaction, actor: Actor, run: UUID, counts: Mapping[str, int]) -> None:
    await (await tx.raw()).execute(
        "UPDATE import_runs SET status = 'FINISHED', ended_at = now(), counts = $3::text::jsonb"
        " WHERE organization_id = $1 AND id = $2",
        actor.organization_id,
        run,
        orjson.dumps(dict(counts)).decode(),
    )


async def runs(tx: Transaction, actor: Actor, most: int = 50) -> list[Run]:
    """The latest imports, newest first."""
    found = await (await tx.raw()).fetch(
        "SELECT id, source, status, started_at, counts FROM import_runs WHERE organization_id = $1"
        " ORDER BY id DESC LIMIT $2",
        actor.organization_id,
        most,
    )
    return [Run(*row) for row in found]
