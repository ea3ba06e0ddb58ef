"""Pages behind a link that was mailed: whose link it is, with what its customer may. What is wrong is never told."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeVar
from uuid import UUID

import asyncpg
from starlette.requests import Request

from crm_graph.auth.actor import Actor
from crm_graph.auth.customers import customer_actor
from crm_graph.auth.throttle.addresses import address_of
from crm_graph.auth.throttle.throttles import Throttle
from crm_graph.db.session import Transaction
from crm_graph.errors import LinkOver
from crm_graph.pages.door import Door, slowed

_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


class Link(Protocol):
    """A link that works."""

    @property
    def customer_id(self) -> UUID:
        """Whose it is."""


L = TypeVar("L", bound=Link)


class Links:
    """The links of one kind of page, whose name their attempts are counted under."""

    def __init__(self, door: Door, name: str, channel: str, per_minute: int | None) -> None:
        self._door, self._channel = door, channel
        self._attempts = Throttle(door.attempts, name, 60, 2, per_minute=per_minute)

    @contextlib.asynccontextmanager
    async def followed(
        self,
        request: Request,
        opened: "Callable[[asyncpg.Connection[asyncpg.Record], UUID, str], Awaitable[L | None]]",
        *,
        alone: bool = False,
    ) -> AsyncIterator[tuple[Transaction, Actor, L]]:
        """A transaction with the link that a request has the token of. Raises LinkOver, TooManyAttempts.

        `alone`: others who follow it so wait until this is done, and find what it did.
        """
        here = await self._door.organization(request)
        seconds = await self._attempts.attempt(here.organization_id, address_of(request))
        if seconds > 0:
            raise slowed(seconds)
        async with self._door.database.transaction(here.organization_id, None, self._channel) as tx:
            connection, token = await tx.raw(), request.path_params["token"]
            if alone:
                await connection.execute(_ALONE, f"link {token}")
            link = await opened(connection, here.organization_id, token)
            if link is None:
                raise LinkOver("This link does not work, or not any more. Ask for a new one.")
            yield tx, await customer_actor(connection, here.actor, link.customer_id, self._channel), link
