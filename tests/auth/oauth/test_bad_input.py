"""Nothing that a client sends to OAuth's endpoints is a fault of ours, and no secret gets into the log."""

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_graph.auth.oauth.redirects import RedirectUriInvalid, checked, form_source
from crm_graph.auth.oauth.requests import parameters
from crm_graph.errors import BadRequest
from tests.auth.oauth.conftest import Site

FORM = {"content-type": "application/x-www-form-urlencoded"}
BODIES: tuple[tuple[dict[str, str], bytes], ...] = (
    (FORM, b""),
    (FORM, b"grant_type="),
    (FORM, b"grant_type=password&username=a&password=b"),
    (FORM, b"grant_type=%22%5C"),
    (FORM, b"grant_type=authorization_code&grant_type=refresh_token"),
    (FORM, b"\xff\xfe"),
    (FORM, b"%ff=%ff"),
    (FORM, b"a=%00"),
    (FORM, b"x" * 50_000),
    (FORM, b"&".join(b"a%d=1" % n for n in range(60))),
    (FORM, b"grant_type=refresh_token&refresh_token=%F0%9F%98%80"),
    ({"content-type": "application/json"}, b'{"grant_type": "client_credentials"}'),
    ({"content-type": "multipart/form-data; boundary=x"}, b"--x--"),
    ({}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic"}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic !!!"}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic /////w=="}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic Og=="}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic bm9jb2xvbg=="}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Bearer x"}, b"grant_type=client_credentials"),
    ({**FORM, "authorization": "Basic " + "A" * 20_000}, b"grant_type=client_credentials"),
)


@pytest.mark.parametrize("path", ["token", "introspect", "revoke"])
async def test_odd_requests_are_answered_as_oauth_says(site: Site, path: str) -> None:
    for number, (headers, body) in enumerate(BODIES):
        async with site.client(address=f"198.51.100.{number}") as client:
            answer = await client.post(f"/oauth/{path}", content=body, headers=headers)
        assert answer.status_code in (400, 401, 413), (headers, body, answer.text)
        assert set(answer.json()) == {"error", "error_description"} or set(answer.json()) == {"error"}
        assert answer.headers["cache-control"] == "no-store"


async def test_no_secret_is_in_the_log_or_in_an_error(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    app = await site.register()
    code, verifier = await site.code(app)
    tokens = (await site.exchanged(app, code, verifier)).json()
    answers: list[Any] = [await site.exchanged(app, code, verifier), await site.refreshed(app, tokens["refresh_token"])]
    answers.append(await site.ask(tokens["access_token"]))
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]  # the client's
    said = "\n".join(ours) + "".join(str(getattr(answer, "text", answer)) for answer in answers)
    assert "was used twice" in caplog.text
    for secret in (code, verifier, app.secret, tokens["access_token"], tokens["refresh_token"], tokens["id_token"]):
        assert secret
        assert secret not in said
        assert secret[12:40] not in said


@pytest.mark.parametrize(
    "text",
    ["https://a.test/cb", "https://a.test:8443/cb?x=1", "http://127.0.0.1:9999/cb", "http://[::1]/cb", "http://localhost/cb",
     "org.example.app:/cb", "org.example.app://cb"],
)  # fmt: skip
def test_what_may_be_registered(text: str) -> None:
    assert checked(text) == text


@pytest.mark.parametrize(
    "text",
    ["", "/cb", "//a.test/cb", "http://a.test/cb", "https://", "https://a.test/#x", "https://a.test/*", "https://*.a.test/",
     "https://u@a.test/", "javascript:alert(1)", "data:text/html,x", "app:/cb", "ftp://a.test/", "https://a.test/ b",
     "https://a.test/\\x", 'https://a.test/"', "https://a.test:x/", "file:///etc/passwd", "https://ä.test/"],
)  # fmt: skip
def test_what_may_not_be_registered(text: str) -> None:
    with pytest.raises(RedirectUriInvalid):
        checked(text)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_parameters_and_addresses_of_any_text_are_read_or_refused(text: str) -> None:
    try:
        found = parameters(text)
    except BadRequest:
        found = {}
    assert all(value for value in found.values())
    source = form_source(f"/oauth/authorize?redirect_uri={text}")
    assert not set(source) & set(" ;,'\"")
