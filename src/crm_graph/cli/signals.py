"""SIGINT and SIGTERM end a command as an exception does: `finally` blocks run, the exit code is 0."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(SystemExit):
    """Somebody asked us to end."""

    def __init__(self) -> None:
        super().__init__(0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: what follows is the orderly end.
    ignore()
    raise Stopped


@contextmanager
def stopping() -> Iterator[None]:
    """Turn the signals into Stopped within the block."""
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore() -> None:
    """Let the signals do nothing from now on."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
