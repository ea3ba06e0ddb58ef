"""Goals against an oracle in Python: on the demo's data, over HTTP, and after random writes.

`make test` tries few sequences of writes, always the same; `make test-deep` many, each time others.
"""

import datetime as dt
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from crm_graph.schema.goal_metrics import METRICS
from tests.resolvers.key_accounts.conftest import Office
from tests.resolvers.key_accounts.oracle import Account, Line, Order, Sale, actual, status
from tests.resolvers.key_accounts.writing import World, Writing

DEEP = bool(os.environ.get("CRM_GRAPH_TEST_DEEP"))
GOALS = """{ goals(first: 50) { totalCount nodes { id metric currency target baseline expected actual status unit
 tolerancePercent plan { startsOn endsOn keyAccount { customer { id } } } } } }"""
FEWER = {name.value for name, one in METRICS.items() if one.fewer}


@pytest.mark.asyncio(loop_scope="session")
async def test_goals_of_the_demo_are_what_its_records_say(office: Office) -> None:
    answer = await office.ask("administrator", GOALS)
    assert len(answer.sql) == 1
    goals = answer.data["goals"]["nodes"]
    assert {goal["status"] for goal in goals} >= {"GREEN", "AMBER", "RED"}
    for goal in goals:
        plan = goal["plan"]
        first, last = (dt.date.fromisoformat(plan[name]) for name in ("startsOn", "endsOn"))
        account = await _read(office.connection, UUID(plan["keyAccount"]["customer"]["id"][4:]), goal["id"])
        expected = None if goal["expected"] is None else Decimal(goal["expected"])
        reached = actual(account, goal["metric"], first, last, goal["currency"])
        assert reached == (None if goal["actual"] is None else Decimal(goal["actual"])), goal
        judged = status(reached, expected, goal["tolerancePercent"], fewer=goal["metric"] in FEWER)
        assert judged == goal["status"]


async def _read(connection: Any, customer: UUID, goal: str) -> Account:
    """All records of a customer, in Python."""
    account = Account()
    for row in await connection.fetch("SELECT * FROM orders WHERE customer_id = $1", customer):
        lines = await connection.fetch("SELECT * FROM order_lines WHERE order_id = $1", row["id"])
        kept = [
            Line(line["quantity"], line["unit_price"], line["unit_cost"], line["kind"], line["product_id"],
                 line["tax_rate"], line["tax_included"])
            for line in lines
        ]  # fmt: skip
        account.orders.append(Order(row["placed_at"], row["currency"], row["status"], row["total"], kept))
    for row in await connection.fetch("SELECT * FROM opportunities WHERE customer_id = $1", customer):
        account.sales.append(Sale(row["close_on"], row["amount"], row["status"], row["currency"]))
    tickets = await connection.fetch("SELECT opened_at FROM tickets WHERE customer_id = $1", customer)
    account.tickets = [row["opened_at"] for row in tickets]
    rated = "SELECT r.* FROM ticket_ratings r JOIN tickets t ON t.id = r.ticket_id WHERE t.customer_id = $1"
    said = await connection.fetch(rated, customer)
    account.ratings = [(row["rated_at"], row["score"]) for row in said if row["score"] is not None]
    said = await connection.fetch("SELECT * FROM relationship_ratings WHERE customer_id = $1", customer)
    account.answers = [(row["answered_at"], row["score"]) for row in said if row["score"] is not None]
    sql = "SELECT f.product_id FROM plan_focuses f JOIN goals g ON g.plan_id = f.plan_id WHERE g.id = $1"
    account.focus = {row["product_id"] for row in await connection.fetch(sql, UUID(goal[4:]))} - {None}
    return account


@pytest.fixture(scope="module")
def planted(module_database_url: str) -> Iterator[World]:
    world = World(module_database_url)
    yield world
    world.close()


def test_actuals_follow_whatever_is_written(planted: World) -> None:
    class Here(Writing):
        world = planted
        compared: list[Decimal | None] = []

    few = settings(
        max_examples=400 if DEEP else 12,
        stateful_step_count=30 if DEEP else 20,
        deadline=None,
        derandomize=not DEEP,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Here, settings=few)
    assert sum(bool(one) for one in Here.compared) > len(Here.compared) // 20, (
        "goals must have been reached for this to mean much"
    )
