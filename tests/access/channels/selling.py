"""Hand-written queries that answer about several entities at once: prices, suggestions, forecasts, conversions."""

from typing import Any

from tests.access.channels.registry import Probe, channel
from tests.access.interpreter import Row

_PRICES = """query ($items: [PriceItem!]!, $customer: ID, $channel: Channel) {
  prices(items: $items, customerId: $customer, channel: $channel) { productId code
    price { unitPrice listPrice priceListId priceListName entryId candidates { priceListId name unitPrice } } } }"""
_FORECAST = """query ($by: [ForecastBy!], $in: String) {
  forecast(start: "2024-01-01", end: "2027-12-31", by: $by, in: $in) {
    ownerId teamId productId partnerId name currency won weighted quota rates { currency rate } } }"""


def _ids(probe: Probe, entity: str) -> set[str]:
    """The ids of what exists for the role of an entity."""
    prefix = {"Product": "prd", "PriceList": "prc", "PriceListEntry": "ple", "Customer": "cus"}.get(entity, "")
    return {f"{prefix}_{row['id'].hex}" for row in probe.world.rows.visible(probe.caller, entity)}


def _some(probe: Probe, entity: str, most: int) -> list[Row]:
    """Some rows that the role sees, and as many that it does not, also of the other organisation."""
    rows, seen = probe.world.rows, {row["id"] for row in probe.world.rows.visible(probe.caller, entity)}
    every = list(rows.tables[entity].values())
    return [r for r in every if r["id"] in seen][:most] + [r for r in every if r["id"] not in seen][-most:]


@channel("price")
async def priced(probe: Probe) -> None:
    """A price is told of products that exist for the role; of the lists that decide, those are named that do."""
    if probe.entity != "PriceList":
        return
    products, lists, entries = (_ids(probe, name) for name in ("Product", "PriceList", "PriceListEntry"))
    items = [{"productId": f"prd_{row['id'].hex}"} for row in _some(probe, "Product", 6)]
    for customer in (None, *(f"cus_{row['id'].hex}" for row in _some(probe, "Customer", 1))):
        for where in (None, "BRANCH"):
            answer = await probe.ask(_PRICES, {"items": items, "customer": customer, "channel": where})
            if not probe.reached:
                assert answer.codes == ["FIELD_ACCESS_DENIED"], answer.body
                continue
            if answer.codes:
                assert (answer.codes, answer.json["data"]["prices"]) == (["NOT_FOUND"], None)
                assert customer is not None
                continue
            for found in answer.data["prices"]:
                if found["productId"] not in products:
                    assert (found["code"], found["price"]) == ("PRICE_NOT_FOUND", None)
                elif found["price"] is not None:
                    _check_named(found["price"], lists, entries)


def _check_named(price: Any, lists: set[str], entries: set[str]) -> None:
    assert {price["priceListId"], None} <= {*lists, None}
    assert {price["entryId"], None} <= {*entries, None}
    assert {one["priceListId"] for one in price["candidates"]} <= {*lists, None}
    assert (price["priceListName"] is None) == (price["priceListId"] is None)


@channel("sale suggestion")
async def suggested(probe: Probe) -> None:
    """What may be sold to whom names only customers and products that exist for the role, and answers about no other."""
    if probe.entity != "SaleSuggestion":
        return
    customers, products = _ids(probe, "Customer"), _ids(probe, "Product")
    for_customer = "query ($id: ID!) { productSuggestions(customerId: $id) { productId productName becauseId reason } }"
    for_product = (
        "query ($id: ID!) { customerSuggestions(productId: $id) { customerId customerName becauseId reason } }"
    )
    for query, root, entity, prefix in (
        (for_customer, "productSuggestions", "Customer", "cus"),
        (for_product, "customerSuggestions", "Product", "prd"),
    ):
        for row in _some(probe, entity, 3):
            asked = f"{prefix}_{row['id'].hex}"
            answer = await probe.ask(query, {"id": asked})
            if not probe.reached:
                assert answer.codes == ["FIELD_ACCESS_DENIED"], answer.body
            elif asked not in (customers if entity == "Customer" else products):
                assert (answer.codes, answer.json["data"][root]) == (["NOT_FOUND"], None)
            else:
                for one in answer.data[root]:
                    assert one.get("productId", "") in {*products, ""}
                    assert one.get("customerId", "") in {*customers, ""}
                    assert {one["becauseId"], None} <= {*products, None}


@channel("forecast")
async def forecast(probe: Probe) -> None:
    """Figures count what the role sees: an amount that it does not see on any row comes to nothing."""
    if probe.entity != "Opportunity":
        return
    amount = next(one for one in probe.fields if one.name == "amount")
    for by in ([], ["OWNER"], ["TEAM", "MONTH"], ["PRODUCT", "PARTNER"]):
        for into in (None, "EUR"):
            answer = await probe.ask(_FORECAST, {"by": by, "in": into})
            assert set(answer.codes) <= {"RATE_UNKNOWN"}, answer.body
            lines = answer.json["data"]["forecast"] or []
            assert into is None or {line["currency"] for line in lines} <= {"EUR"}
            if amount in probe.hidden or not probe.reached:
                assert all(float(line["won"]) == float(line["weighted"]) == 0 for line in lines)
