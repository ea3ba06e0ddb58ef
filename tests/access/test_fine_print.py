"""The fine print of the design, a test a line, where no other test is named in `proof.txt`."""

from itertools import pairwise
from typing import Any

import pytest

from crm_graph.auth.policy import resolve
from crm_graph.auth.scopes import Scopes
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters
from tests.access.asking import global_id
from tests.access.interpreter import LEVELS
from tests.access.secrets import World
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_categories_are_left_out_whatever_the_level(planted_api: Api, world: World) -> None:
    """Levels and categories: a field has a level and may have a category; grants may exclude categories."""
    query = "{ partners(first: 5) { nodes { id name kind commissionRate } } }"
    own = (await world.as_(planted_api, "partner_rep")(query)).data["partners"]["nodes"]
    assert own
    assert all(node["commissionRate"] is not None for node in own)
    # a sales rep reads partners up to INTERNAL, which is above the rate's PARTNER, and is refused for its category
    answer = await world.as_(planted_api, "sales_rep")(query)
    assert [e["extensions"]["coordinate"] for e in answer.errors] == ["Partner.commissionRate"]
    nodes = answer.json["data"]["partners"]["nodes"]
    assert nodes
    assert all(node["kind"] is not None and node["commissionRate"] is None for node in nodes)
    for predicate in ("filter: { commissionRate: { gt: 5 } }", "orderBy: [{ commissionRate: ASC }]"):
        refused = await world.as_(planted_api, "sales_rep")(
            f"{{ partners({predicate.replace('5', chr(34) + '5' + chr(34))}) {{ totalCount }} }}"
        )
        assert refused.codes == ["PREDICATE_ACCESS_DENIED"]


async def test_a_reference_reads_through_its_targets_lens(planted_api: Api, world: World) -> None:
    """References: a foreign key reads, filters and counts through the target's lens."""
    caller, rows = world.callers["partner_rep"], world.rows
    shown = [r for r in rows.visible(caller, "Opportunity") if r["customer_id"]]
    unseen = {
        r["id"] for r in shown if rows.clearance(caller, "Customer", rows.tables["Customer"][r["customer_id"]]) is None
    }
    assert unseen
    ask = world.as_(planted_api, "partner_rep")
    listed = (await ask("{ opportunities(first: 200) { nodes { id customer { id } } } }")).data["opportunities"][
        "nodes"
    ]
    ids = {global_id("Opportunity", r) for r in shown if r["id"] in unseen}
    assert {n["id"] for n in listed if n["customer"] is None} >= ids
    matched = await ask("{ opportunities(first: 200, filter: { customer: {} }) { nodes { id } totalCount } }")
    assert not ids & {n["id"] for n in matched.data["opportunities"]["nodes"]}
    some = next(r for r in shown if r["id"] in unseen)
    target = global_id("Customer", rows.tables["Customer"][some["customer_id"]])
    by_id = "query ($id: ID!) { opportunities(filter: { customer: { id: { eq: $id } } }) { totalCount } }"
    assert (await ask(by_id, {"id": target})).data["opportunities"]["totalCount"] == 0


async def test_nobody_sees_of_himself_what_is_not_marked_so(planted_api: Api, world: World) -> None:
    """Subject view: marks are per field; never internal notes, margins or scores."""
    for entity in REGISTRY.values():
        for spec in entity.__specs__.values():
            own = entity.__name__ == "TicketRating"  # the mark is what the person gave, not what they were given
            if spec.read and spec.read.subject and not own:
                assert not {"note", "notes", "risk", "cost", "margin", "score"} & set(spec.name.split("_")), spec.name
    answer = await world.as_(planted_api, "customer")(
        "{ customers { nodes { taxNumber email riskNote notes creditLimit { amount } } } }"
    )
    [node] = answer.json["data"]["customers"]["nodes"]
    assert node["email"]
    assert node["riskNote"] is node["notes"] is node["creditLimit"] is None
    assert set(answer.codes) == {"FIELD_ACCESS_DENIED"}


