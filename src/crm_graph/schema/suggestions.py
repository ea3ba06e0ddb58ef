"""What we might sell to whom, as the daily count proposes it, and what became of that."""

from datetime import datetime
from decimal import Decimal
from enum import auto
from uuid import UUID

import sqlalchemy as sa

from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, attr, table_of


class SuggestionBasis(Choice):
    """What a suggestion rests on: what others bought together, or what the customer's segment buys."""

    BOUGHT_TOGETHER = auto()
    SEGMENT = auto()


class SuggestionStatus(Choice):
    """How a suggestion stands."""

    PROPOSED = auto()
    RELEASED = auto()
    DISMISSED = auto()


class SaleSuggestion(Entity, table=True):
    """A product that a customer may want; nobody outside is told before it is released."""

    __prefix__ = "sug"
    __rows__ = Rows(parent="customer_id")
    __imported__ = False

    customer_id: UUID = attr(Read(INTERNAL), Ref("Customer", back="saleSuggestions", owned=True))
    """The customer."""
    product_id: UUID = attr(Read(INTERNAL), Ref("Product", back="saleSuggestions", owned=True))
    """What they may want."""
    basis: SuggestionBasis = attr(Read(INTERNAL), Filter)
    """What it rests on."""
    because_id: UUID | None = attr(Read(INTERNAL), Ref("Product"), default=None)
    """The product they have, which others bought with it."""
    bought: int = attr(Read(INTERNAL))
    """How many customers bought it together with that, or of the segment."""
    out_of: int = attr(Read(INTERNAL))
    """Of how many."""
    share: Decimal = attr(Read(INTERNAL), Filter, Sort)
    """How many that is of all, from 0 to 1."""
    status: SuggestionStatus = attr(Read(INTERNAL), Filter, default=SuggestionStatus.PROPOSED)
    """How it stands."""
    decided_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When it was released or dismissed."""
    decided_by_id: UUID | None = attr(Read(INTERNAL), Ref("User"), default=None)
    """Who did; nobody where the organisation's rule did."""
    told_at: datetime | None = attr(Read(INTERNAL), Filter, Sort, default=None)
    """When the customer was written to; none: not, for want of consent or address."""


_columns = table_of(SaleSuggestion).c
sa.Index("uq_sale_suggestions_once", _columns.organization_id, _columns.customer_id, _columns.product_id, unique=True)
"""A product is suggested to a customer once, whatever becomes of it."""
