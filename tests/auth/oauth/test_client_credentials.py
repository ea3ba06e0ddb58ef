"""Apps that act on their own, and how apps prove who they are."""

import base64
import json
import time
import warnings
from typing import Any

import pytest
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from crm_graph.auth.oauth.registration import public_keys
from crm_graph.errors import ValueInvalid
from tests.auth.oauth.conftest import ISSUER, App, Site, forged

TOKEN = f"{ISSUER}/oauth/token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def own(site: Site, app: App, **more: str) -> Any:
    return await site.token(app, grant_type="client_credentials", **more)


async def test_a_service_app_acts_as_its_user_within_its_scopes(site: Site) -> None:
    app = await site.service()
    async with site.authlib(app) as client:
        token = await client.fetch_token(TOKEN, grant_type="client_credentials")
        assert "refresh_token" not in token
        assert "id_token" not in token
        assert token["scope"] == "customers:read users:read:internal"
        answer = await client.post(f"{ISSUER}/graphql", json={"query": "{ viewer { roles kind } }"})
    assert answer.json() == {"data": {"viewer": {"roles": ["service_agent"], "kind": "app"}}}
    # a service agent sees tickets; this token does not
    asked = await site.ask(token["access_token"], "{ tickets(first: 1) { totalCount } }")
    assert asked["errors"][0]["extensions"]["code"] == "FIELD_ACCESS_DENIED"
    assert "totalCount" not in str(asked["data"])


async def test_scopes_are_asked_for_and_never_exceeded(site: Site) -> None:
    app = await site.service()
    assert (await own(site, app, scope="users:read")).json()["scope"] == "users:read"
    for scope in ("tickets:read", "customers:read:internal", "customers:write", "openid", "nonsense", "*:read"):
        answer = await own(site, app, scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), scope


async def test_public_and_portal_apps_may_not(site: Site) -> None:
    for app, status, error in [
        (await site.public(), 401, "invalid_client"),
        (await site.register(), 400, "unauthorized_client"),
    ]:
        answer = await own(site, app)
        assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_suspended_service_user_gets_nothing_and_loses_what_it_has(site: Site) -> None:
    user = await site.world.user(site.organization, name="Shop", roles=["service_agent"])
    app = await site.service(user_id=user)
    token = (await own(site, app)).json()["access_token"]
    assert await site.works(token)
    await site.world.admin.execute("UPDATE users SET status = 'SUSPENDED' WHERE id = $1", user)
    assert await site.ends(token)
    assert (await own(site, app)).json()["error"] == "unauthorized_client"


async def test_unknown_suspended_and_wrong_apps_hear_the_same(site: Site) -> None:
    app, suspended, waiting = await site.service(), await site.service(), await site.service(status="PENDING")
    await site.world.admin.execute(
        "UPDATE oauth_clients SET status = 'SUSPENDED' WHERE id = $1::uuid", suspended.client_id.removeprefix("cli_")
    )
    heard = set()
    for other in [
        App(app.client_id, "crm_sec_wrong", ""),
        App("cli_" + "0" * 32, app.secret, ""),
        App("nonsense", app.secret, ""),
        App(app.client_id.upper(), app.secret, ""),
        App(app.client_id, "ä€", ""),
        suspended,
        waiting,
    ]:
        answer = await own(site, other)
        heard.add((answer.status_code, answer.text, answer.headers["www-authenticate"]))
    assert len(heard) == 1
    [(status, text, challenge)] = heard
    assert status == 401
    assert '"invalid_client"' in text
    assert challenge.startswith("Basic")


async def test_a_secret_in_the_body_or_the_query_is_no_proof(site: Site) -> None:
    app = await site.service()
    given = {"client_id": app.client_id, "client_secret": app.secret or ""}
    async with site.client() as client:
        body = await client.post("/oauth/token", data={"grant_type": "client_credentials", **given})
        query = await client.post("/oauth/token", params=given, data={"grant_type": "client_credentials"})
    assert (body.status_code, query.status_code) == (401, 401)


async def test_the_old_secret_works_until_its_time_is_over(site: Site) -> None:
    import datetime as dt

    from crm_graph.auth.oauth import review

    app = await site.service()
    async with site.world.database.transaction(site.organization, None, "test") as tx:
        known = await review.locked(tx, site.organization, app.client_id)
        new = await review.rotate(tx, site.organization, known, dt.timedelta(hours=1))
    assert (await own(site, app)).status_code == 200
    assert (await own(site, App(app.client_id, new, ""))).status_code == 200
    await site.world.admin.execute("UPDATE oauth_clients SET old_secret_until = now()")
    assert (await own(site, app)).status_code == 401
    assert (await own(site, App(app.client_id, new, ""))).status_code == 200


async def test_guesses_are_slowed_down_for_their_address_alone(site: Site) -> None:
    app = await site.service()
    wrong = App(app.client_id, "crm_sec_wrong", "")
    async with site.client(address="198.51.100.1") as guesser:
        for _ in range(30):
            assert (await site.token(wrong, guesser, grant_type="client_credentials")).status_code == 401
        slowed = await site.token(app, guesser, grant_type="client_credentials")
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    assert (await own(site, app)).status_code == 200


