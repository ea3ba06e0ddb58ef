"""A proposed value, as the caller sees the field it is a value of: at that field's level of today, masked as it is."""

from dataclasses import replace
from typing import TYPE_CHECKING

from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.lens import Lens


def proposed_value(lens: "Lens", spec: FieldSpec) -> str | None:
    """SQL of a proposed value as text: one arm for each field whose value it may be; `None` if none is ever seen."""
    arms = [arm for key, target in (spec.proposed or {}).items() if (arm := _arm(lens, spec, key, target))]
    return f"CASE {' '.join(arms)} END" if arms else None


def _arm(lens: "Lens", spec: FieldSpec, key: tuple[str, str], target: FieldSpec) -> str | None:
    (stored,), (entity, name) = spec.inputs, key
    held = replace(target, sql=f"{{{stored}}}::{target.kind.sql}", inputs=(stored,))
    seen = lens.column(held).sql
    # names of declared entities and fields: they hold no quote
    return seen and f"WHEN {lens.alias}.entity = '{entity}' AND {lens.alias}.field = '{name}' THEN ({seen})::text"
