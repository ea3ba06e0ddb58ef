"""What groups go by: the keys of a `groupBy`, as SQL over the rows of a lens and as JSON of a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_graph import kinds
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.groups.measures import DATE_PARTS, groupable, is_dated
from crm_graph.plan.reads.ordering import Key
from crm_graph.plan.refusals import ArgumentInvalid, predicate_denied
from crm_graph.plan.selection import Const, Selected, Value
from crm_graph.plan.sql.money import money_json
from crm_graph.plan.sql.rendering import json_object
from crm_graph.specs import FieldSpec

if TYPE_CHECKING:
    from crm_graph.plan.compile import Compiler

MAX_KEYS = 6


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One key. `column` names it in the groups; an amount of money has its currency beside it, as `columnc`."""

    spec: FieldSpec
    sql: str
    column: str
    currency: str | None = None
    heavy: bool = False
    """Whether it looks something up for each row."""

    def columns(self) -> list[tuple[str, str]]:
        own = [(self.column, self.sql)]
        return [*own, (f"{self.column}c", self.currency)] if self.currency else own

    def order(self, alias: str, direction: str = "ASC") -> list[Key]:
        """The order of groups by this key; texts without case and accents, as lists have it."""
        down, first = direction.startswith("DESC"), direction.endswith("NULLS_FIRST")
        name = f"{alias}.{self.column}"
        sqls = [name]
        if self.currency:
            sqls = [f"{name}c", name]
        elif self.spec.kind.sql == "text":
            sqls = [f"crm_fold({name})"] if not self.spec.kind.choices else []
            sqls.append(f'{name} COLLATE "C"')
        return [Key(self.spec.graphql, sql, down, nullable=True, nulls_first=first) for sql in sqls]


def group_keys(compiler: "Compiler", lens: Lens, value: Value) -> list[GroupKey]:
    """The keys of a `groupBy`. Raises for one that the caller can see on no row, and for a field named twice."""
    found: dict[str, GroupKey] = {}
    for item in value if isinstance(value, list) else [] if value is None else [value]:
        if not isinstance(item, dict) or len(item) != 1:
            raise ArgumentInvalid("Each entry of groupBy has exactly one field.")
        [(name, part)] = item.items()
        if not isinstance(part, Const) or name in found:
            raise ArgumentInvalid(f"groupBy.{name} is there twice, or it is null.")
        found[name] = _key(compiler, lens, lens.known(name), str(part.value), f"k{len(found)}")
    if len(found) > MAX_KEYS:
        raise ArgumentInvalid(f"Groups go by at most {MAX_KEYS} fields.")
    return list(found.values())


def _key(compiler: "Compiler", lens: Lens, spec: FieldSpec, part: str, column: str) -> GroupKey:
    sql = value_of(compiler, lens, spec)
    if sql is None:
        raise predicate_denied(f"{lens.entity.__name__}.{spec.graphql}", spec.requires)
    if part in DATE_PARTS and is_dated(spec):
        cut = f"date_trunc('{part.lower()}', ({sql})::timestamp)::date"
        sql = cut if spec.kind is kinds.DATE else f"date_trunc('{part.lower()}', {sql}, 'UTC')"
    currency = lens.column(lens.spec("currency")).sql if spec.kind is kinds.MONEY else None
    if currency is not None:  # all without an amount are one group, whatever their currency
        both = f"CASE WHEN {sql} IS NOT NULL AND {currency} IS NOT NULL THEN"
        sql, currency = f"{both} {sql} END", f"{both} {currency} END"
    return GroupKey(spec, sql, column, currency, heavy=sql.startswith("(SELECT"))


def value_of(compiler: "Compiler", lens: Lens, spec: FieldSpec) -> str | None:
    """A field as groups take it: of a reference the record that the caller sees there, and nothing else of it.

    `None` where the caller can see it on no row; an amount is not seen without its currency.
    """
    column = lens.column(spec)
    if column.sql is None or not groupable(spec):
        return None
    if spec.kind is kinds.MONEY and lens.column(lens.spec("currency")).sql is None:
        return None
    if spec.ref is None:
        return column.sql
    target = open_lens(REGISTRY[spec.ref.entity], compiler.policy, compiler.parameters, compiler.alias())
    if target is None:
        return None
    if target.visible == "TRUE":
        return column.sql
    return (
        f"(SELECT {target.alias}.id FROM {target.source()} WHERE {target.where()} AND {target.alias}.id = {column.sql})"
    )


def key_json(
    compiler: "Compiler", lens: Lens, keys: Sequence[GroupKey], alias: str, selected: Sequence[Selected]
) -> str:
    """A group's key: what it goes by, and null for the fields that it does not go by."""
    by_name = {key.spec.graphql: key for key in keys}
    fields = []
    for one in selected:
        if one.name == "__typename":
            fields.append((one.key, f"'{lens.entity.__name__}GroupKey'::text"))
        elif one.name in by_name:
            fields.append((one.key, _shown(compiler, lens, by_name[one.name], alias, one)))
        else:
            spec = lens.known(one.name)
            if value_of(compiler, lens, spec) is None:
                compiler.deny(f"{lens.entity.__name__}.{spec.graphql}", spec.requires, one.place)
            fields.append((one.key, "NULL::json"))
    return json_object(fields)


def _shown(compiler: "Compiler", lens: Lens, key: GroupKey, alias: str, selected: Selected) -> str:
    spec, sql = key.spec, f"{alias}.{key.column}"
    if spec.ref is not None:
        return compiler.referred(REGISTRY[spec.ref.entity], selected, f"{lens.entity.__name__}.{spec.graphql}", sql)
    if spec.kind is kinds.MONEY:
        money = money_json(selected.on("Money"), sql, f"{sql}c")
        return f"CASE WHEN {sql} IS NOT NULL THEN {money} END"
    return spec.kind.shown.format(sql)
