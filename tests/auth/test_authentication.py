from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth.actor import ActorKind
from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.levels import CONFIDENTIAL, PARTNER
from crm_graph.errors import Unauthenticated, UnknownHost
from tests.auth.conftest import World, bearing, request

NEVER_A_TOKEN = "crm_key_abcdefgh_" + "x" * 43


async def test_a_key_brings_all_that_its_user_is(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    top = await world.row("teams", organization, name="Sales")
    below = await world.row("teams", organization, name="North", parent_id=top)
    lowest = await world.row("teams", organization, name="Bergen", parent_id=below)
    await world.row("teams", organization, name="Beside")
    user = await world.user(organization, team_id=top, roles=["sales_manager"])
    before = world.lanes.statements
    actor = await authenticator.actor(bearing(await world.key(organization, user)))
    assert world.lanes.statements == before + 1
    assert actor.organization_id == organization
    assert (actor.user_id, actor.kind, actor.currency, actor.roles) == (
        user,
        ActorKind.STAFF,
        "CHF",
        ("sales_manager",),
    )
    assert set(actor.team_ids) == {top, below, lowest}
    assert set(actor.grantee_ids) == {user, top, below, lowest}
    assert actor.policy.on("Customer")[0].read == CONFIDENTIAL


async def test_teams_in_a_circle_end(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    one = await world.row("teams", organization, name="One")
    two = await world.row("teams", organization, name="Two", parent_id=one)
    # one from before the database refused them
    await world.admin.execute("ALTER TABLE teams DISABLE TRIGGER crm_refuse_team_circle")
    await world.admin.execute("UPDATE teams SET parent_id = $1 WHERE id = $2", two, one)
    user = await world.user(organization, team_id=two)
    actor = await authenticator.actor(bearing(await world.key(organization, user)))
    assert set(actor.team_ids) == {one, two}


async def test_partner_and_customer_are_kinds_of_their_own(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    partner = await world.row("partners", organization, name="Reseller", kind="RESELLER")
    customer = await world.row("customers", organization, name="Buyer", kind="PERSON", stage="CUSTOMER", currency="CHF")
    theirs = await world.user(organization, roles=["partner_rep"], partner_id=partner)
    buyer = await world.user(organization, roles=["customer"], customer_id=customer)
    actor = await authenticator.actor(bearing(await world.key(organization, theirs)))
    assert (actor.kind, actor.partner_id, actor.customer_id) == (ActorKind.PARTNER, partner, None)
    assert partner in actor.grantee_ids
    actor = await authenticator.actor(bearing(await world.key(organization, buyer)))
    assert (actor.kind, actor.partner_id, actor.customer_id) == (ActorKind.CUSTOMER, None, customer)


async def test_scopes_narrow_an_administrator(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization, roles=["administrator"])
    actor = await authenticator.actor(bearing(await world.key(organization, user, ["customers:read:partner"])))
    [grant] = actor.policy.on("Customer")
    assert (grant.read, grant.write, grant.create, grant.delete) == (PARTNER, None, False, False)
    assert actor.policy.on("Order") == ()
    assert (await authenticator.actor(bearing(await world.key(organization, user, [])))).policy.grants == {}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {table} SET revoked_at = now()",
        "UPDATE {table} SET expires_at = now()",
        "UPDATE users SET status = 'SUSPENDED'",
        "DELETE FROM {table}",
        "DELETE FROM users",
        "TRUNCATE {table}",
    ],
)
@pytest.mark.parametrize("table", ["sessions", "api_keys"])
async def test_what_ends_a_token_ends_it(world: World, authenticator: Authenticator, change: str, table: str) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    make = world.key if table == "api_keys" else world.session
    token = await make(organization, user)
    assert (await authenticator.actor(bearing(token))).user_id == user
    await world.admin.execute(change.format(table=table))
    async with world.authenticator() as fresh:
        with pytest.raises(Unauthenticated) as refused:
            await fresh.actor(bearing(token))
    with pytest.raises(Unauthenticated) as unknown:
        await authenticator.actor(bearing(NEVER_A_TOKEN))
    assert str(refused.value) == str(unknown.value)
    assert (unknown.value.status, unknown.value.code) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "value",
    [
        "Basic YTpi", "Bearer x", "Bearer crm_key_", "crm_key_abc", "Bearer\tcrm_key_x", f"Bearer {NEVER_A_TOKEN} x",
        "Bearer crm_ses_" + "y" * 5_000, "", "Bearer é", "Bearer crm_key_\x00",
    ],
)  # fmt: skip
async def test_a_wrong_authorization_is_never_anonymous(world: World, authenticator: Authenticator, value: str) -> None:
    await world.organization("acme.test")
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(("Host", "acme.test"), ("Authorization", value)))


async def test_two_authorizations_are_refused_even_if_one_is_remembered(
    world: World, authenticator: Authenticator
) -> None:
    organization = await world.organization("acme.test")
    token = await world.key(organization, await world.user(organization))
    await authenticator.actor(bearing(token))
    headers = ("Authorization", f"Bearer {token}")
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(headers, headers))


async def test_a_token_in_the_wrong_scheme_is_refused_even_if_remembered(
    world: World, authenticator: Authenticator
) -> None:
    organization = await world.organization("acme.test")
    token = await world.key(organization, await world.user(organization))
    await authenticator.actor(bearing(token))
    with pytest.raises(Unauthenticated):
        await authenticator.actor(request(("Host", "acme.test"), ("Authorization", f"Fearer {token}")))
    assert (await authenticator.actor(request(("Authorization", f"bEARER  {token} ")))).organization_id == organization


