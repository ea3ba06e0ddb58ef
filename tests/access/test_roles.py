"""Custom roles and who gives roles to whom, over HTTP: nobody raises their own clearance, and somebody stays in charge."""

import re

import pytest

from crm_graph.db import ids
from crm_graph.entity import REGISTRY
from tests.access.policy_world import PolicyWorld

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOMERS = "{ customers { totalCount } }"
CREATE = (
    "mutation ($i: CreateUserInput!) { createUser(input: $i) { user { id roles } userErrors { code message field } } }"
)
WRITE = "mutation ($i: UpdateUserInput!) { updateUser(input: $i) { user { roles } userErrors { code field } } }"
DELETE = "mutation ($i: DeleteUserInput!) { deleteUser(input: $i) { deletedId userErrors { code field } } }"


def auditor(**more: object) -> dict[str, object]:
    grants = [{"entity": "Customer", "grants": [{"rule": "EVERYONE", "read": "CONFIDENTIAL"}]}]
    return {"roles": [{"name": "auditor", "label": "Auditor", "grants": grants, **more}]}


async def errors(policies: PolicyWorld, persona: str, query: str, given: object) -> list[tuple[str, list[str] | None]]:
    """Codes and fields of a mutation's errors; a refusal leaves nothing."""
    users, traces = await policies.users(), await policies.traces()
    [answer] = (await policies.api.as_(persona)(query, {"i": given})).data.values()
    if answer["userErrors"]:
        assert await policies.users() == users
        assert await policies.traces() == traces
    return [(e["code"], e["field"]) for e in answer["userErrors"]]


async def administrators(policies: PolicyWorld) -> list[str]:
    rows = await policies.admin.fetch(
        "SELECT id FROM users WHERE organization_id = $1 AND 'administrator' = ANY(roles) AND status = 'ACTIVE'",
        policies.organization,
    )
    return [ids.encode("usr", row["id"]) for row in rows]


async def test_a_custom_role_from_its_making_to_its_end(policies: PolicyWorld) -> None:
    persona = "administrator"
    assert await errors(policies, persona, CREATE, {"name": "Ada", "roles": ["auditor"]}) == [
        ("VALUE_INVALID", ["roles"])
    ]
    assert (await policies.update(persona, auditor(rights=["POLICY_READ"])))["userErrors"] == []
    created = (await policies.api.as_(persona)(CREATE, {"i": {"name": "Ada", "roles": ["auditor"]}})).data["createUser"]
    assert created["userErrors"] == []
    row = ids.decode(created["user"]["id"])[1]
    ada = policies.other.as_(await policies.key(row, "ada"))
    assert (await ada(CUSTOMERS)).data["customers"]["totalCount"] > 0
    assert (await ada("{ customers(first: 1) { nodes { creditLimit { amount } } } }")).errors == []
    assert (await ada("{ tickets { totalCount } }")).codes == ["FIELD_ACCESS_DENIED"]
    assert (await ada("{ accessPolicy { version } }")).errors == []
    sdl = await policies.other.request("GET", "/schema.graphql", headers=policies.other.headers("ada"))
    assert b"type Customer " in sdl.body
    assert not re.findall(rb"^\w+ Ticket\w*", sdl.body, re.MULTILINE)
    gone = {"roles": [{"name": "auditor", "remove": True}]}
    assert await policies.refused(persona, gone) == [("ROLE_IN_USE", "changes.roles.auditor")]
    assert await errors(policies, persona, WRITE, {"id": created["user"]["id"], "roles": []}) == []
    assert (await policies.update(persona, gone))["userErrors"] == []
    await policies.admin.execute("DELETE FROM api_keys WHERE user_id = $1", row)


async def test_a_role_that_extends_another_follows_it(policies: PolicyWorld) -> None:
    await policies.update("administrator", {"roles": [{"name": "trainee", "extends": "service_agent", "grants": [
        {"entity": "Order", "grants": []}]}]})  # fmt: skip
    trainee = policies.other.as_(await policies.user("trainee"))
    assert (await trainee("{ tickets { totalCount } }")).errors == []
    assert (await trainee("{ orders { totalCount } }")).codes == ["FIELD_ACCESS_DENIED"]
    tickets = {"roles": [{"name": "service_agent", "grants": [{"entity": "Ticket", "grants": []}]}]}
    await policies.update("administrator", tickets)
    assert (await trainee("{ tickets { totalCount } }")).codes == ["FIELD_ACCESS_DENIED"]


async def test_the_last_who_may_change_the_policy_stays(policies: PolicyWorld) -> None:
    without = {"roles": [{"name": "administrator", "rights": ["POLICY_READ"]}]}
    assert ("LOCK_OUT", "") in await policies.refused("administrator", without)
    assert "LOCK_OUT" in [r["code"] for r in (await policies.preview(without))["refusals"]]
    last, *others = await administrators(policies)
    for other in others:
        assert await errors(policies, "administrator", WRITE, {"id": other, "roles": []}) == []
    assert await errors(policies, "administrator", WRITE, {"id": last, "roles": ["sales_rep"]}) == [
        ("LOCK_OUT", ["roles"])
    ]
    assert await errors(policies, "administrator", WRITE, {"id": last, "status": "SUSPENDED"}) == [
        ("LOCK_OUT", ["status"])
    ]
    assert {code for code, _ in await errors(policies, "administrator", DELETE, {"id": last})} <= {"LOCK_OUT", "IN_USE"}
    await policies.update("administrator", {"roles": [{"name": "keeper", "rights": ["POLICY_WRITE"]}]})
    await policies.user("keeper")
    assert (await policies.update("administrator", without))["userErrors"] == []
    await policies.reset()
    for other in others:
        await policies.admin.execute("UPDATE users SET roles = '{administrator}' WHERE id = $1", ids.decode(other)[1])


