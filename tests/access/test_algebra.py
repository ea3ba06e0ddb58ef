"""Fine print, "Computed fields": nothing that is seen can be solved for something that is not."""

from itertools import product

import pytest

from crm_graph import figures
from crm_graph.auth.classification import Classification, Levels
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import resolved
from crm_graph.auth.rows import Rule
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.plan.access.fields import classified
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec

COMPUTED = [
    (entity, spec)
    for entity in REGISTRY.values()
    for spec in entity.__specs__.values()
    if spec.inputs and not spec.proposed
]
by_field = pytest.mark.parametrize(
    ("entity", "spec"), COMPUTED, ids=[f"{entity.__name__}.{spec.graphql}" for entity, spec in COMPUTED]
)


@by_field
def test_a_computed_field_has_the_highest_level_of_its_inputs(entity: type[Entity], spec: FieldSpec) -> None:
    """So whoever sees the result sees all that it was made of, and there is nothing left to solve for."""
    assert spec.read is not None
    for name in spec.inputs:
        read = entity.__specs__[name].read
        assert read is not None
        assert spec.read.level >= read.level, name
        assert read.category in (None, spec.read.category), name
        assert read.mask is None, f"{name} is masked one level below, its result is not"
        assert read.subject or not spec.read.subject


@by_field
def test_so_it_is_where_an_organisation_levels_the_inputs_otherwise(entity: type[Entity], spec: FieldSpec) -> None:
    """Each input raised by itself takes the result along."""
    for name, level in product(spec.inputs, Level):
        coordinate = f"{entity.__name__}.{entity.__specs__[name].graphql}"
        fields = classified(entity, Classification.of({coordinate: Levels(read=level)}, ()))
        read, of_input = fields[spec.name].read, fields[name].read
        assert read is not None
        assert of_input is not None
        assert read.level >= of_input.level


@by_field
def test_whoever_sees_the_result_sees_every_input(entity: type[Entity], spec: FieldSpec) -> None:
    """By the lens itself: for every level, and with every category left out."""
    for level, without in product(Level, [frozenset[Category](), *(frozenset({c}) for c in Category)]):
        policy = resolved({"r": {entity.__name__: (Grant(Rule.EVERYONE, level, without=without),)}}, frozenset(["r"]))
        lens = open_lens(entity, policy, Parameters(), "t")
        assert lens is not None
        if lens.column(spec).sql is not None:
            assert all(lens.column(lens.spec(name)).sql is not None for name in spec.inputs), (level, without)


SUMS = [(entity, spec) for entity in REGISTRY.values() for spec in entity.__specs__.values() if spec.sum_of]


@pytest.mark.parametrize(("entity", "spec"), SUMS, ids=[f"{e.__name__}.{s.graphql}" for e, s in SUMS])
def test_whoever_sees_a_sum_may_see_what_it_sums(entity: type[Entity], spec: FieldSpec) -> None:
    """A sum that the database keeps is of the level of its lines, where an organisation raises those, too."""
    assert spec.sum_of is not None
    back = backs(entity.__name__)[spec.sum_of.back]
    lines = REGISTRY[back.entity]
    summed = lines.__specs__[spec.sum_of.field]
    for name, level in product(summed.inputs or (summed.name,), Level):
        coordinate = f"{lines.__name__}.{lines.__specs__[name].graphql}"
        classification = Classification.of({coordinate: Levels(read=level)}, ())
        whole = classified(entity, classification)[spec.name].read
        part = classified(lines, classification)[summed.name].read
        assert whole is not None
        assert part is not None
        assert whole.level >= part.level, coordinate
        assert part.category in (None, whole.category)
        assert part.mask is None
        assert part.subject or not whole.subject


FIGURES = [(entity, spec) for entity, spec, figure in figures.figures() if not figure.at_least]


@pytest.mark.parametrize(("entity", "spec"), FIGURES, ids=[f"{e.__name__}.{s.graphql}" for e, s in FIGURES])
def test_a_figure_is_nowhere_below_what_it_is_made_of(entity: type[Entity], spec: FieldSpec) -> None:
    """It is reckoned over rows that its reader may not see, so its level clears what is in them; raised, it follows."""
    assert spec.figure is not None
    for coordinate in spec.figure.of:
        other, part = figures.made_of(coordinate)
        for name, level in product(part.inputs or (part.name,), Level):
            raised = {f"{other.__name__}.{other.__specs__[name].graphql}": Levels(read=level)}
            classification = Classification.of(raised, ())
            read = classified(entity, classification)[spec.name].read
            seen = classified(other, classification)[part.name].read
            assert read is not None
            assert seen is not None
            assert read.level >= seen.level, coordinate
            assert seen.category in (None, read.category), coordinate
            assert seen.mask is None
            assert not read.subject


def _money(entity: type[Entity]) -> dict[str, FieldSpec]:
    return {n: s for n, s in entity.__specs__.items() if s.kind.name == "Money" and s.read}


TOTALS = [
    (whole, part)
    for part in REGISTRY.values()
    for column, reference in part.__specs__.items()
    if column == part.__rows__.parent and reference.ref and reference.ref.owned and _money(part)
    for whole in [REGISTRY[reference.ref.entity]]
]


@pytest.mark.parametrize(("whole", "part"), TOTALS, ids=[f"{w.__name__} of {p.__name__}" for w, p in TOTALS])
def test_a_total_reveals_no_line(whole: type[Entity], part: type[Entity]) -> None:
    """A whole with one line has the line's amount for its total: sums of prices and of costs are of their lines' level."""
    for name, total in _money(whole).items():
        kind = "cost" if "cost" in name or "margin" in name else "price"
        lines = {n: s for n, s in _money(part).items() if ("cost" if "cost" in n or "margin" in n else "price") == kind}
        if name not in ("total", "amount", "cost", "margin"):
            continue
        for column, line in lines.items():
            assert total.read is not None
            assert line.read is not None
            assert total.read.level >= line.read.level, f"{whole.__name__}.{name} tells {part.__name__}.{column}"
            assert line.read.category in (None, total.read.category), (name, column)


def test_whoever_writes_a_masked_field_sees_it() -> None:
    """Else they would be shown a mask to send back: no field's write level is below the level it is read at."""
    for entity in REGISTRY.values():
        for spec in entity.__specs__.values():
            if spec.read and spec.write and spec.read.mask:
                assert spec.write.level >= spec.read.level, f"{entity.__name__}.{spec.graphql}"
