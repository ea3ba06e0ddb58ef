"""Offering a lead, ending an offer, and what happens when nobody has accepted in time.

Whatever moves a lead between partners locks its row first, so that of an acceptance and the end of its time one is.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import Level
from crm_graph.db.ids import uuid7
from crm_graph.db.session import Transaction
from crm_graph.jobs.timers import clear_timer, set_timer, timer
from crm_graph.mail.outbox import Mail, post
from crm_graph.plan.changes import Outcome, certain
from crm_graph.plan.writes.write import insert_fields, update_fields
from crm_graph.resolvers.lead_offers.candidates import next_candidate
from crm_graph.resolvers.people import MAILED
from crm_graph.schema.leads import LeadOfferStatus, LeadStatus

EXPIRE: Final = "lead_offer.expire"
NEXT: Final = "lead.offer_next"

_LEAD: Final = """SELECT status, partner_id, accept_by, now() AS now
 FROM leads WHERE organization_id = $1 AND id = $2 FOR NO KEY UPDATE"""
_OFFER: Final = "SELECT id FROM lead_offers WHERE organization_id = $1 AND lead_id = $2 AND ended_at IS NULL"
_OFFERED: Final = "SELECT lead_id FROM lead_offers WHERE organization_id = $1 AND id = $2"
_LAST: Final = """SELECT by_rule, accept_by - offered_at AS given FROM lead_offers
 WHERE organization_id = $1 AND lead_id = $2 ORDER BY offered_at DESC, id DESC LIMIT 1"""
_TOLD: Final = """SELECT p.email, o.name FROM partners p JOIN organizations o ON o.organization_id = p.organization_id
 WHERE p.organization_id = $1 AND p.id = $2 AND p.email IS NOT NULL"""
_OWNER: Final = f"""SELECT u.name, u.email, o.name AS organization FROM leads l
  JOIN users u ON u.organization_id = l.organization_id AND u.id = l.owner_id
  JOIN organizations o ON o.organization_id = l.organization_id
 WHERE l.organization_id = $1 AND l.id = $2 AND {MAILED}"""


@dataclass(frozen=True, slots=True)
class Held:
    """A lead whose row is locked: which partner has it or is offered it, and by which offer, if by one."""

    status: LeadStatus
    partner_id: UUID | None
    accept_by: dt.datetime | None
    offer_id: UUID | None
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """To whom a lead is offered, and until when; `by_rule`: nobody said to whom."""

    partner_id: UUID
    accept_by: dt.datetime
    by_rule: bool
    offered_by_id: UUID | None = None


async def held(tx: Transaction, organization_id: UUID, lead: UUID) -> Held | None:
    """The lead as it is until the transaction ends; its offer is read once it is locked."""
    connection = await tx.raw()
    found = await connection.fetchrow(_LEAD, organization_id, lead)
    if found is None:
        return None
    offer = await connection.fetchval(_OFFER, organization_id, lead)
    return Held(LeadStatus(found["status"]), found["partner_id"], found["accept_by"], offer, found["now"])


async def offer(
    tx: Transaction,
    actor: Actor,
    lead: UUID,
    terms: Terms,
    now: dt.datetime,
    *,
    needs: Level | None = None,
    if_match: str | None = None,
    request_id: str | None = None,
) -> Outcome:
    """Offer a lead that no other offer is open for: its partner sees it from now on. `needs`: see `update_fields`."""
    values = {"partner_id": terms.partner_id, "accept_by": terms.accept_by, "status": LeadStatus.NEW.value}
    outcome = await update_fields(
        tx, actor, "Lead", lead, values, "lead.offered", needs=needs, if_match=if_match, request_id=request_id
    )
    if outcome.is_refused:
        return outcome
    made = {
        "lead_id": lead,
        "partner_id": terms.partner_id,
        "offered_at": now,
        "accept_by": terms.accept_by,
        "by_rule": terms.by_rule,
        "offered_by_id": terms.offered_by_id,
    }
    row = uuid7()
    noted = await insert_fields(tx, actor, "LeadOffer", made, row=row, request_id=request_id)
    await set_timer(tx, actor.organization_id, EXPIRE, row, terms.accept_by)
    connection = await tx.raw()
    told = await connection.fetchrow(_TOLD, actor.organization_id, terms.partner_id)
    if told is not None:
        body = f"A lead is yours if you accept it by {terms.accept_by:%d %b %Y, %H:%M} UTC: see your leads.\n"
        await post(connection, actor.organization_id, Mail(told["email"], f"{told['name']}: a lead for you", body))
    return noted if noted.is_refused else outcome


async def end(
    tx: Transaction,
    actor: Actor,
    row: UUID,
    now: dt.datetime,
    status: LeadOfferStatus | None,
    values: dict[str, object] | None = None,
) -> None:
    """End an offer; one that was accepted stays so (`status`: none)."""
    written = {**(values or {}), "ended_at": now, **({"status": status.value} if status else {})}
    event = f"lead_offer.{status.value.lower() if status else 'ended'}"
    certain(await update_fields(tx, actor, "LeadOffer", row, written, event))
    await clear_timer(tx, actor.organization_id, EXPIRE, row)


@timer(EXPIRE)
async def expire(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Take back a lead that was not accepted in time, and go on with it."""
    lead = await (await tx.raw()).fetchval(_OFFERED, actor.organization_id, row)
    at = await held(tx, actor.organization_id, lead) if lead is not None else None
    if at is None or at.offer_id != row or at.accept_by is None or at.accept_by > at.now:
        return
    await end(tx, actor, row, at.now, LeadOfferStatus.EXPIRED)
    free: dict[str, object] = {"partner_id": None, "accept_by": None}
    certain(await update_fields(tx, actor, "Lead", lead, free, "lead.offer_expired"))
    await go_on(tx, actor, lead)


@timer(NEXT)
async def go_on(tx: Transaction, actor: Actor, row: UUID) -> None:
    """Offer a lead that nobody has to the next partner, for as long as to the last; else tell its owner."""
    at = await held(tx, actor.organization_id, row)
    if at is None or at.partner_id is not None or at.status is not LeadStatus.NEW:
        return
    connection = await tx.raw()
    last = await connection.fetchrow(_LAST, actor.organization_id, row)
    partner = await next_candidate(tx, actor.organization_id, row) if last is not None and last["by_rule"] else None
    if last is not None and partner is not None:
        certain(await offer(tx, actor, row, Terms(partner, at.now + last["given"], by_rule=True), at.now))
        return
    owner = await connection.fetchrow(_OWNER, actor.organization_id, row)
    if owner is not None:
        body = (
            f"Hello {owner['name']},\n\nno partner has accepted a lead of yours at {owner['organization']}: it is with"
            " you again.\nLook at your leads that are NEW and have no partner; `offers` says who was asked.\n"
        )
        await post(connection, actor.organization_id, Mail(owner["email"], "A lead is with you again", body))
