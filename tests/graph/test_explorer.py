"""The explorer's files as they are served."""

import re

import httpx
import pytest
from starlette.applications import Starlette

from crm_graph.graph.explorer import routes


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = Starlette(routes=routes(lambda: {"demo": False, "endpoint": "/graphql"}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_the_page_loads_only_its_own_files_and_no_inline_code(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith("/explorer/")
        assert (await client.get(link)).status_code == 200
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page.text)


async def test_modules_import_only_what_is_served(client: httpx.AsyncClient) -> None:
    waiting, seen = ["explorer.js"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        file = await client.get(f"/explorer/{name}")
        assert file.status_code == 200
        assert file.headers["content-type"] == "text/javascript; charset=utf-8"
        assert not re.search(r"https?://|innerHTML|\beval\b", file.text)
        waiting += [found for found in re.findall(r"from '\./([^']+)'", file.text) if found not in seen]
    assert len(seen) > 5


@pytest.mark.parametrize("path", ["/", "/explorer/explorer.css", "/explorer/explorer.js", "/explorer/config.json"])
async def test_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_files_are_revalidated_and_the_configuration_is_never_stored(client: httpx.AsyncClient) -> None:
    first = await client.get("/explorer/explorer.css")
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/explorer/explorer.css", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/explorer/explorer.css", headers={"if-none-match": '"other"'})).status_code == 200
    configuration = await client.get("/explorer/config.json")
    assert configuration.headers["cache-control"] == "no-store"
    assert configuration.json() == {"demo": False, "endpoint": "/graphql"}


@pytest.mark.parametrize(
    "path", ["/explorer/", "/explorer/index.html", "/explorer/__init__.py", "/explorer/../__init__.py"]
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
