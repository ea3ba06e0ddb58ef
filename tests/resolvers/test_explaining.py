"""`explainAccess`, `auditEntries`, `accessDenials` and `viewer`, over HTTP."""

from typing import Any

import pytest

from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPLAIN = """query ($node: ID!, $field: String!, $user: ID) { explainAccess(node: $node, field: $field, user: $user) {
  coordinate exists shown requires mask clearance by oneself mayWrite writeRequires grants { rule read write leavesOut }
} }"""
AUDIT = """query ($node: ID!, $first: Int) { auditEntries(node: $node, first: $first) {
  at action userId userName userKind channel requestId changes { field before after hidden } } }"""


async def me(api: Api, persona: str) -> str:
    return str((await api.as_(persona)("{ viewer { userId } }")).data["viewer"]["userId"])


async def explain(api: Api, persona: str, node: str, field: str, user: str | None = None) -> Any:
    return (await api.as_(persona)(EXPLAIN, {"node": node, "field": field, "user": user})).data["explainAccess"]


async def customers(api: Api, persona: str, condition: str = "") -> list[dict[str, Any]]:
    query = f"{{ customers(first: 200{condition}) {{ nodes {{ id email hiddenFields maskedFields }} }} }}"
    found: list[dict[str, Any]] = (await api.as_(persona)(query)).data["customers"]["nodes"]
    return found


async def test_an_explanation_says_what_shows_for_each_field_and_row(api: Api) -> None:
    for persona in ("sales_rep", "service_agent", "partner_rep", "customer"):
        for row in (await customers(api, persona))[:: 1 + 60 * (persona == "sales_rep")][:4]:
            for field in ("name", "email", "creditLimit", "riskNote", "notes"):
                found = await explain(api, persona, row["id"], field)
                expected = (
                    "HIDDEN" if field in row["hiddenFields"] else "MASKED" if field in row["maskedFields"] else "VALUE"
                )
                assert (found["coordinate"], found["shown"]) == (f"Customer.{field}", expected), (persona, row)
                assert found["exists"]


async def test_the_rule_that_decides_is_named(api: Api) -> None:
    mine = f', filter: {{owner: {{id: {{eq: "{await me(api, "sales_rep")}"}}}}}}'
    [own, *_] = await customers(api, "sales_rep", mine)
    found = await explain(api, "sales_rep", own["id"], "creditLimit")
    assert (found["by"], found["clearance"], found["requires"]) == (["OWN"], "CONFIDENTIAL", "CONFIDENTIAL")
    assert (found["mayWrite"], found["writeRequires"]) == (False, "CONFIDENTIAL")
    assert {g["rule"]: g["read"] for g in found["grants"]}["EVERYONE"] == "PARTNER"
    foreign = next(row for row in await customers(api, "sales_rep") if "email" in row["maskedFields"])
    found = await explain(api, "sales_rep", foreign["id"], "email")
    assert (found["by"], found["mask"], found["shown"]) == (["EVERYONE"], "EMAIL", "MASKED")


async def test_oneself_sees_by_the_subject_view(api: Api) -> None:
    [own] = await customers(api, "customer")
    found = await explain(api, "customer", own["id"], "taxNumber")
    assert (found["shown"], found["oneself"], found["by"]) == ("VALUE", True, ["SELF"])


async def test_a_record_one_does_not_see_is_explained_like_one_that_is_not(api: Api) -> None:
    seen = {row["id"] for row in await customers(api, "partner_rep")}
    hidden = next(row["id"] for row in await customers(api, "administrator") if row["id"] not in seen)
    for node in (hidden, "cus_" + "0" * 32, "xyz_" + "0" * 32):
        assert await explain(api, "partner_rep", node, "name") is None


async def test_for_somebody_else_one_needs_the_right(api: Api) -> None:
    user, [first, *_] = await me(api, "sales_rep"), await customers(api, "administrator")
    found = await explain(api, "administrator", first["id"], "riskNote", user)
    assert (found["shown"], found["exists"]) == ("HIDDEN", True)
    [own, *_] = await customers(api, "service_agent")
    refused = await api.as_("service_agent")(EXPLAIN, {"node": own["id"], "field": "name", "user": user})
    assert (refused.codes, refused.json["data"]) == (["FIELD_ACCESS_DENIED"], {"explainAccess": None})
    itself = await explain(api, "service_agent", own["id"], "name", await me(api, "service_agent"))
    assert itself["shown"] == "VALUE"


async def test_what_does_not_exist_for_the_other_is_said_so(api: Api) -> None:
    seen = {row["id"] for row in await customers(api, "partner_rep")}
    hidden = next(row["id"] for row in await customers(api, "administrator") if row["id"] not in seen)
    found = await explain(api, "administrator", hidden, "name", await me(api, "partner_rep"))
    assert (found["exists"], found["shown"], found["grants"]) == (False, "HIDDEN", [])


