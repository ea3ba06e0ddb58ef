"""Loading: once, with history, into nobody else's database; and personas that work and see what they should."""

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from graphql import parse, validate

from crm_graph import demo, resolvers
from crm_graph.auth import tokens
from crm_graph.demo import generate, load, personas
from crm_graph.demo.business import Size
from crm_graph.demo.rows import Rows
from crm_graph.demo.samples import samples
from crm_graph.entity import REGISTRY, table_name
from crm_graph.graph.types import full_schema
from crm_graph.schema.shares import CustomerShare
from tests.conftest import blocking

DECLARED = resolvers
"""Imported for the mutations it declares."""
SIZE = Size(customers=400, orders=900, opportunities=200, tickets=150, reps=6, agents=2)
MAKERS: dict[str, Callable[[], Rows]] = {"main": lambda: generate.main(SIZE), "second": generate.second}


@pytest.fixture(scope="module")
def loaded(module_database_url: str) -> str:
    blocking(load.load(module_database_url, MAKERS))
    return module_database_url


async def test_what_the_database_sums_the_demo_has_summed(loaded: str) -> None:
    """Twice told: sums by Python, and by triggers, which leave a second version of what they correct."""
    for table in ("orders", "returns"):
        (row,) = await fetch(loaded, f"SELECT count(*) AS rows, max(version) AS last FROM {table}")
        assert row["rows"] > 0
        assert row["last"] == 1


async def fetch(url: str, sql: str, *args: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


async def test_every_row_arrives_with_its_history(loaded: str) -> None:
    made = [MAKERS["main"](), MAKERS["second"]()]
    for name, entity in REGISTRY.items():
        table = table_name(entity)
        [row] = await fetch(
            loaded,
            f"SELECT (SELECT count(*) FROM {table}) AS now, (SELECT count(*) FROM {table}_history) AS then,"
            f" (SELECT array_agg(DISTINCT history_channel) FROM {table}_history) AS channels",
        )
        expected = sum(len(rows.of[name]) for rows in made)
        if entity is CustomerShare:  # the database adds those that coverages come to
            [kept] = await fetch(loaded, "SELECT count(*) AS shares FROM customer_shares WHERE coverage_id IS NOT NULL")
            assert kept["shares"] > 0
            expected += kept["shares"]
        assert (row["now"], row["then"], row["channels"]) == (expected, expected, ["demo"] if expected else None), name


async def test_what_is_to_happen_by_itself_does(loaded: str) -> None:
    kinds = "('deal_registration.answer', 'deal_registration.expire', 'lead_offer.expire')"
    found = await fetch(loaded, f"SELECT kind, count(*) AS number FROM timers WHERE kind IN {kinds} GROUP BY kind")
    assert len(found) == 3


async def test_the_second_start_loads_nothing(loaded: str) -> None:
    before = await fetch(loaded, "SELECT count(*) FROM customers_history")
    assert await load.load(loaded, MAKERS) == []
    assert await fetch(loaded, "SELECT count(*) FROM customers_history") == before


async def test_two_starts_at_once_load_it_once(database_url: str) -> None:
    both = await asyncio.gather(load.load(database_url, MAKERS), load.load(database_url, MAKERS))
    assert sorted(both) == [[], ["main", "second"]]


async def test_a_failed_load_leaves_nothing_and_is_made_up_for(database_url: str) -> None:
    def broken() -> Rows:
        rows = generate.second()
        rows.of["Ticket"][-1]["customer_id"] = uuid4()
        return rows

    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await load.load(database_url, {"main": MAKERS["main"], "second": broken})
    found = await fetch(database_url, "SELECT external_id FROM organizations")
    assert [row["external_id"] for row in found] == ["main"]
    assert await load.load(database_url, MAKERS) == ["second"]


@pytest.mark.parametrize("source", [None, "demo"])
async def test_it_refuses_a_database_that_is_not_its_own(database_url: str, tmp_path: Path, source: str | None) -> None:
    await fetch(
        database_url,
        "INSERT INTO organizations"
        " (organization_id, id, version, created_at, updated_at, name, currency, hosts, source, external_id)"
        " VALUES ($1, $1, 1, now(), now(), 'Real Business', 'EUR', '{}', $2, $3)",
        uuid4(),
        source,
        "theirs" if source else None,
    )
    with pytest.raises(load.DatabaseNotOurs, match="Real Business") as refused:
        await asyncio.to_thread(demo.ensure, database_url, tmp_path)
    assert refused.value.code == "DATABASE_NOT_DEMO"
    assert len(await fetch(database_url, "SELECT FROM organizations")) == 1
    assert await fetch(database_url, "SELECT FROM customers UNION ALL SELECT FROM api_keys") == []
    assert not (tmp_path / personas.FILE).exists()


async def test_it_says_when_there_are_no_tables(functions_url: str) -> None:
    with pytest.raises(load.DatabaseNotMigrated):
        await load.load(functions_url, MAKERS)


async def test_personas_are_written_for_their_owner_and_stay(loaded: str, tmp_path: Path) -> None:
    made = await personas.ensure(loaded, tmp_path)
    assert [one["key"] for one in made] == [
        "administrator",
        "sales_manager",
        "sales_rep",
        "service_agent",
        "partner_rep",
        "partner_admin",
        "other_partner_rep",
        "customer",
        "storefront",
    ]
    assert stat.S_IMODE((tmp_path / personas.FILE).stat().st_mode) == 0o600
    assert json.loads((tmp_path / personas.FILE).read_text()) == made == await personas.ensure(loaded, tmp_path)
    assert made[-1]["token"] == made[-1]["password"] == ""
    assert len({one["token"] for one in made}) == 9
    assert {one["organization"] for one in made} == {"Helvara Energie"}
    assert all(one["token"] in personas.table(made) for one in made)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"key": "administrator"}]', "null"])
