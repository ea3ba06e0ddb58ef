"""The fields of `Query`, by name: every name that is made from an entity's is made here."""

from collections.abc import Mapping
from functools import cache

from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.markers import camel


def one_name(entity: type[Entity]) -> str:
    """`customer`: one record by id."""
    return entity.__name__[0].lower() + entity.__name__[1:]


def many_name(entity: type[Entity]) -> str:
    """`customers`: the list."""
    return camel(table_name(entity))


def aggregate_name(entity: type[Entity]) -> str:
    """`customerAggregate`: groups of records, counted and summed up."""
    return f"{one_name(entity)}Aggregate"


def benchmark_name(entity: type[Entity], name: str) -> str:
    """`customerRevenueBenchmark`: an aggregate that the entity declares."""
    return camel(f"{one_name(entity)}_{name}_benchmark")


def benchmark_type(entity: type[Entity], name: str) -> str:
    """The type of one line of it: `CustomerRevenueBenchmark`."""
    root = benchmark_name(entity, name)
    return root[0].upper() + root[1:]


@cache
def roots() -> Mapping[str, tuple[str, type[Entity]]]:
    """The query fields: `customer` → ("one", Customer), `customers` → ("many", Customer), and so on."""
    found: dict[str, tuple[str, type[Entity]]] = {}
    for entity in REGISTRY.values():
        found[one_name(entity)] = ("one", entity)
        found[many_name(entity)] = ("many", entity)
        found[aggregate_name(entity)] = ("aggregate", entity)
        found |= {benchmark_name(entity, name): (f"benchmark {name}", entity) for name in entity.__benchmarks__}
    return found
