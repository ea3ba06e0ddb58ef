"""What a policy says about one field: by which rules a caller reaches rows, and what they see and write there."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from crm_graph.auth.classification import SHIPPED, Classification
from crm_graph.auth.grants import Grant
from crm_graph.auth.levels import Category, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import PARTS, PUBLISHED_TO, Rows, Rule
from crm_graph.entity import REGISTRY, Entity, backs
from crm_graph.errors import CrmError
from crm_graph.markers import Change
from crm_graph.plan.access.fields import classified
from crm_graph.plan.access.opening import open_lens
from crm_graph.plan.access.write_access import level_to_write
from crm_graph.plan.sql.parameters import Parameters
from crm_graph.specs import FieldSpec


class FieldUnknown(CrmError):
    """No entity has such a field."""

    code = "FIELD_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to rows of an entity: a grant's rule, of a part with the rule that reaches its whole."""

    rule: str
    rows: str
    read: Level
    write: Level | None
    subject: bool = False
    capped: bool = False
    """Each row may be seen at less: at the level it is shared."""
    without: frozenset[Category] = frozenset()
    """Categories of fields that it leaves out."""


def entity_named(coordinate: str) -> type[Entity]:
    """The entity of a coordinate such as `Customer.creditLimit`. Raises FieldUnknown."""
    name = coordinate.partition(".")[0]
    if name not in REGISTRY:
        raise FieldUnknown(f"there is no entity {name!r}{_near(name, REGISTRY)}. Write it as Customer.creditLimit.")
    return REGISTRY[name]


def field(coordinate: str, classification: Classification = SHIPPED) -> tuple[type[Entity], FieldSpec]:
    """The field of a coordinate, as the organisation classifies it; of a list, the reference it goes by.

    Raises FieldUnknown.
    """
    entity, (name, _, wanted) = entity_named(coordinate), coordinate.partition(".")
    back = backs(name).get(wanted)
    if back is not None:
        other = REGISTRY[back.entity]
        return other, classified(other, classification)[back.column]
    fields = {spec.graphql: spec for spec in classified(entity, classification).values() if spec.read is not None}
    if wanted not in fields:
        raise FieldUnknown(f"{name} has no field {wanted!r}{_near(wanted, fields)}.")
    return entity, fields[wanted]


def ways(entity: type[Entity], policy: Policy) -> list[Way]:
    """How rows of an entity are reached, the widest view first."""
    found = [way for grant in policy.on(entity.__name__) for way in _ways(entity, policy, grant)]
    return sorted(found, key=lambda way: -way.read)


def _ways(entity: type[Entity], policy: Policy, grant: Grant) -> Iterator[Way]:
    rows = entity.__rows__
    if grant.rule not in PARTS:
        said = _said(grant.rule, rows)
        if said is not None:
            about, capped = grant.rule is Rule.SELF, grant.rule is Rule.SHARED
            yield Way(grant.rule.value, said, grant.read, grant.write, about, capped, grant.without)
        return
    if rows.parent is None:
        return
    ref = entity.__specs__[rows.parent].ref
    assert ref is not None
    published = " and published" if grant.rule is Rule.PUBLISHED_PART else ""
    for whole in ways(REGISTRY[ref.entity], policy):
        write = min(grant.write, whole.write) if grant.write is not None and whole.write is not None else None
        yield Way(
            f"{grant.rule.value} › {whole.rule}",
            f"part of: {ref.entity}, {whole.rows}{published}",
            min(grant.read, whole.read),
            write,
            whole.subject,
            whole.capped,
            grant.without | whole.without,
        )


def _said(rule: Rule, rows: Rows) -> str | None:
    """Which rows a rule reaches, in words; `None` when it reaches none of this entity."""
    words = {
        Rule.EVERYONE: "every row",
        Rule.OWN: rows.own and f"{rows.own} is the caller",
        Rule.TEAM: rows.team and f"{rows.team} is the caller's team or one below",
        Rule.SELF: rows.self_ and f"{rows.self_} is the caller, as {rows.subject.value.removesuffix('_id')}",
        Rule.PARTNER: rows.partner and f"{rows.partner} is the caller's partner",
        Rule.PUBLISHED: (rows.published and f"{rows.published} is true") or _published_to(Rule.PUBLISHED, rows),
        Rule.FOR_CUSTOMERS: _published_to(Rule.FOR_CUSTOMERS, rows),
        Rule.FOR_PARTNERS: _published_to(Rule.FOR_PARTNERS, rows),
        Rule.FOR_STAFF: _published_to(Rule.FOR_STAFF, rows),
        Rule.SHARED: "shared with the caller, their team or partner" if rows.shared else None,
    }
    return words[rule]


