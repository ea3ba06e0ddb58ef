"""Leads, and what partners bring: over HTTP."""

import asyncio
from typing import Any

import pytest

from tests.resolvers.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
CONVERTED = (
    "lead { status closedAt customer { id name kind email } contact { id name email }"
    " opportunity { id name status amount { amount currency } stage { position pipeline { isDefault } } } }"
)
_TAKEN = """SELECT c.id, c.email FROM customers c JOIN organizations o ON o.id = c.organization_id
 WHERE o.external_id = 'main' AND c.kind = 'PERSON' AND c.email IS NOT NULL AND c.owner_id <> $1 AND c.team_id <> $2
 AND NOT EXISTS (SELECT FROM customers d WHERE d.email_match = c.email_match AND d.id <> c.id)
 AND NOT EXISTS (SELECT FROM customer_shares s WHERE s.customer_id = c.id) ORDER BY c.id LIMIT 1"""


async def lead(world: World, persona: str = "sales_rep", **given: object) -> str:
    shown, errors = await world.send(persona, "createLead", "lead { id status }", given)
    assert (errors, shown["status"]) == ([], "NEW")
    return str(shown["id"])


async def customers(world: World) -> int:
    return int(await world.connection.fetchval("SELECT count(*) FROM customers"))


async def test_a_lead_becomes_customer_contact_and_opportunity_once(world: World) -> None:
    row = await lead(
        world, name="Olga Brandt", company="Brandt Kühlhaus", email="olga@brandt.example", interest="Cold store"
    )
    count = await customers(world)
    given: dict[str, object] = {"id": row, "amount": {"amount": "1200.50", "currency": "EUR"}}
    answers = await asyncio.gather(*(world.send("sales_rep", "convertLead", CONVERTED, given) for _ in range(8)))
    [shown] = [shown for shown, errors in answers if not errors]
    assert sorted(errors for _, errors in answers) == [[], *[[("STATE_REFUSED", [])]] * 7]
    assert shown["status"] == "CONVERTED"
    assert shown["customer"] | {"id": ""} == {
        "id": "",
        "name": "Brandt Kühlhaus",
        "kind": "ORGANIZATION",
        "email": None,
    }
    assert (shown["contact"]["name"], shown["contact"]["email"]) == ("Olga Brandt", "olga@brandt.example")
    made = shown["opportunity"]
    assert (made["name"], made["status"], made["amount"]) == (
        "Cold store",
        "OPEN",
        {"amount": "1200.50", "currency": "EUR"},
    )
    assert made["stage"] == {"position": 1, "pipeline": {"isDefault": True}}
    assert await customers(world) == count + 1
    again = await lead(world, name="Olga  Brandt", company="brandt kuhlhaus", email="Olga@Brandt.example")
    second, errors = await world.send("sales_rep", "convertLead", CONVERTED, {"id": again})
    assert errors == []
    assert (second["customer"]["id"], second["contact"]["id"]) == (shown["customer"]["id"], shown["contact"]["id"])
    assert second["opportunity"]["id"] != made["id"]
    assert await customers(world) == count + 1


async def test_a_customer_who_is_hidden_is_not_found_by_a_lead(world: World) -> None:
    """The rep sees of this person a masked address: their lead becomes a new customer; the manager's the one there."""
    rep = await world.user("sales_rep")
    taken = await world.connection.fetchrow(_TAKEN, rep["id"], rep["team_id"])
    count, known = await customers(world), f"cus_{taken['id'].hex}"
    row = await lead(world, name="Somebody", company=" ", email=taken["email"])
    shown, errors = await world.send("sales_rep", "convertLead", CONVERTED, {"id": row})
    assert (errors, shown["contact"], shown["customer"]["id"] != known) == ([], None, True)
    assert await customers(world) == count + 1
    row = await lead(world, "sales_manager", name="Somebody", email=taken["email"])
    shown, errors = await world.send("sales_manager", "convertLead", CONVERTED, {"id": row})
    assert (errors, shown["customer"]["id"]) == ([], known)
    row = await lead(world, name="Somebody else")
    given: dict[str, object] = {"id": row, "customerId": known, "opportunityName": "Carport"}
    shown, errors = await world.send("sales_rep", "convertLead", CONVERTED, given)
    assert (errors, shown["customer"]["id"], shown["opportunity"]["name"]) == ([], known, "Carport")
    assert await customers(world) == count + 1


