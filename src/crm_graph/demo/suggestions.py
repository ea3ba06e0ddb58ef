"""Who agreed to be written to, and what may be suggested to whom, as the daily count would have it."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from crm_graph.demo.business import Business
from crm_graph.plan.groups.benchmarks import FEWEST
from crm_graph.schema.consents import Consent, ConsentChannel, ConsentPurpose
from crm_graph.schema.orders import VOID
from crm_graph.schema.suggestions import SaleSuggestion, SuggestionBasis

MOST = 60


def suggest(business: Business) -> None:
    """Add consents of some buyers, and the likeliest suggestions that wait for a decision."""
    now = business.calendar.now
    for place, buyer in enumerate([business.anchors["customer"], *(b for b in business.buyers[::7] if b.last_order)]):
        given = business.calendar.between(buyer.created_at, now)
        over = business.calendar.between(given, now) if place % 6 == 5 else None
        business.rows.add(
            Consent,
            given,
            customer_id=buyer.id,
            purpose=ConsentPurpose.SUGGESTIONS,
            channel=ConsentChannel.EMAIL,
            given_at=given,
            evidence="Ticked in the web shop at the checkout.",
            withdrawn_at=over,
        )
    _suggestions(business)


def _suggestions(business: Business) -> None:
    baskets = _baskets(business)
    buyers, pairs = defaultdict[UUID, set[UUID]](set), defaultdict[tuple[UUID, UUID], set[UUID]](set)
    for customer, products in baskets:
        for one in products:
            buyers[one].add(customer)
            for other in products - {one}:
                pairs[one, other].add(customer)
    share = {pair: Decimal(len(who)) / len(buyers[pair[0]]) for pair, who in pairs.items() if len(who) >= FEWEST}
    likely = sorted(share, key=lambda pair: (-share[pair], pair))
    owned = {buyer.id for buyer in business.buyers if buyer.owner}
    made, moment = set[UUID](), business.calendar.now - timedelta(hours=17)
    for because, product in likely[:MOST]:
        for customer in sorted(buyers[because] - buyers[product] - made)[:3]:
            if customer in owned and len(made) < MOST:
                made.add(customer)
                business.rows.add(
                    SaleSuggestion,
                    moment,
                    customer_id=customer,
                    product_id=product,
                    basis=SuggestionBasis.BOUGHT_TOGETHER,
                    because_id=because,
                    bought=len(pairs[because, product]),
                    out_of=len(buyers[because]),
                    share=round(share[because, product], 6),
                )


def _baskets(business: Business) -> list[tuple[UUID, set[UUID]]]:
    """The products of each order that stands, with who ordered."""
    orders = {row["id"]: row["customer_id"] for row in business.rows.of["Order"] if row["status"] not in VOID}
    products = defaultdict[object, set[UUID]](set)
    for line in business.rows.of["OrderLine"]:
        if line["order_id"] in orders and isinstance(line["product_id"], UUID):
            products[line["order_id"]].add(line["product_id"])
    return [(who, products[order]) for order, who in orders.items() if isinstance(who, UUID)]
