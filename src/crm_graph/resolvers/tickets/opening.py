"""Tickets are opened on any channel: by customers for themselves, by partners for customers shared with them, by staff.

`opened` is for whoever has made sure who asks, for whom: the mutation here, and mail.
"""

import datetime as dt
import secrets
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from crm_graph import kinds
from crm_graph.auth.actor import Actor
from crm_graph.auth.levels import INTERNAL, PARTNER, Level
from crm_graph.auth.policy import Policy
from crm_graph.auth.rows import Rule
from crm_graph.declaration import choice_kind
from crm_graph.markers import camel
from crm_graph.plan.access.visibility import find
from crm_graph.plan.changes import Effect, Outcome, UserError, denied, invalid, refusal
from crm_graph.plan.mutations import Argument, Call, may_write, mutation
from crm_graph.plan.writes.write import insert_fields
from crm_graph.resolvers.tickets.changed import TicketChange, What, ticket_changed
from crm_graph.resolvers.tickets.complaints import watch
from crm_graph.resolvers.tickets.messages import Said, insert, wrong_body
from crm_graph.resolvers.tickets.priority import priority_of
from crm_graph.resolvers.tickets.routing import Asked, give, queue_of, route, value_of
from crm_graph.resolvers.tickets.sides import as_customer
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.ticket_states import IS_OPEN
from crm_graph.schema.tickets import MessageSide, Ticket, TicketGrade

MOST: Final = 50
"""Tickets of a customer that may be open at a time before they open no more; a partner, of those that it opened."""
LONGEST_SUBJECT: Final = 255
_NUMBERS: Final = 10**8
_KEY: Final = ("source", "external_id")
_TAKEN: Final = "SELECT EXISTS (SELECT FROM tickets WHERE organization_id = $1 AND number = $2)"
_OPEN: Final = f"""
SELECT count(*) FROM tickets WHERE organization_id = $1 AND customer_id = $2 AND status {IS_OPEN}
   AND ($3::uuid IS NULL OR partner_id = $3)"""
_ABOUT: Final = """
SELECT c.locale, o.customer_id AS order_customer, s.customer_id AS sale_customer, now() AS now
  FROM customers c
  LEFT JOIN orders o ON o.organization_id = $1 AND o.id = $3
  LEFT JOIN opportunities s ON s.organization_id = $1 AND s.id = $4
 WHERE c.organization_id = $1 AND c.id = $2"""


@dataclass(frozen=True, slots=True)
class New:
    """A ticket to be opened, with its first message; what is left out is as it is for most."""

    customer_id: UUID
    subject: str
    said: Said
    channel: Channel = Channel.WEB
    type: TicketType = TicketType.QUESTION
    to_management: bool = False
    partner_id: UUID | None = None
    order_id: UUID | None = None
    product_id: UUID | None = None
    opportunity_id: UUID | None = None
    language: str | None = None
    impact: TicketGrade = TicketGrade.MEDIUM
    urgency: TicketGrade = TicketGrade.MEDIUM
    queue_id: UUID | None = None
    further: dict[str, object] = field(default_factory=dict)
    """Further columns."""


