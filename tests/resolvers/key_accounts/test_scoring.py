"""Scores of key accounts, explained part by part; classes that follow them, are held by hand, and say why they change."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from crm_graph.entity import REGISTRY
from crm_graph.figures import made_of
from crm_graph.resolvers.key_accounts.overriding import override_ends
from crm_graph.resolvers.key_accounts.scoring import score_daily
from crm_graph.schema.key_account_measures import MEASURES
from tests.resolvers.key_accounts.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCORED = """query ($id: ID!) { keyAccount(id: $id) { tier tierReason tierHeldUntil score
 scoreParts(first: 10) { nodes { measure weight noneAt fullAt value points contribution } }
 tierChanges(first: 10, orderBy: [{changedAt: ASC}]) { nodes { fromTier toTier cause reason score changedBy { id } } } } }"""


async def scored(office: Office, account: str) -> dict[str, Any]:
    found: dict[str, Any] = (await office.ask("administrator", SCORED, id=account)).data["keyAccount"]
    return found


async def test_a_score_is_what_its_parts_say_and_the_class_follows(office: Office) -> None:
    """Reckoned by hand: revenue 100,000 of 400,000 is 25 points, fit 91, references 3 of 4 are 75."""
    customer, account = await office.account(strategicFit=91, referenceCount=3, tier="GROWTH")
    now = dt.datetime.now(dt.UTC)
    await office.order(customer, "100000", now - dt.timedelta(days=2))
    await office.order(customer, "55555", now - dt.timedelta(days=370))
    lost = await office.order(customer, "77777", now - dt.timedelta(days=2))
    await office.made_of("cancelOrder", "Order", id=lost, reason="not wanted")
    await office.made_of("rescoreKeyAccount", "KeyAccount", id=account)
    found = await scored(office, account)
    parts = {part["measure"]: part for part in found["scoreParts"]["nodes"]}
    points = {name: Decimal(part["points"]) for name, part in parts.items()}
    assert points == {"REVENUE": 25, "STRATEGIC_FIT": 91, "REFERENCES": 75}
    weights = {name: part["weight"] for name, part in parts.items()}
    assert weights == {"REVENUE": 50, "STRATEGIC_FIT": 30, "REFERENCES": 20}
    contributions = sum(Decimal(part["contribution"]) for part in parts.values())
    assert found["score"] == round(contributions) == 55  # 12.5 and 27.3 and 15
    assert found["tier"] == "KEY"
    (change,) = found["tierChanges"]["nodes"]
    assert (change["fromTier"], change["toTier"], change["cause"]) == ("GROWTH", "KEY", "SCORE")
    assert change["reason"] == found["tierReason"] == "The score is from 50 to below 75."
    assert (await office.events(account))[-1] == "key_account.tier_changed"


async def test_what_is_not_known_counts_for_nothing_and_nothing_changes_twice(office: Office) -> None:
    _, account = await office.account(strategicFit=80)
    await office.made_of("rescoreKeyAccount", "KeyAccount", id=account)
    found = await scored(office, account)
    parts = {part["measure"]: part for part in found["scoreParts"]["nodes"]}
    assert parts["REFERENCES"]["value"] is parts["REFERENCES"]["points"] is parts["REFERENCES"]["contribution"] is None
    assert found["score"] == 30  # 80 of 30 parts in 80, none of 50
    before = await office.traces()
    await office.made_of("rescoreKeyAccount", "KeyAccount", id=account)
    assert await office.traces() == before


async def test_all_are_scored_daily_and_on_demand_after_criteria_were_changed(office: Office) -> None:
    _, account = await office.account(strategicFit=100, referenceCount=4)
    await office.falls_due(score_daily)
    assert (await scored(office, account))["score"] == 50
    text = "{ keyAccountCriteria(filter: {measure: {eq: REVENUE}}) { nodes { id weight } } }"
    (revenue,) = (await office.ask("administrator", text)).data["keyAccountCriteria"]["nodes"]
    await office.made_of("updateKeyAccountCriterion", "KeyAccountCriterion", id=revenue["id"], weight=1)
    try:
        text = "mutation { classifyKeyAccounts(input: {}) { keyAccountTiers { strategic key growth } userErrors { code } } }"
        payload = (await office.ask("sales_manager", text)).data["classifyKeyAccounts"]
        assert payload["userErrors"] == []
        tiers = payload["keyAccountTiers"]
        assert sum(tiers.values()) == await office.connection.fetchval(
            "SELECT count(*) FROM key_accounts WHERE organization_id = $1", office.organization
        )
        assert (await scored(office, account))["score"] == 98
        assert (await scored(office, account))["tier"] == "STRATEGIC"
    finally:
        await office.made_of("updateKeyAccountCriterion", "KeyAccountCriterion", id=revenue["id"], weight=50)
    _, again = await office.do("createKeyAccountCriterion", "KeyAccountCriterion", measure="REVENUE")
    assert again == ["KEY_TAKEN"]


async def test_a_class_given_by_hand_is_held_until_its_time(office: Office) -> None:
    _, account = await office.account(strategicFit=10, referenceCount=0)
    await office.made_of("rescoreKeyAccount", "KeyAccount", id=account)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
    held = {"id": account, "tier": "STRATEGIC", "reason": "The new board.", "until": until.isoformat()}
    await office.made_of("overrideKeyAccountTier", "KeyAccount", "sales_manager", **held)
    await office.falls_due(score_daily)
    await office.falls_due(override_ends, account)  # not yet
    found = await scored(office, account)
    assert (found["tier"], found["tierReason"], found["score"]) == ("STRATEGIC", "The new board.", 3)
    change = found["tierChanges"]["nodes"][-1]
    assert (change["cause"], change["reason"]) == ("OVERRIDE", "The new board.")
    assert change["changedBy"]["id"] == await office.user("sales_manager")
    timer = "SELECT due_at FROM timers WHERE kind = 'key_account.override_ends' AND row_id = $1"
    row = await office.row("key_accounts", account)
    assert await office.connection.fetchval(timer, row["id"]) == row["tier_held_until"] == until
    await office.connection.execute(
        "UPDATE key_accounts SET tier_held_until = now() - interval '1 second' WHERE id = $1", row["id"]
    )
    await office.falls_due(override_ends, account)
    found = await scored(office, account)
    assert (found["tier"], found["tierHeldUntil"]) == ("GROWTH", None)
    assert found["tierChanges"]["nodes"][-1]["cause"] == "OVERRIDE_ENDED"
    assert (await office.events(account)).count("key_account.tier_changed") == 3
    await office.made_of("overrideKeyAccountTier", "KeyAccount", **held)
    await office.made_of("endKeyAccountOverride", "KeyAccount", id=account)
    assert (await scored(office, account))["tier"] == "GROWTH"
    assert await office.connection.fetchval(timer, row["id"]) is None


async def test_refusals_leave_nothing(office: Office) -> None:
    _, account = await office.account(manager="sales_manager", strategicFit=10)
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).isoformat()
    good = {"id": account, "tier": "STRATEGIC", "reason": "Because.", "until": later}
    before = (await office.row("key_accounts", account), await office.traces())
    for persona, verb, given, code in (
        ("administrator", "overrideKeyAccountTier", {**good, "reason": "  "}, "VALUE_INVALID"),
        ("administrator", "overrideKeyAccountTier", {**good, "until": "2026-01-01T00:00:00Z"}, "VALUE_INVALID"),
        ("administrator", "overrideKeyAccountTier", {**good, "ifMatch": "stale"}, "ETAG_MISMATCH"),
        ("sales_rep", "overrideKeyAccountTier", good, "WRITE_ACCESS_DENIED"),
        ("sales_rep", "rescoreKeyAccount", {"id": account}, "WRITE_ACCESS_DENIED"),
    ):
        assert await office.do(verb, "KeyAccount", persona, **given) in [(None, [code]), (account, [code])]
        assert (await office.row("key_accounts", account), await office.traces()) == before, (persona, verb)
    denied = await office.ask("sales_rep", "mutation { classifyKeyAccounts(input: {}) { userErrors { code } } }")
    assert denied.data["classifyKeyAccounts"]["userErrors"] == [{"code": "WRITE_ACCESS_DENIED"}]


async def test_every_part_is_seen_by_whoever_sees_what_it_is_made_of() -> None:
    """The algebra of scores: no measure is made of a field above the level of a part's value, or of another category."""
    value = REGISTRY["KeyAccountScorePart"].__specs__["value"].read
    score = REGISTRY["KeyAccount"].__specs__["score"].read
    assert value is not None
    assert score == value
    for measure in MEASURES.values():
        for coordinate in measure.of:
            read = made_of(coordinate)[1].read
            assert read is not None, coordinate
            assert read.level <= value.level, coordinate
            assert read.category in (None, value.category), coordinate
            assert read.mask is None
