"""What lists are asked for, and the parts that some of them are found in."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_graph.plan.reads import ordering
from crm_graph.plan.reads.ordering import Key
from crm_graph.plan.selection import Value


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a list: its order, its filter, how many rows, and whether they lie beyond `cur`."""

    order: Value
    filter: Value
    limit: int
    reverse: bool
    beyond: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """Some of the rows: FROM and WHERE, their keys, and the order by which an index gives them."""

    rows: str
    keys: Sequence[Key]
    by: str
    known: str = ""
    """A common table that it needs."""


def beyond(keys: Sequence[Key], wanted: Wanted) -> str:
    """SQL ` AND …` that leaves the rows beyond `cur`; empty where the list is read from its start."""
    return f" AND {ordering.beyond(keys, reverse=wanted.reverse)}" if wanted.beyond else ""
