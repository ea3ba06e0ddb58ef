"""Organisations are apart in the database: roles that own nothing, row-level security, keys that hold the organisation."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth import sessions
from crm_graph.db.connection import connect
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.db.roles import APPLICATION_LOGIN, Role
from crm_graph.db.session import Database

DENIED = asyncpg.InsufficientPrivilegeError
CUSTOMER = (
    "INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, stage, currency, credit_limit)"
    " VALUES ($1, $2, 1, now(), now(), $3, 'PERSON', 'CUSTOMER', 'EUR', 10)"
)
KEYS_WITHOUT_ORGANIZATION = {
    "organizations.uq_organizations_id": "an organisation's id is its organisation",
    "sessions.uq_sessions_token_hash": "a token carries no organisation: its hash finds it",
    "api_keys.uq_api_keys_token_hash": "a token carries no organisation: its hash finds it",
    "outbox_events.uq_outbox_events_sequence": "events are delivered in one order over all organisations",
}
"""Unique keys that hold for all organisations together, and why. Whoever adds one says why here."""


@dataclass
class World:
    """Two organisations with a customer and a user each; `url` is of the owner, `login` of who may take the roles only."""

    url: str
    login: str
    one: UUID
    other: UUID
    customers: dict[UUID, UUID]
    users: dict[UUID, UUID]
    database: Database


@pytest.fixture
async def world(embedded_server: EmbeddedServer, database_url: str) -> AsyncIterator[World]:
    admin = await asyncpg.connect(database_url)
    organizations, customers, users = (uuid7(), uuid7()), {}, {}
    for organization in organizations:
        customers[organization], users[organization] = uuid7(), uuid7()
        await admin.execute(
            "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
            " VALUES ($1, $1, 1, now(), now(), 'Acme', 'EUR', '{}')",
            organization,
        )
        await admin.execute(CUSTOMER, organization, customers[organization], "Ada")
        await admin.execute(
            "INSERT INTO users (organization_id, id, version, created_at, updated_at, name, status, roles)"
            " VALUES ($1, $2, 1, now(), now(), 'Ada', 'ACTIVE', '{}')",
            organization,
            users[organization],
        )
    await admin.close()
    login = embedded_server.database_url(database_url.rpartition("@/")[2].partition("?")[0], APPLICATION_LOGIN)
    database = Database(login, 2)
    yield World(database_url, login, *organizations, customers, users, database)
    await database.dispose()


async def test_every_table_of_an_organisation_is_isolated(database_url: str) -> None:
    """No table is forgotten: the end of each migration isolates whatever has the column."""
    admin = await asyncpg.connect(database_url)
    found = await admin.fetch(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS forced,"
        " (SELECT json_object_agg(p.polname, pg_get_expr(p.polqual, p.polrelid) ORDER BY p.polname) FROM pg_policy p"
        "   WHERE p.polrelid = c.oid)::text AS policies,"
        " (SELECT json_object_agg(r, (SELECT json_agg(a.privilege_type ORDER BY a.privilege_type) FROM aclexplode(c.relacl) a"
        "   WHERE a.grantee = r::regrole)) FROM unnest($1::text[]) r)::text AS granted"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'"
        " WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
        [role.value for role in Role],
    )
    others = await admin.fetch(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND relnamespace = 'public'::regnamespace AND relname <> ALL($1)",
        [row["relname"] for row in found],
    )
    await admin.close()
    assert {row["relname"] for row in found} >= {
        "customers",
        "customers_history",
        "audit_entries",
        "sessions",
        "api_keys",
    }
    assert [row["relname"] for row in found if not row["forced"]] == []
    policies = {row["policies"] for row in found}
    assert len(policies) == 1, "all tables have the same policies"
    assert set(json.loads(policies.pop())) == {"crm_organization", "crm_reader", "crm_owner"}
    for row in found:
        granted = json.loads(row["granted"])
        only_added = row["relname"] == "audit_entries"
        assert granted[Role.RUNTIME] == (
            ["INSERT", "SELECT"] if only_added else ["DELETE", "INSERT", "SELECT", "UPDATE"]
        )
        assert granted[Role.READER] == granted[Role.BOUND_READER] == ["SELECT"]
    assert [row["relname"] for row in others] == ["alembic_version"], "a table without organisation is seen by all"


async def test_every_key_between_organisations_tables_holds_the_organisation(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    unique = await admin.fetch(
        "SELECT i.indrelid::regclass || '.' || i.indexrelid::regclass AS name FROM pg_index i"
        " JOIN pg_attribute o ON o.attrelid = i.indrelid AND o.attname = 'organization_id'"
        " JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace"
        " WHERE (i.indisunique OR i.indisprimary OR i.indisexclusion) AND NOT o.attnum = ANY(i.indkey)"
    )
    foreign = await admin.fetch(
        "SELECT k.conrelid::regclass || '.' || k.conname AS name, k.confrelid::regclass::text AS target,"
        " k.conkey = ARRAY[o.attnum] AS only, EXISTS (SELECT FROM unnest(k.conkey, k.confkey) AS pair(mine, theirs)"
        "   WHERE pair.mine = o.attnum AND pair.theirs = t.attnum) AS composite"
        " FROM pg_constraint k JOIN pg_attribute o ON o.attrelid = k.conrelid AND o.attname = 'organization_id'"
        " LEFT JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attname = 'organization_id'"
        " WHERE k.contype = 'f'"
    )
    await admin.close()
    assert {row["name"] for row in unique} == set(KEYS_WITHOUT_ORGANIZATION)
    assert len(foreign) > 40
    # the organisation itself is referred to by its id, which is the organisation
    wrong = [
        row["name"]
        for row in foreign
        if not row["composite"] and (row["target"], row["only"]) != ("organizations", True)
    ]
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
async def test_no_role_owns_or_changes_the_schema(world: World, role: Role) -> None:
    connection = await connect(world.login, role)
    for statement in (
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "ALTER TABLE customers ADD mine int",
        "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE customers DISABLE TRIGGER ALL",
        "DROP POLICY crm_organization ON customers",
        "CREATE POLICY mine ON customers USING (true)",
        "DROP TABLE customers",
        "TRUNCATE customers",
        "SELECT crm_isolate('customers')",
        "SET session_replication_role = replica",
        "CREATE ROLE mine",
        f"ALTER ROLE {role} BYPASSRLS",
        "SET ROLE crm_graph",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT set_config('role', 'crm_graph', true)",
    ):
        with pytest.raises(DENIED):
            await connection.execute(statement)
    assert await connection.fetchrow("SELECT session_user::text, current_user::text") == (APPLICATION_LOGIN, role)
    row = await connection.fetchrow(
        "SELECT rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = $1",
        role,
    )
    assert row == (False,)
    await connection.close()


async def test_the_login_alone_sees_nothing(world: World) -> None:
    connection = await connect(world.login, None)
    with pytest.raises(DENIED):
        await connection.fetch("SELECT 1 FROM customers")
    await connection.close()


async def test_without_an_organisation_nothing_is_seen_or_written(world: World) -> None:
    async with world.database.transaction(None, None, "test") as tx:
        raw = await tx.raw()
        for table in ("customers", "customers_history", "users", "organizations", "audit_entries", "sessions"):
            assert await raw.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await raw.execute("UPDATE customers SET name = 'Eve'") == "UPDATE 0"
        assert await raw.execute("DELETE FROM customers") == "DELETE 0"
        with pytest.raises(DENIED):
            async with raw.transaction():
                await raw.execute(CUSTOMER, world.one, uuid7(), "Eve")


async def test_one_organisation_is_nothing_to_another(world: World) -> None:
    """Hand-written SQL that forgets the organisation altogether."""
    one, other = world.one, world.other
    theirs = world.customers[other]
    async with world.database.transaction(one, None, "test") as tx:
        raw = await tx.raw()
        assert [r["id"] for r in await raw.fetch("SELECT id FROM customers")] == [world.customers[one]]
        assert await raw.fetchval("SELECT count(*) FROM customers_history") == 1
        assert await raw.execute("UPDATE customers SET name = 'Eve' WHERE id = $1", theirs) == "UPDATE 0"
        assert await raw.execute("UPDATE customers SET version = version + 1, name = 'Bea'") == "UPDATE 1"
        assert await raw.execute("DELETE FROM customers WHERE id = $1", theirs) == "DELETE 0"
        for refused in (
            (CUSTOMER, other, uuid7(), "Eve"),
            ("UPDATE customers SET organization_id = $1", other),
            ("UPDATE customers_history SET organization_id = $1", other),
        ):
            with pytest.raises(DENIED, match="row-level security"):
                async with raw.transaction():
                    await raw.execute(*refused)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with raw.transaction():
                await raw.execute("UPDATE customers SET owner_id = $1", world.users[other])
        with pytest.raises(DENIED):  # not even a key that is taken over there can be tried
            async with raw.transaction():
                await raw.execute(
                    f"{CUSTOMER} ON CONFLICT (organization_id, id) DO UPDATE SET name = 'Eve'", other, theirs, "Eve"
                )
    admin = await asyncpg.connect(world.url)
    assert await admin.fetchval("SELECT name FROM customers WHERE id = $1", theirs) == "Ada"
    await admin.close()


async def test_triggers_work_for_who_writes(world: World) -> None:
    """History, the announcement of changed callers, a host that another organisation has."""
    heard: list[str] = []
    listener = await connect(world.login, Role.BOUND_READER)
    await listener.add_listener("crm_callers", lambda *notice: heard.append(str(notice[3])))
    async with world.database.transaction(world.other, None, "test") as tx:
        await (await tx.raw()).execute("UPDATE organizations SET hosts = '{acme.test}'")
    async with world.database.transaction(world.one, world.users[world.one], "test") as tx:
        raw = await tx.raw()
        await raw.execute("UPDATE customers SET name = 'Bea'")
        await raw.execute("UPDATE users SET roles = '{administrator}'")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with raw.transaction():
                await raw.execute("UPDATE organizations SET hosts = '{ACME.test:80}'")
        assert await raw.fetchval("SELECT current_setting('crm.organization_id')") == str(world.one)
        await raw.execute("UPDATE organizations SET hosts = '{other.test}'")
        assert await raw.fetchval("SELECT current_setting('crm.organization_id')") == str(world.one)
        assert await raw.fetchval("SELECT count(*) FROM organizations") == 1
        await raw.execute("DELETE FROM customers")
    async with world.database.transaction(world.one, None, "test") as tx:
        history = await (await tx.raw()).fetch(
            "SELECT name, history_deleted, history_actor_id FROM customers_history ORDER BY history_from, history_deleted"
        )
    assert [row["name"] for row in history] == ["Ada", "Bea"]
    assert history[-1]["history_deleted"]
    assert history[-1]["history_actor_id"] == world.users[world.one]
    await listener.execute("SELECT 1")
    assert str(world.one) in heard
    await listener.close()


async def test_an_owner_is_held_to_the_organisation_it_binds(embedded_server: EmbeddedServer, world: World) -> None:
    """One as other servers have, without BYPASSRLS. Unbound it works on all, as migrations must; bound, FORCE holds it."""
    database = world.url.rpartition("@/")[2].partition("?")[0]
    admin = await asyncpg.connect(embedded_server.database_url(database, "postgres"))
    await admin.execute(
        "DROP ROLE IF EXISTS some_owner; CREATE ROLE some_owner LOGIN; ALTER TABLE customers OWNER TO some_owner;"
        " GRANT INSERT ON customers_history TO some_owner; SELECT crm_isolate_all()"
    )
    await admin.close()
    admin = await asyncpg.connect(embedded_server.database_url(database, "some_owner"))
    assert await admin.fetchval("SELECT count(*) FROM customers") == 2
    await admin.execute("SELECT set_config('crm.organization_id', $1, false)", str(world.one))
    assert await admin.fetchval("SELECT count(*) FROM customers") == 1
    with pytest.raises(DENIED):
        await admin.execute(CUSTOMER, world.other, uuid7(), "Eve")
    await admin.close()


async def test_the_end_of_a_migration_isolates_what_is_not(embedded_server: EmbeddedServer, world: World) -> None:
    database = world.url.rpartition("@/")[2].partition("?")[0]
    admin = await asyncpg.connect(embedded_server.database_url(database, "postgres"))
    await admin.execute(
        "CREATE TABLE news (organization_id uuid, id uuid); ALTER TABLE teams DISABLE ROW LEVEL SECURITY;"
        " DROP POLICY crm_organization ON partners; ALTER TABLE products OWNER TO postgres; SELECT crm_isolate_all()"
    )
    found = await admin.fetch(
        "SELECT c.relname, array_agg(p.polname::text ORDER BY p.polname::text), bool_and(p.polname <> 'crm_owner'"
        " OR p.polroles = ARRAY[c.relowner]) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE c.relrowsecurity AND c.relforcerowsecurity AND c.relname IN ('news', 'teams', 'partners', 'products')"
        " GROUP BY 1 ORDER BY 1"
    )
    await admin.close()
    policies = ["crm_organization", "crm_owner", "crm_reader"]
    assert [tuple(row) for row in found] == [
        (name, policies, True) for name in ("news", "partners", "products", "teams")
    ]


@pytest.mark.parametrize("role", [Role.READER, Role.BOUND_READER])
async def test_readers_write_nothing(world: World, role: Role) -> None:
    connection = await connect(world.login, role)
    await connection.execute("SELECT set_config('crm.organization_id', $1, false)", str(world.one))
    for statement in (
        "UPDATE customers SET name = 'Eve'",
        "DELETE FROM customers",
        f"INSERT INTO audit_entries (organization_id, id) VALUES ('{world.one}', gen_random_uuid())",
        "SELECT 1 FROM customers FOR UPDATE",
    ):
        with pytest.raises(DENIED):
            await connection.execute(statement)
    assert await connection.fetchval("SELECT count(*) FROM customers") == (2 if role is Role.READER else 1)
    await connection.close()


async def test_audit_entries_are_only_added(world: World) -> None:
    """Whoever gets hold of the application adds to what is on record, and takes nothing away."""
    connection = await connect(world.login, Role.RUNTIME)
    await connection.execute("SELECT set_config('crm.organization_id', $1, false)", str(world.one))
    await connection.execute(
        "INSERT INTO audit_entries (organization_id, id, actor_kind, channel, action, entity, row_id, changes)"
        " VALUES ($1, $1, 'staff', 'test', 'update', 'Customer', $2, '{}')",
        world.one,
        world.customers[world.one],
    )
    for statement in (
        "UPDATE audit_entries SET action = 'delete'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
        (
            f"INSERT INTO audit_entries SELECT * FROM audit_entries WHERE id = '{world.one}'"
            " ON CONFLICT (organization_id, id) DO UPDATE SET changes = '{}'"
        ),
    ):
        with pytest.raises(DENIED):
            await connection.execute(statement)
    assert await connection.fetchval("SELECT action FROM audit_entries") == "update"
    await connection.close()


async def test_isolated_reads_see_the_organisation_of_each_statement(world: World) -> None:
    lanes = await Lanes.open(world.login, 1, isolated=True)
    count, everything = "SELECT to_json(count(*)) FROM customers", "SELECT to_json(array_agg(id)) FROM customers"
    try:
        for organization in (world.one, world.other, world.other, world.one):
            found = await lanes.fetch(Lane.AUTO, everything, [], organization)
            assert found == f'["{world.customers[organization]}"]'.encode()
        assert await lanes.fetch(Lane.AUTO, count, []) == b"0"
        assert await lanes.fetch(Lane.AUTO, count, [], world.one) == b"1"
    finally:
        await lanes.close()


async def test_isolated_reads_find_the_organisation_of_a_token_and_a_host_and_no_more(world: World) -> None:
    async with world.database.transaction(world.one, None, "test") as tx:
        await (await tx.raw()).execute("UPDATE organizations SET hosts = '{Acme.test}'")
        token = await sessions.create(tx, world.one, world.users[world.one], hours=1, user_agent="", address="")
    connection = await connect(world.login, Role.BOUND_READER)
    assert await connection.fetchval("SELECT crm_organization_of_host('acme.test')") == world.one
    assert await connection.fetchval("SELECT crm_organization_of_host('other.test')") is None
    found = await connection.fetchval("SELECT crm_organization_of_token(sha256(convert_to($1, 'UTF8')))", token)
    assert found == world.one
    assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
    await connection.close()
    runtime = await connect(world.login, Role.RUNTIME)
    for asked in ("crm_organization_of_host('acme.test')", "crm_organization_of_token('\\x00')"):
        with pytest.raises(DENIED):
            await runtime.fetchval(f"SELECT {asked}")
    await runtime.close()


INDEXED = {
    "numeric": "credit_limit BETWEEN 1 AND 2",
    "text pattern": "name LIKE 'Ada%'",
    "full text": "to_tsvector('simple', name) @@ to_tsquery('simple', 'ada')",
    "uuid": "id = '00000000-0000-0000-0000-000000000001'",
}
BITMAPS = {"enable_seqscan": "off", "enable_indexscan": "off", "enable_indexonlyscan": "off"}


@pytest.mark.parametrize("kind", INDEXED)
async def test_a_policy_that_is_true_costs_no_index(world: World, kind: str) -> None:
    """Why compiled reads work as the reader: a real policy lets indexes serve leakproof operators only."""
    admin = await asyncpg.connect(world.url)
    await admin.execute("CREATE INDEX ON customers (credit_limit); CREATE INDEX ON customers (name text_pattern_ops)")
    await admin.execute("CREATE INDEX ON customers USING gin (to_tsvector('simple', name))")
    await admin.close()
    plans = {}
    for role in (Role.READER, Role.BOUND_READER):
        connection = await connect(world.login, role, **BITMAPS)
        await connection.execute("SELECT set_config('crm.organization_id', $1, false)", str(world.one))
        lines = await connection.fetch(f"EXPLAIN (COSTS OFF) SELECT 1 FROM customers WHERE {INDEXED[kind]}")
        plans[role] = [line[0].strip() for line in lines]
        await connection.close()
    column = INDEXED[kind].split()[0].partition("(")[0]
    assert any("Cond" in line and column in line for line in plans[Role.READER]), plans
    assert not any("Filter" in line and "crm" in line for line in plans[Role.READER]), plans
    kept = any("Index Cond" in line and column in line for line in plans[Role.BOUND_READER])
    assert kept == (kind == "uuid"), plans
