"""Scorecards against a reckoning in Python over all rows; who reads them, and that they tell of nobody else."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from crm_graph.resolvers.scorecards import quarter
from tests.partners.conftest import ONE, OTHER, Trade, deal

pytestmark = pytest.mark.asyncio(loop_scope="session")

CARDS = """{ partnerScorecards(first: 50, orderBy: [{startsOn: ASC}]) { totalCount nodes { period startsOn endsOn currency
  dealsRegistered dealsProtected opportunitiesWon wonAmount { amount currency } revenue { amount currency } leadsOffered
  leadsAccepted leadResponseHours certifications csat earnedTier hiddenFields partner { id name } } } }"""
TENTH = Decimal("0.1")
Row = Any


class Book:
    """All rows that scorecards are made of, in Python."""

    def __init__(self, tables: dict[str, list[Row]], now: dt.datetime) -> None:
        self.of, self.now = tables, now

    def card(self, partner: object, first: dt.date, last: dt.date) -> dict[str, object]:
        """What docs/partners.md says."""

        def within(moment: dt.datetime | None) -> bool:
            return moment is not None and first <= moment.astimezone(dt.UTC).date() <= last

        own = {name: [row for row in rows if row.get("partner_id") == partner] for name, rows in self.of.items()}
        deals, day = own["deal_registrations"], min(last, self.now.date())
        won = [
            o for o in own["opportunities"] if o["status"] == "WON" and o["close_on"] and first <= o["close_on"] <= last
        ]
        sold = [
            (o["total"] if o["net"] is None else o["net"]) or 0
            for o in own["orders"]
            if within(o["placed_at"]) and o["status"] not in ("CANCELLED", "RETURNED") and o["currency"] == "EUR"
        ]
        offers = [o for o in own["lead_offers"] if within(o["offered_at"])]
        took = [
            ((o["responded_at"] or o["accept_by"]) - o["offered_at"]) / dt.timedelta(hours=1)
            for o in offers
            if o["status"] in ("ACCEPTED", "DECLINED", "EXPIRED")
        ]
        valid = [
            c
            for c in own["partner_certifications"]
            if c["issued_on"] <= day and (c["expires_on"] is None or c["expires_on"] >= day)
        ]
        found = {
            "dealsRegistered": sum(within(d["created_at"]) for d in deals),
            "dealsProtected": sum(within(d["answered_at"]) and d["protected_until"] is not None for d in deals),
            "opportunitiesWon": len(won),
            "wonAmount": sum((o["amount"] or 0 for o in won if o["currency"] == "EUR"), Decimal(0)),
            "revenue": sum(sold, Decimal(0)),
            "leadsOffered": len(offers),
            "leadsAccepted": sum(o["status"] == "ACCEPTED" for o in offers),
            "leadResponseHours": Decimal(median(took)).quantize(TENTH, ROUND_HALF_UP) if took else None,
            "certifications": len(valid),
            "csat": self.csat(partner, within),
        }
        return {**found, "earnedTier": self.tier(found)}

    def csat(self, partner: object, within: Any) -> Decimal | None:
        theirs = [s for s in self.of["customer_shares"] if s["partner_id"] == partner]
        tickets = {t["id"]: t for t in self.of["tickets"] if t["partner_id"] in (partner, None)}

        def counts(rating: Any) -> bool:
            ticket, at = tickets.get(rating["ticket_id"]), rating["rated_at"]
            return ticket is not None and (
                ticket["partner_id"] == partner
                or any(
                    s["customer_id"] == ticket["customer_id"] and s["created_at"] <= at
                    and s["valid_from"] <= at < s["valid_until"]
                    for s in theirs
                )
            )  # fmt: skip

        rated = sorted(
            (r["rated_at"], r["id"], r["score"])
            for r in self.of["ticket_ratings"]
            if r["score"] is not None and within(r["rated_at"]) and counts(r)
        )
        told = [100 * (score >= 4) for _, _, score in rated[: len(rated) // 5 * 5]]
        return (Decimal(sum(told)) / len(told)).quantize(TENTH, ROUND_HALF_UP) if told else None

    def tier(self, found: dict[str, Any]) -> str | None:
        reached = [
            tier
            for tier in self.of["partner_tiers"]
            if (tier["minimum_revenue"] is None or found["revenue"] >= tier["minimum_revenue"])
            and found["opportunitiesWon"] >= (tier["minimum_won"] or 0)
            and found["certifications"] >= (tier["minimum_certifications"] or 0)
        ]
        return min(reached, key=lambda tier: tier["rank"])["name"] if reached else None


async def book(trade: Trade) -> Book:
    names = (
        "deal_registrations", "opportunities", "orders", "lead_offers", "partner_certifications", "customer_shares",
        "tickets", "ticket_ratings", "partner_tiers",
    )  # fmt: skip
    sql = "SELECT * FROM {} WHERE organization_id = $1"
    tables = {
        name: [dict(row) for row in await trade.connection.fetch(sql.format(name), trade.organization)]
        for name in names
    }
    return Book(tables, dt.datetime.now(dt.UTC))


def amounts(node: dict[str, Any]) -> dict[str, object]:
    """The figures of a card as Python has them."""
    money = {name: Decimal(node[name]["amount"]) for name in ("wonAmount", "revenue")}
    numbers = {name: None if node[name] is None else Decimal(node[name]) for name in ("csat", "leadResponseHours")}
    return {**node, **money, **numbers}


async def cards(trade: Trade, persona: str) -> list[dict[str, Any]]:
    answer = await trade.ask(persona, CARDS)
    assert len(answer.sql) == 1
    return [amounts(node) for node in answer.data["partnerScorecards"]["nodes"]]


async def rate(trade: Trade, partner: object, scores: list[int], at: dt.datetime, tickets_of: object = None) -> None:
    """Customers of a partner rate tickets of ours that nobody had rated; or tickets that a partner opened."""
    customer = (
        "SELECT customer_id FROM customer_shares WHERE partner_id = $1 AND valid_until > now() ORDER BY 1 LIMIT 1"
    )
    shared = await trade.connection.fetchval(customer, partner)
    found = await trade.connection.fetch(
        "SELECT r.id, r.ticket_id FROM ticket_ratings r JOIN tickets t ON t.id = r.ticket_id"
        " WHERE r.score IS NULL AND r.organization_id = $1 ORDER BY r.id LIMIT $2",
        trade.organization,
        len(scores),
    )
    assert len(found) == len(scores)
    assert shared is not None
    for row, score in zip(found, scores, strict=True):
        values = row["ticket_id"], shared, tickets_of
        await trade.connection.execute("UPDATE tickets SET customer_id = $2, partner_id = $3 WHERE id = $1", *values)
        given = row["id"], score, at
        await trade.connection.execute("UPDATE ticket_ratings SET score = $2, rated_at = $3 WHERE id = $1", *given)


async def test_figures_are_what_the_rows_say(trade: Trade) -> None:
    """Of the demo's quarters, and of that which now is: the worker makes its cards, once for each partner."""
    await trade.days_pass("partner_scorecard.begin")
    await trade.days_pass("partner_scorecard.begin")
    first, last = quarter(dt.datetime.now(dt.UTC).date())
    day = dt.datetime.combine(first, dt.time(), dt.UTC)
    await rate(trade, await trade.partner_row(ONE), [5, 4, 1, 2, 5, 1, 1], day)
    some = "SELECT id FROM opportunities WHERE partner_id = $1 AND currency = 'EUR' AND amount > 0 ORDER BY id LIMIT 2"
    won = f"UPDATE opportunities SET status = 'WON', close_on = $2 WHERE id IN ({some})"
    assert await trade.connection.execute(won, await trade.partner_row(OTHER), last) == "UPDATE 2"
    found, known = await cards(trade, "administrator"), await book(trade)
    assert len({(one["partner"]["id"], one["period"]) for one in found}) == len(found)
    assert sum(one["startsOn"] == str(first) and one["endsOn"] == str(last) for one in found) == 3
    for one in found:
        partner = (await trade.row("partners", one["partner"]["id"]))["id"]
        days = (dt.date.fromisoformat(one[name]) for name in ("startsOn", "endsOn"))
        wanted = known.card(partner, *days)
        assert {name: one[name] for name in wanted} == wanted, (one["partner"]["name"], one["period"])
    for name in (
        "revenue",
        "opportunitiesWon",
        "leadsOffered",
        "leadResponseHours",
        "certifications",
        "csat",
        "earnedTier",
    ):
        assert any(one[name] for one in found), name
    assert await cards(trade, "sales_manager") == found


