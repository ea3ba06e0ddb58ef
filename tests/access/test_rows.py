"""Which rows exist for whom, and what clearance each gives, against a naive computation over all rows."""

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.entity import REGISTRY
from tests.access.asking import global_id, many_of, one_of
from tests.access.interpreter import Caller, Field, Row, fields, proposed
from tests.access.masks import as_value, check_cell, masked
from tests.access.secrets import World
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

PERSONAS = (
    "administrator",
    "sales_manager",
    "sales_rep",
    "service_agent",
    "partner_rep",
    "other_partner_rep",
    "customer",
    "storefront",
)
EVERYTHING = "id hiddenFields maskedFields"


async def all_nodes(ask: Any, listed: str, selection: str, arguments: str = "") -> list[dict[str, Any]]:
    """Every node of a list, page by page."""
    found, after = [], None
    while True:
        query = (
            f"query ($after: String) {{ {listed}(first: 200, after: $after{arguments})"
            f" {{ nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )
        page = (await ask(query, {"after": after})).json["data"][listed]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("entity", list(REGISTRY))
async def test_exactly_the_visible_rows_are_listed_and_counted(
    planted_api: Api, world: World, persona: str, entity: str
) -> None:
    """Leak 19: `totalCount` and pages know nothing of other rows; other organisations' rows are never there."""
    caller, ask = world.callers[persona], world.as_(planted_api, persona)
    expected = {global_id(entity, row) for row in world.rows.visible(caller, entity)}
    answer = await ask(f"{{ {many_of(entity)} {{ totalCount }} }}")
    counted = answer.json["data"][many_of(entity)]
    if counted is None:
        assert not expected
        return
    assert counted["totalCount"] == len(expected)
    nodes = await all_nodes(ask, many_of(entity), "id")
    assert len(nodes) == len(expected)
    assert {n["id"] for n in nodes} == expected


@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep", "service_agent", "customer"])
async def test_each_cell_is_shown_as_its_rows_clearance_says(planted_api: Api, world: World, persona: str) -> None:
    """Own, team, shared and everyone, row by row: which fields are hidden, which masked, which plain (leak 13)."""
    caller, ask = world.callers[persona], world.as_(planted_api, persona)
    for entity in REGISTRY:
        if not (rows := {global_id(entity, r): r for r in world.rows.visible(caller, entity)}):
            continue
        own = [f for f in fields(entity) if not f.listed and not f.counted]
        chosen = [f for f in own if f.to is None and not f.computed]
        selection = f"{EVERYTHING} " + " ".join(f"{f.name}{' { amount }' if f.money else ''}" for f in chosen)
        for node in await all_nodes(ask, many_of(entity), selection):
            row = rows[node["id"]]
            shows = {f.name: world.rows.shows(caller, f, row) for f in own}
            shows |= {name: world.rows.shows_proposed(caller, entity, row) for name in proposed(entity)}
            assert set(node["hiddenFields"]) == {n for n, s in shows.items() if s == "hidden"}, (entity, row["id"])
            assert set(node["maskedFields"]) == {n for n, s in shows.items() if s == "masked"}, (entity, row["id"])
            for one in chosen:
                check_cell(one, shows[one.name], row, node[one.name])


async def test_the_sales_reps_clearance_on_all_customers_of_the_demo(api: Api, demo_world: World) -> None:
    caller, found = demo_world.callers["sales_rep"], 0
    rows = {global_id("Customer", r): r for r in demo_world.rows.visible(caller, "Customer")}
    own = [f for f in fields("Customer") if not f.listed and not f.counted]
    levels: set[int | None] = set()
    selection = f"{EVERYTHING} email creditLimit {{ amount }} lifetimeValue {{ amount }}"
    for node in await all_nodes(api.as_("sales_rep"), "customers", selection):
        row, found = rows[node["id"]], found + 1
        shows = {f.name: demo_world.rows.shows(caller, f, row) for f in own}
        levels.add(demo_world.rows.clearance(caller, "Customer", row))
        assert set(node["hiddenFields"]) == {n for n, s in shows.items() if s == "hidden"}
        assert set(node["maskedFields"]) == {n for n, s in shows.items() if s == "masked"}
        for one in (f for f in own if f.name in ("email", "creditLimit", "lifetimeValue")):
            check_cell(one, shows[one.name], row, node[one.name])
    assert found == len(rows) == 5_000
    assert levels == {1, 2, 3}, "own, team, shared and everyone must all occur"


@pytest.mark.parametrize("persona", ["partner_rep", "other_partner_rep"])
async def test_a_partner_sees_exactly_the_customers_shared_with_them(api: Api, demo_url: str, persona: str) -> None:
    """And nothing of the other partner they have one customer in common with (leak 16)."""
    connection = await asyncpg.connect(demo_url)
    shared = await connection.fetch(
        "SELECT DISTINCT 'cus_' || replace(s.customer_id::text, '-', '') AS id FROM customer_shares s"
        " JOIN users u ON u.organization_id = s.organization_id AND u.partner_id = s.partner_id"
        " JOIN organizations o ON o.id = s.organization_id AND o.external_id = 'main'"
        " WHERE u.name = $1 AND s.valid_from <= now() AND s.valid_until > now()",
        api.people[persona]["name"],
    )
    partners = await connection.fetch("SELECT name FROM partners")
    await connection.close()
    selection = "id name users { nodes { name } } opportunities { nodes { name partner { name } } } orders { nodes { partner { name } } }"
    answer: Answer = await api.as_(persona)(
        f"{{ customers(first: 200) {{ totalCount nodes {{ {selection} }} }} partners {{ nodes {{ name }} }} }}"
    )
    data = answer.json["data"]
    assert {n["id"] for n in data["customers"]["nodes"]} == {r["id"] for r in shared}
    assert data["customers"]["totalCount"] == len(shared) > 5
    [own] = [n["name"] for n in data["partners"]["nodes"]]
    assert not [row["name"] for row in partners if row["name"] != own and row["name"].encode() in answer.body]


def same(one: Answer, other: Answer) -> None:
    """Alike in every byte and header but the request's own id."""
    drop = {"x-request-id"}
    assert one.status == other.status
    assert {k: v for k, v in one.headers.items() if k not in drop | {"content-length"}} == {
        k: v for k, v in other.headers.items() if k not in drop | {"content-length"}
    }
    body, body_of_other = one.body, other.body
    for answer in (one, other):
        identifier = answer.headers["x-request-id"].encode()
        body, body_of_other = body.replace(identifier, b""), body_of_other.replace(identifier, b"")
    assert body == body_of_other


IN_EVERY_WAY = (
    "query ($id: ID!) { ONE(id: $id) { id createdAt etag hiddenFields } }",
    "query ($id: ID!) { node(id: $id) { __typename id etag } }",
    "query ($id: ID!) { nodes(ids: [$id]) { __typename id etag } }",
    "query ($id: ID!) { MANY(filter: {id: {eq: $id}}) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }",
    "query ($id: ID!) { MANY(first: 5, filter: {id: {in: [$id]}}) { edges { cursor } } }",
    "query ($id: ID!) { MANY(filter: {not: {id: {ne: $id}}}) { totalCount } }",
)


@pytest.mark.parametrize("persona", ["partner_rep", "customer", "sales_rep", "storefront", "other_org_administrator"])
async def test_the_id_of_an_invisible_row_is_as_one_that_never_was(
    planted_api: Api, world: World, persona: str
) -> None:
    """Leaks 7, 14, 15, 33: byte for byte, by every way to ask for an id."""
    caller = world.callers.get(persona)
    tried = 0
    for entity in REGISTRY:
        rows = world.rows.tables[entity].values()
        invisible = [
            r
            for r in rows
            if (
                world.rows.clearance(caller, entity, r) is None
                if caller
                else r["organization_id"] == world.rows.organization
            )
        ]
        if not invisible:
            continue
        tried += 1
        row, never = global_id(entity, invisible[len(invisible) // 2]), f"{REGISTRY[entity].__prefix__}_{uuid4().hex}"
        for query in IN_EVERY_WAY:
            made = query.replace("ONE", one_of(entity)).replace("MANY", many_of(entity))
            answers = [await planted_api.as_(persona)(made, {"id": one}) for one in (row, never)]
            same(*answers)
            assert row.encode() not in answers[0].body
    assert tried > 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def changing(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[tuple[Api, Any]]:
    """A demo to change, and a connection for it."""
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as started:
            yield started, connection
        await connection.close()


@pytest.mark.parametrize(
    ("begins", "ends", "seen"),
    [(-2, -1, False), (1, 2, False), (-1, 1, True), (-1, 0, False)],
    ids=["over", "to come", "now", "ends now"],
)
async def test_a_share_shows_only_while_it_lasts(changing: tuple[Api, Any], begins: int, ends: int, seen: bool) -> None:
    """Leak 25: and a share that was valid a moment ago shows nothing from the moment it ends."""
    api, connection = changing
    now = dt.datetime.now(dt.UTC)
    await connection.execute("DELETE FROM customer_shares")
    row = await connection.fetchrow(
        "SELECT c.organization_id, c.id, u.partner_id FROM customers c JOIN users u ON u.organization_id = c.organization_id"
        " WHERE u.name = $1 ORDER BY c.id LIMIT 1",
        api.people["partner_rep"]["name"],
    )
    await connection.execute(
        "INSERT INTO customer_shares (organization_id, id, version, created_at, updated_at, customer_id, partner_id, level, valid_from, valid_until)"
        " VALUES ($1, $2, 1, now(), now(), $3, $4, 'PARTNER', $5, $6)",
        row["organization_id"], uuid4(), row["id"], row["partner_id"], now + dt.timedelta(hours=begins), now + dt.timedelta(hours=ends),
    )  # fmt: skip
    identifier = f"cus_{row['id'].hex}"
    answer = await api.as_("partner_rep")(
        "query ($id: ID!) { customer(id: $id) { name } node(id: $id) { id } customers { totalCount nodes { contacts { totalCount } } } contacts { totalCount } }",
        {"id": identifier},
    )
    data = answer.data
    assert (data["customer"] is not None) is seen
    assert (data["node"] is not None) is seen
    assert data["customers"]["totalCount"] == int(seen)
    if not seen:
        assert data["contacts"]["totalCount"] == 0


async def test_a_hidden_change_does_not_show_in_the_etag(changing: tuple[Api, Any]) -> None:
    """Versions: below INTERNAL the etag is of what is seen, so what is hidden changes without a sign."""
    api, connection = changing
    query = "{ products(first: 1, orderBy: [{name: ASC}]) { nodes { id etag } } }"
    before = [(await api.as_(p)(query)).data["products"]["nodes"][0] for p in ("storefront", "administrator")]
    row = before[0]["id"].removeprefix("prd_")
    await connection.execute(
        "UPDATE products SET unit_cost = unit_cost + 1, stock = 7, version = version + 1, updated_at = now() WHERE id = $1::uuid",
        row,
    )
    after = [(await api.as_(p)(query)).data["products"]["nodes"][0] for p in ("storefront", "administrator")]
    assert after[0] == before[0]
    assert after[1]["etag"] != before[1]["etag"]
    await connection.execute("UPDATE products SET description = 'new', version = version + 1 WHERE id = $1::uuid", row)
    assert (await api.as_("storefront")(query)).data["products"]["nodes"][0]["etag"] != before[0]["etag"]


def as_seen(world: World, caller: Caller, one: Field, row: Row) -> Any:
    """A cell as the caller sees it, as a Python value."""
    return as_value(one, world.rows.shows(caller, one, row), row[one.column])


@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep", "service_agent"])
async def test_a_filter_matches_what_is_seen(planted_api: Api, world: World, persona: str) -> None:
    """A mask is put on before the predicate: who sees a mask filters by the mask, and by nothing behind it (leak 1)."""
    caller, ask = world.callers[persona], world.as_(planted_api, persona)
    rows = world.rows.visible(caller, "Customer")
    by_name = {f.name: f for f in fields("Customer")}
    for name in ("email", "annualRevenue", "creditLimit", "city"):
        one = by_name[name]
        if not world.rows.matrix.sees(caller.role, one):
            continue
        seen = [(row, as_seen(world, caller, one, row)) for row in rows]
        real = [row[one.column] for row, _ in seen if row[one.column] is not None]
        values = (
            {v for _, v in seen[:40] if v is not None}
            | set(real[:25])
            | {masked(one, real[0]) if name == "email" else real[0]}
        )
        for value in sorted(values, key=str)[::3]:
            for word, matches in (
                ("eq", lambda a, v: a == v),
                ("ne", lambda a, v: a != v),
                ("gt", lambda a, v: a > v),
                ("lte", lambda a, v: a <= v),
            ):
                if word in ("gt", "lte") and not one.money:
                    continue
                bound = Decimal(value) if one.money else value
                currency = {"currency": "EUR"} if one.money else {}
                answer = await ask(
                    "query ($f: CustomerFilter) { customers(first: 200, filter: $f) { totalCount nodes { id } } }",
                    {"f": {name: {word: str(bound), **currency}}},
                )
                expected = {
                    global_id("Customer", row)
                    for row, shown in seen
                    if shown is not None and matches(shown, bound) and (not one.money or row["currency"] == "EUR")
                }
                got = answer.data["customers"]
                assert got["totalCount"] == len(expected), (name, word, value)
                assert {n["id"] for n in got["nodes"]} <= expected, (name, word, value)
        empty = await ask(f"{{ customers(filter: {{ {name}: {{ isNull: true }} }}) {{ totalCount }} }}")
        assert empty.data["customers"]["totalCount"] == sum(shown is None for _, shown in seen), name


@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep"])
@pytest.mark.parametrize("direction", ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_FIRST"])
async def test_an_order_goes_by_what_is_seen(planted_api: Api, world: World, persona: str, direction: str) -> None:
    """Leak 3, 4: pages over a masked or hidden column hold each row once, in the order of what shows."""
    caller, ask = world.callers[persona], world.as_(planted_api, persona)
    [one] = [f for f in fields("Customer") if f.name == ("creditLimit" if persona == "sales_rep" else "annualRevenue")]
    seen = {
        global_id("Customer", r): (r["currency"], as_seen(world, caller, one, r))
        for r in world.rows.visible(caller, "Customer")
    }
    query = (
        "query ($after: String) { customers(first: 17, after: $after, orderBy: [{" + one.name + ": " + direction + "}])"
        " { edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }"
    )
    order: list[str] = []
    after = None
    while True:
        page = (await ask(query, {"after": after})).data["customers"]
        order += [e["node"]["id"] for e in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(order) == len(set(order)) == len(seen)
    shown = [seen[one_id] for one_id in order]
    down, first = direction.startswith("DESC"), direction.endswith("FIRST")
    for (currency, amount), (next_currency, next_amount) in pairwise(shown):
        if currency != next_currency:
            assert (currency > next_currency) is down
        elif amount is None or next_amount is None:
            assert amount is None if first else next_amount is None
        else:
            assert amount >= next_amount if down else amount <= next_amount


async def test_a_cursor_fits_only_where_it_was_made(planted_api: Api) -> None:
    """Leaks 4, 5: not under another order, filter, list or caller, nor if one character is changed; it tells no value."""
    query = (
        "query ($after: String) { customers(first: 2, after: $after%s) { edges { cursor } pageInfo { endCursor } } }"
    )
    ordered = query % ", orderBy: [{creditLimit: DESC}]"
    cursor = (await planted_api.as_("sales_rep")(ordered)).data["customers"]["pageInfo"]["endCursor"]
    assert (await planted_api.as_("sales_rep")(ordered, {"after": cursor})).data["customers"]["edges"]
    others = [
        ("sales_rep", query % ", orderBy: [{creditLimit: ASC}]"),
        ("sales_rep", query % ", orderBy: [{annualRevenue: DESC}]"),
        ("sales_rep", query % ""),
        ("sales_rep", query % ", orderBy: [{creditLimit: DESC}], filter: {name: {isNull: false}}"),
        ("sales_rep", ordered.replace("customers", "opportunities").replace("creditLimit", "amount")),
        ("sales_manager", ordered),
        ("administrator", ordered),
        ("service_agent", query % ", orderBy: [{name: DESC}]"),
    ]
    for persona, other in others:
        answer = await planted_api.as_(persona)(other, {"after": cursor})
        assert answer.codes == ["CURSOR_INVALID"], (persona, other)
    for place in range(0, len(cursor), 5):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        answer = await planted_api.as_("sales_rep")(ordered, {"after": changed})
        assert answer.codes == ["CURSOR_INVALID"], place
