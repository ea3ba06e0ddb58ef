"""Plans: one for each day, goals judged by their pace, reviews that stay, comparisons, and what a distributor sees."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from tests.resolvers.key_accounts.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)
GOALS = """query ($id: ID!) { keyAccountPlan(id: $id) { goals(first: 20, orderBy: [{title: ASC}]) {
 nodes { title target expected actual status unit redSince } } } }"""


async def goals(office: Office, plan: str, persona: str = "administrator") -> dict[str, dict[str, Any]]:
    answer = await office.ask(persona, GOALS, id=plan)
    assert len(answer.sql) == 1, "figures are part of the one statement"
    return {one["title"]: one for one in answer.json["data"]["keyAccountPlan"]["goals"]["nodes"]}


async def goal(office: Office, plan: str, title: str, metric: str, target: object, **more: object) -> str:
    given = {"planId": plan, "title": title, "metric": metric, "target": str(target), **more}
    return await office.made_of("createGoal", "Goal", **given)


async def deleted(office: Office, entity: str, node: str) -> list[str]:
    """The codes of the errors."""
    text = f"mutation ($i: Delete{entity}Input!) {{ delete{entity}(input: $i) {{ userErrors {{ code }} }} }}"
    payload = (await office.ask("administrator", text, i={"id": node})).data[f"delete{entity}"]
    return [error["code"] for error in payload["userErrors"]]


async def test_of_two_plans_no_days_are_the_same(office: Office) -> None:
    _, account = await office.account()
    first = await office.plan(account, TODAY, TODAY + 10 * DAY)
    before = await office.traces()
    for starts, ends in ((TODAY + 10 * DAY, TODAY + 20 * DAY), (TODAY - DAY, TODAY), (TODAY + DAY, TODAY + 2 * DAY)):
        given = {"keyAccountId": account, "title": "Again", "startsOn": str(starts), "endsOn": str(ends)}
        assert await office.do("createKeyAccountPlan", "KeyAccountPlan", **given) == (None, ["PERIOD_TAKEN"])
    assert await office.traces() == before
    second = await office.plan(account, TODAY + 11 * DAY, TODAY + 20 * DAY)
    moved = await office.do("updateKeyAccountPlan", "KeyAccountPlan", id=second, startsOn=str(TODAY + 10 * DAY))
    assert moved[1] == ["PERIOD_TAKEN"]
    assert (await office.row("key_account_plans", second))["starts_on"] == TODAY + 11 * DAY
    assert (await office.do("updateKeyAccountPlan", "KeyAccountPlan", id=first, endsOn=str(TODAY + 9 * DAY)))[1] == []
    wrong = await office.do("updateKeyAccountPlan", "KeyAccountPlan", id=first, endsOn=str(TODAY - DAY))
    assert wrong[1] == ["VALUE_INVALID"]


async def test_nor_where_two_are_made_at_once(office: Office) -> None:
    _, account = await office.account()
    given = {"keyAccountId": account, "title": "One", "startsOn": str(TODAY), "endsOn": str(TODAY + DAY)}
    both = await asyncio.gather(*(office.do("createKeyAccountPlan", "KeyAccountPlan", **given) for _ in range(4)))
    assert sorted(len(errors) for _, errors in both) == [0, 1, 1, 1]


async def test_goals_are_judged_by_their_pace(office: Office) -> None:
    """40 of 100 days are over: 40 percent are due, of whole things as many as are whole."""
    customer, account = await office.account()
    plan = await office.plan(account, TODAY - 40 * DAY, TODAY + 59 * DAY)
    await office.order(customer, "4000")
    for title, target, tolerance in (
        ("on pace", 10_000, 10), ("just behind", 11_000, 10), ("behind", 11_200, 10), ("no tolerance", 10_001, 0),
    ):  # fmt: skip
        await goal(office, plan, title, "REVENUE", target, tolerancePercent=tolerance)
    await goal(office, plan, "one of two and a half", "ORDERS", "2.5")
    await goal(office, plan, "one of five", "ORDERS", 5)
    await goal(office, plan, "at most five tickets", "TICKETS", 5)
    await goal(office, plan, "nothing to mix", "PRODUCT_MIX", 50)
    found = await goals(office, plan)
    assert {title: one["status"] for title, one in found.items()} == {
        "on pace": "GREEN",
        "just behind": "AMBER",
        "behind": "RED",
        "no tolerance": "RED",
        "one of two and a half": "GREEN",
        "one of five": "RED",
        "at most five tickets": "GREEN",
        "nothing to mix": None,
    }
    assert {one["expected"] for one in (found["on pace"], found["one of five"], found["at most five tickets"])} == {
        "4000.00", "2"
    }  # fmt: skip
    assert {one["unit"] for one in found.values()} == {"MONEY", "COUNT", "PERCENT"}
    listed = f'{{ goals(filter: {{plan: {{id: {{eq: "{plan}"}}}}, status: {{eq: RED}}}}) {{ totalCount }} }}'
    assert (await office.ask("administrator", listed)).data["goals"]["totalCount"] == 3
    before = await office.plan((await office.account())[1], TODAY + DAY, TODAY + 9 * DAY)
    await goal(office, before, "not begun", "REVENUE", 1)
    assert (await goals(office, before))["not begun"]["status"] is None


async def test_a_state_goes_from_its_baseline(office: Office) -> None:
    """Half of the days are over: from 20 to 40 percent, 30 are due."""
    customer, account = await office.account()
    plan = await office.plan(account, TODAY - 5 * DAY, TODAY + 4 * DAY)
    products = await office.connection.fetch(
        "SELECT id FROM products WHERE organization_id = $1 ORDER BY id LIMIT 2", office.organization
    )
    ids = [f"prd_{row['id'].hex}" for row in products]
    order = await office.order(customer, "500")
    for product, price in zip(ids, ("30", "70"), strict=True):
        unit = {"amount": price, "currency": "EUR"}
        await office.made_of("createOrderLine", "OrderLine", orderId=order, productId=product, unitPrice=unit)
    await office.made_of("createPlanFocus", "PlanFocus", planId=plan, productId=ids[0])
    await goal(office, plan, "mix", "PRODUCT_MIX", 40, baseline="20")
    found = (await goals(office, plan))["mix"]
    assert (found["expected"], found["actual"], found["status"]) == ("30.00", "30.0", "GREEN")
    both = await office.do("createPlanFocus", "PlanFocus", planId=plan, productId=ids[1], institutionId=customer)
    assert both == (None, ["VALUE_INVALID"])


async def test_a_review_keeps_what_was_there(office: Office) -> None:
    customer, account = await office.account(manager="sales_rep")
    plan = await office.plan(account, TODAY - DAY, TODAY)
    await goal(office, plan, "sell", "REVENUE", 100)
    await office.order(customer, "30")
    await office.made_of(
        "reviewKeyAccountPlan", "KeyAccountPlan", "sales_rep", id=plan, summary="Slow.", decisions="Call."
    )
    await office.order(customer, "70")
    shown = """query ($id: ID!) { keyAccountPlan(id: $id) { goals(first: 2) { nodes { actual status } } reviews(first: 2) {
     nodes { summary decisions heldOn heldBy { id } goals(first: 2) { nodes { title target expected actual status } } } } } }"""
    found = (await office.ask("sales_manager", shown, id=plan)).data["keyAccountPlan"]
    (review,) = found["reviews"]["nodes"]
    assert (review["summary"], review["decisions"], review["heldOn"]) == ("Slow.", "Call.", str(TODAY))
    assert review["heldBy"]["id"] == await office.user("sales_rep")
    (kept,) = review["goals"]["nodes"]
    assert (kept["title"], kept["target"], kept["expected"], kept["actual"], kept["status"]) == (
        "sell",
        "100",
        "50.00",
        "30.00",
        "RED",
    )  # fmt: skip
    assert found["goals"]["nodes"] == [{"actual": "100.00", "status": "GREEN"}]
    before = await office.traces()
    blank = await office.do("reviewKeyAccountPlan", "KeyAccountPlan", id=plan, summary=" ")
    assert blank == (None, ["VALUE_INVALID"])
    assert await office.traces() == before


async def test_two_plans_side_by_side(office: Office) -> None:
    customer, account = await office.account()
    before = await office.plan(account, TODAY - 20 * DAY, TODAY - 11 * DAY)
    after = await office.plan(account, TODAY - 10 * DAY, TODAY - DAY)
    await goal(office, before, "old", "REVENUE", 100)
    await goal(office, after, "new", "REVENUE", 200)
    await goal(office, after, "more", "ORDERS", 1)
    noon = dt.datetime.combine(TODAY, dt.time(12), dt.UTC)
    await office.order(customer, "100", noon - 15 * DAY)
    await office.order(customer, "50", noon - 5 * DAY)
    await office.made_of("createTactic", "Tactic", planId=after, title="Call", doneOn=str(TODAY))
    text = """query ($a: ID!, $b: ID!) { compareKeyAccountPlans(a: $a, b: $b) { tacticsAfter { planned done } goals { metric
     before { title achievedPercent status } after { title achievedPercent status } } } }"""
    found = (await office.ask("administrator", text, a=before, b=after)).data["compareKeyAccountPlans"]
    assert found["tacticsAfter"] == {"planned": 1, "done": 1}
    assert found["goals"] == [
        {
            "metric": "REVENUE",
            "before": [{"title": "old", "achievedPercent": "100.0", "status": "GREEN"}],
            "after": [{"title": "new", "achievedPercent": "25.0", "status": "RED"}],
        },
        {
            "metric": "ORDERS",
            "before": [],
            "after": [{"title": "more", "achievedPercent": "100.0", "status": "GREEN"}],
        },
    ]
    unseen = await office.ask("partner_rep", text, a=before, b=after)
    assert unseen.json["data"]["compareKeyAccountPlans"] is None


async def test_a_distributor_sees_of_a_plan_what_the_share_clears(office: Office) -> None:
    customer, account = await office.account(manager="sales_rep")
    plan = await office.plan(account, TODAY - DAY, TODAY)
    await goal(office, plan, "sell", "REVENUE", 100, baseline="1")
    await office.order(customer, "30")
    await office.made_of("createTactic", "Tactic", planId=plan, title="Call", notes="gently")
    text = """query ($id: ID!) { keyAccountPlan(id: $id) { title strategy tactics { nodes { title notes } }
     goals { nodes { title target baseline expected actual status } }
     keyAccount { score keyPeople { totalCount } } } }"""
    nothing = await office.ask("partner_rep", text, id=plan)
    assert nothing.json["data"]["keyAccountPlan"] is None
    partner = await office.connection.fetchval(
        "SELECT partner_id FROM users WHERE email = $1", office.api.people["partner_rep"]["email"]
    )
    share = await office.made_of(
        "createKeyAccountShare",
        "KeyAccountShare",
        keyAccountId=account,
        partnerId=f"par_{partner.hex}",
        level="PARTNER",
    )
    seen = (await office.ask("partner_rep", text, id=plan)).json["data"]["keyAccountPlan"]
    assert seen["goals"]["nodes"] == [
        {"title": "sell", "target": "100", "baseline": None, "expected": None, "actual": None, "status": None}
    ]
    assert seen["tactics"]["nodes"] == [{"title": "Call", "notes": None}]
    assert seen["keyAccount"] == {"score": None, "keyPeople": None}
    await office.made_of("updateKeyAccountShare", "KeyAccountShare", id=share, level="INTERNAL")
    seen = (await office.ask("partner_rep", text, id=plan)).json["data"]["keyAccountPlan"]
    assert seen["goals"]["nodes"][0]["expected"] == "50.00"
    assert (seen["goals"]["nodes"][0]["actual"], seen["tactics"]["nodes"][0]["notes"]) == (None, "gently")
    guess = await office.ask("partner_rep", "{ goals(filter: {status: {eq: RED}}) { totalCount } }")
    assert guess.codes == ["PREDICATE_ACCESS_DENIED"]
    await office.connection.execute(
        "UPDATE key_account_shares SET valid_until = now() WHERE id = $1",
        (await office.row("key_account_shares", share))["id"],
    )
    assert (await office.ask("partner_rep", text, id=plan)).json["data"]["keyAccountPlan"] is None


async def test_what_was_reviewed_stays(office: Office) -> None:
    _, account = await office.account()
    plan = await office.plan(account, TODAY, TODAY)
    kept, other = await goal(office, plan, "sell", "REVENUE", 100), await office.plan(account, TODAY + DAY, TODAY + DAY)
    await office.made_of("reviewKeyAccountPlan", "KeyAccountPlan", id=plan, summary="As it is.")
    before = await office.traces()
    for entity, node in (("Goal", kept), ("KeyAccountPlan", plan), ("KeyAccount", account)):
        assert await deleted(office, entity, node) == ["IN_USE"]
    assert await office.traces() == before
    assert await deleted(office, "KeyAccountPlan", other) == []
