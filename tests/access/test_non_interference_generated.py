"""Non-interference: whatever the policy and the operation, what may not be seen changes no byte of the answer.

Hypothesis makes up policies, callers and operations. Each operation is answered, all that the caller may not see is
changed (values, what stands behind masks, rows), and it is answered again, in one transaction that is rolled back.
`make test` tries 200 examples, always the same; `make test-deep` 2,000, each time others.
"""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLSchema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_graph.auth.actor import Actor
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Level
from crm_graph.auth.rows import Rule
from crm_graph.db.embedded import EmbeddedServer
from crm_graph.demo import generate, load
from crm_graph.demo.business import Size
from crm_graph.entity import REGISTRY, table_name
from crm_graph.errors import CrmError
from crm_graph.graph import types
from crm_graph.graph.documents import Documents, Full, Operation
from crm_graph.graph.known_fields import extended
from crm_graph.graph.limits import Limits
from crm_graph.graph.pruned import hidden, prune
from crm_graph.plan.access import lens as lenses
from crm_graph.plan.access.custom import known
from crm_graph.plan.compile import Compiler
from crm_graph.plan.sql import parameters
from tests.access.asking import many_of, select
from tests.access.interpreter import Caller, Rows, fields
from tests.access.otherwise import estrange, loosen
from tests.access.policies import ROLE, SLOTS, Case, cases, own_name
from tests.access.secrets import load_rows
from tests.conftest import blocking, clone
from tests.shapes.generator import Generator, Shape, of_figures

