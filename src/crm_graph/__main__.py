"""The command line: `crm-graph` or `python -m crm_graph`."""

import sys

import typer

from crm_graph import __version__
from crm_graph.cli.client import clients
from crm_graph.cli.demo import demo
from crm_graph.cli.explain_access import explain_access
from crm_graph.cli.imports import imports
from crm_graph.cli.mailbox import boxes
from crm_graph.cli.migrate import migrate
from crm_graph.cli.schema import schema
from crm_graph.cli.serve import serve
from crm_graph.cli.signing_key import rotate_signing_key
from crm_graph.cli.user import user
from crm_graph.cli.worker import worker
from crm_graph.db.cluster import ServerFailed
from crm_graph.db.roles import RolesUnfit
from crm_graph.errors import CrmError
from crm_graph.migrations import MigrationFailed

app = typer.Typer(
    name="crm-graph",
    help="A CRM as one GraphQL API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)
app.add_typer(imports, name="import")
app.command()(migrate)
app.command()(user)
app.add_typer(clients, name="client")
app.command("rotate-signing-key")(rotate_signing_key)
app.command()(worker)
app.add_typer(boxes, name="mailbox")
app.command()(schema)
app.command("explain-access")(explain_access)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Say which version this is.", is_eager=True)) -> None:
    """A CRM as one GraphQL API."""
    if show:
        print(__version__)  # noqa: T201 - that is the answer
        raise typer.Exit


def main() -> None:
    """Run a command; what a person can act on is one line, not a traceback."""
    try:
        app()
    except (ServerFailed, MigrationFailed, RolesUnfit, CrmError) as error:
        sys.stderr.write(f"crm-graph: {error}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
