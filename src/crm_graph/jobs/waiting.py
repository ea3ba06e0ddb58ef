"""Waiting: between rounds, and before what failed is tried again."""

import asyncio
from typing import Final

LATER: Final = "now() + least(interval '6 hours', interval '1 minute' * (2 ^ attempts))"
"""SQL of when a row that failed is due again: after 1, 2, 4 … minutes, at most 6 hours."""


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
