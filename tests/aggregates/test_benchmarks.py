"""A declared aggregate tells of groups, never of one: over all there is, to callers who see little of it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.auth.levels import PARTNER, PUBLIC
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.schema.customers import Customer
from crm_graph.specs import Benchmark
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERY = "{ customerRevenueBenchmark { segment country atLeast median { amount currency } } }"
FEWEST = 5


@pytest.fixture(scope="module")
def changed_url(embedded_server: EmbeddedServer, small_demo_template: Demo) -> Iterator[str]:
    with clone(embedded_server, small_demo_template.template) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_api(changed_url: str, small_demo_template: Demo) -> AsyncIterator[Api]:
    async with running(changed_url, small_demo_template.data_dir, small_demo_template.personas) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def connection(changed_url: str) -> AsyncIterator[Any]:
    found = await asyncpg.connect(changed_url)
    yield found
    await found.close()


async def told(api: Api, persona: str) -> dict[tuple[str | None, str | None, str], tuple[Decimal, int]]:
    answer = await api.as_(persona)(QUERY)
    assert len(answer.sql) == 1
    return {
        (line["segment"], line["country"], line["median"]["currency"]): (
            Decimal(line["median"]["amount"]),
            line["atLeast"],
        )
        for line in answer.data["customerRevenueBenchmark"]
    }


def two_digits(value: Decimal) -> Decimal:
    return Decimal(f"{value:.1e}") if value else Decimal(0)


async def amounts(connection: Any) -> dict[tuple[str | None, str | None, str], list[Decimal]]:
    rows = await connection.fetch(
        "SELECT segment, country, currency, annual_revenue FROM customers WHERE annual_revenue IS NOT NULL"
        " AND organization_id = (SELECT id FROM organizations WHERE external_id = 'main') ORDER BY annual_revenue"
    )
    found: dict[tuple[str | None, str | None, str], list[Decimal]] = {}
    for row in rows:
        found.setdefault((row["segment"], row["country"], row["currency"]), []).append(row["annual_revenue"])
    return found


def medians(groups: Mapping[Any, list[Decimal]]) -> dict[Any, tuple[Decimal, int]]:
    """What is told of these groups."""
    return {
        key: (two_digits(values[(len(values) + 1) // 2 - 1]), len(values) // FEWEST * FEWEST)
        for key, values in groups.items()
        if len(values) >= FEWEST
    }


async def test_medians_of_groups_of_five_and_more_are_told_rounded(open_api: Api, connection: Any) -> None:
    expected = medians(await amounts(connection))
    assert 0 < len(expected) < len(await amounts(connection)), "some groups are told and some are not"
    assert await told(open_api, "administrator") == expected


async def test_who_sees_few_customers_is_told_of_the_others(open_api: Api, connection: Any) -> None:
    """The partner's representative sees some amounts; the medians are those of the rest, in groups of five and more."""
    visible = await open_api.as_("partner_rep")(
        "{ customers(first: 200) { nodes { segment country currency annualRevenue { amount } hiddenFields } } }"
    )
    rest = await amounts(connection)
    before = sum(map(len, rest.values()))
    for node in visible.data["customers"]["nodes"]:
        if node["annualRevenue"]:
            rest[node["segment"], node["country"], node["currency"]].remove(Decimal(node["annualRevenue"]["amount"]))
    assert sum(map(len, rest.values())) < before
    found = await told(open_api, "partner_rep")
    assert found == medians(rest)
    assert found != await told(open_api, "administrator")


@pytest.mark.parametrize("persona", ["customer", "storefront"])
async def test_below_its_level_it_is_denied_and_not_shown(open_api: Api, persona: str) -> None:
    answer = await open_api.as_(persona)(QUERY)
    assert answer.json["data"] == {"customerRevenueBenchmark": None}
    assert answer.codes == ["FIELD_ACCESS_DENIED"]
    assert answer.errors[0]["extensions"]["coordinate"] == "Query.customerRevenueBenchmark"
    assert answer.sql == ()
    schema = await open_api.request("GET", "/schema.graphql", headers=open_api.headers(persona))
    assert b"Benchmark" not in schema.body
    schema = await open_api.request("GET", "/schema.graphql", headers=open_api.headers("partner_rep"))
    assert b"customerRevenueBenchmark: [CustomerRevenueBenchmark!]" in schema.body


