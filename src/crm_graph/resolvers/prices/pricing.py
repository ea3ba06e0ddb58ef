"""Prices for the application itself: proposals and orders get them here, by the same statement as callers do."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import Policy
from crm_graph.db.session import Transaction
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.prices.statement import SCOPES, Situation, statement


@dataclass(frozen=True, slots=True)
class Priced:
    """What so many of a product cost; `price_list_id` and `entry_id` are `None` where the catalogue decides.

    `scope` is one of `SCOPES`; `min_quantity` is the tier.
    """

    unit_price: Decimal
    total: Decimal
    currency: str
    scope: str
    price_list_id: UUID | None
    entry_id: UUID | None
    min_quantity: Decimal | None


async def prices(
    tx: Transaction,
    organization_id: UUID,
    wanted: Sequence[tuple[UUID, Decimal]],
    customer: UUID | None,
    channel: str | None,
    currency: str,
    at: dt.datetime | None = None,
    *,
    partner: UUID | None = None,
) -> list[Priced | None]:
    """Prices of products in quantities, in their order, in one statement; `None` where there is none in the currency.

    It asks no lens: who may know a price is for the caller of this function to decide. `at`: now, if it is left out.
    `partner` is the one through whom it is sold, if any.
    """
    parameters = Parameters()
    sql = statement(parameters, wanted, Situation(currency, customer, partner, channel, at))
    final, sources = parameters.finish(sql)
    nobody = Actor(organization_id, ActorKind.APP, Policy({}))
    found = await (await tx.raw()).fetch(final, *[source((), nobody) for source in sources])
    by_place = {
        row["place"]: Priced(
            row["unit_price"],
            row["total"],
            currency,
            SCOPES[row["scope"] - 1],
            row["list_id"],
            row["entry_id"],
            row["min_quantity"],
        )
        for row in found
        if row["lost"] is None and row["unit_price"] is not None
    }
    return [by_place.get(place) for place in range(1, len(wanted) + 1)]
