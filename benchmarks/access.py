"""What row-by-row access costs the database: statements of callers with rules, beside those of one who sees everything.

python -m benchmarks --access [--customers N] [--rounds N] [--case PART]… [--check]

Both statements are compiled by the planner, sent on their lanes, in turns; the figure is the time until the client
has the answer. A case's ratio is the caller's median by the unrestricted caller's, of the same operation.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from benchmarks import access_cases, data
from benchmarks.access_cases import Case
from crm_graph import resolvers, schema  # noqa: F401 - they fill the registries
from crm_graph.auth import callers
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import PUBLIC
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.db.lanes import Lanes
from crm_graph.graph import types
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.plan.compile import Compiler
from crm_graph.plan.sql.fetch import fetch
from crm_graph.plan.sql.statement import Statement

MAX_NODES = 100_000
WARM, SECONDS = 8, 1.5
"""Runs that do not count (PostgreSQL plans the first five anew), and how long a case goes on at most."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians of one case, in seconds, and how many rows or bytes both were answered."""

    case: Case
    free: float
    bound: float
    bytes: tuple[int, int]

    @property
    def ratio(self) -> float:
        return self.bound / self.free

    @property
    def met(self) -> bool:
        return self.ratio <= self.case.limit


@dataclass(frozen=True, slots=True)
class _Ready:
    statement: Statement
    leaves: Sequence[object]
    actor: Actor


def run(directory: Path, customers: int, rounds: int, wanted: Sequence[str], *, check: bool) -> int:
    """Measure, print, and write `access.json`; 1 where a bound is missed and `check` says that this matters."""
    found = data.ensure(directory, customers, "access")
    try:
        measured = asyncio.run(_measure(found.url, rounds, wanted))
    finally:
        found.server.stop()
    print(text(measured))
    rows = [
        {"case": m.case.name, "caller": m.case.caller, "limit": m.case.limit, "ratio": round(m.ratio, 3),
         "unrestricted_us": round(m.free * 1e6), "caller_us": round(m.bound * 1e6)}
        for m in measured
    ]  # fmt: skip
    (directory / "access.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if check and not all(m.met for m in measured) else 0


def text(measured: Sequence[Measured]) -> str:
    lines = [f"{'case':44} {'caller':14} {'free µs':>9} {'caller µs':>10} {'ratio':>7} {'bound':>6}"]
    for m in measured:
        verdict = "" if m.met else "  MISSED"
        lines.append(
            f"{m.case.name:44} {m.case.caller:14} {m.free * 1e6:9,.0f} {m.bound * 1e6:10,.0f}"
            f" {m.ratio:7.2f} {m.case.limit:6g}{verdict}"
        )
    return "\n".join(lines)


async def _measure(url: str, rounds: int, wanted: Sequence[str]) -> list[Measured]:
    people = await _people(url)
    full = types.full_schema()
    lanes = await Lanes.open(url, 1)
    documents = Documents(full, Limits())

    async def ready(query: str, actor: Actor) -> _Ready:
        operation = await documents.operation(query, None)
        shape, leaves = operation.read({})
        statement = Compiler(actor.policy, b"benchmark", MAX_NODES).query(operation.roots(shape))
        return _Ready(statement, leaves, actor)

    async def timed(one: _Ready) -> tuple[float, int]:
        began = time.perf_counter()
        answer = await fetch(lanes, one.statement, one.leaves, one.actor)
        return time.perf_counter() - began, len(answer or b"")

    measured = []
    try:
        for case in access_cases.CASES:
            if wanted and not any(part in f"{case.name} / {case.caller}" for part in wanted):
                continue
            query = case.query.replace("$", "")
            both = [await ready(query, people[who]) for who in ("administrator", case.caller)]
            if case.turns:
                both = [await ready(await _turned(lanes, query, one), one.actor) for one in both]
            sizes = [(await timed(one))[1] for one in both]
            times: list[list[float]] = [[], []]
            until = time.perf_counter() + SECONDS
            for number in range(WARM + rounds):
                for which in (0, 1) if number % 2 else (1, 0):
                    times[which].append((await timed(both[which]))[0])
                if time.perf_counter() > until and number > 3:
                    break
            kept = [some[WARM:] if len(some) > 2 * WARM else some[len(some) // 2 :] for some in times]
            free, bound = (statistics.median(t) for t in kept)
            measured.append(Measured(case, free, bound, (sizes[0], sizes[1])))
            print(text(measured[-1:]).splitlines()[1], flush=True)
    finally:
        await lanes.close()
    return measured


async def _turned(lanes: Lanes, query: str, one: _Ready) -> str:
    """The operation for the page after this one."""
    answer = json.loads(await fetch(lanes, one.statement, one.leaves, one.actor) or b"{}")
    return query.replace("(first: 50", f'(first: 50, after: "{answer["pageInfo"]["endCursor"]}"', 1)


def _unmasked(policy: Policy) -> Policy:
    """The rep's policy with the customers of others at PUBLIC, so that nothing of them is masked."""
    low = tuple(replace(g, read=PUBLIC) if g.rule is Rule.EVERYONE else g for g in policy.on("Customer"))
    return Policy({**policy.grants, "Customer": low}, key=f"{policy.key} unmasked")


async def _people(url: str) -> dict[str, Actor]:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=str)
        found = {}
        for name, number in access_cases.PEOPLE.items():
            [person] = await callers.by_email(connection, data.ORGANIZATION, f"user{number}@benchmark.example")
            found[name] = person.actor
        found["rep"] = replace(found["rep, masks"], policy=_unmasked(found["rep, masks"].policy))
        return found
    finally:
        await connection.close()
