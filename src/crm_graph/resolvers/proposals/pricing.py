"""What a line costs the customer by our price lists, and what it costs us, when it is written."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph.plan.mutations import Call
from crm_graph.resolvers.prices.pricing import prices
from crm_graph.resolvers.proposals.states import Facts

_ABOUT: Final = """
SELECT CASE WHEN p.currency = $3 THEN p.unit_cost END AS unit_cost, p.name, p.sku, o.partner_id
  FROM products p LEFT JOIN opportunities o ON o.organization_id = p.organization_id AND o.id = $4
 WHERE p.organization_id = $1 AND p.id = $2"""


@dataclass(frozen=True, slots=True)
class Price:
    """Of one, in the proposal's currency; `None` where there is none in it."""

    list_price: Decimal | None
    unit_cost: Decimal | None
    product_name: str
    product_sku: str


async def offered(call: Call, facts: Facts, product: UUID, quantity: Decimal) -> Price:
    """The price of a product for the proposal's customer, when so many are bought; lists of a channel do not count."""
    organization = call.actor.organization_id
    about = await (await call.tx.raw()).fetchrow(_ABOUT, organization, product, facts.currency, facts.opportunity_id)
    assert about is not None, "the product was seen in this transaction"
    (found,) = await prices(
        call.tx,
        organization,
        [(product, quantity)],
        facts.customer_id,
        None,
        facts.currency,
        partner=about["partner_id"],
    )
    return Price(found.unit_price if found else None, about["unit_cost"], about["name"], about["sku"])
