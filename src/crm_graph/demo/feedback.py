"""What customers said when they were asked: about tickets that were resolved, and whether they would recommend us.

It comes last and has dice of its own, so that all else stays as it is.
"""

import hashlib
from datetime import datetime, timedelta
from random import Random

from crm_graph.demo.business import Business
from crm_graph.demo.rows import Row
from crm_graph.resolvers.feedback.links import WORKS
from crm_graph.resolvers.quarters import period
from crm_graph.schema.customers import Customer
from crm_graph.schema.feedback import RelationshipRating, TicketRating
from crm_graph.schema.tickets import Ticket

RATED = 0.35
"""How many of those who are asked about a ticket answer."""
SURVEYED = 0.08
ANSWERED = 0.4
COMMENTS = {
    1: "Nobody called back.",
    2: "It took three weeks.",
    3: "In the end it worked.",
    4: "Quick and friendly.",
    5: "Solved on the telephone, within minutes. Thank you!",
}


def hear(business: Business) -> None:
    """Add what was asked and answered."""
    random = business.dice("feedback")
    emails = {row["id"]: row["email"] for row in business.rows.of[Customer.__name__]}
    for row in business.rows.of[Ticket.__name__]:
        if row["resolved_at"] is not None and emails[row["customer_id"]] is not None:
            _rate(business, random, row, emails[row["customer_id"]])
    for row in business.rows.of[Customer.__name__]:
        if row["email"] is not None and random.random() < SURVEYED:
            _survey(business, random, row)


def _rate(business: Business, random: Random, ticket: Row, email: object) -> None:
    asked = ticket["resolved_at"]
    assert isinstance(asked, datetime)
    rated = asked + timedelta(hours=random.randint(1, 70))
    score = random.choices(range(1, 6), (4, 6, 12, 33, 45))[0]
    answered = rated < business.calendar.now and random.random() < RATED
    business.rows.add(
        TicketRating, asked, updated_at=rated if answered else asked, ticket_id=ticket["id"], recipient=email,
        expires_at=asked + WORKS, token_hash=_nobodys(business, "rating", ticket["id"]),
        **(_said(ticket, score, rated, random) if answered else {}),
    )  # fmt: skip


def _said(ticket: Row, score: int, rated: datetime, random: Random) -> Row:
    comment = COMMENTS[score] if random.random() < 0.3 else None
    return {
        "score": score,
        "comment": comment,
        "rated_at": rated,
        "agent_id": ticket["assignee_id"],
        "team_id": ticket["team_id"],
    }


def _survey(business: Business, random: Random, customer: Row) -> None:
    began = customer["created_at"]
    assert isinstance(began, datetime)
    asked = max(began + timedelta(days=1), business.calendar.now - timedelta(days=random.randint(1, 200)))
    if asked >= business.calendar.now:
        return
    answered = asked + timedelta(hours=random.randint(1, 90))
    score = random.choices(range(11), (2, 1, 1, 2, 2, 5, 6, 14, 22, 25, 20))[0]
    says = answered < business.calendar.now and random.random() < ANSWERED
    business.rows.add(
        RelationshipRating, asked, updated_at=answered if says else asked, customer_id=customer["id"],
        period=period(asked.date()), recipient=customer["email"], expires_at=asked + WORKS,
        token_hash=_nobodys(business, "survey", customer["id"]),
        score=score if says else None, answered_at=answered if says else None,
    )  # fmt: skip


def _nobodys(business: Business, what: str, row: object) -> str:
    """The hash of a secret that nobody has."""
    return hashlib.sha256(f"{business.seed}/{what}/{row}".encode()).hexdigest()
