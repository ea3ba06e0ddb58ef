"""`crm-graph schema`: the schema as text, whole or as a role sees it."""

import difflib
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from crm_graph.auth.default_policy import ROLES
from crm_graph.errors import CrmError

As = Annotated[str | None, typer.Option("--as", help="Only what this role sees; without it the whole schema.")]
Out = Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")]
Check = Annotated[Path | None, typer.Option(help="Only say whether this file holds it; prints the difference.")]


class RoleUnknown(CrmError):
    """The policy has no such role."""

    code = "ROLE_UNKNOWN"


def schema(role: As = None, out: Out = None, check: Check = None) -> None:
    """Print the GraphQL schema (SDL), whole or as a role sees it."""
    text = sdl(role)
    if check is not None:
        raise typer.Exit(_compare(check, text))
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


@cache
def sdl(role: str | None = None) -> str:
    """The whole schema, or what a role is shown of it. Raises RoleUnknown."""
    from graphql import print_schema

    from crm_graph import resolvers  # noqa: F401 - declares the entities and the hand-written mutations
    from crm_graph.auth.policy import resolve
    from crm_graph.graph.pruned import hidden, prune
    from crm_graph.graph.types import build_schema, core_schema

    full = core_schema(build_schema())
    return print_schema(full if role is None else prune(full, *hidden(resolve(known(role))))) + "\n"


def known(roles: str) -> frozenset[str]:
    """The roles of a text such as `sales_rep,service_agent`. Raises RoleUnknown."""
    names = frozenset(name.strip() for name in roles.split(","))
    for name in sorted(names - ROLES.keys()):
        raise RoleUnknown(f"there is no role {name!r}; there are {', '.join(ROLES)}.")
    return names


def _compare(path: Path, text: str) -> int:
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    if there == text:
        return 0
    lines = difflib.unified_diff(
        there.splitlines(), text.splitlines(), f"{path} (as it is)", "the schema (as declared)", n=1, lineterm=""
    )
    for number, line in enumerate(lines):
        if number == 60:
            print("…")
            break
        print(line)
    print(f"{path} does not show the schema as it is declared now: run `make schema` and look at the difference.")
    return 1
