"""Running a command in this process, as a person's shell would."""

from typer.testing import CliRunner, Result

from crm_graph.__main__ import app

PLAIN = {"NO_COLOR": "1", "TERMINAL_WIDTH": "200", "_TYPER_FORCE_DISABLE_TERMINAL": "1"}


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env=PLAIN)
