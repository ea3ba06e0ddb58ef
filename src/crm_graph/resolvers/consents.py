"""Consents: given and withdrawn by the customer, or put on record by who may write the customer."""

from uuid import UUID

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.policy import Policy
from crm_graph.declaration import choice_kind
from crm_graph.entity import REGISTRY
from crm_graph.plan.changes import Effect, Outcome, denied, invalid
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.schema.consents import Consent, ConsentChannel, ConsentPurpose

_HOLDING = """SELECT id FROM consents
 WHERE organization_id = $1 AND customer_id = $2 AND purpose = $3 AND channel = $4 AND withdrawn_at IS NULL FOR SHARE"""
_FOUND = """SELECT customer_id, withdrawn_at, now() AS now FROM consents
 WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""


def _sees_consents(policy: Policy) -> bool:
    return bool(policy.on(Consent.__name__))


@mutation(
    Consent,
    Argument("customer_id", kinds.ID, "Who agrees.", required=True, ref="Customer"),
    Argument("purpose", choice_kind(ConsentPurpose), "For what.", required=True),
    Argument("channel", choice_kind(ConsentChannel), "On which channel.", required=True),
    Argument("evidence", kinds.STRING, "How we know: the form, the call, the words.", required=True),
    needs=None,
    offered=_sees_consents,
    creates=True,
)
async def give_consent(call: Call) -> Outcome:
    """Put on record that a customer agrees to be addressed for a purpose on a channel. One that holds already stays."""
    customer, evidence = call.arguments["customer_id"], str(call.arguments["evidence"]).strip()
    assert isinstance(customer, UUID)
    if not await _may(call, customer):
        return Outcome.refused(denied())
    if not evidence:
        return Outcome.refused(invalid("The evidence cannot be blank.", "evidence"))
    purpose, channel = str(call.arguments["purpose"]), str(call.arguments["channel"])
    connection = await call.tx.raw()
    holding = await connection.fetchval(_HOLDING, call.actor.organization_id, customer, purpose, channel)
    if holding is not None:
        return Outcome(Effect.UNCHANGED, holding)
    values: dict[str, object] = {
        "customer_id": customer,
        "purpose": purpose,
        "channel": channel,
        "given_at": await connection.fetchval("SELECT now()"),
        "evidence": evidence,
        "given_by_id": call.actor.user_id,
    }
    return await insert_fields(
        call.tx, call.actor, "Consent", values, event="consent.given", request_id=call.request_id
    )


@mutation(Consent, needs=None, offered=_sees_consents)
async def withdraw_consent(call: Call) -> Outcome:
    """Put on record that a customer does not agree any more; from then on nothing is sent under it."""
    connection = await call.tx.raw()
    found = await connection.fetchrow(
        _FOUND,
        call.actor.organization_id,
        call.row,
    )
    assert found is not None, "the consent was seen in this transaction"
    if not await _may(call, found["customer_id"]):
        return Outcome.refused(denied())
    if found["withdrawn_at"] is not None:
        return Outcome(Effect.UNCHANGED, call.row)
    values = {"withdrawn_at": found["now"], "withdrawn_by_id": call.actor.user_id}
    return await update_fields(
        call.tx, call.actor, "Consent", call.row, values, "consent.withdrawn",
        if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip


async def _may(call: Call, customer: UUID) -> bool:
    """The very customer, and who may write the customer at INTERNAL."""
    if call.actor.customer_id == customer:
        return True
    return await may_write(call.tx, call.actor, REGISTRY["Customer"], customer, INTERNAL)


async def consented(
    connection: "asyncpg.Connection[asyncpg.Record]",
    organization_id: UUID,
    customer: UUID,
    purpose: ConsentPurpose,
    channel: ConsentChannel,
) -> bool:
    """Whether the customer's consent holds now, and until this transaction ends: a withdrawal waits for it."""
    held = await connection.fetchval(_HOLDING, organization_id, customer, purpose.value, channel.value)
    return held is not None
