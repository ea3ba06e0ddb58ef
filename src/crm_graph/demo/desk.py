"""What lies on the sales people's desks: leads, tasks, why sales were lost and to whom, who shares in a sale.

It comes last and has dice of its own, so that all else stays as it is.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.business import Business
from crm_graph.demo.rows import Row
from crm_graph.demo.sales import LOSS_REASONS
from crm_graph.schema.leads import Lead, LeadRating, LeadStatus
from crm_graph.schema.losses import Competitor, LossReason
from crm_graph.schema.opportunities import ForecastCategory, Opportunity, OpportunitySplit, OpportunityStatus
from crm_graph.schema.tasks import Task

COMPETITORS = ("Nordstrahl Solar AG", "Heliotec Systems", "Voltana Energy")
GONE_REASON = "Delivery time"
TASKS = (
    "Call about the roof survey",
    "Send the revised proposal",
    "Arrange the site visit",
    "Ask for the load profile",
    "Check the grid connection",
)
ORIGINS = ("Trade fair", "Web site", "Recommendation", "Partner", "Telephone")
INTERESTS = ("Roof system with storage", "Heat pump", "Charging stations for a fleet", "Balcony power station")
PEOPLE = ("Ines Vogt", "Pavel Horák", "Sofía Marín", "Émile Girard", "Liis Tamm", "Ewa Lis", "Jonas Berg", "Ada Falk")
FIRMS = ("Berghof Logistik", "Marín Hoteles", "Atelier Girard", "Tamm Metall", "Lis Ogrody", "Falk & Söhne")
DISQUALIFIED = ("No budget", "Wants a product that we do not have", "Cannot be reached")


def keep_busy(business: Business) -> None:
    """Add what is on the desks, and to each lost sale its reason."""
    random, since = business.dice("desk"), business.calendar.start - timedelta(days=10)
    reasons = {name: business.rows.add(LossReason, since, name=name) for name in LOSS_REASONS}
    business.rows.add(LossReason, since, name=GONE_REASON, active=False)
    rivals = [
        business.rows.add(Competitor, since, name=name, notes="Strong on price, weak on service." if n == 0 else None)
        for n, name in enumerate(COMPETITORS)
    ]
    for row in business.rows.of[Opportunity.__name__]:
        if row["loss_reason"] is not None:
            row["lost_because_id"] = reasons[str(row["loss_reason"])]
        if random.random() < 0.3:
            row["competitor_id"] = random.choice(rivals)
        if row["status"] is OpportunityStatus.OPEN:
            row["forecast_category"] = random.choices(list(ForecastCategory), (5, 3, 2, 1))[0]
            _task(business, random, row)
            _share(business, random, row)
    for _ in range(business.size.opportunities // 10):
        _lead(business, random)


def _task(business: Business, random: Random, row: Row) -> None:
    entered = row["entered_stage_at"]
    assert isinstance(entered, datetime)
    if random.random() < 0.6:
        due = business.today + timedelta(days=random.randint(-5, 30))
        business.rows.add(
            Task,
            entered,
            subject=random.choice(TASKS),
            due_on=due,
            opportunity_id=row["id"],
            customer_id=row["customer_id"],
            owner_id=row["owner_id"],
        )
    if random.random() < 0.3:
        done = min(entered + timedelta(days=random.randint(1, 20)), business.calendar.now)
        row["last_activity_at"] = done
        business.rows.add(
            Task,
            entered,
            updated_at=done,
            subject=random.choice(TASKS),
            done_at=done,
            opportunity_id=row["id"],
            owner_id=row["owner_id"],
        )


def _share(business: Business, random: Random, row: Row) -> None:
    """Some sales two people have made together."""
    team = next((t for t in business.teams if t.id == row["team_id"]), None)
    others = [m.id for m in team.members if m.id != row["owner_id"]] if team else []
    entered = row["entered_stage_at"]
    if not others or random.random() > 0.1:
        return
    assert isinstance(entered, datetime)
    part = Decimal(random.choice((20, 30, 50)))
    for user, percent in ((row["owner_id"], 100 - part), (random.choice(others), part)):
        business.rows.add(OpportunitySplit, entered, opportunity_id=row["id"], user_id=user, percent=percent)


def _lead(business: Business, random: Random) -> None:
    team = random.choice(business.teams)
    country = random.choice(sorted(team.countries))
    came = business.calendar.now - timedelta(hours=random.randint(1, 24 * 90))
    name, firm = random.choice(PEOPLE), random.choice(FIRMS) if random.random() < 0.6 else None
    status = random.choices(list(LeadStatus), (4, 3, 2, 2))[0]
    closed = status in (LeadStatus.CONVERTED, LeadStatus.DISQUALIFIED)
    near = [r.id for r in business.resellers if country in r.countries]
    sale = _sale(business, random) if status is LeadStatus.CONVERTED else {}
    business.rows.add(
        Lead,
        came,
        name=name,
        company=firm,
        email=f"lead{random.randint(1000, 9999)}@example.com",
        country=country,
        origin=random.choice(ORIGINS),
        interest=random.choice(INTERESTS),
        rating=random.choice((*LeadRating, None)),
        status=status,
        disqualified_because=random.choice(DISQUALIFIED) if status is LeadStatus.DISQUALIFIED else None,
        closed_at=min(came + timedelta(days=2), business.calendar.now) if closed else None,
        owner_id=random.choice(team.members).id,
        team_id=team.id,
        partner_id=random.choice(near) if near and random.random() < 0.3 else None,
        **sale,
    )


def _sale(business: Business, random: Random) -> dict[str, UUID]:
    """The customer and the opportunity that a lead became."""
    row = random.choice(business.rows.of[Opportunity.__name__])
    customer, opportunity = row["customer_id"], row["id"]
    assert isinstance(customer, UUID)
    assert isinstance(opportunity, UUID)
    return {"customer_id": customer, "opportunity_id": opportunity}
