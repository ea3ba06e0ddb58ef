"""The authorization code grant, from the browser to the tokens."""

import asyncio

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.auth.oauth.conftest import CALLBACK, ISSUER, LOCAL, Site, arrived, pkce


async def test_a_confidential_app_gets_tokens_by_authlibs_client(site: Site) -> None:
    app = await site.register()
    async with site.authlib(app, scope="openid profile email offline_access users:read:internal") as client:
        verifier, _ = pkce()
        url, state = client.create_authorization_url(f"{ISSUER}/oauth/authorize", code_verifier=verifier, nonce="n1")
        answer = await site.agreed(await site.browser.get(url))
        sent = arrived(answer)
        assert (sent["to"], sent["state"], sent["iss"]) == (CALLBACK, state, ISSUER)
        token = await client.fetch_token(
            authorization_response=answer.headers["location"], state=state, code_verifier=verifier
        )
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == 600
        who = await client.post(f"{ISSUER}/graphql", json={"query": "{ viewer { roles kind } }"})
        assert who.json() == {"data": {"viewer": {"roles": ["sales_manager"], "kind": "staff"}}}
        renewed = await client.refresh_token(f"{ISSUER}/oauth/token")
        assert renewed["refresh_token"] != token["refresh_token"]
        keys = KeySet.import_key_set((await client.get(f"{ISSUER}/oauth/jwks")).json())
    claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"])
    assert claims.header["typ"] == "JWT"
    assert (claims.claims["iss"], claims.claims["aud"], claims.claims["nonce"]) == (ISSUER, app.client_id, "n1")
    assert claims.claims["auth_time"] <= claims.claims["iat"]
    assert claims.claims["amr"] == ["pwd"]
    access = jwt.decode(token["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    assert access.claims["aud"] == ISSUER
    assert access.claims["sub"] == claims.claims["sub"]


async def test_a_public_app_gets_tokens_by_its_verifier_alone(site: Site) -> None:
    app = await site.public()
    tokens = await site.tokens(app)
    assert await site.works(tokens["access_token"])
    assert tokens["scope"] == "openid profile email offline_access customers:read users:read:internal"


async def test_six_at_once_with_one_code_give_one_answer_and_the_others_end_it(site: Site) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    answers = await asyncio.gather(*(site.exchanged(app, code, verifier) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    [given] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await site.ends(given["access_token"])


async def test_a_code_used_again_ends_what_it_gave(site: Site) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    tokens = (await site.exchanged(app, code, verifier)).json()
    assert await site.works(tokens["access_token"])
    again = await site.exchanged(app, code, verifier)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await site.ends(tokens["access_token"])
    assert (await site.refreshed(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_of_another_app_is_none_and_stays_good(site: Site) -> None:
    app, other = await site.register(), await site.register("Other")
    code, verifier = await site.code(app)
    assert (await site.exchanged(other, code, verifier)).json()["error"] == "invalid_grant"
    assert (await site.exchanged(app, code, verifier)).status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "crm_cod_made_up"}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
    ],
)
async def test_what_does_not_fit_the_code_gets_nothing(site: Site, change: dict[str, str], error: str) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    answer = await site.exchanged(app, code, verifier, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert code not in answer.text
    assert await site.world.admin.fetchval("SELECT count(*) FROM oauth_families") == 0


async def test_an_old_code_is_refused(site: Site) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    await site.world.admin.execute("UPDATE oauth_codes SET expires_at = now() - interval '1 s'")
    assert (await site.exchanged(app, code, verifier)).json()["error"] == "invalid_grant"


async def test_a_code_of_an_ended_session_is_refused(site: Site) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    await site.world.admin.execute("UPDATE sessions SET revoked_at = now()")
    assert (await site.exchanged(app, code, verifier)).json()["error"] == "invalid_grant"


async def test_codes_and_tokens_are_kept_as_hashes(site: Site) -> None:
    app = await site.register()
    code, verifier = await site.code(app)
    tokens = (await site.exchanged(app, code, verifier)).json()
    rows = ""
    for table in (
        "oauth_clients",
        "oauth_codes",
        "oauth_device_codes",
        "oauth_families",
        "oauth_refresh_tokens",
        "oauth_keys",
        "audit_entries",
    ):
        rows += str(await site.world.admin.fetchval(f"SELECT json_agg(t)::text FROM {table} t"))
    assert app.client_id.removeprefix("cli_") in rows.replace("-", "")
    for secret in (code, tokens["refresh_token"], tokens["access_token"], app.secret):
        assert secret
        assert secret not in rows


async def test_without_openid_there_is_no_id_token(site: Site) -> None:
    app = await site.public(LOCAL)
    tokens = await site.tokens(app, scope="customers:read")
    assert "id_token" not in tokens
    assert tokens["scope"] == "customers:read"
