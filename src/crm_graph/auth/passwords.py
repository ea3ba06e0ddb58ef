"""Passwords: argon2id on a few threads of its own, so that signing in never holds up the event loop."""

import asyncio
import base64
import logging
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from crm_graph.errors import ServiceUnavailable, ValueInvalid

logger = logging.getLogger("crm_graph.auth.passwords")

SHORTEST: Final = 10
LONGEST: Final = 200
T = TypeVar("T")


def checked(password: str) -> str:
    """The password as it is hashed (NFKC, so that every keyboard types the same one); raises ValueInvalid."""
    normal = unicodedata.normalize("NFKC", password)
    if len(normal) < SHORTEST:
        raise ValueInvalid(f"A password has at least {SHORTEST} characters.")
    if len(normal) > LONGEST:
        raise ValueInvalid(f"A password has at most {LONGEST} characters.")
    return normal


class Passwords:
    """Hashes and verifies, `threads` at a time; each takes `hasher.memory_cost` KiB while it runs."""

    def __init__(self, hasher: PasswordHasher | None = None, *, threads: int = 2, waiting: int = 64) -> None:
        self.hasher = hasher or PasswordHasher()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._most = threads + waiting
        self._pending = 0
        self._nobody = _hash_of_nothing(self.hasher)

    async def hash(self, password: str) -> str:
        """argon2's encoding of a new password; raises ValueInvalid when it is too short or too long."""
        text = checked(password)
        return await self._run(lambda: self.hasher.hash(text))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Whether this is the password; `None` (no such user) takes as long and is never right.

        Raises ServiceUnavailable when too many are being verified already.
        """
        text = unicodedata.normalize("NFKC", password[:LONGEST])
        right = await self._run(lambda: self._matches(encoded or self._nobody, text))
        return right and encoded is not None and len(password) <= LONGEST

    async def rehash(self, encoded: str, password: str) -> str | None:
        """A new hash of a password that was just verified, if the old one was made with other parameters."""
        if not self.hasher.check_needs_rehash(encoded):
            return None
        text = unicodedata.normalize("NFKC", password)
        return await self._run(lambda: self.hasher.hash(text))

    def close(self) -> None:
        """Let the threads end; those at work finish first."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _matches(self, encoded: str, text: str) -> bool:
        try:
            return self.hasher.verify(encoded, text)
        except InvalidHashError:
            logger.error("a stored password hash is not one of argon2")  # noqa: TRY400 - the trace would show the hash
            return False
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._pending >= self._most:
            raise ServiceUnavailable("Too many people are signing in at this moment; try again in a few seconds.")
        self._pending += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        # Counted down when the thread is done, not when the caller has gone away.
        future.add_done_callback(self._finished)
        return await asyncio.shield(future)

    def _finished(self, _future: "asyncio.Future[T]") -> None:
        self._pending -= 1


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """A hash with the parameters of `hasher` that no password has: random bytes instead of a digest."""

    def random(size: int) -> str:
        return base64.b64encode(os.urandom(size)).decode().rstrip("=")

    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${costs}${random(hasher.salt_len)}${random(hasher.hash_len)}"
