"""The partner programme: its tiers, who is in which, and the leads that partners were offered."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.business import Business, local
from crm_graph.demo.rows import Row
from crm_graph.demo.staff import PARTNERS
from crm_graph.resolvers.feedback.surveys import period
from crm_graph.resolvers.scorecards import quarter
from crm_graph.schema.leads import Lead, LeadOffer, LeadOfferStatus, LeadStatus
from crm_graph.schema.partners import Partner, PartnerTier
from crm_graph.schema.scorecards import PartnerScorecard

TIERS = (("Platinum", 1, 60_000, 4, 1), ("Gold", 2, 20_000, 2, 1), ("Silver", 3, None, None, 1))
"""Names and ranks; what it takes in a quarter: revenue in EUR, opportunities won, certifications."""
GIVEN = timedelta(days=2)
"""For how long leads were offered."""
OPEN = timedelta(days=40)
"""For how long those are that nobody has answered: the demo's day is a fixed one."""


def rank_partners(business: Business) -> None:
    """Add the tiers, and put each partner into its own."""
    tiers = {
        name: business.rows.add(
            PartnerTier,
            business.calendar.start,
            name=name,
            rank=rank,
            minimum_revenue=local(Decimal(revenue), "EUR") if revenue else None,
            minimum_won=won,
            minimum_certifications=certified,
        )
        for name, rank, revenue, won, certified in TIERS
    }
    named = {name: tiers[tier] for _, name, _, tier, _, _ in PARTNERS}
    for row in business.rows.of[Partner.__name__]:
        row["tier_id"] = named[str(row["name"])]


def offer_leads(business: Business) -> None:
    """Add an offer for each lead that a partner has; one is open, and of those that none has some were declined."""
    random, waiting = business.dice("offers"), {reseller.id for reseller in business.resellers}
    for row in business.rows.of[Lead.__name__]:
        partner, came = row["partner_id"], row["created_at"]
        assert isinstance(came, datetime)
        if isinstance(partner, UUID) and row["status"] is LeadStatus.NEW and partner in waiting:
            waiting.remove(partner)
            at = max(came, business.calendar.now - timedelta(days=1))
            row["accept_by"] = at + OPEN
            _offer(business, row, partner, at, LeadOfferStatus.OFFERED, given=OPEN)
        elif isinstance(partner, UUID):
            row["status"] = LeadStatus.WORKING if row["status"] is LeadStatus.NEW else row["status"]
            _offer(business, row, partner, came, LeadOfferStatus.ACCEPTED, random)
        elif row["status"] is LeadStatus.NEW and business.resellers and random.random() < 0.2:
            status = random.choice((LeadOfferStatus.DECLINED, LeadOfferStatus.EXPIRED))
            _offer(business, row, random.choice(business.resellers).id, came, status, random)


def _offer(
    business: Business,
    lead: Row,
    partner: UUID,
    at: datetime,
    status: LeadOfferStatus,
    random: Random | None = None,
    given: timedelta = GIVEN,
) -> None:
    until, now = at + given, business.calendar.now
    answered = min(at + timedelta(minutes=random.randint(20, 2_400)), now) if random else None
    expired = status is LeadOfferStatus.EXPIRED
    business.rows.add(
        LeadOffer,
        at,
        lead_id=lead["id"],
        partner_id=partner,
        status=LeadOfferStatus.DECLINED if expired and until > now else status,
        offered_at=at,
        accept_by=until,
        responded_at=None if expired and until <= now else answered,
        decline_reason="Too far away for us" if status is LeadOfferStatus.DECLINED else None,
        ended_at=None if status in (LeadOfferStatus.OFFERED, LeadOfferStatus.ACCEPTED) else min(until, now),
        offered_by_id=business.manager.id if business.manager else None,
    )


def keep_scores(business: Business) -> None:
    """Add the scorecards of this quarter and of the one before."""
    today = business.calendar.now.date()
    for day in (quarter(today)[0] - timedelta(days=1), today):
        first, last = quarter(day)
        for reseller in business.resellers:
            business.rows.add(
                PartnerScorecard,
                business.calendar.now,
                partner_id=reseller.id,
                period=period(day),
                starts_on=first,
                ends_on=last,
            )
