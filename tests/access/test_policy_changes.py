"""The life of an access policy over HTTP: preview, change, what callers of another process then get, and going back."""

import asyncio
import json
from typing import Any

import pytest

from tests.access.policy_world import UPDATE, PolicyWorld

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN_ONLY = [{"rule": "OWN", "read": "CONFIDENTIAL", "write": "INTERNAL", "create": True}]
HIDE_LIMIT = {"levels": [{"coordinate": "Customer.creditLimit", "read": "RESTRICTED"}]}
LIMITS = "{ customers(first: 3) { nodes { creditLimit { amount } } } }"
TYPE = '{ __type(name: "Customer") { fields { name } } }'


def field(name: str, grants: object, entity: str = "Customer") -> dict[str, object]:
    return {"roles": [{"name": name, "grants": [{"entity": entity, "grants": grants}]}]}


async def test_the_whole_life_of_a_change(policies: PolicyWorld) -> None:
    manager = policies.other.as_("sales_manager")
    assert (await manager(LIMITS)).errors == []

    seen = await policies.preview(HIDE_LIMIT)
    assert seen["version"] == 0
    assert seen["refusals"] == []
    by = {(c["role"], c["action"]): c for c in seen["cells"] if c["entity"] == "Customer"}
    assert {c["field"] for c in seen["cells"]} == {"creditLimit"}
    assert (by["sales_manager", "READ"]["before"], by["sales_manager", "READ"]["after"]) == ("YES", "MASKED")
    assert (by["partner_rep", "READ"]["before"], by["partner_rep", "READ"]["after"]) == ("BY_ROW", "NO")
    assert ("administrator", "READ") not in by
    assert not any(c["widens"] for c in seen["cells"])
    assert {r["role"]: r["activeUsers"] for r in seen["roles"]}["sales_manager"] >= 1
    assert (await manager(LIMITS)).errors == []

    before = await policies.traces()
    made = await policies.update("administrator", HIDE_LIMIT, note="Audit finding 7", ifVersion=0)
    assert made["userErrors"] == []
    assert made["accessPolicy"]["version"] == 1
    assert made["accessPolicy"]["levels"] == [
        {"coordinate": "Customer.creditLimit", "read": "RESTRICTED", "write": None}
    ]
    after = await policies.traces()
    assert {name: after[name] - before[name] for name in after} == {
        "access_policies": 1, "access_revisions": 1, "audit_entries": 1, "outbox_events": 1, "idempotency_keys": 0,
    }  # fmt: skip
    audit = await policies.admin.fetchrow(
        "SELECT entity, action, changes, actor_id FROM audit_entries ORDER BY at DESC LIMIT 1"
    )
    assert (audit["entity"], audit["action"]) == ("AccessPolicy", "update")
    assert json.loads(audit["changes"])["version"] == [None, 1]
    event = await policies.admin.fetchrow("SELECT type, payload FROM outbox_events ORDER BY sequence DESC LIMIT 1")
    assert event["type"] == "access_policy.updated"
    assert "sales_manager" in json.loads(event["payload"])["roles"]

    partner, administrator = policies.other.as_("partner_rep"), policies.other.as_("administrator")
    assert (await partner(LIMITS)).codes == ["FIELD_ACCESS_DENIED"]
    assert (await partner("{ customers(orderBy: { creditLimit: DESC }) { totalCount } }")).codes == [
        "PREDICATE_ACCESS_DENIED"
    ]
    refused = await partner('{ customers(filter: { creditLimit: { gt: "1" } }) { totalCount } }')
    assert refused.codes == ["PREDICATE_ACCESS_DENIED"]
    assert refused.errors[0]["extensions"]["requires"] == "RESTRICTED"
    assert "creditLimit" not in str((await partner(TYPE)).data)
    sdl = await policies.other.request("GET", "/schema.graphql", headers=policies.other.headers("partner_rep"))
    assert b"creditLimit" not in sdl.body
    assert (await administrator(LIMITS)).errors == []
    masked = (await manager("{ customers(first: 1) { nodes { maskedFields } } }")).data
    assert "creditLimit" in masked["customers"]["nodes"][0]["maskedFields"]
    assert (await policies.other.as_("other_org_administrator")("{ accessPolicy { version } }")).data["accessPolicy"][
        "version"
    ] == 0

    back = await policies.rollback(0, note="It was a mistake")
    assert back["accessPolicy"]["version"] == 2
    assert (await manager(LIMITS)).errors == []
    assert "creditLimit" in str((await partner(TYPE)).data)
    history = (await administrator("{ accessPolicies { version note createdBy createdAt } }")).data["accessPolicies"]
    assert [(h["version"], h["note"]) for h in history] == [(2, "It was a mistake"), (1, "Audit finding 7")]
    assert all(h["createdBy"].startswith("usr_") and h["createdAt"] for h in history)
    asked = "{ accessPolicy(version: 1) { levels { read } } }"
    assert (await administrator(asked)).data["accessPolicy"]["levels"] == [{"read": "RESTRICTED"}]


