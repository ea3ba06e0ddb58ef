"""A stack of read connections: the last one given back is the next one taken, so few connections stay warm."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from typing import Final

import asyncpg

from crm_graph.db.connection import LOST, STALE, ReadConnection
from crm_graph.errors import ServiceUnavailable

logger = logging.getLogger("crm_graph.db.pool")

HEAL_SECONDS: Final = 5.0


class Pool:
    """At most `size` connections; whoever finds none waits in line for `wait_seconds`."""

    def __init__(self, url: str, size: int, settings: Mapping[str, str], wait_seconds: float) -> None:
        self._url = url
        self._size = size
        self._settings = settings
        self._wait_seconds = wait_seconds
        self._idle: list[ReadConnection] = []
        self._open: set[ReadConnection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[ReadConnection | None]] = deque()
        self._healing: set[asyncio.Task[None]] = set()
        self._closed = False

    def take_idle(self) -> ReadConnection | None:
        """A live connection that nobody uses, or None."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed:
                return connection
            self._open.discard(connection)
        return None

    async def acquire(self) -> ReadConnection:
        """A connection that was idle, is new, or comes free; raises ServiceUnavailable when the wait is too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._wait_seconds
        while True:
            if self._closed:
                raise ServiceUnavailable("The server is shutting down.")
            connection = self.take_idle()
            if connection is not None:
                return connection
            if len(self._open) + self._opening < self._size:
                return await self._connect()
            connection = await self._wait(deadline - loop.time())
            if connection is not None:
                return connection

    def release(self, connection: ReadConnection) -> None:
        """Hand a working connection to whoever waits longest, or put it on the stack."""
        if connection.is_closed or self._closed:
            self.discard(connection)
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._idle.append(connection)

    def discard(self, connection: ReadConnection) -> None:
        """Drop a connection for good; whoever waits may open another."""
        self._open.discard(connection)
        if not connection.is_closed:
            connection.raw.terminate()
        self._wake()

    def give_back_after(self, connection: ReadConnection, error: Exception) -> bool:
        """Take back a connection on which a statement failed; True when a fresh connection may do better."""
        if isinstance(error, LOST) or connection.is_closed:
            self.discard(connection)
            # The whole server has probably gone: its other connections are as dead, though not all know it yet.
            while self._idle:
                self.discard(self._idle.pop())
            return True
        if isinstance(error, STALE):
            self.discard(connection)
            return True
        if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
            self.release(connection)
        else:
            self.discard(connection)
        return False

    def heal(self, connection: ReadConnection) -> None:
        """Take back a connection whose statement was cancelled, once the server has ended that statement."""
        task = asyncio.get_running_loop().create_task(self._heal(connection))
        self._healing.add(task)
        task.add_done_callback(self._healing.discard)

    async def close(self) -> None:
        """Close every connection; those in use are cut."""
        self._closed = True
        for task in tuple(self._healing):
            task.cancel()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        for connection in tuple(self._open):
            if connection in self._idle:
                with contextlib.suppress(Exception):
                    await connection.raw.close(timeout=2)
            self.discard(connection)
        self._idle.clear()

    async def _connect(self) -> ReadConnection:
        self._opening += 1
        try:
            connection = await ReadConnection.open(self._url, self._settings)
        except BaseException:
            self._opening -= 1
            self._wake()
            raise
        self._opening -= 1
        self._open.add(connection)
        if self._closed:
            self.discard(connection)
            raise ServiceUnavailable("The server is shutting down.")
        return connection

    async def _wait(self, seconds: float) -> ReadConnection | None:
        """A connection given back by somebody else, or None when there is room to open one."""
        waiter: asyncio.Future[ReadConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(max(seconds, 0)):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                given = waiter.result()
                if given is not None:
                    self.release(given)
                else:
                    self._wake()
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
            if isinstance(error, TimeoutError):
                raise ServiceUnavailable("All database connections are busy.") from None
            raise

    def _wake(self) -> None:
        """Tell the first in line that there is room for another connection."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def _heal(self, connection: ReadConnection) -> None:
        try:
            async with asyncio.timeout(HEAL_SECONDS):
                # asyncpg has asked the server to cancel; the next statement waits until that has come through, and is
                # the one to suffer when the request arrives late.
                await connection.raw.execute("SELECT 1")
        except (OSError, asyncio.CancelledError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.discard(connection)
        else:
            self.release(connection)
