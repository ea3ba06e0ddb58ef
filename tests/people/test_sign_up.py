"""Customers over HTTP: sign-up, codes by mail, taking over a record; and that nobody learns who has an account."""

import asyncio
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.auth.conftest import sign_in
from tests.people.conftest import People, form_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "a long enough password"


async def ask(client: httpx.AsyncClient, path: str, **data: str) -> httpx.Response:
    """Fetch a form and post it."""
    token = form_token(await client.get(path))
    return await client.post(path, data={"form_token": token, **data})


async def code_of(people: People, email: str) -> str:
    return "".join(re.findall(r"^    (\d{4}) (\d{4})$", (await people.mails(email))[-1], re.MULTILINE)[0])


async def enter(client: httpx.AsyncClient, asked: httpx.Response, code: str, **data: str) -> httpx.Response:
    assert asked.status_code == 303, asked.text
    location = asked.headers["location"]
    token = form_token(await client.get(location))
    [id_] = parse_qs(urlsplit(location).query)["id"]
    path = urlsplit(location).path.removesuffix("/enter") + "/enter"
    return await client.post(path, data={"form_token": token, "id": id_, "code": code, **data})


async def signed_up(people: People, client: httpx.AsyncClient, email: str, **data: str) -> httpx.Response:
    asked = await ask(client, "/sign-up", name="Ida Lind", email=email, **data)
    return await enter(client, asked, await code_of(people, email))


async def user_of(people: People, email: str) -> object:
    return await people.admin.fetchrow(
        "SELECT u.*, c.name AS customer, c.kind, c.email AS address, c.created_at AS since FROM users u"
        " LEFT JOIN customers c ON c.organization_id = u.organization_id AND c.id = u.customer_id"
        " WHERE u.organization_id = $1 AND u.email = $2",
        people.organization, email,
    )  # fmt: skip


async def test_nobody_is_made_before_the_address_is_proven(people: People) -> None:
    email, before = "ida@home.example", await people.traces()
    async with people.browser() as client:
        asked = await ask(client, "/sign-up", name="Ida Lind", email=email, password=PASSWORD)
        waiting = await people.traces()
        assert {t for t in before if before[t] != waiting[t]} == {"sign_in_codes", "outgoing_mails"}
        assert (await client.get("/account")).status_code == 303
        assert (await sign_in(client, email, PASSWORD)).status_code == 422  # the password is worth nothing yet
        code = await code_of(people, email)
        rows = await people.admin.fetch("SELECT t::text AS text FROM sign_in_codes t")
        assert not any(code in row["text"] or PASSWORD in row["text"] for row in rows)
        done = await enter(client, asked, f" {code[:4]}-{code[4:]} ")
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert "Ida Lind" in (await client.get("/account")).text
    user = await user_of(people, email)
    assert (user["roles"], user["customer"], user["kind"], user["address"]) == (
        ["customer"],
        "Ida Lind",
        "PERSON",
        email,
    )
    async with people.browser() as client:
        assert (await sign_in(client, email, PASSWORD)).status_code == 303
    audit = await people.admin.fetch("SELECT * FROM audit_entries WHERE row_id = $1 ORDER BY at, id", user["id"])
    assert [(row["action"], row["channel"], row["actor_id"]) for row in audit] == [
        ("create", "sign_up", None),
        ("password_set", "sign_up", user["id"]),
        ("sign_in", "sign_up", user["id"]),
        ("sign_in", "sign_in", user["id"]),
    ]


async def test_without_a_password_one_signs_in_by_codes(people: People) -> None:
    email = "kai@home.example"
    async with people.browser() as client:
        assert (await signed_up(people, client, email)).status_code == 303
    for path in ("/sign-in/code", "/sign-up"):  # who signs up again is who they are, and nothing of them is changed
        async with people.browser() as client:
            asked = await ask(
                client,
                path,
                email=email.upper(),
                name="Somebody Else",
                password="another password",
                next="/account?x=1",
            )
            done = await enter(client, asked, await code_of(people, email.upper()), next="/account?x=1")
            assert done.headers["location"] == "/account?x=1"
    user = await user_of(people, email)
    assert user["name"] == "Ida Lind"
    assert await people.admin.fetchval("SELECT count(*) FROM credentials WHERE user_id = $1", user["id"]) == 0


