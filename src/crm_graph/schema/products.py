"""What we sell."""

from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PUBLIC, Category
from crm_graph.auth.rows import Rows
from crm_graph.entity import Computed, Entity, Filter, Read, Ref, Search, Sort, Unique, Write, attr
from crm_graph.kinds import CurrencyCode, Money


class ProductCategory(Entity, table=True):
    """A shelf of the catalogue; categories form a tree, in which no category is below itself."""

    __prefix__ = "pca"

    name: str = attr(Read(PUBLIC), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name of the category."""
    parent_id: UUID | None = attr(
        Read(PUBLIC), Write(CONFIDENTIAL), Ref("ProductCategory", back="children"), default=None
    )
    """The category above this one."""


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
    category_id: UUID | None = attr(
        Read(PUBLIC), Write(CONFIDENTIAL), Ref("ProductCategory", back="products"), default=None
    )
    """Where it stands in the catalogue."""
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


class BundleItem(Entity, table=True):
    """So many of one product in a bundle, which is a product itself, with a price of its own."""

    __prefix__ = "bit"
    __rows__ = Rows(parent="bundle_id")
    __checks__ = {"quantity": "quantity > 0"}

    bundle_id: UUID = attr(
        Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Ref("Product", back="bundleItems", owned=True)
    )
    """The product that is a bundle."""
    component_id: UUID = attr(Read(PUBLIC), Write(CONFIDENTIAL, create_only=True), Ref("Product", back="bundledIn"))
    """What is in it; no bundle is in itself, however deep."""
    quantity: Decimal = attr(Read(PUBLIC), Write(CONFIDENTIAL), default=Decimal(1))
    """How many are in one bundle."""
