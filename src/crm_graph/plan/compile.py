"""From a selection and a policy to one SQL statement.

Every object of the response is a `row_to_json` over a sub-select with aliased columns, every list a `json_agg` of
those, nested as the selection nests; tables are opened through the lens only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache

from crm_graph import kinds
from crm_graph.auth.classification import Classification
from crm_graph.auth.file_links import FileLinks
from crm_graph.auth.levels import RESTRICTED, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rights import Right
from crm_graph.db import ids
from crm_graph.db.lanes import Lane
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.errors import TooCostly
from crm_graph.markers import camel
from crm_graph.plan.access.fields import classified
from crm_graph.plan.access.lens import Lens, shown
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.proposed import by_unseen
from crm_graph.plan.groups.aggregates import BackAggregate, aggregation_sql, back_aggregate_sql
from crm_graph.plan.groups.benchmarks import benchmark_sql
from crm_graph.plan.queries import QUERIES
from crm_graph.plan.reads.connection import connection_sql
from crm_graph.plan.reads.filters import Filters
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.roots import roots
from crm_graph.plan.selection import Const, Leaf, Place, Selected, Value
from crm_graph.plan.sql.file_links import link_sql
from crm_graph.plan.sql.ids import entity_of, id_parameter
from crm_graph.plan.sql.money import money_json
from crm_graph.plan.sql.parameters import Parameters, Source
from crm_graph.plan.sql.proof import NOTHING, Proven
from crm_graph.plan.sql.rendering import json_list, json_object, literal
from crm_graph.plan.sql.statement import Denial, Statement, errors_json
from crm_graph.specs import Back, FieldSpec, RelatedCount

VALUES_PER_NODE = 10
"""How many values an operation may answer for each record it may answer, on the whole."""


class Compiler:
    """Compiles one operation for one policy. Use once.

    `naive`: everything in the plainest form, which the other forms are tested against.
    """

    def __init__(self, policy: Policy, secret: bytes, max_nodes: int, *, naive: bool = False) -> None:
        self.policy, self.secret, self.naive = policy, secret, naive
        self._max_nodes, self._answered, self._values, self._width = max_nodes, 0, 0, 1
        self.parameters, self._links = Parameters(), FileLinks(secret)
        self.filters = Filters(policy, self.parameters, self.alias, naive=naive)
        self.denials: dict[tuple[str, ...], Denial] = {}
        self._aliases = 0
        self.sparse = False
        """Whether the best plan depends on how few rows the caller sees."""

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    @contextmanager
    def page_of(self, size: int) -> Iterator[None]:
        """Inside, there may be `size` rows for each row outside. Raises `TooCostly` when that comes to too many."""
        outside = self._width
        self._width = outside * max(size, 1)  # a page of none may still be looked at for its cursors
        self._answered += self._width
        if self._answered > self._max_nodes:
            raise TooCostly(
                f"The operation may answer {self._answered} records or more; at most {self._max_nodes} are allowed."
                " Ask for smaller pages.",
                limit=self._max_nodes,
            )
        try:
            yield
        finally:
            self._width = outside

    def query(self, selected: Sequence[Selected]) -> Statement:
        """The statement that answers all root fields of a query."""
        fields = [(s.key, self._root(s)) for s in selected]
        lane = Lane.AUTO if self.sparse or self.filters.selective else Lane.GENERIC
        denials = tuple(self.denials.values())
        end = b"}" + errors_json(denials) + b"}"
        if all(sql in _CONSTANTS for _, sql in fields):  # nothing to ask the database
            answer = b",".join(b'"%b":%b' % (key.encode(), _CONSTANTS[sql]) for key, sql in fields)
            return Statement(NOTHING, (), b'{"data":{' + answer, end, denials=denials)
        alone = len(fields) == 1
        before = b'{"data":{"' + fields[0][0].encode() + b'":' if alone else b'{"data":'
        sql, sources = self._finished(fields[0][1] if alone else json_object(fields))
        return Statement(sql, sources, before, end if alone else end[1:], lane, denials)

    def _finished(self, expression: str) -> tuple[Proven, tuple[Source, ...]]:
        """The whole statement; its organisation is bound even where every table of it is denied."""
        sql = f"SELECT {expression}"
        return self.parameters.read(
            sql if Parameters.organization in sql else f"{sql} WHERE {Parameters.organization} IS NOT NULL"
        )

    def record(self, entity: type[Entity], selected: Selected, row_id: Leaf) -> Statement:
        """The statement that reads one record again after it was written, as the writer sees it."""
        sql, sources = self._finished(self.node(entity, selected, row_id))
        return Statement(sql, sources, b"", b"", Lane.GENERIC, tuple(self.denials.values()))

    def records(self, selected: Selected, row_ids: Leaf) -> Statement:
        """The statement that reads several records so, as a list in their order; bound to pairs of prefix and uuid."""
        with self.page_of(row_ids.many):
            sql, sources = self._finished(self._asked(selected, row_ids, f"Query.{selected.name}"))
        return Statement(sql, sources, b"", b"", Lane.GENERIC, tuple(self.denials.values()))

    def node(self, entity: type[Entity], selected: Selected, row_id: Value) -> str:
        """SQL of one record by id, as this caller sees it."""
        lens = self.open(entity, selected.place, f"Query.{selected.name}")
        if lens is None:
            return _NULL
        wanted = id_parameter(self.parameters, row_id, entity.__prefix__)
        fields = self.object(lens, selected.on(entity.__name__))
        found = "FALSE" if wanted is None else f"{lens.alias}.id = {wanted}"
        return json_object(fields, f"FROM {lens.source()} WHERE {lens.where()} AND {found}")

    def _root(self, selected: Selected) -> str:
        if selected.name == "__typename":
            return _QUERY
        if selected.name == "node":
            return self._node(selected)
        if selected.name == "nodes":
            return self._nodes(selected)
        if selected.name in QUERIES:  # one that the caller may ask is answered elsewhere
            self.deny(f"Query.{selected.name}", QUERIES[selected.name].right or RESTRICTED, selected.place)
            return _NULL
        which, entity = roots()[selected.name]
        return self._of_entity(which, entity, selected)

    def _of_entity(self, which: str, entity: type[Entity], selected: Selected) -> str:
        """SQL of a root field that was made for an entity."""
        if which == "one":
            return self.node(entity, selected, selected.arguments.get("id"))
        if which.startswith("benchmark "):
            return benchmark_sql(self, selected, entity, which.removeprefix("benchmark ")) or _NULL
        lens = self.open(entity, selected.place, f"Query.{selected.name}")
        if lens is None:
            return _NULL
        if which == "aggregate":
            many = self.many(entity)
            assert many is not None
            return aggregation_sql(self, selected, many)
        return connection_sql(self, selected, entity, f"Query.{selected.name}", lens)

    def _node(self, selected: Selected) -> str:
        value = selected.arguments.get("id")
        entity = entity_of(_prefixes(value)[0])
        return _NULL if entity is None else self.node(entity, selected, value)

    def _nodes(self, selected: Selected) -> str:
        value = selected.arguments.get("ids")
        with self.page_of(value.many if isinstance(value, Leaf) else len(value) if isinstance(value, list) else 1):
            return self._asked(selected, value, "Query.nodes")

    def _asked(self, selected: Selected, value: Value, coordinate: str) -> str:
        arms = []
        for prefix in dict.fromkeys(_prefixes(value)):
            entity = entity_of(prefix)
            lens = self.open(entity, selected.place, coordinate) if entity else None
            if entity is None or lens is None:
                continue
            fields = self.object(lens, selected.on(entity.__name__))
            row = json_object(fields, f"FROM {lens.source()} WHERE {lens.where()} AND {lens.alias}.id = asked.id")
            arms.append(f"WHEN '{prefix}' THEN {row}")
        names, uuids = self._pairs(value)
        found = f"CASE asked.prefix {' '.join(arms)} END" if arms else _NULL
        rows = f"unnest({names}, {uuids}) WITH ORDINALITY asked(prefix, id, place)"
        return f"(SELECT coalesce(json_agg({found} ORDER BY asked.place), '[]'::json) FROM {rows})"

    def _pairs(self, value: Value) -> tuple[str, str]:
        """The prefixes and the uuids of a list of ids, as two array parameters of one length."""
        if isinstance(value, Leaf):
            return (
                self.parameters.leaf(value, "text[]", lambda pairs: [p for p, _ in pairs]),  # type: ignore[attr-defined]
                self.parameters.leaf(value, "uuid[]", lambda pairs: [u for _, u in pairs]),  # type: ignore[attr-defined]
            )
        items = value if isinstance(value, list) else [value]
        uuids = ", ".join(str(id_parameter(self.parameters, v, *_prefixes(v))) for v in items)
        return literal(_prefixes(value)), f"ARRAY[{uuids}]::uuid[]"

    def open(self, entity: type[Entity], place: Place, coordinate: str, parent: Lens | None = None) -> Lens | None:
        """The lens on an entity; a denial of the place when the caller sees none of its rows."""
        lens = open_lens(entity, self.policy, self.parameters, self.alias(), parent=parent)
        if lens is None:
            self.deny(coordinate, RESTRICTED, place)
        return lens

    def many(self, entity: type[Entity], *, unordered: bool = False) -> Lens | None:
        """The lens on an entity in the form for counting, grouping and ordering: the same rows and values.

        `unordered`: for counting alone.
        """
        return open_lens(entity, self.policy, self.parameters, self.alias(), as_set=not self.naive, unordered=unordered)

    def deny(self, coordinate: str, requires: Level | Right, place: Place) -> None:
        self.denials.setdefault(place.path, Denial(coordinate, requires, place))

    def object(self, lens: Lens, selected: Sequence[Selected]) -> list[tuple[str, str]]:
        """Response keys with the SQL of their values, for one row of the lens."""
        self.answers(len(selected))
        return [(s.key, self._field(lens, s)) for s in selected]

    def answers(self, values: int) -> None:
        """Count values of one row of the page at hand. Raises `TooCostly` when they come to too many."""
        self._values += self._width * values
        if self._values > VALUES_PER_NODE * self._max_nodes:
            raise TooCostly(
                f"The operation may answer {self._values} values or more; ask for smaller pages or fewer fields.",
                limit=VALUES_PER_NODE * self._max_nodes,
            )

    def _field(self, lens: Lens, selected: Selected) -> str:  # noqa: PLR0911 - one return a kind of member
        match found := members(lens.entity, self.policy.classification)[selected.name]:
            case FieldSpec(ref=None):
                return self._scalar(lens, selected, found)
            case FieldSpec():
                return self._reference(lens, selected, found)
            case Back():
                return self._list(lens, selected, found)
            case BackAggregate(back=back):
                child, _ = self.related(lens, back, selected.place, selected.name)
                return _NULL if child is None else back_aggregate_sql(self, selected, child, (lens, back))
            case RelatedCount():
                return self._count(lens, selected, found)
            case "typename":
                return f"'{lens.entity.__name__}'::text"
            case "etag":
                return lens.etag()
            case "hidden" | "masked":
                index = 0 if found == "hidden" else 1
                return by_unseen(lens, lambda *names: json_list(names[index]))
        raise AssertionError(f"{lens.entity.__name__}.{selected.name} was validated but is not known")

    def _scalar(self, lens: Lens, selected: Selected, spec: FieldSpec) -> str:
        column = lens.column(spec)
        if column.sql is None:
            self.deny(f"{lens.entity.__name__}.{spec.graphql}", spec.requires, selected.place)
            return _NULL
        if spec.kind is kinds.FILE_LINK:
            link = link_sql(self.parameters, self._links, lens.entity.__prefix__, f"{lens.alias}.id")
            return f"CASE WHEN {column.sql} IS NOT NULL THEN {link} END"
        if spec.kind is not kinds.MONEY:
            return shown(column, lens)
        money = money_json(selected.on("Money"), column.sql, lens.column(lens.spec("currency")).sql or "NULL")
        return f"CASE WHEN {column.sql} IS NOT NULL THEN {money} END"

    def _reference(self, lens: Lens, selected: Selected, spec: FieldSpec) -> str:
        column = lens.column(spec)
        coordinate = f"{lens.entity.__name__}.{spec.graphql}"
        if column.sql is None or spec.ref is None:
            self.deny(coordinate, spec.requires, selected.place)
            return _NULL
        return self.referred(REGISTRY[spec.ref.entity], selected, coordinate, column.sql)

    def referred(self, entity: type[Entity], selected: Selected, coordinate: str, row_id: str) -> str:
        """SQL of the record that a visible reference leads to, as this caller sees it."""
        target = self.open(entity, selected.place, coordinate)
        if target is None:
            return _NULL
        fields = self.object(target, selected.on(entity.__name__))
        return json_object(fields, f"FROM {target.source()} WHERE {target.where()} AND {target.alias}.id = {row_id}")

    def _list(self, lens: Lens, selected: Selected, back: Back) -> str:
        child, coordinate = self.related(lens, back, selected.place)
        if child is None:
            return _NULL
        return connection_sql(self, selected, child.entity, coordinate, child, (lens, back))

    def related(self, lens: Lens, back: Back, place: Place, name: str = "") -> tuple[Lens | None, str]:
        """The lens on the rows of a back reference; those that are parts of this row are seen as it is.

        `name` is the field that shows them, where that is not the list itself.
        """
        entity, coordinate = REGISTRY[back.entity], f"{lens.entity.__name__}.{name or back.name}"
        whole = lens if entity.__rows__.parent == back.column else None
        child = self.open(entity, place, coordinate, whole)
        if child is not None and (link := child.column(child.spec(back.column))).sql is None:
            self.deny(coordinate, link.spec.requires, place)
            return None, coordinate
        return child, coordinate

    def _count(self, lens: Lens, selected: Selected, counted: RelatedCount) -> str:
        child, _ = self.related(lens, backs(lens.entity.__name__)[counted.back], selected.place, selected.name)
        if child is None:
            return _NULL
        condition = self.filters.where(child, _constant(counted.where))
        link = child.column(child.spec(backs(lens.entity.__name__)[counted.back].column)).leads_to(f"{lens.alias}.id")
        return f"(SELECT count(*) FROM {child.source()} WHERE {child.where()} AND {link}{condition})"


Member = FieldSpec | Back | BackAggregate | RelatedCount | str


@lru_cache(maxsize=4096)
def members(entity: type[Entity], classification: Classification) -> Mapping[str, Member]:
    """What each GraphQL field of an entity is, in an organisation that classifies its fields so."""
    found: dict[str, Member] = {
        "__typename": "typename",
        "etag": "etag",
        "hiddenFields": "hidden",
        "maskedFields": "masked",
    }
    found |= {spec.graphql: spec for spec in classified(entity, classification).values() if spec.read is not None}
    found |= backs(entity.__name__)
    found |= {one.name: one for one in map(BackAggregate, backs(entity.__name__).values())}
    return found | {camel(name): counted for name, counted in entity.__counts__.items()}


_QUERY, _NULL = "'\"Query\"'::json", "NULL::json"
_CONSTANTS = {_QUERY: b'"Query"', _NULL: b"null"}


def _constant(tree: object) -> Value:
    """A filter written in a declaration, as the planner takes it."""
    if isinstance(tree, Mapping):
        return {str(k): _constant(v) for k, v in tree.items()}
    return [_constant(v) for v in tree] if isinstance(tree, list) else Const(tree)


def _prefixes(value: Value) -> tuple[str, ...]:
    """The prefixes of an id or a list of ids; of variables they are part of the plan's key."""
    if isinstance(value, Leaf):
        return value.prefixes
    if isinstance(value, list):
        return tuple(p for v in value for p in _prefixes(v))
    if isinstance(value, Const):
        return (ids.decode(str(value.value))[0],)
    raise ArgumentInvalid("An id is needed.")
