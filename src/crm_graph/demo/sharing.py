"""Key accounts, and what is shared with whom."""

from datetime import timedelta
from decimal import Decimal

from crm_graph.demo.business import Business, Buyer, local
from crm_graph.schema.key_accounts import KeyAccount, KeyAccountTier
from crm_graph.schema.shares import CustomerShare, KeyAccountShare, OpportunityShare, ShareLevel
from crm_graph.schema.users import User

STRATEGIES = (
    "Equip all sites until the end of next year; the framework agreement is the way in.",
    "Become the only supplier of charging points; renew Care for three years.",
    "Keep the batteries, win back the roofs we lost to the cheaper offer.",
    "Grow by referrals to its subsidiaries; meet the board twice a year.",
)


def choose_key_accounts(business: Business) -> None:
    """Make the best hundredth of the organisations key accounts."""
    random = business.dice("key accounts")
    trade = [b for b in business.buyers if b.trade and b.last_order]
    euros = {b.id: b.revenue / local(Decimal(1000), b.currency) for b in trade}
    best = sorted(trade, key=lambda b: (-euros[b.id], b.id))[: max(4, business.size.customers // 80)]
    for place, buyer in enumerate(best):
        since = business.calendar.between(buyer.created_at, business.calendar.now)
        tier = (KeyAccountTier.STRATEGIC, KeyAccountTier.KEY, KeyAccountTier.GROWTH)[min(2, place * 4 // len(best))]
        business.rows.add(
            KeyAccount,
            since,
            customer_id=buyer.id,
            tier=tier,
            since=since.date(),
            manager_id=(buyer.owner or buyer.team.members[0]).id,
            strategy=random.choice(STRATEGIES),
            currency=buyer.currency,
            strategic_fit=max(35, 98 - place * 60 // len(best) - random.randint(0, 6)),
            reference_count=random.randint(0, 4),
        )


def share(business: Business) -> None:
    """Share customers with partners and colleagues; one customer with two partners, neither of whom is told."""
    _with_partners(business)
    _with_colleagues(business)


def _with_partners(business: Business) -> None:
    random = business.dice("shares/partners")
    common = business.anchors.get("shared")
    taken = {common.id} if common else set()
    key_accounts = {row["customer_id"] for row in business.rows.of[KeyAccount.__name__]}
    for reseller in business.resellers:
        own = [b for b in business.buyers if b.trade and b.country.code in reseller.countries and b.id not in taken]
        key = [b for b in own if b.id in key_accounts][:3]
        others = [b for b in own if b.id not in key_accounts]
        chosen = key + random.sample(others, min(len(others), max(3, business.size.customers // 125)))
        taken.update(b.id for b in chosen)
        both = [common] if common and reseller.key in ("rhone", "baltic") else []
        for buyer in [*both, *chosen]:
            level = ShareLevel.INTERNAL if buyer is common or random.random() < 0.4 else ShareLevel.PARTNER
            _share(business, buyer, level, partner_id=reseller.id)
        shared = {b.id for b in (*both, *chosen)}
        sales = [r for r in business.rows.of["Opportunity"] if r["customer_id"] in shared and r["partner_id"] is None]
        for row in sales[::3]:
            business.rows.add(
                OpportunityShare,
                business.calendar.now - timedelta(days=2),
                opportunity_id=row["id"],
                partner_id=reseller.id,
                level=ShareLevel.PARTNER,
            )
        for row in [r for r in business.rows.of["KeyAccount"] if r["customer_id"] in shared]:
            business.rows.add(
                KeyAccountShare,
                business.calendar.now - timedelta(days=2),
                key_account_id=row["id"],
                partner_id=reseller.id,
                level=ShareLevel.PARTNER,
            )


def _with_colleagues(business: Business) -> None:
    """Every third salesperson stands in for customers of another team; some of that is over."""
    random = business.dice("shares/colleagues")
    sellers = [r for r in business.rows.of[User.__name__] if r["roles"] == ["sales_rep"]]
    settled = [b for b in business.buyers if b.created_at < business.calendar.now - timedelta(days=30)]
    for seller in sellers[1::3]:
        others = [b for b in settled if b.owner and seller["team_id"] not in (b.team.id, b.owner.team_id)]
        for place, buyer in enumerate(random.sample(others, min(len(others), 9))):
            over = business.calendar.now - timedelta(days=20) if place == 0 else None
            level = ShareLevel.CONFIDENTIAL if place % 3 == 1 else ShareLevel.INTERNAL
            _share(business, buyer, level, user_id=seller["id"], **({"valid_until": over} if over else {}))


def _share(business: Business, buyer: Buyer, level: ShareLevel, **grantee: object) -> None:
    earliest = business.calendar.now - timedelta(days=200)
    since = business.calendar.between(max(buyer.created_at, earliest), business.calendar.now - timedelta(days=21))
    business.rows.add(CustomerShare, since, customer_id=buyer.id, level=level, valid_from=since, **grantee)
