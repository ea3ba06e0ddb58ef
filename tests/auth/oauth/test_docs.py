"""docs/oauth.md: its example runs, and its commands are there."""

import re
import runpy
import warnings
from typing import Any

import httpx
import pytest

from tests.auth.conftest import PASSWORD, sign_in
from tests.auth.oauth.conftest import CALLBACK, ISSUER, LOCAL, SCOPES, Site
from tests.auth.oauth.partners import partnership
from tests.auth.oauth.test_device import answered, typed
from tests.cli.commands import command
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "oauth.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sort", ["confidential", "public"])
async def test_the_example_of_a_portal_and_of_a_mobile_app(site: Site, sort: str) -> None:
    found = re.search(r"<!-- run: portal -->\s*```python\n(.*?)```", TEXT, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(found[1], names)
    registered = await site.register() if sort == "confidential" else await site.public(LOCAL)
    app = {"client_id": registered.client_id, "redirect_uri": registered.redirect_uri, "scope": " ".join(SCOPES)}
    if registered.secret:
        app["client_secret"] = registered.secret

    async def visit(address: str) -> str:
        return str((await site.agreed(await site.browser.get(address))).headers["location"])

    await site.world.row(
        "customers", site.organization, name="Bob", kind="PERSON", stage="CUSTOMER", currency="CHF"
    )  # fmt: skip
    try:
        who, seen = await names["customers_of"](ISSUER, app, visit, transport=httpx.ASGITransport(app=site.app))
    finally:
        await site.world.admin.execute("DELETE FROM customers")
    assert who == {"sub": f"usr_{site.ada.hex}", "name": "Ada", "email": "ada@acme.test"}
    assert seen == {"data": {"customers": {"nodes": [{"name": "Bob"}]}}}


async def test_the_example_of_a_device(site: Site) -> None:
    found = re.search(r"<!-- run: device -->\s*```python\n(.*?)```", TEXT, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)
    registered = await site.public(LOCAL, device=True)
    app = {"client_id": registered.client_id, "scope": " ".join(SCOPES)}
    shown: list[str] = []
    waited: list[int] = []

    async def show(_page: str, code: str) -> None:
        shown.append(code)

    async def wait(seconds: int) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            await answered(site, await typed(site, shown[0]))

    given = await names["tokens_for_a_device"](ISSUER, app, show, wait, transport=httpx.ASGITransport(app=site.app))
    assert waited == [5, 5, 10]
    assert await site.works(given["access_token"])


async def test_the_partner_portal(site: Site) -> None:
    """docs/examples/partner_portal.py: asked for by the partner, approved, used by one of its people, signed out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = runpy.run_path(str(ROOT / "docs" / "examples" / "partner_portal.py"))
    acme = await partnership(site)
    app = await acme.portal(scopes=names["SCOPE"].split())
    email = "pia@nordwind.test"
    await site.world.user(
        site.organization, name="Pia", email=email, password=PASSWORD, roles=["partner_rep"], partner_id=acme.partner
    )
    site.browser.cookies.clear()
    await sign_in(site.browser, email)
    transport = httpx.ASGITransport(app=site.app)
    portal = names["Portal"](ISSUER, app.client_id, app.secret, CALLBACK, transport=transport)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=portal.app()), base_url="https://portal.test"
    ) as web:
        assert (await web.get("/")).headers["location"] == "/sign-in"
        sent = await web.get("/sign-in")
        back = (await site.agreed(await site.browser.get(sent.headers["location"]))).headers["location"]
        for wrong in (back.replace("iss=", "iss=x"), back.replace("state=", "state=x")):
            assert (await web.get(wrong)).status_code in (400, 403)
            sent = await web.get("/sign-in")
            back = (await site.browser.get(sent.headers["location"])).headers["location"]
        assert (await web.get(back)).headers["location"] == "/"
        seen = (await web.get("/")).json()
        assert seen == {"data": {"viewer": {"partnerId": f"par_{acme.partner.hex}"}, "customers": {"nodes": []}}}
        [client] = portal.signed_in.values()
        first, client.token["expires_at"] = client.token["refresh_token"], 1
        assert (await web.get("/")).json() == seen
        assert client.token["refresh_token"] != first
        token = client.token["access_token"]
        assert (await web.post("/sign-out")).status_code == 303
        assert await site.ends(token)
        assert (await web.get("/")).headers["location"] == "/sign-in"


def test_its_commands_are_there() -> None:
    for name in re.findall(r"crm-graph client (\w+)", TEXT):
        assert command("client", name, "--help").exit_code == 0, name
