"""How a field shows to a role, asked of the very lens that reads go through."""

import enum

from crm_graph.plan.access.lens import Lens
from crm_graph.specs import FieldSpec


class Sight(enum.StrEnum):
    """How a field shows to a role."""

    VALUE = enum.auto()
    """Its value, on every row that the role sees."""
    MASKED = enum.auto()
    """Its mask, on every row."""
    ROWS = enum.auto()
    """Its value on some rows, a mask or nothing on others."""
    HIDDEN = enum.auto()
    """Nothing, on any row."""


def sight(lens: Lens | None, beyond: Lens | None, spec: FieldSpec) -> Sight:
    """How a field shows through a lens; `beyond` is the lens on what it refers to, if it does."""
    column = lens.column(spec) if lens is not None else None
    if column is None or column.sql is None or (spec.ref is not None and beyond is None):
        return Sight.HIDDEN
    if column.varies:
        return Sight.ROWS
    return Sight.MASKED if lens is not None and column.sql == lens.mask(spec) else Sight.VALUE
