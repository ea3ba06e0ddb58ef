"""Refusals that only the planner makes."""

from crm_graph.auth.levels import Level
from crm_graph.errors import CrmError, PredicateAccessDenied


class ArgumentInvalid(CrmError):
    """An argument has the right type but no meaning."""

    code = "ARGUMENT_INVALID"


def predicate_denied(coordinate: str, level: Level | None) -> PredicateAccessDenied:
    """A filter or an order reads what the caller can see on no row."""
    requires = level.name if level else "RESTRICTED"
    return PredicateAccessDenied(
        f"{coordinate} cannot be filtered or ordered by here.", coordinate=coordinate, requires=requires
    )
