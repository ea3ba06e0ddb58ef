"""How a connection for reads is set up, and the statements it has prepared."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.db import roles
from crm_graph.db.roles import ORGANIZATION, Role
from crm_graph.errors import ServiceUnavailable

CONNECT_SECONDS: Final = 10.0
STATEMENTS: Final = 1000

# What asyncpg raises when the server or the way to it is gone, as opposed to refusing a statement.
LOST: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleSessionTimeoutError,
)
# What may be raised instead of a connection: no such host, nobody there, no answer in time, no room.
UNREACHABLE: Final = (*LOST, OSError, TimeoutError, asyncpg.TooManyConnectionsError)
# The schema has changed under a prepared statement.
STALE: Final = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)

_BIND: Final = f"SELECT set_config('{ORGANIZATION}', $1, false)"


async def json_as_bytes(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let the connection hand out `json` as the bytes PostgreSQL sent, and take bytes for it."""
    await connection.set_type_codec("json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)


async def connect(url: str, role: Role | None, **settings: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection that works as `role`; as the login itself where that is `None`, which is for maintenance only.

    Raises ServiceUnavailable when there is no server that lets us in as this role.
    """
    taken = role.settings() if role else {}
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS, server_settings={**taken, **settings})
    except UNREACHABLE as error:
        raise ServiceUnavailable(f"The database cannot be reached: {error}") from error
    except asyncpg.PostgresError as error:
        if roles.refused(error):
            raise ServiceUnavailable(roles.REFUSED) from error
        raise ServiceUnavailable(f"The database cannot be reached: {error}") from error


async def check_roles(url: str, wanted: Iterable[Role] = Role) -> None:
    """That the login of `url` may take these roles, and that none of them goes round a policy.

    Raises ServiceUnavailable where it may not, RolesUnfit.
    """
    for role in wanted:
        connection = await connect(url, role)
        try:
            await roles.refuse_overpowered(connection)
        finally:
            await connection.close()


class ReadConnection:
    """A connection with its prepared statements, the most recently used `STATEMENTS` of them."""

    def __init__(self, raw: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.raw = raw
        self._bound: str | None = ""
        self._prepared: dict[str, asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]] = {}

    @classmethod
    async def open(cls, url: str, settings: Mapping[str, str]) -> "ReadConnection":
        """Connect; raises ServiceUnavailable when there is no server that lets us in."""
        try:
            # Not 0, though asyncpg's own cache is not used: with 0 it would parse our statements at every execution.
            raw = await asyncpg.connect(
                url, timeout=CONNECT_SECONDS, statement_cache_size=STATEMENTS, server_settings=dict(settings)
            )
            try:
                await json_as_bytes(raw)
            except BaseException:
                raw.terminate()
                raise
        except UNREACHABLE as error:
            raise ServiceUnavailable("The database cannot be reached.") from error
        except asyncpg.PostgresError as error:
            if roles.refused(error):
                raise ServiceUnavailable(roles.REFUSED) from error
            raise
        return cls(raw)

    async def bind(self, organization: UUID | None) -> None:
        """Let policies show this organisation's rows from now on, none at all for `None`; costs nothing if they do."""
        wanted = str(organization or "")
        if wanted != self._bound:
            self._bound = None  # cut off in between, it may be either
            await self.fetch(_BIND, (wanted,))
            self._bound = wanted

    async def fetch(self, sql: str, args: Sequence[object]) -> bytes | None:
        """First column of the first row, or None when there is no row or it is NULL."""
        statement = self._prepared.pop(sql, None)
        if statement is None:
            if len(self._prepared) >= STATEMENTS:
                # A dict keeps the order of insertion: the first has not been used for the longest time.
                # Dropping the object closes the statement on the server with the next round trip.
                del self._prepared[next(iter(self._prepared))]
            statement = await self.raw.prepare(sql)
        self._prepared[sql] = statement
        value: bytes | None = await statement.fetchval(*args)
        return value

    @property
    def is_closed(self) -> bool:
        return self.raw.is_closed()
