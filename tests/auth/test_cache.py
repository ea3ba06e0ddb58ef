"""What is remembered about callers, and how soon it is forgotten: two authenticators stand for two processes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from crm_graph.auth import sessions
from crm_graph.auth.actor import Actor
from crm_graph.auth.authentication import Authenticator
from crm_graph.db.lanes import Lane, Lanes
from crm_graph.errors import CrmError, Unauthenticated, UnknownHost
from tests.auth.conftest import World, bearing, request

NEW_TEAM = """
INSERT INTO teams (organization_id, id, version, created_at, updated_at, name, parent_id)
SELECT organization_id, gen_random_uuid(), 1, now(), now(), 'New', id FROM teams WHERE name = 'Top'
"""
Ask = Callable[[], Awaitable[Actor]]


async def until(ask: Ask, expected: Callable[[Actor | CrmError], bool], seconds: float = 1.0) -> None:
    """Ask until the answer is as expected; fails long before the five seconds after which all is asked again."""
    deadline = time.monotonic() + seconds
    while True:
        answer: Actor | CrmError
        try:
            answer = await ask()
        except CrmError as error:
            answer = error
        if expected(answer):
            return
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.005)


async def test_a_remembered_token_asks_nothing(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    token = await world.key(organization, await world.user(organization))
    first = await authenticator.actor(bearing(token))
    before = world.lanes.statements
    step = authenticator.actor(bearing(token))
    with pytest.raises(StopIteration) as done:  # ends in its first step: nothing to wait for
        step.send(None)
    assert done.value.value is first
    assert authenticator.cached(f"Bearer {token}".encode()) is first
    assert world.lanes.statements == before


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE users SET roles = '{service_agent}'", lambda a: a.roles == ("service_agent",)),
        ("UPDATE users SET status = 'SUSPENDED'", lambda a: isinstance(a, Unauthenticated)),
        ("UPDATE users SET team_id = NULL", lambda a: a.team_ids == ()),
        ("UPDATE api_keys SET revoked_at = now()", lambda a: isinstance(a, Unauthenticated)),
        ("UPDATE api_keys SET expires_at = now()", lambda a: isinstance(a, Unauthenticated)),
        ("UPDATE api_keys SET scopes = '{}'", lambda a: a.policy.grants == {}),
        ("DELETE FROM api_keys", lambda a: isinstance(a, Unauthenticated)),
        ("TRUNCATE api_keys", lambda a: isinstance(a, Unauthenticated)),
        ("DELETE FROM users", lambda a: isinstance(a, Unauthenticated)),
        ("UPDATE organizations SET currency = 'NOK'", lambda a: a.currency == "NOK"),
        ("UPDATE teams SET parent_id = (SELECT id FROM teams WHERE name = 'Top') WHERE name = 'Beside'",
         lambda a: len(a.team_ids) == 2),
        (NEW_TEAM,
         lambda a: len(a.team_ids) == 2),
        ("NOTIFY crm_callers, 'nonsense'; UPDATE users SET roles = '{}'", lambda a: a.roles == ()),
    ],
)  # fmt: skip
async def test_a_change_reaches_every_process_at_once(
    world: World, change: str, expected: Callable[[Actor | CrmError], bool]
) -> None:
    organization = await world.organization("acme.test")
    team = await world.row("teams", organization, name="Top")
    await world.row("teams", organization, name="Beside")
    user = await world.user(organization, team_id=team)
    token = await world.key(organization, user)
    lanes = await Lanes.open(world.url, 2)
    async with world.authenticator() as one, world.authenticator(lanes) as two:
        for process in (one, two):
            assert not expected(await process.actor(bearing(token)))
            assert process.cached(f"Bearer {token}".encode()) is not None
        await world.admin.execute(change)
        for process in (one, two):
            await until(lambda process=process: process.actor(bearing(token)), expected)  # type: ignore[misc]
    await lanes.close()


async def test_only_those_concerned_are_forgotten(world: World, authenticator: Authenticator) -> None:
    one, two = await world.organization("acme.test"), await world.organization("other.test")
    users = [await world.user(one, name="Ada"), await world.user(one, name="Bob"), await world.user(two, name="Cy")]
    tokens = [await world.key(one, users[0]), await world.key(one, users[1]), await world.key(two, users[2])]

    def known() -> list[bool]:
        return [authenticator.cached(f"Bearer {token}".encode()) is not None for token in tokens]

    async def forgotten() -> None:
        for _ in range(200):
            if not all(known()):
                return
            await asyncio.sleep(0.005)

    for change, expected in [
        ("UPDATE api_keys SET scopes = '{}' WHERE user_id = (SELECT id FROM users WHERE name = 'Ada')",
         [False, True, True]),
        ("UPDATE users SET roles = '{}' WHERE name = 'Ada'", [False, False, True]),
    ]:  # fmt: skip
        for token in tokens:
            await authenticator.actor(bearing(token))
        assert known() == [True, True, True]
        await world.admin.execute(change)
        await forgotten()
        assert known() == expected


async def test_what_changes_all_day_forgets_nobody(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    token = await world.key(organization, user)
    await authenticator.actor(bearing(token))
    await world.admin.execute("UPDATE api_keys SET last_used_at = now() + interval '1 s'")
    await world.admin.execute("UPDATE users SET region = 'North', version = version + 1, roles = roles")
    await world.session(organization, user)
    await world.user(organization, name="Eve")
    await asyncio.sleep(0.1)
    assert authenticator.cached(f"Bearer {token}".encode()) is not None


async def test_a_host_given_up_is_forgotten(world: World, authenticator: Authenticator) -> None:
    organization = await world.organization("acme.test")

    async def ask() -> Actor:
        return await authenticator.actor(request(("Host", "acme.test")))

    assert (await ask()).organization_id == organization
    await world.admin.execute("UPDATE organizations SET hosts = '{}'")
    await until(ask, lambda answer: isinstance(answer, UnknownHost))
    other = await world.organization("acme.test")
    assert (await ask()).organization_id == other


async def test_deaf_means_asking_every_time_and_hearing_again_remembers(
    world: World, authenticator: Authenticator
) -> None:
    organization = await world.organization("acme.test")
    token = await world.key(organization, await world.user(organization))
    header = f"Bearer {token}".encode()
    await authenticator.actor(bearing(token))
    assert authenticator.cached(header) is not None
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'crm-graph listens'"
    authenticator._listener._url = "postgresql://nobody@/none?host=/nowhere"
    await world.admin.execute(cut)
    for _ in range(200):
        if authenticator.cached(header) is None:
            break
        await asyncio.sleep(0.005)
    before = world.lanes.statements
    for _ in range(3):
        await authenticator.actor(bearing(token))
    assert world.lanes.statements == before + 3
    assert authenticator.cached(header) is None
    await world.admin.execute("UPDATE users SET status = 'SUSPENDED'")
    with pytest.raises(Unauthenticated):
        await authenticator.actor(bearing(token))
    await world.admin.execute("UPDATE users SET status = 'ACTIVE'")
    authenticator._listener._url = world.url

    async def ask() -> Actor:
        return await authenticator.actor(bearing(token))

    await until(ask, lambda _: authenticator.cached(header) is not None, 5.0)


async def test_a_change_during_the_question_is_not_missed(world: World) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    token = await world.key(organization, user)

    class Slow(Lanes):
        async def fetch(self, lane: Lane, sql: str, args: object, organization: UUID | None = None) -> bytes | None:
            answer = await world.lanes.fetch(lane, sql, args, organization)  # type: ignore[arg-type]
            await asyncio.sleep(0.2)
            return answer

    slow = Slow(world.url, 1, statement_seconds=1, wait_seconds=1)
    async with world.authenticator(slow) as authenticator:
        question = asyncio.create_task(authenticator.actor(bearing(token)))
        await asyncio.sleep(0.1)
        await world.admin.execute("UPDATE api_keys SET revoked_at = now()")
        await question  # it was asked before the change
        with pytest.raises(Unauthenticated):
            await authenticator.actor(bearing(token))


async def test_a_session_ends_on_time_though_remembered(world: World) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    token = await world.session(organization, user)
    header = f"Bearer {token}".encode()
    async with world.authenticator() as authenticator:
        begun = await world.admin.fetchval("UPDATE sessions SET expires_at = now() + interval '1 s' RETURNING now()")
        await until(lambda: authenticator.actor(bearing(token)), lambda _: authenticator.cached(header) is not None)
        while await world.admin.fetchval("SELECT now() < $1::timestamptz + interval '1 s'", begun):
            await asyncio.sleep(0.01)
        assert authenticator.cached(header) is None
        with pytest.raises(Unauthenticated):
            await authenticator.actor(bearing(token))


async def test_memory_is_bounded(world: World) -> None:
    organization = await world.organization("acme.test")
    user = await world.user(organization)
    tokens = [await world.key(organization, user) for _ in range(4)]
    async with world.authenticator(capacity=3) as authenticator:
        for token in tokens:
            await authenticator.actor(bearing(token))
        known = [authenticator.cached(f"Bearer {token}".encode()) is not None for token in tokens]
        assert known == [False, True, True, True]


async def test_nobody_ends_the_sessions_of_others(world: World) -> None:
    one, two = await world.organization("acme.test"), await world.organization("other.test")
    victim, neighbour, stranger = await world.user(one), await world.user(one), await world.user(two)
    await world.session(one, victim)
    session_id: UUID = await world.admin.fetchval("SELECT id FROM sessions")
    async with world.database.transaction(one, neighbour, "test") as tx:
        assert not await sessions.revoke(tx, one, neighbour, session_id)
        assert not await sessions.revoke(tx, two, victim, session_id)
        assert not await sessions.revoke(tx, two, stranger, session_id)
        assert await sessions.live(tx, one, neighbour) == []
        assert await sessions.revoke(tx, one, victim, session_id)
        assert not await sessions.revoke(tx, one, victim, session_id)


async def test_a_migrated_database_tells_of_changes(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    found = await connection.fetch(
        "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname ~ '^crm_forget'"
    )
    await connection.close()
    assert {row[0] for row in found} == {
        "users", "teams", "organizations", "sessions", "api_keys", "access_revisions",
        "oauth_clients", "oauth_families", "oauth_keys", "contacts", "household_members", "customers",
    }  # fmt: skip