KEY = ECKey.generate_key("P-256", auto_kid=True)


async def keyed(site: Site, key: Any = KEY) -> App:
    return await site.service(auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})


def assertion(app: App, key: Any = KEY, alg: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    values = {
        "iss": app.client_id,
        "sub": app.client_id,
        "aud": TOKEN,
        "jti": str(time.time_ns()),
        "iat": now,
        "exp": now + 60,
        **claims,
    }
    left = {name: value for name, value in values.items() if value is not None}
    return jwt.encode({"alg": alg, **(header or {})}, left, key, algorithms=[alg])


def by_hmac(app: App, key: bytes, **header: Any) -> str:
    claims = json.loads(base64.urlsafe_b64decode(assertion(app).split(".")[1] + "=="))
    return forged("HS256", header, claims, key)


async def proved(site: Site, text: str, **more: str) -> Any:
    async with site.client() as client:
        form = {"client_assertion_type": ASSERTION, "client_assertion": text, **more}
        return await client.post("/oauth/token", data={"grant_type": "client_credentials", **form})


async def test_a_key_proves_who_an_app_is_by_authlibs_client(site: Site) -> None:
    app = await keyed(site)
    async with site.authlib(app, token_endpoint_auth_method="private_key_jwt", client_secret=KEY) as client:
        client.register_client_auth_method(PrivateKeyJWT(TOKEN, alg="ES256"))
        token = await client.fetch_token(TOKEN, grant_type="client_credentials")
    assert await site.works(token["access_token"])


async def test_an_assertion_counts_once(site: Site) -> None:
    app = await keyed(site)
    text = assertion(app)
    assert (await proved(site, text)).status_code == 200
    assert (await proved(site, text)).json()["error"] == "invalid_client"
    assert (await proved(site, assertion(app, aud=ISSUER))).status_code == 200


OTHER = ECKey.generate_key("P-256")
PUBLIC_PEM = KEY.as_pem(private=False)


@pytest.mark.parametrize(
    "forgery",
    [
        lambda app: assertion(app, OTHER),
        lambda app: assertion(app, OTHER, header={"kid": KEY.kid}),
        lambda app: assertion(app, OTHER, header={"jwk": OTHER.as_dict(private=False)}),
        lambda app: by_hmac(app, PUBLIC_PEM),
        lambda app: by_hmac(app, json.dumps(KEY.as_dict(private=False)).encode(), kid=KEY.kid),
        lambda app: "eyJhbGciOiJub25lIn0." + assertion(app).split(".")[1] + ".",
        lambda app: assertion(app, aud="https://other.test/oauth/token"),
        lambda app: assertion(app, aud=None),
        lambda app: assertion(app, exp=int(time.time()) - 120),
        lambda app: assertion(app, exp=int(time.time()) + 100_000),
        lambda app: assertion(app, exp=None),
        lambda app: assertion(app, exp="soon"),
        lambda app: assertion(app, jti=None),
        lambda app: assertion(app, jti=7),
        lambda app: assertion(app, iss="somebody"),
        lambda app: assertion(app, sub=None),
        lambda app: assertion(app, sub=["x"]),
        lambda app: assertion(app, sub="cli_" + "0" * 32),
        lambda _: "x",
        lambda _: "a.b.c",
        lambda _: "." * 20,
        lambda _: "e30.e30.e30",
        lambda _: "e30.W10.",
        lambda _: "x" * 9000,
    ],
)
async def test_what_is_no_proof_is_refused(site: Site, forgery: Any) -> None:
    app = await keyed(site)
    answer = await proved(site, forgery(app))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_is_good_for_its_own_app_only(site: Site) -> None:
    app, other = await keyed(site), await site.public()
    answer = await proved(site, assertion(app), client_id=other.client_id)
    assert answer.json()["error"] == "invalid_client"


async def test_an_app_with_a_secret_cannot_use_a_key_instead(site: Site) -> None:
    app = await site.service()
    assert (await proved(site, assertion(app))).json()["error"] == "invalid_client"


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    WEAK = RSAKey.generate_key(1024)


@pytest.mark.filterwarnings("ignore:Key size")
@pytest.mark.parametrize(
    "jwks",
    [
        {"keys": [KEY.as_dict(private=True)]},
        {"keys": [OctKey.generate_key(256).as_dict(private=True)]},
        {"keys": [WEAK.as_dict(private=False)]},
        {"keys": []},
        {"keys": [{"kty": "EC"}]},
        {},
    ],
)
def test_only_good_public_keys_are_registered(jwks: dict[str, Any]) -> None:
    with pytest.raises(ValueInvalid):
        public_keys(jwks)


def test_a_good_key_set_is_kept_as_it_is() -> None:
    jwks: Any = KeySet([KEY, RSAKey.generate_key(2048)]).as_dict(private=False)
    assert public_keys(jwks) == jwks
