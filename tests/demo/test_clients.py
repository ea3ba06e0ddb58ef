"""The demo's apps: each goes through its flow over HTTP, with what the files say and nothing else."""

import json
import re
import stat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from crm_graph.demo import clients
from tests.auth.conftest import form_token
from tests.auth.oauth.conftest import pkce
from tests.conftest import blocking, clone
from tests.fixtures.api import running
from tests.fixtures.demo import Demo


def read(demo: Demo) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((demo.data_dir / "clients.json").read_text(encoding="utf-8"))
    return found


def test_the_file_has_three_apps_and_is_private(demo_template: Demo) -> None:
    found = read(demo_template)
    assert list(found) == ["public", "confidential", "service"]
    assert {one["redirect_uri"] for one in found.values()} == {"http://127.0.0.1:9999/cb"}
    assert ["client_secret" in one for one in found.values()] == [False, True, True]
    assert stat.S_IMODE((demo_template.data_dir / "clients.json").stat().st_mode) == 0o600


def test_apps_that_work_are_kept_and_others_made_anew(
    embedded_server: Any, demo_template: Demo, tmp_path: Path
) -> None:
    with clone(embedded_server, demo_template.template) as url:
        (tmp_path / "clients.json").write_text(json.dumps(read(demo_template)))
        assert blocking(clients.ensure(url, tmp_path)) == read(demo_template)

        async def spoil() -> None:
            connection = await asyncpg.connect(url)
            await connection.execute("UPDATE oauth_clients SET secret_hash = sha256('x') WHERE secret_hash IS NOT NULL")
            await connection.close()

        blocking(spoil())
        made = blocking(clients.ensure(url, tmp_path))
        assert made != read(demo_template)
        assert blocking(clients.ensure(url, tmp_path)) == made


@pytest.mark.parametrize("sort", ["public", "confidential"])
async def test_a_persona_signs_in_by_a_portal(embedded_server: Any, demo_template: Demo, sort: str) -> None:
    app, persona = read(demo_template)[sort], next(p for p in demo_template.personas if p["key"] == "partner_rep")
    with clone(embedded_server, demo_template.template) as url:
        async with running(url, demo_template.data_dir, demo_template.personas, demo=True, demo_rate_limit=0) as api:
            browser, (verifier, challenge) = api.client, pkce()
            asked = {
                "response_type": "code", "client_id": app["client_id"], "redirect_uri": app["redirect_uri"],
                "scope": app["scope"], "state": "s", "nonce": "n", "code_challenge": challenge,
                "code_challenge_method": "S256",
            }  # fmt: skip
            shown = await browser.get("/oauth/authorize", params=asked, follow_redirects=True)
            following = re.search(r'name="next" value="([^"]+)"', shown.text)
            assert following
            shown = await browser.post(
                "/sign-in",
                data={"form_token": form_token(shown), "next": following[1].replace("&amp;", "&"),
                      "email": persona["email"], "password": persona["password"]},
                follow_redirects=True,
            )  # fmt: skip
            request = re.search(r'name="request" value="([^"]*)"', shown.text)
            assert request, shown.text
            form = {"form_token": form_token(shown), "request": request[1].replace("&amp;", "&"), "decision": "allow"}
            code = parse_qs(urlsplit((await browser.post("/oauth/consent", data=form)).headers["location"]).query)[
                "code"
            ][0]
            exchange = {
                "grant_type": "authorization_code", "code": code, "redirect_uri": app["redirect_uri"],
                "code_verifier": verifier, "client_id": app["client_id"],
            }  # fmt: skip
            proof: dict[str, Any] = {"auth": (app["client_id"], app["client_secret"])} if "client_secret" in app else {}
            token = (await browser.post("/oauth/token", data=exchange, **proof)).json()["access_token"]
            bearer = {"authorization": f"Bearer {token}"}
            who = (await browser.get("/oauth/userinfo", headers=bearer)).json()
            assert (who["name"], who["email"]) == (persona["name"], persona["email"])
            query = {"query": "{ viewer { roles partnerId } customers(first: 1) { totalCount } }"}
            seen = (await browser.post("/graphql", json=query, headers=bearer)).json()["data"]
            assert seen["viewer"]["roles"] == ["partner_rep"]
            whole = (await api.as_("partner_rep")(query["query"])).data
            assert seen["customers"] == whole["customers"]


async def test_the_service_app_works_on_its_own(embedded_server: Any, demo_template: Demo) -> None:
    app = read(demo_template)["service"]
    with clone(embedded_server, demo_template.template) as url:
        async with running(url, demo_template.data_dir, demo_template.personas, demo=True) as api:
            answer = await api.client.post(
                "/oauth/token",
                data={"grant_type": "client_credentials", "scope": app["scope"]},
                auth=(app["client_id"], app["client_secret"]),
            )
            bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
            query = {"query": "{ viewer { kind } customers(first: 1) { totalCount } }"}
            seen = (await api.client.post("/graphql", json=query, headers=bearer)).json()
    assert seen["data"]["viewer"]["kind"] == "app"
    assert seen["data"]["customers"]["totalCount"] > 100


async def test_rate_limits_of_the_demo_are_one_setting(embedded_server: Any, demo_template: Demo) -> None:
    app = read(demo_template)["service"]
    with clone(embedded_server, demo_template.template) as url:
        for limit, expected in ((3, [401] * 3 + [429]), (0, [401] * 40)):
            async with running(
                url, demo_template.data_dir, demo_template.personas, demo=True, demo_rate_limit=limit
            ) as api:
                statuses = [
                    (
                        await api.client.post(
                            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(app["client_id"], "wrong")
                        )
                    ).status_code
                    for _ in expected
                ]
            assert statuses == expected
