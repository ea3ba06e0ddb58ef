"""A connection: edges, nodes, page information and total count of one list, as one sub-select."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crm_graph.entity import Entity, table_name
from crm_graph.plan.access import page_shares, sets
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.reads import branches, known_page, ordering, paging, set_conditions, slot_order
from crm_graph.plan.reads.branch import Wanted
from crm_graph.plan.reads.search import Search, keys, search
from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.rendering import columns, json_array, json_object
from crm_graph.specs import Back

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler

Via = tuple[Lens, Back]
"""The row a nested list belongs to, and the reference it is reached by."""


def connection_sql(
    compiler: "Compiler", selected: Selected, entity: type[Entity], coordinate: str, lens: Lens, via: Via | None = None
) -> str:
    """SQL of a connection's JSON object. Nothing is fetched or counted that was not selected."""
    with compiler.page_of(paging.page(selected.arguments).size):
        return _connection(compiler, selected, entity, coordinate, lens, via)


def _connection(
    compiler: "Compiler", selected: Selected, entity: type[Entity], coordinate: str, lens: Lens, via: Via | None
) -> str:
    wanted = selected.on(f"{entity.__name__}Connection")
    names = {s.name for s in wanted}
    edges = [e for s in wanted if s.name == "edges" for e in s.on(f"{entity.__name__}Edge")]
    if (
        "pageInfo" in names
        or any(e.name == "cursor" for e in edges)
        or len([s for s in wanted if s.name in ("edges", "nodes")]) > 1
    ):
        return _windowed(compiler, selected, wanted, coordinate, lens, via)
    rows = _Rows(compiler, selected, coordinate, lens, via)
    fields = []
    for one in wanted:
        if one.name in ("nodes", "edges"):
            shape = (
                compiler.object(lens, one.on(entity.__name__))
                if one.name == "nodes"
                else [(e.key, _edge(compiler, lens, e, None, rows.search)) for e in one.on(f"{entity.__name__}Edge")]
            )
            if len(wanted) == 1 and not rows.turned:
                return rows.array(shape, one.key)
            fields.append((one.key, rows.array(shape)))
        elif one.name == "totalCount":
            fields.append((one.key, _total(compiler, selected, entity, coordinate, via)))
        else:
            fields.append((one.key, f"'{entity.__name__}Connection'::text"))
    return json_object(fields)


