"""Making the roles: on our own server, on one where the login may make them, and on one where it may not."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from crm_graph import migrations
from crm_graph.db import embedded
from crm_graph.db.connection import check_roles, connect
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.lanes import Lanes
from crm_graph.db.roles import APPLICATION_LOGIN, Role, RolesUnfit
from crm_graph.db.session import Database
from crm_graph.errors import ServiceUnavailable
from tests.conftest import blocking

EVERY = ", ".join(Role)


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crm-graph-tests-") as directory:
        yield Path(directory)


@pytest.fixture
def bare(directory: Path) -> Iterator[EmbeddedServer]:
    """A server of its own without the roles, as any other server is before us."""
    server = embedded.start(directory, durable=False)
    execute(server, f"DROP ROLE {EVERY}, {APPLICATION_LOGIN}")
    yield server
    server.stop()


def execute(server: EmbeddedServer, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.database_url("postgres", "postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    blocking(run())


async def works(url: str) -> None:
    """Write, read and look across with this login."""
    database = Database(url, 1)
    async with database.transaction(None, None, "test") as tx:
        assert await (await tx.raw()).fetchval("SELECT current_user::text") == Role.RUNTIME
    await database.dispose()
    for isolated in (False, True):
        await (await Lanes.open(url, 1, isolated=isolated)).close()
    await check_roles(url)


def test_a_data_directory_of_an_older_release_gets_them(directory: Path) -> None:
    server = embedded.start(directory, durable=False)
    execute(server, f"DROP ROLE {EVERY}, {APPLICATION_LOGIN}")
    server.stop()
    server = embedded.start(directory, durable=False)
    try:
        migrations.upgrade(server.url)
        for url in (server.url, server.application_url):
            blocking(works(url))
    finally:
        server.stop()


def test_a_login_that_may_make_roles_makes_them(bare: EmbeddedServer) -> None:
    execute(bare, "CREATE ROLE maker LOGIN CREATEROLE", "CREATE DATABASE made OWNER maker")
    url = bare.database_url("made", "maker")
    migrations.upgrade(url)
    blocking(works(url))
    # another login on the same server: it owns a database, the roles are there, and somebody else's
    execute(bare, "CREATE ROLE later LOGIN", "CREATE DATABASE later OWNER later")
    url = bare.database_url("later", "later")
    migrations.upgrade(url)
    with pytest.raises(ServiceUnavailable, match="docs/operations"):
        blocking(works(url))
    execute(bare, f"GRANT {EVERY} TO later WITH INHERIT FALSE, SET TRUE")
    blocking(works(url))


def test_a_login_that_may_not_is_told_what_to_have_run(bare: EmbeddedServer) -> None:
    execute(bare, 'CREATE ROLE "Plain login" LOGIN', 'CREATE DATABASE plain OWNER "Plain login"')
    url = bare.database_url("plain", "Plain%20login")
    with pytest.raises(migrations.MigrationFailed) as refused:
        migrations.upgrade(url)
    text = str(refused.value)
    assert "\n" not in text
    assert migrations.current(url) is None
    execute(bare, text[text.index("CREATE ROLE") : text.index(" Then migrate")])
    migrations.upgrade(url)
    blocking(works(url))


def test_separate_logins_migrate_and_run(bare: EmbeddedServer) -> None:
    execute(
        bare,
        "CREATE ROLE owner LOGIN CREATEROLE",
        "CREATE ROLE app LOGIN",
        "CREATE DATABASE apart OWNER owner",
    )
    migrations.upgrade(bare.database_url("apart", "owner"))
    execute(bare, f"GRANT {EVERY} TO app WITH INHERIT FALSE, SET TRUE")
    url = bare.database_url("apart", "app")
    blocking(works(url))
    assert migrations.current(url) == migrations.head()

    async def escape() -> None:
        connection = await connect(url, Role.RUNTIME)
        for statement in (
            "CREATE TEMP TABLE mine ()",
            "SET ROLE owner",
            "SET SESSION AUTHORIZATION owner",
            "ALTER TABLE customers ADD x int",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.close()

    blocking(escape())


def test_a_role_that_goes_round_policies_is_refused(bare: EmbeddedServer) -> None:
    migrations_url = bare.database_url("crm_graph", "postgres")
    migrations.upgrade(migrations_url)
    execute(bare, f"ALTER ROLE {Role.RUNTIME} BYPASSRLS")
    with pytest.raises(migrations.MigrationFailed, match="NOBYPASSRLS"):
        migrations.upgrade(migrations_url)
    with pytest.raises(RolesUnfit, match="NOBYPASSRLS"):
        blocking(check_roles(migrations_url))


def test_a_database_without_the_roles_is_unavailable_and_says_why(bare: EmbeddedServer) -> None:
    async def tried() -> None:
        database = Database(bare.url, 1)
        with pytest.raises(ServiceUnavailable, match="crm-graph migrate"):
            async with database.transaction(None, None, "test"):
                pass
        await database.dispose()
        with pytest.raises(ServiceUnavailable, match="crm-graph migrate"):
            await Lanes.open(bare.url, 1)
        with pytest.raises(ServiceUnavailable, match="crm-graph migrate"):
            await connect(bare.url, Role.READER)

    blocking(tried())
