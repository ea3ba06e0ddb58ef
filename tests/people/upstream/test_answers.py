"""What a provider answers, and who brings it: nothing counts that was not made for this sign-in."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.people.openid_provider import (
    CLIENT,
    by_own_key,
    by_public_key,
    unsigned,
)
from tests.people.upstream.conftest import World, discovery

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_answer_of_another_browser_or_for_another_question_is_worth_nothing(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.person = {"sub": "x", "email": "mallory@corp.example", "email_verified": True}
    before = await world.traces()
    async with world.browser() as victim, world.browser() as attacker, httpx.AsyncClient(timeout=60) as outside:
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
    upstream = discovery(world)
    upstream._metadata.clear()
    world.provider.person = {"sub": "iss", "email": "iss@corp.example", "email_verified": True}
    assert await world.update(createsUsers=True) == []
    async with world.browser() as client:
        assert (await world.come(client)).status_code == 400
        world.provider.back = {"iss": world.provider.issuer}
        assert (await world.come(client)).status_code == 303
    upstream._metadata.clear()


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
    found = discovery(world)
    found._keys = {uri: (at - 31, keys) for uri, (at, keys) in found._keys.items()}
    assert (await world.sign_in(**person)).status_code == 303
    world.provider.asked.clear()
    world.provider.keys[-1] = RSAKey.generate_key(2048, {"kid": "three", "use": "sig"})
    for _ in range(3):
        await world.refused("ID_TOKEN_INVALID", **person)
    assert world.provider.asked.count("jwks") == 0
    found._keys.clear()


async def test_what_the_token_does_not_say_is_asked_for(world: World) -> None:
    assert await world.update(createsUsers=True) == []
    world.provider.userinfo = {"sub": "somebody else", "email": "info@corp.example", "email_verified": True}
    await world.refused("ID_TOKEN_INVALID", sub="info")
    world.provider.userinfo = {"sub": "info", "email": "info@corp.example", "email_verified": True, "name": "Ina"}
    assert (await world.sign_in(sub="info")).status_code == 303
    assert (await world.user_of("info@corp.example"))["name"] == "Ina"


async def test_a_provider_that_does_not_answer_as_one(world: World) -> None:
    from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

    found = discovery(world)
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
        found._metadata.clear()
        world.provider.answer = answer
        async with world.browser() as client:
            begun = await client.get("/sign-in/with/corp")
            assert (begun.status_code, "PROVIDER_UNREACHABLE" in begun.text) == (502, True)
            assert "set-cookie" not in begun.headers
    world.provider.answer = None
