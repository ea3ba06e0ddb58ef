"""Lines, and what they are lines of: locked before them, it says their currency, and may hold them as they are."""

from crm_graph import sums
from crm_graph.entity import REGISTRY, Entity, Frozen, table_name
from crm_graph.plan.writes.shape import Shape


def locks(entity: type[Entity], shape: Shape, found: str | None, organization: str) -> dict[str, str]:
    """CTEs that lock the wholes of the lines that a write finds by `found`, or makes, read before those are locked.

    Who writes a whole and then its lines locks in this order too, so that neither waits for the other for ever. What
    a CTE tells of a whole is as it is then, whatever the statement saw when it began.
    """
    ctes = {}
    for column, whole in _wholes(entity).items():
        known = f" LEFT JOIN {table_name(entity)} t ON t.organization_id = {organization} AND {found}" if found else ""
        named = [*(["t." + column] if found else []), *(["i." + column] if column in shape.columns else [])]
        frozen = entity.__frozen__
        holds = "FALSE"
        if shape.guarded and frozen is not None and frozen.of == column:
            holds = frozen.when.format_map({name: f"p.{name}" for name in whole.__specs__})
        ctes[_cte(column)] = (
            f"SELECT p.id, {holds} AS frozen FROM i{known}"
            f" JOIN {table_name(whole)} p ON p.organization_id = {organization} AND p.id IN ({', '.join(named)})"
            " ORDER BY p.id FOR NO KEY UPDATE OF p"
        )
    return ctes


def frozen(entity: type[Entity], declared: Frozen, alias: str) -> str:
    """SQL of whether a row is frozen, by its own fields or by those of what it is a line of."""
    if declared.of is None:
        return declared.when.format_map({name: f"{alias}.{name}" for name in entity.__specs__})
    cte = _cte(declared.of)
    return f"coalesce((SELECT bool_or({cte}.frozen) FROM {cte} WHERE {cte}.id = {alias}.{declared.of}), FALSE)"


def currency(entity: type[Entity], organization: str) -> str:
    """SQL of a new line's currency: as stated, else that of what it is a line of."""
    found = [
        f"(SELECT p.currency FROM {table_name(whole)} p WHERE p.organization_id = {organization} AND p.id = i.{column})"
        for column, whole in sums.wholes(entity).items()
    ]
    if not found:
        return "i.currency"
    return f"CASE WHEN i._currency IS NULL THEN coalesce({', '.join(found)}, i.currency) ELSE i.currency END"


def _wholes(entity: type[Entity]) -> dict[str, type[Entity]]:
    found = sums.wholes(entity)
    column = entity.__frozen__.of if entity.__frozen__ else None
    ref = entity.__specs__[column].ref if column else None
    return {**found, column: REGISTRY[ref.entity]} if column and ref else found


def _cte(column: str) -> str:
    return f"p_{column}"