async def test_a_token_means_its_own_organisation_wherever_it_is_sent(
    world: World, authenticator: Authenticator
) -> None:
    await world.organization("acme.test")
    other = await world.organization("other.test")
    token = await world.key(other, await world.user(other))
    actor = await authenticator.actor(bearing(token, host="acme.test"))
    assert actor.organization_id == other


async def test_nothing_after_bearer_is_no_token(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    for value in ("Bearer", "Bearer "):
        actor = await authenticator.actor(request(("Host", "acme.test"), ("Authorization", value)))
        assert (actor.kind, actor.organization_id) == (ActorKind.STOREFRONT, organization)


@pytest.mark.parametrize("host", ["acme.test", "ACME.test", "acme.test:8000", "acme.test.", "Acme.Test.:1"])
async def test_the_host_selects_the_storefront(world: World, authenticator: Authenticator, host: str) -> None:
    organization = await world.organization("Acme.test:443", "[::1]")
    await world.organization("other.test")
    actor = await authenticator.actor(request(("Host", host)))
    assert (actor.kind, actor.organization_id, actor.currency) == (ActorKind.STOREFRONT, organization, "CHF")
    assert actor.user_id is None
    assert actor.roles == ("storefront",)
    catalogue = {"ProductCategory", "Product", "BundleItem", "PriceList", "PriceListEntry"}
    assert set(actor.policy.grants) == {"Organization", "KnowledgeArticle", *catalogue}
    assert (await authenticator.actor(request(("Host", "[::1]:8000")))).organization_id == organization


@pytest.mark.parametrize(
    "headers",
    [
        [], [("Host", "")], [("Host", "unknown.test")], [("Host", "acme.test@evil.test")], [("Host", "acme.test/x")],
        [("Host", "acme.test, evil.test")], [("Host", "acme.test"), ("Host", "acme.test")], [("Host", "%")],
        [("Host", "acme.test:80:80")], [("Host", "é.test")], [("Host", "a" * 400)], [("Host", "acme.test\x00")],
        [("Host", "sub.acme.test")], [("Host", "acme.test:http")], [("Host", ".acme.test")],
    ],
)  # fmt: skip
async def test_an_unknown_host_is_refused(
    world: World, authenticator: Authenticator, headers: list[tuple[str, str]]
) -> None:
    await world.organization("acme.test")
    with pytest.raises(UnknownHost) as refused:
        await authenticator.actor(request(*headers))
    assert (refused.value.status, refused.value.code) == (404, "UNKNOWN_HOST")


async def test_a_host_belongs_to_one_organisation(world: World) -> None:
    await world.organization("acme.test")
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        await world.organization("ACME.test:8000")
    assert refused.value.constraint_name == "uq_organizations_hosts"
    other = await world.organization("other.test")
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.admin.execute("UPDATE organizations SET hosts = '{other.test,acme.test.}' WHERE id = $1", other)


async def test_a_host_of_two_organisations_is_nobodys(world: World, authenticator: Authenticator) -> None:
    await world.admin.execute("ALTER TABLE organizations DISABLE TRIGGER crm_refuse_taken_host")
    await world.organization("acme.test")
    await world.organization("acme.test")
    await world.admin.execute("ALTER TABLE organizations ENABLE TRIGGER crm_refuse_taken_host")
    with pytest.raises(UnknownHost):
        await authenticator.actor(request(("Host", "acme.test")))


async def test_use_is_noted_once_a_minute(world: World) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    token = await world.key(organization, user)

    async def used() -> object:
        return await world.admin.fetchval("SELECT last_used_at FROM api_keys")

    assert await used() is None
    async with world.authenticator() as one:
        await one.actor(bearing(token))
    first = await used()
    assert first is not None
    async with world.authenticator() as two:
        await two.actor(bearing(token))
        assert not two._last_used._used  # nothing to write
        [key_id] = await world.admin.fetchrow("SELECT id FROM api_keys")  # type: ignore[misc]
        two._last_used.note(organization, key_id)  # as another process would have at the same moment
    assert await used() == first
    await world.admin.execute("UPDATE api_keys SET last_used_at = last_used_at - interval '61 s'")
    async with world.authenticator() as three:
        await three.actor(bearing(token))
    assert await used() > first  # type: ignore[operator]


async def test_the_database_holds_no_secret(world: World) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization, password="a long enough secret", email="ada@acme.test")
    secrets = [await world.key(organization, user), await world.session(organization, user), "a long enough secret"]
    dump = ""
    for table in ("sessions", "api_keys", "credentials"):
        dump += str(await world.admin.fetchval(f"SELECT json_agg(t)::text FROM {table} t"))
    assert secrets[0][:16] in dump
    for secret in secrets:
        assert secret not in dump
        assert secret[-20:] not in dump
        assert secret.encode().hex() not in dump


async def test_an_unknown_role_grants_nothing(world: World, authenticator: Authenticator) -> None:
    organization: UUID = await world.organization("acme.test")
    actor = await authenticator.actor(
        bearing(await world.key(organization, await world.user(organization, roles=["god"])))
    )
    assert actor.policy.grants == {}
