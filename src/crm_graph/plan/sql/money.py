"""Amounts of money as JSON."""

from collections.abc import Sequence

from crm_graph.plan.selection import Selected
from crm_graph.plan.sql.rendering import MOST_BUILT, json_built, json_object


def money_json(selected: Sequence[Selected], amount: str, currency: str) -> str:
    """What is selected on `Money`, from SQL of an amount that is not null and of its currency."""
    parts = {"amount": f"({amount})::text", "currency": currency, "__typename": "'Money'::text"}
    fields = [(s.key, parts[s.name]) for s in selected]
    return json_built(fields) if len(fields) <= MOST_BUILT else json_object(fields)
