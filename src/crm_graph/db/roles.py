"""The database's roles: who the application works as. None of them owns a table, goes round a policy or runs DDL.

Tables and functions belong to the login that migrates. Roles are the whole server's: its databases share them.
"""

import contextlib
import enum
from collections.abc import Mapping
from typing import Final

import asyncpg


class Role(enum.StrEnum):
    """What a connection works as; the login of the URL takes it as the connection starts."""

    RUNTIME = "crm_graph_runtime"
    """Reads and writes the rows of the organisation that is bound, and no others: writes, jobs, imports."""
    READER = "crm_graph_reader"
    """Reads all organisations and writes nothing: compiled reads, which bind the organisation themselves, and what
    has to find an organisation first."""
    BOUND_READER = "crm_graph_bound_reader"
    """Reads the rows of the organisation that is bound: compiled reads where `read_isolation` is on."""

    def settings(self) -> Mapping[str, str]:
        """What makes a connection start as this role, among its server settings."""
        return {"role": self.value}


APPLICATION_LOGIN: Final = "crm_graph_app"
"""The login of the embedded server's users: it may take the roles and nothing else."""

ORGANIZATION: Final = "crm.organization_id"
"""The setting that policies read: the bound organisation."""

_CREATED: Final = "NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
_TAKEN: Final = "WITH INHERIT FALSE, SET TRUE"
_REFUSALS: Final = (asyncpg.InsufficientPrivilegeError.sqlstate, asyncpg.InvalidParameterValueError.sqlstate)
"""What PostgreSQL answers a connection whose login may not take its role, or when there is no such role."""


class RolesUnfit(RuntimeError):
    """The roles are missing and this login cannot make them, or they may do more than they should."""


async def ensure(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make the roles that are missing and let this login take them, as far as it may. Raises RolesUnfit."""
    for role in Role:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role):
            try:
                await connection.execute(f"CREATE ROLE {role} {_CREATED}")
            except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                pass  # another process was faster
            except asyncpg.InsufficientPrivilegeError:
                login = await connection.fetchval("SELECT quote_ident(session_user)")
                raise RolesUnfit(
                    f"the login {login} may not create roles. Let an administrator of the server run:"
                    f" {administrators_sql(login)} Then migrate again."
                ) from None
    await refuse_overpowered(connection)
    # to make temporary tables is everybody's right in PostgreSQL; here nobody needs it
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC")
    for role in Role:
        if not await connection.fetchval("SELECT pg_has_role(session_user, $1::name, 'SET')", role):
            # it need not work as them where another login does; a connection that has to will say so
            with contextlib.suppress(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"GRANT {role} TO SESSION_USER {_TAKEN}")


async def refuse_overpowered(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Raises RolesUnfit where one of the roles could go round a policy."""
    found = await connection.fetchval(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY($1) AND (rolsuper OR rolbypassrls) ORDER BY 1",
        [role.value for role in Role],
    )
    if found is not None:
        raise RolesUnfit(f"the role {found} may do more than it should: it must be NOSUPERUSER NOBYPASSRLS.")


def administrators_sql(login: str) -> str:
    """What an administrator runs once on a server where the login that migrates may not create roles."""
    created = " ".join(f"CREATE ROLE {role} {_CREATED};" for role in Role)
    return f"{created} GRANT {', '.join(Role)} TO {login} {_TAKEN};"


async def make_on_own_server(connection: "asyncpg.Connection[asyncpg.Record]", owner: str) -> None:
    """As the embedded server's superuser: make the roles, and the logins that take them, where they are missing."""
    await ensure(connection)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", APPLICATION_LOGIN):
        await connection.execute(f"CREATE ROLE {APPLICATION_LOGIN} {_CREATED.replace('NOLOGIN', 'LOGIN')}")
    # it migrates and is dumped by, so it must see all there is; nothing of the application works as it
    await connection.execute(f"ALTER ROLE {owner} BYPASSRLS")
    for login in (owner, APPLICATION_LOGIN):
        if not await connection.fetchval("SELECT pg_has_role($1::name, $2::name, 'SET')", login, Role.READER):
            await connection.execute(f"GRANT {', '.join(Role)} TO {login} {_TAKEN}")


def refused(error: BaseException) -> bool:
    """Whether a connection was refused for its role, by whichever library it says so."""
    original = getattr(error, "orig", error)
    return getattr(original, "sqlstate", None) in _REFUSALS and "role" in str(original)


REFUSED: Final = (
    "The database does not let this login take the application's roles: run `crm-graph migrate`,"
    " or see Roles in docs/operations.md."
)
