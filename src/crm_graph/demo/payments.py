"""What the demo's orders were paid, taxed and, where they came back, given back."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

from crm_graph.demo.business import Business, cents
from crm_graph.demo.rows import Row
from crm_graph.schema.orders import OrderStatus
from crm_graph.schema.returns import Credit, Return, ReturnLine, ReturnStatus

RATES = {
    "AT": "20", "BE": "21", "BG": "20", "CH": "8.1", "CZ": "21", "DE": "19", "DK": "25", "ES": "21", "FR": "20",
    "GB": "20", "GR": "24", "IT": "22", "NL": "21", "PL": "23", "SE": "25",
}  # fmt: skip
"""Tax in percent, by country, in the demo's prices."""


def tax_in(total: Decimal, country: str) -> Decimal:
    """The tax that is in an amount, as `crm_tax` has it."""
    rate = RATES.get(country)
    return total - cents(total * 100 / (100 + Decimal(rate))) if rate else Decimal(0)


def paid(status: OrderStatus, total: Decimal, placed: datetime, changed: datetime) -> dict[str, object]:
    """What is known of an order's payment and way to the customer; all of it is paid before it is shipped."""
    if status in (OrderStatus.PLACED, OrderStatus.CANCELLED):
        return {}
    known: dict[str, object] = {"paid": total, "paid_at": min(placed + timedelta(hours=3), changed)}
    if status is not OrderStatus.PAID:
        known["shipped_at"] = min(placed + timedelta(days=3), changed)
    if status in (OrderStatus.DELIVERED, OrderStatus.RETURNED):
        known["delivered_at"] = changed if status is OrderStatus.DELIVERED else placed + timedelta(days=8)
    return known


def take_back(business: Business) -> None:
    """Add the return and the credit of each order that came back."""
    lines = defaultdict[object, list[Row]](list)
    for line in business.rows.of["OrderLine"]:
        lines[line["order_id"]].append(line)
    for order in business.rows.of["Order"]:
        if order["status"] == OrderStatus.RETURNED:
            _give_back(business, order, lines[order["id"]])


def _give_back(business: Business, order: Row, lines: list[Row]) -> None:
    asked, done = cast("datetime", order["delivered_at"]), cast("datetime", order["updated_at"])
    shared: dict[str, object] = {"currency": order["currency"], "amount": order["total"]}
    returned: UUID = business.rows.add(
        Return, asked, updated_at=done, order_id=order["id"], status=ReturnStatus.CREDITED, requested_at=asked,
        reason="Changed our minds.", **shared,
    )  # fmt: skip
    for line in lines:
        quantity, price = cast("Decimal", line["quantity"]), cast("Decimal", line["unit_price"])
        business.rows.add(
            ReturnLine, asked, return_id=returned, order_line_id=line["id"], quantity=quantity,
            currency=order["currency"], amount=cents(quantity * price),
        )  # fmt: skip
    business.rows.add(Credit, done, order_id=order["id"], return_id=returned, credited_at=done, **shared)
    order["credited"] = order["total"]
