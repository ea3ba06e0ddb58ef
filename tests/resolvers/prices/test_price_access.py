"""Who may know which price, and what of its reasons."""

import pytest

from crm_graph.auth import api_keys
from crm_graph.db.ids import decode
from crm_graph.db.session import Database
from tests.resolvers.prices.conftest import UNKNOWN, Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _partners(shop: Shop) -> tuple[str, str]:
    """The partners of the persona and of the other persona who is a partner's."""
    one, other = [
        (await shop.api.as_(persona)("{ viewer { partnerId } }")).data["viewer"]["partnerId"]
        for persona in ("partner_rep", "other_partner_rep")
    ]
    return one, other


async def test_nobody_learns_of_lists_that_are_not_theirs(shop: Shop) -> None:
    """What others are promised changes no byte of an answer; what oneself is promised does."""
    product = await shop.product()
    mine, theirs = await _partners(shop)
    self_ = (await shop.api.as_("customer")("{ viewer { customerId } }")).data["viewer"]["customerId"]
    somebody = await shop.customer()
    public = await shop.price_list(product, "99.00", public=True)
    callers = ("partner_rep", "customer", "storefront")

    async def bodies() -> list[bytes]:
        text = "{ priceLists(first: 100) { totalCount nodes { name } } priceListEntries(first: 100) { totalCount } }"
        return [
            body
            for persona in callers
            for body in (
                *[(await shop.ask(persona, product, channel=channel)).body for channel in ("WEB", "PARTNER")],
                (await shop.api.as_(persona)(text)).body,
            )
        ]

    before = await bodies()
    for values in ({"partnerId": theirs}, {"customerId": somebody}, {"partnerId": theirs, "customerId": somebody}):
        await shop.price_list(product, "1.00", name="Planted secret", priority=9, **values)
    assert await bodies() == before
    assert public.encode() in before[0], "what everybody may know is named"
    own = await shop.price_list(product, "70.00", name="For partner", partnerId=mine)
    also = await shop.price_list(product, "60.00", name="For customer", customerId=self_)
    found = [await shop.price(product, persona) for persona in callers]
    assert [one["unitPrice"] for one in found] == ["70.00", "60.00", "99.00"]
    assert [one["priceListId"] for one in found] == [own, also, public]
    assert (await shop.price(product, "other_partner_rep"))["unitPrice"] == "1.00"
    assert [c["name"] for c in found[1]["candidates"] if c["unitPrice"]] == ["For customer", "List", None]


async def test_a_price_by_a_list_that_is_not_seen_holds_and_does_not_name_it(shop: Shop) -> None:
    product = await shop.product()
    row = (await shop.api.as_("customer")("{ viewer { customerId } }")).data["viewer"]["customerId"]
    segment = "CONSUMER"
    await shop.connection.execute("UPDATE customers SET segment = $1 WHERE id = $2", segment, decode(row)[1])
    hidden = await shop.price_list(product, "55.00", name="Planted secret", segment=segment)
    found = await shop.ask("customer", product)
    price = found.data["price"]
    assert (price["unitPrice"], price["listPrice"]) == ("55.00", "100.00")
    assert [price[key] for key in ("scope", "priceListId", "priceListName", "entryId", "minQuantity")] == [None] * 5
    assert not any(secret in found.body for secret in (b"secret", hidden.encode()))
    assert (await shop.price(product, "sales_rep", customerId=row))["priceListId"] == hidden


