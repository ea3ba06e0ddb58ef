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
from crm_graph.schema.products import Product
from crm_graph.schema.proposal_templates import ProposalTemplate
from crm_graph.schema.proposals import AcceptanceWay, Proposal, ProposalLine, ProposalStatus

TERMS = (
    "30 % on order, 60 % on delivery, 10 % on acceptance. Delivery in 6 weeks.",
    "Payable within 14 days. Delivery in 4 to 8 weeks.",
    "Payable within 30 days, 2 % discount within 10 days.",
)
VALID_DAYS = 45
TEXTS = {
    "en": (
        "Thank you for your interest. We offer what follows.",
        TERMS[1],
        "We look forward to your order. Prices are in the currency stated, without value added tax.",
    ),
    "de": (
        "Vielen Dank für Ihr Interesse. Wir bieten Ihnen an, was hier folgt.",
        "Zahlbar innerhalb von 14 Tagen. Lieferung in 4 bis 8 Wochen.",
        "Wir freuen uns auf Ihren Auftrag. Preise in der angegebenen Währung, ohne Umsatzsteuer.",
    ),
}
_SEEN = (
    ProposalStatus.SENT,
    ProposalStatus.VIEWED,
    ProposalStatus.ACCEPTED,
    ProposalStatus.DECLINED,
    ProposalStatus.EXPIRED,
)


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
    """The last version of a proposal, and how it stands; `discount` is in percent."""

    id: UUID
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
    first: UUID | None = None
    if status is None and random.random() < 0.25 and ended - moment > timedelta(days=4):
        first = _version(business, random, offer, moment, ProposalStatus.WITHDRAWN, Decimal(0), numbers.pop())
        moment = business.calendar.between(moment + timedelta(days=1), min(ended, moment + timedelta(days=4)))
    # Only whole prices stay exact under a discount in percent.
    whole = all(line.unit_price == line.unit_price.to_integral_value() for line in offer.lines)
    discount = Decimal(random.choice((0, 0, 0, 3, 5, 8, 10))) if whole else Decimal(0)
    status = status or _status(business.today, random, outcome, moment)
    last = _version(business, random, offer, moment, status, discount, numbers.pop(), max(moment, ended), first)
    return Written(last, status, discount)


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
    ended: datetime | None = None,
    first: UUID | None = None,
) -> UUID:
    """Add one version: the last one where it is told when the sale `ended`, which follows on the `first` if any."""
    lines = offer.lines
    sent = status in _SEEN or (status is ProposalStatus.WITHDRAWN and ended is None)
    answered = status in (ProposalStatus.ACCEPTED, ProposalStatus.DECLINED)
    identifier = business.rows.add(
        Proposal,
        moment,
        updated_at=ended or moment,
        number=number,
        title=offer.title,
        opportunity_id=offer.opportunity_id,
        customer_id=offer.buyer.id,
        addressee_id=offer.buyer.id if sent else None,
        status=status,
        current=ended is not None,
        root_id=first,
        revision=1 if first is None else 2,
        language=offer.buyer.country.locale,
        currency=offer.buyer.currency,
        subtotal=sum((cents(x.quantity * x.unit_price * (100 - discount) / 100) for x in lines), Decimal(0)),
        cost=sum((x.cost for x in lines), Decimal(0)),
        valid_until=moment.date() + timedelta(days=VALID_DAYS),
        terms=random.choice(TERMS),
        owner_id=offer.owner_id,
        sent_at=moment if sent else None,
        viewed_at=moment if sent and status is not ProposalStatus.SENT else None,
        decided_at=ended if answered else None,
        decided_by=offer.buyer.name if answered else None,
        accepted_by_way=AcceptanceWay.IN_WRITING if status is ProposalStatus.ACCEPTED else None,
        decline_reason="We decided otherwise." if status is ProposalStatus.DECLINED else None,
    )
    for position, line in enumerate(lines, start=1):
        values = line.values(position, offer.buyer.currency)
        business.rows.add(
            ProposalLine,
            moment,
            proposal_id=identifier,
            discount_percent=discount,
            list_price=line.unit_price,
            unit_cost=line.unit_cost,
            **values,
        )
    return identifier


def name_products(business: Business) -> None:
    """Give each line the name that its product has."""
    names = {row["id"]: (row["name"], row["sku"]) for row in business.rows.of[Product.__name__]}
    for line in business.rows.of[ProposalLine.__name__]:
        line["product_name"], line["product_sku"] = names[line["product_id"]]


def draft_templates(business: Business) -> None:
    """Add what proposals begin with, in two languages."""
    for language, (introduction, terms, closing) in TEXTS.items():
        business.rows.add(
            ProposalTemplate,
            business.calendar.start,
            name="Standard",
            language=language,
            introduction=introduction,
            terms=terms,
            closing=closing,
            valid_days=VALID_DAYS,
        )
