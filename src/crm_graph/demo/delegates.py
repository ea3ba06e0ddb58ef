"""Who may act for whom: members of households, and the customer persona for two companies."""

from datetime import datetime

from crm_graph.demo.business import Business, Buyer
from crm_graph.schema.contacts import Contact, ContactRole
from crm_graph.schema.customers import Customer, CustomerKind
from crm_graph.schema.households import HouseholdMember, HouseholdRole


def settle(business: Business) -> None:
    """Every adult who is known with their household lives in it; the first of them decides for it, most others too."""
    random, rows = business.dice("households"), business.rows
    households = {row["id"] for row in rows.of[Customer.__name__] if row["kind"] is CustomerKind.HOUSEHOLD}
    for contact in rows.of[Contact.__name__]:
        if contact["customer_id"] in households and contact["person_id"]:
            decides = contact["role"] is ContactRole.DECISION_MAKER or random.random() < 0.7
            since = contact["created_at"]
            assert isinstance(since, datetime)
            rows.add(
                HouseholdMember,
                since,
                household_id=contact["customer_id"],
                member_id=contact["person_id"],
                role=HouseholdRole.ADULT,
                may_act=decides,
            )


def entrust(business: Business, person: Buyer) -> None:
    """The customer persona speaks for one company, and looks after the orders of another."""
    looked_after = next(b for b in business.buyers if b.trade and b.orders and b is not business.anchors["shared"])
    for company, role, title in (
        (business.anchors["shared"], ContactRole.PORTAL_ADMIN, "Head of Purchasing"),
        (looked_after, ContactRole.PORTAL_USER, "Bookkeeper"),
    ):
        business.rows.add(
            Contact,
            max(company.created_at, person.created_at),
            customer_id=company.id,
            person_id=person.id,
            name=person.name,
            role=role,
            job_title=title,
        )
