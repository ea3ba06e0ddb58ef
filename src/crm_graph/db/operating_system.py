"""PostgreSQL refuses to run as root: which account runs it instead, and what that account must be able to reach."""

import contextlib
import logging
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("crm_graph.db.embedded")


@dataclass(frozen=True)
class Account:
    """The operating system's account that runs the server for root."""

    name: str
    uid: int
    gid: int


def account_for(data_dir: Path) -> Account | None:
    """None unless we are root; then the owner of an existing cluster, else `postgres`, else `nobody`."""
    if os.geteuid() != 0:
        return None
    names: list[str] = []
    with contextlib.suppress(OSError, KeyError):
        owner = (data_dir / "postgresql").stat().st_uid
        if owner != 0:
            names.append(pwd.getpwuid(owner).pw_name)
    for name in (*names, "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise RuntimeError(
        "PostgreSQL cannot run as root, and there is no account `postgres` or `nobody` to run it instead"
    )


def open_path(path: Path) -> None:
    """Let other accounts pass through (not list) the directories down to `path`; says which it changes."""
    for directory in (path, *path.parents):
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            logger.warning("letting the account that runs PostgreSQL pass through %s (chmod o+x)", directory)
            directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def own_directory(path: Path, account: Account | None) -> None:
    """Make a directory that only the server's account may enter, or verify that an existing one is such."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    found = path.lstat()
    owner = os.geteuid() if account is None else account.uid
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise RuntimeError(f"{path} must be a directory of user {owner} that nobody else may enter (mode 0700)")