DEEP = bool(os.environ.get("CRM_GRAPH_TEST_DEEP"))
EXAMPLES = 2_000 if DEEP else 200
PATIENCE_MS = 4000
"""How long an operation may take; one that takes longer is not compared."""
AT_ONCE = 3
"""Operations an example asks of one policy and one change."""
SMALL = Size(customers=14, orders=16, opportunities=12, tickets=8, reps=3, agents=1)
SMALLEST = Size(customers=4, orders=4, opportunities=3, tickets=3, reps=3, agents=1)
SECRET, NODES = b"cursors of these tests", 100_000
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not DEEP,
    database=None,
    report_multiple_bugs=False,
    print_blob=True,
    phases=[Phase.explicit, Phase.generate, Phase.shrink] if DEEP else [Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


class Interference(AssertionError):
    """Something that may not be seen has changed an answer."""


class Laboratory:
    """A small organisation beside another one, and what answers an operation in it as the application does."""

    def __init__(self, url: str) -> None:
        self.url, self.runner, self.counts = url, asyncio.Runner(), Counter[str]()
        self.schema: GraphQLSchema = types.full_schema()
        self.documents = Documents(self.schema, Limits(20_000, 50, 200, 20, 2_000))
        self.connection: Any = self.runner.run(
            asyncpg.connect(url, server_settings={"jit": "off", "statement_timeout": str(PATIENCE_MS)})
        )
        self.runner.run(loosen(self.connection))
        self.rows: Rows = self.runner.run(load_rows(self.connection))
        self.cases = cases(self.rows)  # once: strategies are dear to make
        self.ids = [
            f"{e.__prefix__}_{i.hex}"
            for n, e in REGISTRY.items()
            for i in list(self.rows.tables[n])[:: max(1, len(self.rows.tables[n]) // 6)]
        ]

    def close(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.close()

    def operation(self, full: Full, schema: GraphQLSchema, seed: int) -> Shape:
        for attempt in range(3):
            shape = Generator(schema, Random(repr((seed, attempt))), self.ids, benchmarks=False).operation()
            with contextlib.suppress(CrmError):  # it is not valid; that it is, is found out once
                self.runner.run(self.documents.operation(shape.query, None, full))
                return shape
        return Shape("{ __typename }", {})

    def known_to(self, actor: Actor) -> Full:
        """The whole schema, with the custom fields that the actor knows."""
        fields = known(actor.policy)
        return Full(actor.policy.key, extended(self.schema, fields)) if fields else self.documents.shipped

    async def answer(self, full: Full, actor: Actor, text: str, variables: dict[str, Any]) -> bytes:
        """The bytes of the answer, or of the refusal; none where it took too long."""
        try:
            operation: Operation = await self.documents.operation(text, None, full)
            shape, leaves = operation.read(variables)
            statement = Compiler(actor.policy, SECRET, NODES).query(operation.roots(shape))
            if not statement.sql:
                return statement.response(None)
            arguments = [source(leaves, actor) for source in statement.sources]
            self.counts["statements"] += 1
            async with self.connection.transaction():
                found = await self.connection.fetchval(statement.sql, *arguments)
            return statement.response(None if found is None else found.encode())
        except asyncpg.QueryCanceledError:
            self.counts["given up"] += 1
            return b""
        except (CrmError, asyncpg.PostgresError) as error:
            return f"{type(error).__name__}: {error}".encode()

    async def compare(self, full: Full, case: Case, asked: list[Shape], seed: int) -> None:
        """Answer before and after the change, and roll it back."""
        actor = case.actor(self.rows.organization)
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            before = [await self.answer(full, actor, one.query, one.variables) for one in asked]
            seen = case.seen(self.rows)
            await self.connection.execute("SET LOCAL statement_timeout = 0")
            self.counts["changed"] += await estrange(self.connection, seen, Random(seed))
            await self.connection.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            for one, first in zip(asked, before, strict=True):
                second = await self.answer(full, actor, one.query, one.variables)
                self.counts["compared"] += 1
                self.counts["with data"] += b'"nodes":[{' in first or b'"node":{' in first
                if first and second and first != second:  # not by assert: it takes minutes to show long bytes
                    place = next(n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
                    around = slice(max(0, place - 80), place + 120)
                    raise Interference(
                        f"before …{first[around]!r}…, after …{second[around]!r}… of {one.query} {one.variables}"
                    )
        finally:
            await transaction.rollback()


@pytest.fixture(scope="module")
def laboratory(embedded_server: EmbeddedServer, migrated_template: str) -> Iterator[Laboratory]:
    with clone(embedded_server, migrated_template) as url:
        blocking(load.load(url, {"main": lambda: generate.main(SMALL), "second": lambda: generate.second(SMALLEST)}))
        blocking(fill_slots(url))
        laboratory = Laboratory(url)
        yield laboratory
        laboratory.close()


async def fill_slots(url: str) -> None:
    """Values for the fields that organisations may add, in most rows."""
    connection = await asyncpg.connect(url)
    for table in (table_name(entity) for entity in REGISTRY.values() if entity.__custom__):
        await connection.execute(
            f"UPDATE {table} SET custom_text_1 = CASE WHEN r.n % 4 > 0 THEN (ARRAY['Haus GmbH', 'An é', 'son'])[r.n % 3 + 1]"
            " END, custom_number_1 = nullif(r.n % 5, 0), custom_date_1 = DATE '2024-11-28' + r.n * 17"
            f" FROM (SELECT id AS i, row_number() OVER (ORDER BY id)::integer AS n FROM {table}) r WHERE id = r.i"
        )
    await connection.close()


def whole(schema: GraphQLSchema, random: Random) -> list[Shape]:
    """All that has a value of its own, and is no figure, of all rows of some entities."""
    query = schema.query_type
    listed = [name for name in REGISTRY if query and many_of(name) in query.fields]
    parts = []
    for name in random.sample(listed, min(4, len(listed))):
        offered: Any = schema.type_map[name]
        shown = offered.fields.keys() - of_figures(name)
        chosen = [select(f) for f in fields(name) if f.to is None and f.name in shown]
        chosen += [own_name(slot) for slot in SLOTS if own_name(slot) in offered.fields]
        parts.append(f"{many_of(name)}(first: 60) {{ nodes {{ __typename etag hiddenFields {' '.join(chosen)} }} }}")
    return [Shape(f"{{ {' '.join(parts)} }}", {})] if parts else []


def paged(laboratory: Laboratory, full: Full, actor: Actor, schema: GraphQLSchema, random: Random) -> list[Shape]:
    """Pages of one list by an order of what is seen: the first, those after and before its cursors, each with counts."""
    query = schema.query_type
    lists = [name for name in map(many_of, REGISTRY) if query and name in query.fields]
    if not lists:
        return []
    name = random.choice(lists)
    entity = next(e for e in REGISTRY if many_of(e) == name)
    keys: Any = schema.type_map.get(f"{entity}OrderBy")
    order = (
        [
            {key: random.choice(("ASC", "DESC", "DESC_NULLS_FIRST"))}
            for key in random.sample(list(keys.fields), min(2, len(keys.fields)))
        ]
        if keys
        else []
    )
    inner = "nodes { id etag hiddenFields maskedFields } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
    head = f"query ($n: Int, $c: String, $o: [{entity}OrderBy!])"
    forwards = f"{head} {{ {name}(first: $n, after: $c, orderBy: $o) {{ {inner} }} }}"
    backwards = f"{head} {{ {name}(last: $n, before: $c, orderBy: $o) {{ {inner} }} }}"
    size = random.choice((1, 2, 5))
    first = laboratory.runner.run(laboratory.answer(full, actor, forwards, {"n": size, "o": order}))
    cursors = [part.split(b'"')[0].decode() for part in first.split(b'"cursor":"')[1:]]
    shapes = [Shape(forwards, {"n": size, "o": order})]
    for cursor in cursors[-1:]:
        shapes += [Shape(text, {"n": size, "c": cursor, "o": order}) for text in (forwards, backwards)]
    return shapes


def one_example(laboratory: Laboratory, data: st.DataObject) -> None:
    case = data.draw(laboratory.cases, label="policy")
    seed = data.draw(st.integers(0, 2**32), label="seed")
    actor, random = case.actor(laboratory.rows.organization), Random(seed)
    full = laboratory.known_to(actor)
    schema = full.schema
    if seed % 4:  # of what the full schema offers, most is refused before it is run
        coordinates, dead = hidden(actor.policy)
        own = prune(full.schema, coordinates, dead)
        if own.query_type and {many_of(name) for name in REGISTRY} & set(own.query_type.fields):
            schema = own
    asked = [laboratory.operation(full, schema, seed + number) for number in range(AT_ONCE)]
    asked += whole(schema, random) + paged(laboratory, full, actor, schema, random)
    laboratory.runner.run(laboratory.compare(full, case, asked, seed))
    if full.key:
        laboratory.documents.forget(full.key)


def test_what_may_not_be_seen_changes_no_byte(laboratory: Laboratory) -> None:
    @PROFILE
    @given(st.data())
    def property_holds(data: st.DataObject) -> None:
        one_example(laboratory, data)

    laboratory.counts.clear()
    property_holds()
    counts = laboratory.counts
    assert counts["compared"] >= EXAMPLES
    assert counts["given up"] <= counts["compared"] / 50, counts
    # the comparison means something: much was changed, and many answers held rows
    assert counts["changed"] > 100 * EXAMPLES, counts
    assert counts["with data"] > EXAMPLES // 4, counts


@pytest.mark.parametrize("hole", ["rows", "values"])
def test_the_comparison_finds_a_hole(laboratory: Laboratory, hole: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can fail: with a lens that forgets its rows or its levels, an example is soon found."""
    column = lenses.Lens.column

    def leaking(self: Any, spec: Any, stored: str | None = None) -> Any:
        found = column(self, spec, stored)
        return lenses.Column(spec, self._raw(spec, stored)) if spec.read is not None else found

    if hole == "rows":
        monkeypatch.setattr(parameters, "prove", lambda *_given: None)  # which would not let it be compiled
        monkeypatch.setattr(lenses.Lens, "where", lambda self: f"{self.alias}.organization_id = {self.organization}")
    else:
        monkeypatch.setattr(lenses.Lens, "column", leaking)

    @settings(PROFILE, max_examples=60, phases=[Phase.generate])
    @given(st.data())
    def property_holds(data: st.DataObject) -> None:
        one_example(laboratory, data)

    with pytest.raises(Interference):  # it ends with the first that is found
        property_holds()


def test_the_comparison_finds_masks_that_are_forgotten(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a policy that masks: few fields can be masked, and few made-up policies show one so."""
    granted = {"Customer": (Grant(Rule("everyone"), Level.PARTNER),)}
    case = Case(granted, {}, None, Caller(ROLE, next(iter(laboratory.rows.tables["User"]))), {})
    asked = [Shape("{ customers(first: 60) { nodes { email phone annualRevenue { amount } } } }", {})]
    full = laboratory.documents.shipped
    laboratory.runner.run(laboratory.compare(full, case, asked, 1))
    monkeypatch.setattr(lenses.Lens, "mask", lambda self, spec: spec.read.mask and self._raw(spec, None))
    with pytest.raises(Interference):
        laboratory.runner.run(laboratory.compare(full, case, asked, 1))
