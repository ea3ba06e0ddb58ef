"""A proposed value, as the caller sees the field it is a value of: at that field's level of today, masked as it is."""

from dataclasses import replace
from typing import TYPE_CHECKING

from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.access.lens import Lens


def proposed_value(lens: "Lens", spec: FieldSpec) -> str | None:
    """SQL of a proposed value as text: one arm for each field whose value it may be; `None` if none is ever seen."""
    # which field it is of decides what it may show as: who does not see that sees no value either
    of = [lens.column(lens.spec(name)).sql for name in ("entity", "field")]
    if None in of:
        return None
    arms = [
        arm
        for (entity, name), target in (spec.proposed or {}).items()
        # names of declared entities and fields: they hold no quote
        if (arm := _arm(lens, spec, target, f"{of[0]} = '{entity}' AND {of[1]} = '{name}'"))
    ]
    return f"CASE {' '.join(arms)} END" if arms else None


def _arm(lens: "Lens", spec: FieldSpec, target: FieldSpec, condition: str) -> str | None:
    (stored,) = spec.inputs
    held = replace(target, sql=f"{{{stored}}}::{target.kind.sql}", inputs=(stored,))
    seen = lens.column(held).sql
    return seen and f"WHEN {condition} THEN ({seen})::text"
