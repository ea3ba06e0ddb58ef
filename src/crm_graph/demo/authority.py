"""Who may grant how much, and what was granted to customers, at once or after approval."""

from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from crm_graph.demo.business import RATES, Business, local
from crm_graph.demo.rows import Row
from crm_graph.schema.authority import (
    ApprovalRequest,
    ApprovalState,
    AuthorityAction,
    AuthorityDelegation,
    AuthorityLimit,
    AuthorityUse,
)
from crm_graph.schema.compensations import Compensation, CompensationKind, CompensationState
from crm_graph.schema.tickets import Ticket

DISCOUNTS: Final = {"sales_rep": Decimal(10), "sales_manager": Decimal(30), "administrator": Decimal(100)}
"""Percent by role."""

Amounts = tuple[Decimal, Decimal | None, Decimal | None]
_MADE_GOOD: Final = tuple(AuthorityAction(kind.value) for kind in CompensationKind)
LIMITS: Final[dict[str, Amounts]] = {
    "service_agent": (Decimal(50), Decimal(200), Decimal(1500)),
    "sales_manager": (Decimal(500), None, Decimal(5000)),
    "administrator": (Decimal(5000), None, Decimal(20000)),
}
"""Euros by role: at a time, in a day, in a month."""
LEAD: Final[Amounts] = (Decimal(250), Decimal(1000), Decimal(5000))
"""The service lead's own."""


def empower(business: Business) -> None:
    """Add the limits of roles, in every currency, and the service lead's own."""
    assert business.service_lead is not None
    for role, percent in DISCOUNTS.items():
        _limit(business, AuthorityAction.DISCOUNT, role=role, percent=percent)
    for role, amounts in LIMITS.items():
        _make_good_up_to(business, amounts, role=role)
    _make_good_up_to(business, LEAD, user_id=business.service_lead.id)


def _make_good_up_to(business: Business, amounts: Amounts, **holder: object) -> None:
    for action in _MADE_GOOD:
        for currency in RATES:
            each, day, month = (local(amount, currency) if amount else None for amount in amounts)
            _limit(business, action, **holder, currency=currency, each=each, per_day=day, per_month=month)


def _limit(business: Business, action: AuthorityAction, **values: object) -> None:
    business.rows.add(AuthorityLimit, business.calendar.start, action=action, **values)


def make_good(business: Business) -> None:
    """Add what agents granted to customers who had asked for help, and what they are asking for now."""
    random, rows = business.dice("compensations"), business.rows
    buyers = {buyer.id: buyer for buyer in business.buyers}
    answered = [row for row in rows.of[Ticket.__name__] if row["assignee_id"]]
    agents = {agent.id for agent in business.agents}
    lead, first = business.service_lead, business.agents[0]
    assert lead is not None
    chosen = [row for row in answered if row["assignee_id"] in agents]
    for row in random.sample(chosen, min(len(chosen), max(4, business.size.tickets // 40))):
        kind, euros = random.choice(list(CompensationKind)), Decimal(random.randint(5, 50))
        _grant(business, row, kind, local(euros, buyers[_id(row["customer_id"])].currency))
    pending = next(row for row in chosen[::-1] if row["assignee_id"] == first.id)
    _ask(business, pending, local(Decimal(120), buyers[_id(pending["customer_id"])].currency), first.id, lead.id)
    away = business.calendar.now - timedelta(days=90)
    rows.add(
        AuthorityDelegation,
        away,
        from_user_id=lead.id,
        to_user_id=business.agents[-1].id,
        valid_from=away,
        valid_until=away + timedelta(days=14),
    )


def _grant(business: Business, ticket: Row, kind: CompensationKind, amount: Decimal) -> None:
    agent, at = _id(ticket["assignee_id"]), business.calendar.after(business.calendar.now, -60, -1)
    currency = _currency(business, ticket)
    made = business.rows.add(
        Compensation,
        at,
        **_about(ticket),
        kind=kind,
        amount=amount,
        currency=currency,
        state=CompensationState.GRANTED,
        granted=True,
        reason="Kept waiting for an answer.",
        requested_by_id=agent,
        granted_by_id=agent,
        granted_at=at,
    )
    business.rows.add(
        AuthorityUse,
        at,
        user_id=agent,
        granted_by_id=agent,
        action=AuthorityAction(kind.value),
        amount=amount,
        currency=currency,
        entity="Compensation",
        row_id=made,
    )


def _ask(business: Business, ticket: Row, amount: Decimal, agent: UUID, lead: UUID) -> None:
    """A late fee that is beyond the agent's limit: the service lead is asked."""
    at, currency = business.calendar.now - timedelta(hours=3), _currency(business, ticket)
    request = business.rows.add(ApprovalRequest, at)
    asked = business.rows.last(ApprovalRequest)
    made = business.rows.add(
        Compensation,
        at,
        **_about(ticket),
        kind=CompensationKind.FEE_WAIVER,
        amount=amount,
        currency=currency,
        state=CompensationState.ASKED,
        reason="Late fees of two months, charged while the meter was being changed.",
        requested_by_id=agent,
        approval_request_id=request,
    )
    asked |= {
        "action": AuthorityAction.FEE_WAIVER,
        "amount": amount,
        "currency": currency,
        "entity": "Compensation",
        "row_id": made,
        "customer_id": ticket["customer_id"],
        "requested_by_id": agent,
        "asked_of_id": lead,
        "state": ApprovalState.PENDING,
        "note": "Late fees of two months, charged while the meter was being changed.",
        "expires_at": at + timedelta(days=3650),
        "passed_over": [],
    }


def _about(ticket: Row) -> Row:
    return {"customer_id": ticket["customer_id"], "ticket_id": ticket["id"], "order_id": None}


def _currency(business: Business, ticket: Row) -> str:
    return next(buyer.currency for buyer in business.buyers if buyer.id == ticket["customer_id"])


def _id(value: object) -> UUID:
    assert isinstance(value, UUID)
    return value
