"""A partner's view at 200,000 customers, 5,000 of them shared with it: `python -m benchmarks.portal [--check]`.

The query of the example portal by somebody of the partner, beside the same query by an administrator restricted to
the same rows by filters; both compiled by the planner, sent on their lanes, in turns. May cost 1.5 times as much.
"""

import argparse
import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks import data
from crm_graph import resolvers, schema
from crm_graph.auth import callers
from crm_graph.auth.actor import Actor
from crm_graph.db.ids import encode
from crm_graph.db.lanes import Lanes
from crm_graph.graph import types
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.plan.compile import Compiler
from crm_graph.plan.sql.fetch import fetch
from crm_graph.plan.sql.statement import Statement

DECLARED = (schema, resolvers)
LIMIT: Final = 1.5
PARTNERS: Final = {"5,000 customers": 51, "100 customers": 52}
"""People of partners, by the number of their user in `access.sql`; the bound is for the first."""
VIEW: Final = Path(__file__).parent.parent / "examples/partner-portal/src/partner-view.graphql"
_NOW: Final = "@now"
_OF: Final = 'partner: { id: { eq: "@partner" } }'
_SHARED: Final = f'shares: {{ some: {{ {_OF}, validFrom: {{ lte: "{_NOW}" }}, validUntil: {{ gt: "{_NOW}" }} }} }}'
_OPEN_SALE: Final = f"or: [{{ {_OF} }}, {{ {_SHARED} }}], status: {{ eq: OPEN }}"
_OWN_TICKET: Final = (
    f"or: [{{ {_OF} }}, {{ customer: {{ {_SHARED} }}, not: {{ or: [{{ type: {{ eq: COMPLAINT }} }},"
    " { partner: { id: { isNull: false } } }] } }], not: { status: { in: [CLOSED, MERGED] } }"
)
RESTRICTED: Final = {
    "partners(first: 1)": 'partners(first: 1, filter: { id: { eq: "@partner" } })',
    "customers(first: 20, ": f"customers(first: 20, filter: {{ {_SHARED} }}, ",
    "      shares(first: 3) ": f"      shares(first: 3, filter: {{ {_OF} }}) ",
    "partnerActivities(first: 3, ": f"partnerActivities(first: 3, filter: {{ {_OF} }}, ",
    "keyAccounts(first: 5)": f"keyAccounts(first: 5, filter: {{ {_SHARED} }})",
    "dealRegistrations(first: 10, orderBy": f"dealRegistrations(first: 10, filter: {{ {_OF} }}, orderBy",
    "{ protectedUntil: { lt": f"{{ {_OF}, protectedUntil: {{ lt",
    "{ expiresOn: { lt": f"{{ {_OF}, expiresOn: {{ lt",
    "status: { eq: OPEN }": _OPEN_SALE,
    "{ status: { in: [NEW": f"{{ {_OF}, status: {{ in: [NEW",
    "not: { status: { in: [CLOSED, MERGED] } }": _OWN_TICKET,
    "partnerScorecards(first: 4, ": f"partnerScorecards(first: 4, filter: {{ {_OF} }}, ",
    "{ status: { eq: OFFERED } }": f"{{ {_OF}, status: {{ eq: OFFERED }} }}",
    "{ doneAt: { isNull": '{ owner: { id: { eq: "@user" } }, doneAt: { isNull',
}
"""What the administrator's query says instead, so that it reaches the partner's rows."""


@dataclass(frozen=True, slots=True)
class Ready:
    statement: Statement
    leaves: Any
    actor: Actor


def restricted(view: str, partner: Actor) -> str:
    """The view as the administrator asks for it."""
    assert partner.partner_id is not None
    assert partner.user_id is not None
    for said, instead in RESTRICTED.items():
        assert said in view, said
        view = view.replace(said, instead)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ids = {"@partner": encode("par", partner.partner_id), "@user": encode("usr", partner.user_id), _NOW: moment}
    for name, value in ids.items():
        view = view.replace(name, value)
    return view


async def _measure(url: str, rounds: int) -> dict[str, tuple[float, float]]:
    lanes, documents = await Lanes.open(url, 1), Documents(types.full_schema(), Limits())
    view = VIEW.read_text(encoding="utf-8")
    soon = time.gmtime(time.time() + 30 * 86400)
    variables = {"soon": time.strftime("%Y-%m-%dT%H:%M:%SZ", soon), "soonOn": time.strftime("%Y-%m-%d", soon)}

    async def ready(query: str, actor: Actor) -> Ready:
        operation = await documents.operation(query, None)
        shape, leaves = operation.read(variables)
        statement = Compiler(actor.policy, b"benchmark", 100_000).query(operation.roots(shape))
        return Ready(statement, leaves, actor)

    async def timed(one: Ready) -> float:
        began = time.perf_counter()
        await fetch(lanes, one.statement, one.leaves, one.actor)
        return time.perf_counter() - began

    found = {}
    try:
        administrator = await _person(url, 1)
        for name, number in PARTNERS.items():
            partner = await _person(url, number)
            both = [await ready(restricted(view, partner), administrator), await ready(view, partner)]
            counts = [_counts(await fetch(lanes, one.statement, one.leaves, one.actor)) for one in both]
            assert counts[0] == counts[1], (name, counts)
            print(f"{name}: the same rows for both, {counts[0]}", flush=True)
            times: list[list[float]] = [[], []]
            for turn in range(rounds + 8):
                for which in (0, 1) if turn % 2 else (1, 0):
                    times[which].append(await timed(both[which]) * 1e3)
            found[name] = (statistics.median(times[0][8:]), statistics.median(times[1][8:]))
    finally:
        await lanes.close()
    return found


def _counts(answer: bytes | None) -> dict[str, int]:
    """How many rows each list has, by its place."""
    text = (answer or b"").decode()
    lists = json.loads(text if text.startswith("{") else f"{{{text}}}")
    return {name: one.get("totalCount", len(one["nodes"])) for name, one in lists.items() if "nodes" in (one or {})}


async def _person(url: str, number: int) -> Actor:
    connection = await asyncpg.connect(url)
    try:
        await connection.set_type_codec("json", schema="pg_catalog", encoder=str, decoder=str)
        [person] = await callers.by_email(connection, data.ORGANIZATION, f"user{number}@benchmark.example")
        return person.actor
    finally:
        await connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.portal", description=__doc__)
    parser.add_argument("--customers", type=int, default=data.CUSTOMERS)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--directory", type=Path, default=Path(".bench"))
    parser.add_argument("--check", action="store_true", help="exit with 1 when the view costs more than it may")
    arguments = parser.parse_args()
    found = data.ensure(arguments.directory, arguments.customers, "access", "portal")
    try:
        measured = asyncio.run(_measure(found.url, arguments.rounds))
    finally:
        found.server.stop()
    for name, (filtered, own) in measured.items():
        print(f"{name:16} by filter {filtered:8.2f} ms  own view {own:8.2f} ms  {own / filtered:6.2f} ×")
    filtered, own = measured[next(iter(PARTNERS))]
    return 1 if arguments.check and own > LIMIT * filtered else 0


if __name__ == "__main__":
    raise SystemExit(main())
