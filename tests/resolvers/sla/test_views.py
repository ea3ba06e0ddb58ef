"""Tickets carry what they were promised through the verbs, in the same transaction; and what the guide shows runs."""

import re
from typing import Any

import pytest

from crm_graph.db.ids import decode
from tests.conftest import ROOT
from tests.resolvers.sla.conftest import MINUTE, Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = (ROOT / "docs" / "service-levels.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```graphql\n(?:# as (\w+)\n)?(.*?)```", TEXT, re.DOTALL)
SHOWN = """ticket { id status slaStatus slaDueAt firstResponseDueAt resolutionDueAt openedAt unansweredSince
  resolutionMinutes firstContactResolution slaPolicy { name } slaMatchedBy } userErrors { code message }"""


async def verb(desk: Desk, name: str, persona: str = "service_agent", **values: object) -> dict[str, Any]:
    text = f"mutation ($i: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $i) {{ {SHOWN} }} }}"
    payload = (await desk.ask(persona, text, i=values)).data[name]
    assert not payload["userErrors"]
    return payload["ticket"]


async def test_a_ticket_s_life_by_its_verbs(desk: Desk) -> None:
    customer = f"cus_{(await desk.customer()).hex}"
    await desk.promise(firstResponseMinutes=60, nextResponseMinutes=30, resolutionMinutes=600, warningPercent=90)
    ticket = await verb(desk, "openTicket", subject="Help", body="It is dark.", customerId=customer)
    assert (ticket["slaStatus"], ticket["slaMatchedBy"]) == ("ON_TRACK", ["CUSTOMER"])
    assert ticket["slaDueAt"] == ticket["firstResponseDueAt"] > ticket["openedAt"]
    assert ticket["unansweredSince"] is not None
    node = {"id": ticket["id"]}
    ticket = await verb(desk, "answerTicket", **node, body="Which one?", then="WAITING")
    assert (ticket["slaStatus"], ticket["slaDueAt"], ticket["unansweredSince"]) == ("PAUSED", None, None)
    ticket = await verb(desk, "resumeTicket", **node)
    assert (ticket["slaStatus"], ticket["slaDueAt"]) == ("ON_TRACK", ticket["resolutionDueAt"])
    noted = await desk.row(decode(ticket["id"])[1])
    ticket = await verb(desk, "resolveTicket", **node, body="It is repaired.")
    assert (ticket["slaStatus"], ticket["resolutionMinutes"], ticket["firstContactResolution"]) == ("MET", 0, False)
    assert await desk.timer(decode(ticket["id"])[1]) is None
    ticket = await verb(desk, "reopenTicket", **node)
    assert (ticket["slaStatus"], ticket["resolutionMinutes"], ticket["firstContactResolution"]) == (
        "ON_TRACK",
        None,
        None,
    )
    row = await desk.row(decode(ticket["id"])[1])
    assert noted["resolution_due_at"] <= row["resolution_due_at"] < noted["resolution_due_at"] + MINUTE
    ticket = await verb(desk, "prioritizeTicket", **node, impact="HIGH", urgency="HIGH")
    await desk.policy(resolutionMinutes=60, customerId=customer, priority="URGENT")
    await desk.work()
    assert (await desk.row(row["id"]))["resolution_due_at"] < row["resolution_due_at"] - 500 * MINUTE


async def test_the_guide_runs_and_each_view_is_one_statement(desk: Desk) -> None:
    await desk.policy(firstResponseMinutes=100, warningPercent=50)
    agent = await desk.connection.fetchval(
        "SELECT assignee_id FROM tickets WHERE status = 'OPEN' AND organization_id = $1", desk.organization
    )
    soon, late = await desk.open(60, assignee=agent), await desk.open(1000)
    await desk.work()
    assert len(BLOCKS) == TEXT.count("```graphql") == 3
    answers = []
    for persona, query in BLOCKS:
        given = {"me": f"usr_{agent.hex}"} if "$me" in query else {}
        answers.append(await desk.ask(persona or "administrator", query, **given))
        assert not [one for one in answers[-1].data.values() if one.get("userErrors")]
        assert "mutation" in query or len(answers[-1].sql) == 1
    hours, work, figures = (answer.data for answer in answers)
    assert hours["createBusinessCalendar"]["businessCalendar"]
    numbers = {name: [node["number"] for node in view["nodes"]] for name, view in work.items()}
    assert numbers["breachingSoon"] == [str(soon)]
    assert str(soon) in numbers["mine"]
    assert str(late) in numbers["late"]
    assert str(late) in numbers["unassigned"]
    mine = [group for group in figures["workload"]["groups"] if group["key"]["slaStatus"] == "DUE_SOON"]
    assert sum(group["count"] for group in mine) == 1
    assert sum(group["count"] for group in figures["resolved"]["groups"]) > 0
    assert any(group["avg"]["resolutionMinutes"] for group in figures["resolved"]["groups"])
