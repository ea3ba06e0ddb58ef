"""What writing needs beyond a level: assigning, sharing, categories of fields, and that nobody raises themselves."""

from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from crm_graph.auth.classification import SHIPPED, Classification, Levels
from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER, RESTRICTED, Category
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.visibility import sees
from crm_graph.plan.changes import Action, Effect
from crm_graph.plan.writes.write import write_rows
from tests.plan.test_write_refusals import EUR, faults, refused
from tests.plan.write_world import World, build


@pytest_asyncio.fixture
async def world(module_database_url: str) -> Any:
    found = await build(module_database_url)
    yield found
    await found.database.dispose()


def acting(world: World, name: str, grants: dict[str, tuple[Grant, ...]], **facts: Any) -> Any:
    """A caller with a role of these grants, and those of a sales rep for the rest."""
    classification = facts.pop("classification", SHIPPED)
    policy = resolved({"custom": {**ROLES["sales_rep"], **grants}}, frozenset({"custom"}), None, classification)
    return replace(world.actor(name), policy=policy, roles=("custom",), **facts)


ALL = Grant(Rule.EVERYONE, RESTRICTED, RESTRICTED, create=True, delete=True)


async def test_who_may_write_a_record_may_not_give_it_away_without_the_right(world: World) -> None:
    mate, south = world.id("User", "mate"), world.id("Team", "south")
    writer = acting(world, "rep", {"Customer": (ALL,)})
    got = await refused(world, writer, Action.UPDATE, "Customer", "customer of rep", ownerId=mate, city="Ulm")
    assert got == [("WRITE_ACCESS_DENIED", "ownerId")]
    got = await refused(world, writer, Action.UPDATE, "Customer", "customer of rep", teamId=south, ownerId=mate)
    assert got == [("WRITE_ACCESS_DENIED", "ownerId"), ("WRITE_ACCESS_DENIED", "teamId")]
    same = world.id("User", "rep")
    done = await world.do(writer, Action.UPDATE, "Customer", "customer of rep", ownerId=same, city="Ulm")
    assert done.effect is Effect.UPDATED, "what stays as it is is not assigned"
    assigner = acting(world, "rep", {"Customer": (replace(ALL, assign=True),)})
    done = await world.do(assigner, Action.UPDATE, "Customer", "customer of rep", ownerId=mate)
    assert done.effect is Effect.UPDATED


async def test_assigning_by_upsert_and_by_import_needs_it_too(world: World) -> None:
    async with world.transaction(world.administrator) as tx:
        await world.make(
            tx,
            "Customer",
            "keyed",
            name="k",
            source="s",
            external_id="1",
            owner_id=world.ids["rep"],
            team_id=world.ids["north"],
        )
    mate, writer = world.id("User", "mate"), acting(world, "rep", {"Customer": (ALL,)})
    got = await refused(world, writer, Action.UPSERT, "Customer", key=("s", "1"), name="k", ownerId=mate)
    assert got == [("WRITE_ACCESS_DENIED", "ownerId")]
    from crm_graph.plan.changes import ExternalKey

    before = await world.traces()
    async with world.transaction(writer) as tx:
        outcomes = await write_rows(
            tx, writer, "Customer", [(ExternalKey("s", "1"), {"name": "k", "ownerId": mate})], system=True
        )
    assert [faults(o) for o in outcomes] == [[("WRITE_ACCESS_DENIED", "ownerId")]]
    assert await world.traces() == before


async def test_an_import_moves_no_say_to_where_the_importer_sees_less(world: World) -> None:
    """A contact who may act for a rep's own customer is not made one of a mate's, of whom the rep sees less."""
    async with world.transaction(world.administrator) as tx:
        person = await world.make(tx, "Customer", "person", name="p", kind="PERSON")
        of_own = {"customer_id": world.ids["customer of rep"], "person_id": person, "name": "p"}
        for key, role in (("1", "PORTAL_ADMIN"), ("2", "PAYER")):
            await world.make(tx, "Contact", f"contact {key}", **of_own, role=role, source="s", external_id=key)
    from crm_graph.plan.changes import ExternalKey

    before, mates = await world.traces(), world.id("Customer", "customer of mate")
    async with world.transaction(world.rep) as tx:
        [one] = await write_rows(
            tx, world.rep, "Contact", [(ExternalKey("s", "1"), {"name": "p", "customerId": mates})]
        )
    assert faults(one)[0][0] == "WRITE_ACCESS_DENIED"
    assert await world.traces() == before
    for key, whom in (("2", mates), ("1", world.id("Customer", "customer of rep"))):
        rows = [(ExternalKey("s", key), {"name": f"p{key}", "customerId": whom})]
        async with world.transaction(world.rep) as tx:
            [one] = await write_rows(tx, world.rep, "Contact", rows)
        assert one.effect is Effect.UPDATED, one


