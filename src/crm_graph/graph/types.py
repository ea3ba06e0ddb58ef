"""The GraphQL schema, made from the registry: object types, connections, filters, orders, inputs and payloads.

Classes are made first (`shell`), fields are attached when all exist, so no type refers forward. Which values a
field has is not decided here: every query is answered by the planner.
"""

import enum
import inspect
from functools import cache
from typing import Annotated, Any

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from crm_graph import kinds
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.graph.aggregate_types import ONE_OF, AggregateTypes
from crm_graph.graph.benchmark_types import benchmark_fields
from crm_graph.graph.building import FieldOf, Made, field, input_type, interface_type, listed, maybe, object_type, shell
from crm_graph.graph.declared_types import DeclaredTypes
from crm_graph.graph.mutation_types import mutation_fields
from crm_graph.graph.operators import Conditions, Scalars
from crm_graph.graph.search_types import ARGUMENT, edge_fields, highlight_type
from crm_graph.markers import camel
from crm_graph.plan.reads.ordering import DIRECTIONS
from crm_graph.plan.reads.paging import DEFAULT_SIZE, MAX_SIZE
from crm_graph.plan.reads.search import searched
from crm_graph.plan.roots import aggregate_name, many_name, one_name
from crm_graph.slots import KINDS
from crm_graph.specs import FieldSpec

DIRECTION_WORDS = {"ASC": "Ascending; empty values last.", "DESC": "Descending; empty values last."}


class Types:
    """All types of one schema under construction, by entity."""

    def __init__(self) -> None:
        self.scalars = Scalars()
        self.conditions = Conditions(self.scalars)
        self.node = self._node()
        self.objects = {name: shell(name, self.node) for name in REGISTRY}
        self.connections = {name: shell(f"{name}Connection") for name in REGISTRY}
        self.filters = {name: shell(f"{name}Filter") for name in REGISTRY}
        self.list_filters = {name: shell(f"{name}ListFilter") for name in REGISTRY}
        self.orders = {name: shell(f"{name}OrderBy") for name in REGISTRY}
        self.money, self.highlight = self._money(), highlight_type()
        self.money_input = input_type(
            shell("MoneyInput"),
            {
                "amount": field(
                    self.scalars.type(kinds.DECIMAL),
                    "amount",
                    "The amount, with no more decimals than the currency has.",
                ),
                "currency": field(
                    self.scalars.type(kinds.CURRENCY),
                    "currency",
                    "The currency; a record keeps all its amounts in one.",
                ),
            },
            "An amount of money.",
        )
        self.direction = strawberry.enum(
            _direction(),
            description="Which way a list is ordered by a field. Empty values come last unless asked for first.",
        )
        self.aggregates = AggregateTypes(self)
        self.page_info = object_type(
            shell("PageInfo"),
            {
                "has_next_page": field(bool, "hasNextPage", "Whether there are rows after this page."),
                "has_previous_page": field(bool, "hasPreviousPage", "Whether there are rows before this page."),
                "start_cursor": field(maybe(str), "startCursor", "Cursor of the first row of this page."),
                "end_cursor": field(maybe(str), "endCursor", "Cursor of the last row of this page."),
            },
            "Where a page stands in its list.",
        )

    def _node(self) -> Made:
        names = "Names of fields of this record that"
        when = self.scalars.type(kinds.DATETIME)
        return interface_type(
            shell("Node"),
            {
                "id": field(strawberry.ID, "id", "Global id."),
                "created_at": field(maybe(when), "createdAt", "When the record was created here."),
                "updated_at": field(maybe(when), "updatedAt", "When the record was last written."),
                "etag": field(str, "etag", "Opaque version of the record as you see it; for `ifMatch`."),
                "hidden_fields": field(list[str], "hiddenFields", f"{names} you may not see."),
                "masked_fields": field(list[str], "maskedFields", f"{names} you see masked."),
            },
            "Any record.",
        )

    def _money(self) -> Made:
        return object_type(
            shell("Money"),
            {
                "amount": field(self.scalars.type(kinds.DECIMAL), "amount", "The amount."),
                "currency": field(self.scalars.type(kinds.CURRENCY), "currency", "The currency."),
            },
            "An amount of money.",
        )

    def of(self, spec: FieldSpec) -> Any:
        """The type a field's values have."""
        return self.money if spec.kind is kinds.MONEY else self.scalars.type(spec.kind)

    def page_arguments(self, name: str) -> dict[str, Any]:
        """The arguments of a connection."""

        def said(annotation: Any, text: str) -> Any:
            return Annotated[annotation, strawberry.argument(description=text)]

        search = {"search": said(maybe(str), ARGUMENT)} if searched(REGISTRY[name]) else {}
        return {
            "first": said(
                maybe(int),
                f"How many rows from the start: 0 to {MAX_SIZE}; {DEFAULT_SIZE} if neither first nor last is given.",
            ),
            "after": said(maybe(str), "Go on after this cursor (with first)."),
            "last": said(maybe(int), f"How many rows from the end: 0 to {MAX_SIZE}."),
            "before": said(maybe(str), "Up to before this cursor (with last)."),
            "filter": said(maybe(self.filters[name]), "Only rows that match."),
            "order_by": said(
                maybe(listed(self.orders[name])), "Order keys, most important first; by id if there are none."
            ),
            **search,
        }

    def complete(self) -> None:
        """Attach the fields of all types."""
        for name, entity in REGISTRY.items():
            object_type(self.objects[name], self._fields(entity), _said(entity))
            edge = object_type(
                shell(f"{name}Edge"),
                {
                    "node": field(self.objects[name], "node", "The record."),
                    "cursor": field(str, "cursor", "Its place in the list."),
                    **(edge_fields(self.highlight) if searched(entity) else {}),
                },
                f"One row of a list of {name} records.",
            )
            object_type(
                self.connections[name],
                {
                    "edges": field(listed(edge), "edges", "The rows of this page, with cursors."),
                    "nodes": field(listed(self.objects[name]), "nodes", "The records of this page."),
                    "page_info": field(self.page_info, "pageInfo", "Where this page stands."),
                    "total_count": field(
                        int, "totalCount", "How many records there are on all pages; counted only when asked for."
                    ),
                },
                f"One page of a list of {name} records.",
            )
            self._inputs(name, entity)
        self.aggregates.complete()

    def _fields(self, entity: type[Entity]) -> dict[str, FieldOf]:
        found: dict[str, FieldOf] = {}
        for spec in entity.__specs__.values():
            if spec.read is None or spec.name in ("id", "created_at", "updated_at"):
                continue
            annotation = self.objects[spec.ref.entity] if spec.ref else self.of(spec)
            found[spec.name] = field(maybe(annotation), spec.graphql, spec.description)
        for count_name, counted in entity.__counts__.items():
            found[count_name] = field(maybe(int), camel(count_name), counted.description)
        for back in backs(entity.__name__).values():
            listed = maybe(self.connections[back.entity])
            found[f"list_{back.name}"] = field(
                listed, back.name, f"List: {back.description}", self.page_arguments(back.entity)
            )
            found[f"aggregate_{back.name}"] = field(
                maybe(self.aggregates.groups[back.entity]),
                f"{back.name}Aggregate",
                f"All in one: {back.description}",
                self.aggregates.filter_argument(back.entity),
            )
        return found

    def _inputs(self, name: str, entity: type[Entity]) -> None:
        filters: dict[str, FieldOf] = {}
        for spec in entity.__specs__.values():
            if spec.ref and spec.read:
                says = f"{spec.description} Matches when there is such a record, as you see it."
                filters[spec.name] = field(maybe(self.filters[spec.ref.entity]), spec.graphql, says)
            elif spec.filter and spec.read:
                filters[spec.name] = field(maybe(self.conditions.type(spec.kind)), spec.graphql, spec.description)
        for back in backs(name).values():
            filters[f"list_{back.name}"] = field(
                maybe(self.list_filters[back.entity]), back.name, f"List: {back.description}"
            )
        itself = self.filters[name]
        filters["and"] = field(maybe(listed(itself)), "and", "All of these match.")
        filters["or"] = field(maybe(listed(itself)), "or", "At least one of these matches.")
        filters["not"] = field(maybe(itself), "not", "This does not match.")
        input_type(itself, filters, f"Conditions on {name} records; all of them must hold.")
        quantified = {"some": "At least one row matches.", "none": "No row matches.", "every": "Every row matches."}
        input_type(
            self.list_filters[name],
            {word: field(maybe(itself), word, says) for word, says in quantified.items()},
            f"Conditions on a list of {name} records, as you see it.",
        )
        keys = {
            s.name: field(maybe(self.direction), s.graphql, s.description)
            for s in entity.__specs__.values()
            if s.sort and s.read
        }
        input_type(self.orders[name], keys, f"One order key of {name} records.", one_of=True)


