"""The account page: sessions and API keys of whoever is signed in."""

import html
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.levels import INTERNAL
from crm_graph.db.ids import uuid7
from crm_graph.errors import Unauthenticated
from tests.auth.conftest import ADA, PASSWORD, World, bearing, browser, form_token, sign_in

SECRET = re.compile(r"crm_key_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}")


@pytest.fixture
async def app(world: World, authenticator: Authenticator) -> Starlette:
    organization = await world.organization("acme.test")
    await world.user(organization, email=ADA, password=PASSWORD, roles=["administrator"])
    await world.user(organization, name="Bob", email="bob@acme.test", password=PASSWORD)
    return world.sign_in(authenticator)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(app) as made:
        await sign_in(made)
        yield made


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    token = form_token(await client.get("/account"))
    return await client.post(path, data={"form_token": token, **fields})


async def make_key(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await post(client, "/account/keys", **{"name": "Import", "days": "30", "narrow": "no", **fields})


async def test_a_key_is_shown_once_and_works(client: httpx.AsyncClient, authenticator: Authenticator) -> None:
    made = await make_key(client, narrow="yes", scopes="customers:read:internal\n orders:write  ")
    assert made.status_code == 200
    [token] = SECRET.findall(made.text)
    actor = await authenticator.actor(bearing(token))
    assert max(g.read for g in actor.policy.on("Customer")) == INTERNAL
    assert set(actor.policy.grants) == {"Customer", "Order"}
    account = await client.get("/account")
    assert SECRET.search(account.text) is None
    assert token[:16] in account.text
    assert "customers:read:internal" in account.text


async def test_a_key_without_scopes_does_what_its_user_may(
    client: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    [token] = SECRET.findall((await make_key(client)).text)
    assert len((await authenticator.actor(bearing(token))).policy.grants) > 20


async def test_the_same_form_makes_one_key(world: World, client: httpx.AsyncClient) -> None:
    id_ = str(uuid7())
    assert SECRET.search((await make_key(client, id=id_)).text)
    again = await make_key(client, id=id_)
    assert SECRET.search(again.text) is None
    assert "made already" in again.text
    assert await world.admin.fetchval("SELECT count(*) FROM api_keys") == 1


async def test_a_revoked_key_ends(client: httpx.AsyncClient, authenticator: Authenticator) -> None:
    made = await make_key(client)
    [token] = SECRET.findall(made.text)
    await authenticator.actor(bearing(token))
    ids = re.findall(
        r'action="/account/keys/revoke">\s*.*?\s*<input type="hidden" name="id" value="([^"]+)"', made.text
    )
    assert len(ids) == 1
    response = await post(client, "/account/keys/revoke", id=ids[0])
    assert response.headers["location"] == "/account"
    with pytest.raises(Unauthenticated):
        await authenticator.actor(bearing(token))
    assert "No key acts for you" in (await client.get("/account")).text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": "x" * 101}, "needs a name"),
        ({"name": "a\x1bb"}, "needs a name"),
        ({"days": "0"}, "how long"),
        ({"days": "99999"}, "how long"),
        ({"days": "x"}, "how long"),
        ({"narrow": "yes", "scopes": " "}, "at least one scope"),
        ({"narrow": "yes", "scopes": "customers"}, "is not a scope"),
        ({"narrow": "yes", "scopes": "customers:delete"}, "is not a scope"),
        ({"narrow": "yes", "scopes": "customers:read:secret"}, "is not a scope"),
        ({"narrow": "yes", "scopes": "credentials:read"}, "nothing a scope can name"),
        ({"narrow": "yes", "scopes": "customers:read <b>:read"}, "nothing a scope can name"),
        ({"narrow": "yes", "scopes": " ".join(f"customers:read{'x' * n}" for n in range(101))}, "at most"),
    ],
)
async def test_a_key_that_cannot_be_made_says_why(
    world: World, client: httpx.AsyncClient, fields: dict[str, str], message: str
) -> None:
    response = await make_key(client, **fields)
    assert response.status_code == 422
    assert message in html.unescape(response.text)
    assert "<b>" not in response.text
    assert await world.admin.fetchval("SELECT count(*) FROM api_keys") == 0


async def test_nothing_is_done_to_what_belongs_to_others(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    bob = await world.admin.fetchrow("SELECT organization_id, id FROM users WHERE name = 'Bob'")
    assert bob is not None
    other = await world.organization("other.test")
    await world.key(*bob)
    await world.session(*bob)
    await world.key(other, await world.user(other))
    await world.session(other, await world.user(other, name="Stranger"))
    for table, path in (("api_keys", "/account/keys/revoke"), ("sessions", "/account/sessions/revoke")):
        theirs = await world.admin.fetch(
            f"SELECT id FROM {table} WHERE user_id <> (SELECT id FROM users WHERE email = $1)", ADA
        )
        assert len(theirs) == 2
        for row in theirs:
            assert (await post(client, path, id=str(row["id"]))).status_code == 303
        assert await world.admin.fetchval(f"SELECT count(*) FROM {table} WHERE revoked_at IS NOT NULL") == 0
        for odd in ("", "x", str(uuid7())):
            assert (await post(client, path, id=odd)).status_code == 303


async def test_a_session_is_revoked_from_another_browser(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    async with browser(app) as phone:
        await sign_in(phone)
        here = await world.admin.fetchval("SELECT id FROM sessions ORDER BY created_at DESC LIMIT 1")
        assert (await post(client, "/account/sessions/revoke", id=str(here))).status_code == 303
        assert (await phone.get("/account")).headers["location"] == "/sign-in?next=/account"
    assert (await client.get("/account")).status_code == 200


async def test_forms_of_another_session_do_nothing(world: World, app: Starlette, client: httpx.AsyncClient) -> None:
    async with browser(app) as attacker:
        await sign_in(attacker, "bob@acme.test")
        foreign = form_token(await attacker.get("/account"))
    fields = {"form_token": foreign, "name": "x", "days": "7", "narrow": "no", "id": str(uuid7())}
    for path in ("/account/keys", "/account/keys/revoke", "/account/sessions/revoke", "/sign-out"):
        response = await client.post(path, data=fields)
        assert response.status_code == 403, path
        own = {**fields, "form_token": form_token(await client.get("/account"))}
        response = await client.post(path, data=own, headers={"sec-fetch-site": "cross-site"})
        assert response.status_code == 403, path
    assert await world.admin.fetchval("SELECT count(*) FROM api_keys") == 0


async def test_who_is_not_signed_in_signs_in_first(app: Starlette) -> None:
    async with browser(app) as nobody:
        for path in ("/account/keys", "/account/keys/revoke", "/account/sessions/revoke"):
            response = await nobody.post(path, data={"form_token": "x"})
            assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/account")
        assert (await nobody.get("/account/keys")).headers["location"] == "/account"
