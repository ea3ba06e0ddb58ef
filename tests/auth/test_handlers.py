"""Handlers of pages: what is raised becomes a page, and what met another transaction is done again."""

import asyncpg
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_graph.auth.sign_in.form import read
from crm_graph.auth.sign_in.page import refusing


async def test_a_handler_that_meets_another_transaction_is_run_again() -> None:
    """A form is read once and its handler run again; in the end the page says to try later."""
    seen: list[dict[str, str]] = []

    @refusing
    async def handle(request: Request) -> Response:
        seen.append(await read(request))
        if len(seen) < fails:
            raise asyncpg.DeadlockDetectedError("met")
        return Response("done")

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=[Route("/", handle, methods=["POST"])])), base_url="http://x"
    ) as client:
        fails = 3
        assert (await client.post("/", data={"a": "1"})).text == "done"
        assert seen == [{"a": "1"}] * 3
        seen.clear()
        fails = 100
        assert (await client.post("/", data={"a": "1"})).status_code == 503
        assert len(seen) == 4
