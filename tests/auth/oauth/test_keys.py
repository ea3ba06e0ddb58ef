"""Signing keys: made once, changed without a break, void at once when they were stolen."""

import asyncio
from typing import Any

import pytest
from joserfc import jws

from crm_graph.auth.oauth import keys
from crm_graph.auth.sealing import SealBroken, Sealer
from tests.auth.oauth.conftest import Site


def kid(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def sealer(site: Site) -> Sealer:
    return Sealer([(site.data_dir / "sealing-key").read_bytes().strip()])


async def published(site: Site) -> list[str]:
    async with site.client() as client:
        return [key["kid"] for key in (await client.get("/oauth/jwks")).json()["keys"]]


async def rotated(site: Site, **how: bool) -> str:
    async with site.world.database.transaction(site.organization, None, "test") as tx:
        return await keys.rotate(tx, sealer(site), site.organization, **how)


async def later(site: Site, **interval: Any) -> None:
    """Let time pass for the keys."""
    [(unit, amount)] = interval.items()
    for column in ("signs_from", "signs_until", "published_until"):
        await site.world.admin.execute(
            f"UPDATE oauth_keys SET {column} = {column} - make_interval({unit} => $1)", amount
        )


async def new(site: Site) -> keys.SigningKeys:
    """As another process has it, which remembers nothing."""
    return keys.SigningKeys(site.world.database, sealer(site))


async def test_of_several_processes_at_once_one_makes_the_first_key(site: Site) -> None:
    found = await asyncio.gather(*[(await new(site)).current(site.organization) for _ in range(4)])
    assert len({one.kid for one in found}) == 1
    assert await published(site) == [found[0].kid]


async def test_who_began_before_the_first_key_was_made_makes_no_other(site: Site) -> None:
    await site.world.admin.execute("DELETE FROM oauth_keys")
    async with site.world.database.transaction(site.organization, None, "oauth") as tx:
        await (await tx.raw()).fetchval("SELECT now()")
        made = await (await new(site)).current(site.organization)
        assert await keys.rotate(tx, sealer(site), site.organization, only_if_due=True) == made.kid
    assert await published(site) == [made.kid]


async def test_a_key_is_published_before_it_signs_and_after(site: Site) -> None:
    app = await site.register()
    old = (await site.tokens(app))["access_token"]
    successor = await rotated(site)
    assert await published(site) == [successor, kid(old)]
    assert (await (await new(site)).current(site.organization)).kid == kid(old), "the old one still signs"
    await later(site, mins=16)
    assert (await (await new(site)).current(site.organization)).kid == successor
    assert await site.works(old), "what the old one signed is good"
    assert await published(site) == [successor, kid(old)]
    await later(site, hours=25)
    assert await published(site) == [successor]


async def test_a_rotation_in_flight_breaks_nobody(site: Site) -> None:
    app = await site.service()
    seen = set()
    for step in range(12):
        if step in (3, 7):
            await rotated(site, compromised=False)
            await later(site, mins=16)
            await asyncio.sleep(keys.KEPT_SECONDS if step == 7 else 0)
        token = (await site.token(app, grant_type="client_credentials")).json()["access_token"]
        seen.add(kid(token))
        assert await site.works(token)
    assert len(seen) >= 2


async def test_a_stolen_key_is_void_at_once(site: Site) -> None:
    app = await site.register()
    token = (await site.tokens(app))["access_token"]
    assert await site.works(token)
    successor = await rotated(site, compromised=True)
    assert await published(site) == [successor]
    assert await site.ends(token, 6)


async def test_a_key_is_changed_when_it_is_old(site: Site) -> None:
    first = (await (await new(site)).current(site.organization)).kid
    await later(site, days=91)
    assert (await (await new(site)).current(site.organization)).kid == first
    successor, _ = await published(site)
    assert successor != first
    await later(site, mins=16)
    assert (await (await new(site)).current(site.organization)).kid == successor
    assert len(await published(site)) == 2


async def test_the_private_part_is_sealed_where_it_lies(site: Site) -> None:
    current = await (await new(site)).current(site.organization)
    secret = str(current.key.as_dict(private=True)["d"])
    kept = await site.world.admin.fetchval("SELECT json_agg(k)::text FROM oauth_keys k")
    assert secret not in kept
    assert secret.encode().hex() not in kept
    with pytest.raises(SealBroken):
        await keys.SigningKeys(site.world.database, Sealer([b"another sealing key, as long as it has to be"])).current(
            site.organization
        )


async def test_made_up_key_ids_do_not_make_us_ask_each_time(site: Site) -> None:
    await published(site)
    found = keys.PublishedKeys(site.world.lanes)
    assert await found.find(site.organization, "x") is None
    before = site.world.lanes.statements
    for n in range(50):
        assert await found.find(site.organization, f"made-up-{n}") is None
    assert site.world.lanes.statements == before


async def test_organisations_have_keys_of_their_own(site: Site) -> None:
    other = await site.world.organization("other.test")
    one, two = [await (await new(site)).current(organization) for organization in (site.organization, other)]
    assert one.kid != two.kid
    found = keys.PublishedKeys(site.world.lanes)
    assert await found.find(other, one.kid) is None
