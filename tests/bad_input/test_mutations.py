"""Bad and forbidden writes: refused with a code, and the database is as it was: no row, history, audit, event or key."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.entity import REGISTRY, table_name
from tests.access.asking import select
from tests.access.interpreter import fields, read_matrix
from tests.bad_input.cases import CUSTOMER, SURROGATE
from tests.bad_input.test_queries import GRAPHQL, INSIDE
from tests.conftest import clone
from tests.fixtures.api import Answer, Api, running
from tests.fixtures.demo import Demo

pytestmark = pytest.mark.asyncio(loop_scope="session")

MATRIX = read_matrix()
_TABLES = [t for e in REGISTRY.values() for t in (table_name(e), f"{table_name(e)}_history")]
_TRACES = (*_TABLES, "audit_entries", "outbox_events", "idempotency_keys")


class World:
    """A demo of its own, whose traces can be compared."""

    def __init__(self, api: Api, connection: Any) -> None:
        self.api, self.connection, self._ids = api, connection, dict[str, str]()

    async def traces(self) -> list[tuple[str, int]]:
        """How many rows each table has; every write adds one to a history at least."""
        counts = " UNION ALL ".join(f"SELECT '{t}' AS name, count(*) AS n FROM {t}" for t in _TRACES)
        return [(row["name"], row["n"]) for row in await self.connection.fetch(counts)]

    async def any(self, entity: str) -> str:
        """The id of a row of the main organisation, always the same."""
        if entity not in self._ids:
            table, prefix = table_name(REGISTRY[entity]), REGISTRY[entity].__prefix__
            found = await self.connection.fetchval(
                f"SELECT t.id FROM {table} t JOIN organizations o ON o.id = t.organization_id"
                " WHERE o.external_id = 'main' ORDER BY t.id LIMIT 1"
            )
            self._ids[entity] = f"{prefix}_{found.hex if found else uuid4().hex}"
        return self._ids[entity]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        connection = await asyncpg.connect(url)
        async with running(url, small_demo_template.data_dir, small_demo_template.personas) as api:
            yield World(api, connection)
        await connection.close()


def refused(answer: Answer, code: str) -> None:
    assert answer.status < 500, answer.body
    body = answer.json
    found = answer.codes
    for payload in (body.get("data") or {}).values():
        found += [e["code"] for e in payload["userErrors"]]
    assert code in found, body
    assert "INTERNAL" not in found
    assert not [word for word in INSIDE if word in answer.body], body


CREATE = "mutation ($i: CreateCustomerInput!) { createCustomer(input: $i) { customer { id } userErrors { code message field } } }"
UPDATE = "mutation ($i: UpdateCustomerInput!) { updateCustomer(input: $i) { customer { id } userErrors { code message field } } }"
LINE = "mutation ($i: CreateOrderLineInput!) { createOrderLine(input: $i) { orderLine { id } userErrors { code message field } } }"
ACCOUNT = "mutation ($i: CreateKeyAccountInput!) { createKeyAccount(input: $i) { keyAccount { id } userErrors { code message field } } }"

CREATED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({}, "VARIABLE_INVALID"),
    "a name that is null": ({"name": None}, "VARIABLE_INVALID"),
    "a blank name": ({"name": "  "}, "VALUE_INVALID"),
    "a name that is a number": ({"name": 7}, "VARIABLE_INVALID"),
    "a name of 11,000 characters": ({"name": "x" * 11_000}, "VARIABLE_INVALID"),
    "a name of 600 characters": ({"name": "x" * 600}, "VALUE_INVALID"),
    "an unknown field": ({"name": "A", "secret": 1}, "VARIABLE_INVALID"),
    "an id of one's own": ({"name": "A", "id": CUSTOMER}, "VARIABLE_INVALID"),
    "an organisation (leak 32)": ({"name": "A", "organizationId": CUSTOMER}, "VARIABLE_INVALID"),
    "a version (leak 32)": ({"name": "A", "version": 9}, "VARIABLE_INVALID"),
    "an unknown kind": ({"name": "A", "kind": "ROBOT"}, "VARIABLE_INVALID"),
    "an address without @": ({"name": "A", "email": "nobody"}, "VARIABLE_INVALID"),
    "an address with a line end": ({"name": "A", "email": "a@b.example\nBcc: x@y.z"}, "VARIABLE_INVALID"),
    "a masked address sent back": ({"name": "A", "email": "a•••@b.example"}, "VALUE_INVALID"),
    "a telephone number without country": ({"name": "A", "phone": "030 901820"}, "VARIABLE_INVALID"),
    "an impossible telephone number": ({"name": "A", "phone": "+49 1"}, "VARIABLE_INVALID"),
    "a country in words": ({"name": "A", "country": "Austria"}, "VARIABLE_INVALID"),
    "a web site that is a script": ({"name": "A", "website": "javascript:alert(1)"}, "VARIABLE_INVALID"),
    "2026-02-30": ({"name": "A", "bornOn": "2026-02-30"}, "VARIABLE_INVALID"),
    "an integer beyond 32 bits": ({"name": "A", "employees": 2**31}, "VARIABLE_INVALID"),
    "a float for an integer": ({"name": "A", "employees": 1.5}, "VARIABLE_INVALID"),
    "true for an integer": ({"name": "A", "employees": True}, "VARIABLE_INVALID"),
    "money that is a number": ({"name": "A", "creditLimit": 5}, "VARIABLE_INVALID"),
    "money without currency": ({"name": "A", "creditLimit": {"amount": "5"}}, "VARIABLE_INVALID"),
    "money of 1e400": ({"name": "A", "creditLimit": {"amount": "1e400", "currency": "EUR"}}, "VARIABLE_INVALID"),
    "money of 1e999999999": (
        {"name": "A", "creditLimit": {"amount": "1e999999999", "currency": "EUR"}},
        "VARIABLE_INVALID",
    ),
    "money that is NaN": ({"name": "A", "creditLimit": {"amount": "NaN", "currency": "EUR"}}, "VARIABLE_INVALID"),
    "money with a third decimal": (
        {"name": "A", "creditLimit": {"amount": "1.005", "currency": "EUR"}},
        "VALUE_INVALID",
    ),
    "money in two currencies": (
        {
            "name": "A",
            "creditLimit": {"amount": "1", "currency": "EUR"},
            "lifetimeValue": {"amount": "1", "currency": "CHF"},
        },
        "VALUE_INVALID",
    ),
    "an owner that is no id": ({"name": "A", "ownerId": "me"}, "ID_INVALID"),
    "an owner that is a number": ({"name": "A", "ownerId": 1}, "ID_INVALID"),
    "an owner that never was": ({"name": "A", "ownerId": "usr_" + "0" * 32}, "REFERENCE_NOT_FOUND"),
    "an owner that is a customer (leak 15)": ({"name": "A", "ownerId": CUSTOMER}, "REFERENCE_NOT_FOUND"),
    "a source without its key": ({"name": "A", "source": "sap"}, "VALUE_INVALID"),
    "an empty idempotency key": ({"name": "A", "idempotencyKey": ""}, "VALUE_INVALID"),
    "an idempotency key of 201 characters": ({"name": "A", "idempotencyKey": "k" * 201}, "VALUE_INVALID"),
    "an idempotency key with a line end": ({"name": "A", "idempotencyKey": "a\nb"}, "VALUE_INVALID"),
}


@pytest.mark.parametrize("name", CREATED)
async def test_a_bad_record_is_not_created(world: World, name: str) -> None:
    before = await world.traces()
    values, code = CREATED[name]
    answer = await world.api.as_("administrator")(CREATE, {"i": values}, headers={"accept": GRAPHQL})
    refused(answer, code)
    assert await world.traces() == before


async def test_unpaired_surrogates_and_nul_are_not_stored(world: World) -> None:
    before = await world.traces()
    for text in (SURROGATE, "a\0b"):
        body = json.dumps({"query": CREATE, "variables": {"i": {"name": text}}}).encode()
        refused(await world.api.send("administrator", body), "BAD_REQUEST")
    written = r'mutation { createCustomer(input: { name: "a\u0000b" }) { userErrors { code } } }'
    refused(await world.api.as_("administrator")(written), "VALUE_INVALID")
    assert await world.traces() == before


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"id": "nothing"}, "NOT_FOUND"),
        ({"id": "usr_" + "0" * 32, "name": "A"}, "NOT_FOUND"),
        ({"id": CUSTOMER, "name": "A"}, "NOT_FOUND"),
        ({"id": "known", "name": None}, "VALUE_INVALID"),
        ({"id": "known", "name": "A", "ifMatch": "stale"}, "ETAG_MISMATCH"),
        ({"id": "known", "name": "A", "ifMatch": "x" * 10_000}, "ETAG_MISMATCH"),
        ({"id": "known", "stage": None}, "VALUE_INVALID"),
        ({"id": "known", "parentId": "known"}, "OK"),
    ],
)
async def test_a_bad_change_changes_nothing(world: World, values: dict[str, Any], code: str) -> None:
    known = await world.any("Customer")
    before = await world.traces()
    given = {k: known if v == "known" else v for k, v in values.items()}
    answer = await world.api.as_("administrator")(UPDATE, {"i": given}, headers={"accept": GRAPHQL})
    if code == "OK":
        assert answer.status == 200, "whatever becomes of a customer that is its own parent, it is no 5xx"
        return
    if code == "NOT_FOUND" and "ID_INVALID" in answer.codes:
        code = "ID_INVALID"
    refused(answer, code)
    assert await world.traces() == before


async def test_what_breaks_a_rule_of_the_table_is_told_without_its_sql(world: World) -> None:
    """Leak 37: a check, a range and a unique key of the database become sentences."""
    order, product = await world.any("Order"), await world.any("Product")
    before = await world.traces()
    ask = world.api.as_("administrator")
    refused(await ask(LINE, {"i": {"orderId": order, "productId": product, "quantity": "-1"}}), "VALUE_INVALID")
    refused(await ask(LINE, {"i": {"orderId": order, "productId": CUSTOMER}}), "REFERENCE_NOT_FOUND")
    refused(await ask(LINE, {"i": {"orderId": order, "productId": product, "quantity": "1e400"}}), "VARIABLE_INVALID")
    known = (await ask("{ products(first: 1) { nodes { sku } } }")).data["products"]["nodes"][0]["sku"]
    made = 'mutation ($sku: String!) { createProduct(input: { name: "X", sku: $sku }) { userErrors { code } } }'
    refused(await ask(made, {"sku": known}), "KEY_TAKEN")
    assert await world.traces() == before


@pytest.mark.parametrize("persona", ["sales_rep", "service_agent", "partner_rep", "customer", "storefront"])
async def test_who_may_not_write_changes_nothing(world: World, persona: str) -> None:
    """A row one does not see, a field one may not write, a record one may not make or remove: refused alike for all."""
    before = await world.traces()
    ask = world.api.as_(persona)
    product = await world.any("Product")
    update = "mutation ($i: UpdateProductInput!) { updateProduct(input: $i) { product { id } userErrors { code } } }"
    remove = "mutation ($i: DeleteProductInput!) { deleteProduct(input: $i) { deletedId userErrors { code } } }"
    create = "mutation ($i: CreateProductInput!) { createProduct(input: $i) { product { id } userErrors { code } } }"
    upsert = "mutation ($i: UpsertProductInput!) { upsertProduct(input: $i) { product { id } userErrors { code } } }"
    for query, values in (
        (update, {"id": product, "name": "Mine"}),
        (update, {"id": product, "unitCost": {"amount": "1", "currency": "EUR"}}),
        (remove, {"id": product}),
        (create, {"name": "Mine", "sku": "mine"}),
        (upsert, {"name": "Mine", "sku": "mine", "source": "x", "externalId": "y"}),
    ):
        answer: Answer = await ask(query, {"i": values})
        [payload] = answer.json["data"].values()
        assert {e["code"] for e in payload["userErrors"]} <= {"WRITE_ACCESS_DENIED", "NOT_FOUND"}, answer.body
        assert payload["userErrors"]
    assert await world.traces() == before


async def test_an_invisible_record_is_written_as_one_that_never_was(world: World) -> None:
    """Leaks 7, 33, 34: update, delete, a reference to it and a hand-written mutation answer alike, byte for byte."""
    invisible = await world.connection.fetchval(
        "SELECT o.id FROM opportunities o JOIN organizations g ON g.id = o.organization_id AND g.external_id = 'main'"
        " WHERE o.partner_id IS NULL AND NOT EXISTS (SELECT FROM opportunity_shares s WHERE s.opportunity_id = o.id) LIMIT 1"
    )
    other = await world.connection.fetchval(
        "SELECT c.id FROM customers c JOIN organizations g ON g.id = c.organization_id AND g.external_id = 'second' LIMIT 1"
    )
    before = await world.traces()
    ask = world.api.as_("partner_rep")
    for query in (
        'mutation ($id: ID!) { updateOpportunity(input: {id: $id, name: "x"}) { opportunity { id } userErrors { code message field } } }',
        'mutation ($id: ID!) { updateOpportunity(input: {id: $id, ifMatch: "x"}) { opportunity { id } userErrors { code message field } } }',
        "mutation ($id: ID!) { deleteOpportunity(input: {id: $id}) { deletedId userErrors { code message field } } }",
        "mutation ($id: ID!) { winOpportunity(input: {id: $id}) { opportunity { id } userErrors { code message field } } }",
    ):
        answers = [await ask(query, {"id": f"opp_{i}"}) for i in (invisible.hex, uuid4().hex)]
        assert answers[0].body == answers[1].body, query
    mine = (await ask("{ opportunities(first: 1, filter: {partner: {}}) { nodes { id } } }")).data["opportunities"][
        "nodes"
    ][0]["id"]
    refer = "mutation ($id: ID!, $to: ID!) { updateOpportunity(input: {id: $id, customerId: $to}) { userErrors { code message field } } }"
    answers = [await ask(refer, {"id": mine, "to": f"cus_{i}"}) for i in (other.hex, uuid4().hex)]
    assert answers[0].body == answers[1].body
    refused(answers[0], "REFERENCE_NOT_FOUND")
    assert await world.traces() == before


@pytest.mark.parametrize("persona", ["administrator", "sales_rep", "service_agent", "partner_rep"])
async def test_a_payload_shows_no_more_than_a_query(world: World, persona: str) -> None:
    """Leak 31: the record in a mutation's payload is read through the writer's lens."""
    for entity in ("Customer", "Opportunity", "Ticket", "Order"):
        listed = {"Opportunity": "opportunities"}.get(entity, f"{entity.lower()}s")
        asked: Answer = await world.api.as_(persona)(f"{{ {listed}(first: 1) {{ nodes {{ id }} }} }}")
        page = asked.json["data"][listed]
        if not page or not page["nodes"]:
            continue
        selection = " ".join(map(select, fields(entity)))
        query = (
            f"mutation ($id: ID!) {{ update{entity}(input: {{id: $id}}) "
            f"{{ {entity.lower()} {{ {selection} }} userErrors {{ code }} }} }}"
        )
        answer: Answer = await world.api.as_(persona)(query, {"id": page["nodes"][0]["id"]})
        assert answer.status == 200, answer.body
        got = {e["extensions"]["coordinate"] for e in answer.errors}
        assert got == {f.coordinate for f in fields(entity) if not MATRIX.sees(persona, f)}, entity


async def test_a_refused_predicate_in_a_payload_takes_the_whole_request_back(world: World) -> None:
    """Leak 31: nothing is written when the request cannot be answered, not by its first mutation either."""
    before = await world.traces()
    ask = world.api.as_("sales_rep")
    query = (
        'mutation { first: createCustomer(input: {name: "One"}) { customer { id } userErrors { code } }'
        ' second: createCustomer(input: {name: "Two"}) { customer { id contacts(filter: {customer: {parent: {openTicketz: 1}}}) { totalCount } } } }'
    ).replace("{customer: {parent: {openTicketz: 1}}}", "{customer: {shares: {some: {}}}}")
    refused(await ask(query), "PREDICATE_ACCESS_DENIED")
    assert await world.traces() == before


async def test_a_bad_cursor_in_a_payload_takes_its_write_back(world: World) -> None:
    before = await world.traces()
    query = (
        'mutation ($c: String) { createCustomer(input: {name: "C"})'
        " { customer { contacts(first: 1, after: $c) { nodes { id } } } userErrors { code } } }"
    )
    for cursor in ("x", "A" * 36):
        refused(await world.api.as_("administrator")(query, {"c": cursor}), "CURSOR_INVALID")
    assert await world.traces() == before


async def test_defaults_of_variables_reach_a_mutation(world: World) -> None:
    ask = world.api.as_("administrator")
    made = await ask(
        'mutation ($i: CreateTeamInput! = {name: "By default"}) { createTeam(input: $i) { team { name } userErrors { code } } }'
    )
    assert made.data["createTeam"]["team"] == {"name": "By default"}
    made = await ask(
        'mutation ($n: String! = "Inner default") { createTeam(input: {name: $n}) { team { name } userErrors { code } } }'
    )
    assert made.data["createTeam"]["team"] == {"name": "Inner default"}
    made = await ask(
        'mutation ($p: ID) { createTeam(input: {name: "No parent", parentId: $p}) { team { name parent { id } } userErrors { code } } }'
    )
    assert made.data["createTeam"] == {"team": {"name": "No parent", "parent": None}, "userErrors": []}


async def test_a_mutation_with_a_null_input_is_refused(world: World) -> None:
    before = await world.traces()
    ask = world.api.as_("administrator")
    for query, variables in (
        ("mutation ($i: CreateTeamInput!) { createTeam(input: $i) { userErrors { code } } }", {"i": None}),
        ("mutation ($i: CreateTeamInput!) { createTeam(input: $i) { userErrors { code } } }", {}),
        ('mutation ($i: CreateTeamInput = {name: "x"}) { createTeam(input: $i) { userErrors { code } } }', {"i": None}),
        ('mutation ($n: String = "x") { createTeam(input: {name: $n}) { userErrors { code } } }', {"n": None}),
        ('mutation ($n: Decimal = "1") { createTeam(input: {name: $n}) { userErrors { code } } }', {}),
    ):
        answer: Answer = await ask(query, variables)
        assert answer.status < 500, answer.body
        assert answer.codes or answer.json["data"]["createTeam"]["userErrors"], answer.body
    assert await world.traces() == before


async def test_a_mutation_by_get_is_refused(world: World) -> None:
    before = await world.traces()
    answer = await world.api.request(
        "GET", "/graphql", params={"query": 'mutation { createTeam(input: {name: "x"}) { userErrors { code } } }'},
        headers=world.api.headers("administrator"),
    )  # fmt: skip
    assert (answer.status, answer.codes) == (405, ["METHOD_NOT_ALLOWED"])
    assert await world.traces() == before


async def test_the_traces_tell_a_write(world: World) -> None:
    """What all of the above compare is not blind."""
    before = await world.traces()
    made = await world.api.as_("administrator")(CREATE, {"i": {"name": "Real"}})
    assert not made.data["createCustomer"]["userErrors"]
    after = dict(await world.traces())
    grown = {name for name, n in before if after[name] == n + 1}
    assert grown == {"customers", "customers_history", "audit_entries", "outbox_events"}
