"""Conditions on rows that are looked at by sets: who sees the field is one condition, what it must be another.

A CASE that gives each row its value as it shows would ask the sets for every row, and more than once. Apart, they are
asked once, and of an amount that may show as the end of its range only where its mask and itself are on two sides of
what is asked.
"""

from collections.abc import Mapping

from crm_graph.auth.levels import Mask
from crm_graph.plan.access.lens import Column, Lens
from crm_graph.plan.selection import Value

RANGES = frozenset({"gt", "gte", "lt", "lte", "between"})


def gate(lens: Lens, column: Column, conditions: Mapping[str, Value]) -> str | None:
    """SQL of the rows on which a field is not hidden, where its conditions can be asked apart from that."""
    operators = conditions.keys() - {"currency"}
    if not lens.as_set or not column.varies or column.stored is None or not operators or "isNull" in operators:
        return None
    if column.masked is None:
        return column.gate
    read = column.spec.read
    return column.gate if read and read.mask is Mask.BUCKET and operators <= RANGES else None


def seen_by(lens: Lens, tree: Value) -> str | None:
    """SQL that a filter requires anyway, and that is true only on rows that the caller sees."""
    for name, conditions in tree.items() if isinstance(tree, dict) else ():
        spec = lens.named(name)
        if spec is not None and spec.ref is None and isinstance(conditions, dict):
            found = gate(lens, lens.column(spec), conditions)
            if found and found != "TRUE":
                return found
    return None


def plain(lens: Lens, tree: Value) -> bool:
    """Whether a filter asks of a row its values alone, no mask and no other record, nor of sets but who sees them.

    Then these may be joined with; else PostgreSQL would ask the filter's sets of more rows than those of the join.
    """
    asked = [lens.named(name) for name in tree] if isinstance(tree, dict) else []
    return bool(asked) and all(spec and spec.ref is None and lens.column(spec).masked is None for spec in asked)


def amount(column: Column, sign: str, bound: str, whole: str) -> str:
    """A comparison of an amount that shows itself on the rows of `whole`, and its mask on others that show it.

    A mask is nearer to zero than its amount. So where amounts are to be farther from zero than the bound, one whose
    mask is so is so itself; and where they are to be nearer, or beyond zero, its mask is so if it is. What is known of
    the bound alone is asked once a statement.
    """
    value, plain, closed = column.stored, f"{column.stored} {sign} {bound}", "=" in sign
    least, past = ("FALSE", "TRUE") if closed else ("TRUE", "FALSE")
    if sign.startswith(">"):
        farther = f"{bound} {'>' if closed else '>='} 0"
        far = f"{value} >= (SELECT crm_bucket_end({bound}, {least}))"
        near = f"{value} > (SELECT -crm_bucket_end(-{bound}, {past}))"
    else:
        farther = f"{bound} {'<' if closed else '<='} 0"
        far = f"{value} <= (SELECT -crm_bucket_end(-{bound}, {least}))"
        near = f"{value} < (SELECT crm_bucket_end({bound}, {past}))"
    if whole != "FALSE":
        # where amounts are to be farther, the weakened filter has left those that are: asked again last, of few
        far, near = f"({far} OR {whole} AND {plain})", f"({plain} OR {near} AND {whole} IS NOT TRUE)"
    return f"CASE WHEN (SELECT {farther}) THEN {far} ELSE {near} END"
