"""Lines whose sums are kept (sums.py): their wholes are locked before them, and say the currency."""

from crm_graph import sums
from crm_graph.entity import Entity, table_name


def locks(entity: type[Entity], key: str, organization: str) -> dict[str, str]:
    """CTEs that lock the wholes of the lines `t` that a write finds by `key`, read before the lines are locked.

    Who writes a whole and then its lines locks in this order too, so that neither waits for the other for ever.
    """
    return {
        f"p_{column}": (
            f"SELECT p.id FROM i JOIN {table_name(entity)} t ON t.organization_id = {organization} AND {key}"
            f" JOIN {table_name(whole)} p ON p.organization_id = {organization} AND p.id = t.{column}"
            " ORDER BY p.id FOR NO KEY UPDATE OF p"
        )
        for column, whole in sums.wholes(entity).items()
    }


def currency(entity: type[Entity], organization: str) -> str:
    """SQL of a new line's currency: as stated, else that of what it is a line of."""
    found = [
        f"(SELECT p.currency FROM {table_name(whole)} p WHERE p.organization_id = {organization} AND p.id = i.{column})"
        for column, whole in sums.wholes(entity).items()
    ]
    if not found:
        return "i.currency"
    return f"CASE WHEN i._currency IS NULL THEN coalesce({', '.join(found)}, i.currency) ELSE i.currency END"
