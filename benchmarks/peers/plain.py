"""The plain server: Strawberry, SQLAlchemy and DataLoader, as their documentation has it, over the same tables.

`python -m benchmarks.peers.plain PORT URL`. No caller, no access levels; each list is loaded for all parents at once.
"""

import sys
from typing import Any

import strawberry
import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.peers.plain_loaders import Loaders
from benchmarks.peers.plain_types import Query

POOL = 8


class Endpoint(GraphQL[Any, None]):
    """Strawberry's own ASGI application; each request has loaders of its own."""

    def __init__(self, schema: strawberry.Schema, sessions: async_sessionmaker[AsyncSession]) -> None:
        super().__init__(schema)
        self._sessions = sessions

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"request": request, "response": response, "loaders": Loaders(self._sessions)}


def application(url: str) -> Starlette:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=POOL, max_overflow=0
    )
    # Documents are parsed and validated once, as a server in production would have it.
    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    return Starlette(routes=[Route("/graphql", Endpoint(schema, sessions))])


if __name__ == "__main__":
    port, url = sys.argv[1:]
    uvicorn.run(
        application(url), port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )
