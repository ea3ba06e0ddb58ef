"""An organisation's policy in its callers: by token, key, host and address, in every process, as soon as it changes."""

import json
from uuid import UUID

import pytest

from crm_graph.auth import callers
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PUBLIC
from crm_graph.auth.policy import resolve
from crm_graph.auth.policy.loading import AccessPolicies
from crm_graph.auth.rights import Right
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lanes
from tests.auth.conftest import World, bearing, request
from tests.auth.test_cache import until

NARROW = {"roles": {"sales_rep": {"grants": {"Customer": [{"rule": "own", "read": "INTERNAL"}]}}}}
HIDE = {"levels": {"Product.name": {"read": "PARTNER"}}}


async def says(world: World, organization: UUID, version: int, document: object) -> None:
    await world.admin.execute(
        "INSERT INTO access_policies (organization_id, id, version, document, note) VALUES ($1, $2, $3, $4, '')",
        organization, uuid7(), version, json.dumps(document),
    )  # fmt: skip


async def test_a_new_version_reaches_every_process_at_once_and_goes_when_it_is_deleted(world: World) -> None:
    organization = await world.organization("acme.test")
    token = await world.key(organization, await world.user(organization))
    lanes = await Lanes.open(world.url, 2)
    shipped = resolve(frozenset({"sales_rep"}))
    async with world.authenticator() as one, world.authenticator(lanes) as two:
        for process in (one, two):
            assert (await process.actor(bearing(token))).policy == shipped
        await says(world, organization, 1, NARROW)
        for process in (one, two):
            await until(
                lambda process=process: process.actor(bearing(token)),  # type: ignore[misc]
                lambda a: [g.read for g in a.policy.on("Customer")] == [INTERNAL],
            )
            assert (await process.actor(bearing(token))).policy.on("Contact") == shipped.on("Contact")
        await world.admin.execute("TRUNCATE access_policies")
        for process in (one, two):
            await until(
                lambda process=process: process.actor(bearing(token)),  # type: ignore[misc]
                lambda a: a.policy == shipped,
            )
    await lanes.close()


async def test_the_policy_is_one_organisations_alone_and_the_highest_version_counts(
    world: World, authenticator: Authenticator
) -> None:
    one, two = await world.organization("acme.test"), await world.organization("other.test")
    await says(world, one, 2, NARROW)
    await says(world, one, 1, {"roles": {"sales_rep": {"grants": {"Customer": []}}}})
    tokens = [await world.key(o, await world.user(o)) for o in (one, two)]
    mine, theirs = [(await authenticator.actor(bearing(token))).policy for token in tokens]
    assert [g.read for g in mine.on("Customer")] == [INTERNAL]
    assert theirs == resolve(frozenset({"sales_rep"}))
    assert mine.key != theirs.key


async def test_storefronts_and_the_command_line_have_it_too(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization, email="ada@acme.test")

    async def storefront() -> object:
        return await authenticator.actor(request(("Host", "acme.test")))

    before = await authenticator.actor(request(("Host", "acme.test")))
    assert before.policy.on("Product")[0].read is PUBLIC
    await says(world, organization, 1, {**NARROW, **HIDE})
    await until(storefront, lambda a: "Product.name" in a.policy.classification.levels)  # type: ignore[arg-type]
    for people in (
        await callers.by_user(world.admin, organization, user),
        await callers.by_email(world.admin, None, "ada@acme.test"),
    ):
        assert [g.read for g in people[0].actor.policy.on("Customer")] == [INTERNAL]
        assert "Product.name" in people[0].actor.policy.classification.levels


