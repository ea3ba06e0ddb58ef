"""What a caller may see on no row groups nothing, keeps nothing and orders nothing; and what makes no sense is said so."""

import pytest
from graphql import GraphQLObjectType, build_schema

from crm_graph.graph.aggregate_types import aggregate_types
from tests.aggregates.conftest import World
from tests.fixtures.api import Answer

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEVEN = ("kind", "segment", "stage", "city", "country", "industry", "owner")
PREDICATES = (
    "groupBy: [{lifetimeValue: VALUE}]",
    "groupBy: [{kind: VALUE}, {lifetimeValue: VALUE}]",
    'having: {sum: {lifetimeValue: {gt: "0"}}}',
    'having: {avg: {lifetimeValue: {gt: "0"}}}',
    "having: {max: {lifetimeValue: {isNull: true}}}",
    'having: {min: {lifetimeValue: {eq: "1", currency: "CHF"}}}',
    "orderBy: [{sum: {lifetimeValue: DESC}}]",
    "orderBy: [{max: {lifetimeValue: DESC}}]",
    "orderBy: [{key: {lifetimeValue: DESC}}]",
)


def refused(answer: Answer, code: str) -> None:
    assert set(answer.codes) == {code}, answer.body
    assert "data" not in answer.json
    assert not answer.sql


@pytest.mark.parametrize("arguments", PREDICATES)
@pytest.mark.parametrize("persona", ["service_agent", "partner_rep"])
async def test_a_hidden_field_groups_keeps_and_orders_nothing(listings: World, persona: str, arguments: str) -> None:
    """Leaks 6 and 7: a refusal that is the same whether or not there are values, instead of an empty group."""
    for nobody in ("", 'filter: {name: {eq: "nobody is called so"}}, '):
        query = f"{{ customerAggregate({nobody}{arguments}) {{ groupCount groups {{ count }} }} }}"
        answer = await listings.api.as_(persona)(query)
        refused(answer, "PREDICATE_ACCESS_DENIED")
        assert answer.errors[0]["extensions"]["coordinate"] == "Customer.lifetimeValue"
        assert answer.errors[0]["extensions"]["requires"] == "CONFIDENTIAL"


async def test_the_same_is_answered_to_who_may_see_the_field(listings: World) -> None:
    for arguments in PREDICATES:
        query = f"{{ customerAggregate({arguments}) {{ groupCount }} }}"
        answer = await listings.api.as_("sales_manager")(query)
        if "key:" in arguments:
            refused(answer, "ARGUMENT_INVALID")
        else:
            assert answer.data["customerAggregate"]["groupCount"] >= 0


async def test_a_hidden_field_is_null_and_an_error_in_each_aggregate(listings: World) -> None:
    """Leak 8: min, max, sum, average and the number of different values of a hidden field."""
    query = """{ customerAggregate(groupBy: [{kind: VALUE}]) { groups {
        key { kind x: lifetimeValue { amount } } count
        sum { lifetimeValue { amount } } avg { lifetimeValue { amount } }
        min { lifetimeValue { amount } } max { y: lifetimeValue { currency } } countDistinct { lifetimeValue }
    } } }"""
    answer = await listings.api.as_("service_agent")(query)
    assert answer.codes == ["FIELD_ACCESS_DENIED"] * 6
    assert {e["extensions"]["coordinate"] for e in answer.errors} == {"Customer.lifetimeValue"}
    assert not any("path" in e for e in answer.errors), "there is a list in between"
    assert "lifetime_value" not in answer.sql[0]
    for group in answer.json["data"]["customerAggregate"]["groups"]:
        assert group["count"] > 0
        for part in ("sum", "avg", "min", "max", "countDistinct"):
            assert list(group[part].values()) == [None]


async def test_a_record_that_is_not_seen_is_the_same_group_as_none(listings: World) -> None:
    """Leak 16: whose order it is does not tell a partner of customers they cannot see."""
    rows = await listings.rows("partner_rep", "order")
    seen = {row["customer"]["id"] for row in rows if row["customer"]}
    query = "{ orderAggregate(groupBy: [{customer: VALUE}], first: 200) { groupCount groups { key { customer { id } } count } } }"
    found = (await listings.api.as_("partner_rep")(query)).data["orderAggregate"]
    assert found["groupCount"] == len(seen) + 1
    unseen = [g["count"] for g in found["groups"] if g["key"]["customer"] is None]
    assert unseen == [sum(row["customer"] is None for row in rows)]
    assert unseen[0] > 0
    counted = "{ orderAggregate { groups { countDistinct { customer } } } }"
    answer = await listings.api.as_("partner_rep")(counted)
    assert answer.data["orderAggregate"]["groups"][0]["countDistinct"]["customer"] == len(seen)