async def test_a_right_to_assign_is_per_row(world: World) -> None:
    """A rep assigns what is their own, as the shipped policy says, and not what is the team's."""
    got = await refused(
        world, world.rep, Action.UPDATE, "Customer", "customer of mate", ownerId=world.id("User", "stranger")
    )
    assert got == [("WRITE_ACCESS_DENIED", "ownerId")]
    done = await world.do(world.rep, Action.UPDATE, "Customer", "customer of rep", ownerId=world.id("User", "mate"))
    assert done.effect is Effect.UPDATED


@pytest.mark.parametrize("action", [Action.UPDATE, Action.UPSERT])
async def test_nobody_takes_what_raises_their_clearance(world: World, action: Action) -> None:
    grants = {
        "Customer": (
            Grant(Rule.OWN, RESTRICTED, RESTRICTED, assign=True),
            Grant(Rule.TEAM, CONFIDENTIAL, CONFIDENTIAL, assign=True, create=True),
            Grant(Rule.EVERYONE, INTERNAL, INTERNAL, assign=True),
        )
    }
    taker = acting(world, "rep", grants)
    async with world.transaction(world.administrator) as tx:
        await world.make(
            tx,
            "Customer",
            "far",
            name="f",
            source="s",
            external_id="9",
            owner_id=world.ids["stranger"],
            team_id=world.ids["south"],
        )
    north, me = world.id("Team", "north"), world.id("User", "rep")
    for moved in ({"teamId": north}, {"ownerId": me}, {"teamId": north, "ownerId": me}):
        given = {"key": ("s", "9"), "name": "f", **moved} if action is Action.UPSERT else moved
        got = await refused(world, taker, action, "Customer", None if action is Action.UPSERT else "far", **given)
        assert {code for code, _ in got} == {"WRITE_ACCESS_DENIED"}, moved
        assert {name for _, name in got} == set(moved), moved


async def test_nobody_writes_what_clears_themselves(world: World) -> None:
    people = acting(world, "rep", {"User": (replace(ALL, assign=True),), "Team": (ALL,), "Partner": (ALL,)})
    for own in (
        {"roles": ["custom", "administrator"]},
        {"teamId": world.id("Team", "south")},
        {"partnerId": world.id("Partner", "partner")},
        {"customerId": world.id("Customer", "customer of rep")},
    ):
        got = await refused(world, people, Action.UPDATE, "User", "rep", **own)
        assert got == [("WRITE_ACCESS_DENIED", *own)], own
    assert (await world.do(people, Action.UPDATE, "User", "rep", jobTitle="Seller")).effect is Effect.UPDATED
    admin = replace(world.administrator, roles=("administrator",))
    got = await refused(world, admin, Action.UPDATE, "User", "boss", teamId=world.id("Team", "south"))
    assert got == [("WRITE_ACCESS_DENIED", "teamId")]


async def test_moving_a_team_below_one_s_own_is_for_who_writes_the_policy(world: World) -> None:
    """Who leads a team sees what those below it see."""
    people, north = acting(world, "rep", {"Team": (ALL,)}), world.id("Team", "north")
    assert await refused(world, people, Action.UPDATE, "Team", "south", parentId=north, name="S") == [
        ("WRITE_ACCESS_DENIED", "parentId")
    ]
    assert (await world.do(people, Action.UPDATE, "Team", "south", name="S")).effect is Effect.UPDATED
    assert (
        await world.do(world.administrator, Action.UPDATE, "Team", "south", parentId=north)
    ).effect is Effect.UPDATED


async def test_nobody_gives_roles_that_they_lack(world: World) -> None:
    people = acting(world, "rep", {"User": (replace(ALL, assign=True),)})
    puppet = {"name": "P", "email": "p@example.com", "roles": ["administrator"]}
    assert await refused(world, people, Action.CREATE, "User", **puppet) == [("WRITE_ACCESS_DENIED", "roles")]
    assert await refused(world, people, Action.UPDATE, "User", "mate", roles=["custom", "sales_manager"]) == [
        ("WRITE_ACCESS_DENIED", "roles")
    ]


SHARES = {
    "Customer": (
        Grant(Rule.OWN, CONFIDENTIAL, INTERNAL),
        Grant(Rule.TEAM, INTERNAL, INTERNAL),
        Grant(Rule.EVERYONE, PARTNER),
    ),
    "CustomerShare": (Grant(Rule.EVERYONE, CONFIDENTIAL, CONFIDENTIAL, create=True, delete=True),),
}


