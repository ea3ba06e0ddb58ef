"""Native apps listen at a port of the moment (RFC 8252, 7.3); nothing else about an address is left open."""

import pytest

from tests.auth.oauth.conftest import Site, arrived, pkce

ANY = "http://127.0.0.1/cb"
CHALLENGE = pkce()[1]


async def goes(site: Site, registered: str, asked: str, **more: str) -> int:
    app = await site.register("Desktop", redirect_uris=(registered,), **{"auth_method": "none", **more})
    return (await site.authorize(app.asking(code_challenge=CHALLENGE, redirect_uri=asked))).status_code


async def test_a_native_app_comes_back_at_any_port_and_fetches_its_tokens(site: Site) -> None:
    app = await site.public(ANY)
    verifier, challenge = pkce()
    here = "http://127.0.0.1:51004/cb"
    asked = app.asking(code_challenge=challenge, redirect_uri=here)
    shown = await site.authorize(asked)
    assert "form-action 'self' http://127.0.0.1:51004;" in shown.headers["content-security-policy"]
    sent = arrived(await site.agreed(shown))
    assert sent["to"] == here
    other = await site.exchanged(app, sent["code"], verifier, redirect_uri="http://127.0.0.1:51005/cb")
    assert other.json()["error"] == "invalid_grant", "the very port that was asked for"
    assert (await site.exchanged(app, sent["code"], verifier, redirect_uri=here)).status_code == 200


@pytest.mark.parametrize(
    ("registered", "asked", "status"),
    [
        (ANY, ANY, 200),
        ("http://[::1]/cb", "http://[::1]:4711/cb", 200),
        ("http://127.0.0.1/", "http://127.0.0.1:65535/", 200),
        (ANY, "http://127.0.0.1:4711/cb/", 400),
        (ANY, "http://127.0.0.1:4711/cb?x=1", 400),
        (ANY, "http://127.0.0.1:4711/cb#x", 400),
        (ANY, "https://127.0.0.1:4711/cb", 400),
        (ANY, "http://localhost:4711/cb", 400),
        (ANY, "http://127.0.0.1:4711@evil.test/cb", 400),
        (ANY, "http://127.0.0.1:@evil.test/cb", 400),
        (ANY, "http://127.0.0.1:0/cb", 400),
        (ANY, "http://127.0.0.1:65536/cb", 400),
        (ANY, "http://127.0.0.1:/cb", 400),
        (ANY, "http://127.0.0.1:04711/cb", 400),
        (ANY, "http://127.0.0.2:4711/cb", 400),
        (ANY, "http://127.0.0.1.evil.test:4711/cb", 400),
        (ANY, "HTTP://127.0.0.1:4711/cb", 400),
        ("http://127.0.0.1:9999/cb", "http://127.0.0.1:4711/cb", 400),
        ("http://localhost/cb", "http://localhost:4711/cb", 400),
        ("https://portal.test/cb", "https://portal.test:4711/cb", 400),
    ],
)
async def test_only_the_port_of_an_address_of_this_machine_is_free(
    site: Site, registered: str, asked: str, status: int
) -> None:
    assert await goes(site, registered, asked) == status


async def test_an_app_with_a_secret_is_no_native_app(site: Site) -> None:
    assert await goes(site, ANY, "http://127.0.0.1:4711/cb", auth_method="client_secret_basic") == 400
