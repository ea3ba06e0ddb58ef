"""The savepoint around a write: what is refused is taken back."""

from collections.abc import Awaitable, Callable

import asyncpg

from crm_graph.plan.changes import Outcome


async def unless_refused(
    connection: "asyncpg.Connection[asyncpg.Record]", act: Callable[[], Awaitable[Outcome]]
) -> Outcome:
    """What came of `act`; what it wrote is gone where it raises, or is refused and does not ask to `keep` it."""
    savepoint = connection.transaction()
    await savepoint.start()
    try:
        outcome = await act()
    except BaseException:
        await savepoint.rollback()
        raise
    undone = outcome.is_refused and not outcome.keep
    await (savepoint.rollback() if undone else savepoint.commit())
    return outcome
