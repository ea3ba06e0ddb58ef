"""Signing in with an OpenID provider, over HTTP to a real one: who comes in, with which roles, and who does not."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from crm_graph.db.embedded import EmbeddedServer
from tests.access.policy_world import PolicyWorld
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.people.openid_provider import (
    SECRET,
    openid_provider,
)
from tests.people.upstream.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_secret_is_sealed_and_told_to_nobody(world: World) -> None:
    sealed = await world.admin.fetchval("SELECT client_secret FROM identity_providers")
    assert SECRET.encode() not in sealed
    rows = await world.admin.fetch(
        "SELECT t::text AS t FROM audit_entries t UNION ALL SELECT t::text FROM outbox_events t"
    )
    assert not any(SECRET in row["t"] for row in rows)
    found = (await world.api.as_("administrator")("{ identityProviders { name hasClientSecret issuer } }")).data
    assert found["identityProviders"] == [{"name": "corp", "hasClientSecret": True, "issuer": world.provider.issuer}]
    for persona in ("sales_manager", "partner_admin", "customer", "storefront"):
        assert (await world.api.as_(persona)("{ identityProviders { name } }")).codes == ["FIELD_ACCESS_DENIED"]
        assert await world.update(persona, label="X") == ["WRITE_ACCESS_DENIED"]
        assert await world.codes(persona, "deleteIdentityProvider", id=world.id) == ["WRITE_ACCESS_DENIED"]


async def test_the_sign_in_page_shows_it_and_the_way_there_is_bound_to_the_browser(world: World) -> None:
    async with world.browser() as client:
        for _ in range(300):
            page = await client.get("/sign-in")
            if "/sign-in/with/corp" in page.text:
                break
            await asyncio.sleep(0.02)
        assert "Sign in with Corp" in page.text
        begun = await client.get("/sign-in/with/corp?next=/account")
        asked = parse_qs(urlsplit(begun.headers["location"]).query)
        assert asked["redirect_uri"] == ["http://localhost/sign-in/with/corp/callback"]
        assert {"state", "nonce", "code_challenge"} <= asked.keys()
        cookie = next(c for c in begun.headers.get_list("set-cookie") if c.startswith("crm_upstream="))
        assert "HttpOnly; SameSite=Lax" in cookie
        assert not any(asked[name][0] in cookie for name in ("state", "nonce"))


async def test_nobody_is_made_unless_it_is_said(world: World) -> None:
    new = {"sub": "n1", "email": "new@corp.example", "name": "Nell"}
    await world.refused("UPSTREAM_USER_REFUSED", **new)
    assert await world.update(createsUsers=True, roles=["sales_rep"]) == []
    assert (await world.sign_in(**new)).headers["location"] == "/account"
    made = await world.user_of("new@corp.example")
    assert (made["name"], made["roles"], made["partner_id"]) == ("Nell", ["sales_rep"], None)
    audit = await world.admin.fetchrow(
        "SELECT * FROM audit_entries WHERE row_id = $1 AND action = 'create'", made["id"]
    )
    assert (audit["channel"], audit["actor_id"]) == ("upstream", (await world.user("administrator"))["id"])
    # known again by the subject alone, whatever the address is by now
    assert (await world.sign_in(sub="n1", email="else@corp.example", name="N")).status_code == 303
    assert await world.user_of("else@corp.example") is None
    await world.refused("UPSTREAM_USER_REFUSED", sub="n2", email="new@corp.example")  # another one with the address
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED' WHERE id = $1", made["id"])
    await world.refused("UPSTREAM_USER_REFUSED", **new)


@pytest.mark.parametrize("verified", [False, None, "true", 1, "yes"])
async def test_only_a_verified_address_counts(world: World, verified: object) -> None:
    assert await world.update(createsUsers=True) == []
    await world.refused("UPSTREAM_USER_REFUSED", sub="u1", email="unverified@corp.example", email_verified=verified)


async def test_an_account_with_a_password_is_not_taken_over_unless_it_is_said(world: World) -> None:
    email = world.api.people["sales_rep"]["email"]
    assert await world.update(createsUsers=True) == []
    await world.refused("UPSTREAM_USER_REFUSED", sub="r1", email=email.upper())
    assert await world.update(linksPasswords=True) == []
    assert (await world.sign_in(sub="r1", email=email)).status_code == 303
    for persona in ("customer", "partner_rep"):  # a provider speaks for our own people alone
        await world.refused("UPSTREAM_USER_REFUSED", sub=persona, email=world.api.people[persona]["email"])


async def test_an_account_that_nobody_has_signed_in_to_is_linked(world: World) -> None:
    row = await world.admin.fetchrow(
        "SELECT id, email FROM users u WHERE organization_id = $1 AND 'service_agent' = ANY(roles)"
        " AND NOT EXISTS (SELECT FROM credentials c WHERE c.user_id = u.id) LIMIT 1",
        world.organization,
    )  # fmt: skip
    assert (await world.sign_in(sub="agent", email=row["email"])).status_code == 303
    assert await world.admin.fetchval("SELECT user_id FROM upstream_identities WHERE subject = 'agent'") == row["id"]
    await world.refused("UPSTREAM_USER_REFUSED", sub="agent2", email=row["email"])


async def test_addresses_of_other_domains(world: World) -> None:
    assert await world.update(createsUsers=True, domains=["Corp.Example"]) == []
    await world.refused("UPSTREAM_USER_REFUSED", sub="d1", email="a@corp.example.evil.example")
    assert (await world.sign_in(sub="d1", email="a@CORP.example")).status_code == 303


async def test_groups_give_and_take_roles_at_each_sign_in(world: World) -> None:
    groups = [{"group": "Sales", "roles": ["sales_rep"]}, {"group": "Leads", "roles": ["sales_manager", "sales_rep"]}]
    assert await world.update(createsUsers=True, roles=["service_agent"], groupsClaim="groups", groupRoles=groups) == []
    email = "grouped@corp.example"

    async def roles(given: object) -> set[str]:
        assert (await world.sign_in(sub="g", email=email, groups=given)).status_code == 303
        return set((await world.user_of(email))["roles"])

    assert await roles(["Sales", "Unknown", 7, None]) == {"service_agent", "sales_rep"}
    assert await roles(["Leads"]) == {"service_agent", "sales_rep", "sales_manager"}
    assert await roles("Sales") == {"service_agent", "sales_rep"}
    assert await roles({"Leads": True}) == {"service_agent"}
    assert await roles(["Leads"]) == {"service_agent", "sales_rep", "sales_manager"}
    # who decided may not give roles any more: nothing is given, what the groups do not give is still taken
    decider = (await world.user("administrator"))["id"]
    await world.admin.execute(
        "UPDATE identity_providers SET decided_by = (SELECT id FROM users WHERE email = $1)",
        world.api.people["sales_manager"]["email"],
    )
    assert await roles(["Sales"]) == {"service_agent", "sales_rep"}
    assert await roles(["Leads"]) == {"service_agent", "sales_rep"}
    await world.admin.execute("UPDATE identity_providers SET decided_by = $1", decider)
    assert await roles(["Leads"]) == {"service_agent", "sales_rep", "sales_manager"}
    changes = await world.admin.fetchval("SELECT count(*) FROM outbox_events WHERE type = 'user.roles_assigned'")
    assert changes == 7


async def test_whoever_decides_gives_no_more_than_they_may(world: World) -> None:
    every = [{"entity": "User", "grants": [{"rule": "EVERYONE", "read": "INTERNAL", "write": "RESTRICTED"}]}]
    keeper = {"name": "keeper", "rights": ["POLICY_READ", "POLICY_WRITE"], "grants": every}
    await world.world.update("administrator", {"roles": [keeper]})
    who = await world.world.user("keeper")
    for wrong in (
        {"roles": ["administrator"]}, {"roles": ["partner_rep"]}, {"roles": ["customer"]}, {"roles": ["nothing"]},
        {"groupsClaim": "groups", "groupRoles": [{"group": "Boss", "roles": ["administrator"]}]},
    ):  # fmt: skip
        assert await world.update(who, **wrong) == ["ROLE_NOT_ASSIGNABLE"]
    assert await world.update(groupsClaim="groups", groupRoles=[{"group": "Boss", "roles": ["administrator"]}]) == []
    # nor is what another gave kept in one's own name
    assert await world.update(who, label="Mine") == ["ROLE_NOT_ASSIGNABLE"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Bad Name"}, "name"), ({"name": ""}, "name"), ({"label": ""}, "label"), ({"clientId": ""}, "clientId"),
        ({"issuer": "javascript:alert(1)"}, "issuer"), ({"issuer": "https://a@b.example"}, "issuer"),
        ({"issuer": "https://b.example?x=1"}, "issuer"), ({"issuer": "file:///etc/passwd"}, "issuer"),
        ({"scopes": ["two words"]}, "scopes"), ({"domains": ["no domain"]}, "domains"),
        ({"groupRoles": [{"group": "A", "roles": []}]}, "groupsClaim"), ({"clientSecret": "a\nb"}, "clientSecret"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(world: World, given: dict[str, object], field: str) -> None:
    found = await world.create(**{"name": "other", **given})
    assert (field, "VALUE_INVALID") in [(e["field"][0], e["code"]) for e in found["userErrors"]]


async def test_a_name_is_taken_once(world: World) -> None:
    assert [e["code"] for e in (await world.create())["userErrors"]] == ["KEY_TAKEN"]


async def test_a_provider_that_is_switched_off_or_unknown(world: World) -> None:
    assert await world.update(enabled=False) == []
    async with world.browser() as client:
        for name in ("corp", "other", "%00", "x" * 3000):
            assert (await client.get(f"/sign-in/with/{name}")).status_code == 404


async def test_two_first_sign_ins_at_once_make_one_user(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    done = await asyncio.gather(*(world.sign_in(sub="both", email="both@corp.example") for _ in range(3)))
    assert [r.status_code for r in done] == [303] * 3
    assert await world.admin.fetchval("SELECT count(*) FROM users WHERE email = 'both@corp.example'") == 1


async def test_providers_in_our_own_network_are_not_asked(
    embedded_server: EmbeddedServer, small_demo_template: Demo
) -> None:
    with clone(embedded_server, small_demo_template.template) as url:
        import asyncpg

        admin = await asyncpg.connect(url)
        organization = await admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        async with (
            openid_provider() as provider,
            running(url, small_demo_template.data_dir, small_demo_template.personas) as api,
        ):
            world = World(PolicyWorld(api, api, admin, organization))
            world.provider = provider
            assert (await world.create())["userErrors"] == []
            assert (await world.create(name="secure", issuer="https://localhost"))["userErrors"] == []
            async with world.browser() as client:
                for name in ("corp", "secure"):
                    assert (await client.get(f"/sign-in/with/{name}")).status_code == 502
            assert provider.asked == []
        await admin.close()


async def test_a_provider_that_is_removed_leaves_its_users(world: World) -> None:
    assert (await world.create(name="short", createsUsers=True))["userErrors"] == []
    [row] = await world.admin.fetch("SELECT id FROM identity_providers WHERE name = 'short'")
    world.provider.person = {"sub": "s", "email": "short@corp.example", "email_verified": True}
    async with world.browser() as client:
        assert (await world.come(client, "/sign-in/with/short")).status_code == 303
        assert await world.codes("administrator", "deleteIdentityProvider", id=f"idp_{row['id'].hex}") == []
        assert await world.codes("administrator", "deleteIdentityProvider", id=f"idp_{row['id'].hex}") == ["NOT_FOUND"]
        assert (await client.get("/sign-in/with/short")).status_code == 404
    assert await world.user_of("short@corp.example") is not None
