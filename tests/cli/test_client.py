"""`crm-graph client` and `crm-graph rotate-signing-key`."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from joserfc.jwk import ECKey

from crm_graph.auth import tokens
from crm_graph.auth.oauth.redirects import RedirectUriInvalid
from crm_graph.auth.oauth.review import AppState, ClientUnknown
from crm_graph.auth.scopes import ScopeInvalid
from crm_graph.errors import CrmError, ValueInvalid
from tests.cli.commands import command
from tests.cli.test_user import FIRST
from tests.conftest import blocking

PORTAL = ("client", "create", "Portal", "--scope", "openid customers:read", "--redirect-uri", "https://portal.test/cb")


def rows(url: str, table: str = "oauth_clients") -> list[Any]:
    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(f"SELECT * FROM {table} ORDER BY id"))
        finally:
            await connection.close()

    return list(blocking(run()))


@pytest.fixture
def url(database_url: str) -> str:
    command("user", *FIRST, "--database-url", database_url)
    return database_url


def run(url: str, *arguments: str) -> Any:
    return command(*arguments, "--database-url", url)


def test_an_app_is_registered_and_its_secret_shown_once(url: str) -> None:
    done = run(url, *PORTAL, "--purpose", "to show orders")
    assert done.exit_code == 0, done.exception
    client_id, secret, _ = done.stdout.splitlines()
    [row] = rows(url)
    assert client_id == f"client id: cli_{row['id'].hex}"
    assert row["secret_hash"] == tokens.digest(secret.removeprefix("secret:    ").encode())
    assert (row["name"], row["purpose"], row["status"]) == ("Portal", "to show orders", "ACTIVE")
    assert row["scopes"] == ["openid", "customers:read"]
    listed = run(url, "client", "list")
    assert client_id.split()[-1] in listed.stdout
    assert secret.split()[-1] not in listed.stdout


def test_a_public_app_has_no_secret(url: str) -> None:
    done = run(url, *PORTAL, "--public")
    assert "secret" not in done.stdout
    assert rows(url)[0]["auth_method"] == "none"


def test_an_app_for_devices_needs_no_redirect_uri(url: str) -> None:
    done = run(url, "client", "create", "Screen", "--scope", "openid", "--public", "--device")
    assert done.exit_code == 0, done.exception
    [row] = rows(url)
    assert row["grant_types"] == ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
    assert (row["redirect_uris"], row["user_id"]) == ([], None)


def test_an_app_with_a_key_and_a_user_of_its_own(url: str, tmp_path: Path) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    done = run(
        url, "client", "create", "Shop", "--scope", "orders:write", "--user", "ada@example.org", "--jwks", str(path)
    )
    assert done.exit_code == 0, done.exception
    [row] = rows(url)
    assert (row["auth_method"], row["grant_types"]) == ("private_key_jwt", ["client_credentials"])
    path.write_text(json.dumps({"keys": [key.as_dict(private=True)]}))
    refused = run(
        url, "client", "create", "Shop", "--scope", "orders:write", "--user", "ada@example.org", "--jwks", str(path)
    )
    assert isinstance(refused.exception, ValueInvalid)
    assert str(key.as_dict(private=True)["d"]) not in refused.output


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("--redirect-uri", "http://portal.test/cb"), RedirectUriInvalid),
        (("--scope", "nonsense"), ScopeInvalid),
        (("--scope", "unicorns:read"), ScopeInvalid),
        (("--user", "ada@example.org"), ValueInvalid),
        (("--public", "--jwks", "nowhere.json"), ValueInvalid),
        (("--jwks", "nowhere.json"), ValueInvalid),
    ],
)
def test_what_makes_no_sense_is_refused(url: str, more: tuple[str, ...], error: type[CrmError]) -> None:
    done = run(url, *PORTAL, *more)
    assert isinstance(done.exception, error)
    assert rows(url) == []


@pytest.mark.parametrize(
    "more", [("--user", "ada@example.org", "--public"), ("--user", "nobody@example.org"), ("--user", "ada@example.org", "--device"), ()]
)  # fmt: skip
def test_an_app_without_redirect_uri_needs_a_user_and_a_proof(url: str, more: tuple[str, ...]) -> None:
    done = run(url, "client", "create", "Shop", "--scope", "orders:write", *more)
    assert isinstance(done.exception, ValueInvalid)
    assert rows(url) == []


def test_a_secret_is_changed_with_an_overlap(url: str) -> None:
    client_id = run(url, *PORTAL).stdout.split()[2]
    [before] = rows(url)
    done = run(url, "client", "rotate", client_id, "--overlap", "2")
    secret = done.stdout.split()[1]
    [after] = rows(url)
    assert after["secret_hash"] == tokens.digest(secret.encode()) != before["secret_hash"]
    assert after["old_secret_hash"] == before["secret_hash"]
    assert isinstance(run(url, "client", "rotate", "cli_" + "0" * 32).exception, ClientUnknown)
    public = run(url, *PORTAL, "--public").stdout.split()[2]
    assert isinstance(run(url, "client", "rotate", public).exception, AppState)


def test_an_app_is_reviewed_suspended_and_resumed(url: str) -> None:
    client_id = run(url, *PORTAL, "--pending").stdout.split()[2]
    for action, status in (("resume", "ACTIVE"), ("suspend", "SUSPENDED"), ("resume", "ACTIVE")):
        assert f"is {status}" in run(url, "client", action, client_id).stdout
        assert rows(url)[0]["status"] == status
    assert isinstance(run(url, "client", "suspend", "nonsense").exception, ClientUnknown)


def test_a_signing_key_is_rotated(url: str, tmp_path: Path) -> None:
    for arguments, words in ((("--compromised",), "signs now"), ((), "signs in 15 minutes")):
        done = run(url, "rotate-signing-key", *arguments, "--data-dir", str(tmp_path))
        assert words in done.stdout, done.exception
    assert len(rows(url, "oauth_keys")) == 2
