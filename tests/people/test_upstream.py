"""Signing in with an OpenID provider, over HTTP to a real one: who comes in, with which roles, and who does not."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import RSAKey

from crm_graph.db.embedded import EmbeddedServer
from tests.access.policy_world import PolicyWorld
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.people.conftest import People
from tests.people.openid_provider import (
    CLIENT,
    SECRET,
    OpenIdProvider,
    by_own_key,
    by_public_key,
    openid_provider,
    unsigned,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOWN = "identityProvider { id name hasClientSecret roles decidedBy }"


class World(People):
    """The demo, and an OpenID provider by which people sign in."""

    provider: OpenIdProvider
    id = ""

    async def create(self, **given: object) -> dict[str, Any]:
        asked = {
            "name": "corp", "label": "Corp", "issuer": self.provider.issuer, "clientId": CLIENT, "clientSecret": SECRET,
            **given,
        }  # fmt: skip
        return await self.act("administrator", "createIdentityProvider", SHOWN, **asked)

    async def update(self, persona: str = "administrator", **given: object) -> list[str]:
        return await self.codes(persona, "updateIdentityProvider", id=self.id, **given)

    async def come(self, client: httpx.AsyncClient, path: str = "/sign-in/with/corp") -> httpx.Response:
        """To the provider and back, as a browser goes."""
        begun = await client.get(path)
        if begun.status_code != 303:
            return begun
        async with httpx.AsyncClient() as outside:
            back = await outside.get(begun.headers["location"])
        return await client.get(back.headers["location"])

    async def sign_in(self, **person: object) -> httpx.Response:
        self.provider.person = {"email_verified": True, **person}
        async with self.browser() as client:
            done = await self.come(client)
            if done.status_code == 303:
                assert (await client.get("/account")).status_code == 200
            return done

    async def refused(self, code: str, **person: object) -> None:
        """The sign-in must leave nothing."""
        before = await self.traces()
        done = await self.sign_in(**person)
        assert (done.status_code >= 400, code in done.text) == (True, True), done.text
        assert "crm_session" not in str(done.headers)
        assert await self.traces() == before

    async def user_of(self, email: str) -> Any:
        return await self.admin.fetchrow(
            "SELECT * FROM users WHERE organization_id = $1 AND email = $2", self.organization, email
        )


@asynccontextmanager
async def _world(url: str, demo: Demo) -> AsyncIterator[World]:
    import asyncpg

    admin = await asyncpg.connect(url)
    organization = await admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
    try:
        async with (
            openid_provider() as provider,
            running(url, demo.data_dir, demo.personas, private_providers=True) as api,
        ):
            world = World(PolicyWorld(api, api, admin, organization))
            world.provider = provider
            yield world
    finally:
        await admin.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _shared(embedded_server: EmbeddedServer, small_demo_template: Demo) -> AsyncIterator[World]:
    with clone(embedded_server, small_demo_template.template) as url:
        async with _world(url, small_demo_template) as made:
            created = await made.create()
            assert created["userErrors"] == []
            made.id = created["identityProvider"]["id"]
            yield made


@pytest_asyncio.fixture(loop_scope="session")
async def world(_shared: World) -> AsyncIterator[World]:
    yield _shared
    _shared.provider.reset()
    _shared.provider.keys = _shared.provider.keys[:1]
    await _shared.admin.execute(
        "UPDATE identity_providers SET enabled = true, creates_users = false, links_passwords = false, domains = '{}',"
        " roles = '{}', groups_claim = NULL, group_roles = '{}'"
    )


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


async def test_the_answer_of_another_browser_or_for_another_question_is_worth_nothing(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.person = {"sub": "x", "email": "mallory@corp.example", "email_verified": True}
    before = await world.traces()
    async with world.browser() as victim, world.browser() as attacker, httpx.AsyncClient() as outside:
        begun = await attacker.get("/sign-in/with/corp")
        back = (await outside.get(begun.headers["location"])).headers["location"]
        assert (await victim.get(back)).status_code == 400  # no cookie
        await victim.get("/sign-in/with/corp")
        assert "JOURNEY_LOST" in (await victim.get(back)).text  # another state
        kept = attacker.cookies["crm_upstream"]
        for spoilt in (kept[:-2] + "AA", kept[5:], "A" * 3000):
            attacker.cookies.clear()
            attacker.cookies.set("crm_upstream", spoilt, domain="localhost.local")
            assert (await attacker.get(back)).status_code == 400
        attacker.cookies.clear()
        attacker.cookies.set("crm_upstream", kept, domain="localhost.local")
        assert "PROVIDER_REFUSED" in (await attacker.get(back.replace("code=", "error=access_denied&x="))).text
        assert "PROVIDER_UNREACHABLE" in (await attacker.get(back.replace("code=", "code=x"))).text
        assert "JOURNEY_LOST" in (await attacker.get(f"{back}&iss=https://other.example")).text
        assert await world.traces() == before
        assert (await attacker.get(back)).status_code == 303
        attacker.cookies.set("crm_upstream", kept, domain="localhost.local")
        assert (await attacker.get(back)).status_code == 502  # the code is used


async def test_a_provider_that_names_itself_must(world: World) -> None:
    """RFC 9207: one that says it sends `iss` and does not is not the one that answers. A fresh process reads it anew."""
    world.provider.metadata = {"authorization_response_iss_parameter_supported": True}
    upstream = _discovery(world)
    upstream._metadata.clear()
    world.provider.person = {"sub": "iss", "email": "iss@corp.example", "email_verified": True}
    assert await world.update(createsUsers=True) == []
    async with world.browser() as client:
        assert (await world.come(client)).status_code == 400
        world.provider.back = {"iss": world.provider.issuer}
        assert (await world.come(client)).status_code == 303
    upstream._metadata.clear()


def _discovery(world: World) -> Any:
    """The discovery of the running application, to make it forget."""
    [route] = [r for r in world.api.app.routes if getattr(r, "path", "") == "/sign-in/with/{name}"]
    return route.endpoint.__wrapped__.__self__._discovery


Tamper = Callable[[dict[str, Any]], None]
NOW = int(time.time())


@pytest.mark.parametrize(
    "tamper",
    [
        lambda c: c.update(iss="https://evil.example"),
        lambda c: c.update(aud="somebody else"),
        lambda c: c.update(aud=[CLIENT, "somebody else"]),
        lambda c: c.update(azp="somebody else"),
        lambda c: c.update(exp=NOW - 120, iat=NOW - 600),
        lambda c: c.update(nonce="another"),
        lambda c: c.update(nonce=[c["nonce"]]),
        lambda c: c.update(iat=NOW + 100_000),
        lambda c: c.update(sub=""),
        lambda c: c.update(sub=7),
        lambda c: c.update(sub="x" * 256),
        lambda c: c.update(sub="a\0b"),
        *[lambda c, name=name: c.pop(name) for name in ("iss", "aud", "exp", "iat", "nonce", "sub")],
    ],
)
async def test_a_token_that_is_not_for_this_sign_in(world: World, tamper: Tamper) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.tamper = tamper
    await world.refused("ID_TOKEN_INVALID", sub="t", email="token@corp.example")


@pytest.mark.parametrize("kind", ["none", "public key", "own key", "garbage", "absent"])
async def test_a_token_that_the_provider_did_not_sign(world: World, kind: str) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.sign = {
        "none": unsigned,
        "public key": by_public_key(world.provider),
        "own key": by_own_key,
        "garbage": lambda _claims: "a.b.c",
        "absent": lambda _claims: "",
    }[kind]
    await world.refused("ID_TOKEN_INVALID", sub="t", email="token@corp.example")


async def test_new_keys_are_asked_for_and_unknown_ones_not_too_often(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    person = {"sub": "rotated", "email": "rotated@corp.example"}
    assert (await world.sign_in(**person)).status_code == 303
    world.provider.keys = [*world.provider.keys, RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    discovery = _discovery(world)
    discovery._keys = {uri: (at - 31, keys) for uri, (at, keys) in discovery._keys.items()}
    assert (await world.sign_in(**person)).status_code == 303
    world.provider.asked.clear()
    world.provider.keys[-1] = RSAKey.generate_key(2048, {"kid": "three", "use": "sig"})
    for _ in range(3):
        await world.refused("ID_TOKEN_INVALID", **person)
    assert world.provider.asked.count("jwks") == 0
    discovery._keys.clear()


async def test_what_the_token_does_not_say_is_asked_for(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.userinfo = {"sub": "somebody else", "email": "info@corp.example", "email_verified": True}
    await world.refused("ID_TOKEN_INVALID", sub="info")
    world.provider.userinfo = {"sub": "info", "email": "info@corp.example", "email_verified": True, "name": "Ina"}
    assert (await world.sign_in(sub="info")).status_code == 303
    assert (await world.user_of("info@corp.example"))["name"] == "Ina"


async def test_a_provider_that_does_not_answer_as_one(world: World) -> None:
    from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

    discovery = _discovery(world)
    issuer = world.provider.issuer
    for answer in (
        lambda _: PlainTextResponse("no JSON"),
        lambda _: JSONResponse([]),
        lambda _: JSONResponse({"issuer": "https://other.example"}),
        lambda _: JSONResponse({"issuer": issuer, "authorization_endpoint": "javascript:alert(1)"}),
        lambda _: RedirectResponse("http://127.0.0.1:1/"),
        lambda _: PlainTextResponse("x" * 600_000),
        lambda _: JSONResponse({}, 500),
    ):
        discovery._metadata.clear()
        world.provider.answer = answer
        async with world.browser() as client:
            begun = await client.get("/sign-in/with/corp")
            assert (begun.status_code, "PROVIDER_UNREACHABLE" in begun.text) == (502, True)
            assert "set-cookie" not in begun.headers
    world.provider.answer = None


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