async def test_a_code_works_once_in_its_browser_for_a_while_and_a_few_tries(people: People) -> None:
    email = "lou@home.example"
    async with people.browser() as client, people.browser() as other:
        asked = await ask(client, "/sign-up", name="Lou", email=email)
        code, before = await code_of(people, email), await people.traces()
        await other.get("/sign-up")
        assert (await enter(other, asked, code)).status_code == 422
        for wrong in ("", "1234", "x" * 5000, f"{(int(code) + 1) % 10**8:08}"):
            assert (await enter(client, asked, wrong)).status_code == 422
        assert await people.traces() == before
        assert (await enter(client, asked, code)).status_code == 303  # the fifth
        asked = await ask(other, "/sign-in/code", email=email)
        code = await code_of(people, email)
        many = [await enter(other, asked, "00000000") for _ in range(5)]
        assert {r.status_code for r in many} == {422}
        assert (await enter(other, asked, code)).status_code == 422  # the sixth
        asked = await ask(other, "/sign-in/code", email=email)
        code = await code_of(people, email)
        await people.admin.execute("UPDATE sign_in_codes SET expires_at = now()")
        assert (await enter(other, asked, code)).status_code == 422
        asked = await ask(other, "/sign-in/code", email=email)
        code = await code_of(people, email)
        kept = dict(other.cookies)
        assert (await enter(other, asked, code)).status_code == 303
        other.cookies.clear()
        other.cookies.set("crm_form", kept["crm_form"], domain="localhost.local")
        assert (await enter(other, asked, code)).status_code == 422  # again
        assert other.cookies["crm_form"] == kept["crm_form"]


async def test_of_many_tries_at_once_each_counts(people: People) -> None:
    email = "max@home.example"
    async with people.browser() as client:
        asked = await ask(client, "/sign-up", name="Max", email=email)
        token = form_token(await client.get(asked.headers["location"]))
        [id_] = parse_qs(urlsplit(asked.headers["location"]).query)["id"]
        data = {"form_token": token, "id": id_}
        guesses = [{**data, "code": f"{n:08}"} for n in range(12)]
        await asyncio.gather(*(client.post("/sign-in/code/enter", data=one) for one in guesses))
        assert await people.admin.fetchval("SELECT attempts FROM sign_in_codes WHERE id = $1", id_) == 5


async def test_two_who_prove_one_address_at_once_are_one(people: People) -> None:
    email = "two@home.example"
    async with people.browser() as a, people.browser() as b:
        first = await ask(a, "/sign-up", name="Two", email=email)
        one = await code_of(people, email)
        second = await ask(b, "/sign-up", name="Two", email=email)
        two = await code_of(people, email)
        done = await asyncio.gather(enter(a, first, one), enter(b, second, two))
    assert [r.status_code for r in done] == [303, 303]
    assert await people.admin.fetchval("SELECT count(*) FROM users WHERE email = $1", email) == 1
    assert await people.admin.fetchval("SELECT count(*) FROM customers WHERE email = $1", email) == 1


@pytest.mark.parametrize("path", ["/sign-in/code", "/sign-up"])
async def test_nobody_learns_who_has_an_account(people: People, path: str) -> None:
    """The same page, headers, rows and mails, whether the address is a customer's, of our own people, or nobody's."""
    await people.admin.execute("DELETE FROM sign_in_codes")
    addresses = [(await people.user(p))["email"] for p in ("customer", "sales_rep", "partner_rep")]
    await people.admin.execute("UPDATE users SET status = 'SUSPENDED' WHERE name = 'Tariq Demir'")
    addresses += [(await people.user("service_agent"))["email"], f"nobody@{path[1:5]}.example"]
    seen, codes = [], []
    for email in addresses:
        async with people.browser() as client:
            before = await people.traces()
            asked = await ask(client, path, name="X", email=email, password=PASSWORD)
            entry = await client.get(asked.headers["location"])
            after = await people.traces()
            changed = {t: after[t] - before[t] for t in before if t != "people" and after[t] != before[t]}
            body = re.sub(r'value="[^"]*"', "", entry.text)
            location = re.sub(r"id=[0-9a-f-]{36}", "", asked.headers["location"])
            seen.append((asked.status_code, location, sorted(asked.headers), body, sorted(changed.items())))
            wrong = await enter(client, asked, "00000000")
            assert wrong.status_code == 422
        codes.append(bool(re.search(r"^    \d{4} \d{4}$", (await people.mails(email))[-1], re.MULTILINE)))
    assert all(one == seen[0] for one in seen)
    assert codes == [True, False, False, False, path == "/sign-up"]
    await people.admin.execute("UPDATE users SET status = 'ACTIVE' WHERE name = 'Tariq Demir'")


async def test_a_record_with_the_proven_address_is_ones_own(people: People) -> None:
    """One record of a person that nobody signs in as; not where there are two, or it is a company's."""
    rows = await people.admin.fetch(
        "SELECT id, email FROM customers c WHERE organization_id = $1 AND kind = 'PERSON' AND email IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM users u WHERE u.customer_id = c.id OR u.email_match = c.email_match)"
        " ORDER BY id LIMIT 3",
        people.organization,
    )  # fmt: skip
    theirs, twice, also = rows
    await people.admin.execute("UPDATE customers SET email = $2 WHERE id = $1", also["id"], twice["email"].upper())
    company = await people.admin.fetchval(
        "SELECT email FROM customers WHERE kind = 'ORGANIZATION' AND email IS NOT NULL"
    )
    for email, wanted in ((theirs["email"], theirs["id"]), (twice["email"], None), (company, None)):
        async with people.browser() as client:
            assert (await signed_up(people, client, email)).status_code == 303
        user = await user_of(people, email)
        if wanted is not None:
            assert user["customer_id"] == wanted
        else:
            assert user["customer"] == "Ida Lind"


