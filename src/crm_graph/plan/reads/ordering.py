"""Order and position: the keys a list goes by, and where in them a cursor stands.

A cursor holds no value: it is the row's id and a keyed hash of its order keys *as the caller saw them*. The row is
looked up again inside the same statement, in the table or, if it changed or went away since, in its history, and
the hash says which version was meant. So a cursor stays valid when its row is updated or deleted, and one made for
another caller, filter or order fits nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_graph import kinds
from crm_graph.entity import table_name
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.refusals import ArgumentInvalid, predicate_denied
from crm_graph.plan.selection import Const, Value

DIRECTIONS = ("ASC", "DESC", "ASC_NULLS_FIRST", "ASC_NULLS_LAST", "DESC_NULLS_FIRST", "DESC_NULLS_LAST")


@dataclass(frozen=True, slots=True)
class Key:
    """One order key. Empty values come last, unless asked for first."""

    field: str
    sql: str
    descending: bool = False
    nullable: bool = False
    nulls_first: bool = False

    def by(self, *, reverse: bool) -> str:
        down = self.descending != reverse
        nulls = "" if not self.nullable else " NULLS FIRST" if self.nulls_first != reverse else " NULLS LAST"
        return f"{self.sql}{' DESC' if down else ''}{nulls}"


def order_keys(lens: Lens, order: Value) -> tuple[Key, ...]:
    """The keys of an `orderBy`, made total by the id. Raises for a key the caller can see on no row."""
    keys: list[Key] = []
    for item in order if isinstance(order, list) else [] if order is None else [order]:
        if not isinstance(item, dict) or len(item) != 1:
            raise ArgumentInvalid("Each entry of orderBy has exactly one field.")
        [(name, direction)] = item.items()
        if not isinstance(direction, Const) or direction.value not in DIRECTIONS:
            raise ArgumentInvalid(f"orderBy.{name} takes a direction.")
        keys.extend(_keys(lens, name, str(direction.value)))
        if name == "id":
            return tuple(keys)
    down = bool(keys) and all(k.descending for k in keys)
    return (*keys, Key("id", f"{lens.alias}.id", down))


def _keys(lens: Lens, name: str, direction: str) -> list[Key]:
    spec = lens.known(name)
    column = lens.column(spec)
    if column.sql is None or spec.read is None:
        raise predicate_denied(f"{lens.entity.__name__}.{spec.graphql}", spec.requires)
    sql = lens.folded(spec) if spec.folded(lens.alias) else column.sql
    down, nullable = direction.startswith("DESC"), spec.nullable or column.varies or column.masked is not None
    keys = [Key(name, sql, down, nullable, direction.endswith("NULLS_FIRST"))]
    if spec.kind is kinds.MONEY:  # amounts compare within their currency
        currency = lens.column(lens.spec("currency"))
        if currency.sql is None:
            raise predicate_denied(f"{lens.entity.__name__}.currency", spec.read.level)
        keys.insert(0, Key(f"{name}.currency", currency.sql, down, currency.varies))
    return keys


def order_by(keys: Sequence[Key], *, reverse: bool) -> str:
    return ", ".join(k.by(reverse=reverse) for k in keys)


def cursor(keys: Sequence[str], row_id: str, scope: str) -> str:
    """SQL of a cursor: base64 of the id and 11 bytes of the keyed hash of the order keys; 36 characters."""
    values = f"convert_to(ROW({', '.join(keys)})::text, 'UTF8')" if keys else "''::bytea"
    digest = f"substr(sha256({scope} || uuid_send({row_id}) || {values}), 1, 11)"
    return f"encode(uuid_send({row_id}) || {digest}, 'base64')"


def position(
    lens: Lens, past: Lens, keys: Sequence[Key], past_keys: Sequence[Key], row_id: str, digest: str, scope: str
) -> str:
    """A CTE `cur` that holds the order keys a cursor stands at; it refuses when there is no such version."""

    def versions(one: Lens, ordered: Sequence[Key]) -> str:
        values = [k.sql for k in ordered[:-1]]
        shown = f"convert_to(ROW({', '.join(values)})::text, 'UTF8')" if values else "''::bytea"
        columns = ", ".join(f"{k.sql} AS k{i}" for i, k in enumerate(ordered))
        return (
            f"SELECT {columns} FROM {one.source()}"
            f" WHERE {one.alias}.organization_id = {one.organization} AND {one.alias}.id = {row_id}"
            f" AND substr(sha256({scope} || uuid_send({one.alias}.id) || {shown}), 1, 11) = {digest}"
        )

    nothing = ", ".join("NULL" for _ in keys[:-1])
    refuse = f"SELECT {nothing}{', ' if nothing else ''}crm_refuse('CURSOR_INVALID')"
    found = f"({versions(lens, keys)}) UNION ALL ({versions(past, past_keys)}) UNION ALL ({refuse})"
    return f"WITH cur AS MATERIALIZED ({found} LIMIT 1) "


def beyond(keys: Sequence[Key], *, reverse: bool, start: int = 0) -> str:
    """SQL that is true on the rows after (`reverse`: before) the position in `cur`, whose key `start` is the first."""
    at = [f"(SELECT k{i} FROM cur)" for i in range(start, start + len(keys))]
    downs = {k.descending for k in keys}
    if len(downs) == 1 and not any(k.nullable for k in keys):
        sign = "<" if keys[0].descending != reverse else ">"
        return f"({', '.join(k.sql for k in keys)}) {sign} ({', '.join(at)})"
    alternatives = []
    for i, key in enumerate(keys):
        same = [
            f"{k.sql} IS NOT DISTINCT FROM {at[j]}" if k.nullable else f"{k.sql} = {at[j]}"
            for j, k in enumerate(keys[:i])
        ]
        alternatives.append(" AND ".join([*same, _past(key, at[i], reverse)]))
    return "(" + " OR ".join(f"({a})" for a in alternatives) + ")"


def _past(key: Key, at: str, reverse: bool) -> str:
    sign = "<" if key.descending != reverse else ">"
    if not key.nullable:
        return f"{key.sql} {sign} {at}"
    if key.nulls_first != reverse:  # going this way, empty values come first
        return f"({key.sql} {sign} {at} OR ({key.sql} IS NOT NULL AND {at} IS NULL))"
    return f"({key.sql} {sign} {at} OR ({key.sql} IS NULL AND {at} IS NOT NULL))"


def history_of(lens: Lens) -> str:
    return f"{table_name(lens.entity)}_history"
