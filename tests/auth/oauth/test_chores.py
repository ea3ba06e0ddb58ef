"""What the worker clears away of the authorization server, and what it leaves."""

from crm_graph.jobs import worker
from tests.auth.oauth.conftest import Site


async def kept(site: Site) -> dict[str, int]:
    tables = (
        "oauth_codes",
        "oauth_device_codes",
        "oauth_families",
        "oauth_refresh_tokens",
        "oauth_keys",
        "oauth_consents",
        "oauth_clients",
    )
    return {table: await site.world.admin.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def test_what_works_stays_and_what_has_long_ended_goes(site: Site) -> None:
    app, service = await site.register(), await site.service()
    tokens = await site.tokens(app)
    own = await site.token(service, grant_type="client_credentials")
    before = await kept(site)
    assert before["oauth_families"] == 2
    await worker.run_once(site.world.url)
    assert await kept(site) == before
    await site.world.admin.execute(
        "UPDATE oauth_codes SET expires_at = now() - interval '2 hours';"
        "UPDATE oauth_families SET expires_at = now() - interval '2 hours' WHERE own"
    )
    await worker.run_once(site.world.url)
    assert await kept(site) == {**before, "oauth_codes": 0, "oauth_families": 1}
    assert (await site.refreshed(app, tokens["refresh_token"])).status_code == 200
    await site.world.admin.execute("UPDATE oauth_families SET revoked_at = now() - interval '31 days'")
    await worker.run_once(site.world.url)
    gone = {"oauth_codes": 0, "oauth_families": 0, "oauth_refresh_tokens": 0}
    assert await kept(site) == {**before, **gone}
    assert own.status_code == 200
