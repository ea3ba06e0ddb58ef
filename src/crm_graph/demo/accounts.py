"""How key accounts are scored, and what is planned with two of them: a year that is over, and one that has begun."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from crm_graph.demo.business import Business, cents, local
from crm_graph.demo.rows import Row
from crm_graph.resolvers.key_accounts.tiers import Scored, by_score
from crm_graph.schema.account_plans import KeyAccountPlan, PlanFocus
from crm_graph.schema.contacts import Contact
from crm_graph.schema.customers import Customer
from crm_graph.schema.goal_metrics import GoalMetric, GoalStatus
from crm_graph.schema.goals import Goal, Tactic
from crm_graph.schema.key_accounts import (
    KeyAccount,
    KeyAccountCriterion,
    KeyAccountMeasure,
    KeyAccountScorePart,
    KeyAccountTier,
    KeyAccountTierChange,
    TierCause,
)
from crm_graph.schema.key_people import Attitude, Influence, KeyPerson, KeyPersonRole
from crm_graph.schema.orders import VOID, Order
from crm_graph.schema.organizations import KEY_FROM, STRATEGIC_FROM
from crm_graph.schema.plan_reviews import GoalSnapshot, PlanReview
from crm_graph.schema.shares import KeyAccountShare

CRITERIA = {
    KeyAccountMeasure.REVENUE: (50, Decimal(0), Decimal(400_000)),
    KeyAccountMeasure.STRATEGIC_FIT: (30, Decimal(0), Decimal(100)),
    KeyAccountMeasure.REFERENCES: (20, Decimal(0), Decimal(4)),
}
"""Weight, and the values that earn no points and all of them."""
YEAR = 365


def plan_accounts(business: Business) -> None:
    """Add criteria, scores explained, and two plans with their people, goals, tactics and a review."""
    for measure, (weight, none_at, full_at) in CRITERIA.items():
        business.rows.add(
            KeyAccountCriterion, business.calendar.start, measure=measure, weight=weight, none_at=none_at,
            full_at=full_at,
        )  # fmt: skip
    accounts = business.rows.of[KeyAccount.__name__]
    for row in accounts:
        _score(business, row)
    shares = business.rows.of[KeyAccountShare.__name__]
    order = [row["key_account_id"] for one in business.resellers for row in shares if row["partner_id"] == one.id]
    in_euros = [row for row in accounts if row["currency"] == "EUR"] or accounts
    planned = sorted(in_euros, key=lambda row: order.index(row["id"]) if row["id"] in order else len(order))[:2]
    for place, row in enumerate(planned):
        _people(business, row)
        if place == 0:
            _review(business, row, _plan(business, row, "The year that is over", business.today - timedelta(days=YEAR)))
        began = business.today - timedelta(days=place * YEAR // 2)
        plan = _plan(business, row, ("The year ahead", "Growth")[place], began)
        _goals(business, row, plan)
        _work(business, row, plan)


def _score(business: Business, account: Row) -> None:
    """The score as the daily job would reckon it on the last day, with the class that follows from it."""
    values = {
        KeyAccountMeasure.REVENUE: _revenue(business, account, business.today - timedelta(days=YEAR), business.today),
        KeyAccountMeasure.STRATEGIC_FIT: _whole(account["strategic_fit"]),
        KeyAccountMeasure.REFERENCES: _whole(account["reference_count"]),
    }
    total = Decimal(0)
    for measure, (weight, none_at, full_at) in CRITERIA.items():
        points = cents(max(Decimal(0), min(Decimal(100), 100 * (values[measure] - none_at) / (full_at - none_at))))
        total += (part := cents(points * weight / sum(w for w, _, _ in CRITERIA.values())))
        business.rows.add(
            KeyAccountScorePart, business.calendar.now, key_account_id=account["id"], measure=measure, weight=weight,
            none_at=none_at, full_at=full_at, value=values[measure], points=points, contribution=part,
        )  # fmt: skip
    score = int(total.quantize(Decimal(1), ROUND_HALF_UP))
    before = KeyAccountTier(str(account["tier"]))
    named, reason = by_score(Scored(_id(account["id"]), before, None, True, score), (STRATEGIC_FROM, KEY_FROM))
    tier = KeyAccountTier(named)
    if tier is not before:
        business.rows.add(
            KeyAccountTierChange, business.calendar.now, key_account_id=account["id"], from_tier=account["tier"],
            to_tier=tier, cause=TierCause.SCORE, reason=reason, score=score, changed_at=business.calendar.now,
        )  # fmt: skip
    account.update(score=score, tier=tier, tier_reason=reason)


def _id(value: object) -> UUID:
    assert isinstance(value, UUID)
    return value


def _whole(value: object) -> Decimal:
    assert isinstance(value, int)
    return Decimal(value)


def _revenue(business: Business, account: Row, since: date, until: date) -> Decimal:
    """What the account's orders come to without tax, from a day to before another."""
    return sum(
        (Decimal(str(row["net"])) for row in _orders(business, account, since, until)), Decimal(0)
    )  # those in the demo are all in the customer's currency


def _orders(business: Business, account: Row, since: date, until: date) -> Sequence[Row]:
    return [
        row
        for row in business.rows.of[Order.__name__]
        if row["customer_id"] == account["customer_id"] and row["status"] not in VOID and since <= _day(row) < until
    ]


def _day(order: Row) -> date:
    placed = order["placed_at"]
    assert isinstance(placed, datetime)
    return placed.date()


