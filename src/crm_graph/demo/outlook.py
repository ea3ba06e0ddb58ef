"""What sellers are to bring in this quarter, what was expected of them last night, who reads proposals by a link."""

import hashlib
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from crm_graph.demo.business import RATES, Business
from crm_graph.schema.exchange_rates import ExchangeRate
from crm_graph.schema.forecasts import ForecastSnapshot, Quota
from crm_graph.schema.opportunities import ForecastCategory, Opportunity, OpportunityStatus
from crm_graph.schema.proposal_links import ProposalLink, ProposalQuestion
from crm_graph.schema.proposals import Proposal, ProposalStatus

_COLUMNS = {
    ForecastCategory.COMMIT: "commit",
    ForecastCategory.BEST_CASE: "best_case",
    ForecastCategory.PIPELINE: "pipeline",
}


def look_ahead(business: Business) -> None:
    """Add quotas, a snapshot of each seller's month, links and questions."""
    _quotas(business)
    _snapshots(business)
    _links(business)


def quote(business: Business) -> None:
    """Add what a euro was in other currencies, at the beginning of each of the last twelve months."""
    first = business.today.replace(day=1)
    for _ in range(12):
        for place, (currency, rate) in enumerate(RATES.items()):
            if currency != "EUR":
                drift = Decimal((first.month * 7 + place * 11) % 31 - 15) / 1_000
                business.rows.add(
                    ExchangeRate, business.calendar.start, base="EUR", quote=currency, quoted_on=first,
                    rate=round(rate * (1 + drift), 4), quoted_by="European Central Bank",
                )  # fmt: skip
        first = (first - timedelta(days=1)).replace(day=1)


def _quotas(business: Business) -> None:
    today = business.today
    first = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = (first + timedelta(days=95)).replace(day=1) - timedelta(days=1)
    sellers = {row["owner_id"] for row in business.rows.of[Opportunity.__name__] if row["owner_id"]}
    for seller in sorted(sellers, key=str):
        business.rows.add(
            Quota, business.calendar.start, owner_id=seller, starts_on=first, ends_on=last, currency="EUR",
            amount=Decimal(250_000),
        )  # fmt: skip


def _snapshots(business: Business) -> None:
    month = business.today.replace(day=1)
    sums: dict[tuple[str, str, str], dict[str, Decimal | int]] = defaultdict(lambda: defaultdict(int))
    kept: dict[tuple[str, str, str], tuple[object, object]] = {}
    for row in business.rows.of[Opportunity.__name__]:
        closes, amount = row["close_on"], row["amount"]
        won = row["status"] is OpportunityStatus.WON
        column = "won" if won else _COLUMNS.get(ForecastCategory(str(row["forecast_category"])))
        counts = won or row["status"] is OpportunityStatus.OPEN
        if not isinstance(closes, date) or closes.replace(day=1) != month or not counts or column is None:
            continue
        key = str(row["owner_id"]), str(row["team_id"]), str(row["currency"])
        kept[key] = row["owner_id"], row["team_id"]
        sums[key]["opportunities"] += 1
        if isinstance(amount, Decimal):
            share = Decimal(100) if won else Decimal(str(row["probability"] or 0))
            sums[key][column] += amount
            sums[key]["weighted"] += (amount * share / 100).quantize(Decimal("0.01"))
    for key in sorted(sums):
        business.rows.add(
            ForecastSnapshot, business.calendar.now, taken_on=business.today - timedelta(days=1), month=month,
            owner_id=kept[key][0], team_id=kept[key][1], currency=key[2], **sums[key],
        )  # fmt: skip


def _links(business: Business) -> None:
    reading = (ProposalStatus.SENT, ProposalStatus.VIEWED)
    for n, row in enumerate(row for row in business.rows.of[Proposal.__name__] if row["status"] in reading):
        proposal, sent = row["id"], row["sent_at"]
        assert isinstance(proposal, UUID)
        assert isinstance(sent, datetime)
        if n % 5 == 0:
            nobodys = hashlib.sha256(f"{business.seed}/{n}".encode()).hexdigest()  # of a secret that nobody has
            business.rows.add(
                ProposalLink, sent, proposal_id=proposal, recipient=f"purchasing.{n}@{business.key}.example",
                made_by_id=row["owner_id"], expires_at=sent + timedelta(days=60), token_hash=nobodys,
            )  # fmt: skip
        if n % 7 == 0:
            business.rows.add(
                ProposalQuestion, sent + timedelta(hours=2), proposal_id=proposal, asked_by="Purchasing",
                question="When could you deliver?", asked_at=sent + timedelta(hours=2),
            )  # fmt: skip
