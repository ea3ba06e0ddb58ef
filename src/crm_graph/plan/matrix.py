"""What a role gets of each field: the cells of the access matrix, asked of the very lens that reads go through."""

import enum
from dataclasses import dataclass

from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.lens import Lens
from crm_graph.plan.opening import open_lens
from crm_graph.plan.parameters import Parameters
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


@dataclass(frozen=True, slots=True)
class Cell:
    """One role on one field. `write`: whether there can be rows on which the role writes it."""

    read: Sight
    write: bool


def cell(policy: Policy, entity: type[Entity], spec: FieldSpec) -> Cell:
    """What a policy gives of a field."""
    lens = open_lens(entity, policy, Parameters(), "t")
    beyond = open_lens(REGISTRY[spec.ref.entity], policy, Parameters(), "t") if spec.ref else None
    return Cell(sight(lens, beyond, spec), _writes(policy, entity, spec))


def sight(lens: Lens | None, beyond: Lens | None, spec: FieldSpec) -> Sight:
    """How a field shows through a lens; `beyond` is the lens on what it refers to, if it does."""
    column = lens.column(spec) if lens is not None else None
    if column is None or column.sql is None or (spec.ref is not None and beyond is None):
        return Sight.HIDDEN
    if column.varies:
        return Sight.ROWS
    return Sight.MASKED if spec.read and spec.read.mask and column.sql.startswith(spec.read.mask.value) else Sight.VALUE


def _writes(policy: Policy, entity: type[Entity], spec: FieldSpec) -> bool:
    level, category = spec.write.level if spec.write else None, spec.read.category if spec.read else None
    return level is not None and any(
        g.write is not None and g.write >= level and category not in g.without for g in policy.on(entity.__name__)
    )
