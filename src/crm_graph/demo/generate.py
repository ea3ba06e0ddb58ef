"""The generator: the same organisations for the same seed and day, on every machine."""

from datetime import date, timedelta
from uuid import UUID

from crm_graph.demo.accounts import ask_opinions, found_group, plan_accounts
from crm_graph.demo.attachments import attach
from crm_graph.demo.authority import empower, make_good
from crm_graph.demo.business import Business, Buyer, Size
from crm_graph.demo.catalogue import lay_pipelines, stock
from crm_graph.demo.countries import romanised
from crm_graph.demo.customers import welcome
from crm_graph.demo.delegates import entrust, settle
from crm_graph.demo.desk import keep_busy
from crm_graph.demo.feedback import hear
from crm_graph.demo.knowledge import tell
from crm_graph.demo.orders import sell, take_stock
from crm_graph.demo.outlook import look_ahead, quote
from crm_graph.demo.partners import partner_up
from crm_graph.demo.payments import take_back
from crm_graph.demo.prices import price, price_by_parts
from crm_graph.demo.programme import keep_scores, offer_leads, rank_partners
from crm_graph.demo.promises import promise
from crm_graph.demo.proposals import draft_templates, name_products
from crm_graph.demo.rows import Calendar, Rows
from crm_graph.demo.sales import pursue
from crm_graph.demo.service import serve
from crm_graph.demo.sharing import choose_key_accounts, share
from crm_graph.demo.staff import hire, own, sign_partners
from crm_graph.demo.suggestions import suggest
from crm_graph.demo.ticketing import arrange
from crm_graph.schema.changes import ChangeRequest, ChangeWaits
from crm_graph.schema.customers import CustomerKind
from crm_graph.schema.organizations import Organization
from crm_graph.schema.users import User

REFERENCE_DAY = date(2026, 11, 2)
"""The day the demo's three years end on, unless told otherwise."""
SOURCE = "demo"
"""What marks an organisation as the demo's."""

MAIN = Size(customers=5_000, orders=12_000, opportunities=3_000, tickets=4_000, reps=18, agents=7)
SECOND = Size(customers=100, orders=240, opportunities=60, tickets=80, reps=3, agents=2)

SHARED_CUSTOMER = "Alpenglas Moser GmbH"
CUSTOMER_PERSONA = "Jördis Petersen"
ANCHORS = (
    ("shared", SHARED_CUSTOMER, CustomerKind.ORGANIZATION, "AT"),
    ("customer", CUSTOMER_PERSONA, CustomerKind.PERSON, "DE"),
)
"""Customers that both organisations have, under the same names."""


def main(size: Size = MAIN, today: date = REFERENCE_DAY) -> Rows:
    """The main organisation, Helvara Energie."""
    hosts = ["localhost", "127.0.0.1", "[::1]"]
    return _generate("main", "Helvara Energie", hosts, size, today, partners=3)


def second(size: Size = SECOND, today: date = REFERENCE_DAY) -> Rows:
    """Another organisation, which must see nothing of the first; some of its customers have the same names."""
    return _generate("second", "Lindgrün Gartenstrom", ["second.localhost"], size, today, partners=1)


def _generate(key: str, name: str, hosts: list[str], size: Size, today: date, *, partners: int) -> Rows:
    seed = f"crm-graph demo/{key}"
    rows, calendar = Rows(seed), Calendar(today, seed)
    _found(rows, calendar, key, name, hosts)
    business = Business(key, size, seed, calendar, rows)
    domain = f"{romanised(name.split(maxsplit=1)[0])}.example"
    hire(business, domain)
    sign_partners(business, partners)
    stock(business)
    lay_pipelines(business)
    welcome(business, ANCHORS)
    order_numbers = list(business.numbers("orders", "O", size.orders))
    pursue(business, business.numbers("proposals", "P", size.opportunities * 2), order_numbers)
    sell(business, order_numbers)
    take_stock(business)
    serve(business)
    promise(business)
    choose_key_accounts(business)
    share(business)
    arrange(business)
    partner_up(business)
    _register(business)
    empower(business)
    make_good(business)
    draft_templates(business)
    price(business)
    suggest(business)
    keep_busy(business)
    look_ahead(business)
    take_back(business)
    plan_accounts(business)
    found_group(business)
    tell(business)
    hear(business)
    attach(business)
    quote(business)
    price_by_parts(business)
    name_products(business)
    own(business)
    rank_partners(business)
    offer_leads(business)
    keep_scores(business)
    ask_opinions(business)
    return rows


def _found(rows: Rows, calendar: Calendar, key: str, name: str, hosts: list[str]) -> None:
    """Add the organisation's own row, which belongs to itself."""
    facts = {"name": name, "hosts": hosts, "customer_sign_up": True}
    identifier = rows.add(Organization, calendar.start, **facts, source=SOURCE, external_id=key)
    rows.organization_id = identifier
    rows.last(Organization)["organization_id"] = identifier


def _register(business: Business) -> None:
    """Give the customer persona its user, who has asked for a change and may act for others."""
    buyer = business.anchors["customer"]
    email = buyer.row["email"] or f"joerdis.petersen@{business.key}.example"
    customer: UUID = buyer.id
    user = business.rows.add(
        User, buyer.created_at, name=buyer.name, email=email, roles=["customer"], customer_id=customer
    )
    _ask(business, buyer, user)
    settle(business)
    entrust(business, buyer)


def _ask(business: Business, buyer: Buyer, user: UUID) -> None:
    """The customer persona has married: the new name waits for approval."""
    asked = business.calendar.now - timedelta(days=1)
    business.rows.add(
        ChangeRequest,
        asked,
        customer_id=buyer.id,
        entity="Customer",
        row_id=buyer.id,
        field="name",
        waits_for=ChangeWaits.APPROVAL,
        before_value=buyer.name,
        after_value=f"{buyer.name}-Lindqvist",
        requested_by_id=user,
        expires_at=asked + timedelta(days=3650),
    )
