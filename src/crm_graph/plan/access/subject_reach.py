"""What people may change about themselves: by their grants and scopes, and on which rows they are the very person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import ActorValue, Rule
from crm_graph.entity import REGISTRY, Entity, table_name
from crm_graph.markers import Change
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class _Reach:
    """How high a grant opens fields to the person they are about, and which categories it leaves out."""

    read: Level
    write: Level
    without: frozenset[Category]

    def opens(self, spec: FieldSpec) -> bool:
        read, write = spec.read, spec.write
        if read is None or write is None or write.subject is None:
            return False
        return read.level <= self.read and write.level <= self.write and read.category not in self.without


def open_to_subject(entity: type[Entity], policy: Policy) -> Mapping[str, Change]:
    """The columns that the caller may change where a row is about them, and how; empty for most callers."""
    reached = list(_reached(entity, policy))
    if not reached:
        return {}
    return {
        name: spec.write.subject
        for name, spec in fields_of(entity, policy).items()
        if spec.write is not None and spec.write.subject is not None and any(one.opens(spec) for one in reached)
    }


def _reached(entity: type[Entity], policy: Policy) -> Iterator[_Reach]:
    rows = entity.__rows__
    for grant in policy.on(entity.__name__):
        if grant.subject_write is None:
            continue
        own = _Reach(grant.subject, grant.subject_write, grant.without)
        if grant.rule is Rule.SELF and rows.self_ and rows.person:
            yield own
        elif grant.rule is Rule.PARENT:
            for whole in _of_whole(entity, policy, grant):
                yield _Reach(min(own.read, whole.read), min(own.write, whole.write), own.without | whole.without)


def _of_whole(entity: type[Entity], policy: Policy, grant: Grant) -> Iterator[_Reach]:
    ref = entity.__specs__[entity.__rows__.parent].ref if entity.__rows__.parent else None
    if ref is not None and grant.subject_write is not None:
        yield from _reached(REGISTRY[ref.entity], policy)


def the_person(entity: type[Entity], policy: Policy, parameters: Parameters, alias: str) -> str:
    """SQL over a row: whether the caller is the one human being it is about, or speaks for the customer it is about."""
    rows = entity.__rows__
    if rows.self_ and rows.person:
        own = f"{alias}.{rows.self_} = {parameters.actor(rows.subject)}"
        speaks = policy.speaks and rows.subject is ActorValue.CUSTOMER
        return f"coalesce({own}, FALSE)" if speaks else f"coalesce({own} AND {rows.person.format(alias=alias)}, FALSE)"
    ref = entity.__specs__[rows.parent].ref if rows.parent else None
    if ref is None:
        return "FALSE"
    whole, above = REGISTRY[ref.entity], f"{alias}_whole"
    return (
        f"EXISTS (SELECT 1 FROM {table_name(whole)} {above} WHERE {above}.organization_id = {parameters.organization}"
        f" AND {above}.id = {alias}.{rows.parent} AND {the_person(whole, policy, parameters, above)})"
    )
