"""The demo: two organisations that look real, made from a seed, and the callers to see them as.

`ensure` blocks and runs an event loop of its own: inside a running loop call it by `asyncio.to_thread`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from crm_graph.demo import clients, load, personas, samples
from crm_graph.demo.personas import Persona
from crm_graph.errors import JSON

__all__ = ["ensure", "explorer_config", "who_to_be"]


def ensure(
    url: str, data_dir: Path, owner_url: str | None = None, says: Callable[[str], None] = load.logger.info
) -> list[Persona]:
    """Load the demo where it is missing, and give the personas.

    Writes `<data_dir>/personas.json` and `<data_dir>/clients.json` where what is in them does not work.

    `says` is told before what takes a while. `owner_url` is of the login that owns the tables, where that is another
    one: statistics are gathered by it.
    Raises `DatabaseNotOurs` for a database that holds any organisation that is not the demo's.
    """

    async def run() -> list[Persona]:
        await load.load(url, owner_url=owner_url, says=says)
        made = await personas.ensure(url, data_dir)
        await clients.ensure(url, data_dir)
        return made

    return asyncio.run(run())


def who_to_be(data_dir: Path, address: str) -> str:
    """What `crm-graph serve --demo` says: where to look, and the callers to look as."""
    known = personas.read(data_dir) or []
    return (
        f"Look at {address}/ and choose a caller there, or send `Authorization: Bearer <token>`"
        f" to {address}/graphql (also in {data_dir / personas.FILE}):\n{personas.table(known)}"
        f"\nApps to try OAuth with are in {data_dir / clients.FILE}; {address}/.well-known/openid-configuration tells"
        " clients the rest."
    )


async def explorer_config(url: str, data_dir: Path) -> dict[str, JSON]:
    """What the explorer offers in demo mode: whom one may be, and what one may ask. Never a password."""
    shown = ("key", "name", "role", "organization", "token")
    return {
        "personas": [{name: str(persona[name]) for name in shown} for persona in personas.read(data_dir) or []],  # type: ignore[literal-required]
        "samples": [dict(sample) for sample in await samples.samples(url)],  # type: ignore[arg-type]
    }
