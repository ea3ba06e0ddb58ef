"""Which triggers of declared sums a database lacks: models and migrations agree in them, too."""

from sqlalchemy import Connection, text

from crm_graph import sums

_MADE = text(
    "SELECT c.relname, g.tgname, string_to_array(rtrim(encode(g.tgargs, 'escape'), E'\\\\0'), E'\\\\000') AS arguments"
    " FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid"
    " WHERE c.relnamespace = current_schema()::regnamespace AND g.tgname LIKE 'crm\\_sum%'"
)


def statements(connection: Connection) -> list[str]:
    """What a migration has to run, so that the database keeps the sums that are declared, and no others."""
    made = {(table, name): tuple(arguments) for table, name, arguments in connection.execute(_MADE)}
    kept = list(sums.kept())
    wanted = {place for one in kept for place in one.triggers}
    return [
        *(f"DROP TRIGGER {name} ON {table}" for table, name in sorted(made.keys() - wanted)),
        *(one.sql for one in kept if any(made.get(place) != given for place, given in one.triggers.items())),
    ]