def _published_to(rule: Rule, rows: Rows) -> str | None:
    return rows.audience and f"{rows.audience} is {' or '.join(PUBLISHED_TO[rule])}"


def sees(spec: FieldSpec, way: Way) -> str:
    """What shows of a field on the rows of one way."""
    assert spec.read is not None
    if spec.proposed is not None:
        shows = any(sees(one, way) != "nothing" for one in spec.proposed.values())
        return "the value, as the field that it is a value of" if shows else "nothing"
    read, mask = spec.read, spec.read.mask
    if way.subject and read.subject:
        return "the value (it is about the caller)"
    if read.category in way.without:
        return "nothing"
    if way.read >= read.level:
        return "the value, if shared at its level" if way.capped else "the value"
    if mask is not None and way.read == read.level.below():
        return f"masked ({mask.name})"
    return "nothing"


def writes(spec: FieldSpec, way: Way) -> str:
    """Whether the field is written on the rows of one way."""
    if way.subject and spec.write is not None and spec.write.subject is not None:
        return f"{_BY_SUBJECT[spec.write.subject]} (it is about the caller)"
    category = spec.read.category if spec.read else None
    if spec.write is None or way.write is None or category in way.without or way.write < level_to_write(spec):
        return "no"
    return "when created" if spec.write.create_only else "yes"


_BY_SUBJECT: Final = {
    Change.AT_ONCE: "yes",
    Change.VERIFIED: "after a code",
    Change.APPROVED: "after approval",
}


def described(entity: type[Entity], spec: FieldSpec) -> str:
    """The field's declaration in two sentences."""
    assert spec.read is not None
    read = f"Read at {spec.read.level.name}"
    if spec.read.mask is not None and (below := spec.read.level.below()) is not None:
        read += f", masked ({spec.read.mask.name}) at {below.name}"
    if spec.read.subject:
        read += ", and by the person it is about"
    if spec.read.category:
        read += f", where {spec.read.category.value.replace('_', ' ')} fields are not left out"
    if spec.write is None:
        write = "computed" if spec.sql is not None else "set by the system only"
    else:
        write = f"written at {level_to_write(spec).name}" + (", when created only" if spec.write.create_only else "")
    used = [word for word, has in (("filter", spec.filter or spec.ref is not None), ("order", spec.sort)) if has]
    uses = f"can {' and '.join(used)} by it" if used else "no filter or order"
    return f"{entity.__name__}.{spec.graphql}: {spec.description}\n{read}; {write}; {uses}."


def granted(who: str, policy: Policy, entity: type[Entity], spec: FieldSpec) -> str:
    """A table of what a caller is granted on an entity and what each grant shows of the field, and what follows."""
    lines = [("rule", "rows", "read", "write", "sees", "may write it")]
    for way in ways(entity, policy):
        write = way.write.name if way.write is not None else "–"
        lines.append((way.rule, way.rows, way.read.name, write, sees(spec, way), writes(spec, way)))
    grants = table(lines) if len(lines) > 1 else "(nothing)"
    text = f"{who} on {entity.__name__}:\n\n{grants}\n\n{verdict(entity, spec, policy)}"
    if spec.ref is not None and open_lens(REGISTRY[spec.ref.entity], policy, Parameters(), "t") is None:
        text += (
            f"\nIt leads to {spec.ref.entity}, of which no row exists for the caller: null with FIELD_ACCESS_DENIED."
        )
    return text


def table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells in columns, with a rule under the first."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    head, *rest = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
    return "\n".join([head, "  ".join("─" * width for width in widths), *rest])


def verdict(entity: type[Entity], spec: FieldSpec, policy: Policy) -> str:
    """What the caller gets who asks for the field, by the very lens that reads go through."""
    coordinate = f"{entity.__name__}.{spec.graphql}"
    lens = open_lens(entity, policy, Parameters(), "t")
    if lens is None:
        return f"No rule reaches a row of {entity.__name__}: lists of it are null, with FIELD_ACCESS_DENIED."
    column = lens.column(spec)
    if column.sql is None:
        return f"On no row is {coordinate} seen: null with FIELD_ACCESS_DENIED; as filter or order it is refused."
    if column.varies:
        return "Where several rules reach a row the highest counts. Filters and orders run on what is seen."
    kind = "masked" if column.masked is not None and column.sql == column.masked else "seen"
    return f"On every row that exists for the caller {coordinate} is {kind}."


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f" (is it {close[0]!r}?)" if close else ""
