"""Levels cost nothing where they are the same on every row: the SQL of the benchmark's shapes is that without levels."""

import re
from collections.abc import Mapping

import pytest
from benchmarks.shapes import Shape, shapes

from crm_graph import resolvers, schema  # noqa: F401 - they fill the registries
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL, RESTRICTED, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.db.ids import uuid7
from crm_graph.entity import REGISTRY
from crm_graph.graph import types
from crm_graph.graph.documents import Documents
from crm_graph.graph.limits import Limits
from crm_graph.plan.compile import Compiler

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHAPES = shapes([uuid7()])


def everyone(level: Level, **instead: Rule) -> Policy:
    """Every row of every entity at one level; of some, the rows of a rule."""
    grants: Mapping[str, tuple[Grant, ...]] = {n: (Grant(instead.get(n, Rule.EVERYONE), level),) for n in REGISTRY}
    return Policy(grants, key=str(level))


@pytest.fixture(scope="module")
def documents() -> Documents:
    return Documents(types.full_schema(), Limits())


async def sql(documents: Documents, shape: Shape, policy: Policy) -> str:
    operation = await documents.operation(shape.query, shape.operation)
    found, _ = operation.read(shape.variables[0])
    statement = Compiler(policy, b"secret", 100_000).query(operation.roots(found))
    assert not statement.denials
    return statement.sql


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
async def test_a_static_level_leaves_no_trace(documents: Documents, shape: Shape) -> None:
    without_levels = await sql(documents, shape, everyone(RESTRICTED))
    assert await sql(documents, shape, everyone(CONFIDENTIAL)) == without_levels


@pytest.mark.parametrize("shape", [s for s in SHAPES if s.root == "customer"], ids=lambda s: s.name)
async def test_a_row_rule_adds_its_predicate_and_nothing_else(documents: Documents, shape: Shape) -> None:
    owned = await sql(documents, shape, everyone(CONFIDENTIAL, Customer=Rule.OWN, Opportunity=Rule.OWN))
    predicates = re.compile(r" AND \(t\d+\.owner_id = \$\d+::uuid\)")
    assert predicates.search(owned)
    assert numberless(predicates.sub("", owned)) == numberless(await sql(documents, shape, everyone(RESTRICTED)))


async def test_levels_that_differ_do_leave_a_trace(documents: Documents) -> None:
    """The comparison can fail."""
    differing = Policy(
        {
            **everyone(CONFIDENTIAL).grants,
            "Customer": (Grant(Rule.EVERYONE, Level.PARTNER), Grant(Rule.OWN, CONFIDENTIAL)),
        }
    )
    assert await sql(documents, SHAPES[0], differing) != await sql(documents, SHAPES[0], everyone(RESTRICTED))


def numberless(text: str) -> str:
    """Parameters are numbered as they come."""
    return re.sub(r"\$\d+", "$", text)
