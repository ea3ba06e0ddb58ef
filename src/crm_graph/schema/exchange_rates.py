"""What one currency is in another, by day."""

from datetime import date
from decimal import Decimal

import sqlalchemy as sa

from crm_graph.auth.levels import CONFIDENTIAL, PARTNER
from crm_graph.entity import Entity, Filter, Read, Sort, Write, attr, table_of
from crm_graph.kinds import CurrencyCode


class ExchangeRate(Entity, table=True):
    """How many units of one currency are paid for one unit of another, as somebody quoted it for a day."""

    __prefix__ = "xrt"
    __checks__ = {"pair": "base <> quote", "rate": "rate > 0"}

    base: CurrencyCode = attr(Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter)
    """The currency of which one unit is paid for."""
    quote: CurrencyCode = attr(Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter)
    """The currency that it is paid in."""
    quoted_on: date = attr(Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter, Sort)
    """The day; it counts until another rate of the pair is quoted for a later one."""
    rate: Decimal = attr(Read(PARTNER), Write(CONFIDENTIAL))
    """How many units of `quote` one unit of `base` is."""
    quoted_by: str = attr(Read(PARTNER), Write(CONFIDENTIAL))
    """Whose rate it is: a central bank, a bank, a contract."""


_table = table_of(ExchangeRate)
sa.Index(
    "uq_exchange_rates_pair", _table.c.organization_id, _table.c.base, _table.c.quote, _table.c.quoted_on, unique=True
)
