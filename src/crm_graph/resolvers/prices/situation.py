"""Whom a price is for: who may ask for whom. Prices tell of lists that a caller does not see, so this is decided here.

A customer asks for themselves; a partner's people for sales through them; staff for whom they see at PARTNER, which
is the level of the segment that decides as well. Only who sees all lists learns what will cost what, or did.
"""

import datetime as dt
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import PARTNER
from crm_graph.entity import Entity
from crm_graph.errors import NotFound, PredicateAccessDenied, ValueInvalid
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.ids import record_of
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.prices.statement import Situation
from crm_graph.schema.customers import Customer
from crm_graph.schema.orders import Channel
from crm_graph.schema.partners import Partner
from crm_graph.schema.price_lists import PriceList


async def situation(
    ask: Ask,
    customer_id: Id | None,
    channel: Channel | None,
    at: dt.datetime | None,
    currency: str | None,
    partner_id: Id | None,
) -> Situation:
    """What the caller asks about. Raises NotFound, PredicateAccessDenied, ValueInvalid."""
    actor = ask.actor.seen_as or ask.actor
    if at is not None and not _sees_all_lists(ask):
        raise PredicateAccessDenied("You may ask what something costs now.", coordinate="Query.price", requires="at")
    if currency is not None:
        try:
            currency = str(kinds.CURRENCY.parse(currency))
        except ValueError as error:
            raise ValueInvalid(f"currency: {error}.") from None
    customer = actor.customer_id if customer_id is None else row_of(customer_id, Customer)
    partner = actor.partner_id if partner_id is None else row_of(partner_id, Partner)
    if customer_id is not None or customer is not None:
        own = await _currency(ask, customer, itself=actor.customer_id)
        currency = currency or own
    if partner_id is not None and (partner is None or not await _sees(ask, Partner, partner)):
        raise NotFound("There is no such partner.")
    return Situation(currency or ask.actor.currency, customer, partner, channel.value if channel else None, at)


def row_of(node: Id, entity: type[Entity]) -> UUID | None:
    """The row that an id names; `None` where it is no id of such a record."""
    found = record_of(node)
    return found[1] if found is not None and found[0] is entity else None


def _sees_all_lists(ask: Ask) -> bool:
    lens = open_lens(PriceList, ask.actor.policy, Parameters(), "t")
    return lens is not None and lens.visible == "TRUE"


async def _currency(ask: Ask, customer: UUID | None, *, itself: UUID | None) -> str:
    """The currency of a customer whom the caller may ask for. Raises NotFound."""
    parameters = Parameters()
    lens = open_lens(Customer, ask.actor.policy, parameters, "t")
    if lens is not None and customer is not None:
        cleared = "TRUE" if customer == itself else lens.by_clearance(lambda at: str((at[None] or 0) >= PARTNER))
        wanted = parameters.constant(customer, "uuid")
        sql, sources = parameters.finish(
            f"SELECT t.currency, {cleared} FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted}"
        )
        found = await (await ask.tx.raw()).fetchrow(sql, *[source((), ask.actor) for source in sources])
        if found is not None and found[1]:
            return str(found[0])
    raise NotFound("There is no such customer.")


async def _sees(ask: Ask, entity: type[Entity], row: UUID) -> bool:
    parameters = Parameters()
    lens = open_lens(entity, ask.actor.policy, parameters, "t")
    if lens is None:
        return False
    wanted = parameters.constant(row, "uuid")
    sql, sources = parameters.finish(
        f"SELECT EXISTS (SELECT FROM {lens.source()} WHERE {lens.where()} AND t.id = {wanted})"
    )
    return bool(await (await ask.tx.raw()).fetchval(sql, *[source((), ask.actor) for source in sources]))
