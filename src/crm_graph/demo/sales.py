"""Possible sales: each goes from stage to stage until it is won, lost, or today is reached; what is won is ordered."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.baskets import Line, fill
from crm_graph.demo.business import Business, Buyer, Employee, Selling, Step
from crm_graph.demo.orders import place
from crm_graph.demo.proposals import Offer, write
from crm_graph.schema.opportunities import Opportunity, OpportunityLine, OpportunityStatus, StageChange
from crm_graph.schema.orders import Channel
from crm_graph.schema.proposals import ProposalStatus

LOSS_REASONS = (
    "Price",
    "Competitor was faster",
    "No budget this year",
    "Roof not suitable",
    "No decision",
    "Grid connection refused",
)
NEXT_STEPS = (
    "Call back after the holidays",
    "Send the revised layout",
    "Site visit with the electrician",
    "Clarify the grid connection",
    "Wait for the board's decision",
    "Present the financing model",
)
NOTES = (
    "Customer asked for it.",
    "After the site visit.",
    "Budget confirmed.",
    "Decision maker met.",
    None,
    None,
    None,
)


def pursue(business: Business, proposal_numbers: Sequence[str], order_numbers: list[str]) -> None:
    """Add all opportunities, with what follows from them. Takes the order numbers it needs off the list."""
    random = business.dice("opportunities")
    numbers = list(proposal_numbers)
    known = [b for b in business.buyers if b.created_at < business.calendar.now - timedelta(days=3)]
    weights = [6.0 if b.trade else 1.0 for b in known]
    customer = business.anchors.get("customer")
    for buyer in random.choices(known, weights, k=business.size.opportunities - (1 if customer else 0)):
        _pursue(business, random, buyer, random.choices(business.pipelines, (4, 1))[0], numbers, order_numbers)
    if customer:
        _offer_to(business, random, customer, business.pipelines[0], numbers)


def _pursue(
    business: Business, random: Random, buyer: Buyer, pipeline: Selling, numbers: list[str], order_numbers: list[str]
) -> None:
    calendar = business.calendar
    began = calendar.between(max(buyer.created_at, calendar.start), calendar.now - timedelta(days=1))
    lines = fill(business, random, buyer, most=4, project=True)
    moves = _journey(business, random, pipeline, began)
    opportunity = _open(business, random, buyer, pipeline, lines, moves)
    entered = dict(moves)
    offering = pipeline.open[pipeline.offers_at]
    step, ended = moves[-1]
    if offering not in entered:
        return
    offer = Offer(buyer, opportunity.id, opportunity.name, opportunity.owner.id, lines)
    outcome = OpportunityStatus(step.outcome)
    proposal = write(business, random, offer, entered[offering], outcome, ended, numbers)
    if proposal.status is ProposalStatus.ACCEPTED and order_numbers:
        sold = [Line(x.item, x.quantity, proposal.price(x), x.unit_cost) for x in lines]
        channel = (
            Channel.PARTNER if opportunity.partner else random.choice((Channel.PHONE, Channel.BRANCH, Channel.MAIL))
        )
        place(business, random, buyer, sold, ended, channel, opportunity.partner, order_numbers.pop())


def _journey(business: Business, random: Random, pipeline: Selling, began: datetime) -> list[tuple[Step, datetime]]:
    """The stages it entered and when; it stops where today comes first."""
    moves, moment = [(pipeline.open[0], began)], began
    last = random.choices(range(len(pipeline.open)), [1, 1, 2, 4, 6][-len(pipeline.open) :])[0]
    won = last >= pipeline.offers_at and random.random() < 0.62
    for step in (*pipeline.open[1 : last + 1], pipeline.won if won else pipeline.lost):
        moment = business.calendar.after(moment, 2, 45)
        if moment > business.calendar.now:
            break
        moves.append((step, moment))
    return moves


class _Opened:
    """What follows from an opportunity needs of it."""

    def __init__(self, identifier: UUID, name: str, owner: Employee, partner: UUID | None) -> None:
        self.id, self.name, self.owner, self.partner = identifier, name, owner, partner


def _open(
    business: Business,
    random: Random,
    buyer: Buyer,
    pipeline: Selling,
    lines: Sequence[Line],
    moves: Sequence[tuple[Step, datetime]],
) -> _Opened:
    (_, began), (step, moved) = moves[0], moves[-1]
    owner = buyer.owner or random.choice(buyer.team.members)
    status = OpportunityStatus(step.outcome)
    partner = _partner(business, random, buyer)
    name = f"{lines[0].item.series} {random.choice(('project', 'extension', 'upgrade', 'package'))}, {buyer.city}"
    identifier = business.rows.add(
        Opportunity,
        began,
        updated_at=moved,
        name=name,
        customer_id=buyer.id,
        product_id=lines[0].item.id,
        pipeline_id=pipeline.id,
        stage_id=step.id,
        entered_stage_at=moved,
        status=status,
        currency=buyer.currency,
        amount=sum((line.total for line in lines), Decimal(0)),
        cost=sum((line.cost for line in lines), Decimal(0)),
        probability=step.probability,
        engaged_on=began.date(),
        close_on=_closes(business.today, random, status, moved),
        loss_reason=random.choice(LOSS_REASONS) if status is OpportunityStatus.LOST else None,
        next_step=random.choice(NEXT_STEPS) if status is OpportunityStatus.OPEN and random.random() < 0.7 else None,
        owner_id=owner.id,
        team_id=owner.team_id,
        partner_id=partner,
    )
    for position, line in enumerate(lines, start=1):
        business.rows.add(OpportunityLine, began, opportunity_id=identifier, **line.values(position, buyer.currency))
    before: UUID | None = None
    since: datetime | None = None
    for entered, moment in moves:
        business.rows.add(
            StageChange,
            moment,
            opportunity_id=identifier,
            from_stage_id=before,
            to_stage_id=entered.id,
            changed_at=moment,
            changed_by_id=owner.id,
            note=random.choice(NOTES) if before else None,
            entered_at=since,
        )
        before, since = entered.id, moment
    return _Opened(identifier, name, owner, partner)


def _closes(today: date, random: Random, status: OpportunityStatus, moved: datetime) -> date:
    if status is not OpportunityStatus.OPEN:
        return moved.date()
    # Some are overdue, as everywhere.
    return max(today + timedelta(days=random.randint(-20, 150)), moved.date())


def _partner(business: Business, random: Random, buyer: Buyer) -> UUID | None:
    near = [r.id for r in business.resellers if buyer.country.code in r.countries]
    return random.choice(near) if near and buyer.trade and random.random() < 0.12 else None


def _offer_to(business: Business, random: Random, buyer: Buyer, pipeline: Selling, numbers: list[str]) -> None:
    """An open sale with a proposal that its addressee can still accept."""
    began = business.calendar.after(business.calendar.now, -24, -20)
    lines = fill(business, random, buyer, most=3, project=True)
    moves = [(step, began + timedelta(days=4 * n)) for n, step in enumerate(pipeline.open[: pipeline.offers_at + 1])]
    opened = _open(business, random, buyer, pipeline, lines, moves)
    offer = Offer(buyer, opened.id, opened.name, opened.owner.id, lines)
    write(
        business, random, offer, moves[-1][1], OpportunityStatus.OPEN, moves[-1][1], numbers, status=ProposalStatus.SENT
    )