async def opened(call: Call, new: New) -> Outcome:
    """Open a ticket as the call's row: routed, given to somebody, with its first message, in one transaction."""
    unfit = wrong_subject(new.subject) or wrong_body(new.said.body)
    if unfit is not None:
        return unfit
    organization = call.actor.organization_id
    connection = await call.tx.raw()
    about = await connection.fetchrow(_ABOUT, organization, new.customer_id, new.order_id, new.opportunity_id)
    assert about is not None, "the customer was seen in this transaction"
    for name, customer in (("orderId", about["order_customer"]), ("opportunityId", about["sale_customer"])):
        if customer not in (None, new.customer_id):
            return Outcome.refused(invalid("This is another customer's.", name))
    language = new.language or about["locale"]
    asked = Asked(
        new.customer_id, new.channel.value, new.type.value, language, new.product_id, new.order_id, new.to_management
    )
    way = await route(call.tx, organization, asked)
    if new.queue_id is not None:
        chosen = await queue_of(call.tx, organization, new.queue_id)
        if not chosen.active:
            return refusal("STATE_REFUSED", "No tickets go into this queue any more.", "queueId")
        way = replace(way, queue_id=new.queue_id, team_id=chosen.team_id)
    value = await value_of(call.tx, organization, new.customer_id)
    from_customer = new.said.side is not MessageSide.STAFF
    values: dict[str, object] = {
        "number": await free_number(call),
        "subject": new.subject.strip(),
        "type": new.type.value,
        "to_management": new.to_management,
        "customer_id": new.customer_id,
        "partner_id": new.partner_id,
        "order_id": new.order_id,
        "product_id": new.product_id,
        "opportunity_id": new.opportunity_id,
        "language": language,
        "channel": new.channel.value,
        "impact": new.impact.value,
        "urgency": new.urgency.value,
        "customer_value": value.value,
        "raised_by": way.raise_by,
        "priority": priority_of(new.impact, new.urgency, value, way.raise_by).value,
        "tags": list(way.tags),
        "skills": list(way.skills),
        "queue_id": way.queue_id,
        "team_id": way.team_id,
        "assignee_id": await give(call.tx, organization, way.queue_id, way.skills),
        "opened_by_id": call.actor.user_id,
        "opened_at": about["now"],
        "last_customer_message_at": about["now"] if from_customer else None,
        **new.further,
    }
    made = await insert_fields(
        call.tx, call.actor, Ticket.__name__, values, row=call.row, event="ticket.opened", request_id=call.request_id
    )
    if made.is_refused:
        return made
    return await _first(call, new, about["now"])


async def _first(call: Call, new: New, now: dt.datetime) -> Outcome:
    """Its first message, and what follows of its being there."""
    first = await insert(call, call.row, new.said, new.channel, "ticket_message.asked")
    if first.is_refused:
        return first
    if new.to_management:
        await watch(call.tx, call.actor, call.row, now)
    await ticket_changed(call.tx, call.actor, TicketChange(call.row, What.OPENED, first.id))
    return Outcome(Effect.CREATED, call.row)


def wrong_subject(subject: str) -> Outcome | None:
    """What is wrong with a subject."""
    if 1 <= len(subject.strip()) <= LONGEST_SUBJECT:
        return None
    return Outcome.refused(invalid(f"A subject has 1 to {LONGEST_SUBJECT} characters.", "subject"))


async def free_number(call: Call) -> str:
    """A number nobody can guess the next one from; drawn again where it is taken."""
    connection = await call.tx.raw()
    while True:
        number = f"T-{secrets.randbelow(_NUMBERS - _NUMBERS // 10) + _NUMBERS // 10}"
        if not await connection.fetchval(_TAKEN, call.actor.organization_id, number):
            return number


def _makes(policy: Policy, rule: Rule | None, level: Level) -> bool:
    grants = (g for g in policy.on(Ticket.__name__) if g.create and rule in (None, g.rule))
    return any(g.write is not None and g.write >= level for g in grants)


def _opens(policy: Policy) -> bool:
    """Whether a caller opens tickets: their own, for customers of their partner, or any."""
    return as_customer(policy) or _makes(policy, Rule.PARTNER, PARTNER) or _makes(policy, None, INTERNAL)


_OF_STAFF: Final = ("opportunity_id", "impact", "urgency", "queue_id", "source", "external_id")
"""Arguments that only staff give."""


