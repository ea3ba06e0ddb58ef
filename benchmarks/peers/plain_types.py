"""The plain server's schema: as much of crm-graph's as the four shapes ask for, written by hand."""

import base64
import datetime as dt
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.types import Info

import crm_graph.schema  # noqa: F401 - declares the tables
from benchmarks.data import ORGANIZATION
from benchmarks.peers.plain_inputs import OPEN, CustomerFilter, OrderBy, TicketFilter, keys, listed, loaders
from benchmarks.peers.plain_parts import (
    Contact,
    ContactConnection,
    Money,
    Opportunity,
    OpportunityConnection,
    Order,
    OrderConnection,
    Ticket,
    TicketConnection,
    User,
)
from crm_graph.schema import contacts, customers, opportunities, orders, tickets, users


@strawberry.type
class Customer:
    row: strawberry.Private[customers.Customer]
    id: strawberry.ID
    name: str
    kind: str
    segment: str | None
    stage: str
    industry: str | None
    email: str | None
    phone: str | None
    website: str | None
    city: str | None
    country: str | None
    founded_in: int | None
    employees: int | None
    created_at: dt.datetime

    @staticmethod
    def of(row: customers.Customer) -> "Customer":
        return Customer(
            row=row,
            id=strawberry.ID(f"cus_{row.id.hex}"),
            name=row.name,
            kind=row.kind,
            segment=row.segment,
            stage=row.stage,
            industry=row.industry,
            email=row.email,
            phone=row.phone,
            website=row.website,
            city=row.city,
            country=row.country,
            founded_in=row.founded_in,
            employees=row.employees,
            created_at=row.created_at,
        )

    @strawberry.field
    def credit_limit(self) -> Money | None:
        return Money.of(self.row.credit_limit, self.row.currency)

    @strawberry.field
    async def owner(self, info: Info) -> User | None:
        if self.row.owner_id is None:
            return None
        row = await loaders(info).one(users.User).load(self.row.owner_id)
        return User(name=row.name, email=row.email)

    @strawberry.field
    async def open_tickets(self, info: Info) -> int:
        status = sa.inspect(tickets.Ticket).c.status
        found: int = await loaders(info).count(tickets.Ticket, "customer_id", status.in_(OPEN)).load(self.row.id)
        return found

    @strawberry.field
    async def orders(self, info: Info, first: int, order_by: list[OrderBy] | None = None) -> OrderConnection:
        rows = await listed(info, orders.Order, "customer_id", self.row.id, first, order_by)
        nodes = [
            Order(
                row=r,
                id=strawberry.ID(f"ord_{r.id.hex}"),
                number=r.number,
                status=r.status,
                placed_at=r.placed_at,
                total=Money.of(r.total, r.currency),
            )
            for r in rows
        ]
        return OrderConnection(nodes=nodes)

    @strawberry.field
    async def tickets(
        self,
        info: Info,
        first: int,
        filter_: Annotated[TicketFilter | None, strawberry.argument(name="filter")] = None,
        order_by: list[OrderBy] | None = None,
    ) -> TicketConnection:
        where = sa.inspect(tickets.Ticket).c.status.in_(filter_.status.in_) if filter_ else None
        rows = await listed(info, tickets.Ticket, "customer_id", self.row.id, first, order_by, where)
        nodes = [
            Ticket(
                id=strawberry.ID(f"tic_{r.id.hex}"),
                number=r.number,
                subject=r.subject,
                status=r.status,
                priority=r.priority,
                opened_at=r.opened_at,
            )
            for r in rows
        ]
        return TicketConnection(nodes=nodes)

    @strawberry.field
    async def opportunities(
        self, info: Info, first: int, order_by: list[OrderBy] | None = None
    ) -> OpportunityConnection:
        rows = await listed(info, opportunities.Opportunity, "customer_id", self.row.id, first, order_by)
        nodes = [
            Opportunity(
                row=r,
                id=strawberry.ID(f"opp_{r.id.hex}"),
                name=r.name,
                status=r.status,
                amount=Money.of(r.amount, r.currency),
            )
            for r in rows
        ]
        return OpportunityConnection(nodes=nodes)

    @strawberry.field
    async def contacts(self, info: Info, first: int, order_by: list[OrderBy] | None = None) -> ContactConnection:
        rows = await listed(info, contacts.Contact, "customer_id", self.row.id, first, order_by)
        nodes = [Contact(id=strawberry.ID(f"con_{r.id.hex}"), name=r.name, role=r.role, email=r.email) for r in rows]
        return ContactConnection(nodes=nodes)


@strawberry.type
class CustomerEdge:
    cursor: str
    node: Customer


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class CustomerConnection:
    rows: strawberry.Private[Sequence[customers.Customer]]
    first: strawberry.Private[int]
    where: strawberry.Private[Sequence[sa.ColumnElement[bool]]]

    @strawberry.field
    def nodes(self) -> list[Customer]:
        return [Customer.of(row) for row in self.rows[: self.first]]

    @strawberry.field
    def edges(self) -> list[CustomerEdge]:
        return [CustomerEdge(cursor=cursor(row), node=Customer.of(row)) for row in self.rows[: self.first]]

    @strawberry.field
    def page_info(self) -> PageInfo:
        page = self.rows[: self.first]
        ends = (cursor(page[0]), cursor(page[-1])) if page else (None, None)
        return PageInfo(
            has_next_page=len(self.rows) > self.first, has_previous_page=False, start_cursor=ends[0], end_cursor=ends[1]
        )

    @strawberry.field
    async def total_count(self, info: Info) -> int:
        statement = sa.select(sa.func.count()).select_from(customers.Customer).where(*self.where)
        async with loaders(info).sessions() as session:
            return int(await session.scalar(statement) or 0)


def cursor(row: customers.Customer) -> str:
    return base64.b64encode(f"{row.created_at.isoformat()}/{row.id}".encode()).decode()


@strawberry.type
class Query:
    @strawberry.field
    async def customer(
        self, info: Info, id_: Annotated[strawberry.ID, strawberry.argument(name="id")]
    ) -> Customer | None:
        row = await loaders(info).one(customers.Customer).load(UUID(id_.partition("_")[2]))
        return Customer.of(row) if row else None

    @strawberry.field
    async def customers(
        self,
        info: Info,
        first: int,
        filter_: Annotated[CustomerFilter, strawberry.argument(name="filter")],
        order_by: list[OrderBy] | None = None,
    ) -> CustomerConnection:
        c = sa.inspect(customers.Customer).c
        where = (c.organization_id == ORGANIZATION, c.segment == filter_.segment.eq, c.stage == filter_.stage.eq)
        by = [c[name].desc() if down else c[name] for name, down in keys(order_by)]
        statement = sa.select(customers.Customer).where(*where).order_by(*by).limit(first + 1)
        async with loaders(info).sessions() as session:
            rows = (await session.scalars(statement)).all()
        return CustomerConnection(rows=rows, first=first, where=where)
