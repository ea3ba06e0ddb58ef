"""Written offers: a version or two for each sale that came so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.baskets import Line
from crm_graph.demo.business import Business, Buyer, cents
from crm_graph.schema.opportunities import OpportunityStatus
from crm_graph.schema.proposals import Proposal, ProposalLine, ProposalStatus

TERMS = (
    "30 % on order, 60 % on delivery, 10 % on acceptance. Delivery in 6 weeks.",
    "Payable within 14 days. Delivery in 4 to 8 weeks.",
    "Payable within 30 days, 2 % discount within 10 days.",
)
VALID_DAYS = 45


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered to whom, within which opportunity, by whom."""

    buyer: Buyer
    opportunity_id: UUID
    title: str
    owner_id: UUID
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Written:
    """How the last version of a proposal stands; `discount` is in percent."""

    status: ProposalStatus
    discount: Decimal

    def price(self, line: Line) -> Decimal:
        """The discounted price of one."""
        return cents(line.unit_price * (100 - self.discount) / 100)


def write(
    business: Business,
    random: Random,
    offer: Offer,
    moment: datetime,
    outcome: OpportunityStatus,
    ended: datetime,
    numbers: list[str],
    *,
    status: ProposalStatus | None = None,
) -> Written:
    """Add the proposal(s) of a sale that ended at `ended`, or has not yet."""
    if status is None and random.random() < 0.25 and ended - moment > timedelta(days=4):
        _version(business, random, offer, moment, ProposalStatus.WITHDRAWN, Decimal(0), numbers.pop())
        moment = business.calendar.between(moment + timedelta(days=1), min(ended, moment + timedelta(days=4)))
    # Only whole prices stay exact under a discount in percent.
    whole = all(line.unit_price == line.unit_price.to_integral_value() for line in offer.lines)
    discount = Decimal(random.choice((0, 0, 0, 3, 5, 8, 10))) if whole else Decimal(0)
    status = status or _status(business.today, random, outcome, moment)
    _version(business, random, offer, moment, status, discount, numbers.pop(), max(moment, ended))
    return Written(status, discount)


def _status(today: date, random: Random, outcome: OpportunityStatus, moment: datetime) -> ProposalStatus:
    if outcome is OpportunityStatus.WON:
        return ProposalStatus.ACCEPTED
    expired = moment.date() + timedelta(days=VALID_DAYS) < today
    if outcome is OpportunityStatus.LOST:
        return random.choice((ProposalStatus.DECLINED, ProposalStatus.EXPIRED if expired else ProposalStatus.DECLINED))
    if expired:
        return ProposalStatus.EXPIRED
    early = (ProposalStatus.DRAFT, ProposalStatus.IN_APPROVAL, ProposalStatus.APPROVED)
    return random.choice((*early, ProposalStatus.SENT, ProposalStatus.SENT, ProposalStatus.VIEWED))


def _version(
    business: Business,
    random: Random,
    offer: Offer,
    moment: datetime,
    status: ProposalStatus,
    discount: Decimal,
    number: str,
    updated: datetime | None = None,
) -> None:
    lines = offer.lines
    identifier = business.rows.add(
        Proposal,
        moment,
        updated_at=updated or moment,
        number=number,
        title=offer.title,
        opportunity_id=offer.opportunity_id,
        customer_id=offer.buyer.id,
        status=status,
        currency=offer.buyer.currency,
        total=sum((cents(x.quantity * x.unit_price * (100 - discount) / 100) for x in lines), Decimal(0)),
        cost=sum((x.cost for x in lines), Decimal(0)),
        valid_until=moment.date() + timedelta(days=VALID_DAYS),
        terms=random.choice(TERMS),
        owner_id=offer.owner_id,
    )
    for position, line in enumerate(lines, start=1):
        values = line.values(position, offer.buyer.currency)
        business.rows.add(ProposalLine, moment, proposal_id=identifier, discount_percent=discount, **values)
