"""The page on which people see what they let apps do, and end it."""

from tests.auth.conftest import form_token
from tests.auth.oauth.conftest import Site


async def test_a_person_sees_their_apps_and_ends_one(site: Site) -> None:
    app, other = await site.register("Portal"), await site.register("Other")
    assert "No app acts for you." in (await site.browser.get("/account/apps")).text
    tokens, kept = await site.tokens(app), await site.tokens(other)
    shown = await site.browser.get("/account/apps")
    for words in ("Portal", "Other", "to show your orders", "See users: internal details"):
        assert words in shown.text
    done = await site.browser.post("/account/apps", data={"form_token": form_token(shown), "id": app.client_id})
    assert done.headers["location"] == "/account/apps"
    assert "Portal" not in (await site.browser.get("/account/apps")).text
    assert await site.ends(tokens["access_token"])
    assert (await site.refreshed(app, tokens["refresh_token"])).status_code == 400
    assert await site.works(kept["access_token"])
    assert (await site.authorize(app.asking(code_challenge="x" * 43))).status_code == 200, "it has to ask again"


async def test_only_ones_own_apps_and_only_by_ones_own_form(site: Site) -> None:
    app = await site.register()
    tokens = await site.tokens(app)
    forged = await site.browser.post("/account/apps", data={"form_token": "0" * 64, "id": app.client_id})
    assert forged.status_code == 403
    shown = await site.browser.get("/account/apps")
    for id_ in ("nonsense", "cli_" + "0" * 32, ""):
        await site.browser.post("/account/apps", data={"form_token": form_token(shown), "id": id_})
    assert await site.works(tokens["access_token"])
    async with site.client() as stranger:
        assert (await stranger.get("/account/apps")).headers["location"] == "/sign-in?next=/account/apps"
        assert (await stranger.post("/account/apps", data={"id": app.client_id})).status_code == 303