async def test_a_share_gives_no_more_than_its_giver_has(world: World) -> None:
    giver = acting(world, "rep", SHARES)
    mine, mates, far = (world.id("Customer", f"customer of {who}") for who in ("rep", "mate", "stranger"))
    to = {"userId": world.id("User", "stranger")}
    done = await world.do(giver, Action.CREATE, "CustomerShare", customerId=mine, level="CONFIDENTIAL", **to)
    assert done.effect is Effect.CREATED
    done = await world.do(giver, Action.CREATE, "CustomerShare", customerId=mates, level="INTERNAL", **to)
    assert done.effect is Effect.CREATED
    world.ids["share"] = done.id
    got = await refused(world, giver, Action.CREATE, "CustomerShare", customerId=mates, level="CONFIDENTIAL", **to)
    assert got == [("WRITE_ACCESS_DENIED", "level")]
    got = await refused(world, giver, Action.UPDATE, "CustomerShare", "share", level="CONFIDENTIAL")
    assert got == [("WRITE_ACCESS_DENIED", "level")]
    got = await refused(
        world, giver, Action.UPSERT, "CustomerShare", key=("s", "1"), customerId=mates, level="CONFIDENTIAL", **to
    )
    assert got == [("WRITE_ACCESS_DENIED", "level")]
    # seen, and not written
    got = await refused(world, giver, Action.CREATE, "CustomerShare", customerId=far, level="PUBLIC", **to)
    assert got == [("WRITE_ACCESS_DENIED", "customerId")]
    got = await refused(
        world, giver, Action.CREATE, "CustomerShare", customerId=mine, level="PARTNER", userId=world.id("User", "rep")
    )
    assert got == [("WRITE_ACCESS_DENIED", "userId")]
    hidden = acting(world, "rep", {**SHARES, "User": (Grant(Rule.SELF, PARTNER),)})
    got = await refused(world, hidden, Action.CREATE, "CustomerShare", customerId=mine, level="PARTNER", **to)
    assert got == [("REFERENCE_NOT_FOUND", "userId")]


async def test_a_share_that_is_above_its_writer_is_not_prolonged(world: World) -> None:
    async with world.transaction(world.administrator) as tx:
        await world.make(
            tx, "CustomerShare", "high", customer_id=world.ids["customer of mate"], user_id=world.ids["stranger"],
            level="CONFIDENTIAL",
        )  # fmt: skip
    giver = acting(world, "rep", SHARES)
    got = await refused(world, giver, Action.UPDATE, "CustomerShare", "high", validUntil="2050-01-01T00:00:00Z")
    assert got == [("WRITE_ACCESS_DENIED", "level")]
    assert (await world.do(giver, Action.UPDATE, "CustomerShare", "high", level="INTERNAL")).effect is Effect.UPDATED


async def test_a_category_left_out_is_left_out_of_shares_one_makes(world: World) -> None:
    grants = {
        **SHARES,
        "Customer": (Grant(Rule.EVERYONE, CONFIDENTIAL, INTERNAL, without=frozenset({Category.COMMERCIAL})),),
    }
    giver, to = acting(world, "rep", grants), {"userId": world.id("User", "stranger")}
    got = await refused(
        world,
        giver,
        Action.CREATE,
        "CustomerShare",
        customerId=world.id("Customer", "customer of rep"),
        level="PUBLIC",
        **to,
    )
    assert got == [("WRITE_ACCESS_DENIED", "level")]


async def test_a_share_reaches_the_parts_that_are_named_and_no_other_partner_s(world: World) -> None:
    """A partner's people see orders as part of customers, by a policy of the organisation's own."""
    facts = {"kind": "partner", "partner_id": world.ids["partner"]}
    grants: dict[str, tuple[Grant, ...]] = {
        **ROLES["partner_rep"],
        "Order": (Grant(Rule.PARTNER, PARTNER), Grant(Rule.PARENT, INTERNAL, INTERNAL)),
        "Ticket": (Grant(Rule.PARENT, INTERNAL),),
        "ChangeRequest": (Grant(Rule.PARENT, INTERNAL),),
        "OrderLine": (Grant(Rule.PARENT, INTERNAL),),
    }
    policy = resolved({"custom": grants}, frozenset({"custom"}))
    reseller = replace(world.partner, policy=policy, partner_id=facts["partner_id"])
    customer, day = world.ids["customer of rep"], "2026-01-01T00:00:00Z"
    async with world.transaction(world.administrator) as tx:
        await world.make(tx, "Partner", "rival", name="Rival")
        await world.make(
            tx, "CustomerShare", "share", customer_id=customer, partner_id=world.ids["partner"], level="INTERNAL"
        )
        for name, partner in (("ours", "partner"), ("theirs", "rival"), ("direct", None)):
            more = {"partner_id": world.ids[partner]} if partner else {}
            await world.make(tx, "Order", name, number=name, customer_id=customer, placed_at=day, **more)
            await world.make(tx, "OrderLine", f"line {name}", order_id=world.ids[name], product_id=world.ids["product"])
        await world.make(tx, "Ticket", "ticket", number="T1", subject="s", customer_id=customer, opened_at=day)
        await world.make(
            tx, "ChangeRequest", "change", customer_id=customer, entity="Customer", row_id=customer, field="name",
            waits_for="APPROVAL", after_value="x", expires_at="2050-01-01T00:00:00Z",
        )  # fmt: skip
        seen = {
            name: await sees(tx, reseller, REGISTRY[entity], world.ids[name])
            for entity, names in {
                "Order": ("ours", "theirs", "direct"),
                "OrderLine": ("line ours", "line theirs", "line direct"),
                "Ticket": ("ticket",),
                "ChangeRequest": ("change",),
            }.items()
            for name in names
        }
    assert seen == {
        "ours": True,
        "theirs": False,
        "direct": True,
        "line ours": True,
        "line theirs": False,
        "line direct": True,
        "ticket": True,
        "change": False,
    }
    assert await refused(world, reseller, Action.UPDATE, "Order", "theirs", channel="PHONE") == [("NOT_FOUND", "")]
    assert await refused(world, reseller, Action.UPDATE, "Order", "ours", status="PAID") == [
        ("WRITE_ACCESS_DENIED", "status")
    ]