@cache
def full_schema() -> GraphQLSchema:
    """The schema with every field that is shipped; what a caller is shown of it is another matter.

    Made once a process, since it takes a second or more and its declarations stay.
    """
    return _core(_build())


def _build() -> strawberry.Schema:
    types = Types()
    types.complete()
    query = shell("Query")
    fields: dict[str, FieldOf] = {
        "node": field(maybe(types.node), "node", "Any record by its global id.", {"id": strawberry.ID}),
        "nodes": field(
            listed(maybe(types.node)),
            "nodes",
            "Records by their global ids, null where there is none.",
            {"ids": listed(strawberry.ID)},
        ),
    }
    for name, entity in REGISTRY.items():
        one, many, aggregate = one_name(entity), many_name(entity), aggregate_name(entity)
        fields[one] = field(maybe(types.objects[name]), one, f"By id: {_said(entity)}", {"id": strawberry.ID})
        fields[many] = field(maybe(types.connections[name]), many, f"List: {_said(entity)}", types.page_arguments(name))
        fields[aggregate] = field(
            maybe(types.aggregates.aggregations[name]),
            aggregate,
            f"In groups: {_said(entity)}",
            types.aggregates.arguments(name),
        )
    fields |= benchmark_fields(types)
    declared = DeclaredTypes(types)
    fields |= declared.queries()
    object_type(query, fields, "What can be asked.")
    mutation = object_type(shell("Mutation"), mutation_fields(types, declared), "What can be done.")
    return strawberry.Schema(
        query,
        mutation,
        types=[*types.objects.values(), *types.conditions.further(kind for kind, _ in KINDS.values())],
        config=StrawberryConfig(scalar_map=dict(types.scalars.definitions)),
    )


def _core(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema that Strawberry made."""
    core = schema._schema  # noqa: SLF001 - the one way to it
    for name in REGISTRY:  # Strawberry declares the directive; graphql-core checks only where this is set
        for part in ("OrderBy", *ONE_OF):
            if f"{name}{part}" in core.type_map:
                core.type_map[f"{name}{part}"].is_one_of = True  # type: ignore[attr-defined]
    return core


def _said(entity: type[Entity]) -> str:
    return inspect.getdoc(entity) or ""


def _direction() -> Any:
    return enum.Enum("OrderDirection", {name: name for name in DIRECTIONS})
