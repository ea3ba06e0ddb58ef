"""What proposals begin with."""

from crm_graph.auth.levels import CONFIDENTIAL, INTERNAL
from crm_graph.entity import Entity, Filter, Read, Search, Sort, Write, attr
from crm_graph.kinds import Locale


class ProposalTemplate(Entity, table=True):
    """Texts that a proposal begins with, in one language."""

    __prefix__ = "prt"
    __checks__ = {"valid_days": "valid_days BETWEEN 1 AND 3650"}

    name: str = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort, Search("A"))
    """Name, for those who choose one; the same in all its languages."""
    language: Locale = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, Sort)
    """Language its texts are in."""
    title: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """Title of proposals made from it, unless another is given."""
    introduction: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("C"), default=None)
    """What is said before the lines."""
    terms: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("D"), default=None)
    """Terms of payment and delivery."""
    closing: str | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), Search("D"), default=None)
    """What is said after the lines."""
    valid_days: int | None = attr(Read(INTERNAL), Write(CONFIDENTIAL), default=None)
    """For how many days proposals made from it are valid."""
    active: bool = attr(Read(INTERNAL), Write(CONFIDENTIAL), Filter, default=True)
    """Whether new proposals are made from it."""
