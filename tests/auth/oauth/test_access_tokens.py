"""Access tokens at the API: what they open, what is none, and how soon an end is heard."""

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from crm_graph.auth.authentication import Authenticator
from crm_graph.auth.oauth import keys
from crm_graph.auth.oauth.keys import SigningKey
from crm_graph.db.lanes import Lanes
from crm_graph.errors import Unauthenticated
from tests.auth.conftest import bearing
from tests.auth.oauth.conftest import ISSUER, Site, forged

CUSTOMERS = (
    "{ customers(first: 5) { nodes { name email creditLimit { amount } } } users(first: 5) { nodes { email } } }"
)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return json.loads(base64.urlsafe_b64decode(header + "==")), json.loads(base64.urlsafe_b64decode(claims + "=="))


async def test_scopes_narrow_what_the_person_may_do(site: Site) -> None:
    await site.world.row(
        "customers", site.organization, name="Bob", kind="PERSON", stage="CUSTOMER", currency="CHF",
        email="bob@example.org", credit_limit=4321,
    )  # fmt: skip
    app = await site.register(scopes=("openid", "customers:read:confidential", "users:read:internal"))
    seen = {}
    for scope in (
        "customers:read:confidential",
        "customers:read:internal",
        "customers:read",
        "users:read:internal",
        "openid",
    ):
        token = (await site.tokens(app, scope=scope))["access_token"]
        asked = await site.ask(token, "{ customers(first: 5) { nodes { name email creditLimit { amount } } } }")
        seen[scope] = [tuple(node.values()) for node in ((asked["data"] or {}).get("customers") or {}).get("nodes", [])]
    assert seen["customers:read:confidential"] == [("Bob", "bob@example.org", {"amount": "4321"})]
    assert seen["customers:read:internal"][0][1] == "bob@example.org"
    assert "4321" not in str(seen["customers:read:internal"])
    assert seen["customers:read"][0][0] == "Bob"
    assert seen["customers:read"][0][1] != "bob@example.org"
    assert seen["users:read:internal"] == seen["openid"] == []


async def test_a_write_needs_its_scope(site: Site) -> None:
    app = await site.register(scopes=("customers:read:internal", "customers:write:internal"))
    mutation = (
        'mutation { createCustomer(input: {name: "New", kind: PERSON, stage: CUSTOMER})'
        " { customer { id } userErrors { code } } }"
    )
    reading = await site.tokens(app, scope="customers:read:internal")
    asked = await site.ask(reading["access_token"], mutation)
    assert '"id"' not in json.dumps(asked)
    assert await site.world.admin.fetchval("SELECT count(*) FROM customers") == 0
    assert await site.world.admin.fetchval("SELECT count(*) FROM outbox_events WHERE entity = 'Customer'") == 0


async def test_what_an_app_lost_its_tokens_lose(site: Site) -> None:
    app = await site.register()
    token = (await site.tokens(app, scope="users:read:internal"))["access_token"]
    assert (await site.ask(token, "{ users(first: 1) { nodes { email } } }"))["data"]["users"]["nodes"]
    await site.world.admin.execute("UPDATE oauth_clients SET scopes = '{customers:read}'")
    deadline = time.monotonic() + 5
    while "errors" not in await site.ask(token, "{ users(first: 1) { nodes { email } } }"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_remembered_token_asks_nothing(site: Site) -> None:
    token = (await site.tokens(await site.register()))["access_token"]
    async with site.world.authenticator() as authenticator:
        first = await authenticator.actor(bearing(token))
        before = site.world.lanes.statements
        step = authenticator.actor(bearing(token))
        with pytest.raises(StopIteration) as done:
            step.send(None)
        assert done.value.value is first
        assert authenticator.cached(f"Bearer {token}".encode()) is first
        assert site.world.lanes.statements == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now()",
        "DELETE FROM sessions",
        "UPDATE oauth_families SET revoked_at = now()",
        "DELETE FROM oauth_families",
        "TRUNCATE oauth_families CASCADE",
        "UPDATE oauth_clients SET status = 'SUSPENDED'",
        "DELETE FROM oauth_clients",
        "UPDATE users SET status = 'SUSPENDED'",
        "UPDATE oauth_keys SET published_until = now()",
        "DELETE FROM oauth_keys",
    ],
)
async def test_an_end_is_heard_by_every_process(site: Site, change: str) -> None:
    token = (await site.tokens(await site.register(), scope="openid customers:read"))["access_token"]
    other = await Lanes.open(site.world.url, 2)
    async with site.world.authenticator() as one, site.world.authenticator(other) as two:
        for process in (one, two):
            await process.actor(bearing(token))
            assert process.cached(f"Bearer {token}".encode()) is not None
        changed = time.monotonic()
        await site.world.admin.execute(change)
        for process in (one, two):
            while not await refused(process, token):
                assert time.monotonic() < changed + 6
                await asyncio.sleep(0.01)
        assert time.monotonic() - changed < 1
    await other.close()


async def refused(authenticator: Authenticator, token: str) -> bool:
    try:
        await authenticator.actor(bearing(token))
    except Unauthenticated:
        return True
    return False


OWN = ECKey.generate_key("P-256", auto_kid=True)


async def signing(site: Site) -> SigningKey:
    """The key that the site signs with, as its thief has it."""
    from crm_graph.auth.sealing import Sealer

    [path] = [one for one in site.data_dir.iterdir() if one.name == "sealing-key"]
    made = keys.SigningKeys(site.world.database, Sealer([path.read_bytes().strip()]))
    return await made.current(site.organization)


