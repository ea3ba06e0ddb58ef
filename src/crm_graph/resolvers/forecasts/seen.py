"""Opportunities as a forecast counts them, through the caller's lens; and the dimensions it is asked by."""

import enum
from typing import Final

from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.lens import Column, Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters


class ForecastBy(enum.Enum):
    """What a forecast is told apart by."""

    OWNER = "owner"
    TEAM = "team"
    PRODUCT = "product"
    PARTNER = "partner"
    MONTH = "month"
    QUARTER = "quarter"


ENTITIES: Final = {
    ForecastBy.OWNER: "User",
    ForecastBy.TEAM: "Team",
    ForecastBy.PRODUCT: "Product",
    ForecastBy.PARTNER: "Partner",
}
"""Dimensions that are records."""
PERIODS: Final = {ForecastBy.MONTH: "month", ForecastBy.QUARTER: "quarter"}
"""Dimensions that are times, as PostgreSQL names them."""

_FIELDS: Final = {
    "owner_id": "uuid",
    "team_id": "uuid",
    "product_id": "uuid",
    "partner_id": "uuid",
    "close_on": "date",
    "status": "text",
    "forecast_category": "text",
    "currency": "text",
    "amount": "numeric",
    "probability": "numeric",
}


def seen(policy: Policy, parameters: Parameters, first: str, last: str, *, split: bool) -> str | None:
    """A subquery: the sales that close from `first` to `last` (SQL of dates); `None` for who sees no opportunity.

    A sale that several people share has a row for each of them, with its `percent` of it.
    What the caller may not see of one is NULL here, and counts for nothing. `split`: told apart by who sells, so that
    splits count; a caller who sees no splits gives each sale to its owner.
    """
    lens = open_lens(REGISTRY["Opportunity"], policy, parameters, "o", as_set=True)
    if lens is None:
        return None
    columns = {name: _column(lens, name) for name in _FIELDS}
    shown = [f"{columns[name].sql or 'NULL'}::{kind} AS {name}" for name, kind in _FIELDS.items()]
    within = _between(columns["close_on"], first, last)
    sales = f"SELECT o.id, {', '.join(shown)} FROM {lens.source()} WHERE {lens.where()} AND {within}"
    splits = _splits(policy, parameters) if split else None
    if splits is None:
        return f"SELECT s.*, 100::numeric AS percent FROM ({sales}) s"
    kept = ", ".join(f"s.{name}" for name in ("id", *_FIELDS) if name != "owner_id")
    return (
        f"SELECT {kept}, coalesce(p.user_id, s.owner_id) AS owner_id, coalesce(p.percent, 100) AS percent"
        f" FROM ({sales}) s LEFT JOIN ({splits}) p ON p.opportunity_id = s.id"
    )


def _splits(policy: Policy, parameters: Parameters) -> str | None:
    lens = open_lens(REGISTRY["OpportunitySplit"], policy, parameters, "x", as_set=True)
    if lens is None:
        return None
    names = ("opportunity_id", "user_id", "percent")
    found = [_column(lens, name).sql for name in names]
    if None in found:
        return None
    shown = ", ".join(f"{sql} AS {name}" for name, sql in zip(names, found, strict=True))
    return f"SELECT {shown} FROM {lens.source()} WHERE {lens.where()}"


def _column(lens: Lens, name: str) -> Column:
    return lens.column(lens.spec(name)) if name in lens.specs else Column(lens.entity.__specs__[name], None)


def _between(column: Column, first: str, last: str) -> str:
    """A range of what the caller sees of a column; where that differs by row, also of what an index can serve."""
    if column.sql is None:
        return "FALSE"
    exact = f"{column.sql} BETWEEN {first} AND {last}"
    return f"{column.raw} BETWEEN {first} AND {last} AND {exact}" if column.varies else exact
