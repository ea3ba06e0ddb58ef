"""Install what `make test-full` needs besides: the group `full`, Debian's Chromium and Node, packages of Node locks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Program → Debian package.
PROGRAMS = {"chromium": "chromium", "node": "nodejs", "npm": "npm"}


def node_projects() -> list[Path]:
    return [path.parent for path in ROOT.glob("*/**/package-lock.json") if "node_modules" not in path.parts]


def install_programs(names: list[str]) -> None:
    missing = [PROGRAMS[name] for name in names if shutil.which(name) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"install these first (Debian's names): {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
    subprocess.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], check=True, env=environment)


def install_wheels() -> None:
    """The dependency group `full`, pinned; leaves what is there already."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "-r", str(ROOT / "requirements-full.lock")], check=True)


def main() -> int:
    install_wheels()
    projects = node_projects()
    install_programs(["chromium", *(["node", "npm"] if projects else [])])
    for project in projects:
        stamp = project / "node_modules" / ".package-lock.json"
        if not stamp.exists() or stamp.stat().st_mtime < (project / "package-lock.json").stat().st_mtime:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=project, check=True)
            stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
