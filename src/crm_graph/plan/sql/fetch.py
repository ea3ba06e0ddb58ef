"""Running a compiled statement, and telling apart what may go wrong with it."""

from collections.abc import Sequence

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.db.lanes import Lanes
from crm_graph.errors import CursorInvalid, TooCostly
from crm_graph.plan.sql.statement import Statement

REFUSED = "CRM01"
"""The SQLSTATE of `crm_refuse`."""


async def fetch(lanes: Lanes, statement: Statement, leaves: Sequence[object], actor: Actor) -> bytes | None:
    """The JSON a statement answers. Raises `CursorInvalid` where it found no position for a cursor."""
    if not statement.sql:
        return None
    arguments = [source(leaves, actor) for source in statement.sources]
    try:
        return await lanes.fetch(statement.lane, statement.sql, arguments, actor.organization_id)
    except asyncpg.PostgresError as error:
        raise refused(error) from None


def refused(error: asyncpg.PostgresError) -> Exception:
    """What a statement's own refusal means to the caller; any other error as it is."""
    if error.sqlstate == REFUSED:
        return CursorInvalid("This cursor does not belong to this list, filter, order and caller.")
    if isinstance(error, asyncpg.ProgramLimitExceededError):
        return TooCostly("The answer is larger than the database can give at once. Ask for less.")
    return error