async def test_a_lowered_level_opens_a_field_and_warns_of_people_outside(policies: PolicyWorld) -> None:
    opened = {"levels": [{"coordinate": "Customer.riskNote", "read": "PUBLIC"}]}
    query = "{ customers(first: 1) { nodes { riskNote } } }"
    partner = policies.other.as_("partner_rep")
    assert (await partner(query)).codes == ["FIELD_ACCESS_DENIED"]
    seen = await policies.preview(opened)
    assert [w["code"] for w in seen["warnings"]] == ["WIDENS_OUTSIDE"] * 3
    assert {w["message"].split()[0] for w in seen["warnings"]} == {"partner_rep", "partner_admin", "customer"}
    assert all(c["widens"] for c in seen["cells"])
    await policies.update("administrator", opened)
    assert (await partner(query)).errors == []
    assert "riskNote" in str((await partner(TYPE)).data)


async def test_rows_come_and_go_with_grants(policies: PolicyWorld) -> None:
    rep = policies.other.as_("sales_rep")
    count = "{ customers { totalCount } }"
    all_of_them = (await rep(count)).data["customers"]["totalCount"]
    await policies.update("administrator", field("sales_rep", OWN_ONLY))
    own = (await rep(count)).data["customers"]["totalCount"]
    assert 0 < own < all_of_them
    await policies.update("administrator", field("sales_rep", []))
    assert (await rep(count)).codes == ["FIELD_ACCESS_DENIED"]
    await policies.update("administrator", field("sales_rep", None))
    assert (await rep(count)).data["customers"]["totalCount"] == all_of_them
    assert (await rep('mutation { createCustomer(input: { name: "New" }) { userErrors { code } } }')).data[
        "createCustomer"
    ]["userErrors"] == []


GRANTS = """{ accessPolicy { roles { name grants { entity grants {
  rule read write create delete assign without } } } } }"""
ASSIGNS = """query ($r: [String!]) { accessMatrix(roles: $r, entities: ["Customer", "Product"]) {
  entity field action outcome rules } }"""


async def granted(policies: PolicyWorld) -> dict[str, list[dict[str, Any]]]:
    """The grants of each role by entity, as the API gives them."""
    answer = await policies.api.as_("administrator")(GRANTS)
    return {role["name"]: role["grants"] for role in answer.data["accessPolicy"]["roles"]}


async def test_grants_sent_back_as_they_came_change_nothing(policies: PolicyWorld) -> None:
    before = await granted(policies)
    assert any(g["assign"] for one in before["sales_rep"] for g in one["grants"])
    same = {"roles": [{"name": name, "grants": grants} for name, grants in before.items()]}
    seen = await policies.preview(same)
    assert (seen["refusals"], seen["total"], seen["roles"], seen["warnings"]) == ([], 0, [], [])
    made = await policies.update("administrator", same)
    assert (made["userErrors"], made["accessPolicy"]["version"]) == ([], 1)
    assert await granted(policies) == before


