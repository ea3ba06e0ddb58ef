"""What keeping organisations apart in the database costs: `python -m benchmarks.isolation [--quick]`.

Each figure is the first decile of one run in which all ways take turns, statement by statement: other work on the
machine disturbs it least. Only ratios mean anything.
`none` works as the server's superuser, who is under no policy, as the application did before there were any.
"""

import argparse
import asyncio
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import UUID

import asyncpg

from benchmarks import data
from benchmarks.data import ORGANIZATION
from crm_graph import resolvers, schema
from crm_graph.auth.actor import Actor, ActorKind
from crm_graph.auth.policy import resolve
from crm_graph.db.connection import ReadConnection
from crm_graph.db.ids import encode, uuid7
from crm_graph.db.roles import Role
from crm_graph.db.session import Database, write_engine
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.graph.types import full_schema
from crm_graph.plan.compile import Compiler
from crm_graph.plan.sql import parameters
from crm_graph.plan.writes.write import update_fields

DECLARED = (schema, resolvers)
READS = {
    "point look-up": "query($id: ID!) { customer(id: $id) { id name city stage owner { name } } }",
    "page of 50 by name": "{ customers(first: 50, orderBy: [{name: ASC}]) { nodes { id name city country stage } } }",
    "filter by amount": '{ opportunities(filter: {amount: {gte: "999999999"}}) { nodes { id name } } }',
    "filter by prefix": '{ customers(first: 20, filter: {name: {startsWith: "zz"}}) { nodes { id name } } }',
    "total count": "{ customers { totalCount } }",
}
Way = Callable[[], Awaitable[object]]


async def timed(ways: Mapping[str, Way], times: int) -> dict[str, float]:
    """Microseconds of each way, by turns, the first turns not counted: the fastest tenth takes no longer than this."""
    taken: dict[str, list[float]] = defaultdict(list)
    for turn in range(times + 20):
        for name, way in ways.items():
            began = time.perf_counter()
            await way()
            if turn >= 20:
                taken[name].append((time.perf_counter() - began) * 1e6)
    return {name: statistics.quantiles(some, n=10)[0] for name, some in taken.items()}


def told(what: str, found: Mapping[str, float]) -> None:
    base = next(iter(found.values()))
    print(f"{what:24}" + "  ".join(f"{name} {us:8,.0f} µs ({us / base:.2f})" for name, us in found.items()), flush=True)


async def measure(found: data.Data, times: int) -> None:
    url, database = found.url, f"bench_{found.customers}"
    superuser = found.server.database_url(database, "postgres")
    [customer, *_] = await data.keys(url, 100)
    await writes(url, superuser, customer, times)
    await reads(url, superuser, customer, times)
    await starts(url, times)
    await proof(times)


async def writes(url: str, superuser: str, customer: UUID, times: int) -> None:
    roles = ("administrator",)
    actor = Actor(ORGANIZATION, ActorKind.STAFF, resolve(frozenset(roles)), "EUR", roles=roles)
    before, now = Database(superuser, 1), Database(url, 1)
    await before.dispose()
    before.engine = write_engine(superuser, 1, role=None)
    names = itertools.count()

    def write(database: Database) -> Way:
        async def run() -> None:
            async with database.transaction(ORGANIZATION, None, "benchmark") as tx:
                await (await tx.raw()).execute("SET LOCAL synchronous_commit = off")  # not the disk's time
                changed = {"city": f"City {next(names)}"}
                assert not (await update_fields(tx, actor, "Customer", customer, changed, "customer.updated")).errors

        return run

    def nothing(database: Database) -> Way:
        async def run() -> None:
            async with database.transaction(ORGANIZATION, None, "benchmark"):
                pass

        return run

    told("empty transaction", await timed({"none": nothing(before), "runtime": nothing(now)}, times))
    told("update of a customer", await timed({"none": write(before), "runtime": write(now)}, times))
    await before.dispose()
    await now.dispose()


async def reads(url: str, superuser: str, customer: UUID, times: int) -> None:
    full = full_schema()
    documents = Documents(full, Limits(10_000, 12, 50, 20, 2_000))
    roles = ("sales_manager",)
    actor = Actor(ORGANIZATION, ActorKind.STAFF, resolve(frozenset(roles)), "EUR", user_id=uuid7(), roles=roles)
    common = {"TimeZone": "UTC", "jit": "off"}
    for name, query in READS.items():
        operation = await documents.operation(query, None)
        shape, leaves = operation.read({"id": encode("cus", customer)} if "$id" in query else {})
        statement = Compiler(actor.policy, b"x" * 32, 200_000).query(operation.roots(shape))
        arguments = [source(leaves, actor) for source in statement.sources]
        settings = {**common, "plan_cache_mode": statement.lane.value}
        plain = await ReadConnection.open(superuser, settings)
        reader = await ReadConnection.open(url, {**settings, **Role.READER.settings()})
        bound = await ReadConnection.open(url, {**settings, **Role.BOUND_READER.settings()})
        turning = await ReadConnection.open(url, {**settings, **Role.BOUND_READER.settings()})

        def ask(
            connection: ReadConnection,
            sql: str = statement.sql,
            given: list[object] = arguments,
            *,
            turns: bool = False,
        ) -> Way:
            async def run() -> None:
                if connection in (bound, turning):  # noqa: B023 - called within this turn of the loop
                    if turns:
                        connection._bound = None  # noqa: SLF001 - as after a statement of another organisation
                    await connection.bind(ORGANIZATION)
                await connection.fetch(sql, given)

            return run

        ways = {"none": ask(plain), "reader": ask(reader), "isolated": ask(bound), "turning": ask(turning, turns=True)}
        told(name, await timed(ways, times))
        for connection in (plain, reader, bound, turning):
            await connection.raw.close()


async def starts(url: str, times: int) -> None:
    def start(settings: Mapping[str, str]) -> Way:
        async def run() -> None:
            await (await asyncpg.connect(url, server_settings=dict(settings))).close()

        return run

    told("connection start", await timed({"login": start({}), "role": start(Role.RUNTIME.settings())}, times // 4))


async def proof(times: int) -> None:
    """Compiling a query with and without the proof; and all that a new operation takes."""
    full = full_schema()
    policy = resolve(frozenset(("sales_manager",)))
    query = READS["page of 50 by name"]
    proved = parameters.prove

    async def compiled() -> None:
        operation = await Documents(full, Limits(10_000, 12, 50, 20, 2_000)).operation(query, None)
        shape, _ = operation.read({})
        Compiler(policy, b"x" * 32, 200_000).query(operation.roots(shape))

    async def unproved() -> None:
        parameters.prove = lambda *_: None  # type: ignore[assignment]
        try:
            await compiled()
        finally:
            parameters.prove = proved  # type: ignore[assignment]

    told("a new operation", await timed({"unproved": unproved, "proved": compiled}, times))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    parser.add_argument("--times", type=int, default=400)
    parser.add_argument("--directory", type=Path, default=Path(".bench"))
    arguments = parser.parse_args()
    found = data.ensure(arguments.directory, 20_000 if arguments.quick else data.CUSTOMERS)
    try:
        asyncio.run(measure(found, arguments.times))
    finally:
        found.server.stop()


if __name__ == "__main__":
    main()
