"""What the plain server is asked with: filters, orders, and the rows they lead to."""

import enum
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.types import Info

import crm_graph.schema  # noqa: F401 - declares the tables
from benchmarks.peers.plain_loaders import Loaders
from crm_graph.schema import customers, tickets

CustomerSegment = strawberry.enum(customers.CustomerSegment)
LifecycleStage = strawberry.enum(customers.LifecycleStage)
TicketStatus = strawberry.enum(tickets.TicketStatus)
OPEN = (tickets.TicketStatus.NEW, tickets.TicketStatus.OPEN, tickets.TicketStatus.WAITING)


@strawberry.enum
class OrderDirection(enum.Enum):
    ASC = "ASC"
    DESC = "DESC"


@strawberry.input(one_of=True)
class OrderBy:
    created_at: OrderDirection | None = strawberry.UNSET
    position: OrderDirection | None = strawberry.UNSET

    def key(self) -> tuple[str, bool]:
        if self.created_at:
            return "created_at", self.created_at is OrderDirection.DESC
        return "position", self.position is OrderDirection.DESC


@strawberry.input
class SegmentFilter:
    eq: CustomerSegment  # type: ignore[valid-type]


@strawberry.input
class StageFilter:
    eq: LifecycleStage  # type: ignore[valid-type]


@strawberry.input
class CustomerFilter:
    segment: SegmentFilter
    stage: StageFilter


@strawberry.input
class TicketStatusFilter:
    in_: list[TicketStatus] = strawberry.field(name="in")  # type: ignore[valid-type]


@strawberry.input
class TicketFilter:
    status: TicketStatusFilter


def loaders(info: Info) -> Loaders:
    found: Loaders = info.context["loaders"]
    return found


def keys(order: list[OrderBy] | None) -> list[tuple[str, bool]]:
    """The order's keys, made total by the id."""
    asked = [one.key() for one in order or []]
    return [*asked, ("id", all(down for _, down in asked))]


async def listed(
    info: Info,
    model: Any,
    column: str,
    parent: UUID,
    first: int,
    order: list[OrderBy] | None,
    where: sa.ColumnElement[bool] | None = None,
) -> Sequence[Any]:
    rows: Sequence[Any] = await loaders(info).some(model, column, keys(order), first, where).load(parent)
    return rows
