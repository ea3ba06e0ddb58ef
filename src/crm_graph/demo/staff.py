"""Who works there: the teams as a tree, the staff, the partners and their people."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from crm_graph.demo.business import Business, Employee, Reseller, Team
from crm_graph.demo.countries import countries, romanised
from crm_graph.schema import partners, users
from crm_graph.schema.customers import Customer, CustomerKind

SALES_TEAMS = {
    "Sales North": frozenset({"DE", "SE", "GB"}),
    "Sales South": frozenset({"AT", "CH", "ES"}),
    "Sales West and East": frozenset({"FR", "PL", "GR", "BG"}),
}
NAMED = {
    "administrator": "Nora Albrecht",
    "sales_manager": "Henrik Sommer",
    "sales_rep": "Mira Köhler",
    "service_agent": "Tariq Demir",
    "partner_rep": "Claire Béranger",
    "partner_admin": "Luc Morel",
    "other_partner_rep": "Paweł Zieliński",
}
"""The staff and partner people whom a persona stands for; only the main organisation has them by these names."""

PARTNERS = (
    ("rhone", "Rhône Solaire SARL", partners.PartnerKind.RESELLER, "Gold", "FR", {"FR", "CH", "ES"}),
    ("baltic", "Baltyk Energia Sp. z o.o.", partners.PartnerKind.DISTRIBUTOR, "Platinum", "PL", {"PL", "SE", "DE"}),
    ("adria", "Αιγαίο Ενεργειακή Α.Ε.", partners.PartnerKind.AGENT, "Silver", "GR", {"GR", "BG"}),
)

COMMISSION = {"Silver": Decimal("7.5"), "Gold": Decimal(10), "Platinum": Decimal("12.5")}
"""Percent by tier of the partner programme."""


def hire(business: Business, domain: str) -> None:
    """Add teams and staff; `domain` is where their mail goes."""
    rows, founded = business.rows, business.calendar.start - timedelta(days=30)
    root = rows.add(users.Team, founded, name="Company")
    sales = rows.add(users.Team, founded, name="Sales", parent_id=root)
    service = rows.add(users.Team, founded, name="Service", parent_id=root)
    desk = rows.add(users.Team, founded, name="Service Desk", parent_id=service)
    rows.add(users.Team, founded, name="Field Service", parent_id=service)
    business.service_team_id = desk

    administrator = _hire(business, domain, "administrator", "Head of IT", root, None)
    manager = _hire(business, domain, "sales_manager", "Head of Sales", sales, administrator.id)
    business.manager = manager
    for number, (name, sold_to) in enumerate(SALES_TEAMS.items()):
        team = Team(rows.add(users.Team, founded, name=name, parent_id=sales), sold_to)
        business.teams.append(team)
        for position in range(business.size.reps // len(SALES_TEAMS)):
            # The persona leads nobody: the second one of the first team.
            named = number == 0 and position == min(1, business.size.reps // len(SALES_TEAMS) - 1)
            title = "Team Lead Sales" if position == 0 else "Account Manager"
            team.members.append(
                _hire(business, domain, "sales_rep", title, team.id, manager.id, named=named, region=name[6:])
            )
    lead = _hire(business, domain, "service_agent", "Service Lead", service, administrator.id, named=False)
    business.service_lead = lead
    for position in range(business.size.agents):
        title = "Service Agent" if position % 3 else "Senior Service Agent"
        business.agents.append(_hire(business, domain, "service_agent", title, desk, lead.id, named=position == 0))


def _hire(
    business: Business,
    domain: str,
    role: str,
    title: str,
    team: UUID,
    manager: UUID | None,
    *,
    named: bool = True,
    region: str | None = None,
) -> Employee:
    staff = business.rows.of["User"]
    random, taken = business.dice(f"staff/{len(staff)}"), {row["name"] for row in staff}
    home = countries()[random.choice(("DE", "DE", "AT", "FR", "PL", "SE"))]
    name = NAMED[role] if named and business.key == "main" else str(home.person(random))
    while name in taken:
        name = str(home.person(random))
    joined = business.calendar.after(business.calendar.start, -20, -1)
    identifier = business.rows.add(
        users.User,
        joined,
        name=name,
        email=f"{romanised(name).replace('-', '.')}@{domain}",
        roles=[role],
        job_title=title,
        team_id=team,
        manager_id=manager,
        region=region,
    )
    return Employee(identifier, name, team)


def sign_partners(business: Business, count: int) -> None:
    """Add the partners, each with two people who sign in."""
    assert business.manager is not None
    for key, name, kind, tier, country, territory in PARTNERS[:count]:
        since = business.calendar.after(business.calendar.start, 0, 60)
        domain = f"{romanised(name.split()[0])}.example"
        reseller = business.rows.add(
            partners.Partner,
            since,
            name=name,
            kind=kind,
            country=country,
            email=f"office@{domain}",
            commission_rate=COMMISSION[tier],
            owner_id=business.manager.id,
        )
        business.resellers.append(Reseller(reseller, key, frozenset(territory)))
        random = business.dice(f"partners/{key}")
        persona = {"rhone": NAMED["partner_rep"], "baltic": NAMED["other_partner_rep"]}.get(key)
        first = persona or str(countries()[country].person(random))
        second = str(countries()[country].person(random))
        people = {first: "partner_rep", NAMED["partner_admin"] if key == "rhone" else second: "partner_admin"}
        for person, role in people.items():
            business.rows.add(
                users.User,
                business.calendar.after(since, 1, 30),
                name=person,
                email=f"{romanised(person).replace('-', '.')}@{domain}",
                roles=[role],
                job_title="Sales Partner",
                partner_id=reseller,
            )


def own(business: Business) -> None:
    """Say which customers some of the staff are themselves: nobody grants anything to those."""
    assert business.manager is not None
    staff = [business.manager, *(team.members[-1] for team in business.teams), *business.agents[:2]]
    users_by_id = {row["id"]: row for row in business.rows.of[users.User.__name__]}
    theirs = {row["customer_id"] for row in users_by_id.values()}
    persons = [
        row
        for row in business.rows.of[Customer.__name__]
        if row["kind"] is CustomerKind.PERSON and row["id"] not in theirs and row["email"] is None
    ]
    for employee, person in zip(staff, reversed(persons), strict=False):
        person["name"] = employee.name
        users_by_id[employee.id]["own_customer_id"] = person["id"]