class _Rows:
    """The rows of one page: what comes after SELECT … in every form of it. Finish the columns before asking."""

    def __init__(self, compiler: "Compiler", selected: Selected, coordinate: str, lens: Lens, via: Via | None) -> None:
        self.compiler, self.lens, self.via = compiler, lens, via
        self.page = paging.page(selected.arguments)
        self._coordinate, self._arguments = coordinate, selected.arguments
        self.search, self.keys = self._sought(lens)
        self.condition = _condition(compiler, lens, selected, self.search)
        if via is None and self.search is None:
            known_page.gather(compiler, lens, self.keys, self._wanted(self.page.size + 1))

    def _sought(self, lens: Lens) -> tuple[Search | None, tuple[ordering.Key, ...]]:
        """What is searched for through a lens, and the order keys there."""
        found = search(lens, self.compiler.parameters, self._coordinate, self._arguments)
        return found, keys(lens, found, self._arguments.get("orderBy"))

    def scope(self) -> str:
        """The key that cursors of this list are made with, as a parameter."""
        return paging.scope(self.compiler.parameters, self.compiler.secret, self._coordinate, self._arguments)

    @property
    def turned(self) -> bool:
        """Whether the page is more than the start of the list."""
        return self.page.reverse or self.page.cursor is not None

    def array(self, fields: Sequence[tuple[str, str]], key: str | None = None) -> str:
        """The page as a JSON array of these fields; as the one value of an object with `key`."""
        before, rest = self.rows(self.page.size, fields)
        if not self.turned:
            return json_array(fields, rest, key)
        page = numbered([("o", json_object(fields))], rest)
        by = "q.n DESC" if self.page.reverse else "q.n"
        return f"({before}SELECT coalesce(json_agg(q.o ORDER BY {by}), '[]'::json) FROM ({page}) q)"

    def rows(self, limit: int, shown: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """A CTE to put in front, and the FROM … LIMIT of the page of which `shown` is asked."""
        before = "" if self.page.cursor is None else self._position()
        found = self._picked(limit)
        if found is not None:
            return before, found
        self.compiler.sparse = self.compiler.sparse or (self.lens.sparse and self.via is None)
        where = f"{self.lens.where()}{self._link()}{self.condition}"
        if self.page.cursor is not None:
            where += f" AND {ordering.beyond(self.keys, reverse=self.page.reverse)}"
        if self.via is None and self.search is None:
            where += slot_order.narrowed(self.compiler, self.lens, self.keys, self._wanted(limit))
        by = ordering.order_by(self.keys, reverse=self.page.reverse)
        if self.lens.shares:
            found = f"WHERE {where} ORDER BY {by} LIMIT {limit}"
            return before, page_shares.page(self.lens, found, by, columns(shown))
        return before, f"FROM {self.lens.source()} WHERE {where} ORDER BY {by} LIMIT {limit}"

    def _picked(self, limit: int) -> str | None:
        """The FROM of a page whose rows are found in several index orders first."""
        alone = self.via is None and self.search is None
        ids = branches.picked(self.compiler, self.lens, self.keys, self._wanted(limit)) if alone else None
        if ids is None:
            return None
        alias = self.lens.alias
        source, bound, theirs = self.lens.source(), self.lens.bound(), f"{alias}.id = {alias}q.id"
        # the ids were found through the lens
        self.compiler.parameters.reaches(table_name(self.lens.entity), alias, theirs)
        rows = f"FROM ({ids}) {alias}q CROSS JOIN {source} WHERE {bound} AND {theirs}"
        return (
            f"{rows} ORDER BY {ordering.order_by(branches.renamed(self.keys, f'{alias}q'), reverse=self.page.reverse)}"
        )

    def _wanted(self, limit: int) -> Wanted:
        tree, order = self._arguments.get("filter"), self._arguments.get("orderBy")
        return Wanted(order, tree, limit, self.page.reverse, self.page.cursor is not None)

    def _link(self) -> str:
        return link(self.lens, self.via)

    def _position(self) -> str:
        """Where the cursor stands: the row as it is, or as it was when the cursor was made."""
        row_id, digest = paging.cursor_parameters(self.compiler.parameters, self.page.cursor)
        opened = []
        for table in ("", ordering.history_of(self.lens)):
            lens = open_lens(
                self.lens.entity, self.compiler.policy, self.compiler.parameters, self.compiler.alias(), table=table
            )
            assert lens is not None
            # found by its hash: who holds the cursor was shown this version, whether or not they see the row still
            self.compiler.parameters.reaches(table or table_name(lens.entity), lens.alias)
            opened.append((lens, self._sought(lens)[1]))
        (now, now_keys), (past, past_keys) = opened
        return ordering.position(now, past, now_keys, past_keys, row_id, digest, self.scope())


def _condition(compiler: "Compiler", lens: Lens, selected: Selected, found: Search | None) -> str:
    condition = compiler.filters.where(lens, selected.arguments.get("filter"))
    return condition + found.condition if found else condition


def numbered(kept: Sequence[tuple[str, str]], rest: str) -> str:
    """Ordered rows with their numbers `n`; numbered outside, since a window is evaluated before the order."""
    return f"SELECT row_number() OVER () AS n, r.* FROM (SELECT {columns(kept)} {rest}) r"


def link(lens: Lens, via: Via | None) -> str:
    """The condition that ties a nested list's rows to their parent row."""
    if via is None:
        return ""
    parent, back = via
    return " AND " + lens.column(lens.spec(back.column)).leads_to(f"{parent.alias}.id")


def _total(compiler: "Compiler", selected: Selected, entity: type[Entity], coordinate: str, via: Via | None) -> str:
    """How many rows there are on all pages; counted through a lens of its own, without the page's laterals."""
    if via is None and selected.arguments.get("search") is None:
        many, tree = compiler.many(entity), selected.arguments.get("filter")
        if many is not None and many.sparse and set_conditions.plain(many, tree):
            many = compiler.many(entity, unordered=True)
        assert many is not None
        seen_by = None if compiler.naive else set_conditions.seen_by(many, tree)
        return sets.total(many, compiler.parameters, compiler.filters.where(many, tree, seen_by), seen_by)
    whole = via[0] if via and entity.__rows__.parent == via[1].column else None
    lens = compiler.open(entity, selected.place, coordinate, whole)
    assert lens is not None
    found = search(lens, compiler.parameters, coordinate, selected.arguments)
    condition = _condition(compiler, lens, selected, found) + link(lens, via)
    return f"(SELECT count(*) FROM {lens.source()} WHERE {lens.where()}{condition})"


def _edge(compiler: "Compiler", lens: Lens, selected: Selected, cursor: str | None, found: Search | None) -> str:
    if selected.name in ("rank", "highlights"):
        return found.edge(selected) if found else "NULL::json"
    if selected.name == "node":
        return json_object(compiler.object(lens, selected.on(lens.entity.__name__)))
    return cursor if selected.name == "cursor" and cursor else f"'{lens.entity.__name__}Edge'::text"


def _windowed(
    compiler: "Compiler", selected: Selected, wanted: Sequence[Selected], coordinate: str, lens: Lens, via: Via | None
) -> str:
    """The form for cursors and page information: a row more than asked for is read, to know if there are more."""
    rows = _Rows(compiler, selected, coordinate, lens, via)
    scope, values = rows.scope(), [k.sql for k in rows.keys[:-1]]
    kept = [("id", f"{lens.alias}.id"), *((f"k{i}", sql) for i, sql in enumerate(values))]
    lists: list[tuple[str, str]] = []
    for one in wanted:
        if one.name == "nodes":
            kept.append((f"j{len(lists)}", json_object(compiler.object(lens, one.on(lens.entity.__name__)))))
        elif one.name == "edges":
            cursor = ordering.cursor(values, f"{lens.alias}.id", scope)
            shape = [
                (e.key, _edge(compiler, lens, e, cursor, rows.search)) for e in one.on(f"{lens.entity.__name__}Edge")
            ]
            kept.append((f"j{len(lists)}", json_object(shape)))
        else:
            continue
        lists.append((one.key, f"j{len(lists)}"))
    before, rest = rows.rows(rows.page.size + 1, kept)
    size, backwards = rows.page.size, " ORDER BY q.n DESC" if rows.page.reverse else ""
    kept_ids = [("id", "q.id"), *((f"k{i}", f"q.k{i}") for i in range(len(values)))]
    aggregates = [("total", "count(*)")]
    aggregates += [
        (column, f"coalesce(json_agg(q.{column}{backwards}) FILTER (WHERE q.n <= {size}), '[]'::json)")
        for _, column in lists
    ]
    # one ordered aggregate sorts the input of all, so where the lists are turned round these must say their order too
    forwards = " ORDER BY q.n" if rows.page.reverse else ""
    for name, sql in kept_ids if any(s.name == "pageInfo" for s in wanted) else []:
        ends = f"(array_agg({sql}{forwards}))"
        aggregates += [(f"first_{name}", f"{ends}[1]"), (f"last_{name}", f"{ends}[least(count(*), {size})]")]
    by_key, fields = dict(lists), []
    for one in wanted:
        if one.key in by_key:
            fields.append((one.key, f"a.{by_key[one.key]}"))
        elif one.name == "pageInfo":
            fields.append((one.key, json_object(_page_info(one, rows, len(values), scope))))
        elif one.name == "totalCount":
            fields.append((one.key, _total(compiler, selected, lens.entity, coordinate, via)))
        else:
            fields.append((one.key, f"'{lens.entity.__name__}Connection'::text"))
    page = f"SELECT {columns(aggregates)} FROM ({numbered(kept, rest)}) q"
    return f"({before}SELECT {json_object(fields)} FROM ({page}) a)"


def _page_info(selected: Selected, rows: _Rows, keys: int, scope: str) -> list[tuple[str, str]]:
    def at(end: str) -> str:
        cursor = ordering.cursor([f"a.{end}_k{i}" for i in range(keys)], f"a.{end}_id", scope)
        return f"CASE WHEN least(a.total, {rows.page.size}) > 0 THEN {cursor} END"

    more, began = f"a.total > {rows.page.size}", str(rows.page.cursor is not None).lower()
    parts = {
        "hasNextPage": began if rows.page.reverse else more,
        "hasPreviousPage": more if rows.page.reverse else began,
        "startCursor": at("last" if rows.page.reverse else "first"),
        "endCursor": at("first" if rows.page.reverse else "last"),
        "__typename": "'PageInfo'::text",
    }
    return [(s.key, parts[s.name]) for s in selected.on("PageInfo")]
