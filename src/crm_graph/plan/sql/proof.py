"""The proof that a read reaches tables through the lens only, with the organisation bound: made of its finished text.

Compiled reads do not run under row-level security (docs/decisions/0015-organisations-apart.md), so no statement becomes
a `Proven` that the proof does not understand. In every SELECT, wherever it is nested, each thing in FROM must be a
sub-select (proved itself), a CTE, a function that makes rows of its arguments, or a table that the lens has opened
(`Parameters.reaches`) under this very alias. Of a table the conditions `alias.organization_id = $1::uuid` and the row
rule of its lens must stand alone between the top-level ANDs of WHERE (or of its own ON): there they cannot be weakened.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NewType

from crm_graph.plan.sql.text import Group, Node, Token, Unreadable, parsed

Proven = NewType("Proven", str)
"""SQL that the proof understood; only `Parameters.read` makes one."""
NOTHING: Final = Proven("")
"""Nothing is asked of the database."""

Reached = Mapping[tuple[str, str], AbstractSet[tuple[str, ...]]]
"""Of a table and the alias it is reached by: the conditions of a row that may be seen; one set of them must hold."""

_ROW_MAKERS: Final = frozenset(
    ("unnest", "generate_series", "json_array_elements", "json_array_elements_text", "json_each", "json_to_recordset",
     "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_keys",
     "json_object_keys", "jsonb_to_recordset", "string_to_table", "regexp_split_to_table", "regexp_matches")
)  # fmt: skip
"""Functions that may stand in FROM."""
_REACH_FURTHER: Final = ("_to_xml", "_to_xmlschema", "_to_xml_and_xmlschema")
_RUN_TEXT: Final = frozenset(("ts_stat", "ts_rewrite", "set_config", "pg_read_file", "pg_read_binary_file", "lo_get"))
"""Functions that run SQL given as text, or reach what is no value of the row."""
_WRITES: Final = frozenset(("INSERT", "UPDATE", "DELETE", "MERGE", "TABLE", "INTO"))
_ENDS_FROM: Final = frozenset(("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "WINDOW", "FETCH", "FOR"))
_ENDS_WHERE: Final = _ENDS_FROM - {"WHERE"}
_SETS: Final = frozenset(("UNION", "INTERSECT", "EXCEPT"))
_JOINS: Final = frozenset(("JOIN", "CROSS", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "NATURAL"))


class UnprovenStatement(RuntimeError):
    """A statement that could reach rows past the lens, or that the proof does not understand: a bug, never sent."""


def prove(sql: str, reached: Reached, organization: str) -> None:
    """Raises UnprovenStatement unless every table in the statement is bound.

    `organization` is the placeholder that holds the caller's organisation.
    """
    try:
        _Proof(sql, reached, organization).group(parsed(sql), frozenset())
    except Unreadable as error:
        raise UnprovenStatement(f"{error} in {sql}") from None


class _Proof:
    def __init__(self, sql: str, reached: Reached, organization: str) -> None:
        self.sql, self.reached, self.organization = sql, reached, organization

    def group(self, group: Group, ctes: frozenset[str]) -> None:
        """Prove what stands between two brackets: a query, or an expression that may hold some."""
        nodes: Sequence[Node] = group.nodes
        self._refuse(not group.words.isdisjoint(_WRITES), "more than a read")
        if "WITH" in group.words and nodes[0].word == "WITH":
            nodes, ctes = self._ctes(nodes, ctes)
        before: Node | None = None
        for node in nodes:
            if type(node) is Group:
                self._refuse(before is not None and _reaches_further(before), "a function that reaches further")
                self.group(node, ctes)
            before = node
        if "SELECT" in group.words:
            sets = not group.words.isdisjoint(_SETS)
            for block in _split(nodes, _SETS) if sets else (nodes,):
                self._block(block, ctes)

    def _ctes(self, nodes: Sequence[Node], ctes: frozenset[str]) -> tuple[Sequence[Node], frozenset[str]]:
        """`WITH a AS (…), b AS (…)`: the query after it, and the names it knows."""
        at = next((i for i, node in enumerate(nodes) if node.word == "SELECT"), len(nodes))
        recursive = nodes[1].word == "RECURSIVE"
        parts = list(_split(nodes[2 if recursive else 1 : at], frozenset((",",))))
        for part in parts:
            self._refuse(not part or not isinstance(part[0], Token) or not part[0].name, "a CTE of another form")
        names = [part[0].name for part in parts if isinstance(part[0], Token)]
        for i, part in enumerate(parts):  # of those that are not recursive each knows the ones before it
            known = ctes | set(names if recursive else names[:i])
            for node in part:
                if isinstance(node, Group):
                    self.group(node, known)
        return nodes[at:], ctes | set(names)

    def _block(self, nodes: Sequence[Node], ctes: frozenset[str]) -> None:
        """One SELECT … FROM … WHERE …, without what is nested in it."""
        starts = [i for i, node in enumerate(nodes) if node.word == "FROM" and not _is_comparison(nodes, i)]
        if not starts:
            return
        self._refuse(len(starts) > 1, "two FROM")
        sources = _until(nodes[starts[0] + 1 :], _ENDS_FROM)
        rest = nodes[starts[0] + 1 + len(sources) :]
        where = _until(rest[1:], _ENDS_WHERE) if rest and rest[0].word == "WHERE" else ()
        conditions = set(self._conjuncts(where))
        for outer, source in _sources(sources):
            self._source(source, ctes, conditions, outer=outer)

    def _source(self, nodes: Sequence[Node], ctes: frozenset[str], conditions: set[str], *, outer: bool) -> None:
        """One entry of FROM, such as `customers t1`, `LATERAL (SELECT …) x` or `lines t2 ON …`."""
        if nodes and nodes[0].word == "LATERAL":
            nodes = nodes[1:]
        self._refuse(not nodes, "an empty FROM")
        first, second = nodes[0], nodes[1] if len(nodes) > 1 else None
        if isinstance(first, Group):
            self._refuse(not _makes_rows(first), "a bracketed join")
            return
        if isinstance(second, Group):
            self._refuse(first.name not in _ROW_MAKERS, f"rows of {first.text}()")
            return
        if first.name in ctes and (second is None or second.word != "."):
            return
        alias = nodes[2] if second is not None and second.word == "AS" and len(nodes) > 2 else second
        self._refuse(not isinstance(alias, Token), f"the table {first.text} without its alias")
        assert isinstance(alias, Token)
        after = nodes[nodes.index(alias) + 1 :]
        self._refuse(bool(after) and after[0].word not in ("ON", "USING"), f"{first.text} {alias.text} and more")
        rules = self.reached.get((first.name, alias.name), ())
        self._refuse(not rules, f"{first.text} {alias.text}, which no lens has opened,")
        if after and after[0].word == "ON" and not outer:
            conditions = conditions | set(self._conjuncts(after[1:]))
        bound = f"{alias.text}.organization_id = {self.organization}"
        self._refuse(bound not in conditions, f"{first.text} {alias.text} without its organisation")
        self._refuse(
            not any(conditions.issuperset(rule) for rule in rules), f"{first.text} {alias.text} without its rule"
        )

    def _conjuncts(self, nodes: Sequence[Node]) -> Iterator[str]:
        """The conditions that must all hold, as text; none where an OR stands beside them."""
        if any(node.word == "OR" for node in nodes):
            return
        begun, between = 0, False
        for i, node in enumerate(nodes):
            if node.word == "BETWEEN":
                between = True
            elif node.word == "AND" and between:
                between = False
            elif node.word == "AND":
                yield self._text(nodes[begun:i])
                begun = i + 1
        yield self._text(nodes[begun:])

    def _text(self, nodes: Sequence[Node]) -> str:
        return self.sql[nodes[0].start : nodes[-1].end] if nodes else ""

    def _refuse(self, wrong: bool, what: str) -> None:
        if wrong:
            raise UnprovenStatement(f"{what} in a compiled read: {self.sql}")


def _makes_rows(group: Group) -> bool:
    """Whether it is a sub-select, a list of values, or sub-selects put together by set operations; no join."""
    if "SELECT" in group.words or (group.nodes and group.nodes[0].word == "VALUES"):
        return True
    for block in _split(group.nodes, _SETS):
        rows = [node for node in block if node.word not in ("ALL", "DISTINCT")]
        if len(rows) != 1 or not isinstance(rows[0], Group) or not _makes_rows(rows[0]):
            return False
    return True


def _reaches_further(node: Node) -> bool:
    function = node.name.rpartition(".")[2] if isinstance(node, Token) else ""
    return function.endswith(_REACH_FURTHER) or function in _RUN_TEXT


def _is_comparison(nodes: Sequence[Node], i: int) -> bool:
    """Whether this FROM is that of IS DISTINCT FROM."""
    before = [node.word for node in nodes[max(i - 3, 0) : i]]
    return before[-2:] == ["IS", "DISTINCT"] or before == ["IS", "NOT", "DISTINCT"]


def _until(nodes: Sequence[Node], words: frozenset[str]) -> Sequence[Node]:
    return nodes[: next((i for i, node in enumerate(nodes) if node.word in words), len(nodes))]


def _split(nodes: Sequence[Node], words: frozenset[str]) -> Iterator[Sequence[Node]]:
    begun = 0
    for i, node in enumerate(nodes):
        if node.word in words:
            yield nodes[begun:i]
            begun = i + 1
    yield nodes[begun:]


def _sources(nodes: Sequence[Node]) -> Iterator[tuple[bool, Sequence[Node]]]:
    """The entries of FROM; with each, whether a join after or before it may keep rows that fail its ON."""
    outer, begun, last = False, 0, False
    every: list[tuple[bool, Sequence[Node]]] = []
    for i, node in enumerate(nodes):
        call = i + 1 < len(nodes) and isinstance(nodes[i + 1], Group) and node.word in ("LEFT", "RIGHT")
        if not call and (node.word in _JOINS or node.word == ","):
            if i > begun:
                every.append((last, nodes[begun:i]))
                last = False
            last = last or node.word in ("RIGHT", "FULL")
            outer = outer or last
            begun = i + 1
    every.append((last, nodes[begun:]))
    for kept, source in every:
        yield kept or outer, source
