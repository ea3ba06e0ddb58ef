"""CPU time of processes, from the kernel."""

from collections.abc import Iterable
from pathlib import Path

import psutil


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that these processes have used so far, all threads, in user and system mode."""
    return sum(_of(pid) for pid in pids)


def family(pid: int) -> list[int]:
    """A process and all below it: of a server its workers, of PostgreSQL its backends."""
    parent = psutil.Process(pid)
    return [pid, *(child.pid for child in parent.children(recursive=True))]


def _of(pid: int) -> float:
    """From the scheduler's nanoseconds where the kernel tells them, else from `utime + stime` in clock ticks."""
    total = 0.0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:
        return _ticks(pid)
    return total


def _ticks(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
