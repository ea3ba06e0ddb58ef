"""What a line costs the customer by our price lists, and what it costs us, when it is written."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph.plan.mutations import Call
from crm_graph.resolvers.proposals.states import Facts

_PRODUCT: Final = "SELECT currency, list_price, unit_cost FROM products WHERE organization_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Price:
    """Of one, in the proposal's currency; `None` where there is none in it."""

    list_price: Decimal | None
    unit_cost: Decimal | None


async def offered(call: Call, facts: Facts, product: UUID, quantity: Decimal) -> Price:  # noqa: ARG001
    """The price of a product for the proposal's customer, when so many are bought."""
    found = await (await call.tx.raw()).fetchrow(_PRODUCT, call.actor.organization_id, product)
    assert found is not None, "the product was seen in this transaction"
    if found["currency"] != facts.currency:
        return Price(None, None)
    return Price(found["list_price"], found["unit_cost"])
