"""What a permitted write leaves: the row, its version, its audit entry and its event, in few statements."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from crm_graph.auth.levels import INTERNAL
from crm_graph.plan.changes import Action, Change, Effect, ExternalKey
from crm_graph.plan.writes.write import insert_fields, update_fields, write, write_rows
from tests.plan.write_world import World, build


@pytest.fixture
async def world(module_database_url: str) -> AsyncIterator[World]:
    world = await build(module_database_url)
    yield world
    await world.database.dispose()


async def test_create_writes_row_audit_and_event(world: World) -> None:
    made = await world.do(
        world.administrator,
        Action.CREATE,
        "Customer",
        name="Ada",
        bornOn="1815-12-10",
        creditLimit={"amount": "12.5", "currency": "EUR"},
    )
    assert (made.effect, made.errors) == (Effect.CREATED, ())
    row = await world.row("Customer", made.id)
    assert (row["name"], row["born_on"], row["credit_limit"], row["version"]) == (
        "Ada",
        date(1815, 12, 10),
        Decimal("12.50"),
        1,
    )
    assert (row["stage"], row["currency"], row["owner_id"]) == ("PROSPECT", "EUR", None)
    assert datetime.now(UTC).timestamp() - row["created_at"].timestamp() < 60
    [entry] = await world.audit()
    assert (entry["action"], entry["entity"], entry["row_id"], entry["actor_id"]) == (
        "create",
        "Customer",
        made.id,
        world.ids["boss"],
    )
    assert entry["changes"]["credit_limit"] == [None, 12.5]
    assert "risk_note" not in entry["changes"]
    [event] = await world.events()
    assert (event["type"], event["row_id"], event["payload"]["id"]) == ("customer.created", made.id, str(made.id))
    assert "Ada" not in str(event["payload"])


async def test_update_changes_only_what_differs(world: World) -> None:
    done = await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", name="Customer of rep", city="Ulm")
    assert done.effect is Effect.UPDATED
    row = await world.row("Customer", "customer of rep")
    assert (row["city"], row["version"], row["credit_limit"]) == ("Ulm", 2, Decimal(5000))
    assert row["updated_at"] > row["created_at"]
    [entry] = await world.audit()
    assert entry["changes"] == {"city": [None, "Ulm"]}
    [event] = await world.events()
    assert event["payload"] == {"id": str(done.id), "fields": ["city"]}
    [before, after] = await world.fetch(
        "SELECT city, history_channel, history_actor_id FROM customers_history WHERE id = $1 ORDER BY history_from",
        done.id,
    )
    assert (before["city"], after["city"], after["history_actor_id"]) == (None, "Ulm", world.ids["rep"])


async def test_an_update_without_a_difference_writes_nothing(world: World) -> None:
    before = await world.traces()
    done = await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", name="Customer of rep", city=None)
    assert (done.effect, done.id) == (Effect.UNCHANGED, world.ids["customer of rep"])
    assert await world.traces() == before


async def test_delete_takes_owned_rows_along(world: World) -> None:
    made = await world.do(
        world.administrator, Action.CREATE, "Contact", name="Ann", customerId=world.id("Customer", "customer of mate")
    )
    await world.do(world.administrator, Action.DELETE, "Opportunity", "sale of mate")
    gone = await world.do(world.administrator, Action.DELETE, "Customer", "customer of mate")
    assert (gone.effect, gone.errors) == (Effect.DELETED, ())
    assert await world.row("Customer", "customer of mate") is None
    assert await world.row("Contact", made.id) is None
    entry = (await world.audit())[-1]
    assert entry["action"] == "delete"
    assert entry["changes"]["name"] == ["Customer of mate", None]
    assert (await world.events())[-1]["type"] == "customer.deleted"


async def test_upsert_creates_then_updates_then_leaves_alone(world: World) -> None:
    effects = []
    for name in ("One", "Two", "Two"):
        done = await world.do(world.administrator, Action.UPSERT, "Customer", key=("legacy", "c1"), name=name)
        effects.append(done.effect)
    assert effects == [Effect.CREATED, Effect.UPDATED, Effect.UNCHANGED]
    row = await world.row("Customer", done.id)
    assert (row["name"], row["version"], row["source"], row["external_id"]) == ("Two", 2, "legacy", "c1")
    assert [e["type"] for e in await world.events()] == ["customer.created", "customer.updated"]


async def test_update_and_delete_by_external_key(world: World) -> None:
    await world.do(world.administrator, Action.UPSERT, "Customer", key=("legacy", "c1"), name="One")
    done = await world.do(world.administrator, Action.UPDATE, "Customer", key=("legacy", "c1"), city="Ulm")
    assert done.effect is Effect.UPDATED
    assert (
        await world.do(world.administrator, Action.DELETE, "Customer", key=("legacy", "c1"))
    ).effect is Effect.DELETED


async def test_a_write_is_one_statement_in_a_savepoint(world: World) -> None:
    async with world.transaction(world.rep) as tx:
        await write(
            tx,
            world.rep,
            Change("Customer", Action.UPDATE, world.id("Customer", "customer of mate"), values={"city": "Ulm"}),
        )
        log: list[str] = []
        (await tx.raw()).add_query_logger(lambda record: log.append(record.query))
        change = Change("Customer", Action.UPDATE, world.id("Customer", "customer of rep"), values={"city": "Ulm"})
        await write(tx, world.rep, change)
        await asyncio.sleep(0)  # asyncpg tells its loggers in the next turn of the loop
        sent = list(log)  # what follows belongs to the transaction
    assert [query.split()[0] for query in sent] == ["SAVEPOINT", "WITH", "RELEASE"]


async def test_a_rep_s_new_customer_is_theirs(world: World) -> None:
    made = await world.do(world.rep, Action.CREATE, "Customer", name="New")
    row = await world.row("Customer", made.id)
    assert (row["owner_id"], row["team_id"]) == (world.ids["rep"], world.ids["north"])


async def test_a_rep_s_upserted_customer_is_theirs(world: World) -> None:
    made = await world.do(world.rep, Action.UPSERT, "Customer", key=("mine", "1"), name="New")
    row = await world.row("Customer", made.id)
    assert (row["owner_id"], row["team_id"]) == (world.ids["rep"], world.ids["north"])
    again = await world.do(world.rep, Action.UPSERT, "Customer", key=("mine", "1"), name="Newer")
    assert again.effect is Effect.UPDATED
    assert (await world.row("Customer", made.id))["owner_id"] == world.ids["rep"]


async def test_lists_choices_and_times_are_stored_as_they_are(world: World) -> None:
    made = await world.do(
        world.administrator, Action.CREATE, "User", name="N", roles=["sales_rep", "service_agent"], status="SUSPENDED"
    )
    row = await world.row("User", made.id)
    assert (row["roles"], row["status"]) == (["sales_rep", "service_agent"], "SUSPENDED")
    world.ids["organization"] = world.organization
    hosts = ["one.test", 'a "quoted", one']
    await world.do(world.administrator, Action.UPDATE, "Organization", "organization", hosts=hosts)
    assert (await world.row("Organization", "organization"))["hosts"] == hosts
    made = await world.do(
        world.administrator,
        Action.CREATE,
        "Order",
        number="O-1",
        customerId=world.id("Customer", "customer of rep"),
        placedAt="2026-01-31T09:30:00.123456+01:00",
    )
    assert (await world.row("Order", made.id))["placed_at"] == datetime(2026, 1, 31, 8, 30, 0, 123456, UTC)


async def test_many_rows_are_one_statement(world: World) -> None:
    await world.do(world.administrator, Action.UPSERT, "Customer", key=("bulk", "1"), name="n1", employees=1)
    await world.do(world.administrator, Action.UPSERT, "Customer", key=("bulk", "2"), name="old", employees=2)
    rows = [(ExternalKey("bulk", str(n)), {"name": f"n{n}", "employees": n}) for n in range(1, 501)]
    async with world.transaction(world.administrator) as tx:
        sent: list[str] = []
        (await tx.raw()).add_query_logger(lambda record: sent.append(record.query))
        outcomes = await write_rows(tx, world.administrator, "Customer", rows)
    assert [o.effect for o in outcomes[:3]] == [Effect.UNCHANGED, Effect.UPDATED, Effect.CREATED]
    assert {o.effect for o in outcomes[2:]} == {Effect.CREATED}
    assert len([q for q in sent if q.startswith("WITH")]) == 1
    stored = await world.fetch(
        "SELECT name FROM customers"
        " WHERE organization_id = $1 AND source = 'bulk' AND employees::text = external_id"
        " AND name = 'n' || external_id",
        world.organization,
    )
    assert len(stored) == 500
    assert len(await world.events()) == 2 + 499


async def test_one_bad_row_does_not_take_the_others_along(world: World) -> None:
    rows = [(ExternalKey("bulk", str(n)), {"name": f"n{n}", "sku": "P-1" if n == 7 else f"B-{n}"}) for n in range(20)]
    rows.append((ExternalKey("bulk", "3"), {"name": "again", "sku": "B-99"}))
    async with world.transaction(world.administrator) as tx:
        outcomes = await write_rows(tx, world.administrator, "Product", rows)
    refused = {n: o.errors[0].code for n, o in enumerate(outcomes) if o.effect is Effect.REFUSED}
    assert refused == {7: "KEY_TAKEN", 20: "KEY_TAKEN"}
    assert len(await world.events()) == 19


async def test_our_own_behaviour_sets_what_callers_cannot(world: World) -> None:
    sale = world.ids["sale of rep"]
    async with world.transaction(world.rep) as tx:
        done = await update_fields(
            tx, world.rep, "Opportunity", sale, {"status": "WON", "probability": 100}, "opportunity.won", needs=INTERNAL
        )
        change = {"opportunity_id": sale, "changed_at": datetime.now(UTC), "changed_by_id": world.rep.user_id}
        noted = await insert_fields(tx, world.rep, "StageChange", change)
    assert (done.effect, noted.effect) == (Effect.UPDATED, Effect.CREATED)
    assert (await world.row("Opportunity", sale))["status"] == "WON"
    assert [e["type"] for e in await world.events()] == ["opportunity.won", "stage_change.created"]
