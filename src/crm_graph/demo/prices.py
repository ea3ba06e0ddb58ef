"""The shelves of the catalogue, a bundle, and who gets which prices."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from crm_graph.demo.business import RATES, Business, local
from crm_graph.schema.customers import CustomerSegment
from crm_graph.schema.orders import Channel
from crm_graph.schema.price_lists import PriceList, PriceListEntry, PriceListKind
from crm_graph.schema.products import BundleItem, Product, ProductCategory

SHELVES = {
    "Generation": ("Sonnendach", "Stromkern"),
    "Storage": ("Speicherwerk",),
    "Mobility": ("Ladepunkt",),
    "Services": ("Helvara Care",),
}
"""Categories at the top, and the series whose own categories are below them; other series are at the top."""


def price(business: Business) -> None:
    """Add categories, the price lists of each currency, and those of channels, segments, partners and customers."""
    shelves = _categories(business)
    _bundle(business)
    for currency in [code for code in RATES if code != "EUR"]:
        _currency(business, currency)
    storage, generation = shelves["Storage"], shelves["Generation"]
    web = _percents(business, "Online price", public=True, channel=Channel.WEB)
    _percent(business, web, 2, category_id=storage)
    large = _percents(business, "Enterprise terms", segment=CustomerSegment.ENTERPRISE)
    for least, percent in ((0, 4), (50, 7), (200, 10)):
        _percent(business, large, percent, category_id=generation, min_quantity=Decimal(least))
    for reseller in business.resellers:
        terms = _percents(business, f"Partner terms {reseller.key}", partner_id=reseller.id)
        _percent(business, terms, 12)
    for key, percent in (("shared", 9), ("customer", 3)):
        if key in business.anchors:
            buyer = business.anchors[key]
            own = _percents(business, f"Terms of {buyer.name}", customer_id=buyer.id, currency=buyer.currency)
            _percent(business, own, percent)


def price_by_parts(business: Business) -> None:
    """Add a list by which, in branches, bundles cost what is in them, less five percent."""
    since = business.calendar.now - timedelta(days=60)
    found = business.rows.add(
        PriceList, since, name="Sets by their parts", kind=PriceListKind.PARTS, channel=Channel.BRANCH, valid_from=since
    )
    business.rows.add(PriceListEntry, since, price_list_id=found, percent_off=Decimal(5))


def _categories(business: Business) -> dict[str, UUID]:
    since, found = business.calendar.start, dict[str, UUID]()
    for top in SHELVES:
        found[top] = business.rows.add(ProductCategory, since, name=top)
    above = {series: top for top, several in SHELVES.items() for series in several}
    for row in business.rows.of[Product.__name__]:
        series = str(row["series"])
        if series not in found:
            parent = found.get(above.get(series, ""))
            found[series] = business.rows.add(ProductCategory, since, name=series, parent_id=parent)
        row["category_id"] = found[series]
    return found


def _bundle(business: Business) -> None:
    """A starter set: so many modules, one inverter."""
    modules, inverter = (next(i for i in business.items if i.series == s and i.homes) for s in SHELVES["Generation"])
    since, parts = business.calendar.now - timedelta(days=90), ((modules, Decimal(12)), (inverter, Decimal(1)))
    whole = sum((item.price * quantity for item, quantity in parts), Decimal(0))
    bundle = business.rows.add(
        Product,
        since,
        name="Starter Set Sonnendach",
        sku="SET-START",
        series="Sets",
        description="Twelve modules and an inverter at one price.",
        list_price=(whole * Decimal("0.95")).quantize(Decimal(1)).quantize(Decimal("0.01")),
        unit_cost=sum((item.cost * quantity for item, quantity in parts), Decimal(0)),
    )
    for item, quantity in parts:
        business.rows.add(BundleItem, since, bundle_id=bundle, component_id=item.id, quantity=quantity)


def _currency(business: Business, currency: str) -> None:
    since = business.calendar.start
    found = business.rows.add(PriceList, since, name=f"Catalogue in {currency}", currency=currency, public=True)
    for item in business.items:
        business.rows.add(
            PriceListEntry,
            since,
            price_list_id=found,
            product_id=item.id,
            currency=currency,
            unit_price=local(item.price, currency),
        )


def _percents(business: Business, name: str, **values: object) -> UUID:
    """A list of percents off the catalogue, or off the list in its currency."""
    currency = values.get("currency", "EUR")
    base = next(
        (row["id"] for row in business.rows.of[PriceList.__name__] if row["name"] == f"Catalogue in {currency}"), None
    )
    since = business.calendar.now - timedelta(days=200)
    return business.rows.add(
        PriceList, since, name=name, kind=PriceListKind.PERCENT, valid_from=since, base_list_id=base, **values
    )


def _percent(business: Business, found: UUID, percent: int, **values: object) -> None:
    currency = next(row["currency"] for row in business.rows.of[PriceList.__name__] if row["id"] == found)
    since = business.calendar.now - timedelta(days=200)
    business.rows.add(
        PriceListEntry, since, price_list_id=found, currency=currency, percent_off=Decimal(percent), **values
    )
