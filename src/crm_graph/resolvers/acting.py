"""In which role a caller acts on records of an entity, by their policy alone."""

from crm_graph.auth.levels import INTERNAL, PARTNER
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.entity import Entity


def for_themselves(policy: Policy, entity: type[Entity]) -> bool:
    """Whether a caller acts on records about them: scopes that only read do not."""
    grants = policy.on(entity.__name__)
    return any(g.rule is Rule.SELF and g.subject_write is not None and g.subject_write >= PARTNER for g in grants)


def for_us(policy: Policy, entity: type[Entity]) -> bool:
    """Whether a caller deals with some records as staff does."""
    return any(g.write is not None and g.write >= INTERNAL for g in policy.on(entity.__name__))