@mutation(
    Ticket,
    Argument("customer_id", kinds.ID, "Who asks; of a customer who is signed in: they themselves.", ref="Customer"),
    Argument("subject", kinds.STRING, "What it is about.", required=True),
    Argument("body", kinds.STRING, "What is asked, as all who see the ticket read it.", required=True),
    Argument("type", choice_kind(TicketType), "What the customer wants; a question, if it is left out."),
    Argument("to_management", kinds.BOOLEAN, "Whether it is a complaint to the management."),
    Argument("channel", choice_kind(Channel), "Channel it came through; of a partner PARTNER, else WEB if left out."),
    Argument("language", kinds.LOCALE, "Language to answer in; the customer's, if it is left out."),
    Argument("order_id", kinds.ID, "The order it is about.", ref="Order"),
    Argument("product_id", kinds.ID, "The product it is about.", ref="Product"),
    Argument("opportunity_id", kinds.ID, "For staff: the opportunity it touches.", ref="Opportunity"),
    Argument("impact", choice_kind(TicketGrade), "For staff: how far it reaches."),
    Argument("urgency", choice_kind(TicketGrade), "For staff: how soon it matters."),
    Argument(
        "queue_id", kinds.ID, "For staff: the queue it goes to, instead of what the rules say.", ref="TicketQueue"
    ),
    Argument("source", kinds.STRING, "For staff: the system that the ticket comes from."),
    Argument(
        "external_id", kinds.STRING, "For staff: its key there; a ticket that has it already is not opened again."
    ),
    needs=None,
    offered=_opens,
    creates=True,
)
async def open_ticket(call: Call) -> Outcome:
    """Open a ticket: it gets its number, priority and queue, and whoever is to deal with it, at once."""
    given, actor, side = call.arguments, call.actor, _side(call.actor)
    if side is None:
        return Outcome.refused(denied())
    unfit = await _faults(call, side) or await _known(call)
    if unfit is not None:
        return unfit
    complaint, by_partner = bool(given.get("to_management")), side is MessageSide.PARTNER
    channel = Channel.PARTNER if by_partner else Channel(str(given.get("channel") or Channel.WEB))
    new = New(
        _id(given.get("customer_id") or actor.customer_id),
        str(given["subject"]),
        Said(str(given["body"]), MessageSide.PARTNER if by_partner else MessageSide.CUSTOMER, author_id=actor.user_id),
        channel,
        TicketType(str(given.get("type") or (TicketType.COMPLAINT if complaint else TicketType.QUESTION))),
        complaint,
        actor.partner_id if by_partner else None,
        _some_id(given.get("order_id")),
        _some_id(given.get("product_id")),
        _some_id(given.get("opportunity_id")),
        str(given["language"]) if "language" in given else None,
        TicketGrade(str(given.get("impact") or TicketGrade.MEDIUM)),
        TicketGrade(str(given.get("urgency") or TicketGrade.MEDIUM)),
        _some_id(given.get("queue_id")),
        {name: str(given[name]) for name in _KEY if name in given},
    )
    made = await opened(call, new)
    if side is MessageSide.STAFF and not made.is_refused:
        made_so = await may_write(call.tx, actor, Ticket, call.row, INTERNAL)
        return made if made_so else Outcome.refused(denied())
    return made


def _side(actor: Actor) -> MessageSide | None:
    """On which side the caller opens tickets; `None`: on none."""
    if actor.customer_id is not None:
        return MessageSide.CUSTOMER if as_customer(actor.policy) else None
    if actor.partner_id is not None:
        return MessageSide.PARTNER if _makes(actor.policy, Rule.PARTNER, PARTNER) else None
    return MessageSide.STAFF if _makes(actor.policy, None, INTERNAL) else None


async def _known(call: Call) -> Outcome | None:
    """The ticket that was opened under the same key before, where the caller sees it."""
    key = {name: str(call.arguments[name]) for name in _KEY if name in call.arguments}
    if len(key) == 1:
        return Outcome.refused(invalid("Source and key are given together.", camel(next(iter(key)))))
    found = await find(call.tx, call.actor, Ticket, key) if key else None
    return None if found is None else Outcome(Effect.UNCHANGED, found)


async def _faults(call: Call, side: MessageSide) -> Outcome | None:
    """What is wrong with what a caller gives, or cannot be from where they are."""
    given, outside = call.arguments, side is not MessageSide.STAFF
    errors = [UserError("WRITE_ACCESS_DENIED", "Only staff say this.", (camel(n),)) for n in _OF_STAFF if n in given]
    if outside and errors:
        return Outcome.refused(*errors)
    customer = given.get("customer_id") or call.actor.customer_id
    if customer is None:
        return Outcome.refused(invalid("A customer is needed.", "customerId"))
    if side is MessageSide.CUSTOMER and customer != call.actor.customer_id:
        return refusal("REFERENCE_NOT_FOUND", "customerId names no record that you can see.", "customerId")
    if given.get("to_management") and given.get("type") not in (None, TicketType.COMPLAINT):
        return Outcome.refused(invalid("What goes to the management is a COMPLAINT.", "type"))
    asker = call.actor.organization_id, customer, call.actor.partner_id
    if outside and await (await call.tx.raw()).fetchval(_OPEN, *asker) >= MOST:
        return refusal("TOO_MANY_TICKETS", f"{MOST} tickets are open already: write on one of them.")
    return None


def _id(value: object) -> UUID:
    assert isinstance(value, UUID)
    return value


def _some_id(value: object) -> UUID | None:
    return None if value is None else _id(value)
