"""Whether articles help: one vote of each reader; of readers who are not signed in, one a day from each address."""

import hashlib
from typing import Final

from crm_graph import kinds
from crm_graph.auth.policy import Policy
from crm_graph.auth.throttle.attempts import Bucket, take
from crm_graph.plan.changes import Effect, Outcome, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.knowledge.states import Facts, locked
from crm_graph.schema.knowledge import ArticleVote, KnowledgeArticle

A_DAY: Final = 86_400.0
FROM_AN_ADDRESS: Final = 20
"""Votes that nobody signed for, from one address in a day."""
_VOTE: Final = "SELECT id, helpful FROM article_votes WHERE organization_id = $1 AND voter = $2"


def _reads(policy: Policy) -> bool:
    return bool(policy.on(KnowledgeArticle.__name__))


@mutation(
    KnowledgeArticle,
    Argument("helpful", kinds.BOOLEAN, "Whether it helped.", required=True),
    needs=None,
    offered=_reads,
)
async def vote_on_article(call: Call) -> Outcome:
    """Say whether a published article helped. Each reader has one vote, and may change it."""
    facts = await locked(call)
    if facts.published_to is None:
        return refusal("STATE_REFUSED", "It is not published.")
    voted = await (_anonymous(call, facts) if call.actor.user_id is None else _of_reader(call, facts))
    return voted if voted.is_refused else Outcome(voted.effect, call.row)


async def _of_reader(call: Call, facts: Facts) -> Outcome:
    voter = hashlib.sha256(f"{facts.id}/{call.actor.user_id}".encode()).hexdigest()
    found = await (await call.tx.raw()).fetchrow(_VOTE, call.actor.organization_id, voter)
    if found is None:
        return await _cast(call, facts, voter)
    if found["helpful"] == call.arguments["helpful"]:
        return Outcome(Effect.UNCHANGED, call.row)
    return await update_fields(
        call.tx, call.actor, ArticleVote.__name__, found["id"], {"helpful": call.arguments["helpful"]},
        "knowledge.voted", request_id=call.request_id,
    )  # fmt: skip


async def _anonymous(call: Call, facts: Facts) -> Outcome:
    buckets = [
        Bucket.of("article votes", (str(facts.id), call.address), 1, A_DAY),
        Bucket.of("article voters", call.address, FROM_AN_ADDRESS, A_DAY / FROM_AN_ADDRESS),
    ]
    if await take(call.tx, call.actor.organization_id, buckets) > 0:
        return refusal("TOO_MANY_VOTES", "There was a vote from here already. Sign in to change yours.")
    return await _cast(call, facts, None)


async def _cast(call: Call, facts: Facts, voter: str | None) -> Outcome:
    values = {"article_id": facts.id, "helpful": call.arguments["helpful"], "voter": voter}
    return await insert_fields(
        call.tx, call.actor, ArticleVote.__name__, values, event="knowledge.voted", request_id=call.request_id
    )
