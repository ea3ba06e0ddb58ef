"""Which price holds, and why, over HTTP."""

from decimal import Decimal

import pytest

from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from crm_graph.resolvers.prices.pricing import prices
from tests.resolvers.prices.conftest import UNKNOWN, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANNELS = ("WEB", "MOBILE", "BRANCH", "PHONE", "MAIL", "CHAT", "PARTNER", None)


async def test_a_customer_gets_the_same_price_on_every_channel_unless_a_list_says_otherwise(shop: Shop) -> None:
    product, customer = await shop.product(), await shop.customer()
    own = await shop.price_list(product, "80.00", customerId=customer)
    asked = [await shop.price(product, customerId=customer, channel=channel) for channel in CHANNELS]
    assert {(one["unitPrice"], one["priceListId"]) for one in asked} == {("80.00", own)}
    branch = await shop.price_list(product, "75.00", customerId=customer, channel="BRANCH", priority=1)
    asked = [await shop.price(product, customerId=customer, channel=channel) for channel in CHANNELS]
    assert {channel: one["priceListId"] for channel, one in zip(CHANNELS, asked, strict=True)} == {
        channel: branch if channel == "BRANCH" else own for channel in CHANNELS
    }


async def test_the_most_particular_list_decides_and_each_other_says_why_not(shop: Shop) -> None:
    product = await shop.product()
    customer = await shop.customer(segment="ENTERPRISE")
    partner = await shop.create("Partner", name="Some partner")
    lists = {
        "GENERAL": await shop.price_list(product, "90.00"),
        "CHANNEL": await shop.price_list(product, "91.00", channel="WEB"),
        "SEGMENT": await shop.price_list(product, "92.00", segment="ENTERPRISE"),
        "PARTNER": await shop.price_list(product, "93.00", partnerId=partner),
        "CUSTOMER": await shop.price_list(product, "94.00", customerId=customer),
    }
    another = await shop.customer(segment="ENTERPRISE")
    situations: dict[str, dict[str, object]] = {
        "GENERAL": {},
        "CHANNEL": {"channel": "WEB"},
        "SEGMENT": {"channel": "WEB", "customerId": another},
        "PARTNER": {"channel": "WEB", "customerId": another, "partnerId": partner},
    }
    for scope, values in situations.items():
        found = await shop.price(product, **values)
        assert (found["scope"], found["priceListId"]) == (scope, lists[scope])
    found = await shop.price(product, channel="WEB", customerId=customer, partnerId=partner)
    shown = [(c["scope"], c["reason"]) for c in found["candidates"] if c["unitPrice"]]
    assert shown == [
        ("CUSTOMER", "DECIDES"),
        *((scope, "LESS_PARTICULAR") for scope in ("PARTNER", "SEGMENT", "CHANNEL", "GENERAL", "CATALOGUE")),
    ]
    reasons = {c["priceListId"]: c["reason"] for c in (await shop.price(product))["candidates"]}
    assert (reasons[lists["CHANNEL"]], reasons[lists["SEGMENT"]]) == ("OTHER_CHANNEL", "OTHER_SEGMENT")
    assert {lists["CUSTOMER"], lists["PARTNER"]}.isdisjoint(reasons), "they are no candidates here"


async def test_among_equals_priority_then_the_newest_then_the_list_made_last_decides(shop: Shop) -> None:
    product = await shop.product()
    first = await shop.price_list(product, "90.00")
    last = await shop.price_list(product, "89.00")
    assert (await shop.price(product))["priceListId"] == last
    newer = await shop.price_list(product, "88.00", validFrom="2026-01-01T00:00:00Z")
    assert (await shop.price(product))["priceListId"] == newer
    weighty = await shop.price_list(product, "87.00", priority=5)
    future = await shop.price_list(product, "1.00", priority=9, validFrom="2990-01-01T00:00:00Z")
    past = await shop.price_list(product, "2.00", priority=9, validUntil="2020-01-01T00:00:00Z")
    found = await shop.price(product)
    reasons = {c["priceListId"]: c["reason"] for c in found["candidates"]}
    assert [reasons[one] for one in (weighty, newer, last, first, future, past)] == [
        "DECIDES", "LOWER_PRIORITY", "LOWER_PRIORITY", "LOWER_PRIORITY", "NOT_YET_VALID", "NO_LONGER_VALID",
    ]  # fmt: skip
    assert (await shop.price(product, at="2990-06-01T00:00:00Z"))["priceListId"] == future
    assert (await shop.price(product, at="2019-06-01T00:00:00Z"))["priceListId"] == past