async def test_a_scope_caps_masks_and_the_view_of_oneself() -> None:
    """OAuth scopes only ever narrow; a scope caps masks and the subject view too, and a nested type needs its own."""

    def lens(role: str, entity: str, *scopes: str) -> Any:
        return open_lens(REGISTRY[entity], resolve(frozenset([role]), Scopes(frozenset(scopes))), Parameters(), "t")

    own = lens("customer", "Customer", "customers:read:public")
    assert own.column(own.spec("email")).sql is None
    assert own.column(own.spec("name")).sql is not None
    agent = lens("service_agent", "Customer", "customers:read:public")
    assert agent.column(agent.spec("email")).sql is None, "its mask begins at PARTNER"
    agent = lens("service_agent", "Customer", "customers:read")
    assert agent.column(agent.spec("email")).sql == "t.email_mask"
    assert lens("administrator", "Order", "customers:read:restricted") is None


async def test_numbers_shown_to_the_public_are_not_sequential(planted_api: Api, world: World) -> None:
    """Numbers shown to the public are not sequential."""
    for entity in ("Order", "Ticket", "Proposal"):
        rows = [r for r in world.rows.tables[entity].values() if r["organization_id"] == world.rows.organization]
        digits = [
            int("".join(c for c in r["number"] if c.isdigit()))
            for r in sorted(rows, key=lambda r: r["created_at"])
            if any(c.isdigit() for c in r["number"])
        ]
        steps = {b - a for a, b in pairwise(digits)}
        assert len(steps) > len(digits) // 2, entity


async def test_versions_are_internal(planted_api: Api, world: World) -> None:
    """Versions: `updatedAt` and `version` are INTERNAL on every entity."""
    for entity in REGISTRY.values():
        for name in ("version", "updated_at"):
            read = entity.__specs__[name].read
            assert read is not None
            assert read.level.name == "INTERNAL"


async def test_a_cost_is_that_of_what_is_asked_not_of_what_is_there(planted_api: Api, world: World) -> None:
    """Cost and dry run are computed from what the caller sees; refusals over hidden inputs are generic."""
    query = (
        "{ customers(first: 200) { nodes { orders(first: 200) { nodes { lines(first: 200) { nodes { id } } } } } } }"
    )
    answers = [await world.as_(planted_api, persona)(query) for persona in ("administrator", "partner_rep")]
    told = [{k: v for k, v in a.errors[0]["extensions"].items() if k != "requestId"} for a in answers]
    assert told[0] == told[1]
    assert told[0]["code"] == "TOO_COSTLY"


async def test_a_refused_upsert_is_refused_alike_whether_or_not_its_key_is_taken(
    planted_api: Api, world: World
) -> None:
    """Uniqueness and upsert: else who may not make a record would learn, without a trace, which keys there are."""
    rows, rep = world.rows, world.callers["sales_rep"]
    ask, errors = world.as_(planted_api, "sales_rep"), "userErrors { code message field }"
    mutation = f"mutation ($i: UpsertCustomerInput!) {{ upsertCustomer(input: $i) {{ customer {{ id }} {errors} }} }}"
    unseen = [
        row
        for row in rows.tables["Customer"].values()
        if row["organization_id"] == rows.organization
        and row["external_id"]
        and (rows.clearance(rep, "Customer", row) or 0) < LEVELS.index("INTERNAL")
    ]
    assert unseen
    for row in unseen[:3]:
        answers = []
        for key in (row["external_id"], f"{row['external_id']}-free"):
            given = {"name": "x", "riskNote": "above what they may write", "source": row["source"], "externalId": key}
            answers.append((await ask(mutation, {"i": given})).data["upsertCustomer"])
        assert answers[0] == answers[1]
        assert [e["code"] for e in answers[0]["userErrors"]] == ["WRITE_ACCESS_DENIED"]
