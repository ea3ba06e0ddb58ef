"""An authenticator app, as its user handles it."""

import re

import httpx
import pyotp

from tests.auth.conftest import World, post

SETUP = "/account/second-step"


STEP = "/sign-in/second-step"


CODE = re.compile(r"<code>((?:[a-z2-9]{4}-){3}[a-z2-9]{4})</code>")


async def begin(client: httpx.AsyncClient) -> str:
    """Ask for a key and read it off the page."""
    assert (await post(client, "/account", f"{SETUP}/begin")).headers["location"] == SETUP
    page = await client.get(SETUP)
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert found, page.text
    return found[1].replace(" ", "")


async def switch_on(client: httpx.AsyncClient) -> tuple[pyotp.TOTP, list[str]]:
    """The app and the recovery codes of somebody who is signed in."""
    app = pyotp.TOTP(await begin(client))
    done = await post(client, SETUP, f"{SETUP}/confirm", code=app.now())
    assert done.status_code == 200, done.text
    return app, CODE.findall(done.text)


async def forget_used_codes(world: World) -> None:
    """As if half a minute had passed since the last code."""
    await world.admin.execute("UPDATE totp_keys SET last_counter = NULL")


async def step(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await post(client, STEP, STEP, **fields)