async def test_a_record_is_taken_over_by_a_code_to_its_address_alone(people: People) -> None:
    record = await people.admin.fetchrow(
        "SELECT id, email FROM customers c WHERE organization_id = $1 AND kind = 'PERSON' AND email IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM users u WHERE u.customer_id = c.id OR u.email_match = c.email_match)"
        " AND 1 = (SELECT count(*) FROM customers o WHERE o.organization_id = c.organization_id"
        " AND o.email_match = c.email_match) ORDER BY id DESC LIMIT 1",
        people.organization,
    )  # fmt: skip
    mine = "new.address@home.example"
    async with people.browser() as client:
        await signed_up(people, client, mine)
        before = (await user_of(people, mine))["customer_id"]  # type: ignore[index]
        texts = []
        for email in (record["email"], "nobody@nowhere.example", (await people.user("customer"))["email"]):
            asked = await ask(client, "/account/customer", email=email)
            location = re.sub(r"id=.*", "", asked.headers["location"])
            assert (await enter(client, asked, "00000000")).status_code == 422
            texts.append((asked.status_code, location, len(await people.mails(email)) > 0))
        assert len(set(texts)) == 1
        assert (await user_of(people, mine))["customer_id"] == before  # type: ignore[index]
        asked = await ask(client, "/account/customer", email=record["email"])
        code = await code_of(people, record["email"])
        async with people.browser() as other:  # signed in as somebody else, who has the code
            await signed_up(people, other, "thief@home.example")
            assert (await enter(other, asked, code)).status_code == 422
        done = await enter(client, asked, code)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert (await user_of(people, mine))["customer_id"] == record["id"]  # type: ignore[index]
        answer = await client.post(
            "/graphql", json={"query": "{ viewer { customerId } }"}, headers={"x-requested-with": "test"}
        )
        assert answer.json()["data"]["viewer"]["customerId"] == f"cus_{record['id'].hex}"
        again = await ask(client, "/account/customer", email=record["email"])
        assert not re.search(r"^    \d{4} \d{4}$", (await people.mails(record["email"]))[-1], re.MULTILINE)
        assert again.status_code == 303


async def test_only_customers_take_records_over_and_only_by_our_forms(people: People) -> None:
    async with people.browser() as client:
        assert (await client.get("/account/customer")).headers["location"] == "/sign-in?next=/account/customer"
        staff = people.api.people["sales_rep"]
        await sign_in(client, staff["email"], staff["password"])
        assert (await client.get("/account/customer")).status_code == 403
    before = await people.traces()
    async with people.browser() as client:
        for path in ("/sign-in/code", "/sign-in/code/enter", "/sign-up"):
            data = {"form_token": "0" * 64, "email": "x@y.example", "name": "X", "id": "0" * 32, "code": "0"}
            assert (await client.post(path, data=data)).status_code == 403
    assert await people.traces() == before


async def test_an_organisation_that_takes_in_nobody(people: People) -> None:
    async def set_to(open_: bool, status: int) -> None:
        await people.admin.execute("UPDATE organizations SET customer_sign_up = $1", open_)
        for _ in range(300):  # every process knows within five seconds
            async with people.browser() as client:
                if (await client.get("/sign-up")).status_code == status:
                    return
            await asyncio.sleep(0.02)
        raise AssertionError("it is not heard")

    await set_to(False, 403)
    async with people.browser() as client:
        form = await client.get("/sign-in/code")
        before = await people.traces()
        data = {"form_token": form_token(form), "email": "x@y.example", "name": "X"}
        assert (await client.post("/sign-up", data=data)).status_code == 403
        assert await people.traces() == before
    await set_to(True, 200)


async def test_codes_are_asked_for_so_often(people: People) -> None:
    async with people.browser(address="203.0.113.99") as client:
        found = [(await ask(client, "/sign-in/code", email="slow@home.example")).status_code for _ in range(6)]
        assert found == [303] * 5 + [429]
        assert (await ask(client, "/sign-in/code", email="other@home.example")).status_code == 303
    async with people.browser() as client:  # from elsewhere the owner is not kept out
        assert (await ask(client, "/sign-in/code", email="slow@home.example")).status_code == 303


async def test_a_code_by_mail_is_a_first_step_only(people: People) -> None:
    """Who has an authenticator app is asked for it after the code, too."""
    email = "careful@home.example"
    async with people.browser() as client:
        await signed_up(people, client, email)
    await people.admin.execute(
        "INSERT INTO totp_keys (organization_id, id, user_id, sealed_key, confirmed_at)"
        " SELECT organization_id, gen_random_uuid(), id, '', now() FROM users WHERE email = $1",
        email,
    )
    async with people.browser() as client:
        asked = await ask(client, "/sign-in/code", email=email)
        done = await enter(client, asked, await code_of(people, email))
        assert (done.status_code, done.headers["location"]) == (303, "/sign-in/second-step")
        assert "crm_session" not in client.cookies
        assert (await client.get("/account")).headers["location"].startswith("/sign-in?")
