"""Hand-written root queries over HTTP: selected like any field, beside records and introspection, by right."""

import pytest
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

MIXED = """
query ($version: Int, $first: Int!) {
  before: customers(first: 1) { totalCount }
  accessPolicy { ...Roles version again: version __typename }
  other: accessPolicy(version: $version) { version }
  __typename
  accessPolicies(first: $first) { version }
  after: products(first: 1) { totalCount }
  __type(name: "AccessPolicy") { name }
}
fragment Roles on AccessPolicy { roles { name called: label ... on AccessRole { rights } } }
"""


async def test_they_stand_beside_records_and_introspection_and_leave_those_one_statement(api: Api) -> None:
    answer = await api.as_("administrator")(MIXED, {"version": 7, "first": 3})
    data = answer.data
    assert list(data) == [
        "before", "accessPolicy", "other", "__typename", "accessPolicies", "after", "__type",
    ]  # fmt: skip
    assert data["before"]["totalCount"] > 0
    assert data["after"]["totalCount"] > 0
    policy = data["accessPolicy"]
    assert list(policy) == ["roles", "version", "again", "__typename"]
    assert (policy["version"], policy["again"], policy["__typename"]) == (0, 0, "AccessPolicy")
    rights = {role["name"]: role["rights"] for role in policy["roles"]}
    assert "POLICY_WRITE" in rights["administrator"]
    assert rights["sales_rep"] == []
    assert policy["roles"][0]["called"] == "Administrator"
    assert data["other"] is None
    assert data["accessPolicies"] == []
    assert data["__type"] == {"name": "AccessPolicy"}
    assert len(answer.sql) == 1


@pytest.mark.parametrize("persona", ["sales_manager", "sales_rep", "partner_rep", "customer", "storefront"])
async def test_who_has_not_the_right_is_refused_like_for_any_hidden_field(api: Api, persona: str) -> None:
    answer = await api.as_(persona)("{ seen: accessPolicy { version } organizations { totalCount } }")
    assert answer.json["data"]["seen"] is None
    assert answer.json["data"]["organizations"]["totalCount"] == 1
    [error] = answer.errors
    assert error["path"] == ["seen"]
    assert error["extensions"] == {
        "code": "FIELD_ACCESS_DENIED", "coordinate": "Query.accessPolicy", "requires": "policy:read",
    }  # fmt: skip
    shown = await api.request("GET", "/schema.graphql", headers=api.headers(persona))
    for word in (b"accessPolicy", b"AccessPolicy", b"AccessRole", b"PolicyVersion"):
        assert word not in shown.body
    strict = await api.as_(persona)("{ accessPolicy { version } }", headers={"x-access-mode": "strict"})
    assert strict.codes == ["FIELD_ACCESS_DENIED"]
    assert strict.json.get("data") is None


async def test_an_administrator_is_shown_them(api: Api) -> None:
    shown = await api.request("GET", "/schema.graphql", headers=api.headers("administrator"))
    assert b"accessPolicy(" in shown.body


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("query ($v: Int) { accessPolicy(version: $v) { version } }", {"v": "one"}, "VARIABLE_INVALID"),
        ("query ($v: Int) { accessPolicy(version: $v) { version } }", {"v": 2**40}, "VARIABLE_INVALID"),
        ("{ accessPolicy(version: \"x\") { version } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ accessPolicy }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ accessPolicy(version: 99999999999) { version } }", {}, "GRAPHQL_VALIDATION_FAILED"),
    ],
)  # fmt: skip
async def test_bad_arguments_are_typed_errors(api: Api, query: str, variables: dict[str, object], code: str) -> None:
    assert (await api.as_("administrator")(query, variables)).codes == [code]


async def test_null_and_absent_are_the_same_and_skipped_is_not_asked(api: Api) -> None:
    ask = api.as_("administrator")
    query = "query ($v: Int, $no: Boolean!) { accessPolicy(version: $v) @include(if: $no) { version } __typename }"
    assert (await ask(query, {"v": None, "no": True})).data["accessPolicy"] == {"version": 0}
    assert (await ask(query, {"no": True})).data["accessPolicy"] == {"version": 0}
    assert (await ask(query, {"v": 3, "no": True})).data["accessPolicy"] is None
    assert (await ask(query, {"no": False})).data == {"__typename": "Query"}