@pytest.mark.parametrize("field", ["noSuchField", "", "organizationId", "owner_id", "x" * 500])
async def test_an_unknown_field_is_refused(api: Api, field: str) -> None:
    [own, *_] = await customers(api, "sales_rep")
    answer = await api.as_("sales_rep")(EXPLAIN, {"node": own["id"], "field": field})
    assert answer.codes == ["ARGUMENT_INVALID"]


async def test_audit_values_show_at_todays_level(writable_api: Api) -> None:
    ask = writable_api.as_("administrator")
    mine = f', filter: {{owner: {{id: {{eq: "{await me(writable_api, "sales_rep")}"}}}}}}'
    row = (await customers(writable_api, "sales_rep", mine))[0]
    update = """mutation ($id: ID!) { updateCustomer(input: {id: $id, riskNote: "bad payer",
      creditLimit: {amount: "12345.67", currency: "EUR"}, city: "Ulm"}) { userErrors { code } } }"""
    assert (await ask(update, {"id": row["id"]})).data["updateCustomer"]["userErrors"] in (
        [],
        [{"code": "VALUE_INVALID"}],
    )
    [entry] = (await ask(AUDIT, {"node": row["id"], "first": 1})).data["auditEntries"]
    changes = {c["field"]: c for c in entry["changes"]}
    assert (entry["action"], entry["userId"]) == ("update", await me(writable_api, "administrator"))
    assert changes["riskNote"] == {
        "field": "riskNote",
        "before": changes["riskNote"]["before"],
        "after": "bad payer",
        "hidden": False,
    }
    assert changes["creditLimit"]["after"] == "12345.67"
    answer = await writable_api.as_("sales_rep")(AUDIT, {"node": row["id"], "first": 1})
    [seen] = answer.data["auditEntries"]
    theirs = {c["field"]: c for c in seen["changes"]}
    assert theirs["riskNote"] == {"field": "riskNote", "before": None, "after": None, "hidden": True}
    assert theirs["city"]["after"] == "Ulm"
    assert b"bad payer" not in answer.body
    for persona in ("partner_rep", "customer", "storefront"):
        hidden = await writable_api.as_(persona)(AUDIT, {"node": row["id"]})
        assert hidden.data["auditEntries"] is None


async def test_a_reference_to_an_unseen_record_is_hidden_in_the_audit(writable_api: Api) -> None:
    """Where today's lens of the target does not show it, neither does its id."""
    admin = writable_api.as_("administrator")
    user = (await admin("{ users(first: 1) { nodes { id } } }")).data["users"]["nodes"][0]["id"]
    create = """mutation ($u: ID!) { createLead(input: {name: "audit", ownerId: $u}) {
      lead { id } userErrors { code } } }"""
    made = (await admin(create, {"u": user})).data["createLead"]
    assert made["userErrors"] == []
    [entry] = (await admin(AUDIT, {"node": made["lead"]["id"]})).data["auditEntries"]
    assert {c["field"]: c["after"] for c in entry["changes"]}["owner"] == user


async def test_pages_of_the_audit_are_bounded(api: Api) -> None:
    [row, *_] = await customers(api, "administrator")
    for first in (-1, 201):
        assert (await api.as_("administrator")(AUDIT, {"node": row["id"], "first": first})).codes == [
            "PAGE_SIZE_INVALID"
        ]


async def test_denials_are_read_by_who_may_read_the_policy(writable_api: Api) -> None:
    query = "{ accessDenials { coordinate code userId times } }"
    for _ in range(2):
        await writable_api.as_("sales_rep")("{ customers(first: 1) { nodes { riskNote } } }")
    await writable_api.app.endpoint._refusals.close()
    found = (await writable_api.as_("administrator")(query)).data["accessDenials"]
    assert {
        "coordinate": "Customer.riskNote",
        "code": "FIELD_ACCESS_DENIED",
        "userId": await me(writable_api, "sales_rep"),
        "times": 2,
    } in found
    refused = await writable_api.as_("sales_manager")(query)
    assert (refused.codes, refused.json["data"]["accessDenials"]) == (["FIELD_ACCESS_DENIED"], None)


async def test_the_viewer_is_who_calls(api: Api) -> None:
    query = "{ viewer { userId kind roles rights customerId partnerId viewingAs } }"
    admin = (await api.as_("administrator")(query)).data["viewer"]
    assert (admin["kind"], admin["roles"], "POLICY_WRITE" in admin["rights"]) == ("staff", ["administrator"], True)
    nobody = (await api.as_("storefront")(query)).data["viewer"]
    assert nobody == {
        "userId": None, "kind": "storefront", "roles": ["storefront"], "rights": [],
        "customerId": None, "partnerId": None, "viewingAs": None,
    }  # fmt: skip
    customer = (await api.as_("customer")(query)).data["viewer"]
    assert customer["customerId"].startswith("cus_")
