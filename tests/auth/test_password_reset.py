"""A new password by a mailed link: once, for an hour, for who has the mailbox, and telling nobody who has an account."""

import asyncio
import re
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.auth import credentials
from crm_graph.auth.authentication import Authenticator
from tests.auth.conftest import ADA, PASSWORD, World, bearing, browser, form_token, mails, post, sign_in
from tests.auth.test_sign_in import TOKEN

FORGOTTEN, RESET = "/sign-in/forgotten", "/sign-in/reset"
NEW = "another horse battery"


async def ask(client: httpx.AsyncClient, email: str) -> httpx.Response:
    return await post(client, FORGOTTEN, FORGOTTEN, email=email)


async def link(world: World, nth: int = 1) -> str:
    """The path that the nth mail links to."""
    mail = (await mails(world, nth))[nth - 1]
    [found] = re.findall(r"http://acme\.test(/sign-in/reset\?token=\w+)", mail["body"])
    return found


async def set_by(client: httpx.AsyncClient, path: str, password: str = NEW) -> httpx.Response:
    page = await client.get(path)
    if page.status_code != 200:
        return page
    token = path.partition("token=")[2]
    return await client.post(RESET, data={"form_token": form_token(page), "token": token, "password": password})


async def test_a_link_sets_a_password_and_ends_all_sessions(
    world: World, app: Starlette, client: httpx.AsyncClient, authenticator: Authenticator
) -> None:
    await sign_in(client)
    session = client.cookies["crm_session"]
    async with browser(app) as phone:
        answer = await ask(phone, f" {ADA.upper()} ")
        assert answer.status_code == 200
        assert "Look into your mail" in answer.text
        path = await link(world)
        [mail] = await mails(world)
        assert (mail["recipient"], mail["subject"]) == (ADA, "Set a new password")
        done = await set_by(phone, path)
        assert done.status_code == 200, done.text
        assert "crm_session" not in phone.cookies, "a link signs nobody in"
        with pytest.raises(Exception, match="unknown, expired or revoked"):
            await authenticator.actor(bearing(session))
        assert (await sign_in(phone, password=PASSWORD)).status_code == 422
        assert (await sign_in(phone, password=NEW)).status_code == 303
    told = (await mails(world, 2))[1]
    assert (told["recipient"], told["subject"]) == (ADA, "Your password was changed")
    assert NEW not in told["body"]


