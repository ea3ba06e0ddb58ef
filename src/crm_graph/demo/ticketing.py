"""The service desk's queues, rules and macros, and what became of some tickets beside being answered."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from crm_graph.demo.business import Business, Buyer
from crm_graph.demo.rows import Row
from crm_graph.resolvers.tickets.priority import priority_of
from crm_graph.schema.customers import LifecycleStage
from crm_graph.schema.key_accounts import KeyAccount
from crm_graph.schema.orders import Channel
from crm_graph.schema.shares import CustomerShare
from crm_graph.schema.ticket_queues import (
    QueueMember,
    RoutingRule,
    TicketAssignment,
    TicketMacro,
    TicketNextState,
    TicketQueue,
    TicketType,
)
from crm_graph.schema.ticket_states import TicketStatus
from crm_graph.schema.tickets import CustomerValue, MessageSide, Ticket, TicketCollaborator, TicketGrade, TicketMessage

DESK, TECHNICAL, KEYS, MANAGEMENT = "Service Desk", "Technical Support", "Key Accounts", "Management"
QUEUES: Final = {
    DESK: TicketAssignment.ROUND_ROBIN,
    TECHNICAL: TicketAssignment.SKILLS,
    KEYS: TicketAssignment.LEAST_LOADED,
    MANAGEMENT: TicketAssignment.MANUAL,
}
SKILLS: Final = (["inverters", "de"], ["charging", "en"], ["inverters", "charging", "de", "en"])
MACROS: Final[tuple[Row, ...]] = (
    {
        "name": "Ask for the serial number",
        "body": "Dear {customer},\n\nplease send us the serial number of the inverter: it is on its left side.",
        "public": True,
        "becomes": TicketNextState.WAITING,
        "tags": ["serial-number"],
    },
    {
        "name": "Firmware 4.2",
        "body": "Known problem of firmware 4.2: restart helps until the update on Thursday.",
        "public": False,
        "becomes": TicketNextState.ON_HOLD,
        "tags": ["firmware-4.2"],
    },
    {
        "name": "It is updated",
        "body": "Dear {customer},\n\nthe update is installed. If anything about {number} is still open, just answer.",
        "public": True,
        "becomes": TicketNextState.RESOLVED,
        "tags": [],
    },
)


def arrange(business: Business) -> None:
    """Add queues, rules and macros; give each ticket its queue; make some complaints, incidents and merged ones."""
    queues = _queues(business)
    _rules(business, queues)
    for macro in MACROS:
        business.rows.add(TicketMacro, business.calendar.start, **macro)
    keys = {row["customer_id"] for row in business.rows.of[KeyAccount.__name__]}
    loyal = {b.id for b in business.buyers if b.row["stage"] in (LifecycleStage.LOYAL, LifecycleStage.WON_BACK)}
    tickets = business.rows.of[Ticket.__name__]
    for row in tickets:
        key = row["customer_id"] in keys
        high = CustomerValue.HIGH if row["customer_id"] in loyal else CustomerValue.STANDARD
        row["customer_value"] = value = CustomerValue.KEY if key else high
        row["queue_id"] = queues[KEYS if key else TECHNICAL if row["type"] is TicketType.PROBLEM else DESK]
        impact, urgency = row["impact"], row["urgency"]
        assert isinstance(impact, TicketGrade)
        assert isinstance(urgency, TicketGrade)
        row["priority"] = priority_of(impact, urgency, value)
    _unfinished(business, tickets)
    _complain(business, queues[MANAGEMENT])
    _by_partners(business, queues[DESK])


def _queues(business: Business) -> dict[str, UUID]:
    found = {}
    for name, assignment in QUEUES.items():
        found[name] = business.rows.add(
            TicketQueue,
            business.calendar.start,
            name=name,
            team_id=business.service_team_id,
            assignment=assignment,
            to_management=name == MANAGEMENT,
        )
    for place, agent in enumerate(business.agents):
        for name in (DESK, TECHNICAL, KEYS) if place == 0 else (DESK, TECHNICAL):
            skills = SKILLS[place % len(SKILLS)]
            business.rows.add(
                QueueMember,
                business.calendar.start,
                queue_id=found[name],
                user_id=agent.id,
                skills=skills,
                capacity=40,
            )
    assert business.service_lead is not None
    business.rows.add(
        QueueMember, business.calendar.start, queue_id=found[MANAGEMENT], user_id=business.service_lead.id, skills=[]
    )
    return found


def _rules(business: Business, queues: dict[str, UUID]) -> None:
    rules: tuple[Row, ...] = (
        {"name": "Key accounts", "key_account": True, "queue_id": queues[KEYS], "tags": ["key-account"], "skills": []},
        {
            "name": "Charging points are down",
            "type": TicketType.PROBLEM,
            "product_id": next((item.id for item in business.items if item.trade), None),
            "queue_id": queues[TECHNICAL],
            "raise_by": 1,
            "tags": [],
            "skills": ["charging"],
        },
        {
            "name": "Problems",
            "type": TicketType.PROBLEM,
            "queue_id": queues[TECHNICAL],
            "tags": [],
            "skills": ["inverters"],
        },
        {"name": "Everything else", "queue_id": queues[DESK], "tags": [], "skills": []},
    )
    for place, rule in enumerate(rules, 1):
        business.rows.add(RoutingRule, business.calendar.start, position=place, **rule)


def _unfinished(business: Business, tickets: list[Row]) -> None:
    """Of the open ones some wait for others, two are one incident, and a customer has asked twice."""
    working = [row for row in tickets if row["status"] is TicketStatus.OPEN]
    for row in working[::4]:
        row["status"] = TicketStatus.ON_HOLD
    working = [row for row in working if row["status"] is TicketStatus.OPEN]
    for row in working[1:4]:
        row["parent_id"] = working[0]["id"]
    if working:
        working[0]["tags"] = ["incident"]
        business.rows.add(
            TicketCollaborator,
            business.calendar.now,
            ticket_id=working[0]["id"],
            user_id=business.service_lead.id if business.service_lead else None,
            added_by_id=working[0]["assignee_id"],
        )
    open_of: dict[object, Row] = {}
    for row in tickets:
        first = open_of.setdefault(row["customer_id"], row)
        both = {first["status"], row["status"]} <= {TicketStatus.NEW, TicketStatus.OPEN, TicketStatus.WAITING}
        if first is not row and both and first["parent_id"] is None and row["parent_id"] is None:
            row |= {"status": TicketStatus.MERGED, "merged_into_id": first["id"], "waiting_since": None}
            break


def _complain(business: Business, queue: UUID) -> None:
    """Somebody wants an answer from the management."""
    buyer = business.anchors.get("customer") or business.buyers[0]
    ticket = _open(
        business,
        buyer,
        max(buyer.created_at, business.calendar.now - timedelta(hours=20)),
        MessageSide.CUSTOMER,
        "For the third time nobody came. I want to hear from your management, not from the call centre.",
    )
    ticket |= {
        "subject": "Complaint to the management: third missed appointment",
        "type": TicketType.COMPLAINT,
        "to_management": True,
        "urgency": TicketGrade.HIGH,
        "priority": priority_of(TicketGrade.MEDIUM, TicketGrade.HIGH),
        "queue_id": queue,
    }


def _by_partners(business: Business, queue: UUID) -> None:
    """What resellers asked for customers that are shared with them, and what we say of it among ourselves."""
    buyers = {buyer.id: buyer for buyer in business.buyers}
    agent = business.agents[0]
    for reseller in business.resellers:
        shared = [row for row in business.rows.of[CustomerShare.__name__] if row["partner_id"] == reseller.id]
        for row in shared[:2]:
            assert isinstance(row["customer_id"], UUID)
            buyer = buyers[row["customer_id"]]
            asked = max(buyer.created_at, business.calendar.now - timedelta(days=2))
            ticket = _open(
                business, buyer, asked, MessageSide.PARTNER, "The grid operator wants the report of this site."
            )
            ticket |= {
                "subject": "Commissioning report is missing",
                "type": TicketType.REQUEST,
                "channel": Channel.PARTNER,
                "partner_id": reseller.id,
                "queue_id": queue,
                "status": TicketStatus.OPEN,
                "assignee_id": agent.id,
            }
            noted = "The report was never written: the fitter has left us. Do not tell them."
            _say(business, ticket, asked + timedelta(hours=1), MessageSide.STAFF, noted, agent.id)


def _open(business: Business, buyer: Buyer, asked: datetime, side: MessageSide, body: str) -> Row:
    """A ticket with its first message; its row is for the caller to complete."""
    taken = {row["number"] for row in business.rows.of[Ticket.__name__]}
    number = next(one for one in business.numbers("further tickets", "T", 100) if one not in taken)
    business.rows.add(
        Ticket,
        asked,
        number=number,
        customer_id=buyer.id,
        language=buyer.row["locale"],
        team_id=business.service_team_id,
        opened_at=asked,
        last_customer_message_at=asked,
        tags=[],
        skills=[],
    )
    ticket = business.rows.last(Ticket)
    _say(business, ticket, asked, side, body)
    return ticket


def _say(
    business: Business, ticket: Row, at: datetime, side: MessageSide, body: str, author: UUID | None = None
) -> None:
    business.rows.add(
        TicketMessage,
        at,
        ticket_id=ticket["id"],
        public=author is None,
        side=side,
        channel=Channel.PARTNER if side is MessageSide.PARTNER else Channel.WEB,
        body=body,
        author_id=author,
        sent_at=at,
    )
