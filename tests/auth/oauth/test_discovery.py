"""What clients read first: it names the issuer that was asked, and endpoints that are there."""

import pytest

from crm_graph.auth.oauth import scope as scope_names
from tests.auth.oauth.conftest import ISSUER, Site

DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
)


async def test_every_endpoint_named_is_there(site: Site) -> None:
    async with site.client() as client:
        for path in DOCUMENTS[:2]:
            found = (await client.get(path)).json()
            assert found["issuer"] == ISSUER
            endpoints = [url for name, url in found.items() if name.endswith(("_endpoint", "_uri"))]
            assert len(endpoints) >= 5
            for url in endpoints:
                assert url.startswith(ISSUER + "/oauth/")
                statuses = {(await client.get(url)).status_code, (await client.post(url)).status_code}
                assert 404 not in statuses
                assert statuses - {405}


async def test_it_says_what_holds(site: Site) -> None:
    async with site.client() as client:
        server = (await client.get(DOCUMENTS[0])).json()
        provider = (await client.get(DOCUMENTS[1])).json()
        resource = (await client.get(DOCUMENTS[2])).json()
        keys = (await client.get("/oauth/jwks")).json()["keys"]
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["response_types_supported"] == ["code"]
    assert server["grant_types_supported"] == [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
    ]
    assert server["authorization_response_iss_parameter_supported"] is True
    assert provider["id_token_signing_alg_values_supported"] == ["ES256"]
    assert resource["authorization_servers"] == [resource["resource"]] == [ISSUER]
    assert resource["bearer_methods_supported"] == ["header"]
    assert [key["alg"] for key in keys] == ["ES256"]
    assert not any("d" in key for key in keys)
    assert "customers:read" in server["scopes_supported"]


async def test_each_host_is_an_issuer_and_an_unknown_one_is_none(site: Site) -> None:
    for base in ("https://acme.test:8443", "https://ACME.test", "https://acme.test."):
        async with site.client(base) as client:
            found = (await client.get(DOCUMENTS[1])).json()["issuer"]
            assert found == ("https://acme.test:8443" if "8443" in base else ISSUER)
    async with site.client("https://evil.test") as client:
        for path in (*DOCUMENTS, "/oauth/jwks", "/oauth/userinfo"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert "evil.test" not in answer.text


@pytest.mark.parametrize("scope", [*scope_names.supported(), "customers:read:restricted", "*:write:public"])
def test_every_scope_can_be_said_in_words(scope: str) -> None:
    said = scope_names.words(scope)
    assert said[0].isupper()
    assert ":" not in said.partition(":")[2]


@pytest.mark.parametrize(
    ("wanted", "allowed", "within"),
    [
        ("customers:read", "customers:read:internal", True),
        ("customers:read:internal", "customers:read", False),
        ("customers:read:public", "*:read", True),
        ("*:read", "customers:read", False),
        ("customers:write", "customers:read:restricted", False),
        ("customers:read", "customers:write", False),
        ("openid", "openid", True),
        ("openid", "*:read", False),
        ("policy:read", "*:read:restricted", False),
        ("policy:read", "policy:read", True),
        ("customers:read:", "customers:read", False),
        ("customers", "customers:read", False),
        (":read", "*:read", False),
    ],
)
def test_a_scope_is_within_another_or_not(wanted: str, allowed: str, within: bool) -> None:
    assert scope_names.is_within(wanted, [allowed, "profile"]) is within
