"""The order that an accepted proposal becomes: one, with the same lines, that comes to the same total."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.plan.changes import Outcome
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import insert_fields, insert_rows
from crm_graph.resolvers.proposals.allocation import unit_price
from crm_graph.resolvers.proposals.amounts import net, read_lines
from crm_graph.resolvers.proposals.states import Facts
from crm_graph.schema.orders import Channel, Order, OrderLine
from crm_graph.schema.proposals import AcceptanceWay

_CHANNELS: Final = {
    AcceptanceWay.SIGNED_IN: Channel.WEB,
    AcceptanceWay.PAGE: Channel.WEB,
    AcceptanceWay.IN_WRITING: Channel.MAIL,
    AcceptanceWay.PHONE: Channel.PHONE,
    AcceptanceWay.IN_PERSON: Channel.BRANCH,
}
_BEFORE: Final = """
SELECT EXISTS (SELECT FROM orders WHERE organization_id = $1 AND number = $2) AS taken,
       (SELECT partner_id FROM opportunities WHERE organization_id = $1 AND id = $3) AS partner_id"""


async def order_from(call: Call, facts: Facts, way: AcceptanceWay) -> Outcome | None:
    """Make the order; gives the refusal if there is one.

    Its prices are net: all discounts are in them, with as many decimals as it takes for each line to come to its net
    total. That a proposal has one order, the unique key of `orders.proposal_id` holds.
    """
    before = await (await call.tx.raw()).fetchrow(
        _BEFORE, call.actor.organization_id, facts.number, facts.opportunity_id
    )
    assert before is not None
    lines = await read_lines(call)
    values = {
        "number": f"{facts.number}-{facts.id.hex[-6:]}" if before["taken"] else facts.number,
        "customer_id": facts.customer_id,
        "partner_id": before["partner_id"],
        "proposal_id": facts.id,
        "channel": _CHANNELS[way].value,
        "placed_at": facts.now,
        "currency": facts.currency,
    }
    made = await insert_fields(call.tx, call.actor, Order.__name__, values, request_id=call.request_id)
    if made.is_refused:
        return Outcome.refused(*made.errors)
    assert isinstance(made.id, UUID)
    decimals = kinds.minor_units(facts.currency)
    copied = [
        {
            "order_id": made.id,
            "product_id": line.product_id,
            "position": line.position,
            "quantity": line.quantity,
            "currency": facts.currency,
            "unit_price": unit_price(amount, line.quantity, decimals),
            "unit_cost": line.unit_cost,
        }
        for line, amount in zip(lines, net(facts, lines), strict=True)
    ]
    written = await insert_rows(call.tx, call.actor, OrderLine.__name__, copied, request_id=call.request_id)
    return next((Outcome.refused(*one.errors) for one in written if one.is_refused), None)
