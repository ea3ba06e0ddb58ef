"""Writing what was collected a little later, and together: for what is noted on the way of a request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class WriteBehind:
    """Calls `write` `seconds` after somebody asked for it, once for all who asked meanwhile."""

    def __init__(self, write: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """`write` says whether more has come in while it wrote."""
        self._write, self._seconds = write, seconds
        self._task: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def ask(self) -> None:
        """There is something to write."""
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        """Write what is left, now."""
        self._closing.set()
        if self._task is not None:
            await self._task

    async def _write_soon(self) -> None:
        try:
            more = True
            while more:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._seconds):
                        await self._closing.wait()
                more = await self._write()
        finally:
            self._task = None
