"""A refused write says which code and field, tells nothing else, and leaves nothing: no row, audit entry or event."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.db.ids import encode, uuid7
from crm_graph.plan.changes import Action, Effect, Outcome
from crm_graph.plan.writes.write import update_fields
from tests.plan.write_world import World, build

EUR = {"amount": "1", "currency": "EUR"}


@pytest.fixture
async def world(module_database_url: str) -> AsyncIterator[World]:
    world = await build(module_database_url)
    yield world
    await world.database.dispose()


def faults(outcome: Outcome) -> list[tuple[str, str]]:
    return [(e.code, ".".join(e.field)) for e in outcome.errors]


async def refused(world: World, actor, action, entity, name=None, /, **values) -> list[tuple[str, str]]:
    """Codes and fields of a refusal, which must have left nothing."""
    before = await world.traces()
    outcome = await world.do(actor, action, entity, name, **values)
    assert outcome.effect is Effect.REFUSED
    assert await world.traces() == before
    return faults(outcome)


async def test_one_field_above_the_clearance_refuses_all(world: World) -> None:
    # own customers are written up to INTERNAL by the policy
    got = await refused(
        world, world.rep, Action.UPDATE, "Customer", "customer of rep", city="Ulm", creditLimit=EUR, riskNote="r"
    )
    assert got == [("WRITE_ACCESS_DENIED", "creditLimit"), ("WRITE_ACCESS_DENIED", "riskNote")]


async def test_a_visible_row_that_is_not_writable(world: World) -> None:
    got = await refused(world, world.rep, Action.UPDATE, "Customer", "customer of stranger", city="Ulm")
    assert got == [("WRITE_ACCESS_DENIED", "city")]
    assert await refused(world, world.rep, Action.UPDATE, "Customer", "customer of stranger") == [
        ("WRITE_ACCESS_DENIED", "")
    ]
    assert await refused(world, world.rep, Action.DELETE, "Customer", "customer of rep") == [
        ("WRITE_ACCESS_DENIED", "")
    ]


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
async def test_a_hidden_row_is_answered_as_one_that_never_was(world: World, action: Action) -> None:
    values = {"name": "x"} if action is Action.UPDATE else {}
    world.ids["never"] = uuid7()
    hidden = await world.do(world.partner, action, "Opportunity", "sale of rep", **values)
    absent = await world.do(world.partner, action, "Opportunity", "never", **values)
    assert hidden == absent
    assert faults(hidden) == [("NOT_FOUND", "")]
    assert (await world.row("Opportunity", "sale of rep"))["name"] == "Sale of rep"
    assert await world.events() == []


async def test_a_forged_prefix_is_not_found(world: World) -> None:
    world.ids["forged"] = world.ids["customer of rep"]
    assert await refused(world, world.administrator, Action.UPDATE, "Opportunity", "forged", name="x") == [
        ("NOT_FOUND", "")
    ]


async def test_a_hidden_reference_is_answered_as_one_that_does_not_exist(world: World) -> None:
    async with world.transaction(world.administrator) as tx:
        await world.make(tx, "Opportunity", "sale with partner", name="s", partner_id=world.ids["partner"])
    hidden = await world.do(
        world.partner,
        Action.UPDATE,
        "Opportunity",
        "sale with partner",
        customerId=world.id("Customer", "customer of rep"),
    )
    absent = await world.do(
        world.partner, Action.UPDATE, "Opportunity", "sale with partner", customerId=encode("cus", uuid7())
    )
    wrong_kind = await world.do(
        world.partner, Action.UPDATE, "Opportunity", "sale with partner", customerId=world.id("Product", "product")
    )
    malformed = await world.do(world.partner, Action.UPDATE, "Opportunity", "sale with partner", customerId="nonsense")
    assert hidden == absent == wrong_kind == malformed
    assert faults(hidden) == [("REFERENCE_NOT_FOUND", "customerId")]
    assert (await world.row("Opportunity", "sale with partner"))["customer_id"] is None


async def test_another_organisation_s_rows_do_not_exist(world: World, module_database_url: str) -> None:
    other = await build(module_database_url)
    world.ids |= {"theirs": other.ids["customer of rep"]}
    assert await refused(world, world.administrator, Action.UPDATE, "Customer", "theirs", name="x") == [
        ("NOT_FOUND", "")
    ]
    got = await refused(
        world, world.administrator, Action.CREATE, "Contact", name="x", customerId=world.id("Customer", "theirs")
    )
    assert got == [("REFERENCE_NOT_FOUND", "customerId")]
    await other.database.dispose()


async def test_a_mate_s_customer_cannot_be_taken(world: World) -> None:
    """The team writes up to INTERNAL and so may write ownerId, but becoming the owner would raise one's clearance."""
    got = await refused(
        world, world.rep, Action.UPDATE, "Customer", "customer of mate", ownerId=world.id("User", "rep")
    )
    assert got == [("WRITE_ACCESS_DENIED", "ownerId")]


