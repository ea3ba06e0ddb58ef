"""What is asked about a proposal, by who signs in or on its page, and what is answered."""

from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.auth.policy import Policy
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Outcome, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.people import MAILED
from crm_graph.resolvers.proposals.states import locked
from crm_graph.schema.proposal_links import ProposalQuestion
from crm_graph.schema.proposals import Proposal

LONGEST: Final = 4000
MOST: Final = 50
"""Questions that one proposal takes."""

_COUNT: Final = "SELECT count(*) FROM proposal_questions WHERE organization_id = $1 AND proposal_id = $2"
_OWNER: Final = f"""
SELECT u.email, p.title, p.number FROM proposals p JOIN users u ON u.organization_id = p.organization_id
   AND u.id = p.owner_id AND {MAILED}
 WHERE p.organization_id = $1 AND p.id = $2"""
_NAME: Final = "SELECT name FROM users WHERE organization_id = $1 AND id = $2"


async def ask(call: Call, name: str, question: str) -> Outcome:
    """Keep a question of the addressee, and mail it to the proposal's owner. Who asks was made sure of before."""
    facts, question = await locked(call), question.strip()
    if not 1 <= len(question) <= LONGEST:
        return Outcome.refused(invalid(f"A question has 1 to {LONGEST} characters.", "question"))
    if await (await call.tx.raw()).fetchval(_COUNT, call.actor.organization_id, facts.id) >= MOST:
        return refusal("TOO_MANY_QUESTIONS", "Too many questions were asked already: write or call, please.")
    values = {"proposal_id": facts.id, "question": question, "asked_by": name, "asked_at": facts.now}
    asked = await insert_fields(
        call.tx, call.actor, ProposalQuestion.__name__, values, event="proposal.asked", request_id=call.request_id
    )
    if not asked.is_refused:
        await tell_owner(call, facts.id, "A question about {title} ({number})", f"{name} asks:\n\n{question}\n")
    return asked


async def tell_owner(call: Call, proposal: UUID, subject: str, body: str) -> None:
    """Mail to the owner of a proposal, if there is one who can be mailed to."""
    connection = await call.tx.raw()
    owner = await connection.fetchrow(_OWNER, call.actor.organization_id, proposal)
    if owner is not None:
        said = subject.format(title=owner["title"], number=owner["number"])
        await post(connection, call.actor.organization_id, Mail(owner["email"], said, body))


def _reads(policy: Policy) -> bool:
    return bool(policy.on(Proposal.__name__))


@mutation(
    Proposal,
    Argument("question", kinds.STRING, "What you want to know.", required=True),
    needs=None,
    offered=_reads,
)
async def ask_about_proposal(call: Call) -> Outcome:
    """Ask a question about a proposal that is addressed to you; its owner is told by mail."""
    connection, facts = await call.tx.raw(), await locked(call)
    if call.actor.customer_id is None or facts.addressee_id != call.actor.customer_id:
        return Outcome.refused(denied())
    name = await connection.fetchval(_NAME, call.actor.organization_id, call.actor.user_id)
    asked = await ask(call, name or "", str(call.arguments["question"]))
    return asked if asked.is_refused else Outcome(asked.effect, facts.id)


@mutation(
    ProposalQuestion,
    Argument("answer", kinds.STRING, "The answer, as the customer reads it.", required=True),
    needs=INTERNAL,
)
async def answer_proposal_question(call: Call) -> Outcome:
    """Answer a question about a proposal; the answer shows on its page. Answering again replaces the answer."""
    answer = str(call.arguments["answer"]).strip()
    if not 1 <= len(answer) <= LONGEST:
        return Outcome.refused(invalid(f"An answer has 1 to {LONGEST} characters.", "answer"))
    now = await (await call.tx.raw()).fetchval("SELECT now()")
    values = {"answer": answer, "answered_at": now, "answered_by_id": call.actor.user_id}
    return await update_fields(
        call.tx, call.actor, ProposalQuestion.__name__, call.row, values, "proposal.answered",
        if_match=call.if_match, request_id=call.request_id,
    )  # fmt: skip
