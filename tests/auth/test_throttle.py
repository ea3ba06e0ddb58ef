from hypothesis import given
from hypothesis import strategies as st

from crm_graph.auth.sign_in_throttle import Throttle, Throttles, network


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    clock = Clock()
    throttle = Throttle(3, 10, clock=clock)
    for _ in range(3):
        assert throttle.wait("a") == 0
        throttle.take("a")
    assert throttle.wait("a") == 10
    assert throttle.wait("b") == 0
    clock.now += 10
    assert throttle.wait("a") == 0
    throttle.take("a")
    assert throttle.wait("a") == 10


@given(st.lists(st.floats(0, 30), max_size=60))
def test_no_more_than_capacity_and_what_time_gave_back(pauses: list[float]) -> None:
    clock = Clock()
    throttle = Throttle(5, 10, clock=clock)
    begun, taken = clock.now, 0
    for pause in pauses:
        clock.now += pause
        if throttle.wait("a") == 0:
            throttle.take("a")
            taken += 1
    assert taken <= 5 + (clock.now - begun) / 10 + 1e-6


def test_an_attacker_elsewhere_does_not_keep_the_owner_out() -> None:
    clock = Clock()
    throttles = Throttles(Throttle(5, 30, clock=clock), Throttle(30, 2, clock=clock))
    attempts = sum(throttles.wait("ada", "198.51.100.1") == 0 for _ in range(100))
    assert attempts == 5
    assert throttles.wait("ada", "203.0.113.7") == 0


def test_one_address_cannot_try_many_accounts() -> None:
    clock = Clock()
    throttles = Throttles(Throttle(5, 30, clock=clock), Throttle(30, 2, clock=clock))
    assert sum(throttles.wait(n, "198.51.100.1") == 0 for n in range(1000)) == 30
    assert throttles.wait("one more", "198.51.100.1") == 2


def test_success_forgives_the_slips_of_that_account_only() -> None:
    clock = Clock()
    throttles = Throttles(Throttle(5, 30, clock=clock), Throttle(8, 2, clock=clock))
    for _ in range(4):
        throttles.wait("ada", "a")
    assert throttles.wait("ada", "a") == 0
    throttles.succeeded("ada", "a")
    assert sum(throttles.wait("ada", "a") == 0 for _ in range(10)) == 4  # the address has four left of eight


def test_memory_is_bounded() -> None:
    throttle = Throttle(1, 10, most=100, clock=Clock())
    for n in range(1000):
        throttle.take(n)
    assert len(throttle._full_at) == 100


def test_an_address_is_what_one_subscriber_has() -> None:
    assert network("203.0.113.7") == "203.0.113.7"
    assert network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2:ffff::1") == "2001:db8:1:2::"
    assert network("2001:db8:1:3::1") != network("2001:db8:1:2::1")
    assert network(None) == "local"
