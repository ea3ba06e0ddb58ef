"""Filtering and ordering by a custom field reads its index: the plans PostgreSQL makes on some thousands of rows."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from crm_graph import schema  # noqa: F401 - declares the model
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.classification import Classification, CustomField
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.levels import CONFIDENTIAL
from crm_graph.auth.policy import resolved
from crm_graph.graph.documents import Documents, Full
from crm_graph.graph.known_fields import extended
from crm_graph.graph.limits import Limits
from crm_graph.graph.types import full_schema
from crm_graph.plan.access.custom import known
from crm_graph.plan.compile import Compiler
from crm_graph.slots import FAMILIES, KINDS

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORGANIZATION = "00000000-0000-7000-8000-000000000001"
ROWS = 6_000
FILL = {
    "text": "'Text ' || (g * 7919 % 5000)",
    "number": "g * 7919 % 5000",
    "date": "DATE '2000-01-01' + g * 7919 % 5000",
    "time": "TIMESTAMPTZ '2000-01-01Z' + make_interval(hours => g * 7919 % 5000)",
    "flag": "g % 500 < 3",
}
OF_FAMILY = {"text": "STRING", "number": "DECIMAL", "date": "DATE", "time": "DATE_TIME", "flag": "BOOLEAN"}
FIELDS = tuple(
    CustomField(
        "Customer", f"x{f.name.title()}", OF_FAMILY[f.name], f.slots()[1], "d", CONFIDENTIAL, CONFIDENTIAL, True, True
    )
    for f in FAMILIES
)
POLICY = resolved(ROLES, frozenset({"administrator"}), None, Classification.of({}, FIELDS))
ACTOR = Actor(UUID(ORGANIZATION), ActorKind.STAFF, POLICY)
SOME = {"text": '"Text 77"', "number": '"77"', "date": '"2000-03-18"', "time": '"2000-01-04T05:00:00Z"', "flag": "true"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def documents() -> Any:
    shipped = full_schema()
    return Documents(shipped, Limits()), Full("x", extended(shipped, known(POLICY)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def filled(module_database_url: str) -> str:
    """Customers of which every third has values; both plans' statistics are there."""
    connection = await asyncpg.connect(module_database_url)
    slots = ", ".join(f.column for f in FIELDS)
    values = ", ".join(f"CASE WHEN g % 3 = 0 THEN {FILL[f.name]} END" for f in FAMILIES)
    await connection.execute(
        "INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)"
        f" VALUES ('{ORGANIZATION}', '{ORGANIZATION}', 1, now(), now(), 'T', 'EUR', '{{}}')"
    )
    await connection.execute(
        f"INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, stage, currency, {slots})"
        f" SELECT '{ORGANIZATION}', gen_random_uuid(), 1, now(), now(), 'C ' || g, 'PERSON', 'PROSPECT', 'EUR', {values}"
        f" FROM generate_series(1, {ROWS}) g"
    )
    await connection.execute("VACUUM ANALYZE customers")
    await connection.close()
    return module_database_url


async def run(url: str, documents: Any, text: str, prefix: str = "") -> Any:
    """What the statement of an operation answers, run as the generic plan that a lane makes."""
    known_documents, full = documents
    operation = await known_documents.operation(text, None, full)
    statement = Compiler(POLICY, b"secret", 1000).query(operation.roots(()))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan; SET jit = off")
        values = [source([], ACTOR) for source in statement.sources]
        return json.loads(await connection.fetchval(f"{prefix}{statement.sql}", *values))
    finally:
        await connection.close()


async def plan_of(url: str, documents: Any, text: str) -> list[dict[str, Any]]:
    """The nodes of the plan that runs an operation."""
    return nodes((await run(url, documents, text, "EXPLAIN (ANALYZE, FORMAT JSON) "))[0]["Plan"])


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(below for one in plan.get("Plans", []) for below in nodes(one))]


