"""Which of two partners a lead is offered to where nobody says which: docs/partners.md, Leads, a case for each word of it."""

import pytest

from crm_graph.db.ids import decode
from crm_graph.resolvers.lead_offers.candidates import next_candidate
from tests.partners.conftest import ONE, OTHER, Trade

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERED = """INSERT INTO lead_offers (id, organization_id, version, created_at, updated_at, by_rule, lead_id, partner_id, status,
   offered_at, accept_by, responded_at, ended_at)
 SELECT gen_random_uuid(), organization_id, 1, at, at, false, id, '{{{who}}}', '{status}', at, at + interval '9 days',
   CASE WHEN '{status}' <> 'EXPIRED' THEN at + interval '{hours} hours' END, at + interval '9 days'
 FROM leads, (SELECT now() - interval '{days} days' AS at) WHERE id = '{{{lead}}}'"""


def answered(who: str, hours: int = 1, status: str = "DECLINED", days: int = 20, lead: str = "spare") -> str:
    return ANSWERED.format(who=who, hours=hours, status=status, days=days, lead=lead)


BUSY = "UPDATE leads SET partner_id = '{worse}' WHERE id = '{spare}'"


def covers(change: str, who: str = "worse") -> str:
    return f"UPDATE partner_coverages SET {change} WHERE name = 'Cyprus' AND partner_id = '{{{who}}}'"


RULES = {
    "fewest leads": [BUSY],
    "before the fastest": [BUSY, answered("worse", 1), answered("better", 9)],
    "the fastest": [answered("worse", 9), answered("better", 1)],
    "on average": [answered("worse", 1), answered("worse", 20), answered("better", 10)],
    "no answer took all of its time": [answered("worse", status="EXPIRED"), answered("better", 200)],
    "never asked is last": [answered("better", 200)],
    "of the last 365 days": [answered("worse", 1, days=366), answered("better", 200, days=364)],
    "its coverage is over": [covers("valid_until = now()")],
    "its coverage is to begin": [covers("valid_from = now() + interval '1 day'")],
    "segment of the coverage": [covers("segment = 'ENTERPRISE'")],
    "segment of the territory": [covers("territory_id = '{large}'")],
    "another city": [covers("territory_id = '{paphos}'")],
    "this city, however written": [covers("territory_id = '{paphos}'"), covers("territory_id = '{larnaca}'", "better")],
    "a part of it": [covers("territory_id = '{paphos}'"), covers("territory_id = '{east}'", "better")],
    "nobody signs in": ["UPDATE users SET status = 'SUSPENDED' WHERE partner_id = '{worse}'"],
    "was offered it": [answered("worse", 1, lead="lead"), answered("better", 9)],
}  # fmt: skip


async def test_who_is_chosen_by_rule(trade: Trade) -> None:
    """Two partners alike but for one thing, each in turn the better one: so no order of ids decides."""
    create = "administrator", "createTerritory", "territory { id }"
    nodes = {"east": await trade.made(*create, name="East")}
    nodes["cyprus"] = await trade.made(*create, name="Cyprus", country="CY", parentId=nodes["east"])
    for name, given in {
        "larnaca": {"city": "Lárnaca"},
        "paphos": {"city": "Paphos"},
        "large": {"segment": "ENTERPRISE"},
    }.items():
        nodes[name] = await trade.made(*create, name=name, country="CY", **given)
    for persona in (ONE, OTHER):
        given = {"name": "Cyprus", "partnerId": await trade.partner(persona), "territoryId": nodes["cyprus"]}
        await trade.made("sales_manager", "createPartnerCoverage", "partnerCoverage { id }", level="PARTNER", **given)
    lead = "sales_manager", "createLead", "lead { id }"
    nodes["lead"] = await trade.made(*lead, name="Ilse Roth", country="CY", city="LARNACA", segment="SMALL_BUSINESS")
    nodes["spare"] = await trade.made(*lead, name="Ilse Roth")
    rows = {name: decode(node)[1] for name, node in nodes.items()}
    pair = [await trade.partner_row(persona) for persona in (ONE, OTHER)]
    async with trade.database.transaction(trade.organization, None, "test") as tx:
        connection = await tx.raw()
        await connection.execute("SAVEPOINT all_of_it")
        for text in (  # alike: no leads, no answers, no other coverages
            "UPDATE leads SET partner_id = NULL, accept_by = NULL WHERE partner_id IS NOT NULL",
            "UPDATE lead_offers SET offered_at = offered_at - interval '1000 days'",
            "UPDATE partner_coverages SET valid_until = now() WHERE name <> 'Cyprus' AND valid_from < now() AND valid_until > now()",
        ):
            await connection.execute(text)
        for what, changes in RULES.items():
            for better, worse in (pair, pair[::-1]):
                await connection.execute("SAVEPOINT one_case")
                for text in changes:
                    done = await connection.execute(text.format(better=better, worse=worse, **rows))
                    assert not done.endswith(" 0"), text
                assert await next_candidate(tx, trade.organization, rows["lead"]) == better, what
                await connection.execute("ROLLBACK TO one_case")
        await connection.execute("ROLLBACK TO all_of_it")
