"""What key accounts are measured by: a measure is one entry of `MEASURES`, named in `KeyAccountMeasure`.

Each is SQL over the key account `k`, of the 365 days before today (UTC); null where it cannot be known. What it is made
`of` is nowhere above the level of `KeyAccountScorePart.value`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_graph.schema.goal_metrics import COST_KNOWN, COUNTED, MARGIN, NET, REVENUE
from crm_graph.schema.key_accounts import KeyAccountMeasure
from crm_graph.specs import TODAY


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is reckoned, and the fields that it is made of."""

    sql: str
    of: tuple[str, ...]


def _days_ago(days: int) -> str:
    return f"({TODAY} - {days})::timestamp AT TIME ZONE 'UTC'"


def _ordered(since: int, until: int) -> str:
    """The orders from so many days ago until so many days ago."""
    return (
        "fo.organization_id = k.organization_id AND fo.customer_id = k.customer_id AND fo.currency = k.currency"
        f" AND {COUNTED} AND fo.placed_at >= {_days_ago(since)} AND fo.placed_at < {_days_ago(until)}"
    )


def _revenue(since: int = 365, until: int = 0) -> str:
    return f"(SELECT {REVENUE} FROM orders fo WHERE {_ordered(since, until)})"


_LINES: Final = (
    "FROM orders fo JOIN order_lines fl ON fl.organization_id = fo.organization_id AND fl.order_id = fo.id"
    f" WHERE {_ordered(365, 0)}"
)
_OF_ORDERS: Final = (
    "KeyAccount.customer_id",
    "KeyAccount.currency",
    "Order.customer_id",
    "Order.currency",
    "Order.status",
    "Order.placed_at",
    "Order.net",
    "Order.total",
)

MEASURES: Final[Mapping[KeyAccountMeasure, Measure]] = {
    KeyAccountMeasure.REVENUE: Measure(_revenue(), _OF_ORDERS),
    KeyAccountMeasure.REVENUE_GROWTH: Measure(
        f"100 * ({_revenue()} - {_revenue(730, 365)}) / nullif({_revenue(730, 365)}, 0)", _OF_ORDERS
    ),
    KeyAccountMeasure.MARGIN: Measure(
        f"(SELECT 100 * {MARGIN} / nullif(sum({NET}) FILTER (WHERE {COST_KNOWN}), 0) {_LINES})",
        (*_OF_ORDERS, "OrderLine.kind", "OrderLine.net", "OrderLine.unit_cost"),
    ),
    KeyAccountMeasure.SHARE_OF_WALLET: Measure(
        f"100 * {_revenue()} / nullif(k.wallet, 0)", (*_OF_ORDERS, "KeyAccount.wallet")
    ),
    KeyAccountMeasure.STRATEGIC_FIT: Measure("k.strategic_fit", ("KeyAccount.strategic_fit",)),
    KeyAccountMeasure.REFERENCES: Measure("k.reference_count", ("KeyAccount.reference_count",)),
}