async def test_a_customer_can_be_handed_to_a_mate_but_not_out_of_reach(world: World) -> None:
    stranger, south = world.id("User", "stranger"), world.id("Team", "south")
    got = await refused(
        world, world.rep, Action.UPDATE, "Customer", "customer of rep", ownerId=stranger, teamId=south, city="Ulm"
    )
    assert got == [("WRITE_ACCESS_DENIED", "ownerId"), ("WRITE_ACCESS_DENIED", "teamId")]
    done = await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", ownerId=world.id("User", "mate"))
    assert done.effect is Effect.UPDATED


async def test_a_rep_creates_for_nobody_else(world: World) -> None:
    got = await refused(world, world.rep, Action.CREATE, "Customer", name="x", ownerId=world.id("User", "mate"))
    assert got == [("WRITE_ACCESS_DENIED", "ownerId")]
    assert await refused(world, world.rep, Action.CREATE, "Customer", name="x", creditLimit=EUR) == [
        ("WRITE_ACCESS_DENIED", "creditLimit")
    ]
    assert await refused(world, world.rep, Action.UPSERT, "Customer", key=("s", "1"), name="x", creditLimit=EUR) == [
        ("WRITE_ACCESS_DENIED", "creditLimit")
    ]


async def test_who_may_not_create(world: World) -> None:
    assert await refused(world, world.agent, Action.CREATE, "Customer", name="x") == [("WRITE_ACCESS_DENIED", "")]
    assert await refused(world, world.partner, Action.CREATE, "Competitor", name="x") == [("WRITE_ACCESS_DENIED", "")]


async def test_parts_are_written_as_their_whole_is(world: World) -> None:
    mine, theirs = world.id("Customer", "customer of rep"), world.id("Customer", "customer of stranger")
    made = await world.do(world.rep, Action.CREATE, "Contact", name="Ann", customerId=mine)
    assert made.effect is Effect.CREATED
    assert await refused(world, world.rep, Action.CREATE, "Contact", name="Ann", customerId=theirs) == [
        ("WRITE_ACCESS_DENIED", "customerId")
    ]
    hers = await world.do(world.administrator, Action.CREATE, "Contact", name="Eve", customerId=theirs)
    world.ids |= {"mine": made.id, "hers": hers.id}
    assert await refused(world, world.rep, Action.UPDATE, "Contact", "hers", name="x") == [
        ("WRITE_ACCESS_DENIED", "name")
    ]
    assert await refused(world, world.rep, Action.DELETE, "Contact", "hers") == [("WRITE_ACCESS_DENIED", "")]
    assert (await world.do(world.rep, Action.DELETE, "Contact", "mine")).effect is Effect.DELETED


async def test_only_fields_that_are_written_by_callers(world: World) -> None:
    got = await refused(
        world, world.administrator, Action.UPDATE, "Opportunity", "sale of rep", status="WON", version=7, nonsense=1
    )
    assert got == [
        ("WRITE_ACCESS_DENIED", "status"),
        ("WRITE_ACCESS_DENIED", "version"),
        ("WRITE_ACCESS_DENIED", "nonsense"),
    ]
    got = await refused(
        world, world.administrator, Action.UPDATE, "Customer", "customer of rep", externalId="e", source="s"
    )
    assert got == [("VALUE_INVALID", "source"), ("VALUE_INVALID", "externalId")]


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("name", "a\x00b", "name"),
        ("name", "\ud800", "name"),
        ("name", None, "name"),
        ("name", "  ", "name"),
        ("name", "x" * 501, "name"),
        ("name", 7, "name"),
        ("email", "j•••@example.com", "email"),
        ("phone", "•••42", "phone"),
        ("bornOn", "2026-02-30", "bornOn"),
        ("employees", 2**31, "employees"),
        ("employees", float("nan"), "employees"),
        ("kind", "ROBOT", "kind"),
        ("creditLimit", {"amount": "1.001", "currency": "EUR"}, "creditLimit"),
        ("creditLimit", {"amount": "NaN", "currency": "EUR"}, "creditLimit"),
        ("creditLimit", {"amount": "1e400", "currency": "EUR"}, "creditLimit"),
        ("creditLimit", {"amount": "1"}, "creditLimit"),
        ("creditLimit", {"amount": "1", "currency": "USD"}, "creditLimit.currency"),
        ("creditLimit", "1", "creditLimit"),
    ],
)
async def test_values_that_a_field_does_not_take(world: World, field: str, value: object, path: str) -> None:
    assert await refused(
        world, world.administrator, Action.UPDATE, "Customer", "customer of rep", **{field: value}
    ) == [("VALUE_INVALID", path)]