@pytest.mark.parametrize(
    "change",
    [
        {"header": {"typ": "JWT"}},
        {"header": {"typ": None}},
        {"claims": {"aud": "https://other.test"}},
        {"claims": {"aud": [ISSUER]}},
        {"claims": {"aud": None}},
        {"claims": {"iss": "https://other.test"}},
        {"claims": {"iss": None}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"exp": "later"}},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"family": "0" * 32}},
        {"claims": {"family": "x"}},
        {"claims": {"sub": "usr_" + "0" * 32}},
        {"claims": {"sub": None}},
        {"claims": {"client_id": "cli_" + "0" * 32}},
        {"header": {"kid": "other"}},
        {"header": {"kid": None}},
        {"header": {"crit": ["x"], "x": 1}},
    ],
)
async def test_what_our_own_key_signed_for_another_end_is_no_access_token(
    site: Site, change: dict[str, dict[str, Any]]
) -> None:
    good = (await site.tokens(await site.register()))["access_token"]
    key = await signing(site)
    header, claims = parts(good)
    again = jwt.encode(header, claims, key.key)
    assert await site.works(again), "signed anew without a change it works"
    changed = [
        {name: value for name, value in {**mine, **change.get(part, {})}.items() if value is not None}
        for part, mine in (("header", header), ("claims", claims))
    ]
    if "crit" in changed[0]:
        head, body = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in changed)
        made = f"{head}.{body}.{again.split('.')[2]}"
    else:
        made = jwt.encode(changed[0], changed[1], key.key, default_type=None)
    assert not await site.works(made)


Forge = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], str]


@pytest.mark.parametrize(
    "forge",
    [
        lambda h, c, _: jwt.encode(h, c, OWN),
        lambda h, c, _: jwt.encode({**h, "kid": OWN.kid, "jwk": OWN.as_dict(private=False)}, c, OWN),
        lambda h, c, _: jwt.encode({**h, "jwk": OWN.as_dict(private=False)}, c, OWN),
        lambda h, c, _: jwt.encode({**h, "kid": "../../../dev/null"}, c, OWN),
        lambda h, c, _: jwt.encode({**h, "kid": "' OR 1=1 --"}, c, OWN),
        lambda h, c, jwk: forged("HS256", h, c, ECKey.import_key(jwk).as_pem(private=False)),
        lambda h, c, jwk: forged("HS256", h, c, json.dumps(jwk).encode()),
        lambda h, c, _: unsigned({**h, "alg": "none"}, c),
        lambda h, c, _: unsigned({**h, "alg": "none"}, c) + "x",
        lambda h, c, _: unsigned({**h, "alg": "NONE"}, c),
        lambda h, c, _: unsigned(h, c),
        lambda h, c, _: unsigned({**h, "kid": ["a"]}, c) + "x",
        lambda h, c, _: unsigned({**h, "jku": "https://evil.test/jwks"}, c) + "x",
        lambda *_: "eyJ",
        lambda *_: "eyJ.eyJ.eyJ",
        lambda *_: "eyJ" + "x" * 9000,
        lambda *_: "eyJhbGciOiJFUzI1NiJ9.W10.AAAA",
        lambda *_: "eyJhbGciOiJFUzI1NiJ9.bnVsbA.AAAA",
    ],
)
async def test_forged_tokens_are_refused(site: Site, forge: Forge) -> None:
    good = (await site.tokens(await site.register()))["access_token"]
    async with site.client() as client:
        [jwk] = (await client.get("/oauth/jwks")).json()["keys"]
        made = forge(*parts(good), jwk)
        answer = await client.post(
            "/graphql", json={"query": "{ __typename }"}, headers={"authorization": f"Bearer {made}"}
        )
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert made[:60] not in answer.text


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in (header, claims))
        + "."
    )


async def test_an_id_token_and_a_refresh_token_open_nothing(site: Site) -> None:
    tokens = await site.tokens(await site.register())
    assert not await site.works(tokens["id_token"])
    assert not await site.works(tokens["refresh_token"])
    assert await site.works(tokens["access_token"])


async def test_a_token_in_the_query_the_body_or_a_cookie_is_none(site: Site) -> None:
    token = (await site.tokens(await site.register()))["access_token"]
    query = {"query": "{ viewer { kind } }"}
    async with site.client() as client:
        for options in (
            {"params": {"access_token": token}},
            {"headers": {"cookie": f"access_token={token}"}},
            {"headers": {"x-access-token": token}},
        ):
            answer = await client.post("/graphql", json=query, **options)
            assert answer.json() == {"data": {"viewer": {"kind": "storefront"}}}
        as_session = await client.post("/graphql", json=query, headers={"cookie": f"__Host-crm_session={token}"})
        assert as_session.status_code == 401
        for answer in (
            await client.get("/oauth/userinfo", params={"access_token": token}),
            await client.post("/oauth/userinfo", data={"access_token": token}),
        ):
            assert answer.status_code == 401


async def test_another_organisations_token_opens_nothing_here(site: Site) -> None:
    other = await site.world.organization("other.test")
    user = await site.world.user(other, roles=["administrator"])
    token = (await site.tokens(await site.register()))["access_token"]
    key = await signing(site)
    header, claims = parts(token)
    stolen = {**claims, "iss": "https://other.test", "aud": "https://other.test", "sub": f"usr_{user.hex}"}
    assert not await site.works(jwt.encode(header, stolen, key.key))
    # and at the other's host our token still is our caller
    there = await site.ask(token, "{ viewer { organizationId } }", base="https://other.test")
    assert there["data"]["viewer"]["organizationId"] == f"org_{site.organization.hex}"
