"""No read is compiled in which a table is reached other than through the caller's lens, its organisation bound."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import crm_graph
from crm_graph import resolvers, schema
from crm_graph.auth import rows
from crm_graph.auth.policy import resolve
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.graph.types import full_schema
from crm_graph.plan.access import lens, opening
from crm_graph.plan.compile import Compiler, members
from crm_graph.plan.reads import ordering
from crm_graph.plan.reads.filters import Filters
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.plan.sql.proof import UnprovenStatement, prove
from crm_graph.plan.sql.statement import Statement
from crm_graph.schema.goals import Goal
from crm_graph.schema.opportunities import Opportunity

DECLARED = (schema, resolvers)
FULL = full_schema()
SOURCES = Path(crm_graph.__file__).parent

OPPORTUNITIES = "{ opportunities(first: 3) { nodes { weightedAmount { amount } } } }"
ORDERED = "{ opportunities(orderBy: [{ name: ASC }]) { nodes { name } } }"
FILTERED = '{ opportunities(filter: { name: { startsWith: "a" } }) { nodes { name } } }'
SHARED = '{ customers(filter: { name: { startsWith: "a" } }) { nodes { name } } }'
PICKED = "{ customers(first: 2) { nodes { name } } }"
ORDERED = "{ customers(orderBy: [{ annualRevenue: ASC }]) { totalCount nodes { name } } }"
PAGE = "{ customers(first: 20) { nodes { name phone } } }"
SEARCHED = '{ customers(search: "ada") { edges { cursor highlights { field } node { name } } pageInfo { endCursor } } }'
CURSOR = "{ customers(first: 2) { pageInfo { endCursor } nodes { name } } }"


async def compiled(query: str, role: str = "administrator") -> Statement:
    operation = await Documents(FULL, Limits(10_000, 12, 50, 20, 2_000)).operation(query, None)
    shape, _ = operation.read({})
    return Compiler(resolve(frozenset((role,))), b"x" * 32, 200_000).query(operation.roots(shape))


@pytest.mark.parametrize("query", [OPPORTUNITIES, ORDERED, FILTERED, SHARED, SEARCHED, CURSOR])
@pytest.mark.parametrize("role", ["administrator", "sales_rep", "partner_rep"])
async def test_what_the_planner_writes_is_proved(query: str, role: str) -> None:
    assert "organization_id = $1::uuid" in (await compiled(query, role)).sql


@pytest.mark.parametrize(
    "sql",
    [
        "(SELECT max(o.total_amount) FROM orders o)",
        "(SELECT max(o.total_amount) FROM orders o WHERE o.organization_id = $1::uuid)",
        "(SELECT max(o.amount) FROM opportunities t1 WHERE t1.amount > {amount})",
        "(SELECT max(t1.amount) FROM opportunities t1 WHERE t1.organization_id = $1::uuid OR TRUE)",
        "{amount} * (TABLE customers)",
        "length(query_to_xml('SELECT * FROM customers', true, true, '')::text)",
        "{amount} /* what follows is not read",
    ],
)
async def test_a_computed_field_cannot_reach_a_table(sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Opportunity.__specs__["weighted_amount"]
    monkeypatch.setitem(Opportunity.__specs__, "weighted_amount", replace(declared, sql=sql))
    members.cache_clear()
    try:
        with pytest.raises(UnprovenStatement):
            await compiled(OPPORTUNITIES)
    finally:
        members.cache_clear()


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("fo.organization_id = {organization} AND ", ""),
        ("fo.customer_id = fk.customer_id", "TRUE"),
        ("fp.id = {plan_id}", "fp.id IS NOT NULL"),
        ("FROM tickets ft", "FROM leads ft"),
    ],
)
async def test_a_figure_reaches_what_it_declares_and_no_more(
    found: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = "{ goals(first: 2, filter: {status: {eq: RED}}) { nodes { actual expected status } } }"
    assert "fo.organization_id = $1::uuid" in (await compiled(query)).sql
    declared = Goal.__specs__["actual"]
    assert declared.sql is not None
    assert found in declared.sql
    monkeypatch.setitem(Goal.__specs__, "actual", replace(declared, sql=declared.sql.replace(found, instead)))
    members.cache_clear()
    try:
        with pytest.raises(UnprovenStatement):
            await compiled(query)
    finally:
        members.cache_clear()


async def test_an_order_key_cannot_reach_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ordering.order_by

    def by(keys: Sequence[ordering.Key], *, reverse: bool) -> str:
        return f"(SELECT c.name FROM customers c LIMIT 1), {own(keys, reverse=reverse)}"

    monkeypatch.setattr(ordering, "order_by", by)
    with pytest.raises(UnprovenStatement, match="customers c"):
        await compiled(ORDERED)


@pytest.mark.parametrize(
    "condition",
    [
        " AND EXISTS (SELECT FROM customers c)",
        " AND EXISTS (SELECT FROM customers c WHERE c.organization_id = $1::uuid)",
        " OR TRUE",
        " AND t1.name = ANY(SELECT name FROM pg_roles r)",
    ],
)
async def test_a_filter_cannot_reach_a_table_or_loosen_the_lens(
    condition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Filters.where
    monkeypatch.setattr(Filters, "where", lambda self, *given: own(self, *given) + condition)
    with pytest.raises(UnprovenStatement):
        await compiled(FILTERED)


@pytest.mark.parametrize(
    ("found", "instead"), [("sh.organization_id = $1::uuid AND ", ""), ("customer_shares", "users")]
)
async def test_a_share_is_looked_for_in_the_organisation_only(
    found: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = rows.share_rows
    assert found in (await compiled(SHARED, "partner_rep")).sql
    monkeypatch.setattr(rows, "share_rows", lambda *given: own(*given).replace(found, instead))
    with pytest.raises(UnprovenStatement):
        await compiled(SHARED, "partner_rep")


async def test_the_shares_of_a_page_are_gathered_in_the_organisation_only(monkeypatch: pytest.MonkeyPatch) -> None:
    own, bound = opening.gathered, "sh.organization_id = $1::uuid AND "
    assert "MATERIALIZED (SELECT sh.customer_id AS id" in (await compiled(PAGE, "sales_rep")).sql
    monkeypatch.setattr(opening, "gathered", lambda *given: own(*given).replace(bound, ""))
    with pytest.raises(UnprovenStatement):
        await compiled(PAGE, "sales_rep")


@pytest.mark.parametrize(
    "weaken",
    [
        lambda lens: lens.visible,
        lambda lens: f"{lens.alias}.organization_id = {lens.organization}",
        lambda lens: f"({lens.alias}.organization_id = {lens.organization} AND {lens.visible})",
        lambda lens: f"NOT {lens.alias}.organization_id = {lens.organization} AND {lens.visible}",
        lambda lens: f"{lens.alias}.organization_id = {lens.alias}.organization_id AND {lens.visible}",
        lambda lens: f"{lens.alias}.organization_id = $2::uuid AND {lens.visible}",
        lambda lens: f"TRUE BETWEEN FALSE AND {lens.alias}.organization_id = {lens.organization} AND {lens.visible}",
        lambda lens: (
            f"CASE WHEN TRUE AND {lens.alias}.organization_id = {lens.organization} AND {lens.visible} THEN TRUE END"
        ),
    ],
)
async def test_the_lens_itself_cannot_forget_the_organisation_or_its_rule(
    weaken: Callable[[lens.Lens], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lens.Lens, "where", weaken)
    with pytest.raises(UnprovenStatement):
        await compiled(SHARED, "partner_rep")


@pytest.mark.parametrize("query", [PICKED, ORDERED])
@pytest.mark.parametrize("role", ["sales_rep", "partner_rep"])
@pytest.mark.parametrize(
    "weaken", [lambda _lens: "TRUE", lambda lens: f"{lens.alias}.organization_id = {lens.alias}.organization_id"]
)
async def test_rows_found_by_their_ids_are_of_the_organisation(
    weaken: Callable[[lens.Lens], str], role: str, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await compiled(query, role)
    monkeypatch.setattr(lens.Lens, "bound", weaken)
    with pytest.raises(UnprovenStatement):
        await compiled(query, role)


async def test_the_first_parameter_is_the_organisation() -> None:
    parameters = Parameters()
    parameters.sources[0] = lambda _leaves, actor: actor.user_id
    with pytest.raises(AssertionError):
        parameters.read("SELECT 1")


REACHED = {("customers", "t1"): {()}, ("orders", "t2"): {("(t2.owner_id = $2::uuid)",), ()}}
BOUND = "t1.organization_id = $1::uuid"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT t1.name FROM customers t1 WHERE {BOUND} AND (a OR b) AND c BETWEEN 1 AND 2 AND d",
        f"SELECT x FROM (VALUES ('a', (SELECT 1 FROM customers t1 WHERE {BOUND}))) h(x, y)",
        f"SELECT x FROM customers AS t1, unnest($2::text[]) x WHERE {BOUND}",
        f"SELECT 1 FROM (SELECT 1 FROM customers t1 WHERE {BOUND}) q UNION ALL SELECT 2 FROM customers t1 WHERE {BOUND}",
        f"WITH cur AS MATERIALIZED (SELECT 1 FROM customers t1 WHERE {BOUND}) SELECT extract(year FROM a) FROM cur",
        f"SELECT a IS NOT DISTINCT FROM b FROM customers t1 WHERE {BOUND} AND a IS DISTINCT FROM left(b, 2)",
        f"SELECT 1 FROM customers t1 LEFT JOIN orders t2 ON t2.organization_id = $1::uuid AND t2.a = t1.a WHERE {BOUND}",
        "SELECT 1 FROM \"customers\" t1 WHERE t1.organization_id = $1::uuid AND 'FROM users u' <> ''",
    ],
)
def test_these_are_bound(sql: str) -> None:
    prove(sql, REACHED, "$1::uuid")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM customers t1",
        f"SELECT 1 FROM customers t9 WHERE {BOUND}",
        f"SELECT 1 FROM customers WHERE {BOUND}",
        f"SELECT 1 FROM public.customers t1 WHERE {BOUND}",
        f"SELECT 1 FROM ONLY customers t1 WHERE {BOUND}",
        f"SELECT 1 FROM CUSTOMERS t1, users u WHERE {BOUND}",
        f"SELECT 1 FROM customers t1 CROSS JOIN users u WHERE {BOUND}",
        f"SELECT 1 FROM customers t1, LATERAL (SELECT 1 FROM users u WHERE {BOUND}) x WHERE {BOUND}",
        "SELECT x FROM (VALUES ('a', (SELECT 1 FROM customers t1))) h(x, y)",
        f"SELECT 1 FROM (customers t1 CROSS JOIN users u) WHERE {BOUND}",
        f"SELECT 1 FROM customers t1 WHERE {BOUND} OR TRUE",
        f"SELECT 1 FROM customers t1 WHERE ({BOUND}) IS NOT NULL",
        f"SELECT 1 FROM customers t1 WHERE a BETWEEN b AND {BOUND}",
        f"SELECT {BOUND} FROM customers t1",
        f"SELECT 1 FROM customers t1 HAVING {BOUND}",
        f"SELECT 1 FROM customers t1 (id, organization_id) WHERE {BOUND}",
        f"SELECT 1 FROM customers t1 TABLESAMPLE SYSTEM (1) WHERE {BOUND}",
        f"SELECT 1 FROM customers t1 WHERE {BOUND} UNION SELECT 1 FROM customers t1",
        f"SELECT 1 FROM customers t1 WHERE {BOUND} UNION TABLE customers",
        f"SELECT 1 FROM customers t1 RIGHT JOIN orders t2 ON t2.organization_id = $1::uuid WHERE {BOUND}",
        "SELECT 1 FROM customers t1 FULL JOIN (SELECT 1) x ON t1.organization_id = $1::uuid",
        "WITH a AS (SELECT 1 FROM b x), b AS (SELECT 1) SELECT 1 FROM a",
        f"WITH a AS (DELETE FROM customers t1 WHERE {BOUND} RETURNING 1) SELECT 1 FROM a",
        "WITH pg_catalog AS (SELECT 1) SELECT 1 FROM pg_catalog.pg_roles r",
        f"SELECT 1 INTO x FROM customers t1 WHERE {BOUND}",
        f"SELECT 1 FROM customers t1 WHERE {BOUND} FOR UPDATE",
        "SELECT query_to_xml('select 1', true, true, '')",
        "SELECT pg_catalog.\"table_to_xml\"(1, true, true, '')",
        "SELECT set_config('crm.organization_id', '', true)",
        "SELECT 1 FROM ts_stat('select 1') s",
        "SELECT 1 FROM pg_ls_dir('.') s",
        "SELECT 1; SELECT 2",
        "SELECT 1 -- FROM",
        "SELECT /* x */ 1",
        "SELECT $$ FROM $$",
        "SELECT $a$ FROM $a$",
        "SELECT E'\\' FROM users u WHERE x = '",
        'SELECT U&"\\0061" FROM a',
        "SELECT 'open",
        "SELECT (1",
        "SELECT 1)",
        f"SELECT 1 FROM customers t1 WHERE {BOUND}\u00a0AND TRUE",
    ],
)
def test_these_are_not(sql: str) -> None:
    with pytest.raises(UnprovenStatement):
        prove(sql, REACHED, "$1::uuid")


def test_a_row_rule_must_hold_too() -> None:
    only = {("orders", "t2"): {("(t2.owner_id = $2::uuid)",)}}
    bound = "SELECT 1 FROM orders t2 WHERE t2.organization_id = $1::uuid"
    prove(f"{bound} AND (t2.owner_id = $2::uuid) AND a", only, "$1::uuid")
    for weaker in ("", " AND (t2.owner_id = $3::uuid)", " AND ((t2.owner_id = $2::uuid) OR TRUE)"):
        with pytest.raises(UnprovenStatement, match="without its rule"):
            prove(bound + weaker, only, "$1::uuid")


def test_only_the_proof_makes_proven_sql_and_few_places_send_any_other_to_the_lanes() -> None:
    """Where the type checker cannot look: who says that SQL is proved, and who reads without it."""
    makers, senders = set(), set()
    for path in SOURCES.rglob("*.py"):
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(SOURCES))
        if re.search(r"\bProven\(", text):
            makers.add(name)
        if re.search(r"\blanes\.fetch\(", text):
            senders.add(name)
    assert makers == {"plan/sql/parameters.py", "plan/sql/proof.py"}
    # what authentication asks before there is a caller, and which revision the database is at
    assert senders == {"plan/sql/fetch.py", "auth/callers.py", "auth/credentials.py", "app.py"}