async def test_tiers_categories_percents_and_rounding(shop: Shop) -> None:
    above = await shop.create("ProductCategory", name="Above")
    below = await shop.create("ProductCategory", name="Below", parentId=above)
    product = await shop.product("33.33", categoryId=below)
    customer = await shop.customer()
    found = await shop.create("PriceList", name="Percents", kind="PERCENT", customerId=customer)
    for of, least, percent in (
        ({}, "0", "1"), ({"categoryId": above}, "0", "2"), ({"categoryId": below}, "10", "5"),
        ({"categoryId": below}, "100", "50"), ({"productId": product}, "1000", "-10"),
    ):  # fmt: skip
        await shop.create("PriceListEntry", priceListId=found, minQuantity=least, percentOff=percent, **of)
    for quantity, unit, total, tier in (
        ("1", "32.66", "32.66", "0"),  # 2 % of the category above: 32.6634
        ("9.5", "32.66", "310.27", "0"),
        ("10", "31.66", "316.60", "10"),  # 31.6635
        ("100", "16.67", "1667.00", "100"),  # 16.665, half up
        ("1000", "36.66", "36660.00", "1000"),  # 36.663: dearer, as the list says
    ):
        one = await shop.price(product, customerId=customer, quantity=quantity)
        assert (one["unitPrice"], one["total"], one["minQuantity"]) == (unit, total, tier), quantity
    based = await shop.create("PriceList", name="Base", currency="JPY")
    await shop.entry(based, product, "1005", "JPY")
    other = await shop.create("PriceList", name="Off", currency="JPY", kind="PERCENT", baseListId=based, priority=1)
    await shop.create("PriceListEntry", priceListId=other, percentOff="10")
    one = await shop.price(product, currency="JPY", quantity="3")
    assert (one["unitPrice"], one["total"], one["currency"], one["listPrice"]) == ("905", "2715", "JPY", "33.33")


async def test_a_product_without_price_in_the_currency_is_refused(shop: Shop) -> None:
    product, bare = await shop.product(), await shop.product(None)
    chf = await shop.customer(annualRevenue={"amount": "1.00", "currency": "CHF"})
    assert (await shop.ask("administrator", product, customerId=chf)).codes == ["PRICE_NOT_FOUND"]
    assert (await shop.ask("administrator", bare)).codes == ["PRICE_NOT_FOUND"]
    only_many = await shop.price_list(bare, "3.00", least="10")
    refused = await shop.ask("administrator", bare, quantity="9")
    assert (refused.json["data"], refused.codes) == ({"price": None}, ["PRICE_NOT_FOUND"])
    assert (await shop.price(bare, quantity="10"))["priceListId"] == only_many
    for values in ({"quantity": "0"}, {"quantity": "-1"}, {"currency": "euro"}):
        assert (await shop.ask("administrator", product, **values)).codes == ["VALUE_INVALID"]
    assert (await shop.ask("administrator", f"prd_{UNKNOWN}")).codes == ["PRICE_NOT_FOUND"]


async def test_many_products_are_priced_in_one_statement_as_each_alone(shop: Shop) -> None:
    products = [await shop.product(f"{n}.99") for n in range(3)]
    customer = await shop.customer()
    listed = await shop.price_list(products[1], "0.50", customerId=customer)
    items = [{"productId": one, "quantity": "3"} for one in (*products, f"prd_{UNKNOWN}", products[1])]
    text = """query ($items: [PriceItem!]!, $customerId: ID) { prices(items: $items, customerId: $customerId) {
      productId quantity code price { unitPrice total priceListId } } }"""
    found = (await shop.api.as_("administrator")(text, {"items": items, "customerId": customer})).data["prices"]
    assert [one["code"] for one in found] == [None, None, None, "PRICE_NOT_FOUND", None]
    assert [one["price"] and one["price"]["total"] for one in found] == ["2.97", "1.50", "8.97", None, "1.50"]
    assert found[1]["price"]["priceListId"] == listed
    organization = await shop.one("SELECT organization_id FROM products WHERE id = $1", decode(products[0])[1])
    database, sent = Database(shop.api.url, 1), []
    async with database.transaction(organization, None, "test") as tx:
        connection = await tx.raw()
        wanted = [(decode(one)[1], Decimal(3)) for one in products]
        await prices(tx, organization, wanted, None, None, "EUR")  # the driver asks about types once
        with connection.query_logger(lambda query: sent.append(query.query)):
            own = await prices(tx, organization, wanted, decode(customer)[1], None, "EUR")
    await database.dispose()
    assert len(sent) == 1
    assert [one and str(one.total) for one in own] == ["2.97", "1.50", "8.97"]


