"""The device grant (RFC 8628): two codes, a person who agrees in their browser, and a device that asks until then."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.auth.conftest import ADA, PASSWORD, form_token, sign_in
from tests.auth.oauth.conftest import ISSUER, LOCAL, App, Site

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid profile offline_access customers:read"


@dataclass(frozen=True)
class Codes:
    device_code: str
    user_code: str
    answer: dict[str, Any]


async def television(site: Site, **more: Any) -> App:
    return await site.register(
        "Television", auth_method="none", redirect_uris=(), post_logout_redirect_uris=(), device=True, **more
    )


async def asks(site: Site, app: App, **form: str) -> httpx.Response:
    given = {"scope": SCOPE, **form} if app.secret else {"client_id": app.client_id, "scope": SCOPE, **form}
    options: dict[str, Any] = {"auth": app.auth} if app.secret else {}
    async with site.client() as device:
        return await device.post("/oauth/device_authorization", data=given, **options)


async def codes(site: Site, app: App, **form: str) -> Codes:
    answer = await asks(site, app, **form)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    return Codes(found["device_code"], found["user_code"], found)


async def poll(site: Site, app: App, device_code: str) -> httpx.Response:
    return await site.token(app, grant_type=GRANT, device_code=device_code)


async def error(site: Site, app: App, device_code: str) -> str:
    answer = await poll(site, app, device_code)
    assert answer.status_code == 400, answer.text
    assert device_code not in answer.text
    found: str = answer.json()["error"]
    return found


async def typed(site: Site, user_code: str, browser: httpx.AsyncClient | None = None) -> httpx.Response:
    """The question that follows the code."""
    browser = browser or site.browser
    token = form_token(await browser.get("/device"))
    return await browser.post("/device", data={"form_token": token, "user_code": user_code})


async def answered(
    site: Site, question: httpx.Response, decision: str = "allow", browser: httpx.AsyncClient | None = None
) -> httpx.Response:
    assert question.status_code == 200, question.text
    found = re.search(r'name="request" value="([^"]*)"', question.text)
    assert found
    fields = {"form_token": form_token(question), "request": found[1], "decision": decision}
    return await (browser or site.browser).post("/device/answer", data=fields)


async def rows(site: Site) -> list[Any]:
    return list(await site.world.admin.fetch("SELECT * FROM oauth_device_codes ORDER BY id"))


async def families(site: Site) -> int:
    found: int = await site.world.admin.fetchval("SELECT count(*) FROM oauth_families")
    return found


async def test_a_device_gets_its_tokens_when_a_person_has_agreed(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    assert given.answer["verification_uri"] == f"{ISSUER}/device"
    assert given.answer["verification_uri_complete"] == f"{ISSUER}/device?user_code={given.user_code}"
    assert (given.answer["expires_in"], given.answer["interval"]) == (600, 5)
    assert await error(site, app, given.device_code) == "authorization_pending"
    question = await typed(site, given.user_code.lower().replace("-", " "))
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", question.text))
    for words in (
        "Television asks for access",
        "in your name: Ada",
        f"Your device shows {given.user_code}",
        "What it is for: to show your orders",
        "See your name",
        "Stay connected after you have signed out",
        "See customers: what partners may see",
        "somebody sent you this code, do not allow it",
    ):
        assert words in text, words
    assert await error(site, app, given.device_code) == "slow_down"
    done = await answered(site, question)
    assert "Television is connected" in done.text
    tokens = (await poll(site, app, given.device_code)).json()
    assert tokens["scope"] == SCOPE
    assert await site.works(tokens["access_token"])
    assert (await site.refreshed(app, tokens["refresh_token"])).status_code == 200
    async with site.client() as client:
        keys = KeySet.import_key_set((await client.get("/oauth/jwks")).json())
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["amr"]) == (app.client_id, ["pwd"])
    assert claims["auth_time"] <= claims["iat"]
    assert "Television" in (await site.browser.get("/account/apps")).text


async def test_authlibs_client_polls_a_confidential_app(site: Site) -> None:
    app = await site.register(device=True)
    given = await codes(site, app)
    await answered(site, await typed(site, given.user_code))
    async with site.authlib(app) as client:
        token = await client.fetch_token(grant_type=GRANT, device_code=given.device_code)
    assert await site.works(token["access_token"])


async def test_a_link_fills_the_code_in_and_agrees_to_nothing(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    link = f"/device?user_code={given.user_code}"
    async with site.client() as stranger:
        first = await stranger.get(link)
        assert first.status_code == 303
        assert first.headers["location"] == f"/sign-in?next=%2Fdevice%3Fuser_code%3D{given.user_code}"
        after = await sign_in(stranger, ADA, PASSWORD, next=link)
        assert after.headers["location"] == link
    opened = await site.browser.get(link)
    assert f'value="{given.user_code}"' in opened.text
    assert "Television" not in opened.text
    assert "<script" not in opened.text
    assert opened.headers["x-frame-options"] == "DENY"
    await typed(site, given.user_code)
    assert [row["approved"] for row in await rows(site)] == [None]
    assert await error(site, app, given.device_code) == "authorization_pending"
    planted = await site.browser.get('/device?user_code="><script>alert(1)</script>')
    assert "<script" not in planted.text
    assert "alert" not in planted.text


async def test_who_does_not_agree_gives_nothing_and_cannot_be_asked_again(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    question = await typed(site, given.user_code)
    assert "is not connected" in (await answered(site, question, "deny")).text
    assert await error(site, app, given.device_code) == "access_denied"
    assert (await answered(site, question, "allow")).status_code == 422
    assert (await typed(site, given.user_code)).status_code == 422
    assert await error(site, app, given.device_code) == "access_denied"
    assert await families(site) == 0
    assert await site.world.admin.fetchval("SELECT count(*) FROM oauth_consents") == 0


async def test_a_code_answers_once_and_used_again_ends_what_it_gave(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    await answered(site, await typed(site, given.user_code))
    answers = await asyncio.gather(*(poll(site, app, given.device_code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    [tokens] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await site.ends(tokens["access_token"])
    assert (await site.refreshed(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_who_polls_too_often_has_to_wait_longer_each_time(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    assert [await error(site, app, given.device_code) for _ in range(3)] == [
        "authorization_pending",
        "slow_down",
        "slow_down",
    ]
    assert (await rows(site))[0]["interval_seconds"] == 15
    await site.world.admin.execute("UPDATE oauth_device_codes SET polled_at = now() - interval '12 s'")
    assert await error(site, app, given.device_code) == "slow_down"
    await site.world.admin.execute("UPDATE oauth_device_codes SET polled_at = now() - interval '21 s'")
    assert await error(site, app, given.device_code) == "authorization_pending"


async def test_old_codes_are_none(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    question = await typed(site, given.user_code)
    await site.world.admin.execute("UPDATE oauth_device_codes SET expires_at = now() - interval '1 s'")
    assert await error(site, app, given.device_code) == "expired_token"
    assert (await answered(site, question)).status_code == 422
    assert (await typed(site, given.user_code)).status_code == 422
    assert [row["approved"] for row in await rows(site)] == [None]


async def test_a_code_is_good_for_its_app_alone(site: Site) -> None:
    app, other = await television(site), await television(site)
    given = await codes(site, app)
    await answered(site, await typed(site, given.user_code))
    assert await error(site, other, given.device_code) == "invalid_grant"
    assert await error(site, app, "crm_dev_made_up") == "invalid_grant"
    assert (await poll(site, app, given.device_code)).status_code == 200


async def test_who_signs_out_before_the_device_asks_has_taken_it_back(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    await answered(site, await typed(site, given.user_code))
    await site.world.admin.execute("UPDATE sessions SET revoked_at = now()")
    assert await error(site, app, given.device_code) == "access_denied"
    assert await families(site) == 0


async def test_without_offline_access_it_ends_with_the_session(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app, scope="openid customers:read")
    await answered(site, await typed(site, given.user_code))
    tokens = (await poll(site, app, given.device_code)).json()
    assert await site.works(tokens["access_token"])
    await site.world.admin.execute("UPDATE sessions SET revoked_at = now()")
    assert await site.ends(tokens["access_token"])


async def test_nobody_answers_for_another(site: Site) -> None:
    app = await television(site)
    given, other = await codes(site, app), await codes(site, app)
    question = await typed(site, given.user_code)
    id_ = str((await rows(site))[1]["id"])
    first = form_token(await site.browser.get("/device"))
    for fields in (
        {"form_token": form_token(question), "request": id_, "decision": "allow"},  # another device's
        {"form_token": form_token(question), "request": "nonsense", "decision": "allow"},
        {"form_token": "0" * 64, "request": id_, "decision": "allow"},
        {"request": id_, "decision": "allow"},
        {"form_token": first, "decision": "allow"},
        {"form_token": first, "request": id_, "decision": "allow"},
        {},
    ):
        answer = await site.browser.post("/device/answer", data=fields or {"a": "b"})
        assert (answer.status_code, "FORM_FORGED" in answer.text) == (403, True)
    crossed = await site.browser.post(
        "/device/answer", data={"form_token": form_token(question)}, headers={"sec-fetch-site": "cross-site"}
    )
    assert crossed.status_code == 403
    await site.world.user(site.organization, email="eve@acme.test", password=PASSWORD, name="Eve")
    async with site.client() as eve:
        await sign_in(eve, "eve@acme.test", PASSWORD)
        assert (await answered(site, question, browser=eve)).status_code == 403
        assert (await eve.post("/device", data={"user_code": given.user_code})).status_code == 403
    async with site.client() as nobody:
        assert (await nobody.post("/device/answer", data={"a": "b"})).headers["location"] == "/sign-in?next=%2Fdevice"
    assert [row["approved"] for row in await rows(site)] == [None, None]
    assert await error(site, app, other.device_code) == "authorization_pending"


async def test_user_codes_cannot_be_guessed_not_even_with_one_of_ones_own(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    for count in range(10):
        assert (await typed(site, "BBBB-BBBB")).status_code == 422
        if count < 9:
            assert (await typed(site, given.user_code)).status_code == 200
    slowed = await typed(site, given.user_code)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) > 0
    assert "Television" not in slowed.text
    await site.world.user(site.organization, email="bob@acme.test", password=PASSWORD, name="Bob")
    async with site.client(address="203.0.113.7") as neighbour:
        await sign_in(neighbour, "bob@acme.test", PASSWORD)
        assert (await typed(site, given.user_code, neighbour)).status_code == 200


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "BCDF", "BCDF-GHJKL", "x" * 5000, "\u00df" * 8, "BCDF'--%"])
async def test_what_is_no_code_is_told_so(site: Site, code: str) -> None:
    await codes(site, await television(site))
    assert (await typed(site, code)).status_code == 422


async def test_an_address_does_not_ask_for_codes_without_end(site: Site) -> None:
    app = await television(site)
    statuses = [200]
    while statuses[-1] == 200 and len(statuses) < 100:  # while it asks, one attempt every two seconds comes back
        statuses.append((await asks(site, app)).status_code)
    assert statuses[-1] == 429
    assert len(await rows(site)) == len(statuses) - 2 >= 30


async def test_apps_that_are_not_for_devices_and_scopes_that_they_have_not_are_refused(site: Site) -> None:
    plain, app, secret = await site.public(LOCAL), await television(site), await site.register(device=True)
    assert (await asks(site, plain)).json()["error"] == "unauthorized_client"
    assert await error(site, plain, "crm_dev_made_up") == "unauthorized_client"
    assert (await asks(site, app, scope="customers:read:confidential")).json()["error"] == "invalid_scope"
    assert (await asks(site, app, scope="policy:write")).json()["error"] == "invalid_scope"
    async with site.client() as client:
        for form in ({"client_id": secret.client_id}, {"client_id": "cli_made_up"}, {"scope": SCOPE}):
            answer = await client.post("/oauth/device_authorization", data=form)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        got = await client.get("/oauth/authorize", params=app.asking(redirect_uri=LOCAL))
        assert got.status_code == 400, "an app for devices alone sends nobody anywhere"
    assert await rows(site) == []


async def test_a_suspended_app_is_not_asked_about(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    question = await typed(site, given.user_code)
    await site.world.admin.execute("UPDATE oauth_clients SET status = 'SUSPENDED'")
    assert (await typed(site, given.user_code)).status_code == 422
    assert (await answered(site, question)).status_code == 422
    assert [row["approved"] for row in await rows(site)] == [None]


async def test_codes_are_kept_as_hashes(site: Site) -> None:
    app = await television(site)
    given = await codes(site, app)
    kept = str(await site.world.admin.fetchval("SELECT json_agg(t)::text FROM oauth_device_codes t"))
    for code in (given.device_code, given.user_code, given.user_code.replace("-", "")):
        assert code not in kept
    plain = await site.world.admin.fetchval(
        "SELECT count(*) FROM oauth_device_codes WHERE user_code_hash = sha256(convert_to($1, 'UTF8'))",
        given.user_code.replace("-", ""),
    )
    assert plain == 0, "34 bits are found by trying"


async def test_a_code_of_another_organisation_is_none(site: Site) -> None:
    elsewhere = await site.world.organization("other.test", name="Other")
    await site.world.user(elsewhere, email="eve@other.test", password=PASSWORD, name="Eve")
    given = await codes(site, await television(site))
    async with site.client("https://other.test") as eve:
        assert (await sign_in(eve, "eve@other.test", PASSWORD)).status_code == 303
        assert (await typed(site, given.user_code, eve)).status_code == 422
