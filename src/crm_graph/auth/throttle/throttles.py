"""How often somebody may try to sign in, and whatever else is guessed.

Counted per account *and* address, and per address alone; never per account alone, or anybody could keep its owner out.
What it slows down is guessing; argon2 bounds what many addresses together can do.
"""

from collections.abc import Hashable
from uuid import UUID

from crm_graph.auth.throttle.attempts import Attempts, Bucket


class Throttle:
    """Buckets of `capacity` attempts, one attempt given back every `seconds`; `name` tells them from other throttles'.

    `per_minute` is for runs against the demo: so many a minute instead, 0 for as many as anybody likes.
    """

    def __init__(
        self, attempts: Attempts, name: str, capacity: int, seconds: float, *, per_minute: int | None = None
    ) -> None:
        self._attempts = attempts
        self._name = name
        self._capacity = capacity if per_minute is None else max(1, per_minute)
        self._seconds = seconds if per_minute is None else 60 / per_minute if per_minute else 0.0

    @property
    def limits(self) -> bool:
        """Whether there is any limit."""
        return self._seconds > 0

    def bucket(self, key: Hashable) -> Bucket:
        """The bucket for a key, which has to look the same in every process: texts, ids, and tuples of them."""
        return Bucket.of(self._name, key, self._capacity, self._seconds)

    async def attempt(self, organization_id: UUID, key: Hashable) -> float:
        """Count an attempt; seconds to wait where none is left, and then none is counted."""
        return await self._attempts.take(organization_id, [self.bucket(key)]) if self.limits else 0.0

    async def wait(self, organization_id: UUID, *keys: Hashable) -> float:
        """Seconds until an attempt is left for each of these keys; counts nothing."""
        return await self._attempts.wait(organization_id, [self.bucket(key) for key in keys]) if self.limits else 0.0

    async def give_back(self, organization_id: UUID, key: Hashable) -> None:
        """Uncount an attempt that was honest."""
        if self.limits:
            await self._attempts.give_back(organization_id, [self.bucket(key)])

    async def forget(self, organization_id: UUID, key: Hashable) -> None:
        """Uncount all attempts."""
        if self.limits:
            await self._attempts.give_back(organization_id, emptied=[self.bucket(key)])


class Throttles:
    """Two that an attempt has to pass: that of account and address, and that of the address."""

    def __init__(self, attempts: Attempts, pair: Throttle, address: Throttle) -> None:
        self._attempts = attempts
        self.pair = pair
        self.address = address

    @classmethod
    def of_sign_in(
        cls,
        attempts: Attempts,
        *,
        pair: tuple[int, float] = (5, 30),
        address: tuple[int, float] = (30, 2),
        per_minute: int | None = None,
    ) -> "Throttles":
        """Those of the sign-in pages: capacity, and seconds for one attempt."""
        return cls(
            attempts,
            Throttle(attempts, "sign-in pair", *pair, per_minute=per_minute),
            Throttle(attempts, "sign-in address", *address, per_minute=per_minute),
        )

    @classmethod
    def of_codes(cls, attempts: Attempts, name: str) -> "Throttles":
        """Those of who asks that codes be mailed."""
        return cls(attempts, Throttle(attempts, f"{name} pair", 5, 600), Throttle(attempts, f"{name} address", 30, 60))

    async def attempt(self, organization_id: UUID, account: Hashable, address: str) -> float:
        """Seconds to wait; at 0 the attempt is counted, so that attempts at the same moment see each other."""
        some = self._some(account, address)
        return await self._attempts.take(organization_id, some) if some else 0.0

    async def succeeded(self, organization_id: UUID, account: Hashable, address: str) -> None:
        """The attempt was right: those before it were slips, and it does not count."""
        if self.pair.limits or self.address.limits:
            pair, back = self.pair.bucket((account, address)), self.address.bucket(address)
            await self._attempts.give_back(organization_id, [back], [pair])

    def _some(self, account: Hashable, address: str) -> list[Bucket]:
        of = ((self.pair, (account, address)), (self.address, address))
        return [throttle.bucket(key) for throttle, key in of if throttle.limits]