async def test_assigning_that_is_lost_or_gained_is_seen_before(policies: PolicyWorld) -> None:
    ask = policies.api.as_("administrator")
    found = (await ask(ASSIGNS, {"r": ["sales_rep"]})).data["accessMatrix"]
    assert [(c["entity"], c["field"], c["outcome"], c["rules"]) for c in found if c["action"] == "ASSIGN"] == [
        ("Customer", None, "BY_ROW", ["OWN"])
    ]
    [shipped] = [one["grants"] for one in (await granted(policies))["sales_rep"] if one["entity"] == "Customer"]
    without = field("sales_rep", [{**grant, "assign": False} for grant in shipped])
    seen = await policies.preview(without)
    cells = [c for c in seen["cells"] if c["entity"] == "Customer"]
    assert [(c["action"], c["field"], c["before"], c["after"], c["widens"]) for c in cells] == [
        ("ASSIGN", None, "BY_ROW", "NO", False)
    ]
    assert [r["role"] for r in seen["roles"]] == ["sales_rep"]
    await policies.update("administrator", without)
    back = await policies.preview(field("sales_rep", shipped))
    assert [(c["action"], c["after"], c["widens"]) for c in back["cells"] if c["entity"] == "Customer"] == [
        ("ASSIGN", "BY_ROW", True)
    ]
    by_right = await policies.preview({"roles": [{"name": "sales_rep", "rights": ["RECORDS_ASSIGN"]}]})
    [cell] = [c for c in by_right["cells"] if c["entity"] == "Customer"]
    assert (cell["action"], cell["before"], cell["rulesAfter"]) == ("ASSIGN", "NO", ["OWN", "TEAM"])


async def test_computed_fields_follow_their_inputs(policies: PolicyWorld) -> None:
    query = "{ opportunities(first: 1) { nodes { weightedAmount { amount } } } }"
    manager = policies.other.as_("sales_manager")
    assert (await manager(query)).errors == []
    await policies.update("administrator", {"levels": [{"coordinate": "Opportunity.amount", "read": "RESTRICTED"}]})
    assert (await manager(query)).codes == ["FIELD_ACCESS_DENIED"]


async def test_the_matrix_says_what_a_query_gets(policies: PolicyWorld) -> None:
    await policies.update(
        "administrator", {**HIDE_LIMIT, **field("partner_rep", [{"rule": "SHARED", "read": "PARTNER"}])}
    )
    query = 'query ($r: [String!]) { accessMatrix(roles: $r, entities: ["Customer"]) { field action outcome } }'
    found = (await policies.api.as_("administrator")(query, {"r": ["partner_rep"]})).data["accessMatrix"]
    outcome = {c["field"]: c["outcome"] for c in found if c["action"] == "READ"}
    assert outcome["creditLimit"] == "NO"
    assert outcome["name"] == "YES"
    assert {"NO", "BY_ROW", "YES"} <= {*outcome.values()}
    parts = {"owner", "team", "territory", "parent", "limitRequest", "annualRevenue", "creditLimit", "lifetimeValue"}
    plain = [f for f in outcome if f not in parts]
    answer = await policies.other.as_("partner_rep")(f"{{ customers(first: 1) {{ nodes {{ {' '.join(plain)} }} }} }}")
    assert {*answer.codes} == {"FIELD_ACCESS_DENIED"}, answer.errors
    denied = {e["extensions"]["coordinate"].split(".")[1] for e in answer.errors}
    assert denied == {f for f in plain if outcome[f] == "NO"}


@pytest.mark.parametrize("persona", ["sales_manager", "sales_rep", "partner_rep", "customer", "storefront"])
async def test_nobody_else_changes_or_previews_it(policies: PolicyWorld, persona: str) -> None:
    assert await policies.refused(persona, HIDE_LIMIT) == [("WRITE_ACCESS_DENIED", "")]
    before = await policies.traces()
    assert [e["code"] for e in (await policies.rollback(0, persona))["userErrors"]] == ["WRITE_ACCESS_DENIED"]
    assert await policies.traces() == before
    assert (await policies.api.as_(persona)("{ previewPolicy(version: 0) { total } }")).codes == ["FIELD_ACCESS_DENIED"]
    sdl = await policies.api.request("GET", "/schema.graphql", headers=policies.api.headers(persona))
    assert b"AccessPolicy" not in sdl.body


