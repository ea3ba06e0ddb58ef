"""What products cost whom, on which channel, from how many on and when. `resolvers/prices` decides which list holds."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, PUBLIC
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Search, Sort, Write, attr, table_of
from crm_graph.kinds import CurrencyCode, Money
from crm_graph.schema.customers import CustomerSegment
from crm_graph.schema.orders import Channel


class PriceListKind(Choice):
    """How a list says its prices."""

    ABSOLUTE = auto()
    PERCENT = auto()
    PARTS = auto()


class PriceList(Entity, table=True):
    """Prices for whom it names: a customer, a partner, a segment, a channel, several of them together, or everybody.

    A list of the kind PERCENT takes percents off another list, or off the prices in the catalogue; one of the kind
    PARTS takes them off what the parts of a bundle cost, and says nothing of what is no bundle.
    """

    __prefix__ = "prc"
    __rows__ = Rows(self_="customer_id", partner="partner_id", published="public")
    __checks__ = {
        "period": "valid_from < valid_until",
        "base": "base_list_id IS NULL OR kind = 'PERCENT'",
        "public": "NOT public OR num_nonnulls(customer_id, partner_id, segment) = 0",
    }

    name: str = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the list."""
    kind: PriceListKind = attr(
        Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Filter, default=PriceListKind.ABSOLUTE
    )
    """Whether it says prices, or percents off a base, or off the sum of a bundle's parts."""
    currency: CurrencyCode = attr(Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Filter, default="EUR")
    """The one currency of its prices."""
    base_list_id: UUID | None = attr(
        Read(INTERNAL), Write(CONFIDENTIAL, create_only=True), Ref("PriceList", back="derivedLists"), default=None
    )
    """The list that percents are taken off, which says prices in the same currency; none: off the catalogue."""
    channel: Channel | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, default=None)
    """The only channel it holds on; none: on all."""
    segment: CustomerSegment | None = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, default=None)
    """The only segment it holds for."""
    partner_id: UUID | None = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Partner", back="priceLists"), default=None
    )
    """The only partner through whom it holds."""
    customer_id: UUID | None = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Customer", back="priceLists"), default=None
    )
    """The only customer it holds for."""
    valid_from: datetime | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """From when; none: since ever."""
    valid_until: datetime | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """Until when, exclusively; none: until further notice."""
    priority: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, default=0)
    """Among lists that name as much: the highest decides."""
    public: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=False)
    """Whether everybody may look into it; only of lists that name no customer, partner or segment."""


class PriceListEntry(Entity, table=True):
    """A price, or a percent, in a list from a quantity on: for a product, a category and those below it, or all."""

    __prefix__ = "ple"
    __rows__ = Rows(parent="price_list_id")
    __checks__ = {
        "says": "(unit_price IS NULL) <> (percent_off IS NULL)",
        "of": "num_nonnulls(product_id, category_id) <= 1 AND (product_id IS NOT NULL OR percent_off IS NOT NULL)",
        "unit_price": "unit_price >= 0",
        "percent_off": "percent_off BETWEEN -100 AND 100",
        "min_quantity": "min_quantity >= 0",
    }

    price_list_id: UUID = attr(
        Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Ref("PriceList", back="entries", owned=True)
    )
    """The list."""
    product_id: UUID | None = attr(
        Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Ref("Product", back="priceListEntries"), default=None
    )
    """The product it is for."""
    category_id: UUID | None = attr(
        Read(PUBLIC),
        Write(CONFIDENTIAL, create_only=True),
        Ref("ProductCategory", back="priceListEntries"),
        default=None,
    )
    """The category it is for, with all below it; only of percents."""
    min_quantity: Decimal = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, default=Decimal(0))
    """From how many on: the tier."""
    currency: CurrencyCode = attr(Read(PUBLIC), default="EUR")
    """Currency of the list."""
    unit_price: Money | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), default=None)
    """Price of one."""
    percent_off: Decimal | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), default=None)
    """How much less than the base or the parts, in percent; below 0: how much more."""


_entries = table_of(PriceListEntry).c
sa.Index(
    "uq_price_list_entries_tier",
    _entries.organization_id,
    _entries.price_list_id,
    _entries.product_id,
    _entries.category_id,
    _entries.min_quantity,
    unique=True,
    postgresql_nulls_not_distinct=True,
)
"""A list says one thing of one product from one quantity on; prices are looked up by it."""
