"""Parameters of a statement: each is a way to get its value from a request, so that values never reach SQL text."""

import re
from collections.abc import Callable, Sequence

from crm_graph.auth.actor import Actor
from crm_graph.auth.rows import ActorValue
from crm_graph.kinds import Kind
from crm_graph.plan.refusals import ArgumentInvalid
from crm_graph.plan.selection import Const, Leaf, Value
from crm_graph.plan.sql.proof import Proven, prove

Source = Callable[[Sequence[object], Actor], object]
"""Gives a parameter's value from a request's leaves and its caller."""

_PLACEHOLDER = re.compile(r"\$(\d+)::")
_ACTOR_TYPES = {
    ActorValue.USER: "uuid",
    ActorValue.TEAMS: "uuid[]",
    ActorValue.PARTNER: "uuid",
    ActorValue.CUSTOMER: "uuid",
    ActorValue.GRANTEES: "uuid[]",
}


def _organization(_leaves: Sequence[object], actor: Actor) -> object:
    return actor.organization_id


class Parameters:
    """Collects parameters while SQL is written; equal ones share a number. `$1` is the caller's organisation."""

    def __init__(self) -> None:
        self.sources: list[Source] = [_organization]
        self._known: dict[object, str] = {}
        self._reached: dict[tuple[str, str], set[tuple[str, ...]]] = {}

    organization = "$1::uuid"

    def add(self, source: Source, sql_type: str, key: object = None) -> str:
        """The placeholder of a new parameter, cast to its type; one with the same `key` is reused."""
        if key is not None and (key, sql_type) in self._known:
            return self._known[key, sql_type]
        self.sources.append(source)
        placeholder = f"${len(self.sources)}::{sql_type}"
        if key is not None:
            self._known[key, sql_type] = placeholder
        return placeholder

    def reaches(self, table: str, alias: str, *rule: str) -> None:
        """Say that a table is reached by this alias, on rows of the organisation where the conditions of `rule` hold.

        For the lens, and what is proved in other ways; each of them says how. Said twice, one of the rules must hold.
        """
        self._reached.setdefault((table, alias), set()).add(tuple(sql for sql in rule if sql != "TRUE"))

    def read(self, sql: str) -> tuple[Proven, tuple[Source, ...]]:
        """A reading statement and its sources, proved to reach tables by the lens only. Raises UnprovenStatement."""
        assert self.sources[0] is _organization
        prove(sql, self._reached, self.organization)
        final, sources = self.finish(sql)
        return Proven(final), sources

    def finish(self, sql: str) -> tuple[str, tuple[Source, ...]]:
        """The statement and its sources with the numbers that it really uses: PostgreSQL refuses to guess at others."""
        used = sorted({int(n) for n in _PLACEHOLDER.findall(sql)})
        renumbered = {old: new for new, old in enumerate(used, 1)}
        final = _PLACEHOLDER.sub(lambda found: f"${renumbered[int(found[1])]}::", sql)
        return final, tuple(self.sources[n - 1] for n in used)

    def actor(self, value: ActorValue) -> str:
        """Something about the caller."""
        name = value.value
        return self.add(lambda _leaves, actor: getattr(actor, name), _ACTOR_TYPES[value], ("actor", name))

    def seen(self) -> "Parameters":
        """These parameters, for rules about the person whom the caller views as."""
        return _Seen(self)

    def constant(self, value: object, sql_type: str) -> str:
        return self.add(lambda _leaves, _actor: value, sql_type)

    def leaf(self, leaf: Leaf, sql_type: str, convert: Callable[[object], object] | None = None) -> str:
        index = leaf.index
        if convert is None:
            return self.add(lambda leaves, _actor: leaves[index], sql_type, ("leaf", index))
        return self.add(lambda leaves, _actor: convert(leaves[index]), sql_type)

    def value(self, value: Value, kind: Kind) -> str:
        """One value of a kind: literals are parsed now, variables were parsed when they were read."""
        match value:
            case Leaf():
                return self.leaf(value, kind.sql)
            case Const(value=raw):
                return self.constant(_parsed(kind, raw), kind.sql)
        raise ArgumentInvalid(f"A value of type {kind.name} is needed.")

    def values(self, value: Value, kind: Kind) -> str:
        """A list of values, as one array parameter."""
        array = f"{kind.sql}[]"
        match value:
            case Leaf():
                return self.leaf(value, array, _as_list)
            case Const(value=raw):
                return self.constant([_parsed(kind, v) for v in _as_list(raw)], array)
            case list() if all(isinstance(v, Const) for v in value):
                return self.constant([_parsed(kind, v.value) for v in value if isinstance(v, Const)], array)
            case list():
                items = ", ".join(self.value(v, kind) for v in value)
                return f"ARRAY[{items}]::{array}"
        raise ArgumentInvalid(f"A list of values of type {kind.name} is needed.")


class _Seen(Parameters):
    """Adds to another's parameters; what is asked about the caller is asked about whom they view as."""

    def __init__(self, shared: Parameters) -> None:
        super().__init__()
        self.sources, self._known = shared.sources, shared._known  # noqa: SLF001 - of the same class
        self._reached = shared._reached  # noqa: SLF001

    def actor(self, value: ActorValue) -> str:
        name = value.value
        return self.add(lambda _leaves, actor: getattr(actor.seen_as, name), _ACTOR_TYPES[value], ("seen as", name))


def _parsed(kind: Kind, raw: object) -> object:
    """A literal as the driver takes it; validation has looked at its type, not at what may be stored."""
    try:
        return kind.parse(raw)
    except ValueError as error:
        raise ArgumentInvalid(f"In the document: {error}.") from None


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
