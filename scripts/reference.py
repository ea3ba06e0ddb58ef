"""Write the generated parts of the documentation (between `generated` comments), or check that they are fresh."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from crm_graph.auth.default_policy import ROLES
from crm_graph.auth.grants import Grant
from crm_graph.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FILES = (ROOT / "README.md", ROOT / "docs" / "access.md")
BLOCK = re.compile(r"(<!-- generated: (\w+); by `make schema` -->\n).*?(\n<!-- end of generated -->)", re.DOTALL)


def settings_table() -> str:
    """Every setting with its variable, default and meaning."""
    lines = ["| variable | default | what |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "–" if field.default is None else f"`{field.default}`".lower()
        lines.append(f"| `CRM_GRAPH_{name.upper()}` | {_as_is(field.default) or default} | {field.description} |")
    return "\n".join(lines)


def _as_is(default: object) -> str:
    """Defaults whose letter case matters."""
    return f"`{default}`" if isinstance(default, str | Path) else ""


def policy_table() -> str:
    """The shipped policy: entities down, roles across."""
    entities = list(dict.fromkeys(entity for grants in ROLES.values() for entity in grants))
    lines = ["| | " + " | ".join(role.replace("_", " ") for role in ROLES) + " |", "| --- " * (len(ROLES) + 1) + "|"]
    for entity in entities:
        cells = ["<br>".join(_grant(g) for g in ROLES[role].get(entity, ())) or "–" for role in ROLES]
        lines.append(f"| **{entity}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _grant(grant: Grant) -> str:
    more = [word for word, has in (("create", grant.create), ("delete", grant.delete), ("assign", grant.assign)) if has]
    write = [] if grant.write is None else ["write" if grant.write == grant.read else f"write {grant.write.name}"]
    less = [f"without {', '.join(sorted(one.replace('_', ' ') for one in grant.without))}"] if grant.without else []
    return f"{grant.rule.value.replace('_', ' ')}: {', '.join([grant.read.name, *less, *write, *more])}"


GENERATED: dict[str, Callable[[], str]] = {"settings": settings_table, "policy": policy_table}


def fresh(text: str) -> str:
    """The text with its generated parts as they should be."""
    return BLOCK.sub(lambda found: f"{found[1]}{GENERATED[found[2]]()}{found[3]}", text)


def stale() -> list[Path]:
    """The files whose generated parts are not as they should be."""
    return [path for path in FILES if fresh(path.read_text(encoding="utf-8")) != path.read_text(encoding="utf-8")]


def main(arguments: list[str]) -> int:
    found = stale()
    if arguments == ["--check"]:
        for path in found:
            print(f"{path.relative_to(ROOT)} does not fit the code: run `make schema` and look at the diff")
        return 1 if found else 0
    for path in found:
        path.write_text(fresh(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
