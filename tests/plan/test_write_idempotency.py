"""The same key and input have one effect; another input under it is refused; keys are the caller's own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from crm_graph.plan.changes import Action, Effect
from tests.plan.write_world import World, build


@pytest.fixture
async def world(module_database_url: str) -> AsyncIterator[World]:
    world = await build(module_database_url)
    yield world
    await world.database.dispose()


async def test_a_repeated_create_answers_the_first_row(world: World) -> None:
    first = await world.do(world.rep, Action.CREATE, "Customer", once="k", name="x", city="Ulm")
    again = await world.do(world.rep, Action.CREATE, "Customer", once="k", city="Ulm", name="x")
    assert (again.effect, again.id, again.replayed, first.replayed) == (Effect.CREATED, first.id, True, False)
    assert len(await world.events()) == 1


async def test_another_input_under_the_key_is_refused(world: World) -> None:
    await world.do(world.rep, Action.CREATE, "Customer", once="k", name="x")
    before = await world.traces()
    for action, entity, name in ((Action.CREATE, "Customer", None), (Action.UPDATE, "Customer", "customer of rep")):
        other = await world.do(world.rep, action, entity, name, once="k", name="y")
        assert [(e.code, e.field) for e in other.errors] == [("IDEMPOTENCY_KEY_REUSED", ("idempotencyKey",))]
        assert other.id is None
    assert await world.traces() == before


async def test_another_caller_s_key_is_another_key(world: World) -> None:
    first = await world.do(world.rep, Action.CREATE, "Customer", once="k", name="x")
    second = await world.do(world.administrator, Action.CREATE, "Customer", once="k", name="x")
    assert not second.replayed
    assert second.id != first.id


async def test_two_at_once_have_one_effect(world: World) -> None:
    done = await asyncio.gather(*(world.do(world.rep, Action.CREATE, "Customer", once="k", name="x") for _ in range(6)))
    assert sorted(o.replayed for o in done) == [False, *[True] * 5]
    assert len({o.id for o in done}) == 1
    assert len(await world.events()) == 1


async def test_a_refused_request_may_be_repeated(world: World) -> None:
    values = {"name": "x", "customerId": world.id("Customer", "customer of rep")}
    refused = await world.do(world.partner, Action.CREATE, "Contact", once="k", **values)
    assert refused.effect is Effect.REFUSED
    assert await world.fetch("SELECT 1 FROM idempotency_keys WHERE organization_id = $1", world.organization) == []
    first = await world.do(world.rep, Action.CREATE, "Product", once="k", name="x", sku="y")
    second = await world.do(world.rep, Action.CREATE, "Customer", once="k", name="x")
    assert (first.effect, second.effect) == (Effect.REFUSED, Effect.CREATED)


async def test_a_key_is_kept_for_a_day(world: World) -> None:
    first = await world.do(world.rep, Action.CREATE, "Customer", once="k", name="x")
    async with world.transaction(world.rep) as tx:
        await (await tx.raw()).execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE organization_id = $1",
            world.organization,
        )
    second = await world.do(world.rep, Action.CREATE, "Customer", once="k", name="y")
    assert (second.effect, second.replayed) == (Effect.CREATED, False)
    assert second.id != first.id
    assert (await world.do(world.rep, Action.CREATE, "Customer", once="k", name="y")).id == second.id


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "line\nbreak"])
async def test_keys_that_cannot_be_used(world: World, key: str) -> None:
    before = await world.traces()
    refused = await world.do(world.rep, Action.CREATE, "Customer", once=key, name="x")
    assert [e.field for e in refused.errors] == [("idempotencyKey",)]
    assert await world.traces() == before


async def test_a_caller_without_a_name_has_no_keys(world: World) -> None:
    nobody = world.actor("nobody", "administrator")
    refused = await world.do(nobody, Action.CREATE, "Customer", once="k", name="x")
    assert [e.field for e in refused.errors] == [("idempotencyKey",)]
    assert await world.events() == []
