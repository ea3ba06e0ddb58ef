"""What was agreed with partners, what they look after, and the deals that they registered."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from crm_graph.demo.business import Business, Reseller, local
from crm_graph.schema.agreements import PartnerAgreement, PartnerCertification
from crm_graph.schema.deals import (
    ChannelConflict,
    ConflictKind,
    ConflictMatch,
    DealAnswer,
    DealRegistration,
    DealRegistrationStatus,
)
from crm_graph.schema.shares import ShareLevel
from crm_graph.schema.territories import PartnerCoverage, Territory

SIGNED = timedelta(days=60)
"""So long after the start all partners have signed."""


def partner_up(business: Business) -> None:
    """Add agreements and certifications, the territory of who has one, and registrations."""
    for reseller in business.resellers:
        _agree(business, reseller)
    _cover(business)
    _register(business)


def _agree(business: Business, reseller: Reseller) -> None:
    since = business.calendar.start + SIGNED
    business.rows.add(
        PartnerAgreement,
        since,
        name="Framework agreement",
        partner_id=reseller.id,
        starts_on=since.date(),
        terms="Sells, installs and maintains in its countries; speaks for us about products.",
    )
    issued = since.date() + timedelta(days=10)
    business.rows.add(
        PartnerCertification,
        since,
        name="Battery storage",
        partner_id=reseller.id,
        issued_on=issued,
        expires_on=issued + timedelta(days=1825),
    )


def _cover(business: Business) -> None:
    """The South East and its parts; Bulgaria is looked after by the partner there."""
    start = business.calendar.start + SIGNED
    whole = business.rows.add(Territory, start, name="South East Europe")
    parts = {
        country: business.rows.add(Territory, start, name=name, parent_id=whole, country=country)
        for country, name in (("BG", "Bulgaria"), ("GR", "Greece"))
    }
    for reseller in business.resellers:
        if reseller.key == "adria":
            business.rows.add(
                PartnerCoverage,
                start,
                name="Customers in Bulgaria",
                partner_id=reseller.id,
                territory_id=parts["BG"],
                level=ShareLevel.PARTNER,
                valid_from=start,
            )


def _register(business: Business) -> None:
    """Two partners after the customer that both know, and a deal with somebody new."""
    common, now = business.anchors.get("shared"), business.calendar.now
    registered: list[UUID] = []
    for reseller in business.resellers[:2]:
        received = now - timedelta(hours=20 - len(registered))
        registered.append(_deal(business, reseller, received, common.name if common else "Alpenglas Moser"))
    if len(registered) == 2:
        business.rows.add(
            ChannelConflict,
            now - timedelta(hours=19),
            registration_id=registered[1],
            kind=ConflictKind.REGISTRATION,
            matched_by=ConflictMatch.NAME,
            other_registration_id=registered[0],
        )
    first, told = business.resellers[0], now - timedelta(days=10)
    _deal(business, first, told - timedelta(days=2), "Moulins du Léman SA")
    business.rows.last(DealRegistration).update(
        status=DealRegistrationStatus.APPROVED,
        protection_days=90,
        reason="Nobody else knows them.",
        decided_at=told - timedelta(days=1),
        decided_by_id=business.manager.id if business.manager else None,
        answer=DealAnswer.PROTECTED,
        answered_at=told,
        protected_until=told + timedelta(days=90),
    )


def _deal(business: Business, reseller: Reseller, received: datetime, name: str) -> UUID:
    return business.rows.add(
        DealRegistration,
        received,
        partner_id=reseller.id,
        customer_name=name,
        amount=local(Decimal(48000), "EUR"),
        currency="EUR",
        close_on=(business.calendar.now + timedelta(days=60)).date(),
        checked_at=received + timedelta(seconds=2),
    )