async def test_who_keeps_the_policy_raises_others_but_not_themselves(policies: PolicyWorld) -> None:
    every = {"rule": "EVERYONE", "read": "INTERNAL", "write": "RESTRICTED"}
    users = [{"entity": "User", "grants": [every]}]
    keeper = {"name": "keeper", "rights": ["POLICY_READ", "POLICY_WRITE"], "grants": [
        *users, {"entity": "Customer", "grants": [{"rule": "EVERYONE", "read": "PARTNER"}]}]}  # fmt: skip
    await policies.update("administrator", {"roles": [keeper, *auditor()["roles"]]})  # type: ignore[misc]
    who = await policies.user("keeper")
    for own in (
        {"roles": [{"name": "keeper", "grants": [{"entity": "Customer", "grants": [
            {"rule": "EVERYONE", "read": "CONFIDENTIAL"}]}]}]},
        {"roles": [{"name": "keeper", "grants": [{"entity": "Ticket", "grants": [
            {"rule": "EVERYONE", "read": "PUBLIC"}]}]}]},
        {"roles": [{"name": "keeper", "grants": [{"entity": "User", "grants": [
            {**every, "assign": True}]}]}]},
        {"roles": [{"name": "keeper", "rights": ["POLICY_READ", "POLICY_WRITE", "RECORDS_ASSIGN"]}]},
        {"levels": [{"coordinate": "Customer.notes", "read": "PUBLIC"}]},
        {"roles": [{"name": "auditor", "rights": ["ACCESS_VIEW_AS"]}]},  # a right for others that one has not
    ):  # fmt: skip
        assert await policies.refused(who, own) == [("OWN_CLEARANCE", "")]
        assert (await policies.api.as_("administrator")("{ accessPolicy { version } }")).data == {
            "accessPolicy": {"version": 1}
        }
    others = {"roles": [{"name": "auditor", "grants": [{"entity": "Ticket", "grants": [
        {"rule": "EVERYONE", "read": "PUBLIC"}]}]}]}  # fmt: skip
    assert (await policies.update(who, others))["userErrors"] == []
    mine = await policies.admin.fetchval("SELECT id FROM users WHERE name = $1", who)
    someone = await policies.user("sales_rep")
    theirs = ids.encode("usr", await policies.admin.fetchval("SELECT id FROM users WHERE name = $1", someone))
    assert await errors(policies, who, WRITE, {"id": ids.encode("usr", mine), "roles": ["keeper", "auditor"]}) == [
        ("WRITE_ACCESS_DENIED", ["roles"])
    ]
    assert await errors(policies, who, WRITE, {"id": theirs, "roles": ["administrator"]}) == [
        ("WRITE_ACCESS_DENIED", ["roles"])
    ]
    assert await errors(policies, who, WRITE, {"id": theirs, "roles": ["auditor"]}) == []
    [admin, *_] = await administrators(policies)
    assert await errors(policies, who, WRITE, {"id": admin, "roles": []}) == [("WRITE_ACCESS_DENIED", ["roles"])]


async def test_levels_alone_do_not_let_anybody_give_roles(policies: PolicyWorld) -> None:
    grants = [{"entity": "User", "grants": [{"rule": "EVERYONE", "read": "RESTRICTED", "write": "RESTRICTED",
               "create": True}]}]  # fmt: skip
    await policies.update("administrator", {"roles": [{"name": "hr", "grants": grants}]})
    hr = await policies.user("hr")
    assert await errors(policies, hr, CREATE, {"name": "Bob", "roles": ["administrator"]}) == [
        ("WRITE_ACCESS_DENIED", ["roles"])
    ]
    assert await errors(policies, hr, CREATE, {"name": "Bob"}) == []


async def test_a_grant_that_leaves_out_a_category_hides_its_fields_everywhere(policies: PolicyWorld) -> None:
    fields = {
        spec.graphql: spec.read.category
        for spec in REGISTRY["Opportunity"].__specs__.values()
        if spec.read and spec.read.category
    }
    categories = sorted({c.name for c in fields.values()})
    grants = [{"rule": "EVERYONE", "read": "CONFIDENTIAL", "without": categories or ["COMMERCIAL"]}]
    before = policies.other.as_("sales_manager")
    assert (await before("{ opportunities(first: 1) { nodes { margin { amount } } } }")).errors == []
    change = {"roles": [{"name": "sales_manager", "grants": [{"entity": "Opportunity", "grants": grants}]}]}
    seen = await policies.preview(change)
    await policies.update("administrator", change)
    role = (await policies.api.as_("administrator")(
        "{ accessPolicy { roles { name grants { entity grants { without } } } } }"
    )).data["accessPolicy"]["roles"]  # fmt: skip
    [manager] = [r for r in role if r["name"] == "sales_manager"]
    [stored] = [g for g in manager["grants"] if g["entity"] == "Opportunity"]
    assert stored["grants"] == [{"without": categories or ["COMMERCIAL"]}]
    for name in fields:
        assert any(c["field"] == name and c["after"] == "NO" for c in seen["cells"])
        answer = await before(f"{{ opportunities(first: 1) {{ nodes {{ {name} {{ __typename }} }} }} }}")
        assert answer.codes == ["FIELD_ACCESS_DENIED"], name
