"""What somebody may still grant: told, counted over periods, and not to be beaten by splitting or by haste."""

import asyncio
import datetime as dt
from decimal import Decimal

import pytest

from tests.authority.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LIMIT = """mutation ($i: CreateAuthorityLimitInput!) { createAuthorityLimit(input: $i) {
  authorityLimit { id } userErrors { code } } }"""


async def test_twenty_at_once_get_no_more_than_the_day_has(world: World) -> None:
    done = await asyncio.gather(*(world.grant("service_agent", "30.00") for _ in range(20)))
    assert [one["userErrors"] for one in done] == [[]] * 20
    states = sorted(one["compensation"]["state"] for one in done)
    assert states == ["ASKED"] * 14 + ["GRANTED"] * 6
    agent = await world.user("service_agent")
    used = await world.connection.fetchval("SELECT sum(amount) FROM authority_uses WHERE user_id = $1", agent)
    assert used == Decimal(180)
    assert (await world.left())["now"] == "20.00"


async def test_twenty_approvals_at_once_get_no_more_than_the_day_has(world: World) -> None:
    asked = [(await world.grant("service_agent", "90.00"))["compensation"]["approvalRequest"]["id"] for _ in range(13)]
    codes = await asyncio.gather(*(world.decide("lead", "approveRequest", one) for one in asked))
    assert sorted(codes) == [[]] * 11 + [["AUTHORITY_EXCEEDED"]] * 2
    assert await world.connection.fetchval("SELECT sum(amount) FROM authority_uses") == Decimal(990)
    granted = await world.connection.fetchval("SELECT count(*) FROM compensations WHERE granted")
    pending = await world.connection.fetchval("SELECT count(*) FROM approval_requests WHERE state = 'PENDING'")
    assert (granted, pending) == (11, 2)


async def test_what_is_left_is_told_by_period_and_counted_to_the_cent(world: World) -> None:
    left = await world.left()
    assert (left["now"], left["each"], left["currency"]) == ("50.00", "50.00", "EUR")
    assert [(one["period"], one["limit"], one["left"]) for one in left["periods"]] == [
        ("DAY", "200.00", "200.00"),
        ("MONTH", "1500.00", "1500.00"),
    ]
    now = dt.datetime.now(dt.UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
    assert dt.datetime.fromisoformat(left["periods"][0]["until"]) == midnight
    for amount in ("49.99", "50.00", "50.00", "49.99"):
        assert (await world.grant("service_agent", amount))["compensation"]["state"] == "GRANTED"
    assert (await world.left())["now"] == "0.02"
    assert (await world.grant("service_agent", "0.03"))["compensation"]["state"] == "ASKED"
    assert (await world.grant("service_agent", "0.02"))["compensation"]["state"] == "GRANTED"
    assert (await world.left())["now"] == "0.00"
    # each action and each currency has limits of its own
    assert (await world.left(action="CREDIT"))["now"] == "50.00"
    assert (await world.left(currency="CHF"))["periods"][0]["left"] == (await world.left(currency="CHF"))["periods"][0][
        "limit"
    ]
    assert await world.left(currency="JPY") is None
    # what was granted yesterday counts no more today, and still this month
    await world.connection.execute("UPDATE authority_uses SET created_at = created_at - interval '1 day'")
    again = await world.left()
    assert again["periods"][0]["left"] == "200.00"
    begun = now.day == 1
    assert again["periods"][1]["left"] == ("1500.00" if begun else "1300.00")


async def test_discounts_are_percentages_in_any_currency(world: World) -> None:
    for persona, percent in (("sales_rep", "10"), ("sales_manager", "30"), ("administrator", "100")):
        left = await world.left(persona, "DISCOUNT", "CHF")
        assert (left["now"], left["each"], left["periods"]) == (percent, percent, [])
    for persona in ("service_agent", "customer", "partner_rep", "storefront"):
        assert await world.left(persona, "DISCOUNT") is None


async def test_a_persons_own_limit_replaces_those_of_roles_and_is_for_who_writes_the_policy(world: World) -> None:
    agent = f"usr_{(await world.user('colleague')).hex}"
    money = {"each": {"amount": "5.00", "currency": "EUR"}, "perDay": {"amount": "8.00", "currency": "EUR"}}
    given = {"userId": agent, "action": "FEE_WAIVER", **money}
    before = await world.traces()
    for persona in ("service_agent", "sales_manager"):
        found = (await world.ask(persona, _LIMIT, i=given))["createAuthorityLimit"]
        assert {one["code"] for one in found["userErrors"]} == {"WRITE_ACCESS_DENIED"}
    for fault in (
        {"perDay": None},  # a sum could be split into any number
        {"role": "service_agent"},
        {"userId": None},
        {"percent": "5"},
        {"each": {"amount": "-1.00", "currency": "EUR"}},
    ):
        found = (await world.ask("administrator", _LIMIT, i={**given, **fault}))["createAuthorityLimit"]
        assert [one["code"] for one in found["userErrors"]] == ["VALUE_INVALID"], fault
    assert await world.traces() == before
    assert (await world.left("colleague"))["now"] == "50.00"
    made = (await world.ask("administrator", _LIMIT, i=given))["createAuthorityLimit"]
    try:
        assert made["userErrors"] == []
        again = (await world.ask("administrator", _LIMIT, i=given))["createAuthorityLimit"]
        assert [one["code"] for one in again["userErrors"]] == ["KEY_TAKEN"]
        assert (await world.left("colleague"))["now"] == "5.00"
        assert (await world.grant("colleague", "5.00"))["compensation"]["state"] == "GRANTED"
        assert (await world.left("colleague"))["now"] == "3.00"
        assert (await world.left("service_agent"))["now"] == "50.00"
    finally:
        limit = made["authorityLimit"]["id"].removeprefix("aul_")
        await world.connection.execute("DELETE FROM authority_limits WHERE id = $1::text::uuid", limit)
