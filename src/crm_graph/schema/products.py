"""What we sell."""

from typing import ClassVar

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PUBLIC, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Computed, Entity, Filter, Read, Search, Sort, Unique, Write, attr
from crm_graph.kinds import CurrencyCode, Money


class Product(Entity, table=True):
    """Something we sell: a good or a service."""

    __prefix__ = "prd"
    __rows__ = Rows(published="active")
    __custom__ = True

    name: str = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name in the catalogue."""
    sku: str = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Unique, Search("A"))
    """Stock-keeping unit: our own number, unique."""
    series: str | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, Search("B"), default=None)
    """Product family."""
    description: str | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Search("D"), default=None)
    """Text for the catalogue."""
    currency: CurrencyCode = attr(Read(PUBLIC), default="EUR")
    """Currency of the prices."""
    list_price: Money | None = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, default=None)
    """Price for everybody, before any price list."""
    unit_cost: Money | None = attr(Read(CONFIDENTIAL, category=Category.COMMERCIAL), Write(CONFIDENTIAL), default=None)
    """What one unit costs us."""
    active: bool = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, default=True)
    """Whether the product is on sale and shown in the shop."""
    stock: int | None = attr(Read(INTERNAL), Write(INTERNAL), default=None)
    """Units at hand."""

    unit_margin: ClassVar[Computed] = Computed(kinds.MONEY, "{list_price} - {unit_cost}", "List price less unit cost.")
