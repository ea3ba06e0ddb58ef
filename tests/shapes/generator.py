"""Random operations: a walk over a GraphQL schema that knows nothing of the planner but the conventions of its API."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

from crm_graph.entity import REGISTRY
from crm_graph.plan.queries import QUERIES

WORDS = ("a", "An", "GmbH", "son", "é", "Haus", "", "%", "_", "'", "Wärme", "x" * 60)
SEARCHES = ("gmbh", "An", "é", "Wärme ha", "s", "twin 1", "e a", "x" * 60)
VALUES: Mapping[str, Sequence[Any]] = {
    "String": WORDS,
    "Int": (0, 1, 5, 80, -3, 2147483647),
    "Boolean": (True, False),
    "Decimal": ("0", "12.50", "1000", "99999.99", "-1"),
    "DateTime": ("2026-01-31T09:30:00Z", "2025-06-01T00:00:00+02:00", "1999-12-31T23:59:59.999999Z"),
    "Date": ("2026-01-31", "2025-02-28", "0001-01-01"),
    "EmailAddress": ("someone@example.com", "a.b@helvara.example"),
    "PhoneNumber": ("+4930901820", "+43 1 58858"),
    "CountryCode": ("DE", "AT", "FR", "ZZ"),
    "CurrencyCode": ("EUR", "CHF", "SEK"),
    "Locale": ("de", "fr-CH"),
    "URL": ("https://example.com/",),
    "TimeZone": ("Europe/Berlin", "UTC"),
    "BusinessHours": ("09:00-17:00",),
}


def of_figures(entity: str) -> frozenset[str]:
    """The fields of an entity that are figures, or computed from some."""
    specs = REGISTRY[entity].__specs__
    return frozenset(s.graphql for s in specs.values() if s.figure or any(specs[name].figure for name in s.inputs))


FIGURES = {
    re.compile(rf"{entity}(Filter|OrderBy|Group\w+|Having\w+)?"): found
    for entity in REGISTRY
    if (found := of_figures(entity))
}
"""By the types and inputs that have them."""


@dataclass
class Shape:
    """One operation and its variables."""

    query: str
    variables: dict[str, Any]


@dataclass
class Generator:
    """Makes one operation of what the planner answers; `ids` are ids to ask for. All choices come from `random`, so a seed gives one shape."""

    schema: GraphQLSchema
    random: Random
    ids: Sequence[str]
    benchmarks: bool = True
    """Whether to ask for declared aggregates and figures too: the one thing that hidden values have a part in."""
    fields_left: int = 90
    aliases_left: int = 30
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)

    def operation(self) -> Shape:
        root = self.schema.query_type
        assert root is not None
        names = [n for n in root.fields if n not in QUERIES and (self.benchmarks or not n.endswith("Benchmark"))]
        lists = [n for n in names if n[-1] == "s" and n != "nodes"]
        chosen = [
            self.random.choice(self.random.choice((lists, lists, names))) for _ in range(self.random.randint(1, 3))
        ]
        body = " ".join(self._field(root.fields[n], n, 0) for n in chosen)
        if self.random.random() < 0.1:
            body += " __typename"
        declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in self.variables.items())
        head = f"query Generated{f'({declared})' if declared else ''}"
        values = {name: value for name, (_, value) in self.variables.items()}
        return Shape(" ".join([f"{head} {{ {body} }}", *self.fragments]), values)

    def _names(self, of: Any) -> list[str]:
        """The fields of a type or input that may be asked for; not links to files, which have their minute in them."""
        left_out = [names for types, names in FIGURES.items() if not self.benchmarks and types.fullmatch(of.name)]
        left_out.append(("downloadUrl",))
        return [name for name in of.fields if not any(name in names for names in left_out)]

    def _field(self, one: GraphQLField, name: str, depth: int) -> str:
        """A field, perhaps under an alias, with arguments and what is selected below it."""
        self.fields_left -= 1
        alias = ""
        if self.aliases_left and (one.args or self.random.random() < 0.1):
            # two fields of one name merge only if their arguments are alike; so each gets a name of its own
            self.aliases_left -= 1
            alias = f"{self.random.choice(('a', 'Z_', 'alias_that_is_longer_than_postgres_keeps_' + 'x' * 30))}{self.aliases_left}: "
        elif one.args:
            return "__typename"
        directive = self._directive()
        below = (
            self._selection(get_named_type(one.type), depth + 1) if not is_leaf_type(get_named_type(one.type)) else ""
        )
        return f"{alias}{name}{self._arguments(one)}{directive}{below}"

    def _directive(self) -> str:
        if self.random.random() > 0.05:
            return ""
        word, truth = self.random.choice((("skip", False), ("include", True), ("skip", True), ("include", False)))
        condition = self._variable("Boolean!", truth) if self.random.random() < 0.5 else str(truth).lower()
        return f" @{word}(if: {condition})"

    def _selection(self, of: Any, depth: int) -> str:
        if not isinstance(of, GraphQLObjectType):
            return self._abstract(of, depth)
        leaves = [n for n in self._names(of) if is_leaf_type(get_named_type(of.fields[n].type))]
        inner = [n for n in self._names(of) if n not in leaves]
        if of.name.endswith(("Connection", "Edge")) or of.name in ("PageInfo", "Money"):
            chosen = self.random.sample(list(of.fields), self.random.randint(1, len(of.fields)))
            if depth >= 9:
                chosen = [n for n in chosen if n in leaves] or ["__typename"]
        else:
            room = max(0, 3 - depth // 3)
            chosen = self.random.sample(leaves, min(len(leaves), self.random.randint(0, 6)))
            if depth < 7 and self.fields_left > 0:
                chosen += self.random.sample(inner, min(len(inner), self.random.randint(0, room)))
        parts = [self._field(of.fields[n], n, depth) if n in of.fields else n for n in chosen] or ["__typename"]
        if self.random.random() < 0.15:
            parts.append("__typename")
        return " { " + self._wrapped(parts, of.name) + " }"

    def _abstract(self, of: Any, depth: int) -> str:
        """An interface: its own fields, and fragments on some of its types."""
        possible = sorted(t.name for t in self.schema.get_possible_types(of))
        parts = ["__typename", *self.random.sample(list(of.fields), self.random.randint(0, len(of.fields)))]
        parts.extend(
            f"... on {name}{self._selection(self.schema.get_type(name), depth + 1)}"
            for name in self.random.sample(possible, min(len(possible), 3))
        )
        return " { " + " ".join(parts) + " }"

    def _wrapped(self, parts: list[str], type_name: str) -> str:
        """Some of the parts in an inline or a named fragment."""
        chance = self.random.random()
        if chance < 0.8 or not parts:
            return " ".join(parts)
        cut = self.random.randint(1, len(parts))
        if chance < 0.9:
            condition = self.random.choice(("", f" on {type_name}", f" on {type_name}"))
            return f"...{condition} {{ {' '.join(parts[:cut])} }} {' '.join(parts[cut:])}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_name} {{ {' '.join(parts[:cut])} }}")
        return f"...{name} {' '.join(parts[cut:])}"

    def _arguments(self, one: GraphQLField) -> str:
        given: list[str] = []
        if "first" in one.args:
            word = self.random.choice(("first", "first", "first", "last" if "last" in one.args else "first"))
            given.append(f"{word}: {self._given('Int', self.random.choice((0, 1, 2, 3)))}")
            for name in ("filter", "orderBy"):
                if name in one.args and self.random.random() < 0.4:
                    wanted = one.args[name].type
                    value = self._filter(wanted, 0) if name == "filter" else self._order(wanted)
                    given.append(f"{name}: {self._given(str(wanted), value, wanted)}")
            if "search" in one.args and self.random.random() < 0.3:
                given.append(f"search: {self._given('String', self.random.choice(SEARCHES), one.args['search'].type)}")
        for name in ("groupBy", "having"):
            if name in one.args and self.random.random() < 0.7:
                wanted = one.args[name].type
                value = self._order(wanted) if name == "groupBy" else self._having(wanted)
                given.append(f"{name}: {self._given(str(wanted), value, wanted)}")
        for name in ("id", "ids"):
            if name in one.args:
                value = (
                    self.random.choice(self.ids) if name == "id" else [self.random.choice(self.ids) for _ in range(3)]
                )
                given.append(f"{name}: {self._given(str(one.args[name].type), value, one.args[name].type)}")
        return f"({', '.join(given)})" if given else ""

    def _given(self, kind: str, value: Any, wanted: GraphQLInputType | None = None) -> str:
        return self._variable(kind, value) if self.random.random() < 0.5 else literal(value, wanted)

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (kind, value)
        return f"${name}"

    def _order(self, wanted: Any) -> list[dict[str, Any]]:
        """One-of inputs: keys of an order or of groups; groups are not ordered by a key, which must be one of theirs."""
        keys = get_named_type(wanted)
        assert isinstance(keys, GraphQLInputObjectType)
        possible = [n for n in self._names(keys) if n != "key"]
        names = self.random.sample(possible, min(len(possible), self.random.randint(1, 3)))
        return [{n: self._one_of(get_named_type(keys.fields[n].type))} for n in names]

    def _one_of(self, of: Any) -> Any:
        if isinstance(of, GraphQLInputObjectType):
            name = self.random.choice(self._names(of))
            return {name: self._one_of(get_named_type(of.fields[name].type))}
        return self.random.choice(list(of.values))

    def _having(self, wanted: Any) -> dict[str, Any]:
        of = get_named_type(wanted)
        found: dict[str, Any] = {}
        for name in self.random.sample(list(of.fields), self.random.randint(1, min(2, len(of.fields)))):
            inner = get_named_type(of.fields[name].type)
            if name == "count":
                found[name] = self._conditions(inner)
            else:
                field_name = self.random.choice(self._names(inner))
                found[name] = {field_name: self._conditions(get_named_type(inner.fields[field_name].type))}
        return found

    def _filter(self, wanted: Any, depth: int) -> dict[str, Any]:
        """A filter tree; relation filters nest at most twice."""
        of = get_named_type(wanted)
        assert isinstance(of, GraphQLInputObjectType)
        found: dict[str, Any] = {}
        for name in self.random.sample(self._names(of), min(len(self._names(of)), self.random.randint(1, 3))):
            inner = of.fields[name].type
            named = get_named_type(inner)
            if name in ("and", "or"):
                found[name] = (
                    [self._filter(named, depth + 1) for _ in range(self.random.randint(0, 2))] if depth < 2 else []
                )
            elif name == "not" or "some" in getattr(named, "fields", {}) or "and" in getattr(named, "fields", {}):
                if depth >= 2:
                    continue
                if name != "not" and "some" in named.fields:
                    found[name] = {
                        self.random.choice(("some", "none", "every")): self._filter(
                            named.fields["some"].type, depth + 1
                        )
                    }
                else:
                    found[name] = self._filter(named, depth + 1)
            else:
                found[name] = self._conditions(named)
        return found

    def _conditions(self, of: Any) -> dict[str, Any]:
        operators = [o for o in of.fields if o != "currency"]
        found = {}
        for operator in self.random.sample(operators, self.random.choice((1, 1, 2))):
            wanted = of.fields[operator].type
            found[operator] = self._value(wanted)
        if "currency" in of.fields and self.random.random() < 0.3:
            found["currency"] = "EUR"
        return found

    def _value(self, wanted: GraphQLInputType) -> Any:
        if isinstance(wanted, GraphQLNonNull):
            return self._value(wanted.of_type)
        if isinstance(wanted, GraphQLList):
            return [self._value(wanted.of_type) for _ in range(self.random.randint(0, 3))]
        if isinstance(wanted, GraphQLInputObjectType):
            return {name: self._value(f.type) for name, f in wanted.fields.items()}
        if isinstance(wanted, GraphQLEnumType):
            return self.random.choice(list(wanted.values))
        return self.random.choice(self.ids if wanted.name == "ID" else VALUES[wanted.name])


def literal(value: Any, wanted: Any) -> str:
    """A value as a GraphQL literal; enum values need their type to be told from strings."""
    if isinstance(wanted, GraphQLNonNull):
        return literal(value, wanted.of_type)
    if isinstance(value, list):
        inner = wanted.of_type if isinstance(wanted, GraphQLList) else wanted
        return "[" + ", ".join(literal(v, inner) for v in value) + "]"
    if isinstance(value, dict):
        assert isinstance(wanted, GraphQLInputObjectType)
        return "{" + ", ".join(f"{k}: {literal(v, wanted.fields[k].type)}" for k, v in value.items()) + "}"
    if isinstance(wanted, GraphQLList):
        return literal(value, wanted.of_type)
    return value if isinstance(wanted, GraphQLEnumType) else json.dumps(value, ensure_ascii=False)
