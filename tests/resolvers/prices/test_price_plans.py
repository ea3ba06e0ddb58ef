"""A price among 200,000 entries of 20,000 lists is found by indexes."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import Policy
from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.resolvers.prices.statement import Situation, statement

ORGANIZATION = UUID(int=1)
_PLANT = """
ALTER TABLE products DISABLE TRIGGER USER; ALTER TABLE customers DISABLE TRIGGER USER;
ALTER TABLE price_lists DISABLE TRIGGER USER; ALTER TABLE price_list_entries DISABLE TRIGGER USER;
INSERT INTO organizations (organization_id, id, version, created_at, updated_at, name, currency, hosts)
 SELECT o, o, 1, now(), now(), 'Acme', 'EUR', '{}' FROM (SELECT '00000000-0000-0000-0000-000000000001'::uuid AS o) x;
INSERT INTO products (organization_id, id, version, created_at, updated_at, name, sku, currency, list_price, active)
 SELECT o.id, uuid_in(lpad(to_hex(n), 32, '0')::cstring), 1, now(), now(), 'P', n::text, 'EUR', 10, TRUE
   FROM organizations o, generate_series(1, 1000) n;
INSERT INTO customers (organization_id, id, version, created_at, updated_at, name, kind, stage, currency)
 SELECT o.id, uuid_in(lpad(to_hex(n), 32, '0')::cstring), 1, now(), now(), 'C', 'PERSON', 'CUSTOMER', 'EUR'
   FROM organizations o, generate_series(1, 20000) n;
INSERT INTO price_lists
 (organization_id, id, version, created_at, updated_at, name, kind, currency, customer_id, channel, priority, public)
 SELECT o.id, uuid_in(lpad(to_hex(n), 32, '0')::cstring), 1, now(), now(), 'L', 'ABSOLUTE', 'EUR',
        CASE WHEN n > 20 THEN uuid_in(lpad(to_hex(n), 32, '0')::cstring) END, CASE WHEN n <= 10 THEN 'WEB' END, 0, FALSE
   FROM organizations o, generate_series(1, 20000) n;
INSERT INTO price_list_entries
 (organization_id, id, version, created_at, updated_at, price_list_id, product_id, min_quantity, currency, unit_price)
 SELECT l.organization_id, gen_random_uuid(), 1, now(), now(), l.id,
        uuid_in(lpad(to_hex(1 + (n * 777 + ('x' || right(l.id::text, 4))::bit(16)::int) % 1000), 32, '0')::cstring), 0, 'EUR', 5
   FROM price_lists l, generate_series(1, 10) n;
ANALYZE products, customers, price_lists, price_list_entries;
"""


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


async def test_a_price_is_found_by_indexes(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute(_PLANT)
    assert await owner.fetchval("SELECT count(*) FROM price_list_entries") == 200_000
    await owner.close()
    parameters, number = Parameters(), UUID(int=777)
    sql, sources = parameters.finish(
        statement(parameters, [(number, Decimal(3))], Situation("EUR", customer=number, channel="WEB"))
    )
    values = [source((), Actor(ORGANIZATION, ActorKind.APP, Policy({}))) for source in sources]
    connection = await connect(database_url, Role.RUNTIME)
    await connection.execute("SELECT set_config('crm.organization_id', $1, false)", str(ORGANIZATION))
    explained = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values)
    await connection.close()
    [plan] = json.loads(explained)
    nodes = list(_nodes(plan["Plan"]))
    scanned = [
        n for n in nodes if n.get("Relation Name") in ("price_lists", "price_list_entries", "products", "customers")
    ]
    assert {n["Node Type"] for n in scanned}.isdisjoint({"Seq Scan"}), scanned
    assert {n.get("Index Name") for n in nodes} >= {"uq_price_list_entries_tier", "ix_price_lists_customer_id"}
    assert sum(n["Actual Rows"] * n["Actual Loops"] for n in scanned) < 200
    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 500
