"""Suggestions while somebody works: products for a customer, customers for a product, each in one statement.

Customers, orders, lines and products are read through the caller's lens; beside them there are only the declared counts
(`tables.py`), which are of all customers of the organisation and of five at least.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final
from uuid import UUID

import asyncpg

from crm_graph.db.ids import encode
from crm_graph.entity import REGISTRY
from crm_graph.errors import NotFound, PageSizeInvalid
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.queries import query
from crm_graph.plan.signatures import Ask, Id
from crm_graph.plan.sql.ids import record_of
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.schema.orders import COUNTS
from crm_graph.schema.suggestions import SaleSuggestion, SuggestionBasis

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ProductSuggestion:
    """A product that a customer may want."""

    product_id: Annotated[Id, "The product."]
    product_name: Annotated[str | None, "Its name."]
    basis: Annotated[SuggestionBasis, "What it rests on."]
    because_id: Annotated[Id | None, "The product that the customer has, which others bought with it."]
    because_name: Annotated[str | None, "Its name."]
    bought: Annotated[int, "How many customers bought it together with that, or of the segment."]
    out_of: Annotated[int, "Of how many: of the organisation's customers, and at least five."]
    share: Annotated[Decimal, "How many that is of all, from 0 to 1."]
    lift: Annotated[Decimal | None, "How many times as often as by chance."]
    reason: Annotated[str, "The same in words."]


@dataclass(frozen=True, slots=True)
class CustomerSuggestion:
    """A customer who may want a product."""

    customer_id: Annotated[Id, "The customer."]
    customer_name: Annotated[str | None, "Their name, as you may see it."]
    basis: Annotated[SuggestionBasis, "What it rests on."]
    because_id: Annotated[Id | None, "The product that the customer has, with which others bought this one."]
    because_name: Annotated[str | None, "Its name."]
    bought: Annotated[int, "How many customers bought both together, or of the segment."]
    out_of: Annotated[int, "Of how many: of the organisation's customers, and at least five."]
    share: Annotated[Decimal, "How many that is of all, from 0 to 1."]
    lift: Annotated[Decimal | None, "How many times as often as by chance."]
    reason: Annotated[str, "The same in words."]


_PRODUCTS: Final = """
WITH who AS ({customer}), had AS ({had} AND {ordered_by} = (SELECT id FROM who)),
offered AS ({offered}),
likely AS (
  SELECT a.other_id AS product_id, 'BOUGHT_TOGETHER' AS basis, a.product_id AS because_id, a.together AS bought,
         a.buyers AS out_of, a.confidence AS share, a.lift
    FROM had h JOIN product_associations a ON a.organization_id = {organization} AND a.product_id = h.product_id
   WHERE a.lift > 1
   UNION ALL
  SELECT s.product_id, 'SEGMENT', NULL, s.buyers, s.customers, s.share, NULL
    FROM who w JOIN segment_purchases s ON s.organization_id = {organization} AND s.segment = w.segment
), best AS (
  SELECT DISTINCT ON (l.product_id) l.* FROM likely l
   WHERE l.product_id NOT IN (SELECT h.product_id FROM had h WHERE h.product_id IS NOT NULL)
     AND l.product_id NOT IN (SELECT o.product_id FROM offered o WHERE o.product_id IS NOT NULL)
   ORDER BY l.product_id, l.share DESC, l.because_id
)
SELECT b.*, n.name, x.name AS because, (SELECT count(*) FROM who) AS seen
  FROM (SELECT 1) one
  LEFT JOIN (best b JOIN LATERAL ({products} AND {on_sale} AND t.id = b.product_id) n ON TRUE) ON TRUE
  LEFT JOIN LATERAL ({products} AND t.id = b.because_id) x ON TRUE
 ORDER BY b.share DESC, b.product_id LIMIT {first}"""

_CUSTOMERS: Final = """
WITH what AS ({products} AND t.id = {product}),
rules AS (
  SELECT a.* FROM product_associations a
   WHERE a.organization_id = {organization} AND a.other_id = (SELECT id FROM what) AND a.lift > 1
), likely AS (
  SELECT h.customer_id, 'BOUGHT_TOGETHER' AS basis, r.product_id AS because_id, r.together AS bought,
         r.buyers AS out_of, r.confidence AS share, r.lift
    FROM rules r JOIN LATERAL ({had} AND {product_bought} = r.product_id) h ON h.customer_id IS NOT NULL
   UNION ALL
  SELECT c.id, 'SEGMENT', NULL, s.buyers, s.customers, s.share, NULL
    FROM segment_purchases s JOIN LATERAL ({customers}) c ON c.segment = s.segment
   WHERE s.organization_id = {organization} AND s.product_id = (SELECT id FROM what)
), best AS (
  SELECT DISTINCT ON (l.customer_id) l.* FROM likely l
   WHERE l.customer_id NOT IN (SELECT h.customer_id FROM ({had} AND {product_bought} = (SELECT id FROM what)) h
                                WHERE h.customer_id IS NOT NULL)
   ORDER BY l.customer_id, l.share DESC, l.because_id
)
SELECT b.*, n.name, x.name AS because, (SELECT count(*) FROM what) AS seen
  FROM (SELECT 1) one
  LEFT JOIN (best b JOIN LATERAL ({customers} AND c.id = b.customer_id) n ON TRUE) ON TRUE
  LEFT JOIN LATERAL ({products} AND t.id = b.because_id) x ON TRUE
 ORDER BY b.share DESC, b.customer_id LIMIT {first}"""


@query(of=SaleSuggestion.__name__)
async def product_suggestions(
    ask: Ask,
    customer_id: Annotated[Id, "The customer."],
    exclude_proposal_id: Annotated[Id | None, "A proposal that is being written: without what is on it."] = None,
    first: Annotated[int, "How many, the likeliest first; at most 100."] = 10,
) -> list[ProductSuggestion]:
    """Products that a customer may want, by what others bought with it and their segment buys, and why."""
    sql = _Statement(ask, first)
    wanted, proposal = _row(customer_id, "Customer"), _row(exclude_proposal_id, "Proposal")
    found = await sql.fetch(
        _PRODUCTS,
        customer=sql.customers() + f" AND c.id = {sql.parameters.constant(wanted, 'uuid')}",
        offered=sql.offered(proposal),
    )
    return [
        ProductSuggestion(Id(encode("prd", row["product_id"])), row["name"], *_why(row), _reason(row)) for row in found
    ]


@query(of=SaleSuggestion.__name__)
async def customer_suggestions(
    ask: Ask,
    product_id: Annotated[Id, "The product."],
    first: Annotated[int, "How many, the likeliest first; at most 100."] = 10,
) -> list[CustomerSuggestion]:
    """Customers who may want a product, among those you see, by what they bought that you see, with the reason."""
    sql = _Statement(ask, first)
    found = await sql.fetch(_CUSTOMERS, product=sql.parameters.constant(_row(product_id, "Product"), "uuid"))
    return [
        CustomerSuggestion(Id(encode("cus", row["customer_id"])), row["name"], *_why(row), _reason(row))
        for row in found
    ]


class _Statement:
    """The parts of a statement that go through the caller's lens."""

    def __init__(self, ask: Ask, first: int) -> None:
        if not 0 < first <= MOST:
            raise PageSizeInvalid(f"`first` is a number from 1 to {MOST}.")
        self.ask, self.first, self.parameters = ask, first, Parameters()
        lines, orders = self._lens("OrderLine", "l"), self._lens("Order", "o")
        self._products, self._customers = self._lens("Product", "t"), self._lens("Customer", "c")
        self._bought, self._buyer = _column(lines, "product_id"), _column(orders, "customer_id")
        status, order = _column(orders, "status"), _column(lines, "order_id")
        self.had = (
            f"SELECT DISTINCT {self._bought} AS product_id, {self._buyer} AS customer_id"
            f" FROM {lines.source()}, {orders.source()} WHERE {lines.where()} AND {orders.where()}"
            f" AND {order} = o.id AND {status} {COUNTS}"
        )

    def customers(self) -> str:
        lens = self._customers
        name, segment = _column(lens, "name"), _column(lens, "segment")
        return f"SELECT c.id, {name} AS name, {segment} AS segment FROM {lens.source()} WHERE {lens.where()}"

    def offered(self, proposal: UUID | None) -> str:
        """What is on the proposal, as far as the caller sees it."""
        lens = open_lens(REGISTRY["ProposalLine"], self.ask.actor.policy, self.parameters, "q")
        if lens is None or proposal is None:
            return "SELECT NULL::uuid AS product_id"
        product, whole = _column(lens, "product_id"), _column(lens, "proposal_id")
        wanted = self.parameters.constant(proposal, "uuid")
        return f"SELECT {product} AS product_id FROM {lens.source()} WHERE {lens.where()} AND {whole} = {wanted}"

    async def fetch(self, template: str, **parts: str) -> list[asyncpg.Record]:
        """The suggestions. Raises NotFound where the caller does not see what they ask about."""
        products = self._products
        name = _column(products, "name")
        text = template.format(
            organization=Parameters.organization,
            first=self.first,
            had=self.had,
            ordered_by=self._buyer,
            products=f"SELECT t.id, {name} AS name FROM {products.source()} WHERE {products.where()}",
            customers=self.customers(),
            product_bought=self._bought,
            on_sale=_column(products, "active"),
            **parts,
        )
        sql, sources = self.parameters.finish(text)
        rows = await (await self.ask.tx.raw()).fetch(sql, *[source((), self.ask.actor) for source in sources])
        if not rows[0]["seen"]:
            raise NotFound("There is no such record.")
        return [row for row in rows if row["basis"] is not None]

    def _lens(self, entity: str, alias: str) -> Lens:
        lens = open_lens(REGISTRY[entity], self.ask.actor.policy, self.parameters, alias)
        if lens is None:
            raise NotFound("There is no such record.")
        return lens


def _column(lens: Lens, name: str) -> str:
    """A field as the caller sees it; of one they see nowhere, nothing."""
    spec = lens.spec(name)
    return lens.column(spec).sql or f"NULL::{spec.kind.sql}"


def _row(node: Id | None, entity: str) -> UUID | None:
    found = None if node is None else record_of(node)
    return found[1] if found is not None and found[0] is REGISTRY[entity] else None


def _why(row: asyncpg.Record) -> tuple[SuggestionBasis, Id | None, str | None, int, int, Decimal, Decimal | None]:
    because = None if row["because"] is None else Id(encode("prd", row["because_id"]))
    share, lift = round(row["share"], 4), None if row["lift"] is None else round(row["lift"], 4)
    return SuggestionBasis(row["basis"]), because, row["because"], row["bought"], row["out_of"], share, lift


def _reason(row: asyncpg.Record) -> str:
    if row["basis"] == SuggestionBasis.SEGMENT.value:
        return f"bought by {row['bought']} of {row['out_of']} customers of the segment"
    return f"bought with {row['because'] or 'a product they have'} by {row['bought']} of {row['out_of']} customers"
