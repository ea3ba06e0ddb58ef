"""The schema as one policy allows it: what introspection, the SDL and the explorer show.

A field goes if the caller can see it on no row (or cannot write it, for inputs); a type without fields goes, and
with it whatever leads there. Scalars and enums are shared with the full schema, all else is built anew.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
)

from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.graph.aggregate_types import aggregate_types
from crm_graph.graph.mutation_types import written
from crm_graph.graph.search_types import hidden_search
from crm_graph.markers import camel
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.subject_reach import open_to_subject
from crm_graph.plan.access.write_access import level_to_write
from crm_graph.plan.actions import ACTIONS
from crm_graph.plan.groups.benchmarks import told
from crm_graph.plan.mutations import MUTATIONS
from crm_graph.plan.queries import QUERIES
from crm_graph.plan.reads.search import visible
from crm_graph.plan.roots import aggregate_name, benchmark_name, many_name, one_name
from crm_graph.plan.sql.parameters import Parameters

T = TypeVar("T")
_SHARED = (GraphQLScalarType, GraphQLEnumType)


def hidden(policy: Policy) -> tuple[frozenset[str], frozenset[str]]:
    """Coordinates (`Customer.riskNote`) and types that a policy hides."""
    lenses = {name: open_lens(entity, policy, Parameters(), "t") for name, entity in REGISTRY.items()}
    coordinates: set[str] = set()
    dead: set[str] = set()
    for name, entity in REGISTRY.items():
        lens = lenses[name]
        if lens is None:
            dead |= {name, f"{name}Edge", f"{name}Connection", f"{name}Filter", f"{name}ListFilter", f"{name}OrderBy"}
            dead |= {f"{name}Aggregation", f"{name}Group", f"{name}Having", f"{name}GroupOrderBy"}
            dead |= aggregate_types(name)
            coordinates |= {f"Query.{root(entity)}" for root in (one_name, many_name, aggregate_name)}
        else:
            coordinates |= _hidden_fields(name, entity, lens, lenses)
        coordinates |= {
            f"Query.{benchmark_name(entity, n)}" for n, b in entity.__benchmarks__.items() if not told(b, lens, policy)
        }
        coordinates |= _hidden_writes(name, entity, policy)
        if lens is not None and not visible(lens):
            listed = [f"{b}.{back.name}" for b in REGISTRY for back in backs(b).values() if back.entity == name]
            coordinates |= hidden_search(name, [f"Query.{many_name(entity)}", *listed])
    coordinates |= {f"Query.{name}" for name, one in QUERIES.items() if not one.open_to(policy)}
    coordinates |= {f"Mutation.{name}" for name, one in ACTIONS.items() if not one.open_to(policy)}
    return frozenset(coordinates), frozenset(dead)


def _hidden_fields(name: str, entity: type[Entity], lens: Lens, lenses: dict[str, Lens | None]) -> set[str]:
    found: set[str] = set()
    for spec in lens.specs.values():
        if spec.read and (lens.column(spec).sql is None or (spec.ref and lenses[spec.ref.entity] is None)):
            found |= {f"{name}{part}.{spec.graphql}" for part in ("", "Filter", "OrderBy")}
            found |= {f"{part}.{spec.graphql}" for part in aggregate_types(name)}
    for back in backs(name).values():
        other = lenses[back.entity]
        if other is None or other.column(other.spec(back.column)).sql is None:
            found |= {f"{name}.{back.name}", f"{name}.{back.name}Aggregate", f"{name}Filter.{back.name}"}
            found |= {f"{name}.{camel(c)}" for c, counted in entity.__counts__.items() if counted.back == back.name}
    return found


def _hidden_writes(name: str, entity: type[Entity], policy: Policy) -> set[str]:
    grants = policy.on(name)
    level = max((g.write for g in grants if g.write is not None), default=None)
    about_oneself = open_to_subject(entity, policy)
    found: set[str] = set()
    if not any(g.create for g in grants):
        found |= {f"Mutation.create{name}", f"Mutation.upsert{name}"}
    if not any(g.delete for g in grants):
        found.add(f"Mutation.delete{name}")
    if level is None and not about_oneself:
        found.add(f"Mutation.update{name}")
    for verb, declared in MUTATIONS.items():
        if declared.entity is entity and not declared.open_to(policy):
            found.add(f"Mutation.{verb}")
    fields = fields_of(entity, policy)
    for spec in (fields[one.name] for one in written(entity)):
        category = spec.read.category if spec.read else None
        most = max((g.write for g in grants if g.write is not None and category not in g.without), default=None)
        if spec.write is not None and (most is None or level_to_write(spec) > most):
            verbs = ("Create", "Upsert") if spec.name in about_oneself else ("Create", "Update", "Upsert")
            found |= {f"{verb}{name}Input.{spec.input}" for verb in verbs}
    return found


def prune(schema: GraphQLSchema, coordinates: frozenset[str], dead_types: frozenset[str]) -> GraphQLSchema:
    """A schema without these coordinates and types, and without what became empty or unreachable by it."""
    kept, dead = _kept(schema, coordinates, set(dead_types))
    made: dict[str, GraphQLNamedType] = {}

    def of(wanted: T) -> T:
        if isinstance(wanted, GraphQLNonNull):
            return cast("T", GraphQLNonNull(of(wanted.of_type)))
        if isinstance(wanted, GraphQLList):
            return cast("T", GraphQLList(of(wanted.of_type)))
        return wanted if isinstance(wanted, _SHARED) else cast("T", made[wanted.name])  # type: ignore[attr-defined]

    def argument(one: GraphQLArgument) -> GraphQLArgument:
        return GraphQLArgument(of(one.type), one.default_value, one.description, one.deprecation_reason)

    def outputs(name: str) -> dict[str, GraphQLField]:
        return {
            key: GraphQLField(
                of(f.type),
                {
                    a: argument(v)
                    for a, v in f.args.items()
                    if get_named_type(v.type).name not in dead and f"{name}.{key}({a}:)" not in coordinates
                },
                description=f.description,
                deprecation_reason=f.deprecation_reason,
            )
            for key, f in kept[name].items()
            if isinstance(f, GraphQLField)
        }

    def inputs(name: str) -> dict[str, GraphQLInputField]:
        return {
            key: GraphQLInputField(of(f.type), f.default_value, f.description, f.deprecation_reason)
            for key, f in kept[name].items()
            if isinstance(f, GraphQLInputField)
        }

    def interfaces(found: GraphQLObjectType | GraphQLInterfaceType) -> Callable[[], list[GraphQLInterfaceType]]:
        return lambda: [cast("GraphQLInterfaceType", made[i.name]) for i in found.interfaces if i.name in made]

    for name in kept:
        found = schema.type_map[name]
        if isinstance(found, GraphQLObjectType):
            made[name] = GraphQLObjectType(
                name, partial(outputs, name), interfaces(found), description=found.description
            )
        elif isinstance(found, GraphQLInterfaceType):
            made[name] = GraphQLInterfaceType(
                name, partial(outputs, name), interfaces(found), description=found.description
            )
        elif isinstance(found, GraphQLInputObjectType):
            made[name] = GraphQLInputObjectType(
                name, partial(inputs, name), found.description, is_one_of=found.is_one_of
            )
    records = [t for t in made.values() if isinstance(t, GraphQLObjectType) and t.name in REGISTRY]
    return GraphQLSchema(
        cast("GraphQLObjectType", made["Query"]),
        cast("GraphQLObjectType | None", made.get("Mutation")),
        types=records,
        directives=schema.directives,
        assume_valid=True,
    )


_Kept = dict[str, dict[str, GraphQLField | GraphQLInputField]]


def _kept(schema: GraphQLSchema, coordinates: frozenset[str], dead: set[str]) -> tuple[_Kept, set[str]]:
    """The fields that stay, by type: until nothing changes, a type left empty dies, and so does what leads to it.

    An interface keeps the fields that all of its types keep, else it would promise what they do not have.
    """
    kept: _Kept = {}
    for name, found in schema.type_map.items():
        if not name.startswith("__") and isinstance(
            found, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType
        ):
            kept[name] = {
                k: f for k, f in found.fields.items() if f"{name}.{k}" not in coordinates and name not in dead
            }
    while True:
        for name, fields in kept.items():
            kept[name] = {k: f for k, f in fields.items() if get_named_type(f.type).name not in dead}
        for name, found in schema.type_map.items():
            if isinstance(found, GraphQLInterfaceType) and name in kept:
                alive = [kept[t.name] for t in schema.get_possible_types(found) if t.name not in dead]
                kept[name] = {k: f for k, f in kept[name].items() if all(k in fields for fields in alive)}
        empty = {name for name, fields in kept.items() if not fields} - dead
        if not empty:
            return {name: fields for name, fields in kept.items() if fields}, dead
        dead |= empty
