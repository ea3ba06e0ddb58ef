"""The plain server: Strawberry, SQLAlchemy and DataLoader, as their documentation has it, over the same tables.

`python -m benchmarks.peers.plain PORT URL`. No caller, no access levels; each list is loaded for all parents at once.
"""

import base64
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Optional
from uuid import UUID

import sqlalchemy as sa
import strawberry
import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlmodel import col
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.types import Info

import crm_graph.schema  # noqa: F401 - declares the tables
from benchmarks.data import ORGANIZATION
from crm_graph.entity import Entity
from crm_graph.schema import contacts, customers, opportunities, orders, products, proposals, tickets, users

POOL = 8
CustomerSegment = strawberry.enum(customers.CustomerSegment)
LifecycleStage = strawberry.enum(customers.LifecycleStage)
TicketStatus = strawberry.enum(tickets.TicketStatus)


@strawberry.enum
class OrderDirection(strawberry.enum.__class__ if False else __import__("enum").Enum):  # noqa: E501
    ASC = "ASC"
    DESC = "DESC"
