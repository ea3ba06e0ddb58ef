"""What a goal of a key account plan is measured by: a metric is one entry of `METRICS`, named in `GoalMetric`.

Each is SQL over the plan `fp`, the key account `fk` and the goal's `{currency}`; what it is made `of` decides the level
of `Goal.actual` (figures.py). Days begin at midnight UTC. Orders that were cancelled or came back count for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import auto
from typing import Final

from crm_graph.entity import Choice
from crm_graph.markers import listed
from crm_graph.schema.feedback import RelationshipRating, TicketRating
from crm_graph.schema.orders import COUNTS, OrderLine
from crm_graph.specs import expanded


class GoalMetric(Choice):
    """What a goal is measured by, over the days of its plan: see docs/accounts.md for how each is reckoned."""

    REVENUE = auto()
    MARGIN = auto()
    ORDERS = auto()
    OPPORTUNITIES_WON = auto()
    WON_AMOUNT = auto()
    TICKETS = auto()
    PRODUCT_MIX = auto()
    CSAT = auto()
    NPS = auto()


class GoalUnit(Choice):
    """What the numbers of a goal are."""

    MONEY = auto()
    COUNT = auto()
    PERCENT = auto()


class GoalStatus(Choice):
    """How a goal stands against its pace: on it or ahead, behind within its tolerance, or behind by more."""

    GREEN = auto()
    AMBER = auto()
    RED = auto()


@dataclass(frozen=True, slots=True)
class Metric:
    """How a metric is reckoned, and how a goal of it is judged.

    `tables`: as a `Figure` has them. `accumulates`: it grows from nothing over the period; else it is a state, which
    starts where the goal's baseline is. `fewer`: less of it is better.
    """

    unit: GoalUnit
    sql: str
    of: tuple[str, ...]
    tables: tuple[tuple[str, str, str], ...]
    accumulates: bool = True
    fewer: bool = False


def during(moment: str, starts: str = "fp.starts_on", ends: str = "fp.ends_on") -> str:
    """SQL: whether a moment is on one of the days from the first to the last, in UTC."""
    return (
        f"{moment} >= {starts}::timestamp AT TIME ZONE 'UTC' AND {moment} < ({ends} + 1)::timestamp AT TIME ZONE 'UTC'"
    )


COUNTED: Final = f"fo.status {COUNTS}"
"""SQL of the orders `fo` that count."""
_ORDERED: Final = (
    "fo.organization_id = {organization} AND fo.customer_id = fk.customer_id"
    f" AND {COUNTED} AND {during('fo.placed_at')}"
)
_LINES: Final = "orders fo JOIN order_lines fl ON fl.organization_id = {organization} AND fl.order_id = fo.id"
_WON: Final = (
    "fw.organization_id = {organization} AND fw.customer_id = fk.customer_id"
    " AND fw.status = 'WON' AND fw.close_on BETWEEN fp.starts_on AND fp.ends_on"
)
NET: Final = f"({expanded(OrderLine.__specs__, 'net', 'fl')})"
_COST: Final = "crm_round(fl.quantity * coalesce(fl.unit_cost, 0), fl.currency)"
REVENUE: Final = "coalesce(sum(coalesce(fo.net, fo.total)), 0)"
"""SQL of what orders `fo` come to without tax; if one came without lines, what its source says."""
COST_KNOWN: Final = "fl.kind <> 'PRODUCT' OR fl.unit_cost IS NOT NULL"
"""SQL of the lines `fl` that count for margins: products whose cost is not known are left out."""
MARGIN: Final = f"coalesce(sum({NET} - {_COST}) FILTER (WHERE {COST_KNOWN}), 0)"
"""SQL of what lines `fl` come to without tax, less their cost."""
_IN_FOCUS: Final = (
    "fl.product_id IN (SELECT ff.product_id FROM plan_focuses ff"
    " WHERE ff.organization_id = {organization} AND ff.plan_id = fp.id AND ff.product_id IS NOT NULL)"
)

_ORDER_TABLE: Final = ("orders", "fo", "fo.customer_id = fk.customer_id")
_LINE_TABLE: Final = ("order_lines", "fl", "fl.order_id = fo.id")
_OPPORTUNITY_TABLE: Final = ("opportunities", "fw", "fw.customer_id = fk.customer_id")
_OF_ORDERS: Final = ("Order.customer_id", "Order.status", "Order.placed_at")
_OF_WON: Final = ("Opportunity.customer_id", "Opportunity.status", "Opportunity.close_on")

METRICS: Final[Mapping[GoalMetric, Metric]] = {
    GoalMetric.REVENUE: Metric(
        GoalUnit.MONEY,
        f"SELECT {REVENUE} FROM orders fo WHERE {_ORDERED} AND fo.currency = {{currency}}",
        (*_OF_ORDERS, "Order.net", "Order.total", "Order.currency"),
        (_ORDER_TABLE,),
    ),
    GoalMetric.MARGIN: Metric(
        GoalUnit.MONEY,
        f"SELECT {MARGIN} FROM {_LINES} WHERE {_ORDERED} AND fo.currency = {{currency}}",
        (*_OF_ORDERS, "Order.currency", "OrderLine.kind", "OrderLine.net", "OrderLine.unit_cost"),
        (_ORDER_TABLE, _LINE_TABLE),
    ),
    GoalMetric.ORDERS: Metric(
        GoalUnit.COUNT, f"SELECT count(*) FROM orders fo WHERE {_ORDERED}", _OF_ORDERS, (_ORDER_TABLE,)
    ),
    GoalMetric.OPPORTUNITIES_WON: Metric(
        GoalUnit.COUNT, f"SELECT count(*) FROM opportunities fw WHERE {_WON}", _OF_WON, (_OPPORTUNITY_TABLE,)
    ),
    GoalMetric.WON_AMOUNT: Metric(
        GoalUnit.MONEY,
        f"SELECT coalesce(sum(fw.amount), 0) FROM opportunities fw WHERE {_WON} AND fw.currency = {{currency}}",
        (*_OF_WON, "Opportunity.amount", "Opportunity.currency"),
        (_OPPORTUNITY_TABLE,),
    ),
    GoalMetric.TICKETS: Metric(
        GoalUnit.COUNT,
        "SELECT count(*) FROM tickets ft WHERE ft.organization_id = {organization}"
        f" AND ft.customer_id = fk.customer_id AND {during('ft.opened_at')}",
        ("Ticket.customer_id", "Ticket.opened_at"),
        (("tickets", "ft", "ft.customer_id = fk.customer_id"),),
        fewer=True,
    ),
    GoalMetric.PRODUCT_MIX: Metric(
        GoalUnit.PERCENT,
        f"SELECT round(100 * coalesce(sum({NET}) FILTER (WHERE {_IN_FOCUS}), 0) / nullif(sum({NET}), 0), 1)"
        f" FROM {_LINES} WHERE {_ORDERED} AND fo.currency = {{currency}} AND fl.kind = 'PRODUCT'",
        (*_OF_ORDERS, "Order.currency", "OrderLine.kind", "OrderLine.net", "OrderLine.product_id"),
        (_ORDER_TABLE, _LINE_TABLE, ("plan_focuses", "ff", "ff.plan_id = fp.id")),
        accumulates=False,
    ),
    GoalMetric.CSAT: Metric(
        GoalUnit.PERCENT,
        f"SELECT round(avg({expanded(TicketRating.__specs__, 'satisfaction', 'fr')}), 1) FROM tickets fc"
        " JOIN ticket_ratings fr ON fr.organization_id = {organization} AND fr.ticket_id = fc.id"
        " WHERE fc.organization_id = {organization} AND fc.customer_id = fk.customer_id"
        f" AND {during('fr.rated_at')}",
        ("Ticket.customer_id", "TicketRating.score", "TicketRating.rated_at"),
        (("tickets", "fc", "fc.customer_id = fk.customer_id"), ("ticket_ratings", "fr", "fr.ticket_id = fc.id")),
        accumulates=False,
    ),
    GoalMetric.NPS: Metric(
        GoalUnit.PERCENT,
        f"SELECT round(avg({expanded(RelationshipRating.__specs__, 'net_promoter', 'fn')}), 1)"
        " FROM relationship_ratings fn WHERE fn.organization_id = {organization}"
        f" AND fn.customer_id = fk.customer_id AND {during('fn.answered_at')}",
        ("RelationshipRating.customer_id", "RelationshipRating.score", "RelationshipRating.answered_at"),
        (("relationship_ratings", "fn", "fn.customer_id = fk.customer_id"),),
        accumulates=False,
    ),
}


ACCUMULATING: Final = listed(name for name, one in METRICS.items() if one.accumulates)
FEWER: Final = listed(name for name, one in METRICS.items() if one.fewer)


def by_unit(value: str) -> str:
    """SQL of a value rounded as its metric's unit has it: a count in favour of the goal, which is a whole number."""
    up = listed(name for name, one in METRICS.items() if one.unit is GoalUnit.COUNT and not one.fewer)
    down = listed(name for name, one in METRICS.items() if one.unit is GoalUnit.COUNT and one.fewer)
    return (
        f"CASE WHEN {{metric}} IN {up} THEN floor({value}) WHEN {{metric}} IN {down} THEN ceil({value})"
        f" ELSE round({value}, 2) END"
    )


def unit() -> str:
    """SQL of a goal's unit."""
    arms = " ".join(f"WHEN '{name}' THEN '{one.unit.value}'" for name, one in METRICS.items())
    return f"CASE {{metric}} {arms} END"
