"""Who buys, or might: organisations with their people, persons, and households with their members."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from crm_graph.demo.business import Business, Buyer, Employee, Team, cents, local
from crm_graph.demo.countries import Country, Name, Place, countries, romanised
from crm_graph.schema import contacts
from crm_graph.schema.contacts import AddressKind, ContactRole
from crm_graph.schema.customers import Customer, CustomerKind, CustomerSegment

PERSONS, HOUSEHOLDS = 0.47, 0.12
MAILBOXES = ("mail.example", "post.example", "inbox.example", "web.example")
TITLES = {
    ContactRole.DECISION_MAKER: ("Managing Director", "Head of Facilities", "Mayor", "Owner"),
    ContactRole.PAYER: ("Head of Finance", "Accounting"),
    ContactRole.USER: ("Facility Manager", "Plant Manager", "Caretaker"),
    ContactRole.INFLUENCER: ("Energy Consultant", "Sustainability Officer"),
    ContactRole.PORTAL_USER: ("Purchasing", "Office Manager"),
}
NOTES = (
    "Roof was surveyed; statics are fine.",
    "Prefers to be called in the morning.",
    "Waits for the grid operator's answer.",
    "Compares us with two other offers.",
    "Wants battery and charging point from one hand.",
    "Pays late but always pays.",
    "Asked for references nearby.",
)
RISKS = (
    "Credit insurer has lowered the limit; deliver against prepayment only.",
    "Dispute over the last invoice, lawyers are involved.",
    "Insolvency of the parent company is rumoured.",
)


def welcome(business: Business, anchors: Sequence[tuple[str, str, CustomerKind, str]]) -> None:
    """Add all customers. `anchors` are known ones that must exist: key, name, kind, country."""
    count = business.size.customers
    for key, name, kind, country in anchors:
        business.anchors[key] = _anchor(business, name, kind, countries()[country])
    persons = [b for b in business.buyers if b.kind is CustomerKind.PERSON]
    while len(persons) < int(count * PERSONS):
        persons.append(_person(business))
    households = int(count * HOUSEHOLDS)
    members = iter(persons)
    for _ in range(households):
        _household(business, [next(members), next(members)] if len(persons) >= 2 * households else [])
    while len(business.buyers) < count:
        _company(business)


def _anchor(business: Business, name: str, kind: CustomerKind, country: Country) -> Buyer:
    random = business.dice(f"anchors/{name}")
    early = business.calendar.between(business.calendar.start, business.calendar.start + timedelta(days=120))
    if kind is CustomerKind.PERSON:
        given, _, family = name.partition(" ")
        return _person(business, Name(given, family, woman=True), country, early)
    return _company(business, name, country, early, random.randint(120, 240))


def _person(
    business: Business, name: Name | None = None, country: Country | None = None, since: datetime | None = None
) -> Buyer:
    random = business.dice(f"customers/{len(business.buyers)}")
    country = country or _country(random)
    name = name or country.person(random)
    born = date(random.randint(1948, 2005), random.randint(1, 12), random.randint(1, 28))
    mailbox = (
        f"{romanised(str(name)).replace('-', '.')}{random.choice(('', '', born.year % 100, random.randint(1, 99)))}"
    )
    return _customer(
        business,
        random,
        country,
        since,
        str(name),
        CustomerKind.PERSON,
        CustomerSegment.CONSUMER,
        email=f"{mailbox}@{random.choice(MAILBOXES)}" if random.random() < 0.93 else None,
        born_on=born if random.random() < 0.6 else None,
    )


def _household(business: Business, members: Sequence[Buyer]) -> Buyer:
    random = business.dice(f"customers/{len(business.buyers)}")
    country = members[0].country if members else _country(random)
    family = random.choice(country.families)
    place: Place | None = None
    if members:
        # The second one moves in: same town, and the first one's family gives the name.
        spoken = members[0].name.split(" ", 1)[1]
        family = next((pair for pair in country.families if spoken in pair), (spoken, spoken))
        place = next(p for p in country.places if p.city == members[0].city)
    since = max((m.created_at for m in members), default=None)
    since = business.calendar.between(since, min(business.calendar.now, since + timedelta(days=90))) if since else None
    name = country.household.format(man=family[0], woman=family[1])
    household = _customer(
        business, random, country, since, name, CustomerKind.HOUSEHOLD, CustomerSegment.CONSUMER, place=place
    )
    for position, member in enumerate(members):
        member.row["parent_id"] = household.id
        member.row["updated_at"] = max(household.created_at, member.created_at)
        business.rows.add(
            contacts.Contact,
            household.created_at,
            customer_id=household.id,
            person_id=member.id,
            name=member.name,
            role=ContactRole.DECISION_MAKER if position == 0 else ContactRole.USER,
            email=member.row["email"],
            phone=member.row["phone"],
        )
    return household


def _company(
    business: Business,
    name: str | None = None,
    country: Country | None = None,
    since: datetime | None = None,
    employees: int | None = None,
) -> Buyer:
    random = business.dice(f"customers/{len(business.buyers)}")
    country = country or _country(random)
    place = random.choice(country.places)
    public = name is None and random.random() < 0.12
    trade, industry = random.choice(country.trades)
    man, other = (random.choice(country.families)[0] for _ in range(2))
    pattern = random.choice(country.institutions if public else country.companies)
    name = name or pattern.format(city=place.city, man=man, other=other, trade=trade)
    employees = employees or int(10 ** random.triangular(0.3, 3.4, 1.2)) + 1
    slug = romanised(name)
    revenue = local(Decimal(employees * random.randint(80, 260)) * 1000, country.currency)
    segment = _segment(employees, public=public)
    company = _customer(
        business,
        random,
        country,
        since,
        name,
        CustomerKind.ORGANIZATION,
        segment,
        place=place,
        email=f"info@{slug}.example" if random.random() < 0.95 else None,
        website=f"https://www.{slug}.example" if random.random() < 0.8 else None,
        industry="Public administration" if public else industry,
        founded_in=random.randint(1902, 2022),
        employees=employees,
        # A VAT number that begins with two zeros is nobody's.
        tax_number=f"{'EL' if country.code == 'GR' else country.code}00{random.randint(100_000, 9_999_999):07d}",
        annual_revenue=revenue if random.random() < 0.8 else None,
        credit_limit=cents(Decimal(max(5, int(revenue / 100_000))) * 1000) if random.random() < 0.7 else None,
        risk_note=random.choice(RISKS) if random.random() < 0.03 else None,
    )
    _people(business, random, company, slug)
    return company


def _segment(employees: int, *, public: bool) -> CustomerSegment:
    if public:
        return CustomerSegment.PUBLIC_SECTOR
    if employees < 50:
        return CustomerSegment.SMALL_BUSINESS
    return CustomerSegment.MID_MARKET if employees < 250 else CustomerSegment.ENTERPRISE


def _people(business: Business, random: Random, company: Buyer, slug: str) -> None:
    for role in random.sample(list(TITLES), random.choice((1, 1, 2, 2, 3, 4))):
        person = company.country.person(random)
        business.rows.add(
            contacts.Contact,
            business.calendar.between(
                company.created_at, min(business.calendar.now, company.created_at + timedelta(days=60))
            ),
            customer_id=company.id,
            name=str(person),
            role=role,
            job_title=random.choice(TITLES[role]),
            email=f"{romanised(str(person)).replace('-', '.')}@{slug}.example",
            phone=company.country.phone(random) if random.random() < 0.7 else None,
        )


def _customer(
    business: Business,
    random: Random,
    country: Country,
    since: datetime | None,
    name: str,
    kind: CustomerKind,
    segment: CustomerSegment,
    *,
    place: Place | None = None,
    **values: object,
) -> Buyer:
    place = place or random.choice(country.places)
    created_at = since or business.calendar.past()
    team = next(t for t in business.teams if country.code in t.countries)
    if country.code == "DE" and random.random() < 0.45:
        team = random.choice(business.teams)
    owner = _owner(random, team, kind)
    looked_after = owner is not None or random.random() < 0.5
    known = random.random() < 0.55
    identifier = business.rows.add(
        Customer,
        created_at,
        name=name,
        kind=kind,
        segment=segment,
        phone=country.phone(random) if random.random() < 0.85 else None,
        city=place.city,
        country=country.code,
        locale=country.locale,
        currency=country.currency,
        notes=random.choice(NOTES) if random.random() < 0.2 else None,
        owner_id=owner.id if owner else None,
        team_id=team.id if looked_after else None,
        source="erp" if known else None,
        external_id=f"D{len(business.buyers) + 10_000}" if known else None,
        **values,
    )
    _address(business, random, identifier, created_at, country, place)
    row = business.rows.last(Customer)
    buyer = Buyer(identifier, name, kind, segment, country, country.currency, place.city, created_at, owner, team, row)
    business.buyers.append(buyer)
    return buyer


def _address(
    business: Business, random: Random, customer: UUID, created_at: datetime, country: Country, place: Place
) -> None:
    kinds = [AddressKind.MAIN]
    if random.random() < 0.15:
        kinds.append(random.choice((AddressKind.BILLING, AddressKind.SHIPPING)))
    for kind in kinds:
        business.rows.add(
            contacts.Address,
            created_at,
            customer_id=customer,
            kind=kind,
            street=country.street(random),
            postal_code=place.postal_code,
            city=place.city,
            country=country.code,
        )


def _owner(random: Random, team: Team, kind: CustomerKind) -> Employee | None:
    if random.random() < (0.94 if kind is CustomerKind.ORGANIZATION else 0.35):
        return random.choice(team.members)
    return None


def _country(random: Random) -> Country:
    known = list(countries().values())
    return random.choices(known, [c.weight for c in known])[0]
