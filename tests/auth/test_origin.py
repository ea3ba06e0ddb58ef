import pytest

from crm_graph.auth import cookies, origin
from crm_graph.auth.sign_in.form import destination

HOST = (b"host", b"acme.test:8000")


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({b"sec-fetch-site": b"same-origin"}, True),
        ({b"sec-fetch-site": b"none"}, True),
        ({b"sec-fetch-site": b"same-site"}, False),
        ({b"sec-fetch-site": b"cross-site"}, False),
        ({b"sec-fetch-site": b"cross-site", b"origin": b"http://acme.test:8000", b"x-requested-with": b"x"}, False),
        ({b"origin": b"http://acme.test:8000"}, True),
        ({b"origin": b"https://ACME.test:8000"}, True),
        ({b"origin": b"http://acme.test"}, False),
        ({b"origin": b"http://evil.test"}, False),
        ({b"origin": b"http://acme.test:8000.evil.test"}, False),
        ({b"origin": b"null"}, False),
        ({b"origin": b""}, False),
        ({b"origin": b"http://evil.test", b"x-requested-with": b"x"}, False),
        ({b"x-requested-with": b"x"}, True),
        ({b"x-requested-with": b""}, False),
        ({}, False),
    ],
)
def test_what_proves_that_our_own_page_sent_it(headers: dict[bytes, bytes], same: bool) -> None:
    assert origin.is_same({**dict([HOST]), **headers}) is same


def test_an_empty_host_equals_no_origin() -> None:
    assert not origin.is_same({b"host": b"", b"origin": b"null"})
    assert not origin.is_same({b"origin": b"null"})


@pytest.mark.parametrize(
    "path", ["/", "/account", "/a/b?c=d&e=/f#g", "/explorer?query=%7B%20me%20%7D", "/@evil.test", "/a//b"]
)
def test_a_path_of_ours_is_gone_to(path: str) -> None:
    assert destination(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None, "", "account", "//evil.test", "///evil.test", "/\\evil.test", "\\\\evil.test", "https://evil.test",
        "https:evil.test", "javascript:alert(1)", "/\t/evil.test", "/\n/evil.test", "/\r\nSet-Cookie: a=b",
        " //evil.test", "/ /evil.test", "/a\\b", "/é", "/" + "x" * 6001, "data:text/html,x", "/\x00/evil.test", "/a\x7f",
    ],
)  # fmt: skip
def test_no_other_place_is_gone_to(path: str | None) -> None:
    assert destination(path) == "/account"


def test_a_secure_cookie_is_bound_to_the_host() -> None:
    assert cookies.written("crm_session", "x", secure=True, seconds=60) == (
        "__Host-crm_session=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
    )
    assert cookies.written("crm_session", "x", secure=False) == "crm_session=x; Path=/; HttpOnly; SameSite=Lax"
    header = b"a=b; crm_session=one;__Host-crm_session=two; crm_session=three; xcrm_session=four"
    assert cookies.values(header, "crm_session", secure=False) == ["one", "three"]
    assert cookies.values(header, "crm_session", secure=True) == ["two"]
