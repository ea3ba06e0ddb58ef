"""Sending a write statement: in a savepoint, again where another writer was faster, without the rows it refuses."""

from collections.abc import Sequence

import asyncpg
import orjson

from crm_graph.auth.actor import Actor
from crm_graph.plan.changes import Outcome
from crm_graph.plan.writes.prepare import Prepared, with_free_keys
from crm_graph.plan.writes.refusals import from_database, judge
from crm_graph.plan.writes.statement import statement

_ATTEMPTS = 5
_REFUSED = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, asyncpg.ProgramLimitExceededError)


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
    taken: dict[int, bool] = {}
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
                taken.update((n, True) for n, one in zip(waiting, judged, strict=True) if one.taken)
                if undone:
                    raise _Undone  # noqa: TRY301 - leaves the savepoint
        except _Undone:
            waiting = [n for n in waiting if n not in set(undone)]
        except _REFUSED as error:
            if len(waiting) == 1:
                (only,) = waiting
                asked = rows[only].asked
                outcomes[only] = Outcome.refused(from_database(error, asked.entity, asked.action))
                if isinstance(error, asyncpg.UniqueViolationError) and not asked.trusted:
                    taken[only] = False
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
    for n, as_new in taken.items():
        free = with_free_keys(rows[n], as_new=as_new)
        outcomes[n] = await _rehearsed(connection, actor, free, request_id) or outcomes[n]
    return [outcomes[n] for n in range(len(rows))]


async def _rehearsed(
    connection: "asyncpg.Connection[asyncpg.Record]", actor: Actor, free: Prepared, request_id: str | None
) -> Outcome | None:
    """Why such a write is refused even with keys that are free; `None` if it is not. It is tried and taken back.

    This comes before the refusal of a key that is taken: so only who could have used the key learns that it is.
    """
    refusal: Outcome | None = None
    try:
        async with connection.transaction():
            (found,) = await _send(connection, actor, [free], request_id, None)
            refusal = judge(free.asked, dict(found)).outcome
            raise _Undone  # noqa: TRY301 - leaves the savepoint
    except _Undone:
        pass
    except _REFUSED as error:
        refusal = Outcome.refused(from_database(error, free.asked.entity, free.asked.action))
    return refusal if refusal is not None and refusal.is_refused else None


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