def read(plan: list[dict[str, Any]]) -> float:
    """How many rows the plan took from the table, those it threw away included."""
    scans = [n for n in plan if n.get("Relation Name") == "customers"]
    return sum((n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"] for n in scans)


def uses(plan: list[dict[str, Any]], field: CustomField) -> bool:
    return any(n.get("Index Name") == f"ix_customers_{field.column}" for n in plan)


@pytest.mark.parametrize("number", range(len(FIELDS)), ids=[f.name for f in FAMILIES])
async def test_a_filter_reads_the_index(filled: str, documents: Any, number: int) -> None:
    field, family = FIELDS[number], FAMILIES[number].name
    conditions = [f"eq: {SOME[family]}"]
    if family != "flag":
        conditions += [f"in: [{SOME[family]}]", f"between: {{from: {SOME[family]}, to: {SOME[family]}}}"]
    if family == "text":
        conditions += ['startsWith: "text 77"']
    for condition in conditions:
        plan = await plan_of(
            filled, documents, f"{{ customers(filter: {{{field.name}: {{{condition}}}}}) {{ nodes {{ id }} }} }}"
        )
        assert uses(plan, field), (condition, plan)
        assert read(plan) < 200, condition


@pytest.mark.parametrize("direction", ["ASC", "DESC", "DESC_NULLS_FIRST", "ASC_NULLS_FIRST"])
@pytest.mark.parametrize("number", range(len(FIELDS)), ids=[f.name for f in FAMILIES])
async def test_a_page_in_its_order_reads_the_index(filled: str, documents: Any, number: int, direction: str) -> None:
    field = FIELDS[number]
    text = (
        f"{{ customers(first: 20 AFTER orderBy: [{{{field.name}: {direction}}}])"
        f" {{ nodes {{ id {field.name} }} pageInfo {{ endCursor }} }} }}"
    )
    filled_rows = ROWS // 3
    offsets = {"the start": 0, "filled rows": 900, "the seam": filled_rows - 10, "empty rows": filled_rows + 900}
    if direction.endswith("FIRST"):
        offsets = {"the start": 0, "empty rows": 900, "the seam": ROWS - filled_rows - 10, "filled rows": ROWS - 900}
    starts = {direction.endswith("FIRST")}
    empty = {"the start": starts, "filled rows": {False}, "the seam": {True, False}, "empty rows": {True}}
    for where, offset in offsets.items():
        after = f', after: "{await cursor_at(filled, documents, field, direction, offset)}"' if offset else ""
        asked = text.replace(" AFTER", after + ",")
        values = [n[field.name] for n in (await run(filled, documents, asked))["nodes"]]
        assert {v is None for v in values} == empty[where]
        plan = await plan_of(filled, documents, asked)
        assert uses(plan, field) or None in values
        assert read(plan) < 300, (where, [n for n in plan if "Relation Name" in n])


async def cursor_at(url: str, documents: Any, field: CustomField, direction: str, offset: int) -> str:
    """The cursor of the row after which `offset` rows have been read."""
    cursor = ""
    while offset > 0:
        size, after = min(offset, 200), f', after: "{cursor}"' if cursor else ""
        text = (
            f"{{ customers(first: {size}{after}, orderBy: [{{{field.name}: {direction}}}])"
            " { pageInfo { endCursor } } }"
        )
        cursor = (await run(url, documents, text))["pageInfo"]["endCursor"]
        offset -= size
    return cursor


async def test_every_slot_has_its_index(module_database_url: str) -> None:
    connection = await asyncpg.connect(module_database_url)
    found = {
        row[0]
        for row in await connection.fetch("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix\\_%\\_custom\\_%'")
    }
    await connection.close()
    tables = ("contacts", "customers", "key_accounts", "opportunities", "orders", "partners", "products", "tickets")
    assert found == {f"ix_{t}_{slot}" for t in tables for family in FAMILIES for slot in family.slots()}
    assert {family for _, family in KINDS.values()} == set(FAMILIES)
