"""GraphQL types of the benchmarks that entities declare, and their root fields."""

from typing import TYPE_CHECKING

from crm_graph.entity import REGISTRY, Entity
from crm_graph.graph.building import FieldOf, field, listed, maybe, object_type, shell
from crm_graph.plan.roots import benchmark_name, benchmark_type
from crm_graph.specs import Benchmark

if TYPE_CHECKING:
    from crm_graph.graph.types import Types


def benchmark_fields(types: "Types") -> dict[str, FieldOf]:
    """The root fields of all benchmarks, by name."""
    found: dict[str, FieldOf] = {}
    for entity in REGISTRY.values():
        for name, benchmark in entity.__benchmarks__.items():
            root = benchmark_name(entity, name)
            found[root] = field(maybe(listed(_type(types, entity, name, benchmark))), root, benchmark.description)
    return found


def _type(types: "Types", entity: type[Entity], name: str, benchmark: Benchmark) -> type:
    by = [entity.__specs__[one] for one in benchmark.by]
    fields = {s.name: field(maybe(types.of(s)), s.graphql, s.description) for s in by}
    fields["at_least"] = field(int, "atLeast", "How many records it is of, down to a multiple of five.")
    fields["median"] = field(types.money, "median", "The median, to two significant digits.")
    return object_type(shell(benchmark_type(entity, name)), fields, benchmark.description)
