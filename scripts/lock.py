"""Write the lock files (pinned versions with hashes), or check that they are fresh.

`requirements.lock` is for running and developing, `requirements-full.lock` for what `make test-full` needs besides.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
LOCKS = {
    "requirements.lock": ["pyproject.toml", "--group", "dev"],
    "requirements-full.lock": ["--group", "pyproject.toml:full", "--constraints", "requirements.lock"],
}
"""What each lock file is compiled from. The second one fits the first."""


def compile_lock(sources: list[str], target: Path, *, upgrade: bool) -> None:
    """Resolve for every platform and Python ≥ 3.11; versions already in `target` stay unless `upgrade`."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes"]
    silence = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet", "--no-config"]
    command = [str(UV), "pip", "compile", *sources, *options, *silence, "-o", str(target)]
    subprocess.run([*command, *(["--upgrade"] if upgrade else [])], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def is_fresh(name: str) -> bool:
    """Whether compiling a lock file again leaves it as it is."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / name
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
        compile_lock(LOCKS[name], copy, upgrade=False)
        return (ROOT / name).exists() and copy.read_bytes() == (ROOT / name).read_bytes()


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        stale = [name for name in LOCKS if not is_fresh(name)]
        for name in stale:
            print(f"{name} does not match pyproject.toml: run `make lock` and look at the diff", file=sys.stderr)
        return 1 if stale else 0
    for name, sources in LOCKS.items():
        compile_lock(sources, ROOT / name, upgrade="--upgrade" in arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
