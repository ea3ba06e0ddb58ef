"""A passkey, as its user handles it."""

import httpx

from tests.auth.authenticator import Phone, options
from tests.auth.conftest import form_token

PAGE = "/account/passkeys"


ENTER = "/sign-in/passkey"


async def add(client: httpx.AsyncClient, phone: Phone, name: str = "Phone", **changed: str) -> httpx.Response:
    page = await client.get(PAGE)
    answer = phone.create(options(page), **changed)
    return await client.post(PAGE, data={"form_token": form_token(page), "credential": answer, "name": name})


async def enter(client: httpx.AsyncClient, phone: Phone, following: str = "/account", **changed: str) -> httpx.Response:
    page = await client.get("/sign-in")
    answer = phone.get(options(page), **changed)
    return await client.post(ENTER, data={"form_token": form_token(page), "credential": answer, "next": following})