async def test_a_partner_works_on_the_leads_it_was_given(world: World) -> None:
    partner = (await world.user("partner_rep"))["partner_id"]
    row = await lead(world, "sales_manager", name="Jan Kos", company="Kos Stal", partnerId=f"par_{partner.hex}")
    given: dict[str, object] = {"id": row, "reason": "No budget"}
    traces = await world.traces()
    shown = "lead { status disqualifiedBecause closedAt }"
    for persona, verb, code, sent in (
        ("other_partner_rep", "disqualifyLead", ("NOT_FOUND", []), given),
        ("service_agent", "disqualifyLead", ("NOT_FOUND", []), given),
        ("partner_rep", "convertLead", ("WRITE_ACCESS_DENIED", []), {"id": row}),
        ("partner_rep", "disqualifyLead", ("VALUE_INVALID", ["reason"]), {"id": row, "reason": " "}),
    ):
        assert (await world.send(persona, verb, shown, sent))[1] == [code], (persona, verb)
    assert await world.traces() == traces
    assert (await world.send("partner_rep", "workLead", shown, {"id": row}))[0]["status"] == "WORKING"
    done, errors = await world.send("partner_rep", "disqualifyLead", shown, given)
    assert (errors, done["status"], done["disqualifiedBecause"]) == ([], "DISQUALIFIED", "No budget")
    assert (await world.send("sales_manager", "convertLead", shown, {"id": row}))[1] == [("STATE_REFUSED", [])]
    back, errors = await world.send("sales_manager", "workLead", shown, {"id": row})
    assert (errors, back) == ([], {"status": "WORKING", "disqualifiedBecause": None, "closedAt": None})


async def test_a_partner_registers_an_opportunity(world: World) -> None:
    partner = (await world.user("partner_rep"))["partner_id"]
    verb, shown = "registerOpportunity", "opportunity { id name status partner { id } amount { amount currency } }"
    hidden = await world.connection.fetchval(
        "SELECT c.id FROM customers c JOIN organizations o ON o.id = c.organization_id WHERE o.external_id = 'main'"
        " AND NOT EXISTS (SELECT FROM customer_shares s WHERE s.customer_id = c.id) LIMIT 1"
    )
    traces = await world.traces()
    cases: list[tuple[str, dict[str, object], tuple[str, list[str]]]] = [
        ("administrator", {"name": "A"}, ("WRITE_ACCESS_DENIED", [])),
        ("sales_rep", {"name": "A"}, ("WRITE_ACCESS_DENIED", [])),
        ("customer", {"name": "A"}, ("WRITE_ACCESS_DENIED", [])),
        ("partner_rep", {"name": " "}, ("VALUE_INVALID", ["name"])),
        ("partner_rep", {"name": "x" * 300}, ("VALUE_INVALID", ["name"])),
        ("partner_rep", {"name": "A", "customerId": f"cus_{hidden.hex}"}, ("REFERENCE_NOT_FOUND", ["customerId"])),
        (
            "partner_rep",
            {"name": "A", "amount": {"amount": "1.005", "currency": "EUR"}},
            ("VALUE_INVALID", ["amount"]),
        ),
    ]
    for persona, given, code in cases:
        assert (await world.send(persona, verb, shown, given))[1] == [code], (persona, given)
    assert await world.traces() == traces
    given = {"name": "Winery roof", "amount": {"amount": "84000", "currency": "CHF"}, "closeOn": "2026-12-01"}
    made: Any
    made, errors = await world.send("partner_rep", verb, shown, given)
    assert (errors, made["status"], made["partner"]) == ([], "OPEN", {"id": f"par_{partner.hex}"})
    assert made["amount"] == {"amount": "84000.00", "currency": "CHF"}
    row = await world.connection.fetchrow(
        "SELECT o.*, s.position, p.is_default FROM opportunities o JOIN stages s ON s.id = o.stage_id"
        " JOIN pipelines p ON p.id = o.pipeline_id WHERE o.id = $1::uuid",
        made["id"].removeprefix("opp_"),
    )
    assert (row["position"], row["is_default"]) == (1, True)
    assert [row[c] for c in ("owner_id", "team_id", "probability", "next_step", "competitor_id")] == [None] * 5
    assert (await world.left(row["id"]))[0] == ["opportunity.registered"]
    text = "query ($i: ID!) { opportunity(id: $i) { name } }"
    for persona, sees in (
        ("partner_rep", True),
        ("sales_manager", True),
        ("other_partner_rep", False),
        ("sales_rep", False),
    ):
        answer = await world.api.as_(persona)(text, {"i": made["id"]})
        assert (answer.data["opportunity"] is not None) == sees, persona
