"""Which custom fields the callers of a policy know: those they see on some row, and those they may write."""

from dataclasses import dataclass

from crm_graph.auth.policy import Policy
from crm_graph.entity import REGISTRY
from crm_graph.plan.access.fields import fields_of
from crm_graph.plan.access.opening import fields_known
from crm_graph.specs import FieldSpec


@dataclass(frozen=True, slots=True)
class Known:
    """A custom field as a caller knows it: read, written, or both."""

    entity: str
    spec: FieldSpec
    read: bool
    write: bool

    def says(self) -> str:
        """What the schema says of it."""
        described = self.spec.description
        return f"{described} One of: {', '.join(self.spec.choices)}." if self.spec.choices else described


def known(policy: Policy) -> list[Known]:
    """The custom fields that callers of this policy know, always in the same order."""
    found = []
    for name in sorted({one.entity for one in policy.classification.custom}):
        entity = REGISTRY.get(name)
        if entity is None:
            continue
        seen = fields_known(entity, policy)
        level = max((g.write for g in policy.on(name) if g.write is not None), default=0)
        for spec in sorted((s for s in fields_of(entity, policy).values() if s.custom), key=lambda s: s.label):
            read = spec.name in seen
            write = spec.write is not None and spec.write.level <= level
            if read or write:
                found.append(Known(name, spec, read, write))
    return found
