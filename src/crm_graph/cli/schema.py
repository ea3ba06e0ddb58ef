"""`crm-graph schema`: the schema as text, whole or as a role sees it."""

import difflib
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

from crm_graph.cli.options import DatabaseUrl, DataDir
from crm_graph.cli.policy_asked import Organization, PolicyAsked, policy_asked

As = Annotated[str | None, typer.Option("--as", help="Only what this role sees; without it the whole schema.")]
Out = Annotated[Path | None, typer.Option(help="Write it to this file instead of printing it.")]
Check = Annotated[Path | None, typer.Option(help="Only say whether this file holds it; prints the difference.")]


def schema(
    role: As = None,
    out: Out = None,
    check: Check = None,
    organization: Organization = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print the GraphQL schema (SDL), whole or as a role sees it."""
    if role is None and organization is not None:
        raise typer.BadParameter("say as which role by --as", param_hint="--organization")
    text = sdl()
    if role is not None:
        asked = policy_asked(organization, data_dir, database_url)
        text = f"# What {role} sees by {asked.name}.\n\n{sdl(role, asked)}"
    if check is not None:
        raise typer.Exit(_compare(check, text))
    if out is not None:
        out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


@cache
def sdl(role: str | None = None, asked: PolicyAsked = PolicyAsked()) -> str:
    """The whole schema as shipped, or what a role (several, with commas) is shown of it. Raises RoleUnknown."""
    from graphql import print_schema

    from crm_graph import resolvers  # noqa: F401 - declares the entities and the hand-written mutations
    from crm_graph.graph.known_fields import extended
    from crm_graph.graph.pruned import hidden, prune
    from crm_graph.graph.types import full_schema
    from crm_graph.plan.access.custom import known

    full = full_schema()
    if role is None:
        return print_schema(full) + "\n"
    policy = asked.resolve(role)
    fields = known(policy)
    return print_schema(prune(extended(full, fields) if fields else full, *hidden(policy))) + "\n"


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