async def test_one_currency_a_record(world: World) -> None:
    both = {"creditLimit": EUR, "annualRevenue": {"amount": "1", "currency": "USD"}}
    assert await refused(world, world.administrator, Action.CREATE, "Customer", name="x", **both) == [
        ("VALUE_INVALID", "annualRevenue")
    ]
    made = await world.do(
        world.administrator, Action.CREATE, "Customer", name="x", creditLimit={"amount": "5", "currency": "JPY"}
    )
    row = await world.row("Customer", made.id)
    assert (row["currency"], row["credit_limit"]) == ("JPY", Decimal(5))


async def test_what_a_new_row_needs(world: World) -> None:
    assert await refused(world, world.administrator, Action.CREATE, "Product", description="d") == [
        ("VALUE_INVALID", "name"),
        ("VALUE_INVALID", "sku"),
    ]


async def test_unique_values_and_checks(world: World) -> None:
    assert await refused(world, world.administrator, Action.CREATE, "Product", name="x", sku="P-1") == [
        ("KEY_TAKEN", "sku")
    ]
    assert await refused(world, world.administrator, Action.UPDATE, "Opportunity", "sale of rep", probability=101) == [
        ("VALUE_INVALID", "probability")
    ]
    both = {"partnerId": world.id("Partner", "partner"), "customerId": world.id("Customer", "customer of rep")}
    assert await refused(world, world.administrator, Action.UPDATE, "User", "rep", **both) == [("VALUE_INVALID", "")]


async def test_a_record_in_use_does_not_say_by_what(world: World) -> None:
    before = await world.traces()
    outcome = await world.do(world.administrator, Action.DELETE, "Customer", "customer of rep")
    assert await world.traces() == before
    assert faults(outcome) == [("IN_USE", "")]
    assert "opportunit" not in outcome.errors[0].message.lower()


async def test_a_key_taken_out_of_sight_says_no_more(world: World) -> None:
    async with world.transaction(world.administrator) as tx:
        owner = {"owner_id": world.ids["stranger"], "team_id": world.ids["south"]}
        await world.make(tx, "Opportunity", "hidden sale", name="h", source="s", external_id="1", **owner)
        await world.make(
            tx, "Opportunity", "own sale", name="o", source="s", external_id="2", owner_id=world.ids["rep"]
        )
    assert await refused(world, world.rep, Action.UPSERT, "Opportunity", key=("s", "1"), name="x") == [
        ("KEY_TAKEN", "externalId")
    ]
    assert await refused(world, world.rep, Action.CREATE, "Opportunity", name="x", source="s", externalId="2") == [
        ("KEY_TAKEN", "externalId")
    ]
    assert await refused(world, world.rep, Action.UPDATE, "Opportunity", key=("s", "1"), name="x") == [
        ("NOT_FOUND", "")
    ]
    assert (await world.do(world.rep, Action.UPSERT, "Opportunity", key=("s", "2"), name="x")).effect is Effect.UPDATED


async def test_a_key_is_told_to_be_taken_only_to_who_could_use_it(world: World) -> None:
    """Else a write that is refused anyhow, and leaves no trace, would say which keys there are out of sight."""
    async with world.transaction(world.administrator) as tx:
        owner = {"owner_id": world.ids["stranger"], "team_id": world.ids["south"]}
        await world.make(tx, "Opportunity", "hidden sale", name="h", source="s", external_id="1", **owner)
        await world.make(tx, "Customer", "seen", name="c", source="s", external_id="1", **owner)
        await world.make(tx, "Customer", "own", name="c", owner_id=world.ids["rep"], source="s", external_id="2")
    theirs = {"name": "x", "ownerId": world.id("User", "mate")}
    unseen = {"name": "x", "customerId": encode("cus", uuid7())}
    for given in (theirs, unseen):
        taken = await refused(world, world.rep, Action.UPSERT, "Opportunity", key=("s", "1"), **given)
        free = await refused(world, world.rep, Action.UPSERT, "Opportunity", key=("s", "9"), **given)
        assert taken == free != []
        taken = await refused(world, world.rep, Action.CREATE, "Opportunity", source="s", externalId="1", **given)
        assert taken == await refused(
            world, world.rep, Action.CREATE, "Opportunity", source="s", externalId="9", **given
        )
    # who sees a record, and not its key, does not find it by that key
    assert await refused(world, world.rep, Action.UPSERT, "Customer", key=("s", "1"), name="x") == [
        ("KEY_TAKEN", "externalId")
    ]
    denied = await refused(world, world.rep, Action.UPSERT, "Customer", key=("s", "1"), name="x", creditLimit=EUR)
    assert denied == [("WRITE_ACCESS_DENIED", "creditLimit")]
    assert (await world.do(world.rep, Action.UPSERT, "Customer", key=("s", "2"), name="x")).effect is Effect.UPDATED


