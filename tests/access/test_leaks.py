"""Leaks of other systems that need a test of their own; `proof.txt` says what proves which."""

import re

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type

from crm_graph.entity import REGISTRY
from crm_graph.graph import types
from tests.access.interpreter import read_matrix
from tests.access.secrets import World
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_no_path_into_a_value(planted_api: Api, world: World) -> None:
    """Leak 2: dotted and JSON sub-paths of hidden fields are no names, in filters, orders and selections."""
    for name in ('"creditLimit.amount"', "creditLimit_amount", "creditLimit__amount", "owner_id", "ownerId", "_raw"):
        for query in (
            "query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }",
            "query ($f: [CustomerOrderBy!]) { customers(orderBy: $f) { totalCount } }",
        ):
            key = name.strip('"')
            value = {key: {"eq": "1"}} if "Filter" in query else [{key: "ASC"}]
            answer = await world.as_(planted_api, "partner_rep")(query, {"f": value})
            assert answer.codes == ["VARIABLE_INVALID"], (query, key, answer.body)
    nested = {"creditLimit": {"amount": {"gt": "1"}}}
    answer = await world.as_(planted_api, "partner_rep")(
        "query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }", {"f": nested}
    )
    assert answer.codes == ["VARIABLE_INVALID"]


async def test_every_levelled_field_may_be_null() -> None:
    """Leak 20: no field that some caller cannot see is non-null, so that no bubbling tells of it."""
    schema = types.full_schema()
    for name, entity in REGISTRY.items():
        made = schema.type_map[name]
        assert isinstance(made, GraphQLObjectType)
        by_name = {spec.graphql: spec for spec in entity.__specs__.values() if spec.read}
        for field, found in made.fields.items():
            if field in by_name and field != "id":
                assert not isinstance(found.type, GraphQLNonNull), f"{name}.{field}"


async def test_one_document_serves_each_caller_their_own(planted_api: Api, world: World) -> None:
    """Leak 22: the same text from callers in turn: plans, documents and schemas are kept by policy, never by text."""
    query = "query Shared($n: Int!) { customers(first: $n) { totalCount nodes { id email creditLimit { amount } hiddenFields } } }"
    personas = ["administrator", "partner_rep", "sales_rep", "other_partner_rep", "customer", "storefront"]
    first = [(await world.as_(planted_api, p)(query, {"n": 20})).body for p in personas]
    again = [(await world.as_(planted_api, p)(query, {"n": 20})).body for p in reversed(personas)]
    assert first == again[::-1]
    assert len(set(first)) == len(personas)


async def test_a_refusal_asks_the_database_nothing(planted_api: Api, world: World) -> None:
    """Leak 38: a refused predicate is refused before any statement, so its time knows no data."""
    for operand in ('"1"', '"999999999"'):
        query = f"{{ customers(filter: {{ lifetimeValue: {{ gt: {operand} }} }}) {{ totalCount }} }}"
        answer = await world.as_(planted_api, "partner_rep")(query)
        assert (answer.codes, answer.sql) == (["PREDICATE_ACCESS_DENIED"], ())


async def test_a_batch_is_no_request(planted_api: Api) -> None:
    """Leak 41: several operations in one body are refused, for whoever sends them, and none of them is run."""
    body = b'[{"query": "{ products { totalCount } }"}, {"query": "{ products { totalCount } }"}]'
    for persona in ("storefront", "administrator"):
        answer = await planted_api.send(persona, body)
        assert answer.status == 400
        assert not answer.sql
        assert "data" not in answer.json


async def test_no_field_is_a_bag_of_others() -> None:
    """Vendure #3049: no field of a record is a JSON or free-form scalar that would carry what has a level of its own."""
    schema = types.full_schema()
    for name in REGISTRY:
        made = schema.type_map[name]
        assert isinstance(made, GraphQLObjectType)
        kinds = {get_named_type(field.type).name for field in made.fields.values()}
        assert not {kind for kind in kinds if kind.lower() in ("json", "jsonobject", "any", "map", "object")}, name


async def test_guests_see_the_catalogue_and_nothing_else(planted_api: Api, world: World) -> None:
    """Guest misconfiguration: an anonymous caller reaches what is on sale and published, and writes no more than votes."""
    matrix = read_matrix()
    reached = {entity for entity in REGISTRY if matrix.highest("storefront", entity) is not None}
    catalogue = {"ProductCategory", "Product", "BundleItem", "PriceList", "PriceListEntry"}
    assert reached == {"Organization", "KnowledgeArticle", *catalogue}
    sdl = (await planted_api.request("GET", "/schema.graphql")).body.decode()
    mutations = sdl.split("type Mutation {")[1].split("\n}")[0]
    assert re.findall(r"^  (\w+)\(", mutations, re.MULTILINE) == ["voteOnArticle"]
    answer = await world.as_(planted_api, "storefront")("{ __schema { mutationType { name } types { name } } }")
    assert answer.data["__schema"]["mutationType"] == {"name": "Mutation"}
    assert not {t["name"] for t in answer.data["__schema"]["types"]} & (set(REGISTRY) - reached)


async def test_a_rep_learns_no_costs_by_goals_of_their_own_choice(writable_api: Api) -> None:
    """A plan of one day with a goal for the margin would tell what a single order cost."""
    rep = writable_api.as_("sales_rep")
    accounts = (await rep("{ keyAccounts(first: 100) { nodes { id hiddenFields } } }")).data["keyAccounts"]["nodes"]
    mine = next(one["id"] for one in accounts if "strategy" not in one["hiddenFields"])
    plan = """mutation ($a: ID!) { createKeyAccountPlan(input: { keyAccountId: $a, title: "Day", startsOn: "2024-02-05",
      endsOn: "2024-02-05" }) { keyAccountPlan { id } userErrors { code } } }"""
    goal = """mutation ($p: ID!, $m: GoalMetric!) { createGoal(input: { planId: $p, title: "G", metric: $m, target: "1" })
      { goal { metric actual status hiddenFields } userErrors { code } } }"""
    made = (await rep(plan, {"a": mine})).json["data"]["createKeyAccountPlan"]
    assert made["userErrors"] == []
    for metric in ("MARGIN", "WON_AMOUNT"):
        answer = await rep(goal, {"p": made["keyAccountPlan"]["id"], "m": metric})
        shown = answer.json["data"]["createGoal"]["goal"]
        assert (shown["metric"], shown["actual"], shown["status"]) == (metric, None, None)
    assert (await rep("{ goals(filter: { status: { eq: RED } }) { totalCount } }")).codes == ["PREDICATE_ACCESS_DENIED"]
