"""What was agreed with partners, what they look after, the deals that they registered, and what they do and did."""

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
from crm_graph.schema.partner_activities import PartnerActivity, PartnerActivityKind
from crm_graph.schema.shares import CustomerShare, ShareLevel
from crm_graph.schema.tasks import Task
from crm_graph.schema.territories import PartnerCoverage, Territory
from crm_graph.schema.users import User

VISITS = (
    (PartnerActivityKind.VISIT, "Looked at the roof", "Room for 40 more modules; they decide after the summer."),
    (PartnerActivityKind.CALL, "Asked about the battery", "Content; wants the new price list."),
)
TASKS = ("Send the offer for the second roof", "Bring the new price list")

SIGNED = timedelta(days=60)
"""So long after the start all partners have signed."""


def partner_up(business: Business) -> None:
    """Add agreements and certifications, the territory of who has one, registrations, visits and tasks."""
    for reseller in business.resellers:
        _agree(business, reseller)
        _visit(business, reseller)
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


def _visit(business: Business, reseller: Reseller) -> None:
    """What they told of their first two customers, and what they are to do about them."""
    shared = [row for row in business.rows.of[CustomerShare.__name__] if row["partner_id"] == reseller.id]
    people = [row for row in business.rows.of[User.__name__] if row["partner_id"] == reseller.id]
    now = business.calendar.now
    for place, row in enumerate(shared[:2]):
        kind, subject, notes = VISITS[place]
        when = now - timedelta(days=3 + place, hours=4)
        business.rows.add(
            PartnerActivity,
            when + timedelta(hours=2),
            partner_id=reseller.id,
            customer_id=row["customer_id"],
            kind=kind,
            subject=subject,
            notes=notes,
            happened_at=when,
            author_id=people[0]["id"],
        )
        business.rows.add(
            Task,
            when + timedelta(hours=3),
            subject=TASKS[place],
            due_on=(now + timedelta(days=4 + place)).date(),
            customer_id=row["customer_id"],
            owner_id=people[0]["id"],
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
    _protect(business, now - timedelta(days=10), "Moulins du Léman SA")
    _protect(business, now - timedelta(days=58), "Scierie du Jura SARL")


def _protect(business: Business, told: datetime, name: str) -> None:
    """A deal that the first of them was promised at some time, for 90 days."""
    _deal(business, business.resellers[0], told - timedelta(days=2), name)
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
