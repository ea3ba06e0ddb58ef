"""What a policy document says of entities and fields, held against what is declared: before it is saved."""

from collections.abc import Iterator

from crm_graph import kinds, sums
from crm_graph.auth.access_policy import AccessPolicy
from crm_graph.auth.classification import Levels
from crm_graph.auth.levels import Level
from crm_graph.auth.policy.document import Document, Problem
from crm_graph.auth.rows import Rows, Rule
from crm_graph.entity import REGISTRY, Entity
from crm_graph.plan.access.fields import classified, requires_of
from crm_graph.specs import FieldSpec

DECIDING = {"User": ("roles", "status", "email"), "Team": ("parent_id",)}
"""Columns that decide what people see, besides those that the row rules read."""


def problems(policy: AccessPolicy) -> list[Problem]:
    """All that makes no sense in a policy's document: what parsing found, and what only the declarations tell."""
    document = policy.document
    return [*policy.problems, *_of_grants(document), *_of_levels(policy)]


def reaches(rule: Rule, rows: Rows) -> bool:
    """Whether a rule can reach any row of an entity with such columns."""
    read: dict[Rule, object] = {
        Rule.EVERYONE: True,
        Rule.OWN: rows.own,
        Rule.TEAM: rows.team,
        Rule.SHARED: rows.shared,
        Rule.SELF: rows.self_,
        Rule.PARTNER: rows.partner,
        Rule.PUBLISHED: rows.published or rows.audience,
        Rule.FOR_CUSTOMERS: rows.audience,
        Rule.FOR_PARTNERS: rows.audience,
        Rule.FOR_STAFF: rows.audience,
        Rule.PARENT: rows.parent,
        Rule.PUBLISHED_PART: rows.parent and rows.published,
    }
    return bool(read[rule])


def deciding(entity: type[Entity]) -> frozenset[str]:
    """The columns of an entity whose values decide what people see."""
    return frozenset((*entity.__rows__.columns(), *DECIDING.get(entity.__name__, ())))


def _of_grants(document: Document) -> Iterator[Problem]:
    for name, role in document.roles.items():
        for entity, grants in role.grants.items():
            for number, grant in enumerate(grants):
                if entity in REGISTRY and not reaches(grant.rule, REGISTRY[entity].__rows__):
                    path = ("roles", name, "grants", entity, str(number), "rule")
                    yield Problem(path, f"{entity} has nothing by which the rule {grant.rule.name} could reach a row")


def _of_levels(policy: AccessPolicy) -> Iterator[Problem]:
    for coordinate, levels in policy.document.levels.items():
        path, (name, field) = ("levels", coordinate), coordinate.split(".")
        entity = REGISTRY.get(name)
        spec = next((s for s in entity.__specs__.values() if s.graphql == field), None) if entity else None
        if entity is None or spec is None or spec.read is None:
            yield Problem(path, "there is no such field")
        else:
            yield from (Problem((*path, action), fault) for action, fault in _of_field(entity, spec, levels, policy))


def _of_field(entity: type[Entity], spec: FieldSpec, levels: Levels, policy: AccessPolicy) -> Iterator[tuple[str, str]]:
    if spec.figure is not None:
        yield "read", "it is reckoned over all records, and is nowhere below what it is made of"
        return
    if spec.sql is not None:
        yield "read", f"it is computed, and has the highest level of {', '.join(spec.inputs)}"
        return
    if spec.name == "id" and levels.read is not None:
        yield "read", "an id is seen with its record"
    if levels.write is not None and spec.write is None:
        yield "write", "nobody writes this field"
    elif levels.write is not None and spec.write and levels.write < spec.write.level and spec.name in deciding(entity):
        yield "write", f"it decides who sees what, and is not written below {spec.write.level.name}"
    fields = classified(entity, policy.classification)
    currency = fields.get("currency")
    wanted = levels.read or spec.requires
    if spec.kind is kinds.MONEY and currency and currency.read and wanted < currency.read.level:
        yield "read", f"an amount is not seen where its currency is not, which is {currency.read.level.name}"
    part = sums.part(entity, spec)
    if part is not None and wanted < (least := requires_of(part, policy.classification)):
        yield "read", f"it is the sum of {spec.sum_of}, which is {least.name}"
    if spec.name == "currency" and levels.read is not None:
        shown = [s for s in entity.__specs__.values() if s.kind is kinds.MONEY and s.sql is None and s.read]
        below = [s.graphql for s in shown if _wanted(entity, s, policy) < levels.read]
        if below:
            yield "read", f"{', '.join(below)} would be seen where the currency is not"


def _wanted(entity: type[Entity], spec: FieldSpec, policy: AccessPolicy) -> Level:
    said = policy.document.levels.get(f"{entity.__name__}.{spec.graphql}")
    return (said and said.read) or spec.requires
