"""A category of fields that a grant leaves out: who may decide about a change of such a field, and what explains it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
import pytest_asyncio

from crm_graph.auth.actor import Actor
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL, RESTRICTED, Category
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call, Run
from crm_graph.plan.policies.explain import Shown, explain
from crm_graph.resolvers.changes import approve_change, reject_change
from tests.plan.write_world import World, build

ALL = Grant(Rule.EVERYONE, RESTRICTED, RESTRICTED, create=True)


@pytest_asyncio.fixture
async def world(module_database_url: str) -> AsyncIterator[World]:
    found = await build(module_database_url)
    yield found
    await found.database.dispose()


def acting(world: World, **grants: tuple[Grant, ...]) -> Actor:
    policy = resolved({"custom": grants}, frozenset({"custom"}))
    return replace(world.actor("rep"), policy=policy, roles=("custom",))


async def ask(world: World, field: str, after: str) -> UUID:
    """What a customer wants changed of themselves, waiting for approval."""
    customer = world.ids["customer of rep"]
    async with world.transaction(world.administrator) as tx:
        return await world.make(
            tx,
            "ChangeRequest",
            field,
            customer_id=customer,
            entity="Customer",
            row_id=customer,
            field=field,
            waits_for="APPROVAL",
            after_value=after,
            requested_by_id=world.ids["mate"],
            expires_at="2999-01-01T00:00:00Z",
        )


async def decide(world: World, actor: Actor, verb: Run, change: UUID) -> Outcome:
    async with world.transaction(actor) as tx:
        return await verb(Call(tx, actor, change, {"reason": "no"} if verb is reject_change else {}))


async def test_who_lacks_the_category_decides_nothing_about_it(world: World) -> None:
    without = replace(ALL, without=frozenset({Category.PERSONAL}))
    clerk = acting(world, Customer=(without,), ChangeRequest=(ALL,))
    born, tax = await ask(world, "bornOn", "1990-05-17"), await ask(world, "taxNumber", "DE123456788")
    before = await world.traces()
    for verb in (reject_change, approve_change):
        refused = await decide(world, clerk, verb, born)
        assert [e.code for e in refused.errors] == ["WRITE_ACCESS_DENIED"]
    assert await world.traces() == before
    done = await decide(world, clerk, reject_change, tax)
    assert done.effect is Effect.UPDATED, "a field of no category, at the same level"
    other = acting(world, Customer=(without, Grant(Rule.OWN, CONFIDENTIAL, CONFIDENTIAL)), ChangeRequest=(ALL,))
    done = await decide(world, other, reject_change, born)
    assert done.effect is Effect.UPDATED, "another grant has the category"


@pytest.mark.parametrize("left_out", [True, False])
async def test_a_part_is_explained_without_what_its_whole_leaves_out(world: World, left_out: bool) -> None:
    async with world.transaction(world.administrator) as tx:
        customer, product = world.ids["customer of rep"], world.ids["product"]
        placed = {"number": "1", "customer_id": customer, "placed_at": "2026-01-01T00:00:00Z"}
        order = await world.make(tx, "Order", "order", **placed)
        line = await world.make(tx, "OrderLine", "line", order_id=order, product_id=product, unit_cost=1)
    whole = replace(ALL, without=frozenset({Category.COMMERCIAL} if left_out else ()))
    clerk = acting(world, Order=(whole,), OrderLine=(replace(ALL, rule=Rule.PARENT),))
    entity = REGISTRY["OrderLine"]
    async with world.transaction(clerk) as tx:
        cost = await explain(await tx.raw(), clerk, entity, entity.__specs__["unit_cost"], line)
        quantity = await explain(await tx.raw(), clerk, entity, entity.__specs__["quantity"], line)
    assert cost
    assert quantity
    assert (quantity.by, quantity.may_write) == ((Rule.PARENT,), True)
    assert (cost.shown, cost.by, cost.may_write) == (
        (Shown.HIDDEN, (), False) if left_out else (Shown.VALUE, (Rule.PARENT,), True)
    )
