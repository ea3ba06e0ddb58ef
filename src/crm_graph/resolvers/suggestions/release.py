"""Releasing and dismissing suggestions. Whoever releases, the customer is told only with consent that holds then."""

from typing import Final
from uuid import UUID

import asyncpg

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import INTERNAL, Level
from crm_graph.db.session import Transaction
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Effect, Outcome
from crm_graph.plan.mutations import Call, mutation
from crm_graph.resolvers.consents import consented
from crm_graph.resolvers.states import Moves, move
from crm_graph.schema.consents import ConsentChannel, ConsentPurpose
from crm_graph.schema.suggestions import SaleSuggestion, SuggestionStatus

MOVES: Final[Moves] = {SuggestionStatus.PROPOSED: (SuggestionStatus.RELEASED, SuggestionStatus.DISMISSED)}

_ADDRESSEE: Final = """
SELECT s.customer_id, c.name, c.email, p.name AS product, p.description, o.name AS organization, now() AS now
  FROM sale_suggestions s
  JOIN customers c ON c.organization_id = s.organization_id AND c.id = s.customer_id
  JOIN products p ON p.organization_id = s.organization_id AND p.id = s.product_id
  JOIN organizations o ON o.organization_id = s.organization_id
 WHERE s.organization_id = $1 AND s.id = $2 AND p.active"""


@mutation(SaleSuggestion, needs=INTERNAL)
async def release_suggestion(call: Call) -> Outcome:
    """Release a suggestion: the customer is written to, if they agreed to be, by mail and for suggestions."""
    return await _release(call, INTERNAL)


@mutation(SaleSuggestion, needs=INTERNAL)
async def dismiss_suggestion(call: Call) -> Outcome:
    """Dismiss a suggestion; the product is not suggested to this customer again."""
    return await _decide(call, SuggestionStatus.DISMISSED, "sale_suggestion.dismissed", {}, INTERNAL)


async def release(tx: Transaction, actor: Actor, suggestion: UUID) -> Outcome:
    """As `releaseSuggestion`, by the organisation's own rule."""
    return await _release(Call(tx, actor, suggestion, {}), None)


async def _release(call: Call, needs: Level | None) -> Outcome:
    connection, organization = await call.tx.raw(), call.actor.organization_id
    found = await connection.fetchrow(_ADDRESSEE, organization, call.row)
    purpose, channel = ConsentPurpose.SUGGESTIONS, ConsentChannel.EMAIL
    mail = None if found is None or found["email"] is None else _mail(found)
    told = (
        found is not None
        and mail is not None
        and await consented(connection, organization, found["customer_id"], purpose, channel)
    )
    values: dict[str, object] = {"told_at": found["now"]} if found and told else {}
    outcome = await _decide(call, SuggestionStatus.RELEASED, "sale_suggestion.released", values, needs)
    if mail is not None and told and outcome.effect is Effect.UPDATED:
        await post(connection, organization, mail)
    return outcome


async def _decide(
    call: Call, to: SuggestionStatus, event: str, values: dict[str, object], needs: Level | None
) -> Outcome:
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    decided = {"decided_at": now, "decided_by_id": call.actor.user_id, **values}
    return await move(call, SaleSuggestion, MOVES, to, event, decided, needs=needs)


def _mail(found: asyncpg.Record) -> Mail:
    about = f"\n{found['description']}\n" if found["description"] else ""
    body = (
        f"Hello {found['name']},\n\nas you agreed to hear what may suit you, {found['organization']} suggests:"
        f" {found['product']}.\n{about}\n"
        "You can withdraw your agreement at any time, in your account or by an answer to this mail.\n"
    )
    return Mail(found["email"], f"{found['organization']}: {found['product']}", body)
