"""The page `/access`, as a browser asks for it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.auth.conftest import browser, form_token
from tests.fixtures.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def signed_in(api: Api, persona: str) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api.app, "http://localhost") as client:
        await sign_in(client, api, persona)
        yield client


async def sign_in(client: httpx.AsyncClient, api: Api, persona: str) -> None:
    person = api.people[persona]
    page = await client.get("/sign-in?next=/access")
    fields = {
        "form_token": form_token(page),
        "email": person["email"],
        "password": person["password"],
        "next": "/access",
    }
    answer = await client.post("/sign-in", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/access")


def cells(page: str, field: str) -> list[str]:
    """What the roles get of a field, as the table says it."""
    [row] = re.findall(rf'<th scope="row" title="[^"]*">{field}</th>(.*?)</tr>', page, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td class.*?</td>", row, re.DOTALL)]


async def test_without_a_session_one_is_asked_to_sign_in(api: Api) -> None:
    async with browser(api.app, "http://localhost") as client:
        answer = await client.get("/access")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/access")


async def test_it_is_for_people_who_may_read_the_policy(api: Api) -> None:
    async with signed_in(api, "sales_manager") as client:
        answer = await client.get("/access")
        assert answer.status_code == 403
        assert "FIELD_ACCESS_DENIED" in answer.text
        assert "creditLimit" not in answer.text


async def test_the_matrix_says_what_each_role_gets(api: Api) -> None:
    async with signed_in(api, "administrator") as client:
        page = (await client.get("/access")).text
        assert re.findall(r'<th scope="col">(.*?)</th>', page)[2:10] == [
            "Administrator", "Sales manager", "Sales rep", "Service agent",
            "Partner rep", "Partner admin", "Customer", "Storefront",
        ]  # fmt: skip
        assert cells(page, "creditLimit") == [
            "value writes",
            "value writes",
            "by row",
            "–",
            "by row",
            "by row",
            "–",
            "–",
        ]
        assert cells(page, "taxNumber")[3] == "masked"
        assert cells(page, "riskNote") == ["value writes", *["–"] * 7]
        products = (await client.get("/access?entity=Product")).text
        assert cells(products, "name")[-1] == "value"
        assert (await client.get("/access?entity=Nonsense")).status_code == 200


CHANGE = """mutation ($changes: AccessPolicyChanges!) { updateAccessPolicy(input: { changes: $changes }) {
  userErrors { code message } } }"""
MATRIX = """{ accessMatrix(roles: ["sales_rep"], entities: ["Contact"]) { field action outcome } }"""


async def test_the_page_says_what_the_matrix_of_the_api_says(writable_api: Api) -> None:
    """A contact is not written where its customer is only read, whatever the grant on contacts says."""
    ask, rep = writable_api.as_("administrator"), 2
    async with signed_in(writable_api, "administrator") as client:
        page = (await client.get("/access?entity=Contact")).text
        assert cells(page, "email")[rep] == "by row writes by row"
        grants = [
            {"entity": "Customer", "grants": [{"rule": "EVERYONE", "read": "INTERNAL"}]},
            {"entity": "Contact", "grants": [{"rule": "PARENT", "read": "INTERNAL", "write": "INTERNAL"}]},
        ]
        changed = await ask(CHANGE, {"changes": {"roles": [{"name": "sales_rep", "grants": grants}]}})
        assert changed.data["updateAccessPolicy"]["userErrors"] == []
        page = (await client.get("/access?entity=Contact")).text
        found = (await ask(MATRIX)).data["accessMatrix"]
        assert {c["outcome"] for c in found if c["action"] == "WRITE"} == {"NO"}
        words = {"YES": "value", "MASKED": "masked", "BY_ROW": "by row", "NO": "–"}
        read = {c["field"]: words[c["outcome"]] for c in found if c["action"] == "READ"}
        assert {field: cells(page, field)[rep] for field in read} == read
        assert read["email"] == "value"


async def test_it_explains(api: Api) -> None:
    async with signed_in(api, "administrator") as client:
        node = (await api.as_("administrator")("{ customers(first: 1) { nodes { id } } }")).data["customers"]["nodes"][
            0
        ]
        asked = {"node": node["id"], "field": "riskNote", "user": api.people["service_agent"]["email"]}
        page = (await client.get("/access", params=asked)).text
        assert "<dt>Customer.riskNote</dt><dd>HIDDEN</dd>" in page
        for wrong, said in (
            ({"field": "nope"}, "Customer has no field"),
            ({"user": "nobody@example.com"}, "user names no user"),
            ({"node": "cus_" + "0" * 32}, "There is no such record"),
            ({"node": "<script>alert(1)</script>"}, "There is no such record"),
        ):
            page = (await client.get("/access", params=asked | wrong)).text
            assert said in page
            assert "<script>" not in page


async def test_it_shows_what_was_refused(writable_api: Api) -> None:
    await writable_api.as_("service_agent")("{ customers(first: 1) { nodes { riskNote } } }")
    await writable_api.app.endpoint._refusals.close()
    async with signed_in(writable_api, "administrator") as client:
        page = (await client.get("/access")).text
        assert re.search(r'<th scope="row">Customer.riskNote</th><td><code>FIELD_ACCESS_DENIED</code>', page)
        assert (await client.get("/access")).headers["content-security-policy"].startswith("default-src 'none'")
        assert (
            (await client.get(re.findall(r'href="(/access.css[^"]*)"', page)[0]))
            .headers["content-type"]
            .startswith("text/css")
        )
