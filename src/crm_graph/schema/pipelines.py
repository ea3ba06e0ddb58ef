"""The stages a sale goes through."""

from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, Unique, Write, attr


class Pipeline(Entity, table=True):
    """A way of selling, as a sequence of stages."""

    __prefix__ = "pip"
    __checks__ = {"is_default": "is_default"}  # true or null: so that there is one at most

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """Name of the pipeline."""
    is_default: bool | None = attr(Read(PARTNER), Unique, default=None)
    """True for the pipeline that leads and partners' sales begin in, null for all others; see `makePipelineDefault`."""


class StageOutcome(Choice):
    """What it means for an opportunity to be in a stage."""

    OPEN = auto()
    WON = auto()
    LOST = auto()


class Stage(Entity, table=True):
    """One step of a pipeline."""

    __prefix__ = "sta"
    __checks__ = {"probability": "probability BETWEEN 0 AND 100", "stalled_after_days": "stalled_after_days >= 0"}

    pipeline_id: UUID = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Ref("Pipeline", back="stages", owned=True)
    )
    """The pipeline it belongs to."""
    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """Name of the stage."""
    position: int = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """Place in the sequence, from 1."""
    probability: int = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, default=0)
    """How likely an opportunity in this stage is won, in percent."""
    outcome: StageOutcome = attr(
        Read(PARTNER), Write(CONFIDENTIAL, create_only=True), Filter, default=StageOutcome.OPEN
    )
    """Whether the sale is open, won or lost here."""
    stalled_after_days: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """After how many days without a move or an activity an opportunity in this stage is stalled; null: never."""
    exit_approval: bool = attr(Read(INTERNAL), default=False)
    """Whether a sale that leaves it for a later one or is won must be approved, as its amount goes."""
    exit_fields: list[str] = attr(Read(INTERNAL), default_factory=list)
    """Fields of the opportunity that must be filled in before it leaves this stage for a later one or is won."""