async def test_another_unique_value_is_told_to_be_taken_only_to_who_could_use_it(world: World) -> None:
    given = {"title": "t", "customerId": world.id("Customer", "customer of rep")}
    sale = world.ids["sale of stranger"]
    async with world.transaction(world.administrator) as tx:
        more = {"title": "p", "customer_id": world.ids["customer of stranger"], "opportunity_id": sale}
        await world.make(tx, "Proposal", "theirs", number="P-1", **more)
    theirs = {**given, "ownerId": world.id("User", "mate")}
    taken = await refused(world, world.rep, Action.CREATE, "Proposal", number="P-1", **theirs)
    assert taken == await refused(world, world.rep, Action.CREATE, "Proposal", number="P-2", **theirs)
    assert taken == [("WRITE_ACCESS_DENIED", "ownerId")]
    assert await refused(world, world.rep, Action.CREATE, "Proposal", number="P-1", **given) == [
        ("KEY_TAKEN", "number")
    ]


async def test_a_stale_etag_shows_the_record(world: World) -> None:
    before = await world.traces()
    stale = await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", match="stale", city="Ulm")
    assert (faults(stale), stale.id) == ([("ETAG_MISMATCH", "ifMatch")], world.ids["customer of rep"])
    assert await world.traces() == before
    [row] = await world.fetch(
        "SELECT md5(id::text || ':' || version) AS etag FROM customers WHERE id = $1", world.ids["customer of rep"]
    )
    assert (
        await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", match=row["etag"], city="Ulm")
    ).effect is Effect.UPDATED
    assert (
        faults(await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", match=row["etag"], city="Bonn"))[
            0
        ][0]
        == "ETAG_MISMATCH"
    )
    # whoever may not write is told that, not whether the record has changed
    assert (
        await refused(world, world.rep, Action.UPDATE, "Customer", "customer of stranger", match="stale", city="Ulm")
    )[0][0] == "WRITE_ACCESS_DENIED"


async def test_our_own_behaviour_asks_for_clearance(world: World) -> None:
    hidden, mates = world.ids["sale of stranger"], world.ids["sale of mate"]
    before = await world.traces()
    async with world.transaction(world.rep) as tx:
        first = await update_fields(
            tx, world.rep, "Opportunity", hidden, {"status": "WON"}, "opportunity.won", needs=INTERNAL
        )
        second = await update_fields(
            tx, world.rep, "Opportunity", mates, {"status": "WON"}, "opportunity.won", needs=CONFIDENTIAL
        )
    assert (faults(first), faults(second)) == ([("NOT_FOUND", "")], [("WRITE_ACCESS_DENIED", "status")])
    assert await world.traces() == before


async def test_updates_at_the_same_time_all_count(world: World) -> None:
    done = await asyncio.gather(
        *(world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", city=f"c{n}") for n in range(8))
    )
    assert {o.effect for o in done} == {Effect.UPDATED}
    assert (await world.row("Customer", "customer of rep"))["version"] == 9
    chain = [
        entry["changes"]["city"]
        for entry in await world.fetch(
            "SELECT changes FROM audit_entries WHERE organization_id = $1", world.organization
        )
    ]
    assert {before for before, _ in chain} - {None} <= {after for _, after in chain}
    assert len({before for before, _ in chain}) == 8


async def test_only_one_of_several_with_the_same_etag_wins(world: World) -> None:
    [row] = await world.fetch(
        "SELECT md5(id::text || ':' || version) AS etag FROM customers WHERE id = $1", world.ids["customer of rep"]
    )
    done = await asyncio.gather(
        *(
            world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", match=row["etag"], city=f"c{n}")
            for n in range(6)
        )
    )
    assert sorted(o.effect for o in done) == [*[Effect.REFUSED] * 5, Effect.UPDATED]
    assert len(await world.events()) == 1


async def test_upserts_of_one_key_at_the_same_time_make_one_row(world: World) -> None:
    done = await asyncio.gather(
        *(world.do(world.rep, Action.UPSERT, "Customer", key=("s", "1"), name=f"n{n}") for n in range(8))
    )
    assert sorted(o.effect for o in done) == [Effect.CREATED, *[Effect.UPDATED] * 7]
    assert len({o.id for o in done}) == 1
    assert (await world.row("Customer", done[0].id))["version"] == 8
    assert [e["type"] for e in await world.events()] == ["customer.created", *["customer.updated"] * 7]
