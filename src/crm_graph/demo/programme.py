"""The partner programme: its tiers, and who is in which."""

from decimal import Decimal

from crm_graph.demo.business import Business, local
from crm_graph.demo.staff import PARTNERS
from crm_graph.schema.partners import Partner, PartnerTier

TIERS = (("Platinum", 1, 60_000, 4, 1), ("Gold", 2, 20_000, 2, 1), ("Silver", 3, None, None, 1))
"""Names and ranks; what it takes in a quarter: revenue in EUR, opportunities won, certifications."""


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
