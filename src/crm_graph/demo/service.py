"""What customers asked the service desk, and the messages that went to and fro."""

import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from random import Random
from typing import NamedTuple, TypedDict
from uuid import UUID

from crm_graph.demo.business import Business, Buyer, Employee
from crm_graph.demo.rows import Row
from crm_graph.resolvers.tickets.states import CONFIRMED_WITHIN
from crm_graph.schema.orders import Channel
from crm_graph.schema.ticket_queues import TicketType
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import MessageSide, Ticket, TicketClosing, TicketGrade, TicketMessage, TicketPriority

CHANNELS = (Channel.WEB, Channel.MAIL, Channel.PHONE, Channel.MOBILE, Channel.CHAT), (30, 25, 25, 12, 8)
GRADES = {
    TicketPriority.LOW: (TicketGrade.LOW, TicketGrade.MEDIUM),
    TicketPriority.NORMAL: (TicketGrade.MEDIUM, TicketGrade.MEDIUM),
    TicketPriority.HIGH: (TicketGrade.MEDIUM, TicketGrade.HIGH),
    TicketPriority.URGENT: (TicketGrade.HIGH, TicketGrade.HIGH),
}
"""Impact and urgency that come to a priority."""


class _Topic(TypedDict):
    subject: str
    type: str
    priority: str
    ask: str
    internal: str
    answer: str
    thanks: str


class _Message(NamedTuple):
    sent_at: datetime
    public: bool
    body: str
    author_id: UUID | None

    @property
    def side(self) -> MessageSide:
        return MessageSide.CUSTOMER if self.author_id is None else MessageSide.STAFF


def serve(business: Business) -> None:
    """Add all tickets with their messages."""
    random = business.dice("tickets")
    text = files("crm_graph.demo").joinpath("service.toml").read_text(encoding="utf-8")
    topics: list[_Topic] = tomllib.loads(text)["topic"]
    asking = [b for b in business.buyers if b.orders or random.random() < 0.1]
    weights = [1.0 + len(b.orders) for b in asking]
    customer = business.anchors.get("customer")
    drawn = random.choices(asking, weights, k=business.size.tickets - (2 if customer else 0))
    numbers = list(business.numbers("tickets", "T", business.size.tickets))
    for buyer in drawn:
        asked = business.calendar.between(buyer.created_at, business.calendar.now)
        _serve(business, random, buyer, random.choice(topics), asked, numbers.pop())
    if customer:
        for topic, low, high in ((topics[2], -90, -60), (topics[7], -4, -3)):
            asked = business.calendar.after(business.calendar.now, low, high)
            _serve(business, random, customer, topic, asked, numbers.pop(), noted=True)


def _serve(
    business: Business,
    random: Random,
    buyer: Buyer,
    topic: _Topic,
    asked: datetime,
    number: str,
    *,
    noted: bool = False,
) -> None:
    agent = random.choice(business.agents)
    earlier = [order for order, placed in buyer.orders if placed <= asked]
    messages = _messages(business, random, topic, asked, agent, noted=noted)
    age = business.calendar.now - asked
    status = _status(random, age, answered=len(messages) > 1)
    resolved = None
    if status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        resolved = messages[-1].sent_at
    taken = status is not TicketStatus.NEW
    channel, priority = random.choices(*CHANNELS)[0], TicketPriority(topic["priority"])
    told = messages if taken else messages[:1]
    impact, urgency = GRADES[priority]
    ticket = business.rows.add(
        Ticket,
        asked,
        updated_at=messages[-1].sent_at if taken else asked,
        number=number,
        subject=_filled(random, topic["subject"], asked),
        customer_id=buyer.id,
        order_id=random.choice(earlier) if earlier and random.random() < 0.7 else None,
        channel=channel,
        type=TicketType(topic["type"]),
        language=buyer.row["locale"],
        status=status,
        impact=impact,
        urgency=urgency,
        priority=priority,
        opened_at=asked,
        resolved_at=resolved,
        assignee_id=agent.id if taken else None,
        team_id=business.service_team_id,
        tags=[],
        skills=[],
        **_stamps(status, told, resolved),
    )
    for message in told:
        business.rows.add(
            TicketMessage,
            message.sent_at,
            ticket_id=ticket,
            **message._asdict(),
            side=message.side,
            channel=channel,
        )


def _stamps(status: TicketStatus, told: list[_Message], resolved: datetime | None) -> Row:
    """When what was done, as the messages tell it."""
    answers = [message.sent_at for message in told if message.public and message.side is MessageSide.STAFF]
    asked = [message.sent_at for message in told if message.side is MessageSide.CUSTOMER]
    return {
        "first_answered_at": answers[0] if answers else None,
        "last_answer_at": answers[-1] if answers else None,
        "last_customer_message_at": asked[-1],
        "waiting_since": told[-1].sent_at if status is TicketStatus.WAITING else None,
        "confirm_until": resolved + CONFIRMED_WITHIN if resolved else None,
        "closed_because": _closing(told) if status is TicketStatus.CLOSED else None,
        "closed_at": resolved + CONFIRMED_WITHIN if resolved and status is TicketStatus.CLOSED else None,
    }


def _closing(told: list[_Message]) -> TicketClosing:
    return TicketClosing.CONFIRMED if told[-1].side is MessageSide.CUSTOMER else TicketClosing.TIMED_OUT


def _status(random: Random, age: timedelta, *, answered: bool) -> TicketStatus:
    if not answered or (age < timedelta(days=3) and random.random() < 0.6):
        return TicketStatus.NEW
    if age < timedelta(days=9):
        return random.choice((TicketStatus.OPEN, TicketStatus.WAITING, TicketStatus.RESOLVED))
    if random.random() < 0.03:
        return random.choice((TicketStatus.OPEN, TicketStatus.WAITING))
    return TicketStatus.CLOSED if age > timedelta(days=30) else TicketStatus.RESOLVED


def _messages(
    business: Business, random: Random, topic: _Topic, asked: datetime, agent: Employee, *, noted: bool
) -> list[_Message]:
    """What was said until now; an internal note is `noted` mostly, or for certain."""
    told = [_Message(asked, True, _filled(random, topic["ask"], asked), None)]
    replies: tuple[tuple[str, bool, UUID | None, float], ...] = (
        (topic["internal"], False, agent.id, 1.0 if noted else 0.8),
        (topic["answer"], True, agent.id, 1.0),
        (topic["thanks"], True, None, 0.6),
    )
    moment = asked
    for body, public, author, odds in replies:
        if random.random() < odds:
            moment = business.calendar.after(moment, 0.05, 1.2)
            told.append(_Message(moment, public, _filled(random, body, asked), author))
    return [message for message in told if message.sent_at <= business.calendar.now]


def _filled(random: Random, text: str, asked: datetime) -> str:
    return text.format(code=random.randint(102, 480), day=f"{asked + timedelta(days=random.randint(3, 8)):%A}")