async def test_a_partner_reads_its_own_and_nothing_about_another_changes_it(trade: Trade) -> None:
    await trade.days_pass("partner_scorecard.begin")
    own = await cards(trade, ONE)
    assert own
    assert {one["partner"]["name"] for one in own} == {own[0]["partner"]["name"]}
    everything = [one for one in await cards(trade, "administrator") if one["partner"]["id"] == own[0]["partner"]["id"]]
    assert [{**one, "hiddenFields": []} for one in own] == [{**one, "hiddenFields": []} for one in everything]
    for persona in ("sales_rep", "customer"):
        answer = await trade.ask(persona, CARDS)
        assert "dealsRegistered" not in answer.body.decode().replace("PartnerScorecard.dealsRegistered", "")

    before = (await trade.ask(ONE, CARDS)).body
    other, mine = await trade.partner_row(OTHER), await trade.partner_row(ONE)
    now = dt.datetime.now(dt.UTC)
    await trade.made(OTHER, "registerDeal", "dealRegistration { id }", **deal("Gizmo AG"))
    lead = await trade.made("sales_manager", "createLead", "lead { id }", name="For another")
    sent = {"id": lead, "partnerId": f"par_{other.hex}"}
    assert (await trade.send("sales_manager", "assignLeadToPartner", "lead { id }", **sent))[1] == []
    for table, column in (("opportunities", "close_on"), ("orders", "placed_at")):
        row = f"(SELECT id FROM {table} WHERE partner_id = $1 ORDER BY id LIMIT 1)"
        stamp = now.date() if column == "close_on" else now
        moved = f"UPDATE {table} SET {column} = $2 WHERE id = {row} AND {column} IS DISTINCT FROM $2"
        assert await trade.connection.execute(moved, other, stamp) == "UPDATE 1"
    # customers that are shared with it rate tickets that another partner had opened for them
    await rate(trade, mine, [1] * 5, now, tickets_of=other)
    assert (await trade.ask(ONE, CARDS)).body == before


async def test_ratings_are_told_of_five_at_a_time(trade: Trade) -> None:
    """One more rating, even of a customer that the partner knows, does not show before there are five of them."""
    await trade.days_pass("partner_scorecard.begin")
    mine, now, seen = await trade.partner_row(ONE), dt.datetime.now(dt.UTC), []
    count = len((await book(trade)).of["ticket_ratings"])
    assert count
    for _ in range(10):
        await rate(trade, mine, [1], now)
        seen.append((await trade.ask(ONE, CARDS)).body)
    changes = [number for number, (one, after) in enumerate(pairwise(seen)) if one != after]
    assert len(changes) in (1, 2)
    assert all(later - earlier == 5 for earlier, later in pairwise(changes))