async def test_what_does_not_fit_is_refused(shop: Shop) -> None:
    product = await shop.product()
    above = await shop.create("ProductCategory", name="A")
    below = await shop.create("ProductCategory", name="B", parentId=above)
    _, errors = await shop.try_to("updateProductCategory", "ProductCategory", id=above, parentId=below)
    assert errors == [("VALUE_INVALID", ["parentId"])]
    whole, part = await shop.product(), await shop.product()
    await shop.create("BundleItem", bundleId=whole, componentId=part, quantity="2")
    for bundle, component in ((part, whole), (whole, whole)):
        _, errors = await shop.try_to("createBundleItem", "BundleItem", bundleId=bundle, componentId=component)
        assert errors == [("VALUE_INVALID", ["componentId"])]
    euros = await shop.create("PriceList", name="Euros")
    percents = await shop.create("PriceList", name="Percents", kind="PERCENT")
    await shop.entry(euros, product, "5.00")
    money = {"amount": "5.00", "currency": "EUR"}
    before = await shop.one("SELECT count(*) FROM price_list_entries")
    for values, errors_ in (
        ({"priceListId": euros, "unitPrice": money}, [("KEY_TAKEN", [])]),
        ({"priceListId": euros, "unitPrice": {"amount": "5.00", "currency": "CHF"}, "minQuantity": "5"},
         [("VALUE_INVALID", ["unitPrice"])]),
        ({"priceListId": euros, "unitPrice": {"amount": "-5.00", "currency": "EUR"}, "minQuantity": "5"},
         [("VALUE_INVALID", ["unitPrice"])]),
        ({"priceListId": euros, "percentOff": "5"}, [("VALUE_INVALID", ["unitPrice"])]),
        ({"priceListId": percents, "unitPrice": money}, [("VALUE_INVALID", ["percentOff"])]),
        ({"priceListId": percents, "percentOff": "101"}, [("VALUE_INVALID", ["percentOff"])]),
    ):  # fmt: skip
        _, found = await shop.try_to("createPriceListEntry", "PriceListEntry", productId=product, **values)
        assert [(code, field or []) for code, field in found] == errors_, values
    assert await shop.one("SELECT count(*) FROM price_list_entries") == before
    for values, field in (
        ({"kind": "PERCENT", "baseListId": percents}, "baseListId"),
        ({"kind": "PERCENT", "baseListId": euros, "currency": "CHF"}, "baseListId"),
    ):
        _, found = await shop.try_to("createPriceList", "PriceList", name="X", **values)
        assert found == [("VALUE_INVALID", [field])]
    customer = await shop.customer()
    _, found = await shop.try_to("createPriceList", "PriceList", name="X", public=True, customerId=customer)
    assert [code for code, _ in found] == ["VALUE_INVALID"]


async def test_a_list_says_that_bundles_cost_what_is_in_them(shop: Shop) -> None:
    """At the prices of the parts for this very customer and number; only where it holds, and only of bundles."""
    panel, inverter, bundle, other = [await shop.product(amount) for amount in ("10.00", "33.33", "50.00", "7.00")]
    for part, each in ((panel, "3"), (inverter, "1")):
        await shop.create("BundleItem", bundleId=bundle, componentId=part, quantity=each)
    parts = await shop.create("PriceList", name="By parts", kind="PARTS", channel="BRANCH", currency="EUR")
    assert (await shop.try_to(
        "createPriceListEntry", "PriceListEntry", priceListId=parts, productId=bundle,
        unitPrice={"amount": "1", "currency": "EUR"},
    ))[1] != []  # fmt: skip
    entry = await shop.create("PriceListEntry", priceListId=parts, percentOff="10")
    assert (await shop.price(bundle, channel="WEB"))["unitPrice"] == "50.00"
    found = await shop.price(bundle, channel="BRANCH", quantity="2")
    assert (found["unitPrice"], found["total"], found["entryId"]) == ("57.00", "114.00", entry)  # 63.33 less 10 %
    tiers = await shop.price_list(panel, "8.00", least="30")
    assert (await shop.price(bundle, channel="BRANCH", quantity="10"))["unitPrice"] == "51.60", "30 panels at 8"
    assert (await shop.price(other, channel="BRANCH"))["unitPrice"] == "7.00"
    said = (await shop.price(other, channel="BRANCH"))["candidates"]
    assert [one["reason"] for one in said if one["priceListId"] == parts] == ["NO_BASE_PRICE"]
    await shop.connection.execute(
        "DELETE FROM price_lists WHERE id = ANY($1)", [decode(one)[1] for one in (parts, tiers)]
    )
