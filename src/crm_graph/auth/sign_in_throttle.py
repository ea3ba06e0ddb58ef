"""How often somebody may try to sign in.

Counted per account *and* address, and per address alone; never per account alone, or anybody could keep its owner out.
Kept in the memory of one process: with several of them an address has as many times the attempts, and a restart
forgets. What it slows down is guessing; argon2 bounds what many addresses together can do.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address

from starlette.requests import Request


class Throttle:
    """Buckets of `capacity` attempts, one attempt given back every `seconds`; the `most` last used are remembered."""

    def __init__(
        self, capacity: int, seconds: float, *, most: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()
        """When each bucket will be full again: all there is to know of it."""

    def wait(self, key: Hashable) -> float:
        """Seconds until the next attempt is allowed; 0 when it is now."""
        allowed_from = self._full_at.get(key, 0.0) - (self._capacity - 1) * self._seconds
        return max(0.0, allowed_from - self._clock())

    def take(self, key: Hashable) -> None:
        """Count an attempt."""
        now = self._clock()
        self._full_at[key] = max(self._full_at.pop(key, now), now) + self._seconds
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def give_back(self, key: Hashable) -> None:
        """Uncount an attempt that was honest."""
        if key in self._full_at:
            self._full_at[key] -= self._seconds

    def forget(self, key: Hashable) -> None:
        """Uncount all attempts."""
        self._full_at.pop(key, None)


class Throttles:
    """The two that sign-in goes through."""

    def __init__(
        self, pair: Throttle | None = None, address: Throttle | None = None, *, per_minute: int | None = None
    ) -> None:
        self.pair = pair or limited(per_minute) or Throttle(5, 30)
        self.address = address or limited(per_minute) or Throttle(30, 2)

    def wait(self, account: Hashable, address: str) -> float:
        """Seconds to wait; at 0 the attempt is counted, so that attempts at the same moment see each other."""
        seconds = max(self.pair.wait((account, address)), self.address.wait(address))
        if seconds == 0:
            self.pair.take((account, address))
            self.address.take(address)
        return seconds

    def succeeded(self, account: Hashable, address: str) -> None:
        """The attempt was right: those before it were slips, and it does not count."""
        self.pair.forget((account, address))
        self.address.give_back(address)


def limited(per_minute: int | None) -> Throttle | None:
    """A throttle of so many attempts a minute, 0 for as many as anybody likes; `None`: no such limit is set."""
    if per_minute is None:
        return None
    return Throttle(per_minute, 60 / per_minute) if per_minute else Throttle(1, 0)


def address_of(request: Request) -> str:
    """Where a request comes from, as attempts are counted."""
    return network(request.client.host if request.client else None)


def network(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the 64 bits of IPv6 that one subscriber has."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return address or "local"
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
    return str(found)
