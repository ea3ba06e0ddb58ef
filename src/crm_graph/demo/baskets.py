"""What somebody buys at once: products with quantities and prices in the buyer's currency."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.business import Business, Buyer, Item, cents, local
from crm_graph.schema.customers import CustomerSegment


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a product at a price, in the buyer's currency."""

    item: Item
    quantity: Decimal
    unit_price: Decimal
    unit_cost: Decimal

    @property
    def total(self) -> Decimal:
        return cents(self.quantity * self.unit_price)

    @property
    def cost(self) -> Decimal:
        return cents(self.quantity * self.unit_cost)

    def values(self, position: int, currency: str) -> dict[str, object]:
        """The columns that lines of every kind share."""
        product: UUID = self.item.id
        return {
            "product_id": product,
            "position": position,
            "quantity": self.quantity,
            "currency": currency,
            "unit_price": self.unit_price,
        }


_FACTOR = {
    CustomerSegment.SMALL_BUSINESS: 2,
    CustomerSegment.MID_MARKET: 5,
    CustomerSegment.PUBLIC_SECTOR: 6,
    CustomerSegment.ENTERPRISE: 14,
}


def fill(business: Business, random: Random, buyer: Buyer, *, most: int, project: bool) -> Sequence[Line]:
    """One to `most` lines; a project of a bigger customer needs more of everything."""
    fitting = [item for item in business.items if (item.trade if buyer.trade else item.homes)]
    if not project:
        fitting = [item for item in fitting if item.price < 20_000]
    count = min(random.choices(range(1, most + 1), [1 / (n + 1) for n in range(most)])[0] + (1 if project else 0), most)
    lines = []
    for item in random.sample(fitting, count):
        least, most_ = item.most
        quantity = random.randint(least, most_ if buyer.trade else (least + most_) // 2)
        if project and item.price < 5_000:
            quantity *= random.randint(1, _FACTOR.get(buyer.segment, 1))
        price = local(item.price, buyer.currency)
        lines.append(Line(item, Decimal(quantity), price, cents(local(item.cost, buyer.currency))))
    return lines
