"""Two pools of connections for reads, made for one thing: send a prepared statement, hand back its JSON.

A pool of asyncpg costs as much again as the statement (a reset query, wrappers); these are plain stacks. Reads change
nothing on a connection, so there is nothing to reset; where they are isolated, the organisation stays bound until a
statement for another one comes.
"""

import asyncio
import enum
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from crm_graph.db.connection import LOST
from crm_graph.db.pool import Pool
from crm_graph.db.roles import Role
from crm_graph.errors import OperationTimedOut, ServiceUnavailable


class Lane(enum.Enum):
    """How PostgreSQL plans a lane's prepared statements (`plan_cache_mode`)."""

    GENERIC = "force_generic_plan"
    """One plan for all values: no planning after the first time."""
    AUTO = "auto"
    """PostgreSQL may plan for the values at hand: for statements whose best plan depends on them."""


class Lanes:
    """The read connections, `size` per lane at most, opened when needed; use from one event loop.

    `isolated`: they work under row-level security too, each statement with its organisation bound.
    """

    def __init__(
        self,
        url: str,
        size: int,
        *,
        statement_seconds: float = 30.0,
        wait_seconds: float = 5.0,
        isolated: bool = False,
    ) -> None:
        self.isolated = isolated
        common = {
            **(Role.BOUND_READER if isolated else Role.READER).settings(),
            "TimeZone": "UTC",
            "jit": "off",
            "application_name": "crm-graph reads",
            "default_transaction_read_only": "on",
            "hash_mem_multiplier": "16",  # a set of ids that does not fit is searched from end to end for each row
            "statement_timeout": str(int(statement_seconds * 1000)),
        }
        self._pools = {lane: Pool(url, size, {**common, "plan_cache_mode": lane.value}, wait_seconds) for lane in Lane}
        self.statements = 0
        """Statements sent so far, a retried one counted again."""

    @classmethod
    async def open(
        cls,
        url: str,
        size: int,
        *,
        statement_seconds: float = 30.0,
        wait_seconds: float = 5.0,
        isolated: bool = False,
    ) -> "Lanes":
        """Make the lanes and connect once in each; raises ServiceUnavailable when the server cannot be reached.

        `statement_seconds` bounds each statement, `wait_seconds` the wait for a free connection.
        """
        lanes = cls(url, size, statement_seconds=statement_seconds, wait_seconds=wait_seconds, isolated=isolated)
        try:
            for pool in lanes._pools.values():
                pool.release(await pool.acquire())
        except BaseException:
            await lanes.close()
            raise
        return lanes

    async def fetch(
        self, lane: Lane, sql: str, args: Sequence[object], organization: UUID | None = None
    ) -> bytes | None:
        """Run one reading statement; its first column must be `json` and comes back as bytes.

        It must be bound to `organization` itself. Where reads are isolated it sees that one's rows only, without one
        none at all.

        Raises ServiceUnavailable when no connection is free in time or the server is gone, OperationTimedOut when the
        statement took too long; asyncpg's errors for what the server finds wrong with statement or values.
        """
        pool = self._pools[lane]
        for last in (False, True):
            connection = pool.take_idle() or await pool.acquire()
            self.statements += 1
            try:
                if self.isolated:
                    await connection.bind(organization)
                value = await connection.fetch(sql, args)
            except asyncio.CancelledError:
                pool.heal(connection)
                raise
            except Exception as error:
                again = pool.give_back_after(connection, error)
                if again and not last:
                    continue
                if isinstance(error, LOST) or connection.is_closed:
                    raise ServiceUnavailable("The database has closed the connection.") from error
                if isinstance(error, asyncpg.QueryCanceledError):
                    raise OperationTimedOut("The database took too long over this operation.") from error
                raise
            pool.release(connection)
            return value
        raise AssertionError("the second attempt returns or raises")

    async def close(self) -> None:
        """Close all connections; statements still running are ended."""
        for pool in self._pools.values():
            await pool.close()
