"""A connection that only listens: says when it hears, and whether it can hear at all."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import asyncpg

from crm_graph.db.connection import connect
from crm_graph.db.roles import Role
from crm_graph.errors import ServiceUnavailable

logger = logging.getLogger("crm_graph.auth.listener")

PULSE_SECONDS: Final = 2.0
LONGEST_PAUSE: Final = 2.0


class Listener:
    """Listens on one channel for as long as it is open, connecting again whenever the connection is lost.

    `heard(payload)` is called for each notice; `hears(True)` once nothing can be missed from then on, `hears(False)`
    as soon as something may be. Both run in the event loop and must not block.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[str], None], hears: Callable[[bool], None]) -> None:
        self._url = url
        self._channel = channel
        self._heard = heard
        self._hears = hears
        self._task: asyncio.Task[None] | None = None

    async def open(self, seconds: float = 5.0) -> None:
        """Begin; returns once it hears, or after `seconds` when it cannot yet."""
        ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(ready))
        try:
            async with asyncio.timeout(seconds):
                await ready.wait()
        except TimeoutError:
            logger.warning("nothing is heard on %s yet; trying on", self._channel)

    async def close(self) -> None:
        """End for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self, ready: asyncio.Event) -> None:
        pause = 0.05
        while True:
            try:
                await self._listen(ready)
                pause = 0.05
            except (ServiceUnavailable, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("lost the connection that listens on %s: %s", self._channel, type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self, ready: asyncio.Event) -> None:
        """Hear until the connection ends."""
        # of all roles the one that sees the least: a notice needs no rights
        connection = await connect(self._url, Role.BOUND_READER, application_name="crm-graph listens")
        ended = asyncio.Event()

        def on_notice(_connection: object, _pid: int, _channel: str, payload: object) -> None:
            self._heard(str(payload))

        def on_end(_connection: object) -> None:
            self._hears(False)
            ended.set()

        try:
            connection.add_termination_listener(on_end)
            await connection.add_listener(self._channel, on_notice)
            self._hears(True)
            ready.set()
            while not ended.is_set():
                try:
                    async with asyncio.timeout(PULSE_SECONDS):
                        await ended.wait()
                except TimeoutError:
                    # A connection can die without a word; what does not answer is not listening.
                    await connection.execute("SELECT 1", timeout=PULSE_SECONDS)
        finally:
            self._hears(False)
            connection.terminate()
