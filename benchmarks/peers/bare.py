"""The bare endpoint: an ASGI application on raw asyncpg that runs the hand-written statement and nothing else.

`python -m benchmarks.peers.bare PORT URL`. It reads the request's JSON to know the operation and its variables, as any
server must, and has neither GraphQL nor callers nor access levels.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn

from benchmarks.data import ORGANIZATION
from benchmarks.shapes import CURSOR_KEY, Shape, shapes

POOL = 8


Prepared = list["asyncpg.prepared_stmt.PreparedStatement[asyncpg.Record]"]


class Pool:
    """A stack of connections with their prepared statements; whoever finds none waits in line."""

    def __init__(self) -> None:
        self._connections: list[asyncpg.Connection[asyncpg.Record]] = []  # kept alive
        self._idle: list[Prepared] = []
        self._waiting: deque[asyncio.Future[Prepared]] = deque()

    async def open(self, url: str, statements: Sequence[str]) -> None:
        settings = {"TimeZone": "UTC", "jit": "off", "plan_cache_mode": "force_generic_plan"}
        for _ in range(POOL):
            connection = await asyncpg.connect(url, server_settings=settings)
            await connection.set_type_codec("json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes)
            self._connections.append(connection)
            self._idle.append([await connection.prepare(sql) for sql in statements])

    async def fetch(self, statement: int, arguments: Sequence[object]) -> bytes:
        if self._idle:
            prepared = self._idle.pop()
        else:
            waiter: asyncio.Future[Prepared] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            prepared = await waiter
        try:
            value: bytes = await prepared[statement].fetchval(*arguments)
            return value
        finally:
            if self._waiting:
                self._waiting.popleft().set_result(prepared)
            else:
                self._idle.append(prepared)


class Bare:
    """The application."""

    def __init__(self, url: str) -> None:
        self._url, self._pool = url, Pool()
        self._shapes: list[Shape] = shapes([])
        self._statements = {shape.operation: n for n, shape in enumerate(self._shapes)}
        self._around = [(f'{{"data":{{"{s.root}":'.encode(), b"}}") for s in self._shapes]
        fixed = (ORGANIZATION,), (ORGANIZATION, bytes.fromhex(CURSOR_KEY[2:]))
        self._fixed = [fixed[shape.keyed] for shape in self._shapes]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        request = orjson.loads(body)
        number = self._statements[request["operationName"]]
        variables = request["variables"]
        if "id" in variables:
            arguments = (*self._fixed[number], UUID(variables["id"][4:]))
        else:
            arguments = (*self._fixed[number], *variables.values())
        before, after = self._around[number]
        value = before + await self._pool.fetch(number, arguments) + after
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(value)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": value})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        await self._pool.open(self._url, [shape.numbered() for shape in self._shapes])
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    port, url = sys.argv[1:]
    uvicorn.run(
        Bare(url), port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning", lifespan="on"
    )