async def test_an_administrators_app_needs_the_scope(policies: PolicyWorld) -> None:
    administrator = await policies.admin.fetchval(
        "SELECT id FROM users WHERE organization_id = $1 AND 'administrator' = ANY(roles) AND status = 'ACTIVE' LIMIT 1",
        policies.organization,
    )
    wide = await policies.key(administrator, "app_all", ["*:write:restricted"])
    reads = await policies.key(administrator, "app_reads", ["policy:read"])
    writes = await policies.key(administrator, "app_writes", ["policy:write"])
    for app in (wide, reads):
        assert await policies.refused(app, HIDE_LIMIT) == [("WRITE_ACCESS_DENIED", "")]
    assert (await policies.api.as_(wide)("{ accessPolicy { version } }")).codes == ["FIELD_ACCESS_DENIED"]
    assert (await policies.api.as_(reads)("{ accessPolicy { version } }")).data == {"accessPolicy": {"version": 0}}
    assert (await policies.update(writes, HIDE_LIMIT))["userErrors"] == []


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"levels": [{"coordinate": "Customer.nothing", "read": "PUBLIC"}]}, "levels.Customer.nothing"),
        ({"levels": [{"coordinate": "Nothing.name", "read": "PUBLIC"}]}, "levels.Nothing.name"),
        ({"levels": [{"coordinate": "nonsense", "read": "PUBLIC"}]}, "levels.nonsense"),
        ({"levels": [{"coordinate": "Customer.id", "read": "INTERNAL"}]}, "levels.Customer.id.read"),
        ({"levels": [{"coordinate": "Customer.updatedAt", "write": "PUBLIC"}]}, "levels.Customer.updatedAt.write"),
        ({"levels": [{"coordinate": "User.roles", "write": "INTERNAL"}]}, "levels.User.roles.write"),
        ({"levels": [{"coordinate": "Customer.owner", "write": "PUBLIC"}]}, "levels.Customer.owner.write"),
        ({"levels": [{"coordinate": "Opportunity.margin", "read": "PUBLIC"}]}, "levels.Opportunity.margin.read"),
        ({"levels": [{"coordinate": "Customer.currency", "read": "RESTRICTED"}]}, "levels.Customer.currency.read"),
        (field("sales_rep", [{"rule": "OWN", "read": "PUBLIC"}], "Spaceship"), "roles.sales_rep.grants.Spaceship"),
        (field("sales_rep", [{"rule": "PARENT", "read": "PUBLIC"}]), "roles.sales_rep.grants.Customer.0.rule"),
        (field("sales_rep", [{"rule": "OWN", "read": "PUBLIC"}, {"rule": "OWN", "read": "PARTNER"}]),
         "roles.sales_rep.grants.Customer.1"),
        (field("sales_rep", [{"rule": "OWN", "read": "PUBLIC", "create": True}]),
         "roles.sales_rep.grants.Customer.0.write"),
        ({"roles": [{"name": "Not A Name"}]}, "roles.Not A Name"),
        ({"roles": [{"name": "auditor", "extends": "nobody"}]}, "roles.auditor.extends"),
        ({"roles": [{"name": "sales_rep", "extends": "customer"}]}, "roles.sales_rep.extends"),
        ({"roles": [{"name": "auditor", "label": " "}]}, "roles.auditor.label"),
        ({"roles": [{"name": "auditor", "description": "x" * 2000}]}, "roles.auditor.description"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_by_its_path(policies: PolicyWorld, changes: object, at: str) -> None:
    assert ("VALUE_INVALID", f"changes.{at}") in await policies.refused("administrator", changes)
    assert f"changes.{at}" in [".".join(r["field"]) for r in (await policies.preview(changes))["refusals"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"levels": [{"coordinate": "Customer.name", "read": "COSMIC"}]},
        {"roles": [{"name": "x", "rights": ["EVERYTHING"]}]},
        {"roles": [{"name": "x", "grants": [{"entity": "Customer", "grants": [{"rule": "OWN"}]}]}]},
        {"roles": [{"label": "x"}]}, {"roles": 5}, {"other": 1}, 7, None,
    ],
)  # fmt: skip
async def test_what_has_the_wrong_type_is_a_typed_error(policies: PolicyWorld, changes: object) -> None:
    before = await policies.traces()
    answer = await policies.api.as_("administrator")(UPDATE, {"input": {"changes": changes}})
    assert answer.codes == ["VARIABLE_INVALID"]
    assert await policies.traces() == before


async def test_notes_and_versions_that_are_none(policies: PolicyWorld) -> None:
    assert await policies.refused("administrator", HIDE_LIMIT, note="x" * 1001) == [("VALUE_INVALID", "note")]
    before = await policies.traces()
    for version in (-1, 99):
        assert [e["field"] for e in (await policies.rollback(version))["userErrors"]] == [["version"]]
    assert await policies.traces() == before
    both = await policies.preview(HIDE_LIMIT, 0)
    assert [r["code"] for r in both["refusals"]] == ["VALUE_INVALID"]
    assert [r["code"] for r in (await policies.preview())["refusals"]] == ["VALUE_INVALID"]


async def at_once(policies: PolicyWorld, *inputs: object) -> list[dict[str, Any]]:
    ask = policies.api.as_("administrator")
    async with policies.heard(only_if_changed=True):
        answers = await asyncio.gather(*(ask(UPDATE, {"input": given}) for given in inputs))
    return [answer.data["updateAccessPolicy"] for answer in answers]


async def test_of_two_who_change_the_same_version_one_is_told(policies: PolicyWorld) -> None:
    other = {"levels": [{"coordinate": "Customer.notes", "read": "RESTRICTED"}]}
    answers = await at_once(policies, {"changes": HIDE_LIMIT, "ifVersion": 0}, {"changes": other, "ifVersion": 0})
    errors = sorted((a["userErrors"] for a in answers), key=len)
    assert errors[0] == []
    assert [(e["code"], e["field"]) for e in errors[1]] == [("ETAG_MISMATCH", ["ifVersion"])]
    assert await policies.admin.fetchval("SELECT max(version) FROM access_policies") == 1
    both = await at_once(policies, {"changes": HIDE_LIMIT}, {"changes": other})
    assert sorted(a["accessPolicy"]["version"] for a in both) == [2, 3]
    levels = (await policies.api.as_("administrator")("{ accessPolicy { levels { coordinate } } }")).data[
        "accessPolicy"
    ]
    assert [one["coordinate"] for one in levels["levels"]] == ["Customer.creditLimit", "Customer.notes"]


async def test_a_repeated_key_is_answered_and_not_carried_out(policies: PolicyWorld) -> None:
    first = await policies.update("administrator", HIDE_LIMIT, idempotencyKey="policy-1")
    again = await policies.update("administrator", HIDE_LIMIT, idempotencyKey="policy-1")
    assert first == again
    assert await policies.admin.fetchval("SELECT count(*) FROM access_policies") == 1
    other = await policies.update("administrator", {"levels": []}, idempotencyKey="policy-1")
    assert [e["code"] for e in other["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]


async def test_a_broken_document_denies_and_must_be_cleared_before_it_is_changed(policies: PolicyWorld) -> None:
    await policies.says({"roles": {"sales_rep": {"grants": 5}}})
    assert (await policies.other.as_("sales_rep")("{ customers { totalCount } }")).codes == ["FIELD_ACCESS_DENIED"]
    shown = (await policies.api.as_("administrator")("{ accessPolicy { problems { path } } }")).data["accessPolicy"]
    assert shown["problems"] == [{"path": ["roles", "sales_rep", "grants"]}]
    assert ("VALUE_INVALID", "changes.roles.sales_rep") in await policies.refused("administrator", HIDE_LIMIT)
    cleared = {"roles": [{"name": "sales_rep", "remove": True}]}
    assert (await policies.update("administrator", cleared))["userErrors"] == []
    assert (await policies.other.as_("sales_rep")("{ customers { totalCount } }")).errors == []