async def test_the_answer_is_the_same_for_everybody(world: World, app: Starlette) -> None:
    organization = await world.admin.fetchval("SELECT id FROM organizations")
    other = await world.organization("b.test")
    await world.user(organization, name="Sus", email="sus@acme.test", password=PASSWORD, status="SUSPENDED")
    await world.user(other, name="Else", email="else@acme.test", password=PASSWORD)
    seen = set()
    emails = [
        ADA,
        "nobody@acme.test",
        "sus@acme.test",
        "else@acme.test",
        "",
        "x" * 3000,
        f"{ADA}\nBcc: eve@evil.test",
        "'",
    ]
    for n, email in enumerate(emails):
        async with browser(app, address=f"203.0.113.{n}") as client:
            page = await client.get(FORGOTTEN)
            answer = await client.post(FORGOTTEN, data={"form_token": form_token(page), "email": email})
            headers = sorted((k, v) for k, v in answer.headers.items())
            seen.add((answer.status_code, TOKEN.sub("", answer.text), str(headers)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 200
    await asyncio.sleep(0.3)
    assert [m["recipient"] for m in await mails(world, 1)] == [ADA]
    assert await world.admin.fetchval("SELECT count(*) FROM password_resets") == 1


async def test_it_is_answered_before_anything_is_looked_up(
    world: World, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no clock tells who has an account: the answer is there while the look-up has not begun to end."""
    go_on = asyncio.Event()
    looked_up = credentials.who_forgot

    async def later(*arguments: object) -> object:
        await go_on.wait()
        return await looked_up(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(credentials, "who_forgot", later)
    async with asyncio.timeout(5):
        assert (await ask(client, ADA)).status_code == 200
    assert await mails(world) == []
    go_on.set()
    await link(world)


async def test_the_mail_goes_to_the_address_on_file(world: World, client: httpx.AsyncClient) -> None:
    """Addresses are found without regard to how they are written; what was typed may be somebody else's mailbox."""
    await ask(client, "ADA@acme.test")
    assert [m["recipient"] for m in await mails(world, 1)] == [ADA]


async def test_a_link_works_once(world: World, app: Starlette, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    path = await link(world)
    for _ in range(3):  # programs that look at mail open links
        assert (await client.get(path)).status_code == 200
    page = await client.get(path)
    fields = {"form_token": form_token(page), "token": path.partition("token=")[2], "password": NEW}
    answers = await asyncio.gather(*(client.post(RESET, data=fields) for _ in range(3)))
    assert sorted(a.status_code for a in answers) == [200, 410, 410]
    again = await client.post(RESET, data={**fields, "password": "attacker's own choice"})
    assert (again.status_code, "LINK_OVER" in again.text) == (410, True)
    assert (await client.get(path)).status_code == 410
    assert (await sign_in(client, password=NEW)).status_code == 303


async def test_a_link_works_for_an_hour(world: World, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    path = await link(world)
    assert await world.admin.fetchval("SELECT expires_at - created_at = interval '1 hour' FROM password_resets")
    await world.admin.execute("UPDATE password_resets SET expires_at = now()")
    assert (await set_by(client, path)).status_code == 410
    assert (await sign_in(client)).status_code == 303


async def test_only_its_hash_is_kept(world: World, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    token = (await link(world)).partition("token=")[2]
    kept = bytes(await world.admin.fetchval("SELECT token_hash FROM password_resets"))
    assert len(kept) == 32
    assert token.encode() not in kept


@pytest.mark.parametrize("token", ["", "x", "crm_res_" + "x" * 43, "é" * 500, "\udc00", "' OR 1=1 --", "x" * 4000])
async def test_what_is_no_link(world: World, client: httpx.AsyncClient, token: str) -> None:
    page = await client.get(FORGOTTEN)
    asked = await client.get(RESET, params={"token": token.encode(errors="surrogatepass").decode("latin-1")})
    assert asked.status_code == 410
    data = {"form_token": form_token(page), "token": token.replace("\udc00", "?"), "password": NEW}
    assert (await client.post(RESET, data=data)).status_code == 410
    assert (await sign_in(client)).status_code == 303


async def test_a_link_of_another_organisation_does_nothing(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    await world.organization("b.test")
    await ask(client, ADA)
    path = await link(world)
    async with browser(app, "http://b.test") as other:
        assert (await other.get(path)).status_code == 410
    assert (await client.get(path)).status_code == 200


async def test_a_password_that_does_not_fit_uses_nothing_up(world: World, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    path = await link(world)
    short = await set_by(client, path, "short")
    assert short.status_code == 422
    assert "at least 10 characters" in short.text
    assert (await set_by(client, path)).status_code == 200


async def test_a_changed_password_ends_links_from_before(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    await ask(client, ADA)
    path = await link(world)
    await sign_in(client)
    await post(client, "/account/password", "/account/password", current=PASSWORD, password=NEW)
    async with browser(app) as other:
        assert (await set_by(other, path, "attacker's own choice")).status_code == 410


async def test_a_user_gets_three_links_an_hour_and_an_address_asks_so_often(
    world: World, authenticator: Authenticator, app: Starlette, client: httpx.AsyncClient
) -> None:
    for n in range(6):
        async with browser(app, address=f"198.51.100.{n}") as anybody:
            assert (await ask(anybody, ADA)).status_code == 200
    await asyncio.sleep(0.3)
    assert len(await mails(world, 3)) == 3
    slow = world.sign_in(authenticator, world.throttles((9, 60), (3, 60)))
    async with browser(slow) as one:
        assert [(await ask(one, f"n{n}@acme.test")).status_code for n in range(5)] == [200, 200, 200, 429, 429]


async def test_a_suspended_user_s_link_leads_to_no_session(world: World, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    path = await link(world)
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    await set_by(client, path)
    assert (await sign_in(client, password=NEW)).status_code == 422


async def test_who_has_no_password_yet_gets_one(world: World, client: httpx.AsyncClient) -> None:
    organization = await world.admin.fetchval("SELECT id FROM organizations")
    await world.user(organization, name="New", email="new@acme.test")
    await ask(client, "new@acme.test")
    assert (await set_by(client, await link(world))).status_code == 200
    assert (await sign_in(client, "new@acme.test", NEW)).status_code == 303


async def test_forms_that_are_not_ours_send_and_set_nothing(
    world: World, app: Starlette, client: httpx.AsyncClient
) -> None:
    await ask(client, ADA)
    path = await link(world)
    async with browser(app) as attacker:
        foreign = form_token(await attacker.get(FORGOTTEN))
    fields = {"form_token": foreign, "email": ADA, "token": path.partition("token=")[2], "password": NEW}
    for where in (FORGOTTEN, RESET):
        assert (await client.post(where, data=fields)).status_code == 403
        own = {**fields, "form_token": form_token(await client.get(FORGOTTEN))}
        assert (await client.post(where, data=own, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert len(await mails(world)) == 1
    assert (await sign_in(client)).status_code == 303


async def test_the_link_leads_to_a_host_of_ours(world: World, app: Starlette) -> None:
    async with browser(app, "http://evil.test") as client:
        assert (await client.get(FORGOTTEN)).status_code == 404
        assert (await client.post(FORGOTTEN, data={"email": ADA})).status_code in (403, 404)
    async with browser(app, "https://acme.test:8443") as client:
        await ask(client, ADA)
        [mail] = await mails(world, 1)
        url = urlsplit(re.findall(r"https?://\S+", mail["body"])[0])
        assert (url.scheme, url.netloc) == ("https", "acme.test:8443")


async def test_pages_leak_no_token(world: World, client: httpx.AsyncClient) -> None:
    await ask(client, ADA)
    page = await client.get(await link(world))
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?!/)', page.text) == []


async def test_a_stranger_puts_no_words_into_the_mail(world: World, client: httpx.AsyncClient) -> None:
    client.headers["user-agent"] = "Your account is blocked, see https://evil.test"
    await ask(client, ADA)
    [mail] = await mails(world, 1)
    assert "evil.test" not in mail["body"]
    assert "an unknown browser" in mail["body"]