async def test_a_spoilt_file_is_replaced_and_the_old_tokens_end(loaded: str, tmp_path: Path, text: str) -> None:
    old = await personas.ensure(loaded, tmp_path)
    (tmp_path / personas.FILE).write_text(text)
    new = await personas.ensure(loaded, tmp_path)
    assert {one["token"] for one in old} & {one["token"] for one in new} == {""}
    working = "SELECT FROM api_keys WHERE token_hash = ANY($1) AND revoked_at IS NULL AND expires_at > now()"
    digests = [[tokens.digest(one["token"].encode()) for one in some[:-1]] for some in (old, new)]
    assert [len(await fetch(loaded, working, some)) for some in digests] == [0, 8]


async def test_tokens_of_another_database_are_replaced(loaded: str, tmp_path: Path) -> None:
    made = await personas.ensure(loaded, tmp_path)
    made[0]["token"] = "crm_key_00000000_" + "0" * 43
    (tmp_path / personas.FILE).write_text(json.dumps(made))
    assert (await personas.ensure(loaded, tmp_path))[0]["token"] != made[0]["token"]
    assert [path.name for path in tmp_path.iterdir()] == [personas.FILE]


REACH = """
WITH me AS (
    SELECT * FROM users WHERE name = $1 AND organization_id = (SELECT id FROM organizations WHERE external_id = 'main')
)
SELECT (SELECT count(*) FROM customers c, me WHERE c.owner_id = me.id) AS own,
       (SELECT count(*) FROM customers c, me
         WHERE c.team_id = me.team_id AND c.owner_id IS DISTINCT FROM me.id) AS team,
       (SELECT count(*) FROM customers c, me WHERE c.team_id IS DISTINCT FROM me.team_id) AS others,
       ARRAY(SELECT c.name FROM me, customer_shares s JOIN customers c ON c.id = s.customer_id
              WHERE s.grantee_id IN (me.id, me.partner_id)
                AND s.valid_from <= now() AND s.valid_until > now()) AS shared,
       (SELECT count(*) FROM customer_shares s, me
         WHERE s.grantee_id = me.id AND s.valid_until <= now()) AS expired
"""


async def test_callers_reach_what_the_story_says(loaded: str) -> None:
    [rep] = await fetch(loaded, REACH, personas.NAMES["sales_rep"])
    assert min(rep["own"], rep["team"], rep["others"], len(rep["shared"])) >= 5
    assert rep["expired"] == 1
    partners = [
        set((await fetch(loaded, REACH, personas.NAMES[key]))[0]["shared"])
        for key in ("partner_rep", "other_partner_rep")
    ]
    assert partners[0] & partners[1] == {generate.SHARED_CUSTOMER}
    assert min(len(partners[0]), len(partners[1])) >= 3


async def test_the_customer_persona_has_something_of_everything(loaded: str) -> None:
    [found] = await fetch(
        loaded,
        "WITH me AS (SELECT customer_id AS id FROM users WHERE name = $1 AND organization_id ="
        "  (SELECT id FROM organizations WHERE external_id = 'main'))"
        " SELECT (SELECT count(*) FROM orders o, me WHERE o.customer_id = me.id) AS orders,"
        " (SELECT count(*) FROM proposals p, me WHERE p.customer_id = me.id AND p.status = 'SENT') AS proposals,"
        " (SELECT count(*) FROM tickets t, me WHERE t.customer_id = me.id) AS tickets,"
        " (SELECT count(*) FROM tickets t JOIN ticket_messages m ON m.ticket_id = t.id, me"
        "   WHERE t.customer_id = me.id AND NOT m.public) AS notes",
        generate.CUSTOMER_PERSONA,
    )
    assert found["orders"] >= 3
    assert found["proposals"] >= 1
    assert found["tickets"] >= 2
    assert found["notes"] >= 1


async def test_samples_fit_the_schema(loaded: str) -> None:
    schema = full_schema()
    for sample in await samples(loaded):
        assert validate(schema, parse(sample["query"])) == [], sample["title"]


async def test_samples_name_records_that_exist(loaded: str) -> None:
    found = await samples(loaded)
    assert 6 <= len(found) <= 12
    for sample in found:
        assert all(sample["variables"].values()), sample["title"]
    [row] = await fetch(
        loaded,
        "SELECT name FROM customers WHERE 'cus_' || encode(uuid_send(id), 'hex') = $1",
        found[1]["variables"]["id"],
    )
    assert row["name"] == generate.SHARED_CUSTOMER