async def test_a_group_of_four_is_as_absent_and_so_is_one_filled_up_by_the_caller(
    open_api: Api, connection: Any
) -> None:
    """Who adds customers of their own to a group, whose amounts they know, gets at none of the others."""
    organization = await connection.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
    others = await connection.fetch(
        "SELECT id FROM customers WHERE organization_id = $1 AND annual_revenue IS NOT NULL"
        " AND owner_id IS NULL AND team_id IS NULL ORDER BY id LIMIT 5",
        organization,
    )
    if len(others) < 5:
        others = await connection.fetch(
            "UPDATE customers SET owner_id = NULL, team_id = NULL WHERE id IN (SELECT id FROM customers"
            " WHERE organization_id = $1 AND annual_revenue IS NOT NULL ORDER BY id LIMIT 5) RETURNING id",
            organization,
        )
    ids = [row["id"] for row in others]
    await connection.execute("DELETE FROM customer_shares WHERE customer_id = ANY($1)", ids)
    await connection.execute(
        "UPDATE customers SET country = 'IS', segment = 'ENTERPRISE', currency = 'EUR', annual_revenue = 4321098"
        " WHERE id = ANY($1)",
        ids[:4],
    )
    key = ("ENTERPRISE", "IS", "EUR")
    before = {persona: await told(open_api, persona) for persona in ("administrator", "sales_rep", "partner_rep")}
    assert not any(key in found for found in before.values())

    # the representative makes five customers of their own in it; four of others stay unknown
    create = """mutation ($name: String!, $amount: Decimal!) { createCustomer(input: {name: $name, country: "IS",
        segment: ENTERPRISE, annualRevenue: {amount: $amount, currency: "EUR"}}) { customer { id } userErrors { code } } }"""
    for number in range(5):
        answer = await open_api.as_("sales_rep")(create, {"name": f"Probe {number}", "amount": str(number)})
        assert answer.data["createCustomer"]["userErrors"] == []
    assert await told(open_api, "sales_rep") == before["sales_rep"]
    found = await told(open_api, "administrator")
    assert found[key][1] == 5, "who sees each amount anyhow is told of nine, as five and more"

    # with a fifth unknown one the group is told
    await connection.execute(
        "UPDATE customers SET country = 'IS', segment = 'ENTERPRISE', currency = 'EUR', annual_revenue = 4321098"
        " WHERE id = $1",
        ids[4],
    )
    assert (await told(open_api, "sales_rep"))[key] == (Decimal(4300000), 5), "what they made themselves has no part"
    assert (await told(open_api, "partner_rep"))[key][1] == 10, "to the partner all ten are unknown"

    # one record more shows in nothing
    await connection.execute(
        "INSERT INTO customers (organization_id, id, name, country, segment, currency, annual_revenue, kind, stage,"
        " version, created_at, updated_at) VALUES ($1, gen_random_uuid(), 'One more', 'IS', 'ENTERPRISE', 'EUR',"
        " 987654321, 'ORGANIZATION', 'PROSPECT', 1, now(), now())",
        organization,
    )
    assert (await told(open_api, "sales_rep"))[key] == (Decimal(4300000), 5)


async def test_it_takes_no_arguments(open_api: Api) -> None:
    for argument in (
        'filter: {name: {eq: "x"}}',
        "groupBy: [{segment: VALUE}]",
        'asOf: "2025-01-01T00:00:00Z"',
        "first: 3",
    ):
        answer = await open_api.as_("partner_rep")(f"{{ customerRevenueBenchmark({argument}) {{ atLeast }} }}")
        assert set(answer.codes) == {"GRAPHQL_VALIDATION_FAILED"}
        assert not answer.sql


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (Benchmark(("segment",), "notes", PARTNER, "x"), "no readable amount"),
        (Benchmark(("segment",), "nothing", PARTNER, "x"), "no readable amount"),
        (Benchmark(("name",), "credit_limit", PARTNER, "x"), "no readable choice or code"),
        (Benchmark(("owner_id",), "credit_limit", PARTNER, "x"), "no readable choice or code"),
        (Benchmark(("segment",), "credit_limit", PUBLIC, "x"), "not all see"),
        (Benchmark(("segment",), "annual_revenue", PARTNER, "x"), "subtracted"),
    ],
)
async def test_a_declaration_that_could_tell_too_much_is_refused(declared: Benchmark, said: str) -> None:
    fault = declared.fault(Customer.__specs__, list(Customer.__benchmarks__.values()))
    assert fault is not None
    assert said in fault[0]
    sound = Benchmark(("segment", "stage"), "credit_limit", PARTNER, "x")
    assert sound.fault(Customer.__specs__, list(Customer.__benchmarks__.values())) is None
