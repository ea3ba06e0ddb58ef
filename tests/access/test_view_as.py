"""Looking as somebody else: what both may see, audited, and nothing written."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import asyncpg
import pytest

from tests.fixtures.api import Answer, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTED = """query ($after: String) { customers(first: 200, after: $after) { pageInfo { hasNextPage endCursor } nodes {
  id name email phone notes creditLimit { amount } bornOn lifetimeValue { amount } riskNote hiddenFields maskedFields
} } }"""
NESTED = """{ orders(first: 100) { nodes { id number customer { id name email } lines { nodes { id quantity } } } } }"""


async def user_id(api: Api, persona: str) -> str:
    found = (await api.as_(persona)("{ viewer { userId } }")).data["viewer"]["userId"]
    assert isinstance(found, str)
    return found


async def look(api: Api, viewer: str, person: str, query: str) -> Answer:
    return await api.as_(viewer)(query, headers={"x-view-as": await user_id(api, person)})


async def listed(api: Api, persona: str, headers: Mapping[str, str] | None = None) -> dict[str, Mapping[str, Any]]:
    """All customers, by id."""
    found: dict[str, Mapping[str, Any]] = {}
    after: str | None = None
    while True:
        page = (await api.as_(persona)(LISTED, {"after": after}, headers=headers)).json["data"]["customers"]
        found |= {row["id"]: row for row in page["nodes"]}
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("person", ["sales_rep", "sales_manager", "service_agent", "customer", "partner_rep"])
async def test_an_administrator_sees_what_the_person_sees(api: Api, person: str) -> None:
    """Who may see everything sees just as much as the person: errors, masks, hidden fields and all."""
    listed = LISTED.replace("pageInfo { hasNextPage endCursor }", "")  # a cursor is of who asked for it
    for query in (listed, NESTED, "{ customers { totalCount } users(first: 50) { nodes { name email roles } } }"):
        as_other, own = await look(api, "administrator", person, query), await api.as_(person)(query)
        assert as_other.body == own.body


@pytest.mark.parametrize("person", ["sales_rep", "service_agent", "partner_rep", "customer"])
async def test_who_sees_less_than_the_person_sees_no_more_by_looking_as_them(writable_api: Api, person: str) -> None:
    """A manager, given the right: rows and cells that both see, each as the one sees it who sees less of it."""
    await give_right(writable_api, "sales_manager")
    mine, theirs = [await listed(writable_api, one) for one in ("sales_manager", person)]
    both = await listed(writable_api, "sales_manager", {"x-view-as": await user_id(writable_api, person)})
    assert set(both) == set(mine) & set(theirs)
    assert both
    for key, seen in both.items():
        for name in seen:
            if name in ("hiddenFields", "maskedFields"):
                continue
            sides = (mine[key], theirs[key])
            if any(name in side["hiddenFields"] for side in sides):
                assert seen[name] is None
            elif any(name in side["maskedFields"] for side in sides):
                assert seen[name] in [side[name] for side in sides if name in side["maskedFields"]]
            else:
                assert seen[name] == mine[key][name] == theirs[key][name]
        hidden = {*mine[key]["hiddenFields"], *theirs[key]["hiddenFields"]}
        assert hidden == set(seen["hiddenFields"])


async def give_right(api: Api, role: str) -> None:
    """Let a role of the demo look as others, by the access policy."""
    connection = await asyncpg.connect(api.url)
    try:
        await connection.execute(
            "INSERT INTO access_policies (organization_id, id, version, document, note)"
            " SELECT u.organization_id, gen_random_uuid(), 1, $2, 'test' FROM users u WHERE u.email = $1 ON CONFLICT DO NOTHING",
            api.people[role]["email"],
            json.dumps({"roles": {role: {"rights": ["access:view_as"]}}}),
        )
    finally:
        await connection.close()
    for _ in range(100):  # the process hears of it
        if "ACCESS_VIEW_AS" in (await api.as_(role)("{ viewer { rights } }")).data["viewer"]["rights"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the process has not heard of the policy")


async def test_filters_orders_and_counts_go_by_what_both_see(api: Api) -> None:
    for query in (
        '{ customers(first: 20, filter: {email: {startsWith: "a"}}) { nodes { id } } }',
        "{ customers(first: 20, orderBy: [{creditLimit: DESC}]) { nodes { id creditLimit { amount } } } }",
        "{ opportunities(filter: {customer: {email: {isNull: false}}}) { totalCount } }",
    ):
        assert (await look(api, "administrator", "sales_rep", query)).body == (await api.as_("sales_rep")(query)).body


async def test_a_cursor_of_the_person_is_none_of_the_viewers(api: Api) -> None:
    query = "{ customers(first: 2) { pageInfo { endCursor } } }"
    cursor = (await look(api, "administrator", "sales_rep", query)).data["customers"]["pageInfo"]["endCursor"]
    follow = f"{{ customers(first: 2, after: {json.dumps(cursor)}) {{ nodes {{ id }} }} }}"
    assert (await look(api, "administrator", "sales_rep", follow)).data["customers"]["nodes"]
    for caller in ("administrator", "sales_rep"):
        assert (await api.as_(caller)(follow)).codes == ["CURSOR_INVALID"]


async def test_the_schema_is_the_persons(api: Api) -> None:
    query = '{ __type(name: "Customer") { fields { name } } }'
    assert (await look(api, "administrator", "partner_rep", query)).body == (await api.as_("partner_rep")(query)).body


async def test_every_look_is_audited(writable_api: Api) -> None:
    person = await user_id(writable_api, "sales_rep")
    answer = await writable_api.as_("administrator")("{ __typename }", headers={"x-view-as": person})
    assert answer.status == 200
    [entry, *_] = (
        await writable_api.as_("administrator")(
            """query ($node: ID!) { auditEntries(node: $node) { action userId requestId changes { field } } }""",
            {"node": person},
        )
    ).data["auditEntries"]
    assert entry == {
        "action": "view_as",
        "userId": await user_id(writable_api, "administrator"),
        "requestId": answer.headers["x-request-id"],
        "changes": [],
    }


async def test_nothing_is_written_as_somebody_else(writable_api: Api) -> None:
    person = await user_id(writable_api, "sales_rep")
    answer = await writable_api.as_("administrator")(
        'mutation { createCustomer(input: {name: "As other"}) { userErrors { code } } }', headers={"x-view-as": person}
    )
    assert (answer.status, answer.codes) == (403, ["VIEW_AS_WRITES"])
    connection = await asyncpg.connect(writable_api.url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM customers WHERE name = 'As other'") == 0
    finally:
        await connection.close()
    query = "{ __schema { mutationType { name } } }"
    as_other = await writable_api.as_("administrator")(query, headers={"x-view-as": person})
    assert as_other.data["__schema"]["mutationType"] is None


@pytest.mark.parametrize("persona", ["sales_rep", "sales_manager", "partner_rep", "customer", "storefront"])
async def test_without_the_right_nobody_is_told_whether_there_is_such_a_user(api: Api, persona: str) -> None:
    known = await user_id(api, "service_agent")
    unknown = "usr_" + "0" * 32
    answers = [
        await api.as_(persona)("{ __typename }", headers={"x-view-as": one}) for one in (known, unknown, "nonsense", "")
    ]
    assert {answer.status for answer in answers} == {403}
    assert (
        len({answer.body.replace(a.encode(), b"") for answer in answers for a in [answer.headers["x-request-id"]]}) == 1
    )


async def test_a_user_of_another_organisation_is_none(api: Api) -> None:
    other = await user_id(api, "other_org_administrator")
    for wanted in (other, "usr_" + "0" * 32, "cus_" + "0" * 32, "\x80", "usr_x"):
        headers = {"x-view-as": wanted.encode("latin-1")}
        answer = await api.as_("administrator")("{ __typename }", headers=headers)
        assert (answer.status, answer.codes) == (403, ["VIEW_AS_REFUSED"])
