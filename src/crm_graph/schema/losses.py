"""Why sales are lost, and to whom."""

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.entity import Entity, Filter, Read, Search, Sort, Write, attr
from crm_graph.kinds import Url


class LossReason(Entity, table=True):
    """A reason for which sales are lost, as the organisation counts them."""

    __prefix__ = "lre"

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort)
    """The reason in a few words."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether it may still be given; older sales keep it."""


class Competitor(Entity, table=True):
    """A business that sells against us."""

    __prefix__ = "cmp"

    name: str = attr(Read(INTERNAL), Write(INTERNAL), Filter, Sort, Search("A"))
    """Name of the business."""
    website: Url | None = attr(Read(INTERNAL), Write(INTERNAL), default=None)
    """Its web site."""
    notes: str | None = attr(Read(INTERNAL), Write(INTERNAL), Search("D"), default=None)
    """Where it is strong and weak, and how to win against it."""
