"""A proposed value, as the caller sees the field it is a value of: at that field's level of today, masked as it is."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.access.lens import Clearances, Lens


def proposed_value(lens: "Lens", spec: FieldSpec) -> str | None:
    """SQL of a proposed value as text: one arm for each field whose value it may be; `None` if none is ever seen."""
    arms = [
        f"WHEN {condition} THEN ({seen})::text"
        for condition, target in _cases(lens, spec)
        if (seen := lens.column(_held(spec, target)).sql)
    ]
    return f"CASE {' '.join(arms)} END" if arms else None


def by_unseen(lens: "Lens", text_of: Callable[[list[str], list[str]], str]) -> str:
    """SQL of a text by the names of a row's fields that are hidden and masked, its proposed values among them."""
    proposed = [spec for spec in lens.specs.values() if spec.proposed is not None]

    def at_clearances(at: "Clearances") -> str:
        hidden, masked = lens.unseen(at)
        # of a field that nobody proposes values of any more nothing shows
        otherwise = text_of([*hidden, *(spec.graphql for spec in proposed)], masked)
        arms: dict[str, list[str]] = {}
        for condition, target in _cases(lens, proposed[0]) if proposed else ():
            shows = [(spec.graphql, lens.unseen_as(_held(spec, target), at)) for spec in proposed]
            found = text_of(
                [*hidden, *(name for name, how in shows if how == "hidden")],
                [*masked, *(name for name, how in shows if how == "masked")],
            )
            arms.setdefault(found, []).append(condition)
        whens = " ".join(f"WHEN {' OR '.join(of)} THEN {text}" for text, of in arms.items())
        return f"CASE {whens} ELSE {otherwise} END" if whens else otherwise

    return lens.by_clearance(at_clearances)


def _cases(lens: "Lens", spec: FieldSpec) -> list[tuple[str, FieldSpec]]:
    """The fields whose values it may hold, each with the condition that it does.

    Which field it is of decides what it may show as: who does not see that sees no value either.
    """
    entity, field = (lens.column(lens.spec(name)).sql for name in ("entity", "field"))
    if entity is None or field is None:
        return []
    # names of declared entities and fields: they hold no quote
    return [
        (f"({entity} = '{of}' AND {field} = '{name}')", target) for (of, name), target in (spec.proposed or {}).items()
    ]


def _held(spec: FieldSpec, target: FieldSpec) -> FieldSpec:
    """The field whose value it is, read where the proposed value is kept."""
    (stored,) = spec.inputs
    return replace(target, sql=f"{{{stored}}}::{target.kind.sql}", inputs=(stored,))
