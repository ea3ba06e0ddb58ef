"""`crm-graph user`: the first organisation, its administrator, and a way in for each."""

import asyncio
from dataclasses import dataclass

import asyncpg
import pytest

from crm_graph.auth import credentials, tokens
from crm_graph.auth.passwords import Passwords
from crm_graph.cli.policy_asked import RoleUnknown
from crm_graph.db.lanes import Lanes
from crm_graph.errors import ValueInvalid
from crm_graph.imports.organizations import OrganizationUnknown
from tests.cli.commands import command
from tests.conftest import blocking

FIRST = ("ada@example.org", "--role", "administrator", "--new-organization", "Example", "--currency", "CHF")


@dataclass(frozen=True)
class Found:
    organization: asyncpg.Record
    users: list[asyncpg.Record]
    keys: list[asyncpg.Record]
    audit: int


def look(url: str) -> Found:
    async def run() -> Found:
        connection = await asyncpg.connect(url)
        try:
            return Found(
                await connection.fetchrow("SELECT * FROM organizations"),
                await connection.fetch("SELECT * FROM users ORDER BY created_at"),
                await connection.fetch("SELECT * FROM api_keys"),
                await connection.fetchval("SELECT count(*) FROM audit_entries"),
            )
        finally:
            await connection.close()

    return blocking(run())


def printed(output: str) -> tuple[str, str]:
    password, key, _ = output.splitlines()
    return password.removeprefix("password: "), key.removeprefix("API key:  ")


def signs_in(url: str, found: Found, email: str, password: str) -> bool:
    async def run() -> bool:
        lanes, passwords = await Lanes.open(url, 1), Passwords()
        try:
            credential = await credentials.find(lanes, found.organization["id"], email)
            return credential is not None and (await passwords.verify(credential.hash, password))
        finally:
            passwords.close()
            await lanes.close()

    return blocking(run())


def test_the_first_command_makes_an_organisation_and_someone_who_gets_in(database_url: str) -> None:
    done = command("user", *FIRST, "--host", "crm.example.org", "--name", "Ada", "--database-url", database_url)
    assert done.exit_code == 0, done.exception
    password, key = printed(done.stdout)
    found = look(database_url)
    assert (found.organization["name"], found.organization["currency"]) == ("Example", "CHF")
    assert found.organization["hosts"] == ["crm.example.org"]
    [user] = found.users
    assert (user["name"], user["email"], user["roles"]) == ("Ada", "ada@example.org", ["administrator"])
    assert [one["token_hash"] for one in found.keys] == [tokens.digest(key.encode())]
    assert found.audit >= 1
    assert signs_in(database_url, found, "ada@example.org", password)
    assert not signs_in(database_url, found, "ada@example.org", password + "x")


def test_again_it_gives_a_new_password_and_changes_nothing_else_but_the_roles(database_url: str) -> None:
    first, _ = printed(command("user", *FIRST, "--database-url", database_url).stdout)
    done = command("user", "ADA@example.org", "--role", "sales_manager", "--database-url", database_url)
    second, _ = printed(done.stdout)
    found = look(database_url)
    assert [user["roles"] for user in found.users] == [["sales_manager"]]
    assert not signs_in(database_url, found, "ada@example.org", first)
    assert signs_in(database_url, found, "ada@example.org", second)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("bob@example.org",), ValueInvalid, "--role"),
        (("bob@@example.org", "--role", "sales_rep"), ValueInvalid, "e-mail"),
        (("bob@example.org", "--role", "emperor"), RoleUnknown, "emperor"),
        (("bob@example.org", "--role", "sales_rep", "--organization", "Nowhere"), OrganizationUnknown, "Nowhere"),
        (("bob@example.org", "--role", "sales_rep", "--new-organization", "B", "--currency", "X"), ValueInvalid, ""),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    database_url: str, arguments: tuple[str, ...], error: type[Exception], said: str
) -> None:
    command("user", *FIRST, "--database-url", database_url)
    before = look(database_url)
    done = command("user", *arguments, "--database-url", database_url)
    assert isinstance(done.exception, error)
    assert said in str(done.exception)
    after = look(database_url)
    assert (len(after.users), len(after.keys), after.audit) == (1, 1, before.audit)


def test_without_an_organisation_it_says_how_to_make_one(database_url: str) -> None:
    done = command("user", "ada@example.org", "--role", "administrator", "--database-url", database_url)
    assert isinstance(done.exception, OrganizationUnknown)
    assert "--new-organization" in str(done.exception)


def test_a_suspended_user_gets_no_new_key(database_url: str) -> None:
    command("user", *FIRST, "--database-url", database_url)

    async def suspend() -> None:
        connection = await asyncpg.connect(database_url)
        await connection.execute("UPDATE users SET status = 'SUSPENDED'")
        await connection.close()

    asyncio.run(suspend())
    done = command("user", "ada@example.org", "--database-url", database_url)
    assert isinstance(done.exception, ValueInvalid)
    assert len(look(database_url).keys) == 1


def test_who_has_lost_everything_is_let_in_by_the_operator(database_url: str) -> None:
    command("user", *FIRST, "--database-url", database_url)

    async def run(*statements: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database_url)
        found = [await connection.fetch(statement) for statement in statements]
        await connection.close()
        return found[-1]

    blocking(
        run(
            "INSERT INTO totp_keys (organization_id, id, user_id, sealed_key, confirmed_at)"
            " SELECT organization_id, gen_random_uuid(), id, '', now() FROM users",
            "INSERT INTO recovery_codes (organization_id, id, user_id, code_hash)"
            " SELECT organization_id, gen_random_uuid(), id, '' FROM users",
            "INSERT INTO passkeys (organization_id, id, user_id, credential_id, public_key, sign_count, rp_id, name, backed_up)"
            " SELECT organization_id, gen_random_uuid(), id, '', '', 0, 'example.org', 'Phone', false FROM users",
        )
    )
    count = "SELECT (SELECT count(*) FROM totp_keys), (SELECT count(*) FROM recovery_codes), (SELECT count(*) FROM passkeys)"
    assert command("user", "ada@example.org", "--database-url", database_url).exit_code == 0
    assert tuple(blocking(run(count))[0]) == (1, 1, 1), "a new password takes nothing else away"
    done = command("user", "ada@example.org", "--without-second-step", "--database-url", database_url)
    assert done.exit_code == 0, done.exception
    assert tuple(blocking(run(count))[0]) == (0, 0, 0)
    mails = blocking(run("SELECT subject FROM outgoing_mails ORDER BY created_at, id"))
    assert [mail["subject"] for mail in mails] == [
        "Your password was changed",
        "Your password was changed",
        "Signing in no longer asks for a code of your app",
        "A passkey was removed from your account",
    ]
