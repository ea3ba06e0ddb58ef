"""The files that the demo writes beside its database: whole or not at all, and readable by their owner only."""

import json
import os
import secrets
from pathlib import Path


def replace(path: Path, content: object) -> None:
    """Write the file as JSON in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
        file.write("\n")
    fresh.replace(path)
