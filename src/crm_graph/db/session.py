"""Write transactions: the ORM and raw asyncpg on one connection, and the only commit of the application."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from crm_graph.db import roles
from crm_graph.db.connection import CONNECT_SECONDS, LOST, UNREACHABLE, connect, json_as_bytes
from crm_graph.db.roles import Role
from crm_graph.errors import OperationTimedOut, ServiceUnavailable

STATEMENT_SECONDS: Final = 30.0
LOCK_SECONDS: Final = 10.0
PAGES: Final = "https://{host}"
RETRYABLE: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
"""Another transaction was in the way: run the whole one again, a bounded number of times."""

_BEGIN = text(
    "SELECT set_config('crm.organization_id', :organization, true), set_config('crm.actor_id', :actor, true),"
    " set_config('crm.channel', :channel, true)"
)


class Transaction:
    """One open transaction. `session` is SQLModel's; what both write is committed together or not at all."""

    def __init__(self, session: AsyncSession, pages: str = PAGES) -> None:
        self.session = session
        self._pages = pages
        self._raw: asyncpg.Connection[asyncpg.Record] | None = None

    def page_url(self, hosts: Sequence[str], path: str) -> str:
        """Where a page is, for links in mail; `hosts` are those of its organisation."""
        return self._pages.replace("{host}", next(iter(hosts), "localhost")) + path

    async def raw(self) -> "asyncpg.Connection[asyncpg.Record]":
        """The asyncpg connection under the session, in the same transaction; `json` comes as bytes.

        Flush the session before reading through it. Once it was used, a failed statement that was not rolled back to
        a savepoint fails the commit, even where its error was swallowed.
        """
        if self._raw is None:
            fairy = await (await self.session.connection()).get_raw_connection()
            driver: asyncpg.Connection[asyncpg.Record] | None = fairy.driver_connection
            assert driver is not None
            self._raw = driver
        return self._raw

    async def _refuse_when_failed(self) -> None:
        # PostgreSQL answers COMMIT of a failed transaction with a quiet rollback; any statement tells the truth.
        if self._raw is not None:
            await self.session.flush()
            await self._raw.execute("SELECT 1")


class Database:
    """The engine for writes; `pool_size` connections, as many again in a rush.

    A statement may take `statement_seconds`, and its transaction may be left idle for twice as long. `pages` is where
    links in mail lead, with `{host}` for the organisation's host name.
    """

    def __init__(
        self, url: str, pool_size: int = 8, *, statement_seconds: float = STATEMENT_SECONDS, pages: str = PAGES
    ) -> None:
        self._url, self._pages = url, pages
        self.engine = write_engine(url, pool_size, statement_seconds)

    @asynccontextmanager
    async def transaction(
        self, organization_id: UUID | None, actor_id: UUID | None, channel: str
    ) -> AsyncIterator[Transaction]:
        """A transaction for an organisation, an actor and a channel (`graphql`, `import`, …); history rows name them.

        It sees and writes rows of that organisation only, whatever its SQL says; of none, none.
        Commits at the end of the block, rolls back on any exception. Raises ServiceUnavailable when the database is
        away, OperationTimedOut when a statement took too long.
        """
        async with _told(), AsyncSession(self.engine, expire_on_commit=False) as session:
            # The first statement begins the transaction: a raw one before it would commit itself.
            connection = await _opened(session)
            await connection.execute(
                _BEGIN,
                {"organization": str(organization_id or ""), "actor": str(actor_id or ""), "channel": channel},
            )
            transaction = Transaction(session, self._pages)
            yield transaction
            await transaction._refuse_when_failed()  # noqa: SLF001 - our own
            await session.commit()

    @asynccontextmanager
    async def across_organizations(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A connection of its own that reads all organisations and can write nothing: to find the one that is meant."""
        connection = await connect(self._url, Role.READER, default_transaction_read_only="on")
        try:
            yield connection
        finally:
            await connection.close()

    async def dispose(self) -> None:
        """Close the connections that are not in use."""
        await self.engine.dispose()


async def _opened(session: AsyncSession) -> AsyncConnection:
    try:
        return await session.connection()
    except UNREACHABLE as error:
        raise ServiceUnavailable("The database cannot be reached.") from error
    except (asyncpg.PostgresError, DBAPIError) as error:
        if roles.refused(error):
            raise ServiceUnavailable(roles.REFUSED) from error
        raise


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """Say that the database is away, or too slow, where it is, whichever library noticed."""
    try:
        yield
    except (*LOST, asyncpg.IdleInTransactionSessionTimeoutError, PoolTimeout) as error:
        raise ServiceUnavailable("The database cannot be reached.") from error
    except asyncpg.QueryCanceledError as error:
        raise OperationTimedOut("The database took too long over this operation.") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == asyncpg.QueryCanceledError.sqlstate:
            raise OperationTimedOut("The database took too long over this operation.") from error
        if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
            raise ServiceUnavailable("The database cannot be reached.") from error
        raise


def write_engine(
    url: str, pool_size: int = 8, statement_seconds: float = STATEMENT_SECONDS, role: Role | None = Role.RUNTIME
) -> AsyncEngine:
    """SQLAlchemy's engine over asyncpg for a `postgresql://` URL; its connections give `json` as bytes.

    `role` is `None` for measurements only: they work as the login.
    """
    settings = {
        **(role.settings() if role else {}),
        "TimeZone": "UTC",
        "jit": "off",
        "application_name": "crm-graph writes",
        "statement_timeout": _milliseconds(statement_seconds),
        "lock_timeout": _milliseconds(LOCK_SECONDS),
        "idle_in_transaction_session_timeout": _milliseconds(2 * statement_seconds),
    }
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        pool_pre_ping=False,
        connect_args={
            "timeout": CONNECT_SECONDS,
            "statement_cache_size": 500,
            "max_cacheable_statement_size": 0,
            "server_settings": settings,
        },
    )

    # Runs after the dialect's own event, which would turn `json` into dicts; `jsonb` stays as the dialect has it.
    @event.listens_for(engine.sync_engine, "connect")
    def _json_as_bytes(connection: Any, _record: object) -> None:
        connection.run_async(json_as_bytes)

    return engine


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