@pytest.fixture
def commercial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Customers' credit limit is about what we earn, in this test."""
    specs = dict(REGISTRY["Customer"].__specs__)
    limit = specs["credit_limit"]
    assert limit.read is not None
    specs["credit_limit"] = replace(limit, read=replace(limit.read, category=Category.COMMERCIAL))
    monkeypatch.setattr(REGISTRY["Customer"], "__specs__", specs)
    _forget()
    monkeypatch.setattr("crm_graph.plan.writes.statement._built", {})


def _forget() -> None:
    from crm_graph.plan.access import fields
    from crm_graph.plan.writes import draft, prepare

    for cached in (draft._inputs, fields.classified, prepare._known_form, prepare._new_form):
        cached.cache_clear()


@pytest.mark.usefixtures("commercial")
async def test_a_category_that_a_grant_leaves_out_is_not_written_by_it(world: World) -> None:
    without = frozenset({Category.COMMERCIAL})
    grants = {
        "Customer": (
            Grant(Rule.EVERYONE, RESTRICTED, RESTRICTED, create=True, without=without),
            Grant(Rule.OWN, CONFIDENTIAL, CONFIDENTIAL),
        )
    }
    writer = acting(world, "rep", grants)
    try:
        got = await refused(world, writer, Action.UPDATE, "Customer", "customer of mate", creditLimit=EUR, city="Ulm")
        assert got == [("WRITE_ACCESS_DENIED", "creditLimit")]
        assert (
            await world.do(writer, Action.UPDATE, "Customer", "customer of mate", riskNote="r")
        ).effect is Effect.UPDATED
        done = await world.do(writer, Action.UPDATE, "Customer", "customer of rep", creditLimit=EUR, riskNote="r")
        assert done.effect is Effect.UPDATED, "the other grant has the category"
        got = await refused(world, writer, Action.CREATE, "Customer", name="n", creditLimit=EUR, riskNote="r")
        assert got == [("WRITE_ACCESS_DENIED", "creditLimit")]
        assert (await world.do(writer, Action.CREATE, "Customer", name="n", riskNote="r")).effect is Effect.CREATED
    finally:
        _forget()


@pytest.mark.parametrize(
    ("coordinate", "field", "masked"),
    [
        ("Customer.annualRevenue", "annualRevenue", {"amount": "100000", "currency": "EUR"}),
        ("Customer.creditLimit", "creditLimit", {"amount": "5000", "currency": "EUR"}),
        ("Customer.bornOn", "bornOn", "1990-01-01"),
        ("Customer.email", "email", "a@example.com"),
        ("Customer.phone", "phone", "+4930901820"),
    ],
)
async def test_who_sees_a_mask_cannot_write_it_back(world: World, coordinate: str, field: str, masked: object) -> None:
    """Not even where the organisation lets lower clearances write a field than read it."""
    levels = Classification.of({coordinate: Levels(RESTRICTED, INTERNAL)}, ())
    writer = acting(
        world,
        "rep",
        {"Customer": (Grant(Rule.EVERYONE, CONFIDENTIAL, CONFIDENTIAL, create=True),)},
        classification=levels,
    )
    got = await refused(world, writer, Action.UPDATE, "Customer", "customer of rep", **{field: masked})
    assert got == [("WRITE_ACCESS_DENIED", field)]
    got = await refused(world, writer, Action.CREATE, "Customer", name="n", **{field: masked})
    assert got == [("WRITE_ACCESS_DENIED", field)]
