"""What lists are asked for, and the parts that some of them are found in."""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_graph.entity import table_name
from crm_graph.plan.access.lens import Lens
from crm_graph.plan.reads import ordering
from crm_graph.plan.reads.ordering import Key
from crm_graph.plan.selection import Value
from crm_graph.plan.sql.parameters import Parameters


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


def few_rows(parameters: Parameters, lens: Lens, ids: str, counted: str, few: int) -> str:
    """FROM … WHERE of the rows of these ids, which were found through the lens, where they are `counted` as few."""
    table, alias = table_name(lens.entity), lens.alias
    theirs = f"{alias}.id = {alias}f.id"
    parameters.reaches(table, alias, theirs)
    each = f"SELECT * FROM {table} {alias} WHERE {lens.bound()} AND {theirs} OFFSET 0"
    some = f"({ids} WHERE {counted} <= {few}) {alias}f"
    return f"FROM {some} CROSS JOIN LATERAL ({each}) {alias}{lens.fence()} WHERE TRUE"
