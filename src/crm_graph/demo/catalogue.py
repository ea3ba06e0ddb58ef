"""What is sold, and the stages it is sold through."""

import tomllib
from datetime import timedelta
from decimal import Decimal
from importlib.resources import files
from typing import TypedDict

from crm_graph.demo.business import Business, Item, Selling, Step
from crm_graph.schema import pipelines, products
from crm_graph.schema.pipelines import StageOutcome


class _Series(TypedDict):
    name: str
    description: str
    quantity: list[int]
    products: list[tuple[str, str, int | Decimal, int | Decimal, str]]


PIPELINES = (
    (
        "New installations",
        3,
        (("Qualification", 10), ("Needs Analysis", 25), ("Site Survey", 40), ("Proposal", 60), ("Negotiation", 80)),
    ),
    ("Service contracts", 1, (("First Contact", 15), ("Offer", 50), ("Signature", 85))),
)

STALLED_AFTER = 30
"""Days after which an open sale is stalled where nothing happens."""
CONDITIONS = {-1: ["customerId"], 0: ["amount", "closeOn"]}
"""What must be filled in before a stage is left, by its distance from the one in which proposals are written."""


def stock(business: Business) -> None:
    """Add the products; one of each series is no longer on sale."""
    document = tomllib.loads(
        files("crm_graph.demo").joinpath("catalogue.toml").read_text(encoding="utf-8"), parse_float=Decimal
    )
    series: list[_Series] = document["series"]
    random = business.dice("products")
    for one in series:
        for position, (name, sku, price, cost, audience) in enumerate(one["products"]):
            price_, cost_ = (Decimal(value).quantize(Decimal("0.01")) for value in (price, cost))
            created = business.calendar.start - timedelta(days=random.randint(1, 25), seconds=random.randint(0, 50_000))
            active = not (position == 0 and len(one["products"]) > 5)
            identifier = business.rows.add(
                products.Product,
                created,
                name=name,
                sku=sku,
                series=one["name"],
                description=one["description"],
                list_price=price_,
                unit_cost=cost_,
                active=active,
                stock=random.randint(0, 900) if one["name"] != "Helvara Care" else None,
            )
            if not active:
                continue
            homes, trade = audience != "trade", audience != "home"
            most = (one["quantity"][0], one["quantity"][1])
            business.items.append(Item(identifier, sku, name, one["name"], price_, cost_, most, homes, trade))


def lay_pipelines(business: Business) -> None:
    """Add the pipelines with their stages, won and lost last."""
    since = business.calendar.start - timedelta(days=20)
    for name, offers_at, stages in PIPELINES:
        first = name == PIPELINES[0][0]
        pipeline = business.rows.add(pipelines.Pipeline, since, name=name, is_default=True if first else None)
        steps = [(stage, probability, StageOutcome.OPEN) for stage, probability in stages]
        steps += [("Won", 100, StageOutcome.WON), ("Lost", 0, StageOutcome.LOST)]
        made = []
        for position, (stage, probability, outcome) in enumerate(steps, start=1):
            identifier = business.rows.add(
                pipelines.Stage,
                since,
                pipeline_id=pipeline,
                name=stage,
                position=position,
                probability=probability,
                outcome=outcome,
                stalled_after_days=STALLED_AFTER if outcome is StageOutcome.OPEN else None,
                exit_fields=CONDITIONS.get(position - 1 - offers_at, []) if outcome is StageOutcome.OPEN else [],
            )
            made.append(Step(identifier, stage, probability, outcome))
        business.pipelines.append(Selling(pipeline, name, tuple(made[:-2]), made[-2], made[-1], offers_at))
