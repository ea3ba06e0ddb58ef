"""Sending a write statement: in a savepoint, again where another writer was faster, without the rows it refuses."""

from collections.abc import Sequence

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.plan.changes import Outcome
from crm_graph.plan.writes.prepare import Prepared
from crm_graph.plan.writes.refusals import from_database, judge
from crm_graph.plan.writes.statement import statement

_ATTEMPTS = 5


class _Undone(Exception):
    """Some rows were written that the caller may not write: all of the statement is taken back."""


async def run(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    rows: Sequence[Prepared],
    request_id: str | None,
    event: str | None = None,
) -> list[Outcome]:
    """Write rows of one shape. Refused ones take nothing with them: the others are written without them."""
    outcomes: dict[int, Outcome] = {}
    waiting = list(range(len(rows)))
    for _attempt in range(_ATTEMPTS):
        raced: list[int] = []
        undone: list[int] = []
        try:
            async with connection.transaction():
                found = await _send(connection, actor, [rows[n] for n in waiting], request_id, event)
                judged = [judge(rows[n].asked, dict(row)) for n, row in zip(waiting, found, strict=True)]
                undone = [n for n, one in zip(waiting, judged, strict=True) if one.undo]
                raced = [n for n, one in zip(waiting, judged, strict=True) if one.raced]
                outcomes.update((n, one.outcome) for n, one in zip(waiting, judged, strict=True))
                if undone:
                    raise _Undone  # noqa: TRY301 - leaves the savepoint
        except _Undone:
            waiting = [n for n in waiting if n not in set(undone)]
        except (
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.DataError,
            asyncpg.ProgramLimitExceededError,
        ) as error:
            if len(waiting) == 1:
                asked = rows[waiting[0]].asked
                outcomes[waiting[0]] = Outcome.refused(from_database(error, asked.entity, asked.action))
                waiting = []
            else:
                half = len(waiting) // 2
                for part in (waiting[:half], waiting[half:]):
                    outcomes.update(
                        zip(part, await run(connection, actor, [rows[n] for n in part], request_id, event), strict=True)
                    )
                waiting = []
        else:
            waiting = raced
        if not waiting:
            break
    return [outcomes[n] for n in range(len(rows))]


async def _send(
    connection: "asyncpg.Connection[asyncpg.Record]",
    actor: Actor,
    rows: Sequence[Prepared],
    request_id: str | None,
    event: str | None,
) -> "list[asyncpg.Record]":
    compiled = statement(rows[0].shape, actor.policy)
    text = orjson.dumps([{"_n": n, **prepared.row} for n, prepared in enumerate(rows)], default=str).decode()
    return await connection.fetch(compiled.sql, *compiled.arguments(actor, text, request_id, event))
