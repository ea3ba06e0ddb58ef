"""Write requirements.lock (pinned versions with hashes, for running and developing), or check that it is fresh."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
UV = Path(sys.executable).with_name("uv")


def compile_lock(target: Path, *, upgrade: bool) -> None:
    """Resolve for every platform and Python ≥ 3.11; versions already in `target` stay unless `upgrade`."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--group", "dev"]
    silence = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet", "--no-config"]
    command = [str(UV), "pip", "compile", "pyproject.toml", *options, *silence, "-o", str(target)]
    subprocess.run([*command, *(["--upgrade"] if upgrade else [])], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def is_fresh() -> bool:
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / LOCK.name
        shutil.copy(LOCK, copy)
        compile_lock(copy, upgrade=False)
        return copy.read_bytes() == LOCK.read_bytes()


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        if is_fresh():
            return 0
        print("requirements.lock does not match pyproject.toml: run `make lock` and look at the diff", file=sys.stderr)
        return 1
    compile_lock(LOCK, upgrade="--upgrade" in arguments)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
