"""Attempts are counted for all processes together, and whoever is kept out is kept out alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from crm_graph.auth.throttle.addresses import network
from crm_graph.auth.throttle.attempts import Attempts
from crm_graph.auth.throttle.throttles import Throttle, Throttles
from crm_graph.db.ids import uuid7
from crm_graph.db.lanes import Lanes
from crm_graph.db.session import Database
from crm_graph.jobs.chores import CHORES
from crm_graph.jobs.worker import run_once
from tests.auth.conftest import ADA, PASSWORD, World, browser, form_token, sign_in

STRANGER, OWNER = "198.51.100.1", "203.0.113.7"


@dataclass
class Processes:
    """Two, each with connections of its own to one database."""

    world: World
    one: Attempts
    other: Attempts
    here: UUID

    async def age(self, seconds: float) -> None:
        """As if so much time had passed."""
        await self.world.admin.execute("UPDATE attempts SET full_at = full_at - make_interval(secs => $1)", seconds)


@pytest.fixture
async def processes(world: World) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        lanes = await Lanes.open(world.url, 2)
        stack.push_async_callback(lanes.close)
        database = Database(world.url, 8)
        stack.push_async_callback(database.dispose)
        yield Processes(world, Attempts(world.lanes, world.database), Attempts(lanes, database), uuid7())


async def test_a_bucket_empties_and_fills_for_both(processes: Processes) -> None:
    one, other, here = (
        Throttle(processes.one, "t", 3, 10),
        Throttle(processes.other, "t", 3, 10),
        processes.here,
    )
    assert [await one.attempt(here, "a"), await other.attempt(here, "a"), await one.attempt(here, "a")] == [0, 0, 0]
    for throttle in (one, other):
        assert 9 < await throttle.attempt(here, "a") <= 10
        assert 9 < await throttle.wait(here, "a", "b") <= 10
    assert await other.wait(here, "b") == 0
    assert await one.attempt(uuid7(), "a") == 0, "another organisation's"
    assert await Throttle(processes.one, "another", 3, 10).attempt(here, "a") == 0
    await processes.age(10)
    assert await other.attempt(here, "a") == 0
    assert await one.attempt(here, "a") > 0, "time gave back one"
    await one.give_back(here, "a")
    assert await other.attempt(here, "a") == 0
    await one.forget(here, "a")
    assert [await other.attempt(here, "a") > 0 for _ in range(4)] == [False, False, False, True]


async def test_attempts_at_the_same_moment_see_each_other(processes: Processes) -> None:
    throttles = [Throttles.of_sign_in(a, pair=(3, 600), address=(5, 600)) for a in (processes.one, processes.other)]

    async def tried(n: int, account: str) -> bool:
        return await throttles[n % 2].attempt(processes.here, account, STRANGER) == 0

    assert sum(await asyncio.gather(*(tried(n, "ada") for n in range(12)))) == 3
    # the third account finds what is left at the address, whichever process it asks
    assert sum(await asyncio.gather(*(tried(n, f"n{n}") for n in range(12)))) <= 2
    assert await throttles[0].attempt(processes.here, "ada", OWNER) == 0, "elsewhere she has attempts of her own"


async def test_what_is_refused_is_not_counted(processes: Processes) -> None:
    """Or whoever hammers at one account would use up the attempts of all who share the address."""
    throttles = Throttles.of_sign_in(processes.one, pair=(2, 600), address=(4, 600))
    tried = [await throttles.attempt(processes.here, "ada", STRANGER) == 0 for _ in range(30)]
    assert sum(tried) == 2
    assert [await throttles.attempt(processes.here, f"n{n}", STRANGER) == 0 for n in range(3)] == [True, True, False]


async def test_success_forgives_the_slips_of_that_account_only(processes: Processes) -> None:
    throttles = Throttles.of_sign_in(processes.one, pair=(5, 600), address=(8, 600))
    for _ in range(5):
        assert await throttles.attempt(processes.here, "ada", OWNER) == 0
    await throttles.succeeded(processes.here, "ada", OWNER)
    assert sum([await throttles.attempt(processes.here, "ada", OWNER) == 0 for _ in range(10)]) == 4, "8 − 5 + 1"


async def test_for_load_tests_nothing_is_counted(processes: Processes) -> None:
    free = Throttles.of_sign_in(processes.one, per_minute=0)
    assert [await free.attempt(processes.here, "ada", STRANGER) for _ in range(50)] == [0] * 50
    await free.succeeded(processes.here, "ada", STRANGER)
    assert await processes.world.admin.fetchval("SELECT count(*) FROM attempts") == 0
    ninety = Throttle(processes.one, "t", 5, 30, per_minute=90)
    assert (ninety.bucket("a").capacity, ninety.bucket("a").seconds) == (90, 60 / 90)


async def test_keys_tell_nothing_and_rows_go(processes: Processes) -> None:
    organization = await processes.world.organization("acme.test")
    throttle = Throttle(processes.one, "t", 3, 600)
    await throttle.attempt(organization, ADA)
    row = await processes.world.admin.fetchrow(
        "SELECT a.*, c.relpersistence FROM attempts a, pg_class c WHERE c.relname = 'attempts'"
    )
    assert len(row["key"]) == 16
    assert bytes(row["relpersistence"]) == b"u", "a crash may forget it, and no commit waits for a disk"
    chores = [chore for chore in CHORES if chore.table == "attempts"]
    assert await run_once(processes.world.url, chores) == {"attempts": 0}
    await processes.age(600)
    assert await run_once(processes.world.url, chores) == {"attempts": 1}


async def test_with_two_servers_a_guesser_has_as_many_tries_as_with_one(world: World, processes: Processes) -> None:
    """Over HTTP: what is guessed at one server counts at the other, and the owner elsewhere gets in."""
    organization = await world.organization("acme.test")
    await world.user(organization, email=ADA, password=PASSWORD)
    async with world.authenticator() as first, world.authenticator() as second:
        servers = [
            world.sign_in(authenticator, Throttles.of_sign_in(attempts, pair=(4, 600)))
            for authenticator, attempts in ((first, processes.one), (second, processes.other))
        ]
        async with browser(servers[0], address=STRANGER) as here, browser(servers[1], address=STRANGER) as there:
            data = {"form_token": form_token(await here.get("/sign-in")), "email": ADA, "password": "wrong"}
            there.cookies = here.cookies
            answers = [(await client.post("/sign-in", data=data)).status_code for client in [here, there] * 4]
            assert answers == [422] * 4 + [429] * 4
            held = await there.post("/sign-in", data={**data, "password": PASSWORD})
            assert held.status_code == 429
            assert 0 < int(held.headers["retry-after"]) <= 600
        async with browser(servers[1], address=OWNER) as owner:
            assert (await sign_in(owner)).status_code == 303


def test_an_address_is_what_one_subscriber_has() -> None:
    assert network("203.0.113.7") == "203.0.113.7"
    assert network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::"
    assert network("2001:db8:1:3::1") != network("2001:db8:1:2::1")
    assert network(None) == "local"
