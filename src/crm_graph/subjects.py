"""What people change about themselves: whether its declaration makes sense, and the fields that hold such values."""

from collections.abc import Mapping
from dataclasses import replace

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.rows import Rows
from crm_graph.kinds import Kind
from crm_graph.markers import Proposed, Read, Ref, Write
from crm_graph.specs import FieldSpec

Fault = tuple[str, str]
"""What is wrong with a declaration, and the remedy."""
_UNFIT = (kinds.MONEY, kinds.TEXTS, kinds.ID)


def fault(rows: Rows, kind: Kind, read: Read | None, write: Write | None, ref: Ref | None) -> Fault | None:
    """What is wrong with how a field is written; `None` if nothing is."""
    if write is None:
        return None
    if read is not None and read.mask is not None and write.level < read.level:
        return "whoever sees it masked could write the mask back", "Raise its write level to its read level"
    if write.subject is None:
        return None
    faults = (
        (
            read is None or not read.subject,
            ("the person it is about may change it and not see it", "Add subject=True to its Read"),
        ),
        (
            write.create_only,
            ("it never changes, and the person it is about may change it", "Drop create_only or subject"),
        ),
        (
            ref is not None or kind in _UNFIT,
            ("a value of this kind cannot be changed by the person it is about", "Drop subject from its Write"),
        ),
        (
            rows.person is None and rows.parent is None,
            ("no row of it is about one person", "Say in __rows__ when one is (self_ and person, or parent)"),
        ),
    )
    return next((found for wrong, found in faults if wrong), None)


def declared(name: str, found: Proposed) -> FieldSpec:
    """The field of a `Proposed`; its values' fields are filled in when all entities are declared."""
    return FieldSpec(
        name,
        kinds.STRING,
        nullable=True,
        description=found.description,
        read=Read(INTERNAL, subject=True),
        write=None,
        filter=False,
        sort=False,
        unique=False,
        ref=None,
        matching=None,
        required=False,
        sql=f"{{{found.column}}}",
        inputs=(found.column,),
        proposed={},
    )


def completed(specs: Mapping[str, FieldSpec], fields: Mapping[tuple[str, str], FieldSpec]) -> dict[str, FieldSpec]:
    """The fields of an entity, its proposed ones with the fields they hold values of.

    Taken alone such a field has the highest of their levels: who does not look at the row must see all of them.
    """
    level = max((f.read.level for f in fields.values() if f.read is not None), default=INTERNAL)
    return {
        name: spec if spec.proposed is None else replace(spec, read=Read(level, subject=True), proposed=fields)
        for name, spec in specs.items()
    }


def changed(entities: Mapping[str, Mapping[str, FieldSpec]]) -> dict[tuple[str, str], FieldSpec]:
    """The fields that people change about themselves, by entity and name in inputs."""
    return {
        (entity, spec.input): spec
        for entity, specs in entities.items()
        for spec in specs.values()
        if spec.write is not None and spec.write.subject is not None
    }
