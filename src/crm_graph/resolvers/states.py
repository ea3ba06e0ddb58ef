"""Moving a record from one state to another, where its declaration says that it may go there.

A status is written by no generated mutation: verbs move it, through `move`, and so each move is locked, legal, audited.
"""

from collections.abc import Collection, Mapping

from crm_graph.auth.levels import Level
from crm_graph.entity import Choice, Entity, table_name
from crm_graph.plan.changes import Outcome, refusal
from crm_graph.plan.mutations import Call
from crm_graph.plan.writes.write import update_fields

Moves = Mapping[Choice, Collection[Choice]]
"""Where each state may go; a state that is not named is final."""


async def current(call: Call, entity: type[Entity], column: str = "status") -> str:
    """The state a record is in, which stays so until the transaction ends: its row is locked."""
    found: str | None = await (await call.tx.raw()).fetchval(
        f"SELECT {column} FROM {table_name(entity)} WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE",
        call.actor.organization_id,
        call.row,
    )
    assert found is not None, "the record was seen in this transaction"
    return found


async def move(
    call: Call,
    entity: type[Entity],
    moves: Moves,
    to: Choice,
    event: str,
    values: Mapping[str, object] | None = None,
    *,
    needs: Level | None,
    column: str = "status",
) -> Outcome:
    """Put the record into the state `to`, with further `values`; refused where its state does not lead there.

    `needs` is as `update_fields` has it.
    """
    at = await current(call, entity, column)
    if to not in moves.get(type(to)(at), ()):
        return refusal("STATE_REFUSED", f"It is {at}, which does not lead to {to.value}.")
    return await update_fields(
        call.tx,
        call.actor,
        entity.__name__,
        call.row,
        {column: to.value, **(values or {})},
        event,
        needs=needs,
        if_match=call.if_match,
        request_id=call.request_id,
    )
