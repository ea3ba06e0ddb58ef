"""The refresh token grant: rotation, honest repetitions, and tokens in two hands."""

import asyncio

import pytest

from tests.auth.oauth.conftest import App, Site


async def aged(site: Site, seconds: float) -> None:
    """Let time pass since the refresh tokens were used."""
    await site.world.admin.execute(
        "UPDATE oauth_refresh_tokens SET used_at = used_at - make_interval(secs => $1)", seconds
    )


async def alive(site: Site) -> bool:
    return await site.world.admin.fetchval("SELECT bool_and(revoked_at IS NULL) FROM oauth_families")


async def one(site: Site, app: App, token: str) -> str:
    answer = await site.refreshed(app, token)
    assert answer.status_code == 200, answer.text
    assert await site.works(answer.json()["access_token"])
    return answer.json()["refresh_token"]


async def test_each_token_gives_the_next(site: Site) -> None:
    app = await site.public()
    first = (await site.tokens(app))["refresh_token"]
    second = await one(site, app, first)
    third = await one(site, app, second)
    assert len({first, second, third}) == 3


async def test_of_six_at_once_one_wins_and_the_family_lives_on(site: Site) -> None:
    app = await site.public()
    first = (await site.tokens(app))["refresh_token"]
    answers = await asyncio.gather(*(site.refreshed(app, first) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    [won] = [answer.json() for answer in answers if answer.status_code == 200]
    assert await site.works(won["access_token"])
    await one(site, app, won["refresh_token"])
    assert await alive(site)


async def test_who_lost_the_answer_gets_the_same_successor(site: Site) -> None:
    app = await site.public()
    first = (await site.tokens(app))["refresh_token"]
    second = await one(site, app, first)
    await aged(site, 5)
    assert await one(site, app, first) == second
    assert await one(site, app, second) != second
    assert await alive(site)


@pytest.mark.parametrize("seconds", [31, 86_400])
async def test_a_token_used_again_later_ends_the_family(site: Site, seconds: float) -> None:
    app = await site.public()
    tokens = await site.tokens(app)
    second = await one(site, app, tokens["refresh_token"])
    await aged(site, seconds)
    again = await site.refreshed(app, tokens["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await alive(site)
    assert (await site.refreshed(app, second)).status_code == 400
    assert await site.ends(tokens["access_token"])


async def test_a_token_whose_successor_was_used_ends_the_family_at_once(site: Site) -> None:
    app = await site.public()
    first = (await site.tokens(app))["refresh_token"]
    second = await one(site, app, first)
    third = await one(site, app, second)
    assert (await site.refreshed(app, first)).status_code == 400
    assert not await alive(site)
    assert (await site.refreshed(app, third)).status_code == 400


async def test_another_apps_token_is_none_and_nothing_happens_to_it(site: Site) -> None:
    app, other = await site.register(), await site.register("Other")
    first = (await site.tokens(app))["refresh_token"]
    assert (await site.refreshed(other, first)).json()["error"] == "invalid_grant"
    await one(site, app, first)


async def test_scopes_get_fewer_and_never_more(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app, scope="openid customers:read:internal users:read:internal")
    narrower = await site.refreshed(app, tokens["refresh_token"], scope="customers:read:internal")
    assert narrower.json()["scope"] == "customers:read:internal"
    wider = await site.refreshed(app, narrower.json()["refresh_token"], scope="orders:write")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


async def test_without_offline_access_it_ends_with_the_session(site: Site) -> None:
    app = await site.register()
    staying = await site.tokens(app)
    going = await site.tokens(app, scope="openid customers:read")
    await site.world.admin.execute("UPDATE sessions SET revoked_at = now()")
    assert (await site.refreshed(app, going["refresh_token"])).status_code == 400
    assert await site.ends(going["access_token"])
    assert await site.works(staying["access_token"])
    await one(site, app, staying["refresh_token"])


async def test_a_new_password_ends_what_apps_may_do(site: Site) -> None:
    from crm_graph.auth import credentials

    app = await site.register()
    tokens = await site.tokens(app)
    async with site.world.database.transaction(site.organization, None, "test") as tx:
        await credentials.store(tx, site.organization, site.ada, await site.world.passwords.hash("another password"))
    assert (await site.refreshed(app, tokens["refresh_token"])).status_code == 400
    assert await site.ends(tokens["access_token"])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE oauth_refresh_tokens SET expires_at = now() - interval '1 s'",
        "UPDATE oauth_families SET expires_at = now() - interval '1 s'",
        "UPDATE oauth_clients SET status = 'SUSPENDED'",
    ],
)
async def test_what_has_ended_is_refused(site: Site, change: str) -> None:
    app = await site.register()
    tokens = await site.tokens(app)
    await site.world.admin.execute(change)
    answer = await site.refreshed(app, tokens["refresh_token"])
    assert answer.json()["error"] in ("invalid_grant", "invalid_client")