async def test_who_may_ask_for_whom_and_when(shop: Shop) -> None:
    product, hidden = await shop.product(), await shop.product(active=False)
    somebody = await shop.customer()
    mine, theirs = await _partners(shop)
    for persona, values, code in (
        ("customer", {"customerId": somebody}, "NOT_FOUND"),
        ("storefront", {"customerId": somebody}, "NOT_FOUND"),
        ("partner_rep", {"customerId": somebody}, "NOT_FOUND"),
        ("partner_rep", {"customerId": f"cus_{UNKNOWN}"}, "NOT_FOUND"),
        ("administrator", {"customerId": product}, "NOT_FOUND"),
        ("partner_rep", {"partnerId": theirs}, "NOT_FOUND"),
        ("customer", {"partnerId": mine}, "NOT_FOUND"),
        ("other_org_administrator", {"customerId": somebody}, "NOT_FOUND"),
        ("other_org_administrator", {}, "PRICE_NOT_FOUND"),
        ("partner_rep", {"at": "2990-01-01T00:00:00Z"}, "PREDICATE_ACCESS_DENIED"),
        ("customer", {"at": "2990-01-01T00:00:00Z"}, "PREDICATE_ACCESS_DENIED"),
    ):
        answer = await shop.ask(persona, product, **values)
        assert (answer.json["data"], answer.codes) == ({"price": None}, [code]), (persona, values)
    for persona in ("customer", "storefront", "partner_rep"):
        assert (await shop.ask(persona, hidden)).codes == ["PRICE_NOT_FOUND"]
    assert (await shop.price(product, "partner_rep", partnerId=mine))["unitPrice"] == "100.00"


async def test_a_customer_shared_below_partner_has_no_price_for_the_partner(shop: Shop) -> None:
    """Their segment may decide, which is seen at PARTNER only."""
    product, somebody = await shop.product(), await shop.customer(segment="ENTERPRISE")
    mine, _ = await _partners(shop)
    share = await shop.create("CustomerShare", customerId=somebody, partnerId=mine, level="PUBLIC")
    seen = await shop.api.as_("partner_rep")("query ($id: ID!) { customer(id: $id) { id } }", {"id": somebody})
    assert seen.data["customer"] is not None
    assert (await shop.ask("partner_rep", product, customerId=somebody)).codes == ["NOT_FOUND"]
    await shop.try_to("updateCustomerShare", "CustomerShare", id=share, level="PARTNER")
    assert (await shop.price(product, "partner_rep", customerId=somebody))["unitPrice"] == "100.00"


async def test_price_lists_are_written_by_who_may(shop: Shop) -> None:
    product = await shop.product()
    found = await shop.price_list(product, "5.00")
    row = await shop.connection.fetchrow("SELECT * FROM price_lists WHERE id = $1", decode(found)[1])
    counts = "SELECT (SELECT count(*) FROM outbox_events), (SELECT count(*) FROM audit_entries)"
    before = await shop.connection.fetchrow(counts)
    for persona, code in (("sales_rep", "WRITE_ACCESS_DENIED"), ("service_agent", "WRITE_ACCESS_DENIED")):
        _, errors = await shop.try_to("updatePriceList", "PriceList", persona, id=found, priority=9)
        assert [one for one, _ in errors] == [code]
    for persona in ("partner_rep", "customer"):
        _, errors = await shop.try_to("updatePriceList", "PriceList", persona, id=found, priority=9)
        assert errors != []
    assert await shop.connection.fetchrow("SELECT * FROM price_lists WHERE id = $1", decode(found)[1]) == row
    assert await shop.connection.fetchrow(counts) == before
    _, errors = await shop.try_to("updatePriceList", "PriceList", "sales_manager", id=found, priority=9)
    assert errors == []


async def test_a_role_without_price_lists_may_not_ask(shop: Shop) -> None:
    """Deny by default: prices are for who may see some price list."""
    token = await _narrow(shop)
    answer = await shop.api.request(
        "POST", "/graphql", json={"query": f'{{ price(productId: "{await shop.product()}") {{ unitPrice }} }}'},
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert (answer.json["data"], answer.codes) == ({"price": None}, ["FIELD_ACCESS_DENIED"])


async def _narrow(shop: Shop) -> str:
    """A key of the administrator that reads products and nothing else."""
    who = (await shop.api.as_("administrator")("{ viewer { userId organizationId } }")).data["viewer"]
    organization, user = decode(who["organizationId"])[1], decode(who["userId"])[1]
    database = Database(shop.api.url, 1)
    async with database.transaction(organization, user, "test") as tx:
        token = await api_keys.create(tx, organization, user, name="Narrow", days=1, scopes=["products:read:internal"])
    await database.dispose()
    assert token is not None
    return token
