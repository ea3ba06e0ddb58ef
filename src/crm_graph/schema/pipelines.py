"""The stages a sale goes through."""

from enum import auto
from uuid import UUID

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL, PARTNER
from crm_graph.entity import Choice, Entity, Filter, Read, Ref, Sort, Write, attr


class Pipeline(Entity, table=True):
    """A way of selling, as a sequence of stages."""

    __prefix__ = "pip"

    name: str = attr(Read(PARTNER), Write(CONFIDENTIAL), Filter, Sort)
    """Name of the pipeline."""


class StageOutcome(Choice):
    """What it means for an opportunity to be in a stage."""

    OPEN = auto()
    WON = auto()
    LOST = auto()


class Stage(Entity, table=True):
    """One step of a pipeline."""

    __prefix__ = "sta"
    __checks__ = {"probability": "probability BETWEEN 0 AND 100"}

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
