"""What a proposal comes to: its lines as they are, net of all discounts, and how much that takes off list prices."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from uuid import UUID

from crm_graph import kinds
from crm_graph.plan.mutations import Call
from crm_graph.resolvers.proposals.allocation import allocate
from crm_graph.resolvers.proposals.states import Facts
from crm_graph.schema.proposals import ProposalLine


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `total` is what it comes to before the discount on the whole, `listed` what it would at list price."""

    id: UUID
    product_id: UUID
    product_name: str | None
    product_sku: str | None
    position: int
    quantity: Decimal
    list_price: Decimal | None
    unit_price: Decimal | None
    discount_percent: Decimal
    unit_cost: Decimal | None
    origin: UUID | None
    total: Decimal | None
    listed: Decimal | None


@cache
def _sql() -> str:
    total = ProposalLine.__specs__["total"].sql
    assert total is not None
    columns = {name: name for name in ProposalLine.__specs__}
    return (
        "SELECT id, product_id, product_name, product_sku, position, quantity, list_price, unit_price,"
        " discount_percent, unit_cost, origin,"
        f" {total.format_map(columns)} AS total,"
        " crm_round(quantity * greatest(list_price, unit_price), currency) AS listed"
        " FROM proposal_lines WHERE organization_id = $1 AND proposal_id = $2 ORDER BY position, id"
    )


async def read_lines(call: Call) -> list[Line]:
    """The lines of the call's proposal, in order."""
    found = await (await call.tx.raw()).fetch(_sql(), call.actor.organization_id, call.row)
    return [Line(**dict(row)) for row in found]


def off_the_whole(facts: Facts, lines: list[Line]) -> Decimal:
    """The discount on the whole, as the proposal shows it (`Proposal.discount`)."""
    subtotal = sum((line.total or Decimal(0) for line in lines), Decimal(0))
    return kinds.rounded(subtotal * facts.discount_percent / 100, facts.currency)


def net(facts: Facts, lines: list[Line]) -> list[Decimal]:
    """What each line comes to with its share of the discount on the whole; together, the proposal's total."""
    totals = [line.total or Decimal(0) for line in lines]
    shares = allocate(off_the_whole(facts, lines), totals, kinds.minor_units(facts.currency))
    return [total - share for total, share in zip(totals, shares, strict=True)]


def discount_percent(facts: Facts, lines: list[Line]) -> Decimal:
    """How much is taken off what the lines would come to at list prices, in percent: what authority is asked for.

    A price above the list makes no room for a discount elsewhere.
    """
    listed = sum((line.listed or Decimal(0) for line in lines), Decimal(0))
    if not listed:
        return Decimal(0)
    return (listed - sum(net(facts, lines), Decimal(0))) * 100 / listed