def _people(business: Business, account: Row) -> None:
    """Its contacts: the first is looked after, the next is silent, one has nobody."""
    known = [row for row in business.rows.of[Contact.__name__] if row["customer_id"] == account["customer_id"]]
    for place, contact in enumerate(known[:3]):
        business.rows.add(
            KeyPerson,
            business.calendar.now - timedelta(days=1),
            key_account_id=account["id"],
            contact_id=contact["id"],
            role=(KeyPersonRole.DECIDER, KeyPersonRole.INFLUENCER, KeyPersonRole.BUYER)[place],
            influence=(Influence.HIGH, Influence.MEDIUM, Influence.LOW)[place],
            attitude=(Attitude.SUPPORTER, Attitude.NEUTRAL, None)[place],
            relationship_owner_id=account["manager_id"] if place < 2 else None,
            last_contact_on=(business.today - timedelta(days=3), business.today - timedelta(days=120), None)[place],
            silent_after_days=90,
        )


def _plan(business: Business, account: Row, title: str, first: date) -> Row:
    business.rows.add(
        KeyAccountPlan, business.calendar.now - timedelta(hours=20), key_account_id=account["id"], title=title,
        starts_on=first, ends_on=first + timedelta(days=YEAR - 1), strategy=account["strategy"],
    )  # fmt: skip
    plan = business.rows.last(KeyAccountPlan)
    business.rows.add(
        PlanFocus, business.calendar.now - timedelta(hours=19), plan_id=plan["id"], product_id=business.items[0].id
    )
    return plan


def _goal(business: Business, plan: Row, metric: GoalMetric, title: str, target: Decimal, currency: object) -> UUID:
    return business.rows.add(
        Goal, business.calendar.now - timedelta(hours=18), plan_id=plan["id"], metric=metric, title=title,
        target=target, currency=currency, tolerance_percent=20,
    )  # fmt: skip


def _goals(business: Business, account: Row, plan: Row) -> None:
    """Goals of a year that goes on: how they stand is for the calendar to say."""
    currency = str(account["currency"])
    _goal(business, plan, GoalMetric.REVENUE, "Sell more", local(Decimal(40_000), currency), currency)
    _goal(business, plan, GoalMetric.OPPORTUNITIES_WON, "Win two tenders", Decimal(2), currency)
    _goal(business, plan, GoalMetric.TICKETS, "At most twelve complaints", Decimal(12), currency)
    _goal(business, plan, GoalMetric.PRODUCT_MIX, "A quarter from what is in focus", Decimal(25), currency)


def _review(business: Business, account: Row, plan: Row) -> None:
    """Goals of the year that is over, in all colours, and the review that was held at its end."""
    until = business.today
    sold = _revenue(business, account, until - timedelta(days=YEAR), until)
    number = len(_orders(business, account, until - timedelta(days=YEAR), until))
    held = business.calendar.now - timedelta(hours=12)
    review = business.rows.add(
        PlanReview, held, plan_id=plan["id"], held_on=held.date(), held_by_id=account["manager_id"],
        summary="What was sold is on plan, the number of orders is not.",
        decisions="A framework agreement, so that each order needs less.",
    )  # fmt: skip
    share: Callable[[Decimal], Decimal] = lambda part: cents(sold * part) or Decimal(1)  # noqa: E731
    stood: tuple[tuple[GoalMetric, str, Decimal, Decimal, GoalStatus], ...] = (
        (GoalMetric.REVENUE, "Keep what we have", share(Decimal("0.8")), sold, GoalStatus.GREEN),
        (GoalMetric.REVENUE, "Sell a tenth more", share(Decimal("1.1")), sold, GoalStatus.AMBER),
        (GoalMetric.ORDERS, "Twice the orders", Decimal(number * 2 + 1), Decimal(number), GoalStatus.RED),
    )
    for metric, title, target, actual, status in stood:
        goal = _goal(business, plan, metric, title, target, account["currency"])
        business.rows.add(
            GoalSnapshot, held, review_id=review, goal_id=goal, title=title, metric=metric, target=target,
            currency=account["currency"], expected=target, actual=actual, status=status,
        )  # fmt: skip


def _work(business: Business, account: Row, plan: Row) -> None:
    """Tactics: one done, one to be done."""
    moment = business.calendar.now - timedelta(hours=10)
    for days, title, done in (
        (0, "Invite the board to the factory", business.today),
        (60, "Offer Care for three years", None),
    ):
        business.rows.add(
            Tactic, moment, plan_id=plan["id"], title=title, owner_id=account["manager_id"],
            due_on=business.today + timedelta(days=days), done_on=done,
        )  # fmt: skip


def found_group(business: Business) -> None:
    """Make two companies subsidiaries of a key account's."""
    accounts = {row["customer_id"] for row in business.rows.of[KeyAccount.__name__]}
    rows = [row for row in business.rows.of[Customer.__name__] if row["kind"] == "ORGANIZATION"]
    parent = next((row for row in rows if row["id"] in accounts), None)
    if parent is None:
        return
    later = [row for row in rows if row["id"] not in accounts and str(row["created_at"]) > str(parent["created_at"])]
    for row in later[-2:]:
        row["parent_id"] = parent["id"]


def ask_opinions(business: Business) -> None:
    """Goals of what customers say of us, for the plans that go on: last of all, so that all else stays as it is."""
    going_on = [row for row in business.rows.of[Goal.__name__] if row["metric"] is GoalMetric.PRODUCT_MIX]
    plans = {row["id"]: row for row in business.rows.of[KeyAccountPlan.__name__]}
    for row in going_on:
        plan, currency = plans[row["plan_id"]], row["currency"]
        _goal(business, plan, GoalMetric.CSAT, "Nine of ten tickets end well", Decimal(90), currency)
        _goal(business, plan, GoalMetric.NPS, "More who recommend us than not", Decimal(30), currency)