async def test_scopes_narrow_grants_and_rights_of_the_organisations_policy(
    world: World, authenticator: Authenticator
) -> None:
    organization = await world.organization("acme.test")
    auditor = {"custom": True, "rights": ["policy:read", "policy:write"], "grants": {
        "Customer": [{"rule": "everyone", "read": "CONFIDENTIAL", "write": "INTERNAL", "create": True}]}}  # fmt: skip
    await says(world, organization, 1, {"roles": {"auditor": auditor}})
    user = await world.user(organization, roles=["auditor"])

    full = (await authenticator.actor(bearing(await world.key(organization, user)))).policy
    assert full.rights == {Right.POLICY_READ, Right.POLICY_WRITE}
    assert full.on("Customer")[0].read is CONFIDENTIAL
    for scopes, rights in [
        (["customers:read:internal"], set()),
        (["*:write:restricted"], set()),
        (["policy:read"], {Right.POLICY_READ}),
        (["policy:write"], {Right.POLICY_READ, Right.POLICY_WRITE}),
        (["access:view_as"], set()),
    ]:
        found = (await authenticator.actor(bearing(await world.key(organization, user, scopes)))).policy
        assert found.rights == rights, scopes
        if scopes[0].startswith("customers"):
            assert [(g.read, g.write, g.create) for g in found.on("Customer")] == [(INTERNAL, None, False)]


async def test_what_the_code_knows_no_more_grants_less_and_stops_nobody(
    world: World, authenticator: Authenticator, caplog: pytest.LogCaptureFixture
) -> None:
    organization = await world.organization("acme.test")
    document = {
        "roles": {
            "sales_rep": {"grants": {"Customer": [
                {"rule": "own", "read": "INTERNAL"}, {"rule": "by_moon", "read": "RESTRICTED"},
                {"rule": "team", "read": "PARTNER", "without": ["SECRET"]}], "Spaceship": [
                {"rule": "everyone", "read": "PUBLIC"}]}},
            "service_agent": {"grants": "all of them"},
            "pilot": {"grants": {"Customer": [{"rule": "everyone", "read": "PUBLIC"}]}},
        },
        "levels": {"Customer.creditLimit": {"read": "COSMIC"}, "Nothing.here": {"read": "PUBLIC"}},
    }  # fmt: skip
    await says(world, organization, 1, document)
    tokens = {
        role: await world.key(organization, await world.user(organization, roles=[role], name=role))
        for role in ("sales_rep", "service_agent", "pilot")
    }
    found = {role: (await authenticator.actor(bearing(token))).policy for role, token in tokens.items()}
    assert [(g.rule, g.read) for g in found["sales_rep"].on("Customer")] == [("own", INTERNAL)]
    assert found["sales_rep"].on("Spaceship") == ()
    assert found["service_agent"].grants == {}  # not what is shipped: nobody knows how it was narrowed
    assert found["pilot"].grants == {}
    assert found["sales_rep"].classification.levels["Customer.creditLimit"].read == 50
    said = caplog.text
    for path in ("Customer.1.rule", "Customer.2.without", "Spaceship", "service_agent.grants", "pilot", "creditLimit"):
        assert path in said, path


@pytest.mark.parametrize("document", [[], "x", None, {"roles": []}, {"levels": 5}, {"later": {}}])
async def test_a_document_that_cannot_be_read_grants_nobody_anything(
    world: World, authenticator: Authenticator, document: object
) -> None:
    organization = await world.organization("acme.test")
    await says(world, organization, 1, document)
    token = await world.key(organization, await world.user(organization, roles=["administrator"]))
    found = (await authenticator.actor(bearing(token))).policy
    assert found.grants == {}
    assert found.rights == frozenset()


async def test_a_policy_is_read_once_a_revision_and_few_are_kept(world: World) -> None:
    first, second = await world.organization("acme.test"), await world.organization("other.test")
    asked: list[UUID] = []

    async def fetch(sql: str, arguments: object) -> bytes | None:
        asked.append(arguments[0])  # type: ignore[index]
        return (await world.admin.fetchval(sql, *arguments)).encode()  # type: ignore[misc,no-any-return]

    async def revision(organization: UUID) -> str:
        query = "SELECT revision::text FROM access_revisions WHERE organization_id = $1"
        return str(await world.admin.fetchval(query, organization))

    policies = AccessPolicies(capacity=1)
    assert (await policies.at(first, None, fetch)).version == 0
    await says(world, first, 1, NARROW)
    await says(world, second, 1, NARROW)
    for organization in (first, first, second, second, first):
        assert (await policies.at(organization, await revision(organization), fetch)).version == 1
    assert asked == [first, second, first]
    await says(world, first, 2, {})
    assert (await policies.at(first, await revision(first), fetch)).version == 2
