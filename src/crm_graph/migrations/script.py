"""SQL scripts inside migrations."""

from importlib.resources import files

from alembic import op
from sqlalchemy import text
from sqlalchemy.util import await_only


def execute_script(sql: str) -> None:
    """Run several statements, as a file has them, in the migration's transaction."""
    connection = op.get_bind()
    # SQLAlchemy begins the transaction with its first statement; a raw one before it would commit itself.
    connection.execute(text("SELECT 1"))
    driver = connection.connection.driver_connection
    assert driver is not None
    await_only(driver.execute(sql))


def functions_sql(package: str = "crm_graph.db", name: str = "functions.sql") -> str:
    """The text of a package's `functions.sql`, or another file of such, all of it CREATE OR REPLACE."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
