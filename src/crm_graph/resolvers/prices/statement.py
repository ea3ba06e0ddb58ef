"""The one statement that prices products. Every price of the application, whoever asks, comes from here.

Of the lists that hold for customer, partner, segment, channel, currency and moment, the one decides that names the most
particular thing (customer, partner, segment, channel, nothing), then the one of the highest priority, the newest
beginning, the greatest id. In a list, of the entries whose tier is reached, that of the product decides before that of
its category, that before those of the categories above, and these before one of all products; then the highest tier.
A list of the kind PARTS takes its percents off what the parts of a bundle cost, each decided so by all other lists.
Where no list says anything, the catalogue does. Amounts are numeric, rounded half up to the currency's minor unit.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from crm_graph.kinds import minor_units
from crm_graph.plan.sql.parameters import Parameters

SCOPES = ("CUSTOMER", "PARTNER", "SEGMENT", "CHANNEL", "GENERAL", "CATALOGUE")
"""What a price is for, the most particular first; the place from 1 is `scope` in SQL."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Who buys, through whom, where, in which currency and when; `None`: nobody known, no partner, no channel, now."""

    currency: str
    customer: UUID | None = None
    partner: UUID | None = None
    channel: str | None = None
    at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a caller sees, as SQL: the products that may be priced, and under `t` the lists that may be named.

    `products` reads `t.id`, `t.category_id`, `t.currency`, `t.list_price` and what of that shows as `shown`.
    """

    products: str
    lists: str


EVERYTHING = Seen(
    "SELECT t.id, t.category_id, t.currency, t.list_price, t.list_price AS shown FROM products t"
    f" WHERE t.organization_id = {Parameters.organization}",
    "",
)
"""For what the application itself asks: only what decides is told."""

_FAULT = """CASE
    WHEN l.currency <> {currency} THEN 'OTHER_CURRENCY'
    WHEN l.valid_from > {at} THEN 'NOT_YET_VALID'
    WHEN l.valid_until <= {at} THEN 'NO_LONGER_VALID'
    WHEN l.channel IS NOT NULL AND l.channel IS DISTINCT FROM {channel} THEN 'OTHER_CHANNEL'
    WHEN l.segment IS NOT NULL AND l.segment IS DISTINCT FROM (SELECT segment FROM who) THEN 'OTHER_SEGMENT'
  END"""

_ORDER = "s.scope, s.priority DESC, s.valid_from DESC NULLS LAST, s.list_id DESC"
_STATEMENT = """
WITH RECURSIVE who AS (
  SELECT c.segment FROM customers c WHERE c.organization_id = {organization} AND c.id = {customer}
), wanted AS (
  SELECT w.place, w.quantity, p.id AS product_id, p.category_id, p.shown,
         CASE WHEN p.currency = {currency} THEN p.list_price END AS list_price
    FROM unnest({products}, {quantities}) WITH ORDINALITY AS w(product_id, quantity, place)
   CROSS JOIN LATERAL ({seen_products} AND t.id = w.product_id) p
), parts AS (
  SELECT w.place AS bundle, i.quantity AS each, w.quantity * i.quantity AS quantity, p.id AS product_id, p.category_id,
         CASE WHEN p.currency = {currency} THEN p.list_price END AS list_price,
         -row_number() OVER (ORDER BY w.place, i.id) AS place
    FROM wanted w JOIN bundle_items i ON i.organization_id = {organization} AND i.bundle_id = w.product_id
    JOIN products p ON p.organization_id = {organization} AND p.id = i.component_id
   WHERE EXISTS (SELECT FROM lists l WHERE l.kind = 'PARTS')
), priced AS (
  SELECT place, quantity, product_id, category_id, list_price FROM wanted
   UNION ALL
  SELECT place, quantity, product_id, category_id, list_price FROM parts
), path AS (
  SELECT DISTINCT w.product_id, w.category_id, 1 AS depth FROM priced w WHERE w.category_id IS NOT NULL
   UNION ALL
  SELECT p.product_id, c.parent_id, p.depth + 1 FROM path p
    JOIN product_categories c ON c.organization_id = {organization} AND c.id = p.category_id AND c.parent_id IS NOT NULL
), lists AS MATERIALIZED (
  SELECT l.id, l.kind, l.base_list_id, l.priority, l.valid_from, {fault} AS fault,
         CASE WHEN l.customer_id IS NOT NULL THEN 1 WHEN l.partner_id IS NOT NULL THEN 2
              WHEN l.segment IS NOT NULL THEN 3 WHEN l.channel IS NOT NULL THEN 4 ELSE 5 END AS scope
    FROM price_lists l
   WHERE l.organization_id = {organization}
     AND (l.customer_id IS NULL OR l.customer_id = {customer})
     AND (l.partner_id IS NULL OR l.partner_id = {partner}){only}
), said AS (
  SELECT w.place, w.quantity, l.id AS list_id, l.scope, l.priority, l.valid_from, e.id AS entry_id, e.min_quantity,
         l.kind,
         CASE WHEN e.reached AND l.fault IS DISTINCT FROM 'OTHER_CURRENCY' THEN e.percent_off END AS percent_off,
         CASE WHEN e.reached AND l.fault IS DISTINCT FROM 'OTHER_CURRENCY' THEN coalesce(e.unit_price,
           round(coalesce(b.unit_price, CASE WHEN l.base_list_id IS NULL AND l.kind = 'PERCENT' THEN w.list_price END)
                 * (100 - e.percent_off) / 100, {digits})) END AS unit_price,
         CASE WHEN l.fault IS NOT NULL THEN l.fault WHEN e.id IS NULL THEN 'NO_PRICE'
              WHEN NOT e.reached THEN 'BELOW_QUANTITY' END AS fault
    FROM priced w JOIN lists l ON w.place > 0 OR l.kind <> 'PARTS'
    LEFT JOIN LATERAL (
      SELECT x.*, x.min_quantity <= w.quantity AS reached FROM (
        SELECT e.id, e.unit_price, e.percent_off, e.min_quantity, 0 AS depth FROM price_list_entries e
         WHERE e.organization_id = {organization} AND e.price_list_id = l.id AND e.product_id = w.product_id
         UNION ALL
        SELECT e.id, e.unit_price, e.percent_off, e.min_quantity, p.depth FROM path p
          JOIN price_list_entries e ON e.organization_id = {organization} AND e.price_list_id = l.id
               AND e.product_id IS NULL AND e.category_id = p.category_id
         WHERE l.kind <> 'ABSOLUTE' AND p.product_id = w.product_id
         UNION ALL
        SELECT e.id, e.unit_price, e.percent_off, e.min_quantity, 2147483647 FROM price_list_entries e
         WHERE l.kind <> 'ABSOLUTE' AND e.organization_id = {organization} AND e.price_list_id = l.id
           AND e.product_id IS NULL AND e.category_id IS NULL
      ) x ORDER BY reached DESC, x.depth,
          CASE WHEN x.min_quantity <= w.quantity THEN -x.min_quantity ELSE x.min_quantity END LIMIT 1
    ) e ON TRUE
    LEFT JOIN LATERAL (
      SELECT b.unit_price FROM price_list_entries b
       WHERE l.base_list_id IS NOT NULL AND b.organization_id = {organization} AND b.price_list_id = l.base_list_id
         AND b.product_id = w.product_id AND b.min_quantity <= w.quantity
       ORDER BY b.min_quantity DESC LIMIT 1
    ) b ON e.percent_off IS NOT NULL
   UNION ALL
  SELECT w.place, w.quantity, NULL, 6, 0, NULL, NULL, NULL, NULL, NULL, w.list_price, NULL FROM priced w
), sums AS (
  SELECT p.bundle, sum(p.each * d.unit_price) AS unit_price FROM parts p
    LEFT JOIN LATERAL (
      SELECT s.unit_price FROM said s WHERE s.place = p.place AND s.fault IS NULL AND s.unit_price IS NOT NULL
       ORDER BY {order} LIMIT 1
    ) d ON TRUE
   GROUP BY p.bundle HAVING count(*) = count(d.unit_price)
), whole AS (
  SELECT s.place, s.quantity, s.list_id, s.scope, s.priority, s.valid_from, s.entry_id, s.min_quantity, s.fault,
         CASE WHEN s.kind = 'PARTS' THEN round(m.unit_price * (100 - s.percent_off) / 100, {digits})
              ELSE s.unit_price END AS unit_price
    FROM said s LEFT JOIN sums m ON m.bundle = s.place WHERE s.place > 0
), ranked AS (
  SELECT s.*, coalesce(s.fault, CASE WHEN s.unit_price IS NULL THEN 'NO_BASE_PRICE' END) AS lost,
         row_number() OVER (PARTITION BY s.place ORDER BY s.fault IS NULL AND s.unit_price IS NOT NULL DESC,
           {order}) AS rank
    FROM whole s
)
SELECT w.place, w.shown, r.rank, r.list_id, r.scope, r.priority, r.valid_from, r.entry_id, r.min_quantity, r.unit_price,
       round(r.quantity * r.unit_price, {digits}) AS total, r.lost{named}
  FROM wanted w JOIN ranked r ON r.place = w.place{seen_lists}
 WHERE (r.rank = 1{told}) AND (r.list_id IS NOT NULL OR r.unit_price IS NOT NULL)
 ORDER BY w.place, r.rank"""


def statement(
    parameters: Parameters, wanted: Sequence[tuple[UUID, Decimal]], situation: Situation, seen: Seen = EVERYTHING
) -> str:
    """SQL of the prices of products in quantities: a row for what decides each, first, and for what a caller sees lose.

    `lost` says why a list did not take part; of those that did, the order says it. What has no price has no row that
    is not `lost`.
    """
    explained = bool(seen.lists)
    at = "now()" if situation.at is None else parameters.constant(situation.at, "timestamptz")
    places = {
        "organization": Parameters.organization,
        "customer": parameters.constant(situation.customer, "uuid"),
        "partner": parameters.constant(situation.partner, "uuid"),
        "channel": parameters.constant(situation.channel, "text"),
        "currency": parameters.constant(situation.currency, "text"),
        "digits": parameters.constant(minor_units(situation.currency), "integer"),
        "products": parameters.constant([product for product, _ in wanted], "uuid[]"),
        "quantities": parameters.constant([quantity for _, quantity in wanted], "numeric[]"),
        "seen_products": seen.products,
        "at": at,
        "order": _ORDER,
    }
    fault = _FAULT.format(**places)
    return _STATEMENT.format(
        **places,
        fault=fault,
        only="" if explained else f" AND {fault} IS NULL",
        named=", n.id IS NOT NULL AS named, n.name" if explained else "",
        seen_lists=f"\n  LEFT JOIN LATERAL ({seen.lists} AND t.id = r.list_id) n ON TRUE" if explained else "",
        told=" OR n.id IS NOT NULL OR r.list_id IS NULL" if explained else "",
    )
