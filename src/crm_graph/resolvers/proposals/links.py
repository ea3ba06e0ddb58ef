"""Links to a proposal's page: made for somebody, for some time, taken back at any time; kept only as their hash."""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from crm_graph import kinds
from crm_graph.auth.levels import INTERNAL
from crm_graph.documents.language import language
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Outcome, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, mutation
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.proposals.states import Facts, locked
from crm_graph.resolvers.secret_links import linked, new_link, revoke, works
from crm_graph.schema.proposal_links import ProposalLink
from crm_graph.schema.proposals import Proposal, ProposalStatus

PATH: Final = "/p"
MOST: Final = 20
"""Links of one proposal that work at the same time."""
USUAL: Final = dt.timedelta(days=60)
LONGEST: Final = dt.timedelta(days=366)
_REACHABLE: Final = (ProposalStatus.SENT, ProposalStatus.VIEWED, ProposalStatus.ACCEPTED)

_LIVE: Final = """
SELECT count(*) FROM proposal_links
 WHERE organization_id = $1 AND proposal_id = $2 AND revoked_at IS NULL AND expires_at > now()"""
_PAPER: Final = """
SELECT p.title, p.language, c.locale, o.name AS organization, o.hosts
  FROM proposals p JOIN customers c ON c.organization_id = p.organization_id AND c.id = p.customer_id
       JOIN organizations o ON o.organization_id = p.organization_id
 WHERE p.organization_id = $1 AND p.id = $2"""
_OPENED: Final = f"""
SELECT l.id, l.proposal_id, l.opened_at, p.addressee_id AS customer_id FROM proposal_links l
  JOIN proposals p ON p.organization_id = l.organization_id AND p.id = l.proposal_id
 WHERE {works("l")} AND p.addressee_id IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that works, and whose proposal it opens."""

    id: UUID
    proposal_id: UUID
    opened_at: dt.datetime | None
    customer_id: UUID
    """To whom it was sent."""


EXPIRES: Final = Argument("expires_at", kinds.DATETIME, f"Until when it works; {USUAL.days} days, if it is left out.")


@mutation(
    Proposal,
    Argument("recipient", kinds.EMAIL, "Mail the link to this address; if it is left out, only you are told it."),
    EXPIRES,
    needs=INTERNAL,
    once="url",
)
async def create_proposal_link(call: Call) -> Outcome:
    """Make a link to the page of a proposal that was sent: who has it reads, asks, accepts or declines there."""
    facts = await locked(call)
    if facts.status not in _REACHABLE:
        return refusal("STATE_REFUSED", f"It is {facts.status}: only a proposal that was sent has a page.")
    return await make_link(call, facts)


async def make_link(call: Call, facts: Facts) -> Outcome:
    """A link of a call's `recipient` and `expires_at`; it is told once, and mailed where there is a recipient."""
    expires_at = call.arguments.get("expires_at") or facts.now + USUAL
    assert isinstance(expires_at, dt.datetime)
    if not facts.now < expires_at <= facts.now + LONGEST:
        return Outcome.refused(invalid("A link works until some time within a year from now.", "expiresAt"))
    if await (await call.tx.raw()).fetchval(_LIVE, call.actor.organization_id, call.row) >= MOST:
        return refusal("TOO_MANY_LINKS", f"At most {MOST} links of a proposal work at a time: revoke one.")
    return await _made(call, facts, expires_at)


async def _made(call: Call, facts: Facts, expires_at: dt.datetime) -> Outcome:
    connection, recipient = await call.tx.raw(), call.arguments.get("recipient")
    paper = await connection.fetchrow(_PAPER, call.actor.organization_id, facts.id)
    assert paper is not None
    url, kept = new_link(call.tx, paper["hosts"], PATH)
    values = {
        "proposal_id": facts.id,
        "recipient": recipient,
        "made_by_id": call.actor.user_id,
        "expires_at": expires_at,
        "token_hash": kept,
    }
    made = await insert_fields(call.tx, call.actor, ProposalLink.__name__, values, request_id=call.request_id)
    if made.is_refused:
        return made
    if recipient is not None:
        words = language(paper["language"], paper["locale"]).words
        said = words["mail_link"].format(title=paper["title"], organization=paper["organization"], url=url)
        subject = f"{words['proposal']}: {paper['title']}"
        await post(connection, call.actor.organization_id, Mail(str(recipient), subject, said))
    return Outcome(made.effect, facts.id, once=url)


@mutation(ProposalLink, needs=INTERNAL)
async def revoke_proposal_link(call: Call) -> Outcome:
    """Take a link back: from now on it leads nowhere."""
    return await revoke(call, ProposalLink, "proposal.link_revoked")


async def opened(connection: "asyncpg.Connection[asyncpg.Record]", organization_id: UUID, token: str) -> Opened | None:
    """The link of this secret, if it works."""
    found = await linked(connection, _OPENED, organization_id, token)
    return None if found is None else Opened(**dict(found))


async def note_opened(call: Call, link: Opened) -> None:
    """Note that a browser opened it; only the first time."""
    if link.opened_at is None:
        now = await (await call.tx.raw()).fetchval("SELECT now()")
        await update_fields(
            call.tx, call.actor, ProposalLink.__name__, link.id, {"opened_at": now}, "proposal.link_opened"
        )
