"""A load generator: keep-alive HTTP/1.1 on a few connections, each sending its next request when answered.

`python -m benchmarks.client PORT SECONDS CONNECTIONS BODIES OUT [TOKEN]`: BODIES is a JSON list of request bodies; OUT
gets pairs of doubles (monotonic time of the answer, seconds it took). It is a process of its own, so that its CPU time
counts for nobody.
"""

import array
import asyncio
import json
import random
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

ANSWER_SECONDS = 30


class Refused(RuntimeError):
    """A server answered with something else than data."""


class Connection(asyncio.Protocol):
    """One connection that is always waiting for an answer."""

    def __init__(self, requests: list[bytes], seed: int, until: float, samples: "array.array[float]") -> None:
        self._requests = random.Random(seed).sample(requests, len(requests))
        self._next, self._until, self._samples = 0, until, samples
        self._buffer, self._missing, self._sent = b"", 0, 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._missing:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._missing = head + 4 + _content_length(self._buffer[:head])
        if len(self._buffer) < self._missing:
            return
        now = time.monotonic()
        self._samples.append(now)
        self._samples.append(now - self._sent)
        if not self._buffer.startswith(b"HTTP/1.1 200") or b'"errors":[' in self._buffer:
            self._finish(Refused(self._buffer[:600].decode(errors="replace")))
            return
        self._buffer, self._missing = b"", 0
        if now < self._until:
            self._send()
        else:
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or Refused("the server has closed the connection"))

    def _send(self) -> None:
        self._sent = time.monotonic()
        self._transport.write(self._requests[self._next])
        self._next = (self._next + 1) % len(self._requests)

    def _finish(self, error: Exception | None) -> None:
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)
        self._transport.close()


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    if at < 0:
        raise Refused(f"no Content-Length: {head[:300]!r}")
    return int(head[at + 15 :].split(b"\r\n", 1)[0])


def request(body: bytes, token: str) -> bytes:
    """The bytes of one request."""
    lines = ["POST /graphql HTTP/1.1", "Host: localhost", "Content-Type: application/json", "Accept: application/json"]
    lines += [f"Content-Length: {len(body)}", *([f"Authorization: Bearer {token}"] if token else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(port: int, seconds: float, connections: int, bodies: list[str], token: str) -> "array.array[float]":
    """Load the server for so long; raises `Refused` at the first answer that is not data."""
    requests = [request(body.encode(), token) for body in bodies]
    samples: array.array[float] = array.array("d")
    until, loop = time.monotonic() + seconds, asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda n=n: Connection(requests, n, until, samples), "127.0.0.1", port)  # type: ignore[misc]
        for n in range(connections)
    ]
    async with asyncio.timeout(seconds + ANSWER_SECONDS):
        await asyncio.gather(*(protocol.done for _, protocol in made))
    return samples


def main() -> None:
    port, seconds, connections, bodies, out, *token = sys.argv[1:]
    loaded = json.loads(Path(bodies).read_text())
    samples = uvloop.run(run(int(port), float(seconds), int(connections), loaded, token[0] if token else ""))
    Path(out).write_bytes(samples.tobytes())


if __name__ == "__main__":
    main()
