"""Before anything is timed: all peers must answer the same data, or the comparison is worth nothing."""

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import orjson

from benchmarks.data import Data
from benchmarks.peers.running import Server
from benchmarks.shapes import Shape, bound

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
CURSORS = frozenset(("cursor", "startCursor", "endCursor"))
_FRACTION = re.compile(r"(T\d\d:\d\d:\d\d)(?:\.(\d+?)0*)?(?:Z|\+00:00)")


class PeersDisagree(RuntimeError):
    """Two peers answer the same request differently."""


def check(shape: Shape, data: Data, servers: Sequence[Server]) -> int:
    """Ask every peer for all of the shape's variables and give how many answers agree; raises `PeersDisagree`.

    Cursors are opaque and each peer's own: they must be there, not be alike.
    """
    expected = [canonical(found) for found in asyncio.run(_by_hand(shape, data))]
    for server in servers:
        for values, body, wanted in zip(shape.variables, shape.bodies(), expected, strict=True):
            answer = ask(server, body)
            if not isinstance(answer, dict) or "errors" in answer or not isinstance(answer["data"], dict):
                raise PeersDisagree(f"{server.name}, {shape.name}, {values}: {str(answer)[:600]}")
            found = canonical(answer["data"][shape.root])
            if found != wanted:
                raise PeersDisagree(f"{server.name}, {shape.name}, {values}: {_difference(wanted, found)}")
    return len(expected)


def ask(server: Server, body: bytes) -> Json:
    """One request and its answer."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    if server.token:
        headers["authorization"] = f"Bearer {server.token}"
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/graphql", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            found: Json = orjson.loads(response.read())
    except urllib.error.HTTPError as error:
        raise PeersDisagree(f"{server.name}: {error.code} {error.read()[:600].decode(errors='replace')}") from error
    return found


def canonical(value: Json) -> Json:
    """The same value in one spelling: fractions of seconds without trailing zeros, `Z`; cursors by their presence."""
    match value:
        case dict():
            return {k: v is not None if k in CURSORS else canonical(v) for k, v in sorted(value.items())}
        case list():
            return [canonical(v) for v in value]
        case str():
            return _FRACTION.sub(lambda m: f"{m[1]}.{m[2]}Z" if m[2] else f"{m[1]}Z", value)
    return value


async def _by_hand(shape: Shape, data: Data) -> list[Json]:
    connection = await asyncpg.connect(data.url, server_settings={"TimeZone": "UTC"})
    try:
        statement = await connection.prepare(shape.numbered())
        found = []
        for values in shape.variables:
            texts = bound(shape, values)
            arguments = [_bound(name, text) for name, text in texts.items()]
            found.append(orjson.loads(await statement.fetchval(*arguments)))
        return found
    finally:
        await connection.close()


def _bound(name: str, text: str) -> object:
    if name in ("organization", "id"):
        return UUID(text)
    return bytes.fromhex(text.removeprefix("\\x")) if name == "key" else text


def _difference(wanted: Json, found: Json, path: str = "") -> str:
    """Where two values first differ."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        return next((_difference(wanted[k], found[k], f"{path}.{k}") for k in wanted if wanted[k] != found[k]), path)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return next((_difference(a, b, f"{path}[{n}]") for n, (a, b) in pairs if a != b), path)
    return f"at {path or 'the root'}: {str(wanted)[:200]} by hand, {str(found)[:200]} here"
