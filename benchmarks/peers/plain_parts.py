"""The plain server's types below a customer: orders, tickets, sales and people."""

import datetime as dt
from decimal import Decimal

import strawberry
from strawberry.types import Info

import crm_graph.schema  # noqa: F401 - declares the tables
from benchmarks.peers.plain_inputs import OrderBy, listed, loaders
from crm_graph import kinds
from crm_graph.schema import opportunities, orders, products, proposals


@strawberry.type
class Money:
    amount: Decimal
    currency: str

    @staticmethod
    def of(amount: Decimal | None, currency: str) -> "Money | None":
        return None if amount is None else Money(amount=amount, currency=currency)


@strawberry.type
class User:
    name: str
    email: str | None


@strawberry.type
class Product:
    name: str


@strawberry.type
class OrderLine:
    row: strawberry.Private[orders.OrderLine]

    @strawberry.field
    def quantity(self) -> Decimal:
        return self.row.quantity

    @strawberry.field
    async def product(self, info: Info) -> Product | None:
        row = await loaders(info).one(products.Product).load(self.row.product_id)
        return Product(name=row.name)


@strawberry.type
class OrderLineConnection:
    nodes: list[OrderLine]


@strawberry.type
class Order:
    row: strawberry.Private[orders.Order]
    id: strawberry.ID
    number: str
    status: str
    placed_at: dt.datetime
    total: Money | None

    @strawberry.field
    async def lines(self, info: Info, first: int, order_by: list[OrderBy] | None = None) -> OrderLineConnection:
        rows = await listed(info, orders.OrderLine, "order_id", self.row.id, first, order_by)
        return OrderLineConnection(nodes=[OrderLine(row=row) for row in rows])


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.type
class Ticket:
    id: strawberry.ID
    number: str
    subject: str
    status: str
    priority: str
    opened_at: dt.datetime


@strawberry.type
class TicketConnection:
    nodes: list[Ticket]


@strawberry.type
class Proposal:
    number: str
    status: str
    valid_until: dt.date | None
    total: Money | None


@strawberry.type
class ProposalConnection:
    nodes: list[Proposal]


@strawberry.type
class Opportunity:
    row: strawberry.Private[opportunities.Opportunity]
    id: strawberry.ID
    name: str
    status: str
    amount: Money | None

    @strawberry.field
    async def proposals(self, info: Info, first: int, order_by: list[OrderBy] | None = None) -> ProposalConnection:
        rows = await listed(info, proposals.Proposal, "opportunity_id", self.row.id, first, order_by)
        nodes = [
            Proposal(number=r.number, status=r.status, valid_until=r.valid_until, total=Money.of(_total(r), r.currency))
            for r in rows
        ]
        return ProposalConnection(nodes=nodes)


def _total(row: proposals.Proposal) -> Decimal | None:
    if row.subtotal is None:
        return None
    return row.subtotal - kinds.rounded(row.subtotal * row.discount_percent / 100, row.currency)


@strawberry.type
class OpportunityConnection:
    nodes: list[Opportunity]


@strawberry.type
class Contact:
    id: strawberry.ID
    name: str
    role: str
    email: str | None


@strawberry.type
class ContactConnection:
    nodes: list[Contact]
