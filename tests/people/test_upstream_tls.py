"""An OpenID provider over https: its certificate is looked at, and one of an unknown authority lets nobody in."""

import datetime as dt
import logging
import ssl
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from crm_graph.auth.upstream.fetching import Fetching
from crm_graph.db.embedded import EmbeddedServer
from tests.access.policy_world import PolicyWorld
from tests.conftest import clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo
from tests.people.certificates import Authority
from tests.people.conftest import People
from tests.people.openid_provider import CLIENT, SECRET, openid_provider

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXPIRED = dt.timedelta(days=-1)
SHOWN = "identityProvider { id }"


async def come(people: People, trusting: Path) -> httpx.Response:
    """To the provider and back, as a browser goes that trusts the authority."""
    async with people.browser() as client:
        begun = await client.get("/sign-in/with/corp")
        if begun.status_code != 303:
            return begun
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=trusting), timeout=60) as outside:
            back = await outside.get(begun.headers["location"])
        return await client.get(back.headers["location"])


async def test_a_certificate_decides(
    embedded_server: EmbeddedServer, small_demo_template: Demo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    demo, authority, other = small_demo_template, Authority(), Authority()
    file = authority.written(tmp_path)
    cases = (
        ("an authority that nobody knows", other.server(tmp_path, "localhost"), file, "unable to get local issuer"),
        ("no authority of our own", authority.server(tmp_path, "localhost"), None, "unable to get local issuer"),
        ("another server's", authority.server(tmp_path, "elsewhere.test"), file, "Hostname mismatch"),
        ("expired", authority.server(tmp_path, "localhost", ends=EXPIRED), file, "certificate has expired"),
        ("right", authority.server(tmp_path, "localhost"), file, None),
    )  # fmt: skip
    with clone(embedded_server, demo.template) as url:
        admin = await asyncpg.connect(url)
        organization = await admin.fetchval("SELECT id FROM organizations WHERE external_id = 'main'")
        for what, tls, trusted, wrong in cases:
            caplog.clear()
            async with (
                openid_provider("localhost", tls) as provider,
                running(
                    url, demo.data_dir, demo.personas, private_providers=True, provider_ca_file=trusted
                ) as api,
            ):  # fmt: skip
                people = People(PolicyWorld(api, api, admin, organization))
                await known(people, provider.issuer)
                provider.person = {"sub": "n1", "email": "nell@corp.example", "email_verified": True, "name": "Nell"}
                before = await people.traces()
                with caplog.at_level(logging.WARNING):
                    done = await come(people, file)
                if wrong is None:
                    assert done.headers["location"] == "/account"
                    assert provider.asked == ["metadata", "jwks"]
                    continue
                assert (done.status_code, "PROVIDER_UNREACHABLE" in done.text) == (502, True), what
                assert "certificate" not in done.text, "what is wrong with it is for the log"
                assert f"not trusted ({wrong}" in caplog.text, what
                assert provider.asked == [], "nothing was sent, not even the question"
                assert await people.traces() == before
        made = await admin.fetch("SELECT name FROM users WHERE email = 'nell@corp.example'")
        assert [row["name"] for row in made] == ["Nell"]
        await admin.close()


async def known(people: People, issuer: str) -> None:
    """Corp's people come in by the provider that listens now."""
    found: Any = await people.admin.fetchval("SELECT id FROM identity_providers")
    if found is not None:
        await people.admin.execute("UPDATE identity_providers SET issuer = $1", issuer)
        return
    given = {
        "name": "corp", "label": "Corp", "issuer": issuer, "clientId": CLIENT, "clientSecret": SECRET,
        "createsUsers": True, "roles": ["sales_rep"],
    }  # fmt: skip
    assert (await people.act("administrator", "createIdentityProvider", SHOWN, **given))["userErrors"] == []


async def test_a_file_without_certificates_stops_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="CRM_GRAPH_PROVIDER_CA_FILE is PEM"):
        Fetching(private=False, ca_file=empty)