async def test_masked_amounts_are_grouped_and_summed_as_masked(listings: World) -> None:
    rows = [r for r in await listings.rows("partner_rep", "customer") if r["creditLimit"]]
    query = "{ customerAggregate(groupBy: [{creditLimit: VALUE}]) { groups { key { creditLimit { amount } } min { creditLimit { amount } } } } }"
    found = (await listings.api.as_("partner_rep")(query)).data["customerAggregate"]["groups"]
    amounts = {g["key"]["creditLimit"]["amount"] for g in found if g["key"]["creditLimit"]}
    assert amounts == {r["creditLimit"]["amount"] for r in rows}
    assert amounts <= {"0", "1000", "5000", "10000", "50000", "100000", "500000", "1000000"}
    whole = "{ customerAggregate { groups { sum { creditLimit { amount currency } } } } }"
    [group] = (await listings.api.as_("partner_rep")(whole)).data["customerAggregate"]["groups"]
    for money in group["sum"]["creditLimit"]:
        expected = sum(
            int(r["creditLimit"]["amount"]) for r in rows if r["creditLimit"]["currency"] == money["currency"]
        )
        assert int(money["amount"]) == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("groupBy: [{createdAt: MONTH}, {createdAt: YEAR}]", "ARGUMENT_INVALID"),
        ("groupBy: [{segment: MONTH}]", "GRAPHQL_VALIDATION_FAILED"),
        ("groupBy: [{segment: VALUE, kind: VALUE}]", "GRAPHQL_VALIDATION_FAILED"),
        ("groupBy: [{}]", "GRAPHQL_VALIDATION_FAILED"),
        ("groupBy: [{kind: VALUE}, {notes: VALUE}]", "GRAPHQL_VALIDATION_FAILED"),
        ("orderBy: [{key: {segment: ASC}}]", "ARGUMENT_INVALID"),
        ("orderBy: [{count: ASC, sum: {employees: ASC}}]", "GRAPHQL_VALIDATION_FAILED"),
        ("orderBy: [{sum: {}}]", "GRAPHQL_VALIDATION_FAILED"),
        ("having: {count: {gt: null}}", "ARGUMENT_INVALID"),
        ('having: {sum: {employees: {gt: "NaN"}}}', "GRAPHQL_VALIDATION_FAILED"),
        ("having: {count: {gt: 99999999999}}", "GRAPHQL_VALIDATION_FAILED"),
        ("first: 201", "PAGE_SIZE_INVALID"),
        ("first: -1", "PAGE_SIZE_INVALID"),
        (
            f"groupBy: [{', '.join(f'{{{name}: VALUE}}' for name in SEVEN)}]",
            "ARGUMENT_INVALID",
        ),
        (f"having: {{count: {{in: [1]}}, max: {{employees: {{notIn: [{', '.join(map(str, range(20)))}]}}}}}}", None),
    ],
)
async def test_what_makes_no_sense_is_said_so(listings: World, arguments: str, code: str | None) -> None:
    answer = await listings.api.as_("administrator")(f"{{ customerAggregate({arguments}) {{ groupCount }} }}")
    if code is None:
        assert answer.data
    else:
        refused(answer, code)


@pytest.mark.parametrize(
    "value",
    [
        [{"segment": "MONTH"}],
        [{"segment": "VALUE", "kind": "VALUE"}],
        [{"segment": None}],
        [None],
        [{"createdAt": "CENTURY"}],
        [{"createdAt": 7}],
        [{"password": "VALUE"}],
        "segment",
        [[]],
    ],
)
async def test_bad_variables_are_refused(listings: World, value: object) -> None:
    query = "query ($by: [CustomerGroupBy!]) { customerAggregate(groupBy: $by) { groupCount } }"
    answer = await listings.api.as_("administrator")(query, {"by": value})
    refused(answer, "VARIABLE_INVALID")


async def test_groups_count_towards_what_an_operation_may_answer(listings: World) -> None:
    inner = "groups { key { owner { customers(first: 200) { nodes { orders(first: 200) { nodes { id } } } } } } }"
    query = f"{{ customerAggregate(groupBy: [{{owner: VALUE}}], first: 200) {{ {inner} }} }}"
    refused(await listings.api.as_("administrator")(query), "TOO_COSTLY")


@pytest.mark.parametrize("persona", ["sales_rep", "service_agent", "partner_rep", "customer", "storefront"])
async def test_the_schema_shows_no_aggregates_of_hidden_fields(listings: World, persona: str) -> None:
    answer = await listings.api.request("GET", "/schema.graphql", headers=listings.api.headers(persona))
    schema = build_schema(answer.body.decode())
    assert schema.query_type is not None
    for name in ("Customer", "Order", "Opportunity", "Product", "Ticket"):
        shown = schema.type_map.get(name)
        root = f"{name.lower()}Aggregate"
        assert (root in schema.query_type.fields) == (shown is not None)
        known = set(shown.fields) if isinstance(shown, GraphQLObjectType) else set()
        for part in aggregate_types(name):
            if part in schema.type_map:
                assert set(schema.type_map[part].fields) <= known, part  # type: ignore[attr-defined]
    if persona == "service_agent":
        assert "annualRevenue" in schema.type_map["CustomerGroupNumbers"].fields  # type: ignore[attr-defined]
        assert "lifetimeValue" not in schema.type_map["CustomerGroupNumbers"].fields  # type: ignore[attr-defined]
