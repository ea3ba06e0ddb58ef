"""What a caller may not see has no influence on what they are answered.

Two databases that differ only in values and rows the caller may not see (all but the attributes row rules read) give
the same bytes for any operation. And no generated operation brings up a planted secret.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from graphql import GraphQLSchema, parse, validate

from crm_graph.db.embedded import EmbeddedServer
from crm_graph.entity import REGISTRY, table_name
from crm_graph.graph import types
from tests.access.channels.schemas import schema_of
from tests.access.interpreter import Caller, Rows, fields
from tests.access.otherwise import loosen
from tests.access.secrets import World, callers, load_rows
from tests.conftest import clone
from tests.fixtures.api import Api, running
from tests.fixtures.demo import Demo
from tests.shapes.generator import Generator, Shape

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEEDS = 36
_OTHERWISE = {
    "String": "'twin ' || md5(id::text)",
    "EmailAddress": "md5(id::text) || '@twin.example'",
    "Int": "(coalesce({0}, 0) + 7) % 100",
    "Money": "coalesce({0}, 0) + 12345",
    "Date": "coalesce({0}, '2001-01-01') + 3",
    "DateTime": "coalesce({0}, '2001-01-01') + interval '3 days'",
}
"""Another value for a hidden one, by kind."""
_OF_RULES = {"Product.active", "TicketMessage.public", "Compensation.granted"}


async def estrange(connection: Any, rows: Rows, caller: Caller) -> int:
    """Change all that the caller may not see; gives how many cells were changed."""
    changed = 0
    for name, entity in REGISTRY.items():
        if name.endswith("Share") or name in ("Organization", "Team"):
            continue
        for one in fields(name):
            spec = entity.__specs__.get(one.column)
            otherwise = _OTHERWISE.get(spec.kind.name) if spec else None
            if (
                otherwise is None
                or one.to
                or one.computed
                or one.column in ("version", "created_at", "source", "external_id")
            ):
                continue
            ids: list[UUID] = [
                row["id"] for row in rows.tables[name].values() if rows.shows(caller, one, row) in ("hidden", "absent")
            ]
            await connection.execute(
                f"UPDATE {table_name(entity)} SET {one.column} = {otherwise.format(one.column)} WHERE id = ANY($1)", ids
            )
            changed += len(ids)
    return changed


Twins = dict[str, tuple[Api, Api, list[str]]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def twins(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[Twins]:
    """For each caller the demo, the demo with all changed that they may not see, and ids to ask for."""
    found: Twins = {}
    async with AsyncExitStack() as stack:
        urls = [stack.enter_context(clone(embedded_server, small_demo_template.template)) for _ in range(4)]
        apis = [
            await stack.enter_async_context(running(url, small_demo_template.data_dir, small_demo_template.personas))
            for url in urls
        ]
        for persona, url, api in zip(("sales_rep", "partner_rep", "storefront"), urls[1:], apis[1:], strict=True):
            connection = await asyncpg.connect(url)
            rows = await load_rows(connection)
            who = (await callers(connection, small_demo_template.personas))[persona]
            await loosen(connection)  # what values must obey among themselves says nothing of who sees them
            assert await estrange(connection, rows, who) > 5_000
            await connection.close()
            ids = [
                f"{e.__prefix__}_{i.hex}"
                for n, e in REGISTRY.items()
                for i in list(rows.tables[n])[:: max(1, len(rows.tables[n]) // 5)]
            ]
            found[persona] = (apis[0], api, ids)
        yield found


@pytest.fixture(scope="module")
def full_schema() -> GraphQLSchema:
    return types.full_schema()


def made(schema: GraphQLSchema, seed: object, ids: list[str]) -> Shape:
    for attempt in range(3):
        shape = Generator(schema, Random(repr((seed, attempt))), ids, benchmarks=False).operation()
        if not validate(schema, parse(shape.query)):
            return shape
    raise AssertionError(seed)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("persona", ["sales_rep", "partner_rep", "storefront"])
async def test_what_is_hidden_changes_no_byte(
    twins: Twins, full_schema: GraphQLSchema, persona: str, seed: int
) -> None:
    here, there, ids = twins[persona]
    own = await schema_of(here, persona)  # of what the full schema offers, most is refused before it is run
    schema = full_schema if seed % 3 == 0 else own
    shape = made(schema, ("twins", persona, seed), ids)
    answers = [await api.as_(persona)(shape.query, shape.variables) for api in (here, there)]
    bodies = [a.body.replace(a.headers["x-request-id"].encode(), b"") for a in answers]
    assert bodies[0] == bodies[1], (shape.query, shape.variables)


async def test_the_twins_differ_for_who_sees_more(twins: Twins) -> None:
    """The comparison can fail: an administrator sees a difference wherever something was changed."""
    query = "{ customers(first: 50) { nodes { riskNote notes taxNumber lifetimeValue { amount } } } products { nodes { unitCost { amount } } } }"
    for here, there, _ in twins.values():
        assert (await here.as_("administrator")(query)).body != (await there.as_("administrator")(query)).body


@pytest.mark.parametrize("seed", range(SEEDS // 2))
async def test_no_operation_brings_up_a_secret(
    planted_api: Api, world: World, full_schema: GraphQLSchema, seed: int
) -> None:
    """Every byte of every answer to every caller is searched."""
    ids = [f"{e.__prefix__}_{i.hex}" for n, e in REGISTRY.items() for i in list(world.rows.tables[n])[:3]]
    shape = made(full_schema, ("secrets", seed), ids)
    for persona in ("sales_rep", "service_agent", "partner_rep", "other_partner_rep", "customer", "storefront"):
        await world.as_(planted_api, persona)(shape.query, shape.variables)
