"""A shop that delivers orders, on a demo of its own; what it sends and what is kept of it."""

from typing import Any
from uuid import UUID

from tests.sums.conftest import Shop, shop

__all__ = ["delivery", "row", "shop", "states", "traces", "verb"]

SHOWN = (
    "id number status total { amount currency } net { amount } tax { amount } paid { amount } kept { amount }"
    " lines(first: 100, orderBy: [{ position: ASC }]) { nodes { id position kind quantity title"
    " unitPrice { amount } net { amount } tax { amount } total { amount } } }"
)
_TABLES = ("orders", "order_lines", "returns", "return_lines", "credits", "audit_entries", "outbox_events")


def money(amount: object, currency: str = "EUR") -> dict[str, str]:
    return {"amount": str(amount), "currency": currency}


def row(identifier: str) -> UUID:
    return UUID(identifier[4:])


async def traces(shop: Shop) -> list[int]:
    return [await shop.connection.fetchval(f"SELECT count(*) FROM {table}") for table in _TABLES]


async def states(shop: Shop, order: str) -> list[str]:
    """The events of an order, in their order."""
    found = await shop.connection.fetch(
        "SELECT type FROM outbox_events WHERE entity = 'Order' AND row_id = $1 ORDER BY sequence", row(order)
    )
    return [one["type"] for one in found]


async def verb(
    shop: Shop, name: str, shown: str = "order { id status }", persona: str = "administrator", **given: Any
) -> Any:
    """The record and the codes of a verb's payload."""
    titled = name[0].upper() + name[1:]
    text = f"mutation ($i: {titled}Input!) {{ {name}(input: $i) {{ {shown} userErrors {{ code message field }} }} }}"
    payload = (await shop.api.as_(persona)(text, {"i": given})).data[name]
    return payload, [error["code"] for error in payload["userErrors"]]


async def delivery(shop: Shop, key: str, persona: str = "administrator", **given: Any) -> dict[str, Any]:
    """The payload of one delivery of the order with this key in the shop."""
    new = {"number": f"S-{key}", "customerId": shop.customer, "placedAt": "2026-06-01T08:00:00Z"}
    payload, _ = await verb(
        shop, "upsertOrder", f"effect order {{ {SHOWN} }}", persona, source="shop", externalId=key, **{**new, **given}
    )
    found: dict[str, Any] = payload
    return found
