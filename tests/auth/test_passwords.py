import asyncio
import time

import pytest
from argon2 import PasswordHasher

from crm_graph.auth.passwords import LONGEST, Passwords
from crm_graph.errors import ServiceUnavailable, ValueInvalid
from tests.auth.conftest import CHEAP


async def test_only_the_password_verifies() -> None:
    passwords = Passwords(CHEAP)
    encoded = await passwords.hash("correct horse battery")
    assert encoded.startswith("$argon2id$")
    assert await passwords.verify(encoded, "correct horse battery")
    assert not await passwords.verify(encoded, "correct horse batterz")
    assert not await passwords.verify(encoded, "")
    assert not await passwords.verify("not a hash", "correct horse battery")
    passwords.close()


async def test_every_keyboard_types_the_same_password() -> None:
    passwords = Passwords(CHEAP)
    encoded = await passwords.hash("Z\u00fcrich-Locarno")
    assert await passwords.verify(encoded, "Zu\u0308rich-Locarno")
    passwords.close()


@pytest.mark.parametrize("password", ["", "123456789", "x" * (LONGEST + 1)])
async def test_a_new_password_has_a_fitting_length(password: str) -> None:
    passwords = Passwords(CHEAP)
    with pytest.raises(ValueInvalid):
        await passwords.hash(password)
    passwords.close()


async def test_what_is_too_long_is_wrong_though_its_beginning_is_right() -> None:
    passwords = Passwords(CHEAP)
    longest = "x" * LONGEST
    encoded = await passwords.hash(longest)
    assert await passwords.verify(encoded, longest)
    assert not await passwords.verify(encoded, longest + "x")
    passwords.close()


async def test_nobody_takes_as_long_as_somebody() -> None:
    passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=16_384, parallelism=1), threads=1)
    encoded = await passwords.hash("correct horse battery")

    def seconds(known: str) -> float:
        begun = time.process_time()  # of this process alone, whatever else the machine does
        assert not passwords._matches(known, "something else")
        return time.process_time() - begun

    rounds = [(seconds(encoded), seconds(passwords._nobody)) for _ in range(9)]
    somebody, nobody = (min(times) for times in zip(*rounds, strict=True))
    assert 0.6 < nobody / somebody < 1.6
    passwords.close()


async def test_the_loop_runs_on_meanwhile() -> None:
    passwords = Passwords(PasswordHasher(time_cost=4, memory_cost=65_536, parallelism=1), threads=1)
    work = asyncio.create_task(passwords.verify(None, "something"))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert turns > 5
    passwords.close()


async def test_a_rush_is_refused_not_queued_without_end() -> None:
    passwords = Passwords(CHEAP, threads=1, waiting=2)
    answers = await asyncio.gather(*(passwords.verify(None, "x") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(a, ServiceUnavailable) for a in answers) == 7
    assert not await passwords.verify(None, "x")
    passwords.close()


async def test_stronger_parameters_ask_for_a_new_hash() -> None:
    weak, strong = Passwords(CHEAP), Passwords(PasswordHasher(time_cost=2, memory_cost=2048, parallelism=1))
    encoded = await weak.hash("correct horse battery")
    assert await weak.rehash(encoded, "correct horse battery") is None
    stronger = await strong.rehash(encoded, "correct horse battery")
    assert stronger is not None
    assert "m=2048,t=2" in stronger
    assert await strong.verify(stronger, "correct horse battery")
    for one in (weak, strong):
        one.close()
